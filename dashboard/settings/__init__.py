"""All settings: the only place that reads the environment.

Each variable is checked here: an invalid one stops the start with its name and what it takes. With
nothing set, Fieldwatch runs on embedded defaults: SQLite and its own Redis in the state folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import secrets
import tempfile
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import dj_database_url
import dj_email_url
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured
from environs import Env, EnvError, validate

from dashboard import logs
from dashboard.settings.base import *  # noqa: F403  what no environment changes

BASE_DIR = Path(__file__).resolve().parent.parent.parent
env = Env()


def _stored_secret(folder: Path, name: str, make: Callable[[], str]) -> str:
    """Return a secret of the state folder; create it at the first start, readable by its owner."""
    path = folder / name
    if not path.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # the database goes there too
        draft = folder / f".{name}.{secrets.token_hex(4)}"
        draft.touch(mode=0o600)
        draft.write_text(make())
        with contextlib.suppress(FileExistsError):  # the first of several starting processes wins
            path.hardlink_to(draft)
        draft.unlink()
    return path.read_text().strip()


def _database(url: str) -> dict[str, object]:
    """Django's settings of one database from its URL; SQLite in WAL mode with short waits."""
    takes = "it takes postgres://user:password@host/name or sqlite:////absolute/path"
    try:
        config: dict[str, object] = dict(dj_database_url.parse(url, conn_max_age=600))
    except (ValueError, KeyError) as exc:
        raise ImproperlyConfigured(f"DATABASE_URL cannot be read ({exc}); {takes}") from exc
    engine = str(config["ENGINE"]).rpartition(".")[2]
    if engine not in ("sqlite3", "postgresql"):
        raise ImproperlyConfigured(f"DATABASE_URL names {engine}, which is not supported; {takes}")
    if engine == "sqlite3":
        config["OPTIONS"] = SQLITE  # noqa: F405
        config["CONN_MAX_AGE"] = None
    else:
        config |= {"ENGINE": "dashboard.fielding.postgresql", "CONN_HEALTH_CHECKS": True}
        options = config.get("OPTIONS")
        config["OPTIONS"] = POSTGRESQL | (options if isinstance(options, dict) else {})  # noqa: F405
    return config


def _check_web_address(name: str, url: str) -> None:
    """Refuse anything but an empty value or an http(s) address with a host."""
    if url and not (url.startswith(("http://", "https://")) and urlsplit(url).hostname):
        raise EnvError(f"{name} takes an http:// or https:// address")


def _parse_domains(name: str, domains: list[str]) -> frozenset[str]:
    """Return domains in lower case, such as ``example.com``; subdomains are listed separately."""
    named = {domain.strip().lower() for domain in domains if domain.strip()}
    wrong = [
        domain for domain in named if not re.fullmatch(r"([a-z0-9-]+\.)+[a-z0-9-]{2,}", domain)
    ]
    if wrong:
        raise EnvError(f"{name} takes domains such as example.com,example.org; not {wrong[0]!r}")
    return frozenset(named)


