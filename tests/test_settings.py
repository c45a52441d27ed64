"""Settings come from the environment; a wrong one stops the start and says what it takes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import certifi
import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

from dashboard import logs
from dashboard.settings.addresses import (
    DatabaseAddress,
    Domains,
    HostNames,
    MailServer,
    Places,
    PlacesOrDomains,
    ProxyAddress,
    RedisAddress,
    Sender,
    WebAddress,
    WebAddressOrNone,
)
from dashboard.settings.kinds import (
    AmountsByCurrency,
    CertificateFile,
    Choice,
    DecimalNumber,
    FernetKeys,
    Folder,
    Kind,
    Line,
    PathTemplate,
    RolesByGroup,
    Scopes,
    SecretText,
    Switch,
    Usernames,
    WholeNumber,
    WholeNumberOrNone,
    Words,
    ZonesByCountry,
)

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "dashboard" / "settings" / "__init__.py"
CODE = compile(SOURCE.read_text(), str(SOURCE), "exec")
KEY = "d2hhdGV2ZXIgdGhpcyBpcywgaXQgaXMgMzIgYnl0ZXM="
LONG_KEY = "Zk3-vT9q_xW1rB7nM5cL0sD8fG2hJ4kP6aQyUeIoRtEwCzXbNm"
PRODUCTION = {
    "FIELDWATCH_PRODUCTION": "1",
    "FIELDWATCH_URL": "https://fieldwatch.example.com",
    "SECRET_KEY": LONG_KEY,
    "ENCRYPTION_KEYS": KEY,
    "DATABASE_URL": "postgres://field:secret@database/fieldwatch",
    "TRUSTED_PROXIES": "1",
}
KEYS = {"SECRET_KEY": LONG_KEY, "ENCRYPTION_KEYS": KEY}  # with both no folder is made
OIDC = {"OIDC_URL": "https://login.example.com", "OIDC_CLIENT_ID": "fieldwatch"}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A state folder, and an environment that names it and nothing else."""
    for name in set(os.environ) - {"PATH"}:
        monkeypatch.delenv(name)
    monkeypatch.setenv("FIELDWATCH_HOME", str(tmp_path / "state"))
    hidden = set(logs._secrets)
    yield tmp_path / "state"
    logs._secrets.clear()
    logs._secrets.update(hidden)


def settings_with(**variables: str) -> SimpleNamespace:
    """The settings as a process of this environment reads them; all of the module is run."""
    with pytest.MonkeyPatch.context() as patch:
        for name, text in variables.items():
            patch.setenv(name, text)
        names: dict[str, Any] = {"__name__": "dashboard.settings", "__file__": str(SOURCE)}
        exec(CODE, names)  # noqa: S102
    return SimpleNamespace(**names)


def refusal(**variables: str) -> str:
    """What the start ends with; empty if nothing stops it."""
    try:
        settings_with(**variables)
    except ImproperlyConfigured as wrong:
        return str(wrong)
    return ""


# Of no kind: spaces around a value, line breaks and other characters that nobody sees.
NEVER = [" ", "\t", "\n", "1\n2", "\x7f", "\udcff", "\u2028", "\u00a0", " 5", "INFO "]
HUGE = "9" * 40


def wrong_values(kind: Kind[object]) -> list[str]:  # noqa: PLR0911  one for each kind
    """Texts that are no value of a kind, ten or more beside those that never are."""
    match kind:
        case WholeNumberOrNone(least, most):
            return [*wrong_values(WholeNumber(least, most)), "nil", "all"]
        case WholeNumber(least, most):
            beyond = [str(least - 1), str(most + 1), "-3", HUGE, f"+{least}", f"{least}.5"]
            return ["", *beyond, *["1e3", "0x10", "1_0", "１２", "NaN", "inf", "many", "5,5", "5s"]]
        case DecimalNumber(least, most):
            beyond = [f"{least - 0.5:g}", f"{most + 0.5:g}", "-1", HUGE, f"+{least:g}"]
            return ["", *beyond, *["1e2", "nan", "inf", "-inf", "1,5", "２", "20s", "1.", "."]]
        case Choice(words):
            near = [f"{word}{tail}" for word in words for tail in ("x", ".", " x")]
            return ["", "0", "loud", *near, *(word.swapcase() for word in words)]
        case SecretText(shortest):
            few = ["k" * (shortest - 1), "k" * 60, "kl" * 30] if shortest > 1 else []
            odd = [f"{LONG_KEY}{tail}" for tail in ("é", "\u200b", "\x1b", f" {LONG_KEY}")]
            return ["", *few, *odd, "two words", "ключ" * 20, "é" * 60, "“quoted”", "🔑" * 60, "ß"]
        case PathTemplate(placeholders):
            return wrong_templates("/" + "/".join(f"{{{name}}}" for name in placeholders))
    return ["", *WRONG[type(kind)], *wrong_addresses(kind)]


