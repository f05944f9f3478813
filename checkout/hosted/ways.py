"""The ways to pay as the pages show them: one table, a row a method. Nothing else asks which method it has."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from checkout.hosted.forms import OWN_PAGE_FORMS, CardForm, MethodForm, NetbankingForm, UpiForm, WalletForm
from payments.banks import WALLETS
from payments.gateways.registry import gateway_named
from payments.models import Payment
from payments.selectors import OrderState
from payments.states import Method, Mode

Details = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A way to pay. `button` may hold the amount; `used` and `decliner` read an attempt's method_details."""

    name: Any
    covers: Any
    glyph: str
    template: str
    form: type[MethodForm]
    button: Any
    waiting: Any
    """The waiting page's heading."""
    go_on: Any
    """The link to where the customer acts."""
    leaving: Any
    """The heading of the page on which the customer leaves us."""
    own_page: Any
    """The button where the gateway's own page asks for everything."""
    declined: Any
    """The heading after a decline where `decliner` does not know who said no."""
    used: Callable[[Details], str]
    decliner: Callable[[Details], str] = lambda details: ""


def _used_card(details: Details) -> str:
    last4 = details.get("card_last4", "")
    return _("Card ending %(last4)s") % {"last4": last4} if last4 else _("Card")


def _used_upi(details: Details) -> str:
    upi_id = details.get("upi_id", "")
    return _("UPI %(upi_id)s") % {"upi_id": upi_id} if upi_id else _("UPI app")


def _used_bank(details: Details) -> str:
    return _("%(bank)s netbanking") % {"bank": _bank(details) or _("Your bank")}


def _bank(details: Details) -> str:
    return str(details.get("netbanking_bank_name", ""))


def _wallet(details: Details) -> str:
    return WALLETS.get(details.get("provider", ""), "")


WAYS: dict[Method, Way] = {
    Method.UPI: Way(
        name=gettext_lazy("UPI"),
        covers=gettext_lazy("Any UPI app, UPI ID or QR code"),
        glyph="upi",
        template="hosted/_upi.html",
        form=UpiForm,
        button=gettext_lazy("Send request for %(amount)s"),
        waiting=gettext_lazy("Waiting for your UPI app"),
        go_on=gettext_lazy("Open my UPI app"),
        leaving=gettext_lazy("Continue to your UPI app"),
        own_page=gettext_lazy("Continue to the UPI page"),
        declined=gettext_lazy("Your bank declined this UPI payment"),
        used=_used_upi,
    ),
    Method.CARD: Way(
        name=gettext_lazy("Card"),
        covers=gettext_lazy("Visa, Mastercard, RuPay, Amex"),
        glyph="card",
        template="hosted/_card.html",
        form=CardForm,
        button=gettext_lazy("Pay %(amount)s"),
        waiting=gettext_lazy("Waiting for your bank"),
        go_on=gettext_lazy("Go on at my bank"),
        leaving=gettext_lazy("Continue to your bank"),
        own_page=gettext_lazy("Continue to the card page"),
        declined=gettext_lazy("Your bank declined this card"),
        used=_used_card,
    ),
    Method.NETBANKING: Way(
        name=gettext_lazy("Netbanking"),
        covers=gettext_lazy("All major Indian banks"),
        glyph="bank",
        template="hosted/_netbanking.html",
        form=NetbankingForm,
        button=gettext_lazy("Go to my bank"),
        waiting=gettext_lazy("Waiting for your bank"),
        go_on=gettext_lazy("Go on at my bank"),
        leaving=gettext_lazy("Continue to your bank"),
        own_page=gettext_lazy("Go to my bank"),
        declined=gettext_lazy("Your bank declined this payment"),
        used=_used_bank,
        decliner=_bank,
    ),
    Method.WALLET: Way(
        name=gettext_lazy("Wallet"),
        covers=", ".join(list(WALLETS.values())[:3]),
        glyph="wallet",
        template="hosted/_wallet.html",
        form=WalletForm,
        button=gettext_lazy("Go to my wallet"),
        waiting=gettext_lazy("Waiting for your wallet"),
        go_on=gettext_lazy("Go on at my wallet"),
        leaving=gettext_lazy("Continue to your wallet"),
        own_page=gettext_lazy("Go to my wallet"),
        declined=gettext_lazy("Your wallet declined this payment"),
        used=lambda details: _wallet(details) or _("Wallet"),
        decliner=_wallet,
    ),
}


@dataclass(frozen=True, slots=True)
class Drawer:
    """What a method's row opens into: ours to fill in, or one button where the gateway's own page asks."""

    form: type[MethodForm]
    template: str
    button: Any
    covers: Any = ""
    """Which cards, banks or apps: of a gateway's own page that is the gateway's to say."""


def drawer_of(state: OrderState, method: Method) -> Drawer:
    """The drawer that fits the account which will serve the method; ours where none does any more.

    For cards in live mode never ours, whatever a gateway says of itself: no page of ours takes a real card's number.
    """
    way, gateway = WAYS[method], gateway_of(state, method)
    is_real_card = method == Method.CARD and state.order.mode == Mode.LIVE
    if is_real_card or (gateway and gateway_named(gateway).has_own_page):
        return Drawer(OWN_PAGE_FORMS[method], "hosted/_own_page.html", way.own_page)
    return Drawer(way.form, way.template, way.button, way.covers)


def gateway_of(state: OrderState, method: Method) -> str:
    """The gateway that will be tried first, if one serves the method."""
    routes = state.serving.get(method)
    return routes[0].account.gateway if routes else ""


def gateway_title(gateway: str) -> str:
    """How people call a gateway."""
    return gateway.title()


def way_of(payment: Payment) -> Way:
    """How this attempt was to be paid."""
    return WAYS[Method(payment.method)]


def used(payment: Payment) -> str:
    """What a receipt names: "UPI asha@okbank", "Card ending 4242"."""
    return way_of(payment).used(payment.method_details)


def decliner(payment: Payment) -> str:
    """Who said no, by name: "HDFC Bank"; nothing where only "your bank" is known."""
    return way_of(payment).decliner(payment.method_details)
