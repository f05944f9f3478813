"""Refusals as the wire tells them: `{message, code, type, help}`, whatever went wrong and wherever under /pg."""

import re
from collections.abc import Callable
from difflib import get_close_matches
from functools import cache
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja.errors import ValidationError

from checkout.auth import CHALLENGE, AuthenticationFailed, RateExceeded
from checkout.rest.schemas import Body
from payments import errors as core

ROOT = "/pg/"
INVALID, AUTHENTICATION, IDEMPOTENCY = "invalid_request_error", "authentication_error", "idempotency_error"
RATE, OURS = "rate_limit_error", "api_error"

WIRE_FIELDS = {
    "customer_name": "customer_details.customer_name",
    "customer_email": "customer_details.customer_email",
    "customer_phone": "customer_details.customer_phone",
    "customer_reference": "customer_details.customer_id",
    "return_url": "order_meta.return_url",
    "notify_url": "order_meta.notify_url",
    "payment_methods": "order_meta.payment_methods",
}
"""Where the core's name of a field differs from the wire's."""

REFUSALS: dict[type[core.PaymentsError], tuple[int, str]] = {
    core.OrderIdTaken: (409, "order_already_exists"),
    core.RefundIdTaken: (409, "refund_already_exists"),
    core.IdempotencyMismatch: (422, "request_invalid"),
    core.StillRunning: (409, "request_running"),
    core.NotFound: (404, "order_not_found"),
    core.NoGateway: (409, "gateway_not_connected"),
    core.NotPayable: (409, "invalid_state"),
    core.MethodNotOffered: (400, "payment_method_unsupported"),
    core.ActionInFlight: (409, "action_in_flight"),
    core.NotCapturable: (400, "order_not_authorized"),
    core.Disputed: (409, "payment_disputed"),
    core.NotRefundable: (400, "refund_not_possible"),
    core.StaleAmount: (412, "refund_amount_mismatch"),
    core.NotCancellable: (409, "refund_not_cancellable"),
    core.EndpointTaken: (409, "endpoint_already_exists"),
    core.EndpointLimitReached: (409, "endpoint_limit_reached"),
    core.EndpointOff: (409, "endpoint_off"),
    core.NoLiveKey: (409, "no_live_key"),
    core.StaleRow: (409, "changed_meanwhile"),
}
"""Status and code of a named refusal; the first class that fits, so the narrower stand before the wider."""

_BY_STATUS = {
    400: (INVALID, "request_failed", "This request cannot be read; check its host, address and headers."),
    403: (AUTHENTICATION, "request_failed", "https_required: call this over https, and replace the key."),
    404: (INVALID, "request_failed", "There is no such address; /pg/docs lists all."),
    405: (INVALID, "request_failed", "This address does not take this method; /pg/docs lists all."),
    413: (INVALID, "request_failed", "Send at most 65,536 bytes."),
    415: (INVALID, "request_failed", "Send content-type: application/json."),
    500: (OURS, "internal_error", "This is our fault, not yours; it has been logged."),
    503: (OURS, "internal_error", "Try again in a moment."),
}


def wire_error(status: int, message: str, *, code: str = "request_failed", kind: str = INVALID) -> HttpResponse:
    """One refusal as the wire has it."""
    told = {"message": message, "code": code, "type": kind}
    if status not in (HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS):
        told["help"] = f"{settings.PUBLIC_URL}/pg/docs"
    response = JsonResponse(told, status=status, json_dumps_params={"ensure_ascii": False})
    response.is_wire_error = True  # type: ignore[attr-defined]
    return response


def on_refusal(request: HttpRequest, refusal: core.PaymentsError) -> HttpResponse:
    """The core's named refusal."""
    if isinstance(refusal, core.BadInput):
        return bad_field(refusal)
    fitting = ((kind, found) for kind, found in REFUSALS.items() if isinstance(refusal, kind))
    kind, (status, code) = next(fitting, (core.PaymentsError, (409, "invalid_state")))
    code = refusal.code if isinstance(refusal, core.NotFound) else code
    return wire_error(
        status, refusal.message, code=code, kind=IDEMPOTENCY if kind is core.IdempotencyMismatch else INVALID
    )


