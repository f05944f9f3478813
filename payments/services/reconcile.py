"""Asking gateways about attempts that stay pending, until we know."""

from datetime import datetime, timedelta

from django.db.models import F, Q

from payments import clock
from payments.gateways.base import CancelAnswer, NotSupported, PaymentFact, Standing, Unanswered
from payments.gateways.registry import gateway_named
from payments.models import Payment
from payments.services.calls import call_gateway
from payments.services.facts import apply_gateway_fact
from payments.services.payments import account_values
from payments.states import PaymentStatus

INQUIRY_LEASE = timedelta(seconds=60)
SMALLEST_GAP = timedelta(seconds=5)
"""Between two questions about one attempt, however often a page asks."""
SETTLE_TIME = timedelta(minutes=2)
"""From when on a gateway that knows no such payment may be believed."""
BACK_OFF = (
    timedelta(seconds=5),
    timedelta(seconds=15),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=15),
)
"""When to ask, counted from the attempt's start; hourly afterwards."""


def inquire_payment(payment_pk: int, *, at: datetime, even_if_early: bool = False) -> bool:
    """Ask the gateway about a pending attempt and apply its answer; false if it was not ours to ask now.

    `even_if_early` asks before the next planned time, for a customer who waits. Safe to run twice at once: one claims.
    """
    if not _claim(payment_pk, at=at, even_if_early=even_if_early):
        return False
    payment = Payment.objects.get(pk=payment_pk)
    gateway = gateway_named(payment.gateway)
    try:
        answer = call_gateway(lambda: gateway.inquire(account_values(payment), payment.gateway_key))
    except (Unanswered, NotSupported):
        answer = None
    later = clock.now()
    fact = answer if isinstance(answer, PaymentFact) else _end_of_waiting(payment, answer, at=later)
    if fact is not None:
        apply_gateway_fact(payment, fact, cause="inquiry", at=later)
    _plan_next(payment, at=later)
    return True


def _claim(payment_pk: int, *, at: datetime, even_if_early: bool) -> bool:
    unleased = Q(leased_until=None) | Q(leased_until__lte=at)
    due = Q() if even_if_early else Q(inquire_at__lte=at)
    mine = Payment.objects.filter(unleased, due, pk=payment_pk, status=PaymentStatus.PENDING)
    return mine.update(leased_until=at + INQUIRY_LEASE, inquiries=F("inquiries") + 1) == 1


def _end_of_waiting(payment: Payment, answer: Standing | None, *, at: datetime) -> PaymentFact | None:
    """What a gateway's silence about money means by now, or nothing while it is too early to say."""
    if answer is Standing.ABSENT and at >= payment.started_at + SETTLE_TIME and _is_shut_out(payment):
        return PaymentFact(
            status=PaymentStatus.FAILED,
            key=payment.gateway_key,
            error_code="not_received",
            message="The request never reached the gateway.",
        )
    if answer is Standing.OPEN and at >= payment.deadline_at:
        return PaymentFact(
            status=PaymentStatus.USER_DROPPED,
            key=payment.gateway_key,
            error_code="not_completed",
            message="Nobody completed this attempt in time.",
        )
    return None


def _is_shut_out(payment: Payment) -> bool:
    """Whether a start that is still on its way would be refused, as far as the gateway can promise that."""
    gateway = gateway_named(payment.gateway)
    try:
        return call_gateway(lambda: gateway.cancel(account_values(payment), payment.gateway_key)) == CancelAnswer.DEAD
    except NotSupported:
        return True  # this gateway's settle time is all there is
    except Unanswered:
        return False


def next_inquiry(payment: Payment, *, at: datetime) -> datetime:
    """When to ask again: the next step of the back-off after `at`, or in an hour."""
    steps = (payment.started_at + step for step in BACK_OFF)
    return next((step for step in steps if step > at), at + timedelta(hours=1))


def _plan_next(payment: Payment, *, at: datetime) -> None:
    """Keep the claim for the smallest gap, so that page and worker together do not ask more often than that."""
    still_pending = Payment.objects.filter(pk=payment.pk, status=PaymentStatus.PENDING)
    still_pending.update(inquire_at=next_inquiry(payment, at=at), leased_until=at + SMALLEST_GAP)