WRONG: dict[type, list[str]] = {
    WebAddress: ["nowhere", "//nowhere", "nowhere.example/x"],
    WebAddressOrNone: ["None", "nowhere", "//nowhere", "nowhere.example/x", "none "],
    Words: [
        *(",", "a", "ab", "acme,", ",acme", "acme,,field", "acme;field", "acme/field", "-acme"),
        *("acme-", "acme  field", "<acme>", "x" * 61, "acme@example.com"),
    ],
    ProxyAddress: ["proxy", "proxy:3128", "socks5://proxy:1080", "ftp://proxy", "//proxy"],
    Switch: ["2", "-1", "01", "1.0", "maybe", "null", "tru", "yes please", "ｙｅｓ", "y", "ok"],
    Line: [
        "x" * 201,
        "é" * 201,
        "a\tb",
        "a\rb",
        "a\x1bb",
        "a\u200bb",
        " a",
        "a ",
        "a\x85b",
        "\u3000",
    ],
    FernetKeys: [
        *("abc", KEY[:-1], KEY[:-4], f"{KEY},", f",{KEY}", f"{KEY},abc", f"{KEY};{KEY}"),
        *("é" * 44, "=" * 44, "A" * 44 + "=", f"{KEY}\u200b"),
    ],
    Folder: [
        *("~", "~/state", "~anna/state", "/etc/passwd", "/dev/null", "/etc/hostname"),
        *("x" * 300, f"/{'x' * 5000}", "/etc/passwd/state", "/etc/passwd/x/../../passwd"),
    ],
    CertificateFile: [
        *("~/ca.pem", "/etc", "/nowhere/ca.pem", "/dev/null", "/etc/passwd", "ca.pem", "./ca.pem"),
        *(str(SOURCE), "x" * 300, f"/{'x' * 5000}", f"{certifi.where()}/x", "/etc/passwd/ca.pem"),
    ],
    Usernames: [
        *(",", "anna,", ",anna", "anna ben", "anna;ben", "anna/ben", "anna,,ben", "<anna>"),
        *("anna:1", "x" * 151),
    ],
    RolesByGroup: [
        *(",", "leads", "leads=", "=viewer", "leads=owner", "leads=Viewer", "leads=viewer@"),
        *("leads=viewer,,all=viewer", "leads:viewer", "leads=viewer;all=viewer", "a=b=viewer"),
    ],
    Scopes: [
        *("email", "openid,email", "OpenID", "openid  email", "openid\u00a0email", "profile email"),
        *("open id", "é openid", "openid é", "openidx", "xopenid"),
    ],
    AmountsByCurrency: [
        *("EUR", "EUR=", "=5", "EUR=lots", "EUR=-5", "EUR=0", "EUR=NaN", "EUR=inf", "EURO=5"),
        *("€=5", "EUR=1e3", f"EUR={HUGE}", "EUR=5,EUR=6", "EUR=5,", "EUR=５", "EUR=9,50"),
    ],
    ZonesByCountry: [
        *("us", "us=", "=UTC", "us=Mars/Base", "us=../etc/passwd", "us=America", "usa=UTC"),
        *("us=UTC,US=UTC", "us=UTC,", "us=utc+2", "us=/etc/localtime", "üs=UTC"),
    ],
    DatabaseAddress: [
        *("nonsense", "mysql://root@127.0.0.1/x", "oracle://root@127.0.0.1/x", "/a/path"),
        *("mongodb://somewhere/x", "postgres://host", "postgres://host/", "postgres://host/a/b"),
        *("sqlite://", "sqlite:///relative.sqlite3", "sqlite:////", "sqlite:///:memory:"),
    ],
    RedisAddress: [
        *("foo", "localhost:6379", "amqp://host", "redis://host/x", "redis://host/1/2"),
        *("unix://", "unix://relative", "redis+socket:///x"),
    ],
    MailServer: [
        *("pigeon://roof", "smtp://host:25/folder", "smtp://host/?ssl=perhaps"),
        *("smtp://host/?tls=", "smtp://host/?color=red"),
    ],
    Sender: [
        *("x", "x@", "@example.com", "a@b", "a@example.com,b@example.com", "Name", "Name <x>"),
        *("Name <a@example.com", "<>", "a b@example.com", "a@exa mple.com"),
    ],
    HostNames: [
        *(",", "a,", "https://example.com", "example.com/x", "example.com:80", "exa mple.com"),
        *("*.example.com", "-a.example.com", "a..example.com", "é.example", "x" * 64),
        ".".join(["x" * 60] * 5),
    ],
    Places: [
        *(",", "a,", "https://api.cint.com", "api.cint.com/v1", "api.cint.com:0", "*"),
        *("api.cint.com:70000", "api.cint.com:", "api.cint.com:http", "*.cint.com"),
        *("a@api.cint.com", "api .cint.com", "é.cint.com"),
    ],
    PlacesOrDomains: [
        *(",", "a,", "https://hooks.slack.com", "hooks.slack.com/x", "hooks.slack.com:0", "*"),
        *("..example.com", ".", ".com", "*.example.com", "a@b.com", "é.example.com", ".a b.com"),
    ],
    Domains: [
        *(",", "*", "com", "@example.com", "a@example.com", "*.example.com", "example.com/x"),
        *("example.com;example.org", "example.com,,example.org", "https://example.com"),
        *("ex ample.com", "é.example"),
    ],
}


