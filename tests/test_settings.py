"""Settings come from the environment; a wrong one stops the start and says what it takes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SHOW = """
import json
from django.conf import settings
names = ["EMAIL_BACKEND", "EMAIL_HOST", "EMAIL_PORT", "EMAIL_USE_TLS", "DEFAULT_FROM_EMAIL"]
print(json.dumps({name: getattr(settings, name) for name in names}))
"""


def started(home: Path, script: str = SHOW, **variables: str) -> subprocess.CompletedProcess[str]:
    """A process that reads the settings with these variables and no others."""
    return subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "DJANGO_SETTINGS_MODULE": "dashboard.settings",
            "FIELDWATCH_HOME": str(home),
        }
        | variables,
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_a_mail_server_mails_are_files(tmp_path: Path) -> None:
    assert "filebased" in json.loads(started(tmp_path).stdout)["EMAIL_BACKEND"]


def test_a_mail_server_is_one_address(tmp_path: Path) -> None:
    told = json.loads(started(tmp_path, EMAIL_URL="submission://u:p@mail.example:587").stdout)
    assert told["EMAIL_BACKEND"].endswith("smtp.EmailBackend")
    assert (told["EMAIL_HOST"], told["EMAIL_PORT"], told["EMAIL_USE_TLS"]) == (
        "mail.example",
        587,
        True,
    )


def test_the_sender_stays_what_it_was_set_to(tmp_path: Path) -> None:
    told = started(
        tmp_path, EMAIL_URL="smtp://mail.example:25", DEFAULT_FROM_EMAIL="field@example.com"
    )
    assert json.loads(told.stdout)["DEFAULT_FROM_EMAIL"] == "field@example.com"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "eight"),
        ("PORT", "70000"),
        ("DATABASE_URL", "mongodb://somewhere/x"),
        ("DATABASE_URL", "nonsense"),
        ("DATABASE_URL", "mysql://root@127.0.0.1/x"),
        ("DATABASE_URL", "oracle://root@127.0.0.1/x"),
        ("OIDC_URL", "https://login.example.com"),
        ("OIDC_URL", "login.example.com"),
        ("OIDC_CLIENT_ID", "fieldwatch"),
        ("OIDC_CLIENT_SECRET", "secret"),
        ("OIDC_TRUSTED_DOMAINS", "example.com"),
        ("OIDC_ROLES", "leads=owner"),
        ("OIDC_SCOPE", "email"),
        ("CPI_LIMITS", "EUR=lots"),
        ("POLL_SECONDS", "often"),
        ("EMAIL_URL", "pigeon://roof"),
        ("FIELDWATCH_PRODUCTION", "maybe"),
        ("SECOND_FACTOR_REQUIRED", "maybe"),
        ("SSO_ONLY", "maybe"),
        ("SSO_ONLY", "1"),
        ("SSO_ONLY_EXCEPT", "anna"),
    ],
)
def test_a_wrong_value_stops_the_start_and_names_the_variable(
    tmp_path: Path, name: str, value: str
) -> None:
    ended = started(tmp_path, **{name: value})
    assert ended.returncode != 0
    last = ended.stderr.strip().splitlines()[-1]
    assert "ImproperlyConfigured" in last
    assert name in last


def test_single_sign_on_takes_its_address_and_its_client_together(tmp_path: Path) -> None:
    both = {"OIDC_URL": "https://login.example.com", "OIDC_CLIENT_ID": "fieldwatch"}
    assert started(tmp_path, **both).returncode == 0


@pytest.mark.parametrize("wrong", ["*", "com", "@example.com", "a@example.com", "*.example.com"])
def test_whole_domains_are_trusted_and_nothing_wider(tmp_path: Path, wrong: str) -> None:
    both = {"OIDC_URL": "https://login.example.com", "OIDC_CLIENT_ID": "fieldwatch"}
    ended = started(tmp_path, OIDC_TRUSTED_DOMAINS=f"example.org,{wrong}", **both)
    assert ended.returncode != 0
    assert "OIDC_TRUSTED_DOMAINS takes domains such as" in ended.stderr
    right = started(tmp_path, OIDC_TRUSTED_DOMAINS="Example.com, example.org,", **both)
    assert right.returncode == 0


@pytest.mark.parametrize("address", ["http://login.example.com", "http://127.0.0.1:9000/realm"])
def test_in_production_single_sign_on_goes_over_https_alone(tmp_path: Path, address: str) -> None:
    both = {"OIDC_URL": address, "OIDC_CLIENT_ID": "fieldwatch"}
    assert started(tmp_path, **both).returncode == 0
    ended = started(tmp_path, FIELDWATCH_PRODUCTION="1", **both)
    assert ended.returncode != 0
    assert "OIDC_URL takes an https:// address in production" in ended.stderr
    secure = both | {"OIDC_URL": "https://login.example.com"}
    assert started(tmp_path, FIELDWATCH_PRODUCTION="1", **secure).returncode == 0


HSTS = """
from django.conf import settings as s
print(s.SECURE_HSTS_SECONDS, s.SECURE_HSTS_INCLUDE_SUBDOMAINS, s.SECURE_HSTS_PRELOAD)
"""
BOTH = {"SECURE_HSTS_INCLUDE_SUBDOMAINS": "1", "SECURE_HSTS_PRELOAD": "1"}


@pytest.mark.parametrize(
    ("chosen", "wanted"),
    [
        ({}, ["False", "False"]),
        ({"SECURE_HSTS_INCLUDE_SUBDOMAINS": "1"}, ["True", "False"]),
        (BOTH, ["True", "True"]),
    ],
)
def test_hosts_below_ours_are_bound_to_https_only_where_somebody_chose_so(
    tmp_path: Path, chosen: dict[str, str], wanted: list[str]
) -> None:
    told = started(tmp_path, HSTS, FIELDWATCH_PRODUCTION="1", **chosen).stdout.split()
    assert told == [str(365 * 24 * 3600), *wanted]


def test_preloading_takes_the_hosts_below_ours_too(tmp_path: Path) -> None:
    ended = started(tmp_path, FIELDWATCH_PRODUCTION="1", SECURE_HSTS_PRELOAD="1")
    assert "SECURE_HSTS_INCLUDE_SUBDOMAINS" in ended.stderr.strip().splitlines()[-1]


def test_names_that_sign_in_in_need_are_read_whatever_their_case(tmp_path: Path) -> None:
    script = "from django.conf import settings as s; print(s.SSO_ONLY, s.SSO_ONLY_EXCEPT)"
    given = {"OIDC_URL": "https://login.example.com", "OIDC_CLIENT_ID": "fieldwatch"}
    given |= {"SSO_ONLY": "1", "SSO_ONLY_EXCEPT": "Anna, ben"}
    assert started(tmp_path, script, **given).stdout.strip() == "True ['anna', 'ben']"


COOKIES = """
from django.conf import settings as s
print(s.SESSION_COOKIE_NAME, s.CSRF_COOKIE_NAME, s.SESSION_COOKIE_SECURE, s.SESSION_COOKIE_AGE)
"""


def test_in_production_cookies_are_bound_to_the_host_and_end_within_the_day(tmp_path: Path) -> None:
    told = started(tmp_path, COOKIES, FIELDWATCH_PRODUCTION="1").stdout.split()
    assert told == ["__Host-sessionid", "__Host-csrftoken", "True", str(12 * 3600)]


SWITCHES = """
from django.conf import settings as s
print(s.PRODUCTION, s.DEBUG, getattr(s, "SECURE_SSL_REDIRECT", None))
"""


@pytest.mark.parametrize("name", ["FIELDWATCH_PRODUCTION", "DEBUG"])
def test_a_switch_is_read_as_on_or_off_and_never_by_being_there(tmp_path: Path, name: str) -> None:
    place = ("FIELDWATCH_PRODUCTION", "DEBUG").index(name)
    for text, on in (("0", "False"), ("false", "False"), ("off", "False"), ("yes", "True")):
        assert started(tmp_path, SWITCHES, **{name: text}).stdout.split()[place] == on
    for text in ("", "2", "null", "maybe"):
        assert started(tmp_path, SWITCHES, **{name: text}).returncode != 0, text


def test_the_redirect_to_https_is_turned_off_by_a_word_that_says_so(tmp_path: Path) -> None:
    for text, on in (("false", "False"), ("no", "False"), ("1", "True")):
        told = started(tmp_path, SWITCHES, FIELDWATCH_PRODUCTION="1", SECURE_SSL_REDIRECT=text)
        assert told.stdout.split()[2] == on
    wrong = started(tmp_path, SWITCHES, FIELDWATCH_PRODUCTION="1", SECURE_SSL_REDIRECT="maybe")
    assert "SECURE_SSL_REDIRECT" in wrong.stderr


def test_debug_pages_are_refused_in_production(tmp_path: Path) -> None:
    ended = started(tmp_path, FIELDWATCH_PRODUCTION="1", DEBUG="1")
    assert "DEBUG" in ended.stderr.strip().splitlines()[-1]
    assert ended.returncode != 0


def test_secrets_are_made_once_and_for_their_owner_alone(tmp_path: Path) -> None:
    home = tmp_path / "state"
    started(home)
    first = (home / "secret_key").read_text()
    started(home)
    assert (home / "secret_key").read_text() == first
    assert (home / "secret_key").stat().st_mode & 0o777 == 0o600
    assert (home / "encryption_key").stat().st_mode & 0o777 == 0o600
    assert home.stat().st_mode & 0o777 == 0o700  # the database lies there


def test_a_heartbeat_goes_to_an_address_of_the_web_only(tmp_path: Path) -> None:
    stopped = started(tmp_path, HEARTBEAT_URL="file:///etc/passwd")
    assert stopped.returncode != 0
    assert "HEARTBEAT_URL takes an http:// or https:// address" in stopped.stderr
    assert started(tmp_path, HEARTBEAT_URL="https://hc.example/ping/1").returncode == 0


def test_a_worker_starts_without_what_only_pages_need(tmp_path: Path) -> None:
    """Its settings install no sign-in: nothing that tasks import may ask for its tables."""
    script = "import django; django.setup(); import dashboard.tasks"
    ended = started(tmp_path, script, DJANGO_SETTINGS_MODULE="dashboard.settings.worker")
    assert (ended.returncode, ended.stderr) == (0, "")
