"""Paying without our page, in test mode: the payment session is the credential, so no key is asked for."""

import hashlib
import re
import secrets
from typing import Any, Literal

import segno
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from ninja import Router
from pydantic import Field

from checkout import rates
from checkout.auth import RateExceeded
from checkout.callbacks import links
from checkout.hosted.forms import BY_REQUEST, MethodForm
from checkout.hosted.typed import joined_digits
from checkout.rest.entities import Entity, Error
from checkout.rest.errors import wire_error
from checkout.rest.schemas import Body, Ignored, Text
from checkout.rest.ways import WIRE_NAMES, PaymentMethod, chosen, judged, refuse_another
from checkout.rest.writes import answer, idempotency_key, under_key
from payments import clock
from payments.errors import BadInput, NotFound, NotPayable
from payments.models import Payment
from payments.routing import nonces_of
from payments.selectors import OrderState, find_order_by_session, order_state
from payments.services.answers import CHALLENGE, answer_challenge
from payments.services.idempotency import check_key
from payments.services.payments import PaymentRequest, start_payment
from payments.states import Method, Mode, PaymentStatus

router = Router(tags=["Sessions"])
CALLS_PER_MINUTE, WRONG_PER_MINUTE = 600, 30
"""From one address: all calls, and those with a session or payment nobody has."""

UPI_APPS = ("default", "bhim", "gpay", "paytm", "phonepe", "web")
"""Under each of them clients look for the link that opens the customer's app."""
SAID_YES = frozenset({PaymentStatus.SUCCESS, PaymentStatus.AUTHORIZED})


class PayOrderRequest(Body):
    """One attempt to pay."""

    payment_session_id: str
    payment_method: PaymentMethod
    save_instrument: Ignored = None
    offer_id: Ignored = None
    transaction_expiry_time: Ignored = None


class AuthenticateRequest(Body):
    """What the customer answers to the bank's challenge."""

    action: str = Field(description="SUBMIT_OTP or RESEND_OTP.")
    otp: Text = Field(None, max_length=20)


class PayOrderEntity(Entity):
    """What comes next: `link` opens data.url, `post` sends the bank's code there, `custom` waits for a UPI app."""

    cf_payment_id: str
    payment_amount: float
    payment_method: Literal["card", "upi", "netbanking", "app"]
    channel: Literal["link", "post", "collect", "qrcode", "podQrCode"]
    action: Literal["link", "post", "custom"]
    data: dict[str, Any]


class AuthenticateEntity(Entity):
    """Whether the code was right. Ask for the payment to know what became of it."""

    cf_payment_id: str
    action: Literal["SUBMIT_OTP", "RESEND_OTP"]
    authenticate_status: Literal["SUCCESS", "FAILED"]
    payment_message: str


# --- To pay ---


@router.post(
    "/sessions", auth=None, response={200: PayOrderEntity, 400: Error, 422: Error, 429: Error}, operation_id="payOrder"
)
def pay(request: HttpRequest, body: PayOrderRequest) -> HttpResponse:
    """Start an attempt in test mode. The session is the credential; the same idempotency key is the same attempt."""
    _count(request, "pay-session", CALLS_PER_MINUTE)
    order = find_order_by_session(body.payment_session_id)
    if order is None:
        _count(request, "wrong-links", WRONG_PER_MINUTE)
        message = "payment_session_id_invalid: there is no such payment session; take the one its order has."
        return wire_error(400, message, code="payment_session_id_invalid")
    state = order_state(order, at=clock.now())
    if order.mode != Mode.TEST:
        message = "card_data_not_allowed: live orders are paid on the payment page; send no payment data here."
        return wire_error(400, message, code="card_data_not_allowed")
    key = idempotency_key(request)
    nonce = _nonce(key)
    method, channel, typed = chosen(body.payment_method)
    mine = nonces_of(nonce)
    known = next((payment for payment in state.payments if payment.form_nonce in mine), None)
    if known is not None:
        refuse_another(state, known, method, typed)
    try:
        payment = known or _start(state, nonce, judged(state, method, typed))
    except NotPayable:
        return wire_error(400, f"order_inactive: {_why_inactive(state)}", code="order_inactive")
    response = answer(_told(payment, channel))
    return response if key is None else under_key(response, key, is_replay=known is not None)


def _count(request: HttpRequest, what: str, at_most: int) -> None:
    """Raises RateExceeded."""
    if rates.count(f"{what}:{request.META.get('REMOTE_ADDR', '')}", at=clock.now()) > at_most:
        raise RateExceeded("Too many calls from this address: wait a minute.", counted="ip")


def _nonce(key: str | None) -> str:
    """The name of this attempt: a new one, or the one its idempotency key stands for. Raises BadInput."""
    if key is None:
        return secrets.token_hex(16)
    check_key(key)
    return hashlib.sha256(key.encode()).hexdigest()[:32]


