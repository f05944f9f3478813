"""Ending an attempt that has not taken money, so that another may start."""

from datetime import datetime

from payments import backoff, clock
from payments.gateways.base import CancelAnswer, NotSupported, PaymentFact
from payments.gateways.registry import gateway_named
from payments.models import Payment
from payments.selectors import may_be_cancelled
from payments.services.calls import ask_gateway, ask_to_cancel
from payments.services.facts import apply_gateway_fact
from payments.states import ENDED_UNPAID, PaymentStatus

FREES = frozenset({CancelAnswer.DEAD, CancelAnswer.SHARED})
"""Answers after which the order may be paid by another attempt."""


def cancel_attempt(payment_pk: int, *, cause: str, at: datetime) -> CancelAnswer:
    """Cancel an attempt at its gateway and end it here if that makes it dead. Safe to call twice.

    SHARED ends it too: the next attempt carries on the same order at the gateway, which takes money once. ALIVE and
    UNKNOWN leave it as it is, to be inquired at once: it took money, or still may.
    """
    payment = Payment.objects.get(pk=payment_pk)
    if not may_be_cancelled(payment, at=at):
        return CancelAnswer.UNKNOWN
    try:
        answer = ask_to_cancel(payment)
    except NotSupported:
        return CancelAnswer.UNKNOWN
    if answer is CancelAnswer.DEAD:
        apply_gateway_fact(payment, _how_it_ended(payment), cause=cause, at=clock.now())
    elif answer is CancelAnswer.SHARED:
        left = _cancelled(payment, PaymentStatus.USER_DROPPED)
        apply_gateway_fact(payment, left, cause=cause, at=clock.now())
        listen_for_late_money(payment, at=clock.now())
    else:
        Payment.objects.filter(pk=payment.pk, status=PaymentStatus.PENDING, inquire_at__gt=at).update(inquire_at=at)
    return answer


def _how_it_ended(payment: Payment) -> PaymentFact:
    """A dead attempt may have been declined or left just before: that is what counts, else our cancel."""
    said = ask_gateway(payment)
    if isinstance(said, PaymentFact) and said.status != PaymentStatus.PENDING:
        return said
    return _cancelled(payment, PaymentStatus.CANCELLED)


def _cancelled(payment: Payment, status: PaymentStatus) -> PaymentFact:
    message = "Cancelled before it was paid."
    return PaymentFact(status=status, key=payment.gateway_key, error_code="cancelled", message=message)


def listen_for_late_money(payment: Payment, *, at: datetime) -> None:
    """Go on asking about an attempt that is over here while its gateway may still take money: an event can be lost."""
    over = Payment.objects.filter(pk=payment.pk, status__in=ENDED_UNPAID)
    over.update(inquire_at=next_listening(payment, at=at), leased_until=None)


def next_listening(payment: Payment, *, at: datetime) -> datetime:
    """When to ask about it again. Where every attempt stays open like that, each question waits as long as all before:
    most customers who leave a page never come back to it.
    """
    planned = backoff.next_time(payment.started_at, at=at)
    doubled = at + (at - payment.started_at)
    return max(planned, doubled) if gateway_named(payment.gateway).shares_orders else planned