def wrong_templates(whole: str) -> list[str]:
    """Paths that miss a placeholder of the whole one, or hold more than it."""
    more = [f"{whole}{tail}" for tail in ("?x=1", " /", whole, "/{}", "{", "}", "/{other}")]
    fewer = ["", "/", "/re-entry", whole[1:], whole.replace("{", ""), whole.rpartition("/")[0]]
    odd = [whole.replace("}", tail) for tail in ("!r}", ".real}", ":5}")]
    return [*more, *fewer, *odd, f"https://elsewhere.example{whole}"]


SCHEMES: dict[type, str] = {
    WebAddress: "https",
    WebAddressOrNone: "https",
    ProxyAddress: "http",
    DatabaseAddress: "postgres",
    RedisAddress: "redis",
    MailServer: "smtp",
}


def wrong_addresses(kind: Kind[object]) -> list[str]:
    """Addresses whose scheme, host or port is wrong, for a kind that takes addresses."""
    if type(kind) not in SCHEMES:
        return []
    after = ["", "/", ":25", "host:abc", "host:0", "host:70000", "host:", "user@", "ho st", "höst"]
    after += ["[::1", "a..b", "-host", "host\\name", "user:word@:25", "host:25:25"]
    if kind == DatabaseAddress():  # without a host it is a local socket
        after = [f"{words}/name" for words in after[2:] if words != "user@"]
    if kind == ProxyAddress():
        after += ["host/path", "host?x=1", "host/#x"]
    if kind == WebAddress(takes_path=False):
        after += ["host/path", "host/a/b/", "host?x=1", "host/#x", "user:word@host"]
    return [*(f"{SCHEMES[type(kind)]}://{words}" for words in after), "file:///etc/passwd"]


def test_a_state_folder_that_cannot_be_written_stops_the_start(tmp_path: Path) -> None:
    cut = tmp_path / "cut"
    (cut / "secret_key").mkdir(parents=True)  # a folder where its file belongs
    for folder in ("/proc/state", "/proc/1/state", "/sys/state", str(cut)):
        why = refusal(FIELDWATCH_HOME=folder)
        assert why.startswith(f"FIELDWATCH_HOME takes a folder that can be written: {folder}"), why


def test_every_wrong_value_stops_the_start_and_says_what_the_variable_takes(home: Path) -> None:
    variables = settings_with().env.kinds
    assert len(variables) > 40
    problems = []
    for name, kind in variables.items():
        wrong = set(wrong_values(kind)) - set(RIGHT[name])  # of some an empty text means none
        assert len(wrong) >= 10, name
        for text in {*wrong, *NEVER}:
            said = refusal(**{name: text})
            if not said.startswith(f"{name} takes {kind.takes}"):
                problems.append(f"{name}={text!a}: {said or 'it starts'}")
            elif kind.is_secret and len(text) > 6 and text in said.replace(kind.takes, ""):
                problems.append(f"{name}={text!a} is shown: {said}")
    assert problems == []


