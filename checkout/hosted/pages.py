"""Which page an order's state calls for, and what it says. Every page says exactly where the money is."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from checkout.hosted.forms import CardForm
from checkout.hosted.page import (
    FieldError,
    MethodRow,
    Page,
    Row,
    Step,
    amount_text,
    leaving,
    order_page,
    plain_page,
    respond,
    return_url,
    slip,
)
from checkout.hosted.reasons import declined_words
from checkout.hosted.times import clock_time, stamp, with_moment
from checkout.hosted.tokens import make_token
from payments import methods
from payments.models import Payment
from payments.selectors import OrderState
from payments.states import MAX_DECLINES, CaptureKind, Method, OrderStatus, PaymentStatus

PAY, CHECK = "pay", "check"
"""Names of the two forms, bound into their tokens."""

WATCH_FOR = timedelta(seconds=60)
WATCH_EVERY_S = 5
RETURN_AFTER_S = 15
RETURN_WHILE_FRESH = timedelta(minutes=2)


def page_of(state: OrderState, *, stay: bool = False) -> Page:
    """The page that is true now, whichever was asked for. `stay` leaves the customer on the receipt."""
    if state.status == OrderStatus.PAID:
        return paid_page(state, stay=stay)
    if state.returning:
        return returning_page(state)
    if state.status in (OrderStatus.EXPIRED, OrderStatus.TERMINATED):
        return closed_page(state)
    if state.live is not None and state.live.status == PaymentStatus.AUTHORIZED:
        return held_page(state, state.live)
    if state.live is not None:
        return waiting_page(state, state.live)
    if state.order.attempts_declined >= MAX_DECLINES:
        return exhausted_page(state)
    return pay_page(state)


def can_pay(state: OrderState) -> bool:
    """Whether the page of this state has a form to pay with."""
    return page_of(state).template == "hosted/pay.html"


def url_of(state: OrderState, name: str = "page") -> str:
    """An address of the order's journey."""
    return reverse(f"hosted:{name}", args=[state.order.session_id])


# --- Paying ---


def pay_page(state: OrderState, form: CardForm | None = None, *, notice: str = "") -> Page:
    """To pay, or to try again after an attempt that took nothing; with a posted form, its errors in place."""
    order, zone = state.order, state.order.merchant.time_zone
    deadline = _("Pay by {moment} ({zone}).")
    page = order_page(
        state,
        "hosted/pay.html",
        _("Pay %(merchant)s") % {"merchant": order.merchant.name},
        slip=slip(
            state,
            _("To pay"),
            "none",
            _("Nothing has been taken."),
            next_line=with_moment(deadline, order.expires_at, zone, at=state.at),
        ),
        methods_heading=_("How would you like to pay?"),
        methods=method_rows(state),
        form_action=url_of(state, "pay"),
        form_token=make_token(order.session_id, PAY, at=state.at),
        pay_label=_("Pay %(amount)s") % {"amount": amount_text(order.amount)},
        busy_label=_("Sending, one moment…"),
        card_form=form if form is not None else CardForm(at=state.at, zone=zone),
    )
    if form is not None:
        return _with_errors(page, form, notice)
    return _after_decline(page, state, state.last_ended) if state.last_ended else page


def _with_errors(page: Page, form: CardForm, notice: str) -> Page:
    page.status = 400
    page.card_note = _("We never keep card numbers or codes, so please type both again.")
    page.errors = [
        FieldError(name, f"{form.fields[name].label}: {errors[0]}") for name, errors in form.errors.items()
    ] or [FieldError("number", notice)]
    many = len(page.errors)
    page.error_heading = ngettext("Check one thing before you pay", "Check %(n)d things before you pay", many) % {
        "n": many
    }
    page.title = _("Error: %(title)s") % {"title": page.title}
    return page


def _after_decline(page: Page, state: OrderState, payment: Payment) -> Page:
    """The same page again, with why the last attempt failed and what may work."""
    page.heading, page.lead = declined_words(payment)
    left = MAX_DECLINES - state.order.attempts_declined
    if state.order.attempts_declined:
        tries = ngettext("You have %(n)d try left.", "You have %(n)d tries left.", left) % {"n": left}
        page.lead = f"{page.lead} {tries}".strip()
    page.methods_heading = _("Try again")
    page.methods = [_with_last_try(row, payment, state) for row in page.methods]
    page.title = page.heading
    return page


