"""The page to pay on: first, after a form error, and after an attempt that took nothing."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from checkout.hosted.forms import MethodForm, typed_before
from checkout.hosted.longer import longer_of
from checkout.hosted.money import untaken_words
from checkout.hosted.page import PAY, FieldError, MethodRow, Page, Text, amount_text, leaving, order_page, slip, url_of
from checkout.hosted.reasons import is_declined, words_after
from checkout.hosted.times import clock_time, with_moment
from checkout.hosted.tokens import make_token
from checkout.hosted.ways import WAYS, decliner, drawer_of, gateway_of, gateway_title
from checkout.speaking import isolated, labelled
from payments.models import Payment
from payments.selectors import OrderState
from payments.states import MAX_DECLINES, Method


def pay_page(
    state: OrderState,
    *,
    typed: Mapping[str, Any] | None = None,
    opened: Method | None = None,
    notice: Text | None = None,
) -> Page:
    """To pay, or to try again after an attempt that took nothing; after a wish for more time with what was typed."""
    last = state.last_ended
    page = _page(state, opened=opened or _first_to_offer(state, last), typed=typed or _kept(state))
    page.notice = notice
    if typed and typed.get("number"):
        page.card_note = _unkept()
    return _after_attempt(page, state, last) if last and page.methods else page


def _kept(state: OrderState) -> dict[str, Any]:
    """What was typed or chosen for earlier attempts, and the bank or wallet of this customer's last payment."""
    kept = typed_before(state.order.last_details)
    for payment in reversed(state.payments):
        kept |= typed_before(payment.method_details)
    return kept


def _in_order(state: OrderState) -> list[Method]:
    """The ways to pay, that of this customer's last payment first."""
    return sorted(state.methods, key=lambda method: method != state.order.last_method)


def _unkept() -> str:
    return _("We never keep card numbers or codes, so please type both again.")


def pay_page_again(
    state: OrderState, posted: Mapping[str, Any], *, form: MethodForm | None = None, notice: str = ""
) -> Page:
    """The posted form again, with what may be kept of it: errors of the chosen method's form in place, or a notice."""
    opened = form.method if form is not None else _first_to_offer(state, state.last_ended)
    page = _page(state, opened=opened, form=form, typed=posted)
    if not page.methods:
        return page
    page.status = 400
    page.card_note = _unkept()
    page.errors = _field_errors(form) if form is not None else []
    page.errors = page.errors or [FieldError(row.field_id, notice) for row in page.methods if row.is_chosen]
    many = len(page.errors)
    page.error_heading = ngettext("Check one thing before you pay", "Check %(n)d things before you pay", many) % {
        "n": many
    }
    page.title = _("Error: %(title)s") % {"title": page.title}
    return page


def _field_errors(form: MethodForm) -> list[FieldError]:
    return [FieldError(name, labelled(form.fields[name].label, found[0])) for name, found in form.errors.items()]


def _page(
    state: OrderState,
    *,
    opened: Method | None,
    form: MethodForm | None = None,
    typed: Mapping[str, Any] | None = None,
) -> Page:
    order, zone = state.order, state.order.merchant.time_zone
    if opened is None:
        return unserved_page(state)
    deadline = _("Pay by {moment} ({zone}).")
    words = untaken_words(state, "none", _("Nothing has been taken."))
    return order_page(
        state,
        "hosted/pay.html",
        _("Pay %(merchant)s") % {"merchant": isolated(order.merchant.name)},
        slip=slip(
            state,
            _("To pay"),
            words.where,
            words.sentence,
            next_line=with_moment(deadline, order.expires_at, zone, at=state.at),
        ),
        methods_heading=_("How would you like to pay?"),
        methods=[_row(state, method, opened=opened, form=form, typed=typed) for method in _in_order(state)],
        form_action=url_of(state, "pay"),
        form_token=make_token(order.session_id, PAY, at=state.at),
        pay_label=_("Pay %(amount)s") % {"amount": amount_text(order.amount)},
        busy_label=_("Sending, one moment…"),
        longer=longer_of(state),
        **leaving(order, _("Go back to %(merchant)s without paying") % {"merchant": isolated(order.merchant.name)}),
    )


def _row(
    state: OrderState, method: Method, *, opened: Method, form: MethodForm | None, typed: Mapping[str, Any] | None
) -> MethodRow:
    """One way to pay. Only the chosen method's form is judged; the others keep what was typed."""
    way, order, drawer = WAYS[method], state.order, drawer_of(state, method)
    if form is None or form.method != method:
        form = drawer.form(at=state.at, zone=order.merchant.time_zone, initial=typed)
    return MethodRow(
        code=method,
        name=way.name,
        covers=drawer.covers,
        glyph=way.glyph,
        template=drawer.template,
        form=form,
        gateway=gateway_title(gateway_of(state, method)),
        button=drawer.button % {"amount": amount_text(order.amount)},
        is_chosen=method == opened,
    )


def _first_to_offer(state: OrderState, last: Payment | None) -> Method | None:
    """The method whose drawer stands open: the first, but not the one just declined if there is another."""
    declined = last.method if last and is_declined(last) else ""
    methods = _in_order(state)
    return next((method for method in methods if method != declined), next(iter(methods), None))


def _after_attempt(page: Page, state: OrderState, payment: Payment) -> Page:
    """The same page again, with how the last attempt ended and what may work."""
    page.heading, page.lead = words_after(payment)
    left = MAX_DECLINES - state.order.attempts_declined
    if state.order.attempts_declined:
        tries = ngettext("You have %(n)d try left.", "You have %(n)d tries left.", left) % {"n": left}
        page.lead = f"{page.lead} {tries}".strip()
    page.methods_heading = _("Try again")
    if is_declined(payment):
        page.methods = [_with_last_try(row, payment, state) for row in page.methods]
        if any(row.code == payment.method and not row.is_chosen for row in page.methods):
            page.methods_heading = _("Try again another way")
    page.title = page.heading
    return page


def _with_last_try(row: MethodRow, payment: Payment, state: OrderState) -> MethodRow:
    """Say on a method's row that it was declined last."""
    if row.code != payment.method or not payment.completed_at:
        return row
    words = {
        "time": clock_time(payment.completed_at, state.order.merchant.time_zone),
        "last4": payment.method_details.get("card_last4", ""),
        "who": decliner(payment),
    }
    if words["last4"]:
        return replace(row, covers=_("Card %(last4)s was declined at %(time)s") % words)
    if words["who"]:
        return replace(row, covers=_("%(who)s declined at %(time)s") % words)
    return replace(row, covers=_("Declined at %(time)s") % words)


def unserved_page(state: OrderState) -> Page:
    """No gateway of the merchant takes any of the order's ways to pay at present."""
    order, words = state.order, untaken_words(state, "over", _("Nothing has been taken."))
    return order_page(
        state,
        "hosted/message.html",
        _("This order can’t be paid at the moment"),
        status=503,
        heading=_("This order can’t be paid at the moment"),
        lead=_("%(merchant)s has no way open to take it. Try again later, or ask them.")
        % {"merchant": isolated(order.merchant.name)},
        slip=slip(state, _("To pay"), words.where, words.sentence, is_quiet=True),
        **leaving(order, _("Back to %(merchant)s") % {"merchant": isolated(order.merchant.name)}),
    )
