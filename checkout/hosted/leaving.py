"""The page on which a customer leaves us for a gateway's own page: the only one that may lead to another origin."""

import logging
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from checkout.hosted.page import Page, WayOut, amount_text, order_page, slip
from checkout.hosted.waiting import (
    HAND_OFFS,
    approve_once,
    cancel_button,
    check_button,
    kept_notice,
    lead_back,
    when_we_know,
)
from checkout.hosted.ways import gateway_title, way_of
from checkout.redirects import is_own, own_path
from checkout.speaking import isolated
from payments.gateways.registry import gateway_named
from payments.models import Payment
from payments.selectors import OrderState
from payments.states import PaymentStatus

log = logging.getLogger(__name__)
BY_FORM = "post"


def way_out_of(state: OrderState, payment: Payment) -> WayOut | None:
    """Where this attempt goes on at another origin, while its time lasts; never but at an origin of its gateway."""
    action = payment.next_action
    leads_on = action.get("type") in HAND_OFFS | {BY_FORM} and not is_own(own_path(action.get("url", "")))
    if not leads_on or payment.status != PaymentStatus.PENDING or state.at >= payment.deadline_at:
        return None
    origin = _origin(action["url"])
    if origin not in gateway_named(payment.gateway).hosts:
        log.error("%s would lead to an origin that %s does not have", payment.uid, payment.gateway)
        return None
    title = gateway_title(payment.gateway)
    return WayOut(
        url=action["url"],
        origin=origin,
        label=_("Continue at %(gateway)s") % {"gateway": title},
        busy_label=_("Opening %(gateway)s…") % {"gateway": title},
        hint=_("You leave this site. The next page’s address begins with %(origin)s.") % {"origin": origin},
        fields=action["fields"] if action["type"] == BY_FORM else None,
    )


def _origin(url: str) -> str:
    """Where an address leads; nowhere where it is none."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}"


def leaving_page(state: OrderState, payment: Payment, way_out: WayOut, *, kept: bool = False) -> Page:
    """One button out, and for whoever comes back to this page the same one again, a question, and another way.

    Nothing here happens by itself: the customer may be reading, or paying in another tab.
    """
    page = order_page(state, "hosted/leaving.html", way_of(payment).leaving)
    page.heading = page.title
    told = _("%(gateway)s takes this payment for %(merchant)s. You approve %(amount)s there and come back here.")
    page.lead = told % {
        "gateway": gateway_title(payment.gateway),
        "merchant": isolated(state.order.merchant.name),
        "amount": amount_text(payment.amount),
    }
    page.slip = slip(state, _("Asked for"), "unknown", approve_once(), next_line=when_we_know(state, payment))
    page.way_out = way_out
    page.check = check_button(state, _("I have approved it: check"))
    if state.takes_attempts:
        page.cancel = cancel_button(state, payment, _("Cancel and choose another way"))
    if kept:
        page.notice = kept_notice()
    lead_back(page, state)
    return page