def _with_last_try(row: MethodRow, payment: Payment, state: OrderState) -> MethodRow:
    """Say on a method's row when it was declined last."""
    last4 = payment.method_details.get("card_last4")
    if row.code != payment.method or not last4 or not payment.completed_at:
        return row
    time = clock_time(payment.completed_at, state.order.merchant.time_zone)
    return replace(row, covers=_("Card %(last4)s was declined at %(time)s") % {"last4": last4, "time": time})


def method_rows(state: OrderState) -> list[MethodRow]:
    """The ways to pay this order, the first one open."""
    known = {
        Method.CARD: (_("Card"), _("Visa, Mastercard, RuPay, Amex"), "card", "hosted/_card_fields.html"),
    }
    offered = [m for m in methods.offered(state.order.payment_methods, state.order.currency) if m in known]
    return [MethodRow(m, *known[m], is_chosen=m == offered[0]) for m in offered]


# --- Not known yet ---


def waiting_page(state: OrderState, payment: Payment) -> Page:
    """An attempt is out and we do not know. Watches by itself for a minute, then stays put."""
    zone = state.order.merchant.time_zone
    watching = state.at < payment.started_at + WATCH_FOR
    in_time = state.at < payment.deadline_at
    next_line = (
        with_moment(_("We will know by {moment} ({zone})."), payment.deadline_at, zone, at=state.at)
        if in_time
        else _("Your bank takes longer than it should. We ask it again every hour.")
    )
    watched = _("This page checks again by itself every %(n)d seconds, for a minute.") % {"n": WATCH_EVERY_S}
    return order_page(
        state,
        "hosted/waiting.html",
        _("Waiting for your bank"),
        heading=_("Waiting for your bank"),
        slip=slip(
            state,
            _("Asked for"),
            "unknown",
            _("We don’t know yet if this was taken. Please don’t pay again."),
            next_line=next_line,
        ),
        steps=[
            Step("past", _("Request sent"), _("At %(time)s") % {"time": stamp(payment.started_at, zone)}),
            Step("now", _("Your bank decides")),
            Step("next", _("We tell you and the shop")),
        ],
        check_action=url_of(state, "check"),
        check_token=make_token(state.order.session_id, CHECK, at=state.at),
        check_label=_("Check again"),
        busy_label=_("Asking, one moment…"),
        refresh_words=watched if watching else "",
        closing_words=_("You can close this page and open the same link again later: it always shows what is true."),
        refresh=str(WATCH_EVERY_S) if watching else "",
    )


def held_page(state: OrderState, payment: Payment) -> Page:
    """The bank said yes and holds the money; nothing is taken."""
    order, zone = state.order, state.order.merchant.time_zone
    authorization = getattr(payment, "authorization", None)
    approve_by = authorization.approve_by if authorization else None
    released = _("If it isn’t used, it is released by {moment} ({zone}).")
    return order_page(
        state,
        "hosted/message.html",
        _("Your bank said yes"),
        heading=_("Your bank said yes"),
        slip=slip(
            state,
            _("Held"),
            "held",
            _("%(amount)s is held by your bank, not taken.") % {"amount": amount_text(payment.amount)},
            next_line=with_moment(released, approve_by, zone, at=state.at) if approve_by else "",
        ),
        **leaving(order, _("Return to %(merchant)s") % {"merchant": order.merchant.name}),
    )


# --- Over ---


def paid_page(state: OrderState, *, stay: bool) -> Page:
    """The receipt. For a short while after paying it leads back to the shop by itself."""
    order, payment = state.order, state.captured
    captures = [p for p in state.payments if p.status == PaymentStatus.SUCCESS]
    amount = amount_text(payment.captured if payment else order.amount)
    if len(captures) == 1:
        sentence = _("%(amount)s was taken, once.") % {"amount": amount}
    else:
        sentence = _("%(amount)s was taken. What came in a second time is being returned to you.") % {"amount": amount}
    first_name = order.customer_name.split()[0]
    page = order_page(
        state,
        "hosted/paid.html",
        _("Paid: %(merchant)s") % {"merchant": order.merchant.name},
        heading=_("Thank you, %(name)s. It’s paid.") % {"name": first_name},
        has_result_mark=True,
        slip=slip(state, _("Paid"), "taken", sentence, more_rows=_receipt_rows(state), rows_open=True),
        print_label=_("Print this receipt"),
        **leaving(order, _("Return to %(merchant)s") % {"merchant": order.merchant.name}),
    )
    return page if stay else _with_way_back(page, state)