def bad_field(refusal: core.BadInput) -> HttpResponse:
    """A field that cannot be taken, by its name on the wire."""
    field = WIRE_FIELDS.get(refusal.field, refusal.field)
    code = f"{field}_{'missing' if refusal.reason == 'missing' else 'invalid'}"
    words = "Invalid amount. " if field == "order_amount" else ""
    return wire_error(400, f"{words}{refusal.reason}: {refusal.text.replace(refusal.field, field)}", code=code)


_SHAPES = {
    "missing": "this field is required.",
    "string_type": "invalid_type: write text in quotes.",
    "bool_type": "invalid_type: write true or false.",
    "int_type": "invalid_type: write a whole number, without quotes.",
    "list_type": "invalid_type: write a list, like [].",
    "dict_type": "invalid_type: write an object, like {}.",
    "model_type": "invalid_type: write an object, like {}.",
    "model_attributes_type": "invalid_type: write an object, like {}.",
}


def on_shape(request: HttpRequest, fault: ValidationError) -> HttpResponse:
    """The first thing in a body that does not have the shape it should. Nothing that was sent is repeated."""
    first = fault.errors[0]
    # A body's place begins with that word and its name in our code, a query's with the word alone.
    place = first["loc"][2:] if first["loc"][0] == "body" else first["loc"][1:]
    parts = [str(part) for part in place if not isinstance(part, int)]
    field = ".".join(part if re.fullmatch(r"[a-z_]{1,60}", part) else "field" for part in parts) or "request"
    kind = str(first["type"])
    if kind == "extra_forbidden":
        return wire_error(400, f"{field}: unknown_field: {_instead(parts[-1])}", code=f"{field}_invalid")
    text = _SHAPES.get(kind) or str(first["msg"]).removeprefix("Value error, ").replace("Input should be", "write")
    words = "Invalid amount. " if field == "order_amount" else ""
    return wire_error(400, f"{words}{field}: {text}", code=f"{field}_{'missing' if kind == 'missing' else 'invalid'}")


@cache
def _known_fields() -> list[str]:
    """What a misspelt field may have meant. Asked late: most bodies are declared beside their calls."""
    names = {name for body in Body.__subclasses__() for name in body.model_fields}
    return sorted(names - set(WIRE_FIELDS) | set(WIRE_FIELDS.values()))


def _instead(name: str) -> str:
    """What to write instead of a field that is not there: its full name where it stands deeper, else the like of it."""
    meant = WIRE_FIELDS.get(name) or next(iter(get_close_matches(name[:60], _known_fields(), n=1, cutoff=0.75)), "")
    return (
        f"there is no such field here; did you mean {meant}?" if meant else "there is no such field here; leave it out."
    )


def on_unauthenticated(request: HttpRequest, refusal: AuthenticationFailed) -> HttpResponse:
    response = wire_error(401, str(refusal), kind=AUTHENTICATION)
    response["WWW-Authenticate"] = CHALLENGE
    return response


def on_rate(request: HttpRequest, refusal: RateExceeded) -> HttpResponse:
    response = wire_error(429, str(refusal), kind=RATE)
    response["Retry-After"] = response["x-ratelimit-retry"] = str(refusal.retry_after_s)
    response["x-ratelimit-type"] = refusal.counted
    return response


class WireErrorsMiddleware:
    """Under /pg every error has the wire's shape, whoever made it, and the caller's headers come back."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._refuse_chunks(request) or self.get_response(request)
        if not request.path.startswith(ROOT) or request.path.startswith("/pg/view/"):
            return response
        if response.status_code >= HTTPStatus.BAD_REQUEST and not hasattr(response, "is_wire_error"):
            response = _in_wire_shape(response)
        version = request.headers.get("x-api-version", "")
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", version):
            response["x-api-version"] = version
        return response

    def _refuse_chunks(self, request: HttpRequest) -> HttpResponse | None:
        """A body in chunks would be read as none, and its caller told that fields are missing that it sent."""
        is_chunked = "transfer-encoding" in request.headers and not request.headers.get("content-length")
        if not is_chunked or not request.path.startswith(ROOT):
            return None
        return wire_error(411, "Send content-length: a body in chunks is not read.")


def _in_wire_shape(response: HttpResponse) -> HttpResponse:
    kind, code, message = _BY_STATUS.get(response.status_code, (INVALID, "request_failed", "This cannot be done."))
    found: Any = wire_error(response.status_code, message, code=code, kind=kind)
    for name in ("Allow", "Retry-After", "WWW-Authenticate"):
        if name in response:
            found[name] = response[name]
    return found  # type: ignore[no-any-return]
