"""The receipt: what was paid, with what, and what of it went back."""

import unicodedata
from datetime import timedelta

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from checkout.hosted import money
from checkout.hosted.page import Page, Row, amount_text, leaving, order_page, slip, url_of
from checkout.hosted.times import stamp, zone_words
from checkout.hosted.ways import used
from checkout.speaking import isolated
from payments.money import Money
from payments.selectors import OrderState
from payments.states import Mode

RETURN_AFTER_S = 15
RETURN_WHILE_FRESH = timedelta(minutes=2)


def paid_page(state: OrderState, *, stay: bool) -> Page:
    """The receipt. For a short while after paying it leads back to the shop by itself."""
    order, payment = state.order, state.captured
    refunds = state.refunds
    main = money.pot_of([payment] if payment else [], refunds)
    besides = money.pot_of(money.surplus_of(state), refunds)
    words = money.paid_words(state, main, besides, refunds)
    above, below = _rows(state)
    title, heading, eyebrow = _head(state, words.where, is_stuck=bool(besides.stays))
    page = order_page(
        state,
        "hosted/message.html",
        title,
        heading=heading,
        has_result_mark=words.where == "taken",
        slip=slip(
            state,
            eyebrow,
            words.where,
            words.sentence,
            amount=payment.captured if payment else None,
            next_line=words.next_line,
            receipt=(above, below + money.refund_rows(state, refunds)),
            rows_open=True,
        ),
        print_label=_("Print this receipt"),
        **leaving(order, _("Return to %(merchant)s") % {"merchant": isolated(order.merchant.name)}),
    )
    return page if stay or refunds else _with_way_back(page, state)


def _head(state: OrderState, where: str, *, is_stuck: bool) -> tuple[str, str, str]:
    """Title, heading and what stands over the amount, by where the order's own money is."""
    order = state.order
    if where == "taken":
        title = _("Paid: %(merchant)s") % {"merchant": isolated(order.merchant.name)}
        thanks = _("Thank you. It’s paid.")
        if name := called(order.customer_name):
            thanks = _("Thank you, %(name)s. It’s paid.") % {"name": name}
        return title, thanks, _("Paid")
    title = _("Refund: %(merchant)s") % {"merchant": isolated(order.merchant.name)}
    if is_stuck:
        return title, _("We are looking into this"), _("Was paid")
    if where == "returning":
        return title, _("We are sending your money back"), _("To be returned")
    return title, _("Your money went back to you"), _("Returned")


def called(name: str) -> str:
    """How to address somebody: by the first name; by the whole one after a title or initial, or a family name."""
    first, *others = name.split() or [""]
    if not others:
        return "" if first.endswith(".") else first
    is_short = len(first) < 3 or first.endswith(".") or first.lower() in _TITLES
    is_whole = is_short or unicodedata.name(first[0], "").startswith(_FAMILY_FIRST)
    return " ".join([first, *others]).rstrip(".") if is_whole else first


_TITLES = frozenset({"mrs", "miss", "prof", "shri", "smt", "sri", "kumari", "sir", "madam"})
_FAMILY_FIRST = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL")


def _rows(state: OrderState) -> tuple[list[Row], list[Row]]:
    """What a receipt says above and below the order itself."""
    order, payment = state.order, state.captured
    above, rows = [Row(_("Paid to"), order.merchant.name)], []
    if order.mode == Mode.TEST:
        rows.append(Row(_("Test payment"), _("no real money moved")))
    if payment is None:
        return above, rows
    rows.append(Row(_("Paid with"), used(payment)))
    released_minor = payment.amount_minor - payment.captured_minor
    if released_minor > 0:
        rows.append(Row(_("Released, not taken"), amount_text(Money(released_minor, payment.currency))))
    if payment.bank_reference:
        reference = payment.bank_reference
        rows.append(Row(_("Bank reference"), " ".join(reference[i : i + 4] for i in range(0, len(reference), 4))))
    else:
        rows.append(Row(_("Payment reference"), payment.uid))
    if payment.completed_at:
        zone = order.merchant.time_zone
        rows.append(Row(_("Paid on"), f"{stamp(payment.completed_at, zone)} ({zone_words(zone)})"))
    return above, rows


def _with_way_back(page: Page, state: OrderState) -> Page:
    payment = state.captured
    fresh = payment is not None and payment.completed_at and state.at < payment.completed_at + RETURN_WHILE_FRESH
    if not page.return_url or not fresh:
        return page
    page.refresh = f"{RETURN_AFTER_S}; url={page.return_url}"
    page.refresh_words = ngettext(
        "We will take you back to %(merchant)s in %(n)d second.",
        "We will take you back to %(merchant)s in %(n)d seconds.",
        RETURN_AFTER_S,
    ) % {"merchant": isolated(state.order.merchant.name), "n": RETURN_AFTER_S}
    page.stay_url = url_of(state, stay="1")
    page.stay_label = _("Stay on this page")
    return page