def _receipt_rows(state: OrderState) -> list[Row]:
    order, payment = state.order, state.captured
    rows = [Row(_("Paid to"), order.merchant.name)]
    if payment is None:
        return rows
    last4 = payment.method_details.get("card_last4")
    if last4:
        rows.append(Row(_("Paid with"), _("Card ending %(last4)s") % {"last4": last4}))
    if payment.bank_reference:
        reference = payment.bank_reference
        rows.append(Row(_("Bank reference"), " ".join(reference[i : i + 4] for i in range(0, len(reference), 4))))
    if payment.completed_at:
        rows.append(Row(_("Paid on"), stamp(payment.completed_at, order.merchant.time_zone)))
    return rows


def _with_way_back(page: Page, state: OrderState) -> Page:
    payment = state.captured
    fresh = payment is not None and payment.completed_at and state.at < payment.completed_at + RETURN_WHILE_FRESH
    if not page.return_url or not fresh:
        return page
    page.refresh = f"{RETURN_AFTER_S}; url={page.return_url}"
    page.refresh_words = _("We will take you back to %(merchant)s in %(n)d seconds.") % {
        "merchant": state.order.merchant.name,
        "n": RETURN_AFTER_S,
    }
    page.stay_url = f"{url_of(state)}?stay=1"
    page.stay_label = _("Stay on this page")
    return page


def closed_page(state: OrderState) -> Page:
    """Expired or terminated, with nothing taken."""
    order, zone = state.order, state.order.merchant.time_zone
    if state.status == OrderStatus.EXPIRED:
        heading = _("This page’s time is up")
        told = _(
            "It could be paid until {moment} ({zone}). Your order is still with {merchant}: ask them for a new link."
        )
    else:
        heading = _("This order was called off")
        told = _("{merchant} ended it before it was paid. Ask them if you did not expect that.")
    return order_page(
        state,
        "hosted/closed.html",
        heading,
        status=410,
        heading=heading,
        lead=with_moment(told, order.expires_at, zone, at=state.at, merchant=order.merchant.name),
        slip=slip(state, _("Was to pay"), "over", _("Nothing was taken."), is_quiet=True),
        **leaving(order, _("Back to %(merchant)s") % {"merchant": order.merchant.name}),
    )


def returning_page(state: OrderState) -> Page:
    """Money came in that this order could not take any more: it goes back."""
    order, payment = state.order, state.returning[0]
    late = payment.capture_kind == CaptureKind.LATE
    return order_page(
        state,
        "hosted/message.html",
        _("We are sending your money back"),
        status=410,
        heading=_("We are sending your money back"),
        lead=_("Your bank sent it after this order had ended.") if late else "",
        slip=slip(
            state,
            _("To be returned"),
            "returning",
            _("%(amount)s is being returned to you.") % {"amount": amount_text(payment.captured)},
            amount=payment.captured,
        ),
        **leaving(order, _("Return to %(merchant)s") % {"merchant": order.merchant.name}),
    )


def exhausted_page(state: OrderState) -> Page:
    """Declined too often: no sixth try."""
    order = state.order
    return order_page(
        state,
        "hosted/message.html",
        _("This order cannot be tried again"),
        status=409,
        heading=_("This order cannot be tried again"),
        lead=_("It was declined %(n)d times. Ask %(merchant)s for a new link, or call your bank first.")
        % {"n": MAX_DECLINES, "merchant": order.merchant.name},
        slip=slip(state, _("To pay"), "over", _("Nothing has been taken."), is_quiet=True),
        **leaving(order, _("Back to %(merchant)s") % {"merchant": order.merchant.name}),
    )


# --- Without an order, or in the way ---


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
        _("Please wait a minute"),
        status=429,
        lead=_("There were too many wrong links from your network. Try again in a minute."),
    )


def refused_form_page(state: OrderState) -> Page:
    """The form was not one of ours, or was changed on its way."""
    return order_page(
        state,
        "hosted/message.html",
        _("This form can’t be used"),
        status=403,
        heading=_("This form can’t be used"),
        lead=format_html(
            '{} <a href="{}">{}</a>',
            _("It did not come from this page, so we did nothing with it."),
            url_of(state),
            _("Open the payment page"),
        ),
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


def leaving_url(state: OrderState) -> str:
    """Where the shop wants its customer back."""
    return return_url(state.order)


def error_page(title: str, lead: str, status: int, **values: Any) -> Page:
    """A plain page for what went wrong outside an order."""
    return plain_page("hosted/message.html", title, status=status, lead=lead, **values)
