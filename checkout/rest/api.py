"""The REST interface as a whole."""

from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from ninja.security.base import AuthBase

from checkout.auth import AuthenticationFailed, RateExceeded
from checkout.rest import access, errors, orders, refunds, sessions, settlements, simulate, webhooks
from checkout.strict_json import BadJson
from payments.errors import PaymentsError


class KeyPair(AuthBase):
    """Client id and secret, in the wire's two headers or as HTTP Basic."""

    openapi_type = "apiKey"
    openapi_in = "header"
    openapi_name = "x-client-secret"

    def __call__(self, request: HttpRequest) -> Any:
        return access.authenticate(request)


api = NinjaAPI(
    title="Till",
    version="2025-01-01",
    docs_url=None,
    openapi_url=None,
    auth=KeyPair(),
    parser=access.StrictParser(),
    urls_namespace="rest",
)
api.add_router("/orders", sessions.router)  # before the orders: its addresses look like order ids
api.add_router("/orders", orders.router)
api.add_router("/orders", refunds.router)
api.add_router("", settlements.router)
api.add_router("/orders", webhooks.order_router)
api.add_router("/simulate", simulate.router)
api.add_router("/webhooks", webhooks.router)


@api.exception_handler(PaymentsError)
def _on_refusal(request: HttpRequest, refusal: PaymentsError) -> HttpResponse:
    return errors.on_refusal(request, refusal)


@api.exception_handler(ValidationError)
def _on_shape(request: HttpRequest, fault: ValidationError) -> HttpResponse:
    return errors.on_shape(request, fault)


@api.exception_handler(HttpError)
def _on_bad_body(request: HttpRequest, fault: HttpError) -> HttpResponse:
    """The framework wraps what our parser says of a body."""
    match fault.__cause__:
        case BadJson() as said:
            return errors.wire_error(400, str(said))
        case access.NotJson():
            return errors.wire_error(415, "Send content-type: application/json.")
        case _:
            return errors.wire_error(fault.status_code, "This request cannot be read; check it against /pg/docs.")


@api.exception_handler(RequestDataTooBig)
def _on_too_large(request: HttpRequest, fault: RequestDataTooBig) -> HttpResponse:
    return errors.wire_error(413, f"Send at most {settings.DATA_UPLOAD_MAX_MEMORY_SIZE} bytes.")


@api.exception_handler(AuthenticationFailed)
def _on_unauthenticated(request: HttpRequest, refusal: AuthenticationFailed) -> HttpResponse:
    return errors.on_unauthenticated(request, refusal)


@api.exception_handler(RateExceeded)
def _on_rate(request: HttpRequest, refusal: RateExceeded) -> HttpResponse:
    return errors.on_rate(request, refusal)
