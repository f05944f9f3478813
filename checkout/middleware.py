"""What every request passes: an id and a log line, security headers, transport rules, language."""

import ipaddress
import logging
import re
import secrets
import time
from collections.abc import Callable

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import translation
from django.utils.cache import patch_vary_headers

from checkout.languages import ENGLISH
from checkout.logs import request_id
from checkout.speaking import now_spoken, speaking_to

Handler = Callable[[HttpRequest], HttpResponse]
access_log = logging.getLogger("till.access")

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
API_PREFIXES = ("/payment.v1.PaymentService/", "/pg/")
API_PAGES = ("/pg/docs", "/pg/view/")
"""Below those prefixes, but for people."""
ENGLISH_ROOMS = re.compile(r"/(admin|shop|simulator|pg/docs)(/|\Z)")
"""For people, but not for customers: staff and engineers."""

PAGE_CSP = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
    "object-src": "'none'",
    "report-uri": "/csp-report",
}
API_CSP = {"default-src": "'none'", "frame-ancestors": "'none'"}


def page_csp(**over: str) -> str:
    """The policy of a page, with what it needs besides: `form_action="'self' https://pay.example"`."""
    return _written({**PAGE_CSP, **{name.replace("_", "-"): value for name, value in over.items()}})


def _written(csp: dict[str, str]) -> str:
    return "; ".join(f"{name} {value}" for name, value in csp.items())


def is_api(path: str) -> bool:
    """Whether machines call this path: its errors are data, never pages or redirects."""
    is_event = path.startswith("/callbacks/") and path.endswith("/events")
    return is_event or path == "/pg" or (path.startswith(API_PREFIXES) and not path.startswith(API_PAGES))


class ClientAddressMiddleware:
    """Put the customer's own address in REMOTE_ADDR: forwarded ones are believed from trusted proxies alone."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.META["REMOTE_ADDR"] = client_address(
            request.META.get("REMOTE_ADDR", ""), request.headers.get("x-forwarded-for", "")
        )
        return self.get_response(request)


def client_address(peer: str, forwarded_for: str) -> str:
    """The nearest address of a chain that is no proxy of ours; the peer itself where we have no proxy."""
    chain = [part.strip() for part in forwarded_for.split(",") if part.strip()]
    address = peer
    while chain and _is_trusted(address):
        address = chain.pop()
    return address


def _is_trusted(address: str) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(found in ipaddress.ip_network(network) for network in settings.TRUSTED_PROXIES)


class RequestLogMiddleware:
    """Give the request an id, and write one masked line when it is answered."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        asked = request.headers.get("x-request-id", "")
        name = asked if _REQUEST_ID.fullmatch(asked) else secrets.token_hex(8)
        token = request_id.set(name)
        began = time.perf_counter()
        try:
            response = self.get_response(request)
            spent_ms = (time.perf_counter() - began) * 1000
            access_log.info("%s %s %s %.0f ms", request.method, request.path, response.status_code, spent_ms)
        finally:
            request_id.reset(token)
        response["x-request-id"] = name
        return response


class SecurityHeadersMiddleware:
    """Put the security headers on every answer, errors too. A view may set its own, stricter or not."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        csp = API_CSP if is_api(request.path) else PAGE_CSP
        defaults = {
            "Content-Security-Policy": _written(csp),
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "Referrer-Policy": "same-origin",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Permissions-Policy": "camera=(), microphone=(), geolocation=(), usb=(), payment=(self)",
            "Cache-Control": "no-store",
        }
        if settings.HTTPS:
            defaults["Strict-Transport-Security"] = f"max-age={settings.SECURE_HSTS_SECONDS}; includeSubDomains"
        for name, value in defaults.items():
            response.headers.setdefault(name, value)
        return response


class DatabaseDownMiddleware:
    """Answer 503 while the database is away, so that callers try again; nothing was changed."""

    RETRY_AFTER_S = "5"

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, OperationalError | InterfaceError):
            return None
        logging.getLogger("till.database").error("database unavailable: %s", type(exception).__name__)
        return unavailable(request)


def unavailable(request: HttpRequest) -> HttpResponse:
    """The answer while we cannot reach our own records: never a word about money, which we cannot know now."""
    if is_api(request.path):
        response: HttpResponse = JsonResponse({"code": "unavailable", "message": "Try again in a moment."}, status=503)
    else:
        from checkout.hosted.page import respond
        from checkout.hosted.plain import unavailable_page

        response = respond(request, unavailable_page())
    response["Retry-After"] = DatabaseDownMiddleware.RETRY_AFTER_S
    return response


class TransportMiddleware:
    """Refuse API calls over plain http where we are https: a redirect would not unsend the key."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.HTTPS and is_api(request.path) and not request.is_secure():
            body = {"code": "permission_denied", "message": "https_required: call this over https and replace the key."}
            return JsonResponse(body, status=403)
        return self.get_response(request)


class LanguageMiddleware:
    """Speak the customer's language on pages for customers, and English to everybody else. No cookie, no session."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if is_api(request.path) or ENGLISH_ROOMS.match(request.path):
            with translation.override(ENGLISH):
                response = self.get_response(request)
            response.headers.setdefault("Content-Language", ENGLISH)
            return response
        with speaking_to(request):
            response = self.get_response(request)
            if response.headers.get("Content-Type", "").startswith("text/html"):
                response.headers.setdefault("Content-Language", now_spoken())
                patch_vary_headers(response, ["Accept-Language"])
        return response
