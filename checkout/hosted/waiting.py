"""The page while an attempt is out and we do not know: what the customer can do, and what we do meanwhile."""

from datetime import timedelta

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from checkout.hosted.codes import qr_code
from checkout.hosted.forms import BY_REQUEST
from checkout.hosted.page import (
    CANCEL,
    CHECK,
    ButtonForm,
    Page,
    Step,
    Text,
    amount_text,
    order_page,
    return_url,
    slip,
    url_of,
)
from checkout.hosted.times import clock_time, stamp, with_moment
from checkout.hosted.tokens import make_token
from checkout.hosted.ways import way_of
from checkout.redirects import is_own, own_path
from checkout.speaking import isolated
from payments import backoff
from payments.models import Payment
from payments.selectors import OrderState
from payments.states import Method, PaymentStatus

WATCH_FOR = timedelta(seconds=60)
WATCH_EVERY_S, WATCH_SLOWLY_EVERY_S = 5, 15
WATCHED_TO_THE_END = frozenset({Method.UPI})
"""The customer acts on another device and comes back to a page that must have noticed."""
HAND_OFFS = frozenset({"redirect", "challenge"})


def waiting_page(state: OrderState, payment: Payment, *, stay: bool = False, kept: bool = False) -> Page:
    """What fits the attempt while its time lasts; afterwards only that the answer is awaited."""
    page = order_page(state, "hosted/waiting.html", way_of(payment).waiting)
    page.check = check_button(state, _("Check again"))
    what = _("Cancel and choose another way")
    sentence = _("We don’t know yet if this was taken. Please don’t pay again.")
    if state.at >= payment.deadline_at or payment.status == PaymentStatus.AUTHORIZED:
        page.title = _("Waiting for the answer")
        page.steps = _steps(state, payment)
    elif payment.next_action.get("type") == "code":
        what, sentence = _with_code(page, state, payment)
    elif hand_off(payment):
        sentence = _with_hand_off(page, payment)
    elif payment.method_details.get("channel") == BY_REQUEST and payment.start_answered_at:
        what = _with_request(page, state, payment)
    else:
        page.steps = _steps(state, payment)
    page.heading = page.title
    page.slip = slip(state, _("Asked for"), "unknown", sentence, next_line=when_we_know(state, payment))
    if state.takes_attempts:
        page.cancel = cancel_button(state, payment, what)
    if kept:
        page.notice = kept_notice()
    if not stay:
        _watch(page, state, payment)
    lead_back(page, state)
    return page


def hand_off(payment: Payment) -> str:
    """The page of the bank or wallet on our own origin where the customer goes on, if there is one."""
    has_page = payment.status == PaymentStatus.PENDING and payment.next_action.get("type") in HAND_OFFS
    path = own_path(payment.next_action["url"]) if has_page else ""
    return path if is_own(path) else ""


def cancel_form(attempt: str) -> str:
    """The name of the form that cancels this attempt: its token cancels no other."""
    return f"{CANCEL}:{attempt}"


def check_button(state: OrderState, label: str) -> ButtonForm:
    """Ask the bank now."""
    return ButtonForm(
        action=url_of(state, "check"),
        token=make_token(state.order.session_id, CHECK, at=state.at),
        label=label,
        busy_label=_("Asking, one moment…"),
    )


def kept_notice() -> Text:
    """What to say after a cancel that was not to be had."""
    return Text(
        _("This can’t be cancelled now"),
        _("It may still be paid. Check again in a moment, and please don’t pay another way before."),
    )


def cancel_button(state: OrderState, payment: Payment, label: str) -> ButtonForm:
    """Cancel this attempt and choose again."""
    return ButtonForm(
        action=url_of(state, "cancel"),
        token=make_token(state.order.session_id, cancel_form(payment.uid), at=state.at),
        label=label,
        busy_label=_("Cancelling, one moment…"),
        attempt=payment.uid,
    )


# --- What the customer can do ---


def _with_code(page: Page, state: OrderState, payment: Payment) -> tuple[str, str]:
    """A link to open and a code to scan: both are the same payment, so the words ask to approve it once."""
    link, order = payment.next_action["link"], state.order
    page.go_on = Text(way_of(payment).go_on, own_path(link))
    page.code = qr_code(link)
    page.code_label = _("QR code to pay %(amount)s to %(merchant)s") % {
        "amount": amount_text(payment.amount),
        "merchant": isolated(order.merchant.name),
    }
    page.code_words = _("The code works until %(time)s.") % {"time": _until(state, payment)}
    page.check = check_button(state, _("I have approved it: check"))
    return _("Cancel this code and choose again"), approve_once()


