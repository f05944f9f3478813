"""The accessibility statement: what these pages promise, how that is tested, and what is known to fall short."""

from datetime import UTC, datetime

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from checkout.hosted.page import Page, Text, plain_page, respond
from checkout.hosted.times import date

STATED_ON = datetime(2026, 11, 30, tzinfo=UTC)
"""When the statement was last held against the pages."""


def statement_page() -> Page:
    return plain_page(
        "hosted/accessibility.html",
        _("Accessibility of our payment pages"),
        lead=_("Everybody should be able to pay here. These pages are made to meet WCAG 2.2, level AA."),
        sections=[_tested(), _falls_short(), _help()],
        closing_words=_("Stated on %(date)s.") % {"date": date(STATED_ON, "UTC")},
    )


def _tested() -> Text:
    return Text(
        _("How we test"),
        _(
            "With each change a program checks every page in all its states: with axe, in light and dark, in both "
            "reading directions, 320 pixels wide, at 400 % zoom and in forced colours. Each way to pay is also gone "
            "through by keyboard alone. All of it works without scripts."
        ),
    )


def _falls_short() -> Text:
    return Text(
        _("What we know falls short"),
        _(
            "No people with disabilities have tested these pages yet, and no native readers have checked their "
            "translations. The shop decides how often the time to pay can be made longer, and may allow it less often "
            "than the standard asks. The pages of banks, wallets and other payment services are not ours, so we "
            "cannot speak for them."
        ),
    )


def _help() -> Text:
    return Text(
        _("If something does not work for you"),
        _(
            "Write to the shop: if it has given an address, that is at the foot of your payment page. Say what you "
            "wanted to do, and with which device and aids. Your payment link stays the same meanwhile."
        ),
    )


@require_safe
def statement(request: HttpRequest) -> HttpResponse:
    return respond(request, statement_page())
