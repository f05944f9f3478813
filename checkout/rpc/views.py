"""PaymentService in a plain Django view, so that it passes the same middleware as everything else."""

from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.views.decorators.csrf import csrf_exempt

from checkout.rpc.codecs import BinaryCodec, StrictJsonCodec
from checkout.rpc.payment_connect import PaymentServiceWSGIApplication
from checkout.rpc.servicer import Authenticate, PaymentServicer

MAX_BYTES = 65_536
RESOURCE_EXHAUSTED = 8  # as gRPC numbers it
CONTENT_TYPES = (
    "application/json",
    "application/proto",
    "application/grpc",
    "application/grpc+proto",
    "application/grpc-web+proto",
    "application/grpc-web+json",
    "application/grpc-web",
)

_application = PaymentServiceWSGIApplication(
    PaymentServicer(),
    interceptors=[Authenticate()],
    read_max_bytes=MAX_BYTES,
    codecs=[BinaryCodec(), StrictJsonCodec()],
)


def _refusal(status: HTTPStatus, code: str, message: str) -> HttpResponse:
    return JsonResponse({"code": code, "message": message}, status=status)


def _too_large(content_type: str) -> HttpResponse:
    message = f"Send at most {MAX_BYTES} bytes."
    if not content_type.startswith("application/grpc"):
        return _refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "resource_exhausted", message)
    # No HTTP status means this to gRPC and gRPC-Web: they read a status of their own.
    headers = {"grpc-status": str(RESOURCE_EXHAUSTED), "grpc-message": message}
    return HttpResponse(content_type=content_type, headers=headers)


@csrf_exempt
def payment_service(request: HttpRequest) -> HttpResponseBase:
    """Answer one call. connectrpc speaks WSGI, so it gets the request's own environment."""
    if request.method != "POST":
        response = _refusal(HTTPStatus.METHOD_NOT_ALLOWED, "unimplemented", "Call this by POST.")
        response["Allow"] = "POST"
        return response
    if request.content_type not in CONTENT_TYPES:
        return _refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "invalid_argument", "Send content-type: application/json.")
    length = request.headers.get("content-length") or "0"
    if not (length.isascii() and length.isdigit()):
        return _refusal(HTTPStatus.BAD_REQUEST, "invalid_argument", "content-length: send a number of bytes.")
    if len(length.lstrip("0")) > len(str(MAX_BYTES)) or int(length) > MAX_BYTES:
        return _too_large(request.content_type)
    return _run(request.META)


def _run(environ: dict[str, Any]) -> HttpResponseBase:
    # gRPC ends its answers with trailers: gunicorn's name for them under HTTP/2, and connectrpc's.
    if "gunicorn.http2.send_trailers" in environ:
        environ["wsgi.ext.http.send_trailers"] = environ["gunicorn.http2.send_trailers"]
    started: dict[str, Any] = {}

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
        started["status"], started["headers"] = int(status.split()[0]), headers

    body = b"".join(_application(environ, start_response))
    response: HttpResponseBase = HttpResponse(body, status=started["status"])
    if "wsgi.ext.http.send_trailers" in environ:
        # A stream gets no length from Django: nginx forgets the trailers behind a body whose end it knows.
        response = StreamingHttpResponse([body], status=started["status"])
    del response["Content-Type"]
    for name, value in started["headers"]:
        # Django sets the length itself; "identity" is no content coding (RFC 9110, 8.4.1).
        if name.lower() != "content-length" and value != "identity":
            response[name] = value
    return response


@csrf_exempt
def unknown_method(request: HttpRequest, rest: str) -> HttpResponse:
    """Any other path of the service."""
    return _refusal(HTTPStatus.NOT_FOUND, "unimplemented", "Call CreateOrder, VerifyPayment or TerminateOrder.")
