"""The bare address: in a demo it leads to the shop, elsewhere it says where people are."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_safe

from checkout.hosted.page import respond
from checkout.hosted.plain import front_page


@require_safe
def front_door(request: HttpRequest) -> HttpResponse:
    """Lead the visitors of a demo into the shop; tell everybody else that links come from shops."""
    if settings.DEMO_FILE.exists() and not settings.HTTPS:
        return redirect("shop:home")
    return respond(request, front_page())


def no_icon(request: HttpRequest) -> HttpResponse:
    """Browsers ask for it unasked; the answer is nothing, kept for a month."""
    return HttpResponse(status=204, headers={"Cache-Control": "public, max-age=2592000"})
