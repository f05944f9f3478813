"""Answers to what no view took: pages for people, data for machines."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

from checkout.hosted import plain
from checkout.hosted.page import Page, respond
from checkout.middleware import is_api


def _answer(request: HttpRequest, code: str, page: Page) -> HttpResponse:
    if is_api(request.path):
        return JsonResponse({"code": code, "message": page.lead}, status=page.status)
    return respond(request, page)


def bad_request(request: HttpRequest, exception: Any = None) -> HttpResponse:
    return _answer(request, "invalid_argument", plain.bad_request_page())


def forbidden(request: HttpRequest, exception: Any = None) -> HttpResponse:
    return _answer(request, "permission_denied", plain.forbidden_page())


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return _answer(request, "permission_denied", plain.foreign_form_page())


def not_found(request: HttpRequest, exception: Any = None) -> HttpResponse:
    return _answer(request, "not_found", plain.no_such_address_page())


def server_error(request: HttpRequest) -> HttpResponse:
    return _answer(request, "internal", plain.broken_page())