def _with_hand_off(page: Page, payment: Payment) -> str:
    """A page of the bank or wallet that the customer has left, or just come back from."""
    page.go_on = Text(way_of(payment).go_on, hand_off(payment))
    page.lead = _("You haven’t finished there yet, or the answer is still on its way.")
    return approve_once()


def _with_request(page: Page, state: OrderState, payment: Payment) -> str:
    """A request that waits in the customer's UPI app."""
    upi_id = format_html('<bdi dir="ltr">{}</bdi>', payment.method_details.get("upi_id", ""))
    time = clock_time(payment.started_at, state.order.merchant.time_zone)
    lasts = _("Open the app and look under requests or pending. The request lasts until %(time)s.")
    page.steps = [
        Step("past", _("Request sent"), format_html(_("To {upi_id} at {time}"), upi_id=upi_id, time=time)),
        Step("now", _("Approve it in your UPI app"), lasts % {"time": _until(state, payment)}),
        Step("next", _("Your bank confirms")),
    ]
    page.more = Text(
        _("I can’t find the request"),
        _("Look in the app that this UPI ID belongs to. A request can take a minute. If none comes, choose again."),
    )
    return _("Cancel this request and choose again")


def _steps(state: OrderState, payment: Payment) -> list[Step]:
    """There is nothing to do but wait."""
    sent = {"time": stamp(payment.started_at, state.order.merchant.time_zone)}
    said_yes = payment.status == PaymentStatus.AUTHORIZED
    return [
        Step("past", _("Your bank said yes") if said_yes else _("Request sent"), _("At %(time)s") % sent),
        Step("now", _("We wait for the answer")),
        Step("next", _("We tell you here")),
    ]


def approve_once() -> str:
    """The money sentence while the customer may approve, or has."""
    return _("We don’t know yet if this was taken. Please approve it only once.")


def _until(state: OrderState, payment: Payment) -> str:
    return clock_time(payment.deadline_at, state.order.merchant.time_zone)


# --- What we do meanwhile ---


def when_we_know(state: OrderState, payment: Payment) -> SafeString | str:
    """The first question after the attempt’s time is up has an answer; for a capture or void in flight none is sure."""
    zone = state.order.merchant.time_zone
    if payment.status == PaymentStatus.AUTHORIZED:
        return _("We keep asking until your bank has answered.")
    known_by = backoff.next_time(payment.started_at, at=payment.deadline_at - timedelta(seconds=1))
    if state.at < known_by:
        return with_moment(_("We will know by {moment} ({zone})."), known_by, zone, at=state.at)
    return _("The answer takes longer than it should. We keep asking for it.")


def _watch(page: Page, state: OrderState, payment: Payment) -> None:
    """Ask for the page again by itself: for a minute, and where the customer acts elsewhere to the attempt's end."""
    is_fresh = state.at < payment.started_at + WATCH_FOR
    to_the_end = payment.method in WATCHED_TO_THE_END
    every_s = WATCH_EVERY_S if is_fresh else WATCH_SLOWLY_EVERY_S
    words = {"n": every_s, "time": _until(state, payment)}
    if to_the_end and state.at < payment.deadline_at:
        told = ngettext(
            "This page checks again by itself, now every %(n)d second, until %(time)s.",
            "This page checks again by itself, now every %(n)d seconds, until %(time)s.",
            every_s,
        )
    elif is_fresh:
        told = ngettext(
            "This page checks again by itself every %(n)d second, for a minute.",
            "This page checks again by itself every %(n)d seconds, for a minute.",
            every_s,
        )
    else:
        return
    page.refresh_words = told % words
    page.refresh = f"{every_s}; url={url_of(state)}"  # without what a refused cancel left in the address
    page.stay_url = url_of(state, stay="1")
    page.stay_label = _("Stop checking by itself")


def lead_back(page: Page, state: OrderState) -> None:
    """Nobody has to wait here: the result is the same at the shop, and under this link."""
    page.closing_words = _("You can close this page and open the same link again later: it always shows what is true.")
    page.return_url = return_url(state.order)
    name = isolated(state.order.merchant.name)
    page.return_label = _("Back to %(merchant)s: they get the result too") % {"merchant": name}
