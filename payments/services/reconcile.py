"""Asking gateways about attempts that stay pending, until we know."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q

from payments import backoff, clock
from payments.errors import NotCapturable
from payments.gateways.base import CancelAnswer, NotSupported, PaymentFact, Standing
from payments.gateways.registry import gateway_named
from payments.models import Authorization, Payment
from payments.services.attempts import bearer_of, flag_for_review
from payments.services.calls import ask_gateway, ask_to_cancel
from payments.services.cancels import FREES, cancel_attempt, listen_for_late_money, next_listening
from payments.services.facts import apply_gateway_fact
from payments.services.holds import ask_for
from payments.services.orders import lock_order
from payments.services.sending import send_action, void_payment
from payments.states import (
    ENDED_UNPAID,
    SETTLE_TIME,
    AuthorizationAction,
    AuthorizationStatus,
    OrderStatus,
    PaymentStatus,
)

INQUIRY_LEASE = timedelta(seconds=60)
SMALLEST_GAP = timedelta(seconds=5)
"""Between two questions about one attempt, however often a page asks."""
LISTEN_FOR = timedelta(days=5)
"""After the time of attempt and order is over: as long as a gateway's late answers are waited for."""
UNKNOWN = "For five days its gateway has not said whether money was taken: look there. It is asked no more."
_SHUT_OUT = frozenset({CancelAnswer.DEAD, None})
"""Answers to a cancel after which an attempt can take no money; None where the gateway has no such thing."""
_SAID_YES = frozenset({PaymentStatus.SUCCESS, PaymentStatus.AUTHORIZED})


def inquire_payment(
    payment_pk: int,
    *,
    at: datetime,
    even_if_early: bool = False,
    has_news: bool = False,
    brought: Mapping[str, str] | None = None,
) -> bool:
    """Ask the gateway about a pending attempt and apply its answer; false if it was not ours to ask now.

    `even_if_early` asks before the next planned time, for a customer who waits; `has_news` even within the smallest
    gap, for one who comes back from the bank with what the browser `brought`. Safe to run twice at once: one claims.
    """
    if not _claim(payment_pk, at=at, even_if_early=even_if_early or has_news, has_news=has_news):
        return False
    payment = Payment.objects.select_related("order").get(pk=payment_pk)
    if payment.status != PaymentStatus.PENDING:
        follow_up = _listen_on if payment.status in ENDED_UNPAID else _settle_hold
        follow_up(payment, at=at)
        return True
    if _is_unwanted(payment) and cancel_attempt(payment.pk, cause="order over", at=at) in FREES:
        _plan_next(payment, at=clock.now())  # should it still be pending, nobody asks without end
        return True
    answer = ask_gateway(payment, brought)
    later = clock.now()
    fact = answer if isinstance(answer, PaymentFact) else _end_of_waiting(payment, answer, at=later)
    if fact is not None:
        apply_gateway_fact(payment, fact, cause="inquiry", at=later)
        if answer is Standing.OPEN:
            _listen_on(payment, at=later)
        elif gateway_named(payment.gateway).shares_orders:
            listen_for_late_money(payment, at=later)
    _plan_next(payment, at=later)
    return True


def _listen_on(payment: Payment, *, at: datetime) -> None:
    """Go on asking about an attempt that is over here and that its gateway may still take money for.

    An event that would tell us can be lost. It ends when the gateway says that it is over there too, or long after,
    or when a newer attempt carries on the same order there: then that one is asked about.
    """
    if bearer_of(payment).pk != payment.pk:
        Payment.objects.filter(pk=payment.pk).update(inquire_at=None, leased_until=None)
        return
    answer = ask_gateway(payment)
    if isinstance(answer, PaymentFact) and answer.status in _SAID_YES:
        apply_gateway_fact(payment, answer, cause="inquiry", at=at)
    if answer is Standing.OPEN:
        closes = not gateway_named(payment.gateway).shares_orders
        is_over = closes and _cancel_answer(payment) is CancelAnswer.DEAD
    else:
        is_over = isinstance(answer, PaymentFact) and answer.status != PaymentStatus.PENDING
    last = max(payment.deadline_at, payment.order.expires_at) + LISTEN_FOR
    again = None if is_over or at >= last else min(next_listening(payment, at=at), last)
    Payment.objects.filter(pk=payment.pk, status__in=ENDED_UNPAID).update(inquire_at=again, leased_until=None)


def inquire_after_return(payment_pk: int, *, at: datetime, params: Mapping[str, str] | None = None) -> None:
    """Ask about the attempt a customer comes back from, also one we took for over: the bank may have said yes late.

    `params` is what the browser brought. Whoever comes back to an attempt whose order at the gateway a newer one
    carries on comes back to that one.
    """
    payment = bearer_of(Payment.objects.get(pk=payment_pk))
    if inquire_payment(payment.pk, at=at, has_news=True, brought=params or {}):
        return
    payment.refresh_from_db()
    if payment.status in ENDED_UNPAID:
        answer = ask_gateway(payment, params or {})
        if isinstance(answer, PaymentFact) and answer.status in _SAID_YES:
            apply_gateway_fact(payment, answer, cause="customer's return", at=clock.now())


