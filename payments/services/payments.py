"""Attempts to pay: started, decided by facts, and the ends of the orders they belong to."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q

from payments import clock, faults, ids
from payments.crypto import Undecryptable
from payments.errors import MethodNotOffered, NotPayable, NotYetExpired, StaleRow
from payments.gateways.base import (
    Attempt,
    Card,
    Done,
    NotSupported,
    NotTaken,
    OrderRefused,
    Payer,
    PaymentFact,
    Unanswered,
)
from payments.gateways.registry import TEST_FAULT_TAG, gateway_named
from payments.models import GatewayAccount, Order, Payment
from payments.routing import Route, nonces_of, routes_of
from payments.selectors import order_state
from payments.services.answers import apply_outcome
from payments.services.calls import account_values, call_gateway
from payments.services.cancels import FREES, cancel_attempt
from payments.services.health import is_next_to_try, note_answer, note_failure
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

log = logging.getLogger(__name__)
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
    """What the customer sent from the hosted page. `form_nonce` names the form: it starts one attempt at most.

    `details` is kept on the payment: the channel, and a UPI ID, bank or wallet; never a card's number or code.
    `language` is the one the page was read in: it becomes the order's. `routes` are those of the method in their order,
    where the caller has just read them.
    """

    method: Method
    form_nonce: str
    card: Card | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    language: str = ""
    routes: Sequence[Route] = ()


Links = Callable[[GatewayAccount, str], tuple[str, str]]
"""From an account and a form's nonce to where its gateway sends the customer back, and its server events."""


def no_links(account: GatewayAccount, form_nonce: str) -> tuple[str, str]:
    """For callers without a web site: nobody comes back, and no event arrives."""
    return "", ""


@dataclass(frozen=True, slots=True)
class _Try:
    """A request on its way: what is left to try, and how many gateways did not take it."""

    request: PaymentRequest
    links: Links
    routes: Sequence[Route] = ()
    before: int = 0
    first: str = ""
    """The gateway that did not take it first."""

    @property
    def nonce(self) -> str:
        return ids.nonce_after(self.request.form_nonce, self.before)


def start_payment(order_pk: int, request: PaymentRequest, *, at: datetime, links: Links = no_links) -> Payment:
    """Start an attempt and apply what the gateway answers at once. The same form again gives the same attempt.

    A live attempt of the order is cancelled at its gateway first, and only if that makes it dead does this one start.
    First the attempt row with its gateway key is committed, then the gateway is called, then the answer is applied:
    a crash anywhere leaves a row that the worker resolves by asking. Without an answer the attempt stays pending. One
    that its gateway surely did not take fails, and the next account in line gets an attempt of its own.
    Raises NotPayable, MethodNotOffered.
    """
    payment, trying = _open_or_find(order_pk, _Try(request, links), at=at)
    while trying is not None:
        payment, trying = _send(payment, trying)
    return payment


def _send(payment: Payment, trying: _Try) -> tuple[Payment, _Try | None]:
    """Start a committed attempt at its gateway; with what took its place, if another did."""
    faults.point("pay.after_t1")
    if clock.now() - payment.started_at > SEND_WITHIN:
        return payment, None  # we stood still for so long that the worker may have given this attempt up
    gateway, account = gateway_named(payment.gateway), payment.account
    try:
        attempt = _attempt(payment, trying)
        outcome = call_gateway(lambda: gateway.start(attempt))
    except Unanswered:
        note_failure(account, at=clock.now())
        return payment, None
    except OrderRefused:
        log.warning("%s was refused by %s", payment.uid, account)
        note_answer(account)
        return _fail_over(payment, trying, "order_refused", "The payment service does not take this order.")
    except (NotTaken, Undecryptable) as refusal:
        log.warning("%s was not taken by %s: %s", payment.uid, account, type(refusal).__name__)
        note_failure(account, at=clock.now())
        return _fail_over(payment, trying, "not_taken", "The payment service could not be reached.")
    except NotSupported as refusal:
        outcome = Done(_refused(payment, "not_supported", str(refusal)))
    note_answer(account)
    apply_outcome(payment, outcome, answers_start=True)
    faults.point("pay.after_t2")
    return payment, None


def _fail_over(payment: Payment, trying: _Try, error_code: str, message: str) -> tuple[Payment, _Try | None]:
    """End an attempt that its gateway never began and open one on the next account: both or neither.

    No decline is counted. If the order cannot go on, or no account is left, the failed attempt is what there is.
    """
    at = clock.now()
    fact = _refused(payment, error_code, message)
    with transaction.atomic():
        apply_outcome(payment, Done(fact), answers_start=True)
        following = replace(trying, before=trying.before + 1, first=trying.first or payment.gateway)
        try:
            opened = _open_attempt(payment.order_id, following, at=at) if trying.routes else None
        except (NotPayable, IntegrityError):
            opened = None
    return opened or (payment, None)


