"""PaymentService: requests into values, refusals into codes."""

import logging
from collections.abc import Callable
from contextvars import ContextVar
from decimal import Decimal
from functools import wraps
from typing import Any, TypeVar

from connectrpc.code import Code
from connectrpc.errors import ConnectError
from connectrpc.request import RequestContext
from django.db import InterfaceError, OperationalError

from checkout.auth import CHALLENGE, AuthenticationFailed, RateExceeded, identify
from checkout.languages import language_code
from checkout.rpc.payment_pb2 import (
    CreateOrderRequest,
    CreateOrderResponse,
    TerminateOrderRequest,
    TerminateOrderResponse,
    VerifyPaymentRequest,
    VerifyPaymentResponse,
)
from payments import clock
from payments.errors import BadInput, NoGateway, NotFound, OrderIdTaken, PaymentsError
from payments.models import ApiKey, Order
from payments.money import Money
from payments.selectors import find_order, order_state, verify
from payments.services import idempotency
from payments.services.orders import NewOrder, create_order
from payments.services.payments import terminate_order
from payments.states import Mode
from payments.urls import why_not_called

log = logging.getLogger("till.rpc")
caller: ContextVar[ApiKey] = ContextVar("caller")

Request = TypeVar("Request")
Response = TypeVar("Response")

CODES: dict[type[PaymentsError], Code] = {
    BadInput: Code.INVALID_ARGUMENT,
    OrderIdTaken: Code.ALREADY_EXISTS,
    NotFound: Code.NOT_FOUND,
    NoGateway: Code.FAILED_PRECONDITION,
}

CAPTURE_METHODS = {"": None, "automatic": False, "manual": True}


def code_of(refusal: PaymentsError) -> Code:
    """The code of a named refusal."""
    return next((code for kind, code in CODES.items() if isinstance(refusal, kind)), Code.FAILED_PRECONDITION)


class Authenticate:
    """Know the caller before a byte of the body is read."""

    def on_start_sync(self, ctx: RequestContext[Any, Any]) -> None:
        address = (ctx.client_address or "").rpartition(":")[0]
        try:
            caller.set(identify(ctx.request_headers, address=address, at=clock.now()))
        except AuthenticationFailed as refusal:
            ctx.response_headers["www-authenticate"] = CHALLENGE
            raise ConnectError(Code.UNAUTHENTICATED, str(refusal)) from None
        except RateExceeded as refusal:
            ctx.response_headers["retry-after"] = str(refusal.retry_after_s)
            raise ConnectError(Code.RESOURCE_EXHAUSTED, str(refusal)) from None
        except (OperationalError, InterfaceError) as fault:
            raise _unavailable(fault) from None
        except Exception as fault:  # noqa: BLE001  (no detail of ours may reach the caller)
            raise _our_fault(fault) from None

    def on_end_sync(self, token: None, ctx: RequestContext[Any, Any], error: Exception | None) -> None:
        """Nothing to do."""


def _unavailable(fault: Exception) -> ConnectError:
    log.error("database unavailable: %s", type(fault).__name__)
    return ConnectError(Code.UNAVAILABLE, "Try again in a moment; nothing was changed.")


def _our_fault(fault: Exception) -> ConnectError:
    log.error("rpc failed", exc_info=fault)
    return ConnectError(Code.INTERNAL, "This is our fault, not yours; it has been logged.")


def refusals_as_codes(
    rpc: Callable[[Any, Request, Any], Response],
) -> Callable[[Any, Request, Any], Response]:
    """Turn the core's named refusals into codes with their messages, and a fault of ours into one without details."""

    @wraps(rpc)
    def answer(self: Any, request: Request, ctx: Any, /) -> Response:
        try:
            return rpc(self, request, ctx)
        except ConnectError:
            raise  # a refusal given again
        except PaymentsError as refusal:
            raise ConnectError(code_of(refusal), refusal.message) from None
        except (OperationalError, InterfaceError) as fault:
            raise _unavailable(fault) from None
        except Exception as fault:  # noqa: BLE001  (no detail of ours may reach the caller)
            raise _our_fault(fault) from None

    return answer


