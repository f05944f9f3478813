"""Acts of staff: recorded in their own transaction, chained, and verified."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from payments.errors import BadInput
from payments.models import AuditEntry, Order

_CHAIN_LOCK = 7_210_022
"""Any number of our own: whoever holds this PostgreSQL advisory lock writes the next link."""


@dataclass(frozen=True, slots=True)
class Act:
    """Who does something and why. A reason is always asked for."""

    user_id: int
    reason: str


def record_act(
    act: str,
    by: Act,
    *,
    object_type: str,
    object_id: str,
    at: datetime,
    order: Order | None = None,
    **details: Any,
) -> None:
    """Append an act, in the transaction that does it. Raises BadInput without a reason."""
    refuse_without_reason(by)
    _wait_for_the_chain()
    entry = AuditEntry(
        actor_id=by.user_id,
        act=act,
        object_type=object_type,
        object_id=object_id,
        order=order,
        reason=by.reason.strip()[:200],
        details=details,
        at=at,
    )
    last = AuditEntry.objects.order_by("-pk").values_list("digest", flat=True).first()
    entry.digest = _digest(entry, last or "")
    entry.save(force_insert=True)


def refuse_without_reason(by: Act) -> None:
    """Raise BadInput if nobody said why."""
    if not by.reason.strip():
        raise BadInput("reason", "reason_missing", "reason: say in a few words why; it is kept with the act.")


def _wait_for_the_chain() -> None:
    """One writer at a time till the transaction ends. SQLite has only one anyhow."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_CHAIN_LOCK])


def _digest(entry: AuditEntry, previous: str) -> str:
    """SHA-256 over the previous digest and everything the row says."""
    told = [
        previous,
        entry.actor_id,
        entry.act,
        entry.object_type,
        entry.object_id,
        entry.order_id,
        entry.reason,
        entry.details,
        entry.at.isoformat(),
    ]
    return hashlib.sha256(json.dumps(told, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def broken_links() -> Iterator[AuditEntry]:
    """The entries whose digest does not follow from the row and the one before it."""
    previous = ""
    for entry in AuditEntry.objects.order_by("pk").iterator(chunk_size=1_000):
        if entry.digest != _digest(entry, previous):
            yield entry
        previous = entry.digest