def _socket_path(home: Path) -> Path:
    """Return the socket of a state folder's Redis; short, as socket paths end at 107 bytes."""
    mark = hashlib.sha256(str(home).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"fieldwatch-{mark}" / "redis.sock"


def _parse_amounts(name: str, pairs: dict[str, str]) -> dict[str, Decimal]:
    """Return amounts by currency from ``EUR=97.50,GBP=83``."""
    try:
        return {code.upper(): Decimal(amount) for code, amount in pairs.items()}
    except InvalidOperation as exc:
        raise ImproperlyConfigured(f"{name} takes CODE=AMOUNT pairs such as EUR=97.50") from exc


try:
    #: `1`: only over https, secure cookies, HSTS, `/metrics` only with its token
    PRODUCTION = env.bool("FIELDWATCH_PRODUCTION", False)
    #: Django's debug pages; never where others can reach it
    DEBUG = env.bool("DEBUG", False)
    #: the state folder: SQLite, generated keys, emails without a mail server (default: `var/`)
    HOME = Path(env.str("FIELDWATCH_HOME", str(BASE_DIR / "var"))).resolve()
    #: the web port of `make run`
    PORT = env.int("PORT", 8000, validate=validate.Range(1, 65535))
    #: where `collectstatic` puts the files that the web process serves (default: `static/` in the
    #: state folder)
    STATIC = Path(env.str("FIELDWATCH_STATIC", str(HOME / "static")))
    #: the address that people open; links in emails begin with it (default:
    #: `http://127.0.0.1:PORT`)
    FIELDWATCH_URL = env.str("FIELDWATCH_URL", f"http://127.0.0.1:{PORT}").rstrip("/")
    #: 50 random characters or more, the same on every machine (default: generated in the state
    #: folder)
    SECRET_KEY = env.str("SECRET_KEY", "") or _stored_secret(
        HOME, "secret_key", lambda: secrets.token_urlsafe(64)
    )
    #: Fernet keys for stored secrets, separated by commas; the first encrypts, all decrypt
    #: (default: generated in the state folder)
    ENCRYPTION_KEYS: list[str] = env.list("ENCRYPTION_KEYS", []) or [
        _stored_secret(HOME, "encryption_key", lambda: Fernet.generate_key().decode())
    ]
    #: host names that the web server accepts (default: that of `FIELDWATCH_URL`, and this
    #: machine)
    ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", []) or [
        urlsplit(FIELDWATCH_URL).hostname or "",
        "127.0.0.1",
        "localhost",
    ]
    #: `postgres://user:password@host/name` (default: SQLite in the state folder)
    DATABASES = {
        "default": _database(
            env.str("DATABASE_URL", "") or f"sqlite:///{HOME / 'fieldwatch.sqlite3'}"
        )
    }
    EMBEDDED_REDIS_SOCKET = _socket_path(HOME)
    #: `redis://host:6379/0` (default: a Redis that `make run` starts)
    REDIS_URL = env.str("REDIS_URL", "") or f"unix://{EMBEDDED_REDIS_SOCKET}"
    REDIS_IS_EMBEDDED = not env.str("REDIS_URL", "")

    #: hosts (or host:port) that connections may talk to, and send their secret to
    EXCHANGE_ALLOWED_HOSTS: list[str] = [
        host.strip().lower()
        for host in env.list("EXCHANGE_ALLOWED_HOSTS", ["api.cint.com", "auth.lucidhq.com"])
    ]
    #: path of the re-entry configuration of a launched group
    EXCHANGE_RE_ENTRY_PATH = env.str(
        "EXCHANGE_RE_ENTRY_PATH",
        "/demand/accounts/{account_id}/projects/{project_id}"
        "/target-groups/{target_group_id}/re-entry-configuration",
    )
    #: seconds within which a whole answer of the exchange must arrive
    EXCHANGE_TIMEOUT_SECONDS = env.float("EXCHANGE_TIMEOUT_SECONDS", 20.0)
    #: highest CPI by currency, `USD=105,EUR=97.50`; the exchange may refuse less (default:
    #: `USD=105.00`)
    CPI_LIMITS = {"USD": Decimal("105.00")} | _parse_amounts(
        "CPI_LIMITS", env.dict("CPI_LIMITS", {})
    )
    #: a CPI change larger than this, in per cent, must be typed twice
    CPI_JUMP_PERCENT = env.int("CPI_JUMP_PERCENT", 50)

    #: seconds between reads of active groups; an account may have its own
    POLL_SECONDS = env.int("POLL_SECONDS", 300)
    #: seconds between the beat's checks for due work
    BEAT_SECONDS = env.int("BEAT_SECONDS", 5)
    #: requests a minute for one exchange account, shared by all workers; 0: no limit; an account
    #: may have its own
    REQUESTS_PER_MINUTE = env.int("REQUESTS_PER_MINUTE", 600)
    #: workers and web processes that share a budget; while Redis is down each takes an equal part
    PROCESSES = env.int("PROCESSES", 3, validate=validate.Range(1))
    #: threads of a worker: the default budget is enough for two rounds at a time, and one thread
    #: is left for alerts and email
    WORKER_THREADS = env.int("WORKER_THREADS", 3)
    #: seconds by which the signature of a webhook delivery may be old, or in the future
    WEBHOOK_TOLERANCE_SECONDS = env.int("WEBHOOK_TOLERANCE_SECONDS", 300)
    #: days to keep webhook events
    WEBHOOK_DAYS = env.int("WEBHOOK_DAYS", 14)
    #: days to keep every reading of a group's figures; then one an hour is kept
    READING_DAYS = env.int("READING_DAYS", 14, validate=validate.Range(1))
    #: days to keep one reading an hour; then one a day is kept for good
    READING_HOURLY_DAYS = env.int("READING_HOURLY_DAYS", 90, validate=validate.Range(1))
    #: days to keep the record of each sync
    CYCLE_DAYS = env.int("CYCLE_DAYS", 14, validate=validate.Range(1))
    #: time zones of groups by country, `us=America/Chicago`, where the built-in table does not fit
    COUNTRY_ZONES: dict[str, str] = env.dict("COUNTRY_ZONES", {})

    #: `smtp://host:25`, `submission://user:password@host:587` (TLS),
    #: `smtp://user:password@host:465/?ssl=True` (default: files in the state folder)
    EMAIL_URL = env.str("EMAIL_URL", "")
    #: the sender of emails
    DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", "Fieldwatch <fieldwatch@localhost>")
    #: `DEBUG`, `INFO`, `WARNING` or `ERROR`
    LOG_LEVEL = env.str(
        "LOG_LEVEL", "INFO", validate=validate.OneOf(["DEBUG", "INFO", "WARNING", "ERROR"])
    )
    #: `line` for people, `json` for machines that collect lines
    LOG_FORMAT = env.str("LOG_FORMAT", "line", validate=validate.OneOf(["line", "json"]))
    #: a URL to call once a minute while alerts are evaluated and email is sent; the calls stop when
    #: either stops. Give the address of a dead man's switch (default: none)
    HEARTBEAT_URL = env.str(
        "HEARTBEAT_URL", "", validate=partial(_check_web_address, "HEARTBEAT_URL")
    )
    #: clients that send it as `Authorization: Bearer …` may read `/metrics`; needed in production
    #: (default: none)
    METRICS_TOKEN = env.str("METRICS_TOKEN", "")

    #: number of your proxies before the web process; so many entries of `X-Forwarded-For` are
    #: trusted
    TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", 0, validate=validate.Range(0, 10))
    #: hours after which people sign in again
    SESSION_HOURS = env.int("SESSION_HOURS", 12, validate=validate.Range(1, 24 * 90))
    #: `1`: people who sign in with a password must set up two-factor authentication before they
    #: reach any other page; with single sign-on the provider asks for it
    SECOND_FACTOR_REQUIRED = env.bool("SECOND_FACTOR_REQUIRED", False)
    #: `1`: people sign in by single sign-on only, never with a password; needs `OIDC_URL`
    SSO_ONLY = env.bool("SSO_ONLY", False)
    #: usernames, separated by commas, whose password works in spite of `SSO_ONLY`, in case the
    #: provider is down: they open `/sign-in/?password=1` (default: none)
    SSO_ONLY_EXCEPT: list[str] = [
        name.strip().casefold() for name in env.list("SSO_ONLY_EXCEPT", [], subcast=str)
    ]
    #: single sign-on by OpenID Connect: the provider's address, https in production, which must
    #: send people back to `…/sign-in/with/sso/back/`; with `OIDC_CLIENT_ID` (default: none)
    OIDC_URL = env.str("OIDC_URL", "", validate=partial(_check_web_address, "OIDC_URL"))
    #: what the sign-in button calls the provider
    OIDC_NAME = env.str("OIDC_NAME", "single sign-on")
    #: the client id of Fieldwatch at the provider
    OIDC_CLIENT_ID = env.str("OIDC_CLIENT_ID", "")
    #: the client secret of Fieldwatch at the provider
    OIDC_CLIENT_SECRET = env.str("OIDC_CLIENT_SECRET", "")
    #: domains of your own tenant, separated by commas, for a provider that never sends
    #: `email_verified` (Entra ID): addresses in these domains count as verified, unless the
    #: provider says that one is not (default: none)
    OIDC_TRUSTED_DOMAINS = _parse_domains(
        "OIDC_TRUSTED_DOMAINS", env.list("OIDC_TRUSTED_DOMAINS", [])
    )
