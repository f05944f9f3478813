#!/usr/bin/env bash
# Everything, on both databases. CI runs it as it is; nothing may be skipped there.
set -euo pipefail
cd "$(dirname "$0")/.."
url=${TEST_POSTGRES_URL:-postgres://postgres@127.0.0.1:5432/postgres}
workers=${TEST_WORKERS:-auto}
echo "== SQLite: the slow tests"
.venv/bin/python -m pytest -n "$workers" -m slow
echo "== PostgreSQL: all tests that need a database"
if ! TEST_DATABASE_URL=$url .venv/bin/python -c "import psycopg, sys; psycopg.connect(sys.argv[1].replace('postgres://', 'postgresql://'), connect_timeout=5)" "$url" 2>/dev/null; then
  echo "No PostgreSQL answers at $url: start one, or set TEST_POSTGRES_URL to a server where a database may be made." >&2
  exit 1
fi
# What is made in memory is the same on every database.
TEST_DATABASE_URL=$url .venv/bin/python -m pytest -n "$workers" -m "not in_memory"
