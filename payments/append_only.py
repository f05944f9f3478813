"""Rows that are written once, and rows that freeze: triggers refuse the rest, whoever asks the database."""

from dataclasses import dataclass

from django.db import connection

TABLES = (
    "payments_transfer",
    "payments_event",
    "payments_auditentry",
    "payments_gatewayevent",
    "payments_settlementevent",
    "payments_statementfile",
    "payments_statementline",
    "payments_gatewaysettlement",
)
"""Rows that nobody changes or deletes."""

_OPEN = "(SELECT status FROM payments_settlement WHERE id = {row}.settlement_id) = 'open'"
_FIGURES = (
    "merchant_id", "mode", "currency", "collects", "cutoff_at", "opened_at", "closed_at", "payments", "refunds",
    "gross_minor", "refunds_minor", "fees_minor", "tax_minor", "adjustments_minor", "paid_directly_minor",
    "carried_in_minor", "net_minor",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Guard:
    """What may not be done to a table's rows, unless a condition over OLD and NEW holds."""

    table: str
    act: str
    unless: str = ""
    why: str = "is append-only"

    @property
    def name(self) -> str:
        return f"{self.table}_no_{self.act}"


GUARDS = (
    *(Guard(table, act) for table in TABLES for act in ("update", "delete")),
    # A settlement's lines come and go while it is open; then they and its figures stand.
    Guard("payments_settlementline", "insert", _OPEN.format(row="NEW"), "takes no line: its settlement is closed"),
    Guard("payments_settlementline", "update"),
    Guard("payments_settlementline", "delete", _OPEN.format(row="OLD"), "keeps its lines: the settlement is closed"),
    Guard(
        "payments_settlement",
        "update",
        "OLD.status = 'open' OR " + " AND ".join(f"(NEW.{name} = OLD.{name})" for name in _FIGURES),
        "keeps its figures: it is closed",
    ),
    Guard("payments_settlement", "delete", "OLD.status = 'open'", "cannot be deleted: it is closed"),
)

_SQLITE = """
CREATE TRIGGER IF NOT EXISTS {name} BEFORE {ACT} ON {table} WHEN NOT ({unless})
BEGIN SELECT RAISE(ABORT, '{table} {why}'); END
"""
_POSTGRESQL_FUNCTION = """
CREATE OR REPLACE FUNCTION till_{name}() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
    IF NOT ({unless}) THEN
        RAISE EXCEPTION '{table} {why}' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    RETURN NEW;
END $$
"""
_POSTGRESQL = """
CREATE OR REPLACE TRIGGER {name} BEFORE {ACT} ON {table} FOR EACH ROW EXECUTE FUNCTION till_{name}()
"""


def install() -> None:
    """Make the triggers where they are missing. SQLite drops them when a migration rebuilds a table, so after each."""
    statements = [_POSTGRESQL_FUNCTION, _POSTGRESQL] if connection.vendor == "postgresql" else [_SQLITE]
    with connection.cursor() as cursor:
        existing = set(connection.introspection.table_names(cursor))
        for guard in (guard for guard in GUARDS if guard.table in existing):
            words = {"table": guard.table, "ACT": guard.act.upper(), "name": guard.name, "why": guard.why}
            for statement in statements:
                cursor.execute(statement.format(unless=guard.unless or "FALSE", **words))


def remove() -> None:
    """Drop the triggers: for tests that empty the database, and for an operator who must."""
    on = " ON {table}" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        existing = set(connection.introspection.table_names(cursor))
        for guard in (guard for guard in GUARDS if guard.table in existing):
            cursor.execute(f"DROP TRIGGER IF EXISTS {guard.name}{on.format(table=guard.table)}")


def missing() -> list[str]:
    """Names of the triggers that should be there and are not; a table that a migration has yet to make needs none."""
    query = (
        "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal"
        if connection.vendor == "postgresql"
        else "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    )
    with connection.cursor() as cursor:
        cursor.execute(query)
        present = {row[0] for row in cursor.fetchall()}
        existing = set(connection.introspection.table_names(cursor))
    return [guard.name for guard in GUARDS if guard.table in existing and guard.name not in present]
