"""Attempts to pay: started, decided by facts, and the ends of the orders they belong to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q

from payments import clock, faults, ids
from payments.errors import MethodNotOffered, NotPayable, NotYetExpired, StaleRow
from payments.gateways.base import (
    TEST_FAULT_TAG,
    Attempt,
    CancelAnswer,
    Card,
    Challenge,
    Done,
    GoTo,
    NotSupported,
    Outcome,
    PaymentFact,
    PostTo,
    Unanswered,
    Wait,
)
from payments.gateways.registry import gateway_named
from payments.models import GatewayAccount, Order, Payment
from payments.selectors import order_state, serving_accounts
from payments.services.calls import account_values, call_gateway
from payments.services.cancels import cancel_attempt
from payments.services.facts import apply_gateway_fact
from payments.services.holds import ask_for
from payments.services.orders import lock_order, move_order
from payments.states import (
    MAX_DECLINES,
    PAYABLE,
    AuthorizationAction,
    AuthorizationStatus,
    Method,
    Mode,
    OrderStatus,
    PaymentStatus,
)

ATTEMPT_LIFETIME = {
    Method.CARD: timedelta(minutes=15),
    Method.NETBANKING: timedelta(minutes=15),
    Method.WALLET: timedelta(minutes=15),
    Method.UPI: timedelta(minutes=10),
}
FIRST_INQUIRY = timedelta(seconds=5)
CHALLENGE = "challenge"
"""Type of the next action of a payment whose bank asks for a code."""
SEND_WITHIN = timedelta(seconds=60)
"""After the first commit; later the attempt is left to the worker, which may be about to end it."""


@dataclass(frozen=True, slots=True)
class PaymentRequest:
    """What the customer sent from the hosted page. `form_nonce` names the form: it starts one attempt at most.

    `details` is kept on the payment: the channel, and a UPI ID, bank or wallet; never a card's number or code.
    `account` is the one that serves the method, where the caller has just read it.
    """

    method: Method
    form_nonce: str
    card: Card | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    account: GatewayAccount | None = None


def start_payment(
    order_pk: int, request: PaymentRequest, *, at: datetime, return_url: str = "", event_url: str = ""
) -> Payment:
    """Start an attempt and apply what the gateway answers at once. The same form again gives the same attempt.

    A live attempt of the order is cancelled at its gateway first, and only if that makes it dead does this one start.
    First the attempt row with its gateway key is committed, then the gateway is called, then the answer is applied:
    a crash anywhere leaves a row that the worker resolves by asking. Without an answer the attempt stays pending.
    Raises NotPayable, MethodNotOffered.
    """
    payment, is_new = _open_or_find(order_pk, request, at=at)
    if not is_new:
        return payment
    faults.point("pay.after_t1")
    if clock.now() - at > SEND_WITHIN:
        return payment  # we stood still for so long that the worker may have given this attempt up
    gateway = gateway_named(payment.gateway)
    attempt = _attempt(payment, request, return_url=return_url, event_url=event_url)
    try:
        outcome = call_gateway(lambda: gateway.start(attempt))
    except Unanswered:
        return payment
    except NotSupported as refusal:
        outcome = Done(_refused(payment, str(refusal)))
    _apply_outcome(payment, outcome, answers_start=True)
    faults.point("pay.after_t2")
    return payment


def answer_challenge(payment_pk: int, answer: Mapping[str, str], *, at: datetime) -> Payment:
    """Pass on what a customer answered to the bank's challenge: `otp`, or `leave`. Without an answer it stays pending.

    An attempt that is over, or waits for no code, is left as it is. The same answer twice is harmless.
    """
    payment = Payment.objects.get(pk=payment_pk)
    if payment.status != PaymentStatus.PENDING or payment.next_action.get("type") != CHALLENGE:
        return payment
    gateway = gateway_named(payment.gateway)
    try:
        outcome = call_gateway(lambda: gateway.resume(account_values(payment), payment.gateway_key, answer))
    except (Unanswered, NotSupported):
        Payment.objects.filter(pk=payment.pk, status=PaymentStatus.PENDING, inquire_at__gt=at).update(inquire_at=at)
        return payment
    _apply_outcome(payment, outcome)
    faults.point("pay.after_t2")
    return payment


def _attempt(payment: Payment, request: PaymentRequest, *, return_url: str, event_url: str) -> Attempt:
    """A new attempt as its gateway gets it."""
    order = payment.order
    return Attempt(
        key=payment.gateway_key,
        account=account_values(payment),
        amount=payment.amount,
        method=request.method,
        order_id=order.order_id,
        at=payment.started_at,
        deadline_at=payment.deadline_at,
        order_expires_at=order.expires_at,
        payee=payment.account.merchant.name,
        card=request.card,
        details=request.details,
        return_url=return_url,
        event_url=event_url,
        manual_capture=order.manual_capture,
        test_fault=order.tags.get(TEST_FAULT_TAG, "") if payment.mode == Mode.TEST else "",
    )


def _apply_outcome(payment: Payment, outcome: Outcome, *, answers_start: bool = False) -> None:
    """Apply what a gateway answered: a fact, or what the customer has to do next."""
    fact = outcome.fact if isinstance(outcome, Done) else PaymentFact(PaymentStatus.PENDING, payment.gateway_key)
    apply_gateway_fact(
        payment,
        fact,
        cause="gateway answer",
        at=clock.now(),
        answers_start=answers_start,
        next_action=_next_action(outcome),
    )


def _next_action(outcome: Outcome) -> dict[str, Any]:
    """An outcome as the payment's row keeps it."""
    match outcome:
        case Challenge(prompt, url):
            return {"type": CHALLENGE, "prompt": prompt, "url": url}
        case GoTo(url):
            return {"type": "redirect", "url": url}
        case PostTo(url, fields):
            return {"type": "post", "url": url, "fields": dict(fields)}
        case Wait(link) if link:
            return {"type": "code", "link": link}
        case _:
            return {}


