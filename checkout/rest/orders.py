"""Orders and their attempts."""

from dataclasses import replace
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Router

from checkout.languages import language_code
from checkout.rest.access import caller, found, money_of, order_told, own_order
from checkout.rest.entities import Error, OrderEntity, PaymentEntity
from checkout.rest.schemas import AuthorizationRequest, CreateOrderRequest, TerminateOrderRequest
from checkout.rest.writes import Told, answer, write
from payments import clock, fields, urls
from payments.errors import BadInput, NotCapturable
from payments.models import ApiKey, Order, Payment
from payments.money import Money
from payments.selectors import order_state
from payments.services.orders import NewOrder, create_order
from payments.services.payments import terminate_order
from payments.services.sending import ask_action, send_action
from payments.states import AuthorizationAction, Mode, PaymentStatus
from payments.wire import payment_entity

router = Router(tags=["Orders"])
CAPTURE_METHODS = {None: None, "automatic": False, "manual": True}


@router.post("", response={200: OrderEntity}, operation_id="createOrder")
def create(request: HttpRequest, body: CreateOrderRequest) -> HttpResponse:
    """Make an order and its payment session. Send the customer to /checkout/{payment_session_id}."""
    key = caller(request)
    notify_url = (body.order_meta.notify_url if body.order_meta else None) or ""
    why_not = urls.why_not_called(notify_url, live=key.mode == Mode.LIVE) if notify_url else None

    def effect() -> Told:
        new = replace(_new_order(body, key), why_not_notified=why_not)
        order = create_order(new, merchant=key.merchant, mode=key.mode, at=clock.now())
        return order.order_id, order_told(order)

    return write(request, effect)


def _new_order(body: CreateOrderRequest, key: ApiKey) -> NewOrder:
    customer, meta = body.customer_details, body.order_meta
    words = (meta.payment_methods if meta else None) or []
    words = [word.strip() for word in words.split(",") if word.strip()] if isinstance(words, str) else words
    capture_method = body.till.capture_method if body.till else None
    return NewOrder(
        amount=Money.parse(body.order_amount, body.order_currency or key.merchant.currency),
        customer_name=customer.customer_name or "",
        customer_email=customer.customer_email or "",
        customer_phone=customer.customer_phone,
        order_id=body.order_id or "",
        return_url=(meta.return_url if meta else None) or "",
        notify_url=(meta.notify_url if meta else None) or "",
        payment_methods=words,
        expiry_time=body.order_expiry_time or "",
        note=body.order_note or "",
        language=language_code((body.till.language if body.till else None) or "", field="till.language"),
        tags=body.order_tags or {},
        customer_reference=fields.reference(customer.customer_id),
        manual_capture=CAPTURE_METHODS[capture_method],
        may_be_nameless=True,
    )


@router.get("/{order_id}", response={200: OrderEntity, 404: Error}, operation_id="getOrder")
def get(request: HttpRequest, order_id: str) -> HttpResponse:
    """An order as it is now. PAID is the only state in which to ship."""
    return answer(order_told(own_order(request, order_id)))


@router.patch("/{order_id}", response={200: OrderEntity, 404: Error}, operation_id="terminateOrder")
def terminate(request: HttpRequest, order_id: str, body: TerminateOrderRequest) -> HttpResponse:
    """End an order. While an attempt decides it reads TERMINATION_REQUESTED; held money is released."""

    def effect() -> Told:
        order = own_order(request, order_id)
        terminate_order(order.pk, cause="merchant", at=clock.now())
        order.refresh_from_db()
        return order.order_id, order_told(order)

    return write(request, effect)


# --- Attempts ---


@router.get("/{order_id}/payments", response={200: list[PaymentEntity], 404: Error}, operation_id="listPayments")
def list_payments(request: HttpRequest, order_id: str) -> HttpResponse:
    """All attempts to pay an order, newest first."""
    state = order_state(own_order(request, order_id), at=clock.now())
    return answer([payment_entity(payment) for payment in state.payments])


@router.get(
    "/{order_id}/payments/{cf_payment_id}", response={200: PaymentEntity, 404: Error}, operation_id="getPayment"
)
def get_payment(request: HttpRequest, order_id: str, cf_payment_id: str) -> HttpResponse:
    """One attempt."""
    return answer(_payment_told(own_order(request, order_id), cf_payment_id))


def _payment_told(order: Order, uid: str) -> dict[str, Any]:
    """An attempt's entity as it is now. Raises NotFound."""
    known = order.payments.select_related("order", "authorization")
    return payment_entity(found(known, "payment_not_found: this order has no payment with this id.", uid=uid))


@router.post(
    "/{order_id}/authorization",
    response={200: PaymentEntity, 404: Error},
    operation_id="authorizeOrder",
)
def authorize(request: HttpRequest, order_id: str, body: AuthorizationRequest) -> HttpResponse:
    """Capture held money, all or part, or release it. Without the bank's answer the action reads PENDING."""
    order = own_order(request, order_id)

    def effect() -> Told:
        action, amount = _asked(body, order)
        return ask_action(_held(order).pk, action, amount, at=clock.now()).uid, {}

    def finish(uid: str) -> dict[str, Any]:
        send_action(Payment.objects.get(uid=uid), cause="merchant")
        return _payment_told(order, uid)

    return write(request, effect, finish=finish)


def _asked(body: AuthorizationRequest, order: Order) -> tuple[AuthorizationAction, Money | None]:
    if body.action == "VOID":
        if body.amount is not None:
            raise BadInput("amount", "not_for_void", "amount: a VOID releases everything; leave the amount out.")
        return AuthorizationAction.VOID, None
    if body.amount is None:
        raise BadInput("amount", "missing", "amount: this field is required for CAPTURE.")
    return AuthorizationAction.CAPTURE, money_of("amount", body.amount, order.currency)


def _held(order: Order) -> Payment:
    """The order's payment whose money is held. Raises NotCapturable."""
    held = order.payments.filter(status=PaymentStatus.AUTHORIZED).first()
    if held is None:
        raise NotCapturable("order_not_authorized: no money is held for this order.")
    return held