RIGHT: dict[str, list[str]] = {
    "FIELDWATCH_PRODUCTION": ["0", "false", "off", "NO"],
    "DEBUG": ["1", "true", "on", "Yes", "0"],
    "FIELDWATCH_HOME": ["/tmp", "elsewhere/state", "/tmp/Größe/a b"],  # noqa: S108
    "PORT": ["1", "65535"],
    "FIELDWATCH_STATIC": ["/srv/static"],
    "FIELDWATCH_URL": ["http://10.0.0.7:8000", "https://example.com/", "http://[::1]:8000"],
    "SECRET_KEY": ["", LONG_KEY, f"{LONG_KEY}!@#$%^&*(-_=+)"],
    "ENCRYPTION_KEYS": ["", KEY, f"{KEY},{KEY}", f"{KEY}, {KEY}"],
    "ALLOWED_HOSTS": ["", "*", "example.com", ".example.com, 10.0.0.7,localhost,[::1],web_1"],
    "DATABASE_URL": [
        *("", "postgres://u:p%40ss@host:5432/name?sslmode=require", "postgresql:///name"),
        *("postgres://%2Fvar%2Frun%2Fpostgresql/name", "sqlite:////tmp/a.sqlite3"),
    ],
    "REDIS_URL": [
        *("", "redis://host", "redis://host:6379/3", "rediss://:p%20w@redis.example:6380/0"),
        *("unix:///run/redis.sock", "redis://[::1]:6379/0"),
    ],
    "EXCHANGE_ALLOWED_HOSTS": [
        *("127.0.0.1:8080", "API.cint.com, auth.lucidhq.com", "[::1]:80", "127.0.0.1:*"),
    ],
    "EXCHANGE_CA_FILE": ["", certifi.where()],
    "SSL_CERT_FILE": ["", certifi.where()],
    "HTTPS_PROXY": ["", "http://proxy:3128", "https://u:p%40ss@10.0.0.7:8080/"],
    "HTTP_PROXY": ["", "http://[::1]:3128"],
    "ALL_PROXY": ["", "http://proxy:3128"],
    "EXCHANGE_RE_ENTRY_PATH": ["/x/{project_id}/{account_id}/{target_group_id}"],
    "EXCHANGE_TIMEOUT_SECONDS": ["1", "2.5", "300"],
    "CPI_LIMITS": ["", "eur=97.50", "EUR=97.50, GBP=83"],
    "CPI_JUMP_PERCENT": ["0", "1000"],
    "POLL_SECONDS": ["1", "86400"],
    "BEAT_SECONDS": ["1", "60"],
    "REQUESTS_PER_MINUTE": ["0", "100000"],
    "PROCESSES": ["1"],
    "WORKER_THREADS": ["1", "100"],
    "WEBHOOK_TOLERANCE_SECONDS": ["1"],
    "WEBHOOK_DAYS": ["1"],
    "READING_DAYS": ["1", "90"],
    "READING_HOURLY_DAYS": ["14", "3650"],
    "CYCLE_DAYS": ["1"],
    "AUDIT_DAYS": ["0", "365"],
    "MAIL_DAYS": ["0", "30"],
    "COUNTRY_ZONES": ["", "us=America/Chicago", "US=America/Chicago, br=America/Manaus"],
    "CHANNEL_ALLOWED_HOSTS": [
        *("127.0.0.1:8080", "Hooks.example.com, .example.org", ".example.org:8443,relay:*"),
    ],
    "API_REQUESTS_PER_MINUTE": ["1", "6000"],
    "EMAIL_URL": [
        *("", "smtp://mail.example:25", "submission://u:p@mail.example:587"),
        *("smtp://u:p%2Fw@mail.example:465/?ssl=True", "smtp://u%40x:p@10.0.0.7"),
    ],
    "DEFAULT_FROM_EMAIL": [
        *("a@example.com", "Fieldwatch <a@localhost>", "Größe GmbH <a@example.com>"),
        '"Field, watch" <a@example.com>',
    ],
    "LOG_LEVEL": ["DEBUG", "ERROR"],
    "LOG_FORMAT": ["json"],
    "HEARTBEAT_URL": ["", "https://hc.example/ping/1?x=1"],
    "METRICS_TOKEN": ["", LONG_KEY[:16]],
    "TRUSTED_PROXIES": ["", "0", "none", "NONE", "10"],
    "SESSION_HOURS": ["1", "2160"],
    "SESSION_IDLE_MINUTES": ["5", "480"],
    "PASSWORD_WORDS": ["", "Acme", "Größe GmbH, acme-field,R&D,x2y"],
    "BREACHED_PASSWORDS_URL": ["", "none", "https://hashes.example/range", "http://10.0.0.7/"],
    "SECOND_FACTOR_REQUIRED": ["1"],
    "SSO_ONLY": ["0", "1"],
    "SSO_ONLY_EXCEPT": ["", "Anna, ben", "anna@example.com", "jürgen"],
    "OIDC_URL": ["", "https://login.example.com/realm", "http://127.0.0.1:9000"],
    "OIDC_NAME": ["Größe GmbH"],
    "OIDC_CLIENT_ID": ["", "https://client.example/7 of 9"],
    "OIDC_CLIENT_SECRET": ["", "x", "s3cret~!"],
    "OIDC_TRUSTED_DOMAINS": ["", "Example.com", "example.com, example.org,"],
    "OIDC_SCOPE": ["openid", "openid profile email groups"],
    "OIDC_GROUPS_CLAIM": ["groups", "https://example.com/groups"],
    "OIDC_ROLES": ["", "leads=editor", "Field leads=administrator@main, all=viewer"],
    "SECURE_SSL_REDIRECT": ["0", "1"],
    "SECURE_HSTS_INCLUDE_SUBDOMAINS": ["1"],
    "SECURE_HSTS_PRELOAD": ["0"],
}