def _attempt(payment: Payment, trying: _Try) -> Attempt:
    """A new attempt as its gateway gets it. Raises Undecryptable."""
    order, request = payment.order, trying.request
    return_url, event_url = trying.links(payment.account, trying.nonce)
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
        payer=Payer(order.customer_name, order.customer_email, order.customer_phone),
        gateway_order_id=payment.gateway_order_id,
        card=request.card,
        details=request.details,
        return_url=return_url,
        event_url=event_url,
        manual_capture=order.manual_capture,
        test_fault=order.tags.get(TEST_FAULT_TAG, "") if payment.mode == Mode.TEST else "",
    )


def _refused(payment: Payment, error_code: str, message: str) -> PaymentFact:
    """What we know when a gateway does not take the attempt at all: nothing was sent to a bank."""
    return PaymentFact(PaymentStatus.FAILED, payment.gateway_key, error_code=error_code, message=message)


def _open_or_find(order_pk: int, trying: _Try, *, at: datetime) -> tuple[Payment, _Try | None]:
    """The attempt of this form, with the try if it is new, after an attempt in the way was cancelled if need be."""
    request = trying.request
    for is_last in (False, True):
        try:
            return _open_attempt(order_pk, trying, at=at)
        except (NotPayable, IntegrityError) as refusal:
            mine = Payment.objects.filter(order_id=order_pk, form_nonce__in=nonces_of(request.form_nonce))
            newest = mine.order_by("-pk").first()
            if newest is not None:
                return newest, None
            if is_last or isinstance(refusal, IntegrityError) or not _make_way(order_pk, request, at=at):
                raise
    raise AssertionError("the second try returns or raises")


def _make_way(order_pk: int, request: PaymentRequest, *, at: datetime) -> bool:
    """Cancel the live attempt where this request could take its place; whether the order is free now."""
    state = order_state(Order.objects.get(pk=order_pk), at=at)
    if state.live is None or not state.takes_attempts or request.method not in state.serving:
        return False
    routes = request.routes or state.serving[request.method]
    if gateway_named(state.live.gateway).shares_orders and routes[0].account.pk != state.live.account_id:
        return False  # what waits at that gateway may still be paid: only an attempt on the same order may follow
    return cancel_attempt(state.live.pk, cause="customer", at=at) in FREES


def _open_attempt(order_pk: int, trying: _Try, *, at: datetime) -> tuple[Payment, _Try]:
    """Commit the attempt row before anything is asked of a gateway; with what is left to try after it.

    IntegrityError: this form has started one. Raises NotPayable, MethodNotOffered.
    """
    request = trying.request
    with transaction.atomic():
        order = lock_order(order_pk)
        _refuse_unless_payable(order)
        route, others = _chosen(order, trying, at=at)
        account = route.account
        payment = Payment.objects.create(
            uid=ids.new_payment_id(),
            order=order,
            merchant_id=order.merchant_id,
            mode=order.mode,
            gateway=account.gateway,
            account=account,
            rule=route.rule,
            route=_route_in_words(route, trying),
            gateway_key=ids.new_gateway_key(),
            gateway_order_id=_carried_on(order, account),
            form_nonce=trying.nonce,
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
            read: dict[str, Any] = {"language": request.language} if request.language else {}
            move_order(order, OrderStatus.PENDING, cause="customer", at=at, payment=payment, only_if=free, **read)
        except StaleRow:
            raise NotPayable("The time to pay this order is over, or an earlier payment is being checked.") from None
        faults.point("pay.before_t1_commit")
    return payment, replace(trying, routes=others)


def _chosen(order: Order, trying: _Try, *, at: datetime) -> tuple[Route, list[Route]]:
    """The account to try now, and those after it. Raises MethodNotOffered if there is none."""
    request = trying.request
    routes = trying.routes or request.routes or routes_of(order, at=at).get(request.method, [])
    mine = [
        route for route in routes if (route.account.merchant_id, route.account.mode) == (order.merchant_id, order.mode)
    ]
    if not mine:
        raise MethodNotOffered(f"This order cannot be paid by {request.method}.")
    is_only = len(mine) == 1
    chosen = next((route for route in mine if is_only or is_next_to_try(route.account, at=at)), mine[0])
    return chosen, [route for route in mine if route is not chosen and _has_enough_for(route, request)]


def _has_enough_for(route: Route, request: PaymentRequest) -> bool:
    """Whether an account can go on with it: who was to type the card on a gateway's own page typed none here."""
    own_page = gateway_named(route.account.gateway).has_own_page
    return own_page or request.method != Method.CARD or request.card is not None


def _route_in_words(route: Route, trying: _Try) -> str:
    """Which rule chose the account, and what came before."""
    after = f", after {trying.first} did not take it" if trying.before else ""
    return f"{route.in_words(trying.request.method)}{after}"[:100]


def _carried_on(order: Order, account: GatewayAccount) -> str:
    """The gateway's order that earlier attempts opened, where a gateway takes money once for all of them."""
    if not gateway_named(account.gateway).shares_orders:
        return ""
    earlier = order.payments.filter(account=account).exclude(gateway_order_id="").order_by("-pk")
    return earlier.values_list("gateway_order_id", flat=True).first() or ""


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