class PaymentServicer:
    """The calls. Each answers for the caller's merchant and mode alone."""

    @refusals_as_codes
    def create_order(self, request: CreateOrderRequest, ctx: Any, /) -> CreateOrderResponse:
        headers = ctx.request_headers
        idempotency_key = headers.get("x-idempotency-key", headers.get("idempotency-key"))
        if idempotency_key is None:
            return _create_order(request, caller.get())
        return _create_order_once(request, caller.get(), idempotency_key, ctx)

    @refusals_as_codes
    def verify_payment(self, request: VerifyPaymentRequest, _ctx: Any, /) -> VerifyPaymentResponse:
        verdict = verify(order_state(_own_order(request.order_id), at=clock.now()))
        return VerifyPaymentResponse(message=verdict.message, code=verdict.code, status=verdict.status)

    @refusals_as_codes
    def terminate_order(self, request: TerminateOrderRequest, _ctx: Any, /) -> TerminateOrderResponse:
        terminate_order(_own_order(request.order_id).pk, cause="merchant", at=clock.now())
        verdict = verify(order_state(_own_order(request.order_id), at=clock.now()))
        return TerminateOrderResponse(message=verdict.message, code=verdict.code, status=verdict.status)


def _own_order(order_id: str) -> Order:
    """The caller's own order. Raises NotFound: unknown, foreign and malformed ids look alike."""
    key = caller.get()
    order = find_order(merchant_id=key.merchant_id, mode=key.mode, order_id=order_id)
    if order is None:
        raise NotFound("order_not_found: you have no order with this order_id.")
    return order


def _manual_capture(capture_method: str) -> bool | None:
    """Whether the money is to be held; None leaves it to the merchant's default. Raises BadInput."""
    if capture_method not in CAPTURE_METHODS:
        raise BadInput(
            "capture_method",
            "capture_method_unknown",
            "capture_method: write automatic or manual, or leave it out for your account's default.",
        )
    return CAPTURE_METHODS[capture_method]


def _create_order(request: CreateOrderRequest, key: ApiKey, why_not: str | None = None) -> CreateOrderResponse:
    new = NewOrder(
        amount=Money.parse(Decimal(repr(request.order_amount)), request.order_currency or key.merchant.currency),
        customer_name=request.customer_name,
        customer_email=request.customer_email,
        customer_phone=request.customer_phone,
        order_id=request.order_id,
        return_url=request.return_url,
        notify_url=request.notify_url,
        payment_methods=list(request.payment_methods),
        expiry_time=request.order_expiry_time,
        note=request.order_note,
        language=language_code(request.language),
        tags=dict(request.order_tags),
        customer_id=request.customer_id,
        customer_reference=request.customer_reference,
        manual_capture=_manual_capture(request.capture_method),
        why_not_notified=why_not,
    )
    order = create_order(new, merchant=key.merchant, mode=key.mode, at=clock.now())
    return CreateOrderResponse(
        payment_session_id=order.session_id, return_url=order.return_url, order_id=order.order_id
    )


def _create_order_once(
    request: CreateOrderRequest, key: ApiKey, idempotency_key: str, ctx: RequestContext[Any, Any]
) -> CreateOrderResponse:
    """The same order for the same key and request. A refusal of the request itself is kept too."""
    url = request.notify_url
    why_not = why_not_called(url, live=key.mode == Mode.LIVE) if url else None

    def effect() -> idempotency.Answer:
        try:
            made = _create_order(request, key, why_not)
        except (BadInput, OrderIdTaken) as refusal:
            raise idempotency.Refused(idempotency.Answer(refusal.message.encode(), code_of(refusal).value)) from None
        return idempotency.Answer(made.SerializeToString(), resource=made.order_id)

    body = request.SerializeToString(deterministic=True)
    answer = idempotency.once(idempotency.Request(key, idempotency_key, "CreateOrder", body), effect, at=clock.now())
    ctx.response_headers["x-idempotency-replayed"] = "true" if answer.is_replay else "false"
    if answer.code:
        raise ConnectError(Code(answer.code), answer.body.decode())
    return CreateOrderResponse.FromString(answer.body)
