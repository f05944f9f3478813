"""Attempts to pay: started, decided by facts, and the ends of the orders they belong to."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q

from payments import clock, faults, ids
from payments.errors import MethodNotOffered, NotPayable, NotYetExpired, StaleRow
from payments.gateways.base import Account, Attempt, Card, Done, NotSupported, PaymentFact, Unanswered
from payments.gateways.registry import gateway_named
from payments.models import Order, Payment
from payments.selectors import serving_accounts
from payments.services.calls import call_gateway
from payments.services.facts import apply_gateway_fact
from payments.services.orders import lock_order, move_order
from payments.states import MAX_DECLINES, PAYABLE, Method, OrderStatus, PaymentStatus

ATTEMPT_LIFETIME = {
    Method.CARD: timedelta(minutes=15),
    Method.NETBANKING: timedelta(minutes=15),
    Method.WALLET: timedelta(minutes=15),
    Method.UPI: timedelta(minutes=10),
}
FIRST_INQUIRY = timedelta(seconds=5)
SEND_WITHIN = timedelta(seconds=60)
"""After the first commit; later the attempt is left to the worker, which may be about to end it."""


@dataclass(frozen=True, slots=True)
class PaymentRequest:
    """What the customer sent from the hosted page. `form_nonce` names the form: it starts one attempt at most."""

    method: Method
    form_nonce: str
    card: Card | None = None


def start_payment(
    order_pk: int, request: PaymentRequest, *, at: datetime, return_url: str = "", event_url: str = ""
) -> Payment:
    """Start an attempt and apply what the gateway answers at once. The same form again gives the same attempt.

    First the attempt row with its gateway key is committed, then the gateway is called, then the answer is applied:
    a crash anywhere leaves a row that the worker resolves by asking. Without an answer the attempt stays pending.
    Raises NotPayable, MethodNotOffered.
    """
    try:
        payment = _open_attempt(order_pk, request, at=at)
    except (NotPayable, IntegrityError):
        first = Payment.objects.filter(order_id=order_pk, form_nonce=request.form_nonce).first()
        if first is None:
            raise
        return first
    faults.point("pay.after_t1")
    if clock.now() - at > SEND_WITHIN:
        return payment  # we stood still for so long that the worker may have given this attempt up
    gateway = gateway_named(payment.gateway)
    attempt = Attempt(
        key=payment.gateway_key,
        account=account_values(payment),
        amount=payment.amount,
        method=request.method,
        order_id=payment.order.order_id,
        at=at,
        deadline_at=payment.deadline_at,
        card=request.card,
        return_url=return_url,
        event_url=event_url,
    )
    try:
        outcome = call_gateway(lambda: gateway.start(attempt))
    except Unanswered:
        return payment
    except NotSupported as refusal:
        outcome = Done(_refused(payment, str(refusal)))
    fact = outcome.fact if isinstance(outcome, Done) else PaymentFact(PaymentStatus.PENDING, payment.gateway_key)
    apply_gateway_fact(payment, fact, cause="gateway answer", at=clock.now(), answers_start=True)
    faults.point("pay.after_t2")
    return payment


def _refused(payment: Payment, message: str) -> PaymentFact:
    """What we know when a gateway cannot take the attempt at all: nothing was sent to a bank."""
    key = payment.gateway_key
    return PaymentFact(PaymentStatus.FAILED, key, error_code="not_supported", message=message)


def account_values(payment: Payment) -> Account:
    """The gateway account of a payment as plain values."""
    return Account(id=payment.account_id, mode=payment.mode)


def _open_attempt(order_pk: int, request: PaymentRequest, *, at: datetime) -> Payment:
    """Commit the attempt row before anything is asked of a gateway. IntegrityError: this form has started one."""
    with transaction.atomic():
        order = lock_order(order_pk)
        _refuse_unless_payable(order)
        account = serving_accounts(order).get(request.method)
        if account is None:
            raise MethodNotOffered(f"This order cannot be paid by {request.method}.")
        payment = Payment.objects.create(
            uid=ids.new_payment_id(),
            order=order,
            merchant_id=order.merchant_id,
            mode=order.mode,
            gateway=account.gateway,
            account=account,
            gateway_key=ids.new_gateway_key(),
            form_nonce=request.form_nonce,
            method=request.method,
            amount_minor=order.amount_minor,
            currency=order.currency,
            started_at=at,
            deadline_at=at + ATTEMPT_LIFETIME[request.method],
            inquire_at=at + FIRST_INQUIRY,
        )
        try:
            unclear = Exists(Payment.objects.filter(order=OuterRef("pk"), money_unclear=True))
            free = Q(~unclear, expires_at__gt=at)
            move_order(order, OrderStatus.PENDING, cause="customer", at=at, payment=payment, only_if=free)
        except StaleRow:
            raise NotPayable("The time to pay this order is over, or an earlier payment is being checked.") from None
        faults.point("pay.before_t1_commit")
    return payment


def _refuse_unless_payable(order: Order) -> None:
    if order.status not in PAYABLE or order.terminate_requested_at is not None:
        raise NotPayable(f"This order is {order.status}.")
    if order.attempts_declined >= MAX_DECLINES:
        raise NotPayable("This order was declined too often.")


def expire_order(order_pk: int, *, at: datetime) -> None:
    """End an order whose time is up. Safe to call twice. Raises NotYetExpired while it lasts or an attempt decides."""
    with transaction.atomic():
        order = lock_order(order_pk)
        if order.status == OrderStatus.EXPIRED:
            return
        if not Order.objects.lapsed(at=at).filter(pk=order.pk).exists():
            raise NotYetExpired(f"{order} is not overdue, or an attempt is still deciding.")
        move_order(order, OrderStatus.EXPIRED, cause="clock", at=at, only_if=Q(expires_at__lte=at))
        faults.point("expire.before_commit")
    faults.point("expire.after_commit")


def terminate_order(order_pk: int, *, cause: str, at: datetime) -> Order:
    """End an order at the merchant's wish; with an attempt in flight, ask for it, and the attempt's end decides.

    Raises NotPayable if the order is over already.
    """
    with transaction.atomic():
        order = lock_order(order_pk)
        if order.status == OrderStatus.TERMINATED:
            return order
        if order.status in PAYABLE:
            if order.expires_at <= at:
                raise NotPayable("The time to pay this order is over: it expired.")
            move_order(order, OrderStatus.TERMINATED, cause=cause, at=at)
        elif order.status == OrderStatus.PENDING:
            if order.terminate_requested_at is None:
                order.terminate_requested_at = at
                order.save(update_fields=["terminate_requested_at"])
        else:
            raise NotPayable(f"This order is {order.status}.")
        faults.point("terminate.before_commit")
    faults.point("terminate.after_commit")
    return order
