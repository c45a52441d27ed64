"""Settings that do not depend on the environment: apps, middleware, templates, headers, Celery."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from csp.constants import NONE, SELF

BASE_DIR = Path(__file__).resolve().parent.parent.parent

INSTALLED_APPS = [
    "dashboard.fielding",
    "dashboard",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "dashboard.web.apps.StaticFiles",
    "django.contrib.humanize",
    "django_htmx",
    "csp",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.usersessions",
]
MIDDLEWARE = [
    "dashboard.web.http.middleware.log_requests",
    # What follows protects every answer, also those that later middleware gives.
    "csp.middleware.CSPMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "dashboard.web.http.middleware.no_store",
    "dashboard.web.http.middleware.refuse_plain_http",
    "django.middleware.security.SecurityMiddleware",
    "dashboard.web.http.middleware.answer_probes",
    "dashboard.web.http.compression.CompressPages",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "dashboard.web.auth.sessions.track_sessions",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "dashboard.web.auth.factor.SecondFactorRequired",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "dashboard.web.http.middleware.RejectNulBytes",
    "dashboard.web.monitoring.read_only.RefuseChangesWhileReadOnly",
]
ROOT_URLCONF = "dashboard.urls"
WSGI_APPLICATION = "dashboard.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "dashboard.web.http.context_processors.navigation",
            ],
            "builtins": ["dashboard.web.templatetags.field"],
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    ["django.template.loaders.filesystem.Loader"],
                )
            ],
        },
    }
]

POSTGRESQL = {
    "connect_timeout": 10,  # seconds
    "server_side_binding": True,  # allows prepared statements
    "prepare_threshold": 5,
}
SQLITE = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; "
    # per connection, so per thread; the operating system caches the pages anyway
    "PRAGMA cache_size=-512;",
}

STATIC_URL = "/static/"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "dashboard.web.http.static_storage.StaticFilesStorage"},
}
WHITENOISE_KEEP_ONLY_HASHED_FILES = True

AUTH_USER_MODEL = "fielding.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
PASSWORD_HASHERS = [
    "dashboard.web.auth.hashing.Argon2InTurn",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
SHORTEST_PASSWORD = 12
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": name, "OPTIONS": options}
    for name, options in (
        ("django.contrib.auth.password_validation.UserAttributeSimilarityValidator", {}),
        (
            "django.contrib.auth.password_validation.MinimumLengthValidator",
            {"min_length": SHORTEST_PASSWORD},
        ),
        ("django.contrib.auth.password_validation.CommonPasswordValidator", {}),
        ("dashboard.web.auth.passwords.KnownWords", {}),
        ("dashboard.web.auth.passwords.StolenPasswords", {}),
    )
]
AUTHENTICATION_BACKENDS = ["dashboard.web.auth.backends.Passwords"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "account_login"
PASSWORD_RESET_TIMEOUT = 3 * 24 * 3600  # seconds; also the lifetime of invitations

ACCOUNT_ADAPTER = "dashboard.web.auth.backends.Accounts"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email*", "password1*"]
ACCOUNT_FORMS = {"reset_password": "dashboard.web.auth.backends.PasswordResetForm"}
ACCOUNT_EMAIL_VERIFICATION = "none"  # the invitation that arrived there proves an address
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_RATE_LIMITS = {
    "login": None,
    "login_failed": None,
}  # dashboard.web.auth.throttle does better
MFA_ADAPTER = "dashboard.web.auth.backends.SecondFactor"
MFA_FORMS = {  # these wait after wrong codes; the library would not, without `login_failed`
    "authenticate": "dashboard.web.auth.backends.CodeForm",
    "reauthenticate": "dashboard.web.auth.backends.CodeAgainForm",
}
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_TOTP_TOLERANCE = 1  # 30 seconds either way, for phones whose clock is off
OIDC_PATIENCE = 10.0  # seconds for all requests to the provider in one step
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5000  # a draft with every question answered, a job of many groups
# Shared by all processes and machines: it counts wrong passwords and used codes.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "fielding_cache",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}

USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-gb"
USE_I18N = False

# Messages name people: they stay on the server.
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True  # scripts read the token of the page
CSRF_COOKIE_SAMESITE = "Lax"
DEVICE_COOKIE_NAME = "device"  # dashboard.web.auth.throttle
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "dashboard.web.views.errors.csrf_failed"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "font-src": [SELF],
        "object-src": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}

# With Redis the lowest number comes first: alerts, mail and the accounts' own lists overtake
# projects.
PULL_PRIORITY = 6
# Renewed while a worker's loop runs: the health check of its container reads the time of this file.
WORKER_MARK = Path(tempfile.gettempdir()) / f"fieldwatch-worker-{os.getuid()}"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 600,
    "socket_timeout": 5,
    "socket_connect_timeout": 1,
    "max_retries": 1,
    "interval_start": 0,
    "interval_max": 0.2,
}
CELERY_TASK_PUBLISH_RETRY = False
# Celery's Django fix-up would close the connection around every task (6 to 14 ms on PostgreSQL).
CELERY_DB_REUSE_MAX = 10**9

# Tasks that the beat sends besides `wake`, with their interval in seconds.
ROUNDS = {
    name: {
        "task": f"dashboard.tasks.{name}",
        "schedule": seconds,
        "options": {"expires": seconds},
    }
    for name, seconds in (
        ("heartbeat", 60),
        ("tidy", 3600),
        ("learn", 3600),
        ("check_webhooks", 3600),
        ("measure_prices", 300),
    )
}