except EnvError as exc:
    raise ImproperlyConfigured(str(exc)) from exc
if PRODUCTION and DEBUG:
    raise ImproperlyConfigured("DEBUG shows settings on error pages: it cannot be on in production")
if bool(OIDC_URL) != bool(OIDC_CLIENT_ID) or (OIDC_CLIENT_SECRET and not OIDC_URL):
    raise ImproperlyConfigured(
        "OIDC_URL and OIDC_CLIENT_ID are set together, and OIDC_CLIENT_SECRET only with them"
    )
if OIDC_TRUSTED_DOMAINS and not OIDC_URL:
    raise ImproperlyConfigured("OIDC_TRUSTED_DOMAINS is set only with OIDC_URL")
if PRODUCTION and OIDC_URL and not OIDC_URL.startswith("https://"):
    raise ImproperlyConfigured(
        "OIDC_URL takes an https:// address in production: http lets others sign in as your people"
    )

if SSO_ONLY and not OIDC_URL:
    raise ImproperlyConfigured("SSO_ONLY needs OIDC_URL: nobody could sign in")
if SSO_ONLY_EXCEPT and not SSO_ONLY:
    raise ImproperlyConfigured("SSO_ONLY_EXCEPT names exceptions to SSO_ONLY, which is off")

if EMAIL_URL:
    _mail: dict[str, object] = dict(dj_email_url.parse(EMAIL_URL))
    if "EMAIL_BACKEND" not in _mail:
        raise ImproperlyConfigured(
            "EMAIL_URL takes smtp://host:25, submission://user:password@host:587 (with TLS) "
            "or smtp://user:password@host:465/?ssl=True"
        )
    vars().update(_mail)
