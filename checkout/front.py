"""The bare address: in a demo it leads to the shop, elsewhere it says where people are."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from checkout.hosted.page import plain_page, respond


@require_safe
def front_door(request: HttpRequest) -> HttpResponse:
    """Lead the visitors of a demo into the shop; tell everybody else that links come from shops."""
    if settings.DEMO_FILE.exists() and not settings.HTTPS:
        return redirect("shop:home")
    lead = _("To pay, open the link your shop gave you.")
    return respond(request, plain_page("hosted/message.html", _("This is a payment service"), lead=lead))


def no_icon(request: HttpRequest) -> HttpResponse:
    """Browsers ask for it unasked; the answer is nothing, kept for a month."""
    return HttpResponse(status=204, headers={"Cache-Control": "public, max-age=2592000"})
