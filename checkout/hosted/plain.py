"""Pages without an order, or in the way of one."""

from django.utils.translation import gettext as _

from checkout.hosted.page import Page, plain_page


def not_found_page() -> Page:
    return plain_page(
        "hosted/message.html",
        _("We can’t find this payment page"),
        status=404,
        lead=_("Check that the whole link was copied, or go back to the shop and start again."),
    )


def wait_a_minute_page() -> Page:
    return plain_page(
        "hosted/message.html",
        _("Too many wrong links"),
        status=429,
        lead=_("They came from your network. Try again in a minute."),
    )


def unavailable_page() -> Page:
    """Our records are out of reach: no word about money, which we cannot know now."""
    return plain_page(
        "hosted/message.html",
        _("This page is resting for a moment"),
        status=503,
        lead=_("Open the same link again in a minute: it will show what is true then. Please don’t pay again before."),
    )


def error_page(title: str, lead: str, status: int) -> Page:
    """A plain page for what went wrong outside an order."""
    return plain_page("hosted/message.html", title, status=status, lead=lead)


def front_page() -> Page:
    return plain_page(
        "hosted/message.html", _("This is a payment service"), lead=_("To pay, open the link your shop gave you.")
    )


def posted_only_page() -> Page:
    lead = _("It takes a form from a shop. To pay, open the link your shop gave you.")
    return error_page(_("This address can’t be opened by itself"), lead, 405)


def bad_request_page() -> Page:
    lead = _("Go back and try again. If a form was very large, send less.")
    return error_page(_("We can’t read this request"), lead, 400)


def forbidden_page() -> Page:
    return error_page(_("This is not open to you"), _("You need another account for this page."), 403)


def foreign_form_page() -> Page:
    """A form of staff without the cookie that proves it to be ours."""
    lead = _("It did not come from a page of ours, or your browser refused our cookie. Go back, reload, and try again.")
    return error_page(_("This form can’t be used"), lead, 403)


def no_such_address_page() -> Page:
    return error_page(_("There is no such page"), _("Check the address."), 404)


def broken_page() -> Page:
    """A fault of ours. It may not say that nothing was taken: we do not know."""
    lead = _("This is our fault, and it has been noted. Open your payment link again: it shows what is true.")
    return error_page(_("This page broke"), lead, 500)
