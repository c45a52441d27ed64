"""All settings: the only place that reads the environment.

Each variable is read here by its kind (`kinds.py`, `addresses.py`): an invalid one stops the start
with its name and what it takes. With nothing set, Fieldwatch runs on embedded defaults: SQLite and
its own Redis in the state folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import tempfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

from dashboard import logs
from dashboard.settings import base
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
from dashboard.settings.base import *  # noqa: F403  what no environment changes
from dashboard.settings.environment import Environment
from dashboard.settings.kinds import (
    AmountsByCurrency,
    CertificateFile,
    Choice,
    DecimalNumber,
    FernetKeys,
    Folder,
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

BASE_DIR = Path(__file__).resolve().parent.parent.parent
env = Environment(os.environ)


def _stored_secret(folder: Path, name: str, make: Callable[[], str]) -> str:
    """Return a secret of the state folder; create it at the first start, readable by its owner."""
    path = folder / name
    try:
        if not path.exists():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # the database goes there too
            draft = folder / f".{name}.{secrets.token_hex(4)}"
            draft.touch(mode=0o600)
            draft.write_text(make())
            with contextlib.suppress(FileExistsError):  # the first of several processes wins
                path.hardlink_to(draft)
            draft.unlink()
        return path.read_text().strip()
    except OSError as exc:
        raise ImproperlyConfigured(
            f"FIELDWATCH_HOME takes a folder that can be written: {path}: {exc.strerror}"
        ) from exc


def _socket_path(home: Path) -> Path:
    """Return the socket of a state folder's Redis; short, as socket paths end at 107 bytes."""
    mark = hashlib.sha256(str(home).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"fieldwatch-{mark}" / "redis.sock"


#: `1`: only over https, secure cookies, HSTS, `/metrics` only with its token; needs
#: `FIELDWATCH_URL`, `SECRET_KEY`, `ENCRYPTION_KEYS`, `DATABASE_URL` and `TRUSTED_PROXIES`
PRODUCTION = env.read("FIELDWATCH_PRODUCTION", Switch(), False)
#: Django's debug pages; never where others can reach it
DEBUG = env.read("DEBUG", Switch(), False)
#: the state folder: SQLite, generated keys, emails without a mail server (default: `var/`)
HOME = env.read("FIELDWATCH_HOME", Folder(), BASE_DIR / "var").resolve()
#: the web port of `make run`
PORT = env.read("PORT", WholeNumber(1, 65535), 8000)
#: where `collectstatic` puts the files that the web process serves (default: `static/` in the
#: state folder)
STATIC = env.read("FIELDWATCH_STATIC", Folder(), HOME / "static")
#: the address that people open; links in emails begin with it; https in production (default:
#: `http://127.0.0.1:PORT`)
_url = env.read("FIELDWATCH_URL", WebAddress(takes_path=False), "")
FIELDWATCH_URL = _url or f"http://127.0.0.1:{PORT}"
#: the same on every machine (default: generated in the state folder)
_secret_key = env.read_if_set("SECRET_KEY", SecretText(50))
#: the first encrypts stored secrets, all decrypt (default: generated in the state folder)
_encryption_keys = env.read_if_set("ENCRYPTION_KEYS", FernetKeys())
#: host names that the web server accepts (default: that of `FIELDWATCH_URL`, and this
#: machine)
_allowed_hosts = env.read_if_set("ALLOWED_HOSTS", HostNames())
ALLOWED_HOSTS: list[str] = _allowed_hosts or [
    urlsplit(FIELDWATCH_URL).hostname or "",
    "127.0.0.1",
    "localhost",
]
#: PostgreSQL in production (default: SQLite in the state folder)
_database = env.read_if_set("DATABASE_URL", DatabaseAddress())
DATABASES = {
    "default": _database or DatabaseAddress().parse(f"sqlite:///{HOME / 'fieldwatch.sqlite3'}")
}
EMBEDDED_REDIS_SOCKET = _socket_path(HOME)
#: the Redis of all processes (default: one that `make run` starts)
_redis_url = env.read_if_set("REDIS_URL", RedisAddress())
REDIS_URL = _redis_url or f"unix://{EMBEDDED_REDIS_SOCKET}"
REDIS_IS_EMBEDDED = _redis_url is None

#: where connections may go, and send their secret to. A host without a port is for the ports of
#: https and, on this machine or in a private network, http; `host:*` is for every port
EXCHANGE_ALLOWED_HOSTS = env.read(
    "EXCHANGE_ALLOWED_HOSTS", Places(), ["api.cint.com", "auth.lucidhq.com"]
)
#: PEM file of certificate authorities that connections and their token addresses trust as well,
#: such as your company's (default: none)
EXCHANGE_CA_FILE = env.read_if_set("EXCHANGE_CA_FILE", CertificateFile()) or ""
#: PEM file of the only certificate authorities that anything trusts (default: those of Mozilla)
SSL_CERT_FILE = env.read_if_set("SSL_CERT_FILE", CertificateFile()) or ""
#: the proxy for https: of connections, channels, single sign-on and `HEARTBEAT_URL`. Hosts and
#: domains in `NO_PROXY`, separated by commas, are asked directly (default: none)
HTTPS_PROXY = env.read_if_set("HTTPS_PROXY", ProxyAddress()) or ""
#: the proxy for plain http (default: none)
HTTP_PROXY = env.read_if_set("HTTP_PROXY", ProxyAddress()) or ""
#: the proxy for https and plain http, where the one of its own is not set (default: none)
ALL_PROXY = env.read_if_set("ALL_PROXY", ProxyAddress()) or ""
#: path of the re-entry configuration of a launched group
EXCHANGE_RE_ENTRY_PATH = env.read(
    "EXCHANGE_RE_ENTRY_PATH",
    PathTemplate(("account_id", "project_id", "target_group_id")),
    "/demand/accounts/{account_id}/projects/{project_id}"
    "/target-groups/{target_group_id}/re-entry-configuration",
)
#: seconds within which a whole answer of the exchange must arrive
EXCHANGE_TIMEOUT_SECONDS = env.read("EXCHANGE_TIMEOUT_SECONDS", DecimalNumber(1, 300), 20.0)
#: highest CPI by currency; the exchange may refuse less (default: `USD=105.00`)
_cpi_limits = env.read_if_set("CPI_LIMITS", AmountsByCurrency())
CPI_LIMITS = {"USD": Decimal("105.00")} | (_cpi_limits or {})
#: a CPI change larger than this, in per cent, must be typed twice
CPI_JUMP_PERCENT = env.read("CPI_JUMP_PERCENT", WholeNumber(0, 1000), 50)

#: seconds between reads of active groups; an account may have its own
POLL_SECONDS = env.read("POLL_SECONDS", WholeNumber(1, 86_400), 300)
#: seconds between the beat's checks for due work
BEAT_SECONDS = env.read("BEAT_SECONDS", WholeNumber(1, 60), 5)
#: requests a minute for one exchange account, shared by all workers; 0: no limit; an account
#: may have its own
REQUESTS_PER_MINUTE = env.read("REQUESTS_PER_MINUTE", WholeNumber(0, 100_000), 600)
#: workers and web processes that share a budget; while Redis is down each takes an equal part
PROCESSES = env.read("PROCESSES", WholeNumber(1, 1000), 3)
#: threads of a worker: the default budget is enough for two rounds at a time, and one thread
#: is left for alerts and email
WORKER_THREADS = env.read("WORKER_THREADS", WholeNumber(1, 100), 3)
#: seconds by which the signature of a webhook delivery may be old, or in the future
WEBHOOK_TOLERANCE_SECONDS = env.read("WEBHOOK_TOLERANCE_SECONDS", WholeNumber(1, 86_400), 300)
#: days to keep webhook events
WEBHOOK_DAYS = env.read("WEBHOOK_DAYS", WholeNumber(1, 3650), 14)
#: days to keep every reading of a group's figures; then one an hour is kept
READING_DAYS = env.read("READING_DAYS", WholeNumber(1, 3650), 14)
#: days to keep one reading an hour; then one a day is kept for good
READING_HOURLY_DAYS = env.read("READING_HOURLY_DAYS", WholeNumber(1, 3650), 90)
#: days to keep the record of each sync
CYCLE_DAYS = env.read("CYCLE_DAYS", WholeNumber(1, 3650), 14)
#: days to keep entries of the audit log; 0: for good
AUDIT_DAYS = env.read("AUDIT_DAYS", WholeNumber(0, 36_500), 0)
#: days to keep the texts of emails; 0: for good
MAIL_DAYS = env.read("MAIL_DAYS", WholeNumber(0, 36_500), 400)
#: time zones of groups by country, where the built-in table does not fit (default: none)
_country_zones = env.read_if_set("COUNTRY_ZONES", ZonesByCountry())
COUNTRY_ZONES = _country_zones or {}

#: hosts that channels may send alerts to, without a port for that of https (http: 80), with `:*`
#: for every port. A host of your own that is named exactly may be in a
#: private network and, except in production, without https (default: those of Slack, Microsoft
#: Teams, Google Chat and Discord)
CHANNEL_ALLOWED_HOSTS = env.read(
    "CHANNEL_ALLOWED_HOSTS",
    PlacesOrDomains(),
    [
        "hooks.slack.com",
        "hooks.slack-gov.com",
        ".logic.azure.com",
        ".api.powerplatform.com",
        "chat.googleapis.com",
        "discord.com",
        "discordapp.com",
        ".discord.com",
    ],
)
#: requests a minute of one token for the API
API_REQUESTS_PER_MINUTE = env.read("API_REQUESTS_PER_MINUTE", WholeNumber(1, 100_000), 120)
#: the mail server (default: files in the state folder)
_mail_server = env.read_if_set("EMAIL_URL", MailServer())
#: the sender of emails
DEFAULT_FROM_EMAIL = env.read("DEFAULT_FROM_EMAIL", Sender(), "Fieldwatch <fieldwatch@localhost>")
#: the least important lines that are logged
LOG_LEVEL = env.read("LOG_LEVEL", Choice(("DEBUG", "INFO", "WARNING", "ERROR")), "INFO")
#: `line` for people, `json` for machines that collect lines
LOG_FORMAT = env.read("LOG_FORMAT", Choice(("line", "json")), "line")
#: a URL to call once a minute while alerts are evaluated and email is sent; the calls stop when
#: either stops. Give the address of a dead man's switch (default: none)
HEARTBEAT_URL = env.read_if_set("HEARTBEAT_URL", WebAddress()) or ""
#: clients that send it as `Authorization: Bearer …` may read `/metrics`; needed in production
#: (default: none)
METRICS_TOKEN = env.read_if_set("METRICS_TOKEN", SecretText(16)) or ""

#: how many of your proxies stand before the web process; so many entries of `X-Forwarded-For`
#: are trusted. With too few, all wrong passwords seem to come from the proxy and make everybody
#: wait; with too many, addresses can be forged. Must be set in production (default: not set)
_trusted_proxies = env.read_if_set("TRUSTED_PROXIES", WholeNumberOrNone(0, 10))
TRUSTED_PROXIES = _trusted_proxies or 0
#: hours after which people sign in again, however busy they are
SESSION_HOURS = env.read("SESSION_HOURS", WholeNumber(1, 24 * 90), 12)
#: minutes without use after which people sign in again; what an open page asks by itself is no use
SESSION_IDLE_MINUTES = env.read("SESSION_IDLE_MINUTES", WholeNumber(5, 60 * 24 * 90), 480)
#: words that passwords may not be built from, such as the names of your company and its clients;
#: those of Fieldwatch and its host are known (default: none)
_password_words = env.read_if_set("PASSWORD_WORDS", Words())
PASSWORD_WORDS = _password_words or []
#: a service that knows stolen passwords by their hash, such as Have I Been Pwned: new passwords are
#: checked there, and it gets the first 5 digits of a hash; `none` checks nothing (default: none; in
#: production: `https://api.pwnedpasswords.com/range`)
_breached_url = env.read_if_set("BREACHED_PASSWORDS_URL", WebAddressOrNone())
_range_service = "https://api.pwnedpasswords.com/range" if PRODUCTION else ""
BREACHED_PASSWORDS_URL = _range_service if _breached_url is None else _breached_url
#: `1`: people who sign in with a password must set up two-factor authentication before they
#: reach any other page; with single sign-on the provider asks for it
SECOND_FACTOR_REQUIRED = env.read("SECOND_FACTOR_REQUIRED", Switch(), False)
#: `1`: people sign in by single sign-on only, never with a password; needs `OIDC_URL`
SSO_ONLY = env.read("SSO_ONLY", Switch(), False)
#: people whose password works in spite of `SSO_ONLY`, in case the provider is down: they open
#: `/sign-in/?password=1` (default: none)
SSO_ONLY_EXCEPT = env.read_if_set("SSO_ONLY_EXCEPT", Usernames()) or []
#: single sign-on by OpenID Connect: the provider's address, https in production, which must
#: send people back to `…/sign-in/with/sso/back/`; with `OIDC_CLIENT_ID` (default: none)
OIDC_URL = env.read_if_set("OIDC_URL", WebAddress()) or ""
#: what the sign-in button calls the provider
OIDC_NAME = env.read("OIDC_NAME", Line(), "single sign-on")
#: the client id of Fieldwatch at the provider (default: none)
OIDC_CLIENT_ID = env.read_if_set("OIDC_CLIENT_ID", Line()) or ""
#: the client secret of Fieldwatch at the provider (default: none)
OIDC_CLIENT_SECRET = env.read_if_set("OIDC_CLIENT_SECRET", SecretText()) or ""
#: domains of your own tenant, for a provider that never sends `email_verified` (Entra ID):
#: addresses in these domains count as verified, unless the provider says that one is not
#: (default: none)
_trusted_domains = env.read_if_set("OIDC_TRUSTED_DOMAINS", Domains())
OIDC_TRUSTED_DOMAINS = _trusted_domains or frozenset()
#: what Fieldwatch asks the provider for; Okta sends groups only with `groups` in it
OIDC_SCOPE = env.read("OIDC_SCOPE", Scopes(), "openid profile email")
#: the claim in which the provider lists a person's groups
OIDC_GROUPS_CLAIM = env.read("OIDC_GROUPS_CLAIM", Line(), "groups")
#: roles by group of the provider, on every connection or on one, applied at each single sign-on
#: (default: none)
OIDC_ROLES = env.read_if_set("OIDC_ROLES", RolesByGroup()) or []
#: in production: `0` if your proxy redirects to https
SECURE_SSL_REDIRECT = env.read("SECURE_SSL_REDIRECT", Switch(), True) and PRODUCTION
#: in production: `1` if every subdomain of the host in `FIELDWATCH_URL` speaks https: browsers
#: then refuse plain http to them for a year
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.read("SECURE_HSTS_INCLUDE_SUBDOMAINS", Switch(), False)
#: in production: `1` to join the browsers' preload lists of https hosts, which is hard to undo;
#: needs `SECURE_HSTS_INCLUDE_SUBDOMAINS`
SECURE_HSTS_PRELOAD = env.read("SECURE_HSTS_PRELOAD", Switch(), False)

# What variables need of one another: with the first that is true Fieldwatch does not start.
for _is_wrong, _sentence in (
    (DEBUG and PRODUCTION, "DEBUG shows settings on error pages: it cannot be on in production"),
    (
        READING_HOURLY_DAYS < READING_DAYS,
        f"READING_HOURLY_DAYS takes at least as many days as READING_DAYS, {READING_DAYS}",
    ),
    (
        bool(OIDC_URL) != bool(OIDC_CLIENT_ID) or (OIDC_CLIENT_SECRET and not OIDC_URL),
        "OIDC_URL and OIDC_CLIENT_ID are set together, and OIDC_CLIENT_SECRET only with them",
    ),
    (OIDC_TRUSTED_DOMAINS and not OIDC_URL, "OIDC_TRUSTED_DOMAINS is set only with OIDC_URL"),
    (OIDC_ROLES and not OIDC_URL, "OIDC_ROLES is set only with OIDC_URL"),
    (SSO_ONLY and not OIDC_URL, "SSO_ONLY needs OIDC_URL: nobody could sign in"),
    (
        SSO_ONLY_EXCEPT and not SSO_ONLY,
        "SSO_ONLY_EXCEPT names exceptions to SSO_ONLY, which is off",
    ),
    (
        SECURE_HSTS_PRELOAD and not SECURE_HSTS_INCLUDE_SUBDOMAINS,
        "SECURE_HSTS_PRELOAD needs SECURE_HSTS_INCLUDE_SUBDOMAINS: browsers' lists ask for both",
    ),
    (
        PRODUCTION and OIDC_URL and not OIDC_URL.startswith("https://"),
        "OIDC_URL takes an https:// address in production: http lets others sign in as your people",
    ),
    (
        PRODUCTION and BREACHED_PASSWORDS_URL.startswith("http://"),
        "BREACHED_PASSWORDS_URL takes an https:// address in production, or none",
    ),
    (
        PRODUCTION and not FIELDWATCH_URL.startswith("https://"),
        "FIELDWATCH_URL takes an https:// address in production: the one that people open",
    ),
    (
        PRODUCTION and not _secret_key,
        "SECRET_KEY must be set in production, the same on every machine: it takes "
        f"{SecretText(50).takes}",
    ),
    (
        PRODUCTION and not _encryption_keys,
        "ENCRYPTION_KEYS must be set in production, the same on every machine: it takes "
        f"{FernetKeys.takes}",
    ),
    (
        PRODUCTION and DATABASES["default"]["ENGINE"] != "dashboard.fielding.postgresql",
        "DATABASE_URL takes postgres://user:password@host/name in production",
    ),
    (
        PRODUCTION and _trusted_proxies is None,
        "TRUSTED_PROXIES must be set in production: the number of proxies before the web process, "
        "or none. Behind a proxy that it does not count, one stranger's wrong passwords make "
        "everybody wait",
    ),
):
    if _is_wrong:
        raise ImproperlyConfigured(_sentence)

SECRET_KEY = _secret_key or _stored_secret(HOME, "secret_key", lambda: secrets.token_urlsafe(64))
ENCRYPTION_KEYS = _encryption_keys or [
    _stored_secret(HOME, "encryption_key", lambda: Fernet.generate_key().decode())
]
if _mail_server:
    vars().update(_mail_server)
else:  # no mail server: each mail is a file in the state folder
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = str(HOME / "mail")
EMAIL_TIMEOUT = 30

STATIC_ROOT = STATIC
STATICFILES_DIRS = [BASE_DIR / "static", ("help", BASE_DIR / "docs" / "pictures")]

SESSION_COOKIE_AGE = SESSION_HOURS * 3600
CSRF_TRUSTED_ORIGINS = [FIELDWATCH_URL]
if OIDC_URL:  # the sign-in form redirects to the provider's page
    _directives = base.CONTENT_SECURITY_POLICY["DIRECTIVES"]
    _provider = f"{urlsplit(OIDC_URL).scheme}://{urlsplit(OIDC_URL).netloc}"
    CONTENT_SECURITY_POLICY = {
        "DIRECTIVES": _directives | {"form-action": [*_directives["form-action"], _provider]}
    }
if PRODUCTION:
    SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]  # probes come from inside the network
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 365 * 24 * 3600
    SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]  # two choices: SECURE_HSTS_…
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    # Browsers accept a `__Host-` cookie only from this exact host, over https.
    SESSION_COOKIE_NAME = "__Host-sessionid"
    CSRF_COOKIE_NAME = "__Host-csrftoken"
    DEVICE_COOKIE_NAME = "__Host-device"

CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://", 1)
# Two installations may share a Redis; each needs a queue of its own.
CELERY_TASK_DEFAULT_QUEUE = (
    f"fieldwatch-{hashlib.sha256(f'queue {SECRET_KEY}'.encode()).hexdigest()[:12]}"
)
CELERY_BEAT_SCHEDULE = {
    **ROUNDS,  # noqa: F405
    "wake": {
        "task": "dashboard.tasks.wake",
        "schedule": BEAT_SECONDS,
        "options": {"expires": BEAT_SECONDS * 2},
    },
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"()": "dashboard.logs.LineFormatter"},
        "json": {"()": "dashboard.logs.Json"},
    },
    "handlers": {"stderr": {"class": "dashboard.logs.Stderr", "formatter": LOG_FORMAT}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        "httpx": {"level": "WARNING"},
        "httpcore": {"level": "WARNING"},
        # at INFO it logs every task twice
        "celery": {"level": "WARNING" if LOG_LEVEL == "INFO" else LOG_LEVEL},
        # `runserver` logs whole addresses; our handler removes secrets from them
        "django.server": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
    },
}
logs.hide_secrets(SECRET_KEY, METRICS_TOKEN, HEARTBEAT_URL, OIDC_CLIENT_SECRET, *ENCRYPTION_KEYS)
logs.hide_secrets(
    str(DATABASES["default"].get("PASSWORD", "")),
    str(vars().get("EMAIL_HOST_PASSWORD") or ""),
    urlsplit(REDIS_URL).password or "",
    urlsplit(HTTPS_PROXY).password or "",
    urlsplit(HTTP_PROXY).password or "",
    urlsplit(ALL_PROXY).password or "",
)
