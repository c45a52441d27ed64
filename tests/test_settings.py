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
        ("CPI_LIMITS", "EUR=lots"),
        ("POLL_SECONDS", "often"),
        ("EMAIL_URL", "pigeon://roof"),
        ("FIELDWATCH_PRODUCTION", "maybe"),
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
