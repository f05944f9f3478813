"""The one door through which a payment's status changes."""

from datetime import datetime
from typing import Any

from django.db.models import F

from payments.errors import InvalidMove, StaleRow
from payments.models import Order, Payment
from payments.services.events import record_event
from payments.states import LIVE, PAYMENT_MOVES, PaymentStatus


def move_payment(
    payment: Payment, new: PaymentStatus, *, order: Order, cause: str, at: datetime, **columns: Any
) -> None:
    """Compare and set, with its event. The caller holds the payment's order.

    `columns` change with the status. Raises InvalidMove if the table has no such edge, StaleRow if somebody was first.
    """
    old = PaymentStatus(payment.status)
    if new not in PAYMENT_MOVES[old]:
        raise InvalidMove(payment, old, new)
    columns["status"] = new
    if new not in LIVE:
        columns |= {"inquire_at": None, "leased_until": None, "completed_at": at}
    if Payment.objects.filter(pk=payment.pk, status=old).update(**columns) != 1:
        raise StaleRow(payment)
    for name, value in columns.items():
        setattr(payment, name, value)
    numbered = Order.objects.filter(pk=order.pk, last_sequence=order.last_sequence)
    if numbered.update(last_sequence=F("last_sequence") + 1) != 1:
        raise StaleRow(order)
    order.last_sequence += 1
    record_event(order, kind=f"payment.{new}", old=old, new=new, cause=cause, at=at, payment=payment)
