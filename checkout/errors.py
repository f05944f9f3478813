"""Answers to what no view took: pages for people, data for machines."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _

from checkout.hosted.page import respond
from checkout.hosted.plain import error_page
from checkout.middleware import is_api


def _answer(request: HttpRequest, status: int, code: str, title: str, lead: str) -> HttpResponse:
    if is_api(request.path):
        return JsonResponse({"code": code, "message": lead}, status=status)
    return respond(request, error_page(title, lead, status))


def bad_request(request: HttpRequest, exception: Any = None) -> HttpResponse:
    lead = _("Go back and try again. If a form was very large, send less.")
    return _answer(request, 400, "invalid_argument", _("We can’t read this request"), lead)


def forbidden(request: HttpRequest, exception: Any = None) -> HttpResponse:
    return _answer(
        request, 403, "permission_denied", _("This is not open to you"), _("You need another account for this page.")
    )


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    lead = _("It did not come from a page of ours, or your browser refused our cookie. Go back, reload, and try again.")
    return _answer(request, 403, "permission_denied", _("This form can’t be used"), lead)


def not_found(request: HttpRequest, exception: Any = None) -> HttpResponse:
    return _answer(request, 404, "not_found", _("There is no such page"), _("Check the address."))


def server_error(request: HttpRequest) -> HttpResponse:
    """A fault of ours. It may not say that nothing was taken: we do not know."""
    lead = _("This is our fault, and it has been noted. Open your payment link again: it shows what is true.")
    return _answer(request, 500, "internal", _("This page broke"), lead)