def _start(state: OrderState, nonce: str, form: MethodForm) -> Payment:
    """Start the attempt as the payment page does. Raises NotPayable, MethodNotOffered."""
    order, routes = state.order, state.serving[form.method]
    asked = PaymentRequest(
        method=form.method, form_nonce=nonce, card=form.card(), details=form.details(), routes=routes
    )
    return start_payment(order.pk, asked, at=clock.now(), links=links.links_of(order.uid, at=state.at))


def _why_inactive(state: OrderState) -> str:
    if state.live is not None:
        return "an earlier attempt is still being decided; ask for the order until it is over."
    if state.captured is not None:
        return "this order is paid."
    if not state.methods:
        return "none of its ways to pay is open at present."
    return f"this order takes no attempt any more; it is {state.status}."


# --- What comes next ---


def _told(payment: Payment, channel: str) -> dict[str, Any]:
    method = Method(payment.method)
    action, data = _next(payment, channel)
    empty = {"url": None, "payload": None, "content_type": None, "method": None, "redirect_to_bank": None}
    return {
        "cf_payment_id": payment.uid,
        "payment_amount": payment.amount,
        "payment_method": WIRE_NAMES[method],
        "channel": channel,
        "action": action,
        "data": {**empty, **data},
    }


def _next(payment: Payment, channel: str) -> tuple[str, dict[str, Any]]:
    """What the caller has to do. Where nothing is left to do, our page tells the customer so and leads back."""
    todo = payment.next_action if payment.status == PaymentStatus.PENDING else {}
    if channel == BY_REQUEST:
        return "custom", {}
    match todo.get("type"):
        case "challenge" if channel == "post":
            url = f"{settings.PUBLIC_URL}/pg/orders/pay/authenticate/{payment.uid}"
            return "post", {
                "url": url, "method": "post", "content_type": "application/json", "redirect_to_bank": todo["url"],
            }  # fmt: skip
        case "redirect":
            return "link", {"url": todo["url"]}
        case "code" if channel == "link":
            return "custom", {"payload": dict.fromkeys(UPI_APPS, todo["link"])}
        case "code":
            return "custom", {"payload": {"qrcode": segno.make_qr(todo["link"], error="m").png_data_uri(scale=6)}}
    return "link", {"url": settings.PUBLIC_URL + reverse("hosted:page", args=[payment.order.session_id])}


# --- The bank's code ---


@router.post(
    "/pay/authenticate/{cf_payment_id}",
    auth=None,
    response={200: AuthenticateEntity, 400: Error, 404: Error, 429: Error},
    operation_id="authenticatePayment",
)
def authenticate(request: HttpRequest, cf_payment_id: str, body: AuthenticateRequest) -> HttpResponse:
    """Pass on the code that the customer got from the bank. The third wrong one declines."""
    _count(request, "pay-session", CALLS_PER_MINUTE)
    payment = _known(request, cf_payment_id)
    if body.action == "RESEND_OTP":
        is_sent = _waits_for_code(payment)
        words = "The code was sent again." if is_sent else _end(payment)
    elif body.action == "SUBMIT_OTP":
        asked = payment.next_action
        payment = answer_challenge(payment.pk, {"otp": _otp(body)}, at=clock.now())
        is_sent, words = payment.status in SAID_YES, _end(payment)
        if _waits_for_code(payment) and payment.next_action != asked:
            words = f"That code was wrong: {payment.next_action['prompt']}."
    else:
        raise BadInput("action", "unknown", "action: write SUBMIT_OTP or RESEND_OTP.")
    return answer(
        {
            "cf_payment_id": payment.uid,
            "action": body.action,
            "authenticate_status": "SUCCESS" if is_sent else "FAILED",
            "payment_message": words,
        }
    )


def _known(request: HttpRequest, uid: str) -> Payment:
    """The attempt of that id in test mode, which nobody can guess. Raises NotFound, RateExceeded."""
    known = Payment.objects.filter(uid=uid, mode=Mode.TEST)
    payment = known.first() if re.fullmatch(r"pay_[0-9a-z]{1,60}", uid) else None
    if payment is None:
        _count(request, "wrong-links", WRONG_PER_MINUTE)
        raise NotFound("payment_not_found: there is no payment with this id.")
    return payment


def _otp(body: AuthenticateRequest) -> str:
    """Raises BadInput; a malformed code is no try."""
    otp = joined_digits(body.otp or "")
    if not re.fullmatch(r"[0-9]{6}", otp):
        raise BadInput("otp", "invalid" if otp else "missing", "otp: write the 6 digits of the code.")
    return otp


def _waits_for_code(payment: Payment) -> bool:
    return payment.status == PaymentStatus.PENDING and payment.next_action.get("type") == CHALLENGE


def _end(payment: Payment) -> str:
    """What is known of an attempt after a code. One that waits on as before had no answer from its bank."""
    if payment.status in SAID_YES:
        return "The bank took the code."
    if payment.status == PaymentStatus.PENDING:
        return "Not known yet: ask for the payment until it is decided."
    return payment.message or f"This payment is over: {payment.status}."