else:  # no mail server: each mail is a file in the state folder
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = str(HOME / "mail")
EMAIL_TIMEOUT = 30

STATIC_ROOT = STATIC
STATICFILES_DIRS = [BASE_DIR / "static"]

SESSION_COOKIE_AGE = SESSION_HOURS * 3600
CSRF_TRUSTED_ORIGINS = [FIELDWATCH_URL]
if OIDC_URL:  # the sign-in form redirects to the provider's page
    CONTENT_SECURITY_POLICY["DIRECTIVES"]["form-action"].append(  # noqa: F405
        f"{urlsplit(OIDC_URL).scheme}://{urlsplit(OIDC_URL).netloc}"
    )
if PRODUCTION:
    #: in production: `0` if your proxy redirects to https
    SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", True)
    SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]  # probes come from inside the network
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 365 * 24 * 3600
    #: in production: `1` if every subdomain of the host in `FIELDWATCH_URL` speaks https: browsers
    #: then refuse plain http to them for a year
    SECURE_HSTS_INCLUDE_SUBDOMAINS = env.bool("SECURE_HSTS_INCLUDE_SUBDOMAINS", False)
    #: in production: `1` to join the browsers' preload lists of https hosts, which is hard to undo;
    #: needs `SECURE_HSTS_INCLUDE_SUBDOMAINS`
    SECURE_HSTS_PRELOAD = env.bool("SECURE_HSTS_PRELOAD", False)
    if SECURE_HSTS_PRELOAD and not SECURE_HSTS_INCLUDE_SUBDOMAINS:
        raise ImproperlyConfigured(
            "SECURE_HSTS_PRELOAD needs SECURE_HSTS_INCLUDE_SUBDOMAINS: browsers' lists ask for both"
        )
    SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]  # the two above are a choice
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    # Browsers accept a `__Host-` cookie only from this exact host, over https.
    SESSION_COOKIE_NAME = "__Host-sessionid"
    CSRF_COOKIE_NAME = "__Host-csrftoken"

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
)
