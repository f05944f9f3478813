"""The one door through which a payment's status changes, and the one for a payment we first hear of when it is over."""

import logging
from datetime import datetime
from typing import Any

from payments.errors import InvalidMove, StaleRow
from payments.fields import storable
from payments.models import Event, Order, Payment
from payments.services.events import new_event, record_numbered
from payments.states import LIVE, PAYMENT_MOVES, PaymentStatus

log = logging.getLogger(__name__)


def move_payment(
    payment: Payment,
    new: PaymentStatus,
    *,
    order: Order,
    cause: str,
    at: datetime,
    order_follows: bool = False,
    **columns: Any,
) -> Event | None:
    """Compare and set, with its event. The caller holds the payment's order.

    Where the order's own move follows, the event is returned for `move_order` to write. `columns` change with the
    status. Raises InvalidMove if the table has no such edge, StaleRow if somebody was first.
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
    told = _told(payment, old=old, cause=cause, at=at)
    if order_follows:
        return new_event(order, number=order.last_sequence + 1, **told)
    record_numbered(order, **told)
    return None


def add_captured(order: Order, *, cause: str, at: datetime, **columns: Any) -> Payment:
    """Write a payment that we first hear of when its money was taken. The caller holds the order."""
    payment = Payment.objects.create(
        order=order, status=PaymentStatus.SUCCESS, started_at=at, deadline_at=at, completed_at=at, **columns
    )
    record_numbered(order, **_told(payment, old=PaymentStatus.PENDING, cause=cause, at=at))
    return payment


def _told(payment: Payment, *, old: PaymentStatus, cause: str, at: datetime) -> dict[str, Any]:
    """What the event of a move says."""
    kind = f"payment.{payment.status}"
    return {"kind": kind, "old": old, "new": payment.status, "cause": cause, "at": at, "payment": payment}


def bearer_of(payment: Payment) -> Payment:
    """The newest attempt on the same order at the gateway: what is told of that order, and of no payment we know, is
    about it. Most gateways have one attempt to an order.
    """
    if not payment.gateway_order_id:
        return payment
    same = Payment.objects.on_gateway_order(payment.gateway, payment.account_id, payment.gateway_order_id)
    return same.first() or payment


def flag_for_review(payment: Payment, reason: str, *, money_unclear: bool = False) -> None:
    """Ask staff to look at a payment. The first reason stands; `money_unclear` stops everybody calling it untaken."""
    reason = storable(reason)
    log.warning("%s needs review: %s", payment.uid, reason)
    payment.review_reason = payment.review_reason or reason[:200]
    payment.money_unclear = payment.money_unclear or money_unclear
    payment.save(update_fields=["review_reason", "money_unclear"])
