"""The record of every move, numbered per order, written in the transaction of the move."""

from typing import Any

from django.db.models import F

from payments.errors import StaleRow
from payments.models import Event, Order
from payments.services.deliveries import enqueue
from payments.services.letters import due_columns


def new_event(order: Order, *, number: int, **told: Any) -> Event:
    """An event that is not written yet: `told` says kind, old, new, cause, at, and which payment or refund."""
    return Event(order=order, sequence=number, **told)


def write_events(*events: Event | None) -> None:
    """Append events of one order, with what its merchant is told of them. The caller holds the order's row and has
    stored the last one's number on it.
    """
    written = Event.objects.bulk_create(event for event in events if event is not None)
    enqueue(written, order=written[-1].order)


def record_numbered(order: Order, **told: Any) -> None:
    """Take the order's next number for an event of one of its rows. The caller holds the order; raises StaleRow."""
    mail = due_columns(order, kind=told["kind"], number=order.last_sequence + 1, at=told["at"])
    numbered = Order.objects.filter(pk=order.pk, last_sequence=order.last_sequence)
    if numbered.update(last_sequence=F("last_sequence") + 1, **mail) != 1:
        raise StaleRow(order)
    order.last_sequence += 1
    write_events(new_event(order, number=order.last_sequence, **told))
