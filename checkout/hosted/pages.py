"""Which page an order's state calls for, and what it says. Every page says exactly where the money is."""

from datetime import timedelta

from django.utils.html import format_html
from django.utils.translation import gettext as _

from checkout.hosted.page import (
    CHECK,
    Page,
    Row,
    Step,
    amount_text,
    leaving,
    order_page,
    slip,
    url_of,
)
from checkout.hosted.paying import pay_page
from checkout.hosted.times import stamp, with_moment, zone_words
from checkout.hosted.tokens import make_token
from payments.models import Payment
from payments.selectors import OrderState
from payments.states import MAX_DECLINES, CaptureKind, Mode, OrderStatus, PaymentStatus

WATCH_FOR = timedelta(seconds=60)
WATCH_EVERY_S = 5
RETURN_AFTER_S = 15
RETURN_WHILE_FRESH = timedelta(minutes=2)


def page_of(state: OrderState, *, stay: bool = False) -> Page:
    """The page that is true now, whichever was asked for. `stay` leaves the customer on the receipt."""
    if state.status == OrderStatus.PAID:
        return paid_page(state, stay=stay)
    if state.in_review:
        return review_page(state)
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
            Step("next", _("We tell you here")),
        ],
        check_action=url_of(state, "check"),
        check_token=make_token(state.order.session_id, CHECK, at=state.at),
        check_label=_("Check again"),
        busy_label=_("Asking, one moment…"),
        refresh_words=watched if watching else "",
        closing_words=_("You can close this page and open the same link again later: it always shows what is true."),
        refresh=str(WATCH_EVERY_S) if watching else "",
    )


def review_page(state: OrderState) -> Page:
    """The bank said something that does not fit: people look at it, and nobody may say that nothing was taken."""
    order = state.order
    return order_page(
        state,
        "hosted/message.html",
        _("We are checking this payment"),
        heading=_("We are checking this payment"),
        lead=_(
            "What your bank told us does not fit this order, so somebody looks at it. The same link shows the result."
        ),
        slip=slip(
            state,
            _("Asked for"),
            "unknown",
            _("We don’t know yet if this was taken. Please don’t pay again."),
        ),
        **leaving(order, _("Return to %(merchant)s") % {"merchant": order.merchant.name}),
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
    amount = amount_text(payment.captured if payment else order.amount)
    if state.returning:
        sentence = _("%(amount)s was taken. What came in a second time is being returned to you.") % {"amount": amount}
    elif state.live is not None or any(p.review_reason for p in state.payments):
        sentence = _("%(amount)s was taken.") % {"amount": amount}
    else:
        sentence = _("%(amount)s was taken, once.") % {"amount": amount}
    first_name = order.customer_name.split()[0]
    page = order_page(
        state,
        "hosted/message.html",
        _("Paid: %(merchant)s") % {"merchant": order.merchant.name},
        heading=_("Thank you, %(name)s. It’s paid.") % {"name": first_name},
        has_result_mark=True,
        slip=slip(state, _("Paid"), "taken", sentence, receipt=_receipt_rows(state), rows_open=True),
        print_label=_("Print this receipt"),
        **leaving(order, _("Return to %(merchant)s") % {"merchant": order.merchant.name}),
    )
    return page if stay else _with_way_back(page, state)


def _receipt_rows(state: OrderState) -> tuple[list[Row], list[Row]]:
    """What a receipt says above and below the order itself."""
    order, payment = state.order, state.captured
    above, rows = [Row(_("Paid to"), order.merchant.name)], []
    if order.mode == Mode.TEST:
        rows.append(Row(_("Test payment"), _("no real money moved")))
    if payment is None:
        return above, rows
    last4 = payment.method_details.get("card_last4")
    if last4:
        rows.append(Row(_("Paid with"), _("Card ending %(last4)s") % {"last4": last4}))
    if payment.bank_reference:
        reference = payment.bank_reference
        rows.append(Row(_("Bank reference"), " ".join(reference[i : i + 4] for i in range(0, len(reference), 4))))
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
        "hosted/message.html",
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