def _refused(payment: Payment, message: str) -> PaymentFact:
    """What we know when a gateway cannot take the attempt at all: nothing was sent to a bank."""
    key = payment.gateway_key
    return PaymentFact(PaymentStatus.FAILED, key, error_code="not_supported", message=message)


def _open_or_find(order_pk: int, request: PaymentRequest, *, at: datetime) -> tuple[Payment, bool]:
    """The attempt of this form and whether it is new, after an attempt in the way was cancelled if need be."""
    for is_last in (False, True):
        try:
            return _open_attempt(order_pk, request, at=at), True
        except (NotPayable, IntegrityError) as refusal:
            first = Payment.objects.filter(order_id=order_pk, form_nonce=request.form_nonce).first()
            if first is not None:
                return first, False
            if is_last or isinstance(refusal, IntegrityError) or not _make_way(order_pk, request, at=at):
                raise
    raise AssertionError("the second try returns or raises")


def _make_way(order_pk: int, request: PaymentRequest, *, at: datetime) -> bool:
    """Cancel the live attempt where this request could take its place; whether the order is free now."""
    state = order_state(Order.objects.get(pk=order_pk), at=at)
    if state.live is None or not state.takes_attempts or request.method not in state.serving:
        return False
    return cancel_attempt(state.live.pk, cause="customer", at=at) is CancelAnswer.DEAD


def _open_attempt(order_pk: int, request: PaymentRequest, *, at: datetime) -> Payment:
    """Commit the attempt row before anything is asked of a gateway. IntegrityError: this form has started one."""
    with transaction.atomic():
        order = lock_order(order_pk)
        _refuse_unless_payable(order)
        account = request.account or serving_accounts(order).get(request.method)
        if account is None or (account.merchant_id, account.mode) != (order.merchant_id, order.mode):
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
            method_details=dict(request.details),
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

    The worker cancels such an attempt at its gateway at once, if that is still possible.

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
            _release_held(order, at=at)
            if order.terminate_requested_at is None:
                order.terminate_requested_at = at
                order.save(update_fields=["terminate_requested_at"])
                order.payments.filter(status=PaymentStatus.PENDING).update(inquire_at=at)
        else:
            raise NotPayable(f"This order is {order.status}.")
        faults.point("terminate.before_commit")
    faults.point("terminate.after_commit")
    return order


def _release_held(order: Order, *, at: datetime) -> None:
    """Terminating a held order is a void. Raises NotPayable while its capture is in flight."""
    held = order.payments.filter(status=PaymentStatus.AUTHORIZED).select_related("authorization").first()
    if held is None:
        return
    action = held.authorization
    if action.status == AuthorizationStatus.PENDING and action.action == AuthorizationAction.CAPTURE:
        raise NotPayable("Its money is being captured: wait for what the gateway says.")
    ask_for(held, AuthorizationAction.VOID, at=at)