def test_every_right_value_starts(home: Path) -> None:
    assert set(settings_with().env.kinds) == set(RIGHT)
    needs = {"SSO_ONLY_EXCEPT": {"SSO_ONLY": "1"}}
    problems = []
    for name, texts in RIGHT.items():
        around = (OIDC if name.startswith(("OIDC", "SSO")) else {}) | needs.get(name, {})
        for text in texts:
            if said := refusal(**(KEYS | (around if text else {}) | {name: text})):
                problems.append(f"{name}={text!r}: {said}")
    assert problems == []


def test_what_values_become(home: Path) -> None:
    chosen = settings_with(
        **OIDC,
        CPI_LIMITS="eur=97.50",
        COUNTRY_ZONES="US=America/Chicago",
        EXCHANGE_ALLOWED_HOSTS="API.cint.com, 127.0.0.1:80",
        OIDC_TRUSTED_DOMAINS="Example.com,",
        SSO_ONLY="1",
        SSO_ONLY_EXCEPT="Anna, ben",
        TRUSTED_PROXIES="none",
        FIELDWATCH_URL="https://example.com:8443/",
        EXCHANGE_TIMEOUT_SECONDS="2.5",
    )
    assert {"USD": Decimal("105.00"), "EUR": Decimal("97.50")} == chosen.CPI_LIMITS
    assert chosen.COUNTRY_ZONES == {"us": "America/Chicago"}
    assert chosen.EXCHANGE_ALLOWED_HOSTS == ["api.cint.com", "127.0.0.1:80"]
    assert {"example.com"} == chosen.OIDC_TRUSTED_DOMAINS
    assert (chosen.SSO_ONLY, chosen.SSO_ONLY_EXCEPT) == (True, ["anna", "ben"])
    assert chosen.TRUSTED_PROXIES == 0
    assert chosen.FIELDWATCH_URL == "https://example.com:8443"
    assert chosen.ALLOWED_HOSTS == ["example.com", "127.0.0.1", "localhost"]
    assert chosen.EXCHANGE_TIMEOUT_SECONDS == 2.5
    assert chosen.CONTENT_SECURITY_POLICY["DIRECTIVES"]["form-action"][1:] == [OIDC["OIDC_URL"]]
    assert len(settings_with().CONTENT_SECURITY_POLICY["DIRECTIVES"]["form-action"]) == 1


