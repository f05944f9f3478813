"""Captures, voids and refunds on their way to the gateway: committed first, then sent, then applied.

A crash anywhere leaves a row that the worker takes up again with the same key.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q

from payments import backoff, clock, faults
from payments.errors import ActionInFlight, BadInput, NotCapturable
from payments.gateways.base import NotSupported, PaymentFact, RefundFact, Standing, Unanswered
from payments.gateways.registry import gateway_named
from payments.models import Authorization, Payment, Refund
from payments.money import Money
from payments.services.audit import Act, record_act
from payments.services.calls import account_values, call_gateway, reference_values
from payments.services.facts import apply_gateway_fact
from payments.services.holds import ask_for, refuse_action
from payments.services.orders import lock_order
from payments.services.refunds import NewRefund, apply_refund_fact, approve_refund, reserve_refund
from payments.states import (
    REFUND_SENT,
    AuthorizationAction,
    AuthorizationStatus,
    OrderStatus,
    PaymentStatus,
    RefundStatus,
)

LEASE = timedelta(seconds=60)


# --- Held money ---


def capture_payment(
    payment_pk: int, amount: Money | None = None, *, cause: str, at: datetime, by: Act | None = None
) -> Payment:
    """Take held money: all of it, or the part given; the rest is released. Without an answer it stays in flight.

    Raises NotCapturable, BadInput.
    """
    payment = ask_action(payment_pk, AuthorizationAction.CAPTURE, amount, at=at, by=by)
    send_action(payment, cause=cause)
    return payment


def void_payment(payment_pk: int, *, cause: str, at: datetime, by: Act | None = None) -> Payment:
    """Release held money; its order is terminated. Without an answer it stays in flight. Raises NotCapturable."""
    payment = ask_action(payment_pk, AuthorizationAction.VOID, at=at, by=by)
    send_action(payment, cause=cause)
    return payment


def ask_action(
    payment_pk: int,
    action: AuthorizationAction,
    amount: Money | None = None,
    *,
    at: datetime,
    by: Act | None = None,
) -> Payment:
    """Write down that held money is to be captured or released; `send_action`, or the worker, tells the gateway.

    Raises NotCapturable, ActionInFlight, BadInput.
    """
    payment = Payment.objects.get(pk=payment_pk)
    with transaction.atomic():
        order = lock_order(payment.order_id)
        payment.refresh_from_db()
        _refuse_unless_held(payment)
        if action == AuthorizationAction.CAPTURE and order.status != OrderStatus.PENDING:
            raise NotCapturable(f"Its order is {order.status}: release this money instead.")
        asked = amount or payment.amount
        if asked.currency != payment.currency or not 0 < asked.minor <= payment.amount_minor:
            raise BadInput("amount", "amount_out_of_range", f"amount: capture up to {payment.amount}, above 0.")
        ask_for(payment, action, at=at, amount_minor=asked.minor if action == AuthorizationAction.CAPTURE else 0)
        if by is not None:
            record_act(
                f"payment.{action}", by, object_type="payment", object_id=payment.uid, order=order, at=at,
                amount_minor=asked.minor,
            )  # fmt: skip
        faults.point("action.before_t1_commit")
    transaction.on_commit(lambda: faults.point("action.after_t1"))
    return payment


def _refuse_unless_held(payment: Payment) -> None:
    if payment.status != PaymentStatus.AUTHORIZED:
        raise NotCapturable(f"This payment is not held: it is {payment.status}.")
    authorization = Authorization.objects.get(payment=payment)
    if authorization.status == AuthorizationStatus.PENDING:
        raise ActionInFlight(f"Its {authorization.action} is on its way: wait for what the gateway says.")


def send_action(payment: Payment, *, cause: str) -> None:
    """Send the capture or void that is in flight, if it still is. The gateway takes the same one twice for one."""
    authorization = Authorization.objects.filter(payment=payment, status=AuthorizationStatus.PENDING).first()
    if authorization is None:
        return
    gateway, reference = gateway_named(payment.gateway), reference_values(payment)
    try:
        if authorization.action == AuthorizationAction.CAPTURE:
            amount = Money(authorization.requested_minor, payment.currency)
            fact = call_gateway(lambda: gateway.capture(account_values(payment), reference, amount))
        else:
            fact = call_gateway(lambda: gateway.void(account_values(payment), reference))
    except Unanswered:
        at = clock.now()
        again = backoff.next_time(authorization.start_time or at, at=at)
        Payment.objects.filter(pk=payment.pk, inquire_at__isnull=False).update(inquire_at=again, leased_until=None)
        return
    except NotSupported as refusal:
        fact = PaymentFact(PaymentStatus.AUTHORIZED, payment.gateway_key, message=str(refusal))
    _apply_action(payment, fact, cause=cause, at=clock.now())


def _apply_action(payment: Payment, fact: PaymentFact, *, cause: str, at: datetime) -> None:
    if fact.status == PaymentStatus.AUTHORIZED:
        with transaction.atomic():
            lock_order(payment.order_id)
            payment.refresh_from_db()
            refuse_action(payment, fact, at=at)
        return
    apply_gateway_fact(payment, fact, cause=cause, at=at)


# --- Refunds ---


def refund_payment(payment_pk: int, new: NewRefund, *, at: datetime, by: Act | None = None) -> Refund:
    """Give money back, or ask a second person to. Raises as `reserve_refund`; without an answer it stays pending."""
    refund = reserve_refund(payment_pk, new, at=at, by=by)
    faults.point("refund.after_t1")
    return _sent(refund, at=at)


def approve_and_send(refund_pk: int, *, version: int, by: Act, at: datetime) -> Refund:
    """Approve a requested refund as a second person, and send it. Raises as `approve_refund`."""
    refund = approve_refund(refund_pk, version=version, by=by, at=at)
    faults.point("refund.after_t1")
    return _sent(refund, at=at)


def _sent(refund: Refund, *, at: datetime) -> Refund:
    if refund.status == RefundStatus.PENDING:
        process_refund(refund.pk, at=at)
        refund.refresh_from_db()
    return refund


def process_refund(refund_pk: int, *, at: datetime) -> bool:
    """Send a refund, or ask what became of it; false if it was not ours to do now. Safe to run twice: one claims."""
    unleased = Q(leased_until=None) | Q(leased_until__lte=at)
    mine = Refund.objects.filter(unleased, pk=refund_pk, status__in=REFUND_SENT, inquire_at__lte=at)
    if mine.update(leased_until=at + LEASE, inquiries=F("inquiries") + 1) != 1:
        return False
    refund = Refund.objects.select_related("payment").get(pk=refund_pk)
    fact = _sent_before(refund) if refund.inquiries > 1 else None
    if fact is None:
        fact = _send_refund(refund)
    later = clock.now()
    if isinstance(fact, RefundFact):
        apply_refund_fact(refund, fact, cause="gateway answer", at=later)
        faults.point("refund.after_t2")
    undecided = Refund.objects.filter(pk=refund.pk, status__in=REFUND_SENT)
    again = backoff.next_time(refund.sent_at or later, at=later)
    undecided.update(inquire_at=again, leased_until=None)
    return True


def _send_refund(refund: Refund) -> RefundFact | None:
    """Send it under its one key; None if nobody answers."""
    payment = refund.payment
    gateway, reference = gateway_named(payment.gateway), reference_values(payment)
    try:
        return call_gateway(
            lambda: gateway.refund(account_values(payment), reference, refund.gateway_key, refund.amount)
        )
    except Unanswered:
        return None
    except NotSupported as refusal:
        return RefundFact(RefundStatus.FAILED, refund.gateway_key, error_code="not_supported", message=str(refusal))


def _sent_before(refund: Refund) -> RefundFact | Standing | None:
    """What the gateway knows of a refund that may have been sent; None if it never got it, so that it is sent again."""
    payment = refund.payment
    gateway, reference = gateway_named(payment.gateway), reference_values(payment)
    try:
        said = call_gateway(lambda: gateway.inquire_refund(account_values(payment), reference, refund.gateway_key))
    except NotSupported:
        return None  # it cannot be asked; the same key again is the same refund
    except Unanswered:
        return Standing.OPEN
    return None if said is Standing.ABSENT else said