def _claim(payment_pk: int, *, at: datetime, even_if_early: bool, has_news: bool) -> bool:
    # Up to the smallest gap ahead nobody asks: the last one who did only keeps others from asking at once.
    free_from = at + SMALLEST_GAP if has_news else at
    unleased = Q(leased_until=None) | Q(leased_until__lte=free_from)
    due = Q() if even_if_early else Q(inquire_at__lte=at)
    asked = Q(status=PaymentStatus.PENDING) | Q(inquire_at__lte=at)
    mine = Payment.objects.filter(unleased, due, asked, pk=payment_pk)
    return mine.update(leased_until=at + INQUIRY_LEASE, inquiries=F("inquiries") + 1) == 1


def _settle_hold(payment: Payment, *, at: datetime) -> None:
    """Go on with the capture or void that is in flight, or release a hold whose time is up."""
    authorization = Authorization.objects.get(payment=payment)
    if authorization.status == AuthorizationStatus.PENDING:
        said = ask_gateway(payment)
        if isinstance(said, PaymentFact) and said.status in (PaymentStatus.SUCCESS, PaymentStatus.VOID):
            apply_gateway_fact(payment, said, cause="inquiry", at=clock.now())
        elif said is not None:
            send_action(payment, cause="worker")
        _plan_action(payment, authorization, at=clock.now())
    elif payment.status == PaymentStatus.AUTHORIZED and authorization.approve_by and authorization.approve_by <= at:
        with suppress(NotCapturable):  # somebody captures it just now
            void_payment(payment.pk, cause="clock", at=at)
    elif payment.status == PaymentStatus.VOID and not _is_released(authorization, at=at):
        with transaction.atomic():
            lock_order(payment.order_id)
            ask_for(payment, AuthorizationAction.VOID, at=at)
        send_action(payment, cause="worker")
    else:
        held_until = authorization.approve_by if payment.status == PaymentStatus.AUTHORIZED else None
        Payment.objects.filter(pk=payment.pk).update(inquire_at=held_until, leased_until=None)


def _is_released(authorization: Authorization, *, at: datetime) -> bool:
    """Whether the bank let the money go: because we asked, or because its time was up."""
    lapsed = authorization.approve_by is not None and at >= authorization.approve_by
    return lapsed or authorization.status != AuthorizationStatus.FAILED


def _plan_action(payment: Payment, authorization: Authorization, *, at: datetime) -> None:
    """When to see to an action again that is still in flight."""
    still = Authorization.objects.filter(pk=authorization.pk, status=AuthorizationStatus.PENDING)
    if still.exists():
        again = backoff.next_time(authorization.start_time or at, at=at)
        Payment.objects.filter(pk=payment.pk).update(inquire_at=again, leased_until=None)


def _end_of_waiting(payment: Payment, answer: Standing | None, *, at: datetime) -> PaymentFact | None:
    """What a gateway's silence about money means by now, or nothing while it is too early to say."""
    if answer is Standing.ABSENT and at >= payment.started_at + SETTLE_TIME:
        # A start may still be on its way: it has to be shut out before the order is free again.
        if _cancel_answer(payment) in _SHUT_OUT:
            return PaymentFact(
                status=PaymentStatus.FAILED,
                key=payment.gateway_key,
                error_code="not_received",
                message="The request never reached the gateway.",
            )
    elif answer is Standing.OPEN and at >= payment.deadline_at and _is_out_of_time(payment):
        return PaymentFact(
            status=PaymentStatus.USER_DROPPED,
            key=payment.gateway_key,
            error_code="not_completed",
            message="Nobody completed this attempt in time.",
        )
    return None


def _is_out_of_time(payment: Payment) -> bool:
    """Whether an attempt past its deadline can take no money any more, or only in place of the next one."""
    answer = _cancel_answer(payment)
    by_itself = answer is CancelAnswer.UNKNOWN and gateway_named(payment.gateway).keeps_deadlines
    return by_itself or answer in FREES | _SHUT_OUT


def _is_unwanted(payment: Payment) -> bool:
    """Whether its order was paid otherwise or is to be ended: it should take no money any more."""
    order = payment.order
    return order.status != OrderStatus.PENDING or order.terminate_requested_at is not None


def _cancel_answer(payment: Payment) -> CancelAnswer | None:
    """The gateway's answer to a cancel; None where it has no such thing and its settle time is all there is."""
    try:
        return ask_to_cancel(payment)
    except NotSupported:
        return None


def _plan_next(payment: Payment, *, at: datetime) -> None:
    """Keep the claim for the smallest gap, so that page and worker together do not ask more often than that."""
    is_too_long = at >= payment.deadline_at + LISTEN_FOR
    again = None if is_too_long else backoff.next_time(payment.started_at, at=at)
    still_pending = Payment.objects.filter(pk=payment.pk, status=PaymentStatus.PENDING)
    if still_pending.update(inquire_at=again, leased_until=at + SMALLEST_GAP) and is_too_long:
        _leave_to_staff(payment)


def _leave_to_staff(payment: Payment) -> None:
    """Stop asking by ourselves. Whatever the gateway still says, or answers to staff, applies as ever."""
    with transaction.atomic():
        lock_order(payment.order_id)
        payment.refresh_from_db()
        if payment.status == PaymentStatus.PENDING and not payment.review_reason:
            flag_for_review(payment, UNKNOWN)