def test_variables_that_do_not_fit_together_stop_the_start(home: Path) -> None:
    problems = []
    for variables, words in (
        ({"OIDC_URL": "https://login.example.com"}, "OIDC_URL and OIDC_CLIENT_ID are set together"),
        ({"OIDC_CLIENT_ID": "fieldwatch"}, "OIDC_URL and OIDC_CLIENT_ID are set together"),
        ({"OIDC_CLIENT_SECRET": "secret"}, "OIDC_CLIENT_SECRET only with them"),
        ({"OIDC_TRUSTED_DOMAINS": "example.com"}, "OIDC_TRUSTED_DOMAINS is set only with OIDC_URL"),
        ({"SSO_ONLY": "1"}, "SSO_ONLY needs OIDC_URL"),
        ({"SSO_ONLY_EXCEPT": "anna"}, "SSO_ONLY_EXCEPT names exceptions to SSO_ONLY"),
        (OIDC | {"SSO_ONLY_EXCEPT": "anna"}, "SSO_ONLY_EXCEPT names exceptions to SSO_ONLY"),
        ({"READING_DAYS": "91"}, "READING_HOURLY_DAYS takes at least as many days"),
        ({"SECURE_HSTS_PRELOAD": "1"}, "SECURE_HSTS_PRELOAD needs SECURE_HSTS_INCLUDE_SUBDOMAINS"),
    ):
        if words not in (said := refusal(**variables)):
            problems.append(f"{variables}: {said or 'it starts'}")
    assert problems == []


def test_production_starts_with_nothing_home_made(home: Path) -> None:
    assert refusal(**PRODUCTION) == ""
    problems = []
    for name in PRODUCTION.keys() - {"FIELDWATCH_PRODUCTION"}:
        others = {key: text for key, text in PRODUCTION.items() if key != name}
        if not (said := refusal(**others)).startswith(name):
            problems.append(f"without {name}: {said or 'it starts'}")
    for variables, words in (
        ({"FIELDWATCH_URL": "http://example.com"}, "FIELDWATCH_URL takes an https:// address"),
        ({"DATABASE_URL": "sqlite:////tmp/x.sqlite3"}, "DATABASE_URL takes postgres://"),
        ({"SECRET_KEY": ""}, "SECRET_KEY must be set in production"),
        ({"TRUSTED_PROXIES": ""}, "TRUSTED_PROXIES must be set in production"),
        ({"ENCRYPTION_KEYS": ""}, "ENCRYPTION_KEYS must be set in production"),
    ):
        if words not in (said := refusal(**(PRODUCTION | variables))):
            problems.append(f"{variables}: {said or 'it starts'}")
    assert problems == []
    assert not home.exists()  # neither keys nor tables


def test_in_production_single_sign_on_goes_over_https_alone(home: Path) -> None:
    assert refusal(**PRODUCTION, **OIDC) == ""
    for address in ("http://login.example.com", "http://127.0.0.1:9000/realm"):
        plain = OIDC | {"OIDC_URL": address}
        assert refusal(**plain) == ""
        assert "OIDC_URL takes an https:// address in production" in refusal(**PRODUCTION, **plain)


def test_in_production_stolen_passwords_are_asked_for_over_https_alone(home: Path) -> None:
    assert settings_with().BREACHED_PASSWORDS_URL == ""
    assert settings_with(**PRODUCTION).BREACHED_PASSWORDS_URL.startswith("https://")
    for chosen, becomes in (("none", ""), ("https://hashes.example/r", "https://hashes.example/r")):
        variables = PRODUCTION | {"BREACHED_PASSWORDS_URL": chosen}
        assert becomes == settings_with(**variables).BREACHED_PASSWORDS_URL
    plain = {"BREACHED_PASSWORDS_URL": "http://hashes.example/range"}
    assert refusal(**plain) == ""
    assert "takes an https:// address in production" in refusal(**PRODUCTION, **plain)


def test_debug_pages_are_refused_in_production(home: Path) -> None:
    assert refusal(DEBUG="1") == ""
    assert refusal(**PRODUCTION, DEBUG="1").startswith("DEBUG shows settings on error pages")


def test_in_production_cookies_are_bound_to_the_host_and_end_within_the_day(home: Path) -> None:
    chosen = settings_with(**PRODUCTION)
    assert chosen.SESSION_COOKIE_NAME == "__Host-sessionid"
    assert chosen.CSRF_COOKIE_NAME == "__Host-csrftoken"
    assert chosen.DEVICE_COOKIE_NAME == "__Host-device"
    assert (chosen.SESSION_COOKIE_SECURE, chosen.SESSION_COOKIE_AGE) == (True, 12 * 3600)


