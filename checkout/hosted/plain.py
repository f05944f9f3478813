"""Pages without an order, or in the way of one."""

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from checkout.hosted.page import Page, plain_page, respond


def not_found_page() -> Page:
    return plain_page(
        "hosted/message.html",
        _("We can’t find this payment page"),
        status=404,
        lead=_("Check that the whole link was copied, or go back to the shop and start again."),
    )


def card_data_page() -> Page:
    """Real card numbers belong on the gateway's own page, never here."""
    return plain_page(
        "hosted/message.html",
        _("Card numbers can’t be typed here"),
        status=400,
        lead=_("We did not read it and sent nothing to a bank. Open your payment link again."),
    )


def wait_a_minute_page() -> Page:
    return plain_page(
        "hosted/message.html",
        _("Too many wrong links"),
        status=429,
        lead=_("They came from your network. Try again in a minute."),
    )


def unavailable_page(request: HttpRequest) -> HttpResponse:
    """Our records are out of reach: no word about money, which we cannot know now."""
    page = plain_page(
        "hosted/message.html",
        _("This page is resting for a moment"),
        status=503,
        lead=_("Open the same link again in a minute: it will show what is true then. Please don’t pay again before."),
    )
    return respond(request, page)


def error_page(title: str, lead: str, status: int) -> Page:
    """A plain page for what went wrong outside an order."""
    return plain_page("hosted/message.html", title, status=status, lead=lead)
