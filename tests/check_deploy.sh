#!/usr/bin/env bash
# Django's deployment checks on settings as production has them.
set -euo pipefail
cd "$(dirname "$0")/.."
key=$(.venv/bin/python -c 'import base64, secrets; print(base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())')
secret() { .venv/bin/python -c 'import secrets; print(secrets.token_urlsafe(60))'; }
env -i PATH="$PATH" HOME="${HOME:-/tmp}" ENV_FILE=/dev/null DJANGO_SETTINGS_MODULE=checkout.settings \
  SECRET_KEY="$(secret)" API_KEY_PEPPER="$(secret)" FIELD_ENCRYPTION_KEYS="$key" PUBLIC_URL=https://pay.example.com \
  CACHE_URL=redis://127.0.0.1:6379/0 \
  .venv/bin/python manage.py check --deploy --fail-level WARNING