def test_hosts_below_ours_are_bound_to_https_only_where_somebody_chose_so(home: Path) -> None:
    below = {"SECURE_HSTS_INCLUDE_SUBDOMAINS": "1"}
    for choice, wanted in (
        ({}, (False, False)),
        (below, (True, False)),
        (below | {"SECURE_HSTS_PRELOAD": "1"}, (True, True)),
    ):
        chosen = settings_with(**PRODUCTION, **choice)
        assert chosen.SECURE_HSTS_SECONDS == 365 * 24 * 3600
        assert wanted == (chosen.SECURE_HSTS_INCLUDE_SUBDOMAINS, chosen.SECURE_HSTS_PRELOAD)


def test_the_redirect_to_https_is_turned_off_by_a_word_that_says_so(home: Path) -> None:
    for text, is_on in (("false", False), ("no", False), ("1", True)):
        chosen = settings_with(**PRODUCTION, SECURE_SSL_REDIRECT=text)
        assert chosen.SECURE_SSL_REDIRECT is is_on
        assert not settings_with(SECURE_SSL_REDIRECT=text).SECURE_SSL_REDIRECT


def test_a_switch_is_read_as_on_or_off_and_never_by_being_there(home: Path) -> None:
    for text, is_on in (("0", False), ("false", False), ("off", False), ("yes", True)):
        assert settings_with(DEBUG=text).DEBUG is is_on
        assert settings_with(SECOND_FACTOR_REQUIRED=text).SECOND_FACTOR_REQUIRED is is_on


def test_without_a_mail_server_mails_are_files(home: Path) -> None:
    chosen = settings_with()
    assert "filebased" in chosen.EMAIL_BACKEND
    assert str(home / "mail") == chosen.EMAIL_FILE_PATH


def test_a_mail_server_is_one_address_and_leaves_the_sender(home: Path) -> None:
    chosen = settings_with(
        EMAIL_URL="submission://u:p@mail.example:587", DEFAULT_FROM_EMAIL="field@example.com"
    )
    assert chosen.EMAIL_BACKEND.endswith("smtp.EmailBackend")
    assert (chosen.EMAIL_HOST, chosen.EMAIL_PORT) == ("mail.example", 587)
    assert chosen.EMAIL_USE_TLS
    assert chosen.DEFAULT_FROM_EMAIL == "field@example.com"


def test_secrets_are_made_once_and_for_their_owner_alone(home: Path) -> None:
    first = settings_with()
    assert (home / "secret_key").read_text() == first.SECRET_KEY
    assert settings_with().SECRET_KEY == first.SECRET_KEY
    Fernet(first.ENCRYPTION_KEYS[0])
    assert (home / "secret_key").stat().st_mode & 0o777 == 0o600
    assert (home / "encryption_key").stat().st_mode & 0o777 == 0o600
    assert home.stat().st_mode & 0o777 == 0o700  # the database lies there


PROGRAMS = {
    "web": ("gunicorn", "dashboard.wsgi", "--preload", "--bind", "127.0.0.1:0"),
    "worker": ("dashboard.management.worker",),
    "beat": ("celery", "-A", "dashboard", "beat", "--schedule", "beat-schedule"),
    "command": ("django", "migrate", "--check"),
}


def ended(home: str, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """A program of this environment that has ended."""
    return subprocess.run(
        [sys.executable, *words],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "FIELDWATCH_HOME": home} | variables,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_program_ends_with_the_name_of_a_wrong_variable(home: Path, program: str) -> None:
    stopped = ended(
        *(str(home), "-m", *PROGRAMS[program]),
        DJANGO_SETTINGS_MODULE="dashboard.settings",
        POLL_SECONDS="-3",
    )
    assert stopped.returncode != 0
    last = stopped.stderr.strip().splitlines()[-1]
    assert last.endswith("POLL_SECONDS takes a whole number from 1 to 86400, not '-3'")
    assert not home.exists()


def test_a_worker_starts_without_what_only_pages_need(home: Path) -> None:
    """Its settings install no sign-in: nothing that tasks import may ask for its tables."""
    script = "import django; django.setup(); import dashboard.tasks"
    loaded = ended(str(home), "-c", script, DJANGO_SETTINGS_MODULE="dashboard.settings.worker")
    assert (loaded.returncode, loaded.stderr) == (0, "")
