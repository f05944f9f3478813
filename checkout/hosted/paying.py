"""The page to pay on: first, after a form error, and after a decline."""

from dataclasses import replace

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from checkout.hosted.forms import CardForm
from checkout.hosted.page import PAY, FieldError, MethodRow, Page, amount_text, leaving, order_page, slip, url_of
from checkout.hosted.reasons import declined_words
from checkout.hosted.times import clock_time, with_moment
from checkout.hosted.tokens import make_token
from payments.models import Payment
from payments.selectors import OrderState
from payments.states import MAX_DECLINES, Method


def pay_page(state: OrderState, form: CardForm | None = None, *, notice: str = "") -> Page:
    """To pay, or to try again after an attempt that took nothing; with a posted form, its errors in place."""
    order, zone = state.order, state.order.merchant.time_zone
    rows = method_rows(state)
    if not rows:
        return unserved_page(state)
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
        methods=rows,
        form_action=url_of(state, "pay"),
        form_token=make_token(order.session_id, PAY, at=state.at),
        pay_label=_("Pay %(amount)s") % {"amount": amount_text(order.amount)},
        busy_label=_("Sending, one moment…"),
        card_form=form if form is not None else CardForm(at=state.at, zone=zone),
        **leaving(order, _("Go back to %(merchant)s without paying") % {"merchant": order.merchant.name}),
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
    offered = [method for method in state.methods if method in known]
    return [MethodRow(m, *known[m], is_chosen=m == offered[0]) for m in offered]


def unserved_page(state: OrderState) -> Page:
    """No gateway of the merchant takes any of the order's ways to pay at present."""
    order = state.order
    return order_page(
        state,
        "hosted/message.html",
        _("This order can’t be paid at the moment"),
        status=503,
        heading=_("This order can’t be paid at the moment"),
        lead=_("%(merchant)s has no way open to take it. Try again later, or ask them.")
        % {"merchant": order.merchant.name},
        slip=slip(state, _("To pay"), "over", _("Nothing has been taken."), is_quiet=True),
        **leaving(order, _("Back to %(merchant)s") % {"merchant": order.merchant.name}),
    )
