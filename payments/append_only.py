"""Rows that are written once: triggers refuse to change or delete them, whoever asks the database."""

from django.db import connection

TABLES = ("payments_transfer", "payments_event", "payments_auditentry", "payments_gatewayevent")

_SQLITE = """
CREATE TRIGGER IF NOT EXISTS {table}_no_{act} BEFORE {ACT} ON {table}
BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END
"""
_POSTGRESQL_FUNCTION = """
CREATE OR REPLACE FUNCTION till_append_only() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation'; END $$
"""
_POSTGRESQL = """
CREATE OR REPLACE TRIGGER {table}_no_{act} BEFORE {ACT} ON {table}
FOR EACH ROW EXECUTE FUNCTION till_append_only()
"""


def install() -> None:
    """Make the triggers where they are missing. SQLite drops them when a migration rebuilds a table, so after each."""
    statement = _POSTGRESQL if connection.vendor == "postgresql" else _SQLITE
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_POSTGRESQL_FUNCTION)
        existing = set(connection.introspection.table_names(cursor))
        for table in TABLES:
            for act in ("update", "delete"):
                if table in existing:
                    cursor.execute(statement.format(table=table, act=act, ACT=act.upper()))


def remove() -> None:
    """Drop the triggers: for tests that empty the database, and for an operator who must."""
    on = " ON {table}" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        existing = set(connection.introspection.table_names(cursor))
        for table in TABLES:
            for act in ("update", "delete"):
                if table in existing:
                    cursor.execute(f"DROP TRIGGER IF EXISTS {table}_no_{act}{on.format(table=table)}")


def missing() -> list[str]:
    """Names of the triggers that should be there and are not."""
    query = (
        "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal"
        if connection.vendor == "postgresql"
        else "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    )
    with connection.cursor() as cursor:
        cursor.execute(query)
        present = {row[0] for row in cursor.fetchall()}
    wanted = [f"{table}_no_{act}" for table in TABLES for act in ("update", "delete")]
    return [name for name in wanted if name not in present]
