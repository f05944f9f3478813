"""Ending an attempt that has not taken money, so that another may start."""

from datetime import datetime

from payments import clock
from payments.gateways.base import CancelAnswer, NotSupported, PaymentFact
from payments.models import Payment
from payments.selectors import may_be_cancelled
from payments.services.calls import ask_gateway, ask_to_cancel
from payments.services.facts import apply_gateway_fact
from payments.states import PaymentStatus


def cancel_attempt(payment_pk: int, *, cause: str, at: datetime) -> CancelAnswer:
    """Cancel an attempt at its gateway and end it here if that makes it dead. Safe to call twice.

    ALIVE and UNKNOWN leave it as it is, to be inquired at once: it took money, or still may.
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
    else:
        Payment.objects.filter(pk=payment.pk, status=PaymentStatus.PENDING, inquire_at__gt=at).update(inquire_at=at)
    return answer


def _how_it_ended(payment: Payment) -> PaymentFact:
    """A dead attempt may have been declined or left just before: that is what counts, else our cancel."""
    said = ask_gateway(payment)
    if isinstance(said, PaymentFact) and said.status != PaymentStatus.PENDING:
        return said
    return PaymentFact(
        status=PaymentStatus.CANCELLED,
        key=payment.gateway_key,
        error_code="cancelled",
        message="Cancelled before it was paid.",
    )
