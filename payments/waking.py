"""How the worker hears at once of what was committed, instead of looking every second.

PostgreSQL tells: triggers notify whoever listens, at the commit and without a statement of the writer's own. SQLite is
asked: one number says whether another connection has committed. Nothing depends on being heard: what is missed, as
while the database was away or through a pooler that drops LISTEN, is found by looking.
"""

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue

from django.db import DEFAULT_DB_ALIAS, Error, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper

CHANNEL = "till_work"
WAKING = {
    "payments_delivery": "due_at",
    "payments_payment": "inquire_at",
    "payments_refund": "inquire_at",
    "payments_settlement": "build_at",
    "simulator_simulatedevent": "due_at",
}
"""Tables with work, and the column that says when it is due. What is due later is found by looking."""
SLICE_S = 1.0
"""How long one wait for PostgreSQL lasts; after a silent one we ask whether anybody is there still."""
POLL_S = 0.05
"""How often SQLite is asked. Measured: 0.6 % of a core."""
PAUSE_S = 5.0
log = logging.getLogger("till.waking")

# Commits that notify queue behind each other on the whole server. That is why later work does not: an attempt is asked
# about in seconds, so most payments notify only once, where their merchant is told of them.
_FUNCTION = f"""
CREATE OR REPLACE FUNCTION till_wake() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_notify('{CHANNEL}', ''); RETURN NULL; END $$
"""
_TRIGGER = """
CREATE OR REPLACE TRIGGER {table}_wakes AFTER INSERT OR UPDATE OF {column} ON {table}
FOR EACH ROW WHEN (NEW.{column} <= clock_timestamp()) EXECUTE FUNCTION till_wake()
"""


def install() -> None:
    """Make PostgreSQL's triggers, anew after each migration; SQLite needs none."""
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute(_FUNCTION)
        existing = set(connection.introspection.table_names(cursor))
        for table, column in WAKING.items():
            if table in existing:
                cursor.execute(_TRIGGER.format(table=table, column=column))


class Bell:
    """What a worker waits on between rounds. Threads and signal handlers may ring it: a queue never locks them out."""

    def __init__(self) -> None:
        self._rings: SimpleQueue[None] = SimpleQueue()

    def ring(self) -> None:
        self._rings.put(None)

    def wait(self, timeout_s: float) -> None:
        """Return when it rings or has rung since the last wait, or after some seconds."""
        with suppress(Empty):
            self._rings.get(timeout=timeout_s)
            while True:
                self._rings.get_nowait()


def listen(ring: Callable[[], None], over: threading.Event) -> None:
    """Ring when something may have become due, on a connection of its own, until it is over.

    A lost connection is made anew, without haste, and rings, for something may have been missed.
    """
    follow = _follow_postgresql if connection.vendor == "postgresql" else _follow_sqlite
    while not over.is_set():
        database = connections.create_connection(DEFAULT_DB_ALIAS)
        try:
            follow(database, ring, over)
        except Error as fault:
            log.warning("cannot hear of commits, so the worker only looks now and then: %s", type(fault).__name__)
            over.wait(PAUSE_S)
        finally:
            database.close()


def _follow_postgresql(database: BaseDatabaseWrapper, ring: Callable[[], None], over: threading.Event) -> None:
    _ask(database)
    ring()
    while not over.is_set():
        with database.wrap_database_errors:
            heard = list(database.connection.notifies(timeout=SLICE_S, stop_after=1))
        if heard:
            ring()
        else:
            _ask(database)


def _ask(database: BaseDatabaseWrapper) -> None:
    """Listen; said again, it changes nothing and tells whether the connection lives."""
    with database.cursor() as cursor:
        cursor.execute(f"LISTEN {CHANNEL}")


def _follow_sqlite(database: BaseDatabaseWrapper, ring: Callable[[], None], over: threading.Event) -> None:
    seen = None
    while not over.wait(POLL_S):
        with database.cursor() as cursor:
            cursor.execute("PRAGMA data_version")
            version = cursor.fetchone()[0]
        if version != seen:
            seen = version
            ring()
