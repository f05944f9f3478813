"""The webhooks that Patang has got: a small file of its own, as any shop would keep them in its own database."""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings

MOST_KEPT = 500
WAIT_S = 5.0
_TABLE = """
CREATE TABLE IF NOT EXISTS webhook (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, order_id TEXT NOT NULL,
    attempt INTEGER NOT NULL, arrived_at TEXT NOT NULL, times INTEGER NOT NULL DEFAULT 1
)
"""


@dataclass(frozen=True, slots=True)
class Webhook:
    """One message whose signature was right. `times` counts how often it came; what counts is the first."""

    id: str
    kind: str
    order_id: str
    attempt: int
    arrived_at: datetime
    times: int = 1


@contextmanager
def _opened() -> Iterator[sqlite3.Connection]:
    """The store, in a transaction. It lies beside the demo's credentials. Raises sqlite3.Error."""
    path = Path(settings.DEMO_FILE).with_name("shop-webhooks.sqlite3")
    with closing(sqlite3.connect(path, timeout=WAIT_S)) as store, store:
        store.execute(_TABLE)
        yield store


def keep(message: Webhook) -> bool:
    """Keep a message, and say whether it was new. The oldest beyond MOST_KEPT are forgotten. Raises sqlite3.Error."""
    columns = (message.id, message.kind, message.order_id, message.attempt, message.arrived_at.isoformat())
    with _opened() as store:
        added = store.execute(
            "INSERT INTO webhook (id, kind, order_id, attempt, arrived_at) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET times = times + 1 RETURNING times",
            columns,
        ).fetchone()
        store.execute("DELETE FROM webhook WHERE number <= (SELECT MAX(number) FROM webhook) - ?", [MOST_KEPT])
    return bool(added[0] == 1)


def of_orders(order_ids: Iterable[str]) -> dict[str, list[Webhook]]:
    """What came about each of these orders, oldest first. Raises sqlite3.Error."""
    found: dict[str, list[Webhook]] = {order_id: [] for order_id in order_ids}
    with _opened() as store:
        rows = store.execute(
            "SELECT id, kind, order_id, attempt, arrived_at, times FROM webhook"
            " WHERE order_id IN (SELECT value FROM json_each(?)) ORDER BY number",
            [json.dumps(list(found))],
        ).fetchall()
    for uid, kind, order_id, attempt, arrived_at, times in rows:
        found[order_id].append(Webhook(uid, kind, order_id, attempt, datetime.fromisoformat(arrived_at), times))
    return found
