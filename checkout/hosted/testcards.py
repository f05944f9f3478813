"""The page that lists what the simulator answers to."""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from checkout.hosted.page import plain_page, respond


@dataclass(frozen=True, slots=True)
class SimulatedCard:
    """A published card number and what the simulator does with it."""

    number: str
    outcome: str


@require_safe
def list_test_cards(request: HttpRequest) -> HttpResponse:
    """Cards for test mode: any later expiry date, any security code of three digits."""
    cards = [
        SimulatedCard("4242 4242 4242 4242", _("Approved at once")),
        SimulatedCard("4000 0000 0000 0002", _("Declined without a reason")),
        SimulatedCard("4000 0000 0000 9995", _("Declined: not enough money")),
        SimulatedCard("4000 0000 0000 0069", _("Declined: expired card")),
        SimulatedCard("4000 0000 0000 0127", _("Declined: wrong security code")),
    ]
    lead = _("Any expiry date to come and any security code of 3 digits will do. No other card works in test mode.")
    return respond(request, plain_page("hosted/test_cards.html", _("Test cards"), lead=lead, cards=cards))
