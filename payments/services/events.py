"""The record of every move, numbered per order, written in the transaction of the move."""

from datetime import datetime

from payments.models import Event, Order, Payment


def record_event(
    order: Order, *, kind: str, old: str, new: str, cause: str, at: datetime, payment: Payment | None = None
) -> None:
    """Append an event. The caller holds the order's row and has stored `order.last_sequence` as the event's number."""
    Event.objects.create(
        order=order, payment=payment, sequence=order.last_sequence, kind=kind, old=old, new=new, cause=cause, at=at
    )
