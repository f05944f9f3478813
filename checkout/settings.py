"""Django settings. Every switch is an environment variable, explained in `.env.example`."""

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

from checkout import env as read
from checkout.languages import CHOICES, ENGLISH

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"
DEMO_FILE = VAR_DIR / "demo.json"

env = environ.Env()
environ.Env.read_env(os.environ.get("ENV_FILE", BASE_DIR / ".env"))

# --- Who we are ---
PORT = read.integer(env, "PORT", default=8000, at_least=1, at_most=65535)
PUBLIC_URL = read.origin(env, "PUBLIC_URL", default=f"http://127.0.0.1:{PORT}")
HTTPS = PUBLIC_URL.startswith("https://")
DEBUG = read.strict_bool(env, "DEBUG", default=False)
SIMULATOR = read.strict_bool(env, "SIMULATOR", default=True)
# Webhooks of test keys may go into private networks, as on an engineer's own machine.
WEBHOOK_ALLOW_PRIVATE = read.strict_bool(env, "WEBHOOK_ALLOW_PRIVATE", default=False)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[urlsplit(PUBLIC_URL).hostname, "localhost", "127.0.0.1"])
TRUSTED_PROXIES = read.networks(env, "TRUSTED_PROXIES")
BIND = env.str("BIND", default=f"127.0.0.1:{PORT}")
WEB_CONCURRENCY = read.integer(env, "WEB_CONCURRENCY", default=2, at_least=1, at_most=64)
WEB_THREADS = read.integer(env, "WEB_THREADS", default=8, at_least=2, at_most=64)

# --- Secrets ---
SECRET_KEY = read.secret(env, "SECRET_KEY", at_least=50)
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
API_KEY_PEPPER = read.secret(env, "API_KEY_PEPPER", at_least=32)
FIELD_ENCRYPTION_KEYS = read.encryption_keys(env, "FIELD_ENCRYPTION_KEYS")

# --- Applications ---
INSTALLED_APPS = [
    "checkout",
    "payments",
    "payments.gateways.simulator",
    "checkout.staff.apps.StaffConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "checkout.middleware.ClientAddressMiddleware",
    "checkout.middleware.RequestLogMiddleware",
    "checkout.middleware.SecurityHeadersMiddleware",
    "checkout.rest.errors.WireErrorsMiddleware",
    "checkout.middleware.DatabaseDownMiddleware",
    "checkout.health.HealthMiddleware",
    "checkout.middleware.TransportMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "checkout.middleware.LanguageMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "checkout.urls"
WSGI_APPLICATION = "checkout.wsgi.application"
APPEND_SLASH = False
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

# --- Database ---
_SQLITE_OPTIONS = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 10,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
}
_POSTGRESQL_OPTIONS = {
    "options": "-c lock_timeout=3s -c statement_timeout=10s -c idle_in_transaction_session_timeout=15s",
    "connect_timeout": 5,
}


def database_settings(url: str) -> dict[str, Any]:
    """Turn a database URL into Django's settings with the options money needs on that database."""
    config: dict[str, Any] = dict(environ.Env.db_url_config(url))
    options = {
        "django.db.backends.sqlite3": _SQLITE_OPTIONS,
        "django.db.backends.postgresql": _POSTGRESQL_OPTIONS,
    }.get(config["ENGINE"])
    if options is None:
        raise ImproperlyConfigured(
            "DATABASE_URL: write sqlite:///path/to/file or postgres://user:password@host:5432/name."
        )
    config["OPTIONS"] = {**config.get("OPTIONS", {}), **options}
    return {**config, "CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": True, "ATOMIC_REQUESTS": False}


DATABASES = {"default": database_settings(env.str("DATABASE_URL", default=f"sqlite:///{VAR_DIR / 'till.sqlite3'}"))}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    Path(DATABASES["default"]["NAME"]).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Limits: counted in the cache, which processes and hosts must share to share a count ---
CACHES = {"default": env.cache_url("CACHE_URL", default="locmemcache://")}
if CACHES["default"]["BACKEND"].endswith("LocMemCache"):
    CACHES["default"]["OPTIONS"] = {"MAX_ENTRIES": 50_000}
elif CACHES["default"]["BACKEND"].endswith("RedisCache"):
    CACHES["default"]["OPTIONS"] = {"socket_connect_timeout": 0.5, "socket_timeout": 0.5}
DATA_UPLOAD_MAX_MEMORY_SIZE = 65_536
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1_000
DATA_UPLOAD_MAX_NUMBER_FILES = 1
FILE_UPLOAD_HANDLERS = [
    "checkout.uploads.StaffOnly",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]
API_RATE_PER_MINUTE = 6_000

# --- Mail: notices to staff. Without a server they stand in the log alone ---
globals().update(read.mail_server(env, "EMAIL_URL"))  # EMAIL_BACKEND, EMAIL_HOST and so on
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = read.mail_sender(env, "DEFAULT_FROM_EMAIL", default=f"till@{urlsplit(PUBLIC_URL).hostname}")
CUSTOMER_LETTERS = "checkout.letters.letter_of"
STAFF_NOTICE_EMAILS = read.mail_addresses(env, "STAFF_NOTICE_EMAILS")

# --- Language and time ---
LANGUAGE_CODE = ENGLISH
LANGUAGES = CHOICES
LOCALE_PATHS = [BASE_DIR / "checkout" / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# --- Static files ---
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_MAX_AGE = 3600  # only files without a hash in their name; hashed ones are kept for ever

# --- Cookies and transport: PUBLIC_URL is the one switch ---
_PREFIX = "__Host-" if HTTPS else ""
SESSION_COOKIE_NAME = f"{_PREFIX}sid"
SESSION_COOKIE_AGE = 28_800
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_NAME = f"{_PREFIX}csrf"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SECURE = HTTPS
CSRF_FAILURE_VIEW = "checkout.errors.csrf_failure"
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 63_072_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
# Preloading binds a whole domain for years: that is the operator's own step, not a default.
SILENCED_SYSTEM_CHECKS = ["security.W021"]
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# --- Staff ---
# Codes of an app beside passwords: wherever passwords travel over real networks. Whoever has enrolled is always asked.
STAFF_SECOND_FACTOR = read.strict_bool(env, "STAFF_SECOND_FACTOR", default=HTTPS)
STAFF_IDLE_MINUTES = read.integer(env, "STAFF_IDLE_MINUTES", default=15, at_least=1, at_most=480)
LOGIN_URL = "admin:login"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]

# --- Logs ---
LOG_FORMAT = read.one_of(env, "LOG_FORMAT", choices=("text", "json"), default="text")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"mask": {"()": "checkout.logs.MaskFilter"}},
    "formatters": {
        "text": {"()": "checkout.logs.TextFormatter"},
        "json": {"()": "checkout.logs.JsonFormatter"},
    },
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT, "filters": ["mask"]},
    },
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        # Django mails errors and echoes requests through its own handlers: one masked way out is enough.
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        "django.request": {"level": "ERROR"},
        # Scanners send wrong hosts all day; the access log has a line for each.
        "django.security.DisallowedHost": {"level": "CRITICAL"},
        "django.server": {"handlers": [], "propagate": True},
        "stripe": {"level": "WARNING"},  # it tells of every request, with the ids of sessions that can be paid
    },
}
