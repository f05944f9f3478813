"""Settings of the test run: values of their own, never the developer's .env."""

import base64
import os

os.environ.update(
    ENV_FILE=os.devnull,
    SECRET_KEY="test-only-" + "k" * 50,
    API_KEY_PEPPER="test-only-" + "p" * 32,
    FIELD_ENCRYPTION_KEYS=base64.urlsafe_b64encode(b"t" * 32).decode(),
    PUBLIC_URL="http://testserver",
    ALLOWED_HOSTS="testserver,localhost,127.0.0.1",
    DEBUG="False",
    LOG_FORMAT="text",
)

from checkout.settings import *  # noqa: F403
from checkout.settings import VAR_DIR, database_settings

DATABASES = {
    "default": database_settings(os.environ.get("TEST_DATABASE_URL", f"sqlite:///{VAR_DIR / 'unused.sqlite3'}"))
}
# A file, not memory: the promises about parallel requests are about the file database people run.
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["TEST"] = {"NAME": str(VAR_DIR / "test.sqlite3")}
else:
    # Making and dropping whole databases takes longer than any statement of ours may.
    options = DATABASES["default"]["OPTIONS"]
    options["options"] = options["options"].replace("statement_timeout=10s", "statement_timeout=120s")
VAR_DIR.mkdir(mode=0o700, exist_ok=True)

DEMO_FILE = VAR_DIR / "no-demo-in-tests.json"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_AUTOREFRESH = True
