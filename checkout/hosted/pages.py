"""Which page an order's state calls for, and what it says. Every page says exactly where the money is."""

from django.utils.html import format_html
from django.utils.translation import gettext as _

from checkout.hosted import money
from checkout.hosted.leaving import leaving_page, way_out_of
from checkout.hosted.page import Page, amount_text, before_paying_rows, leaving, order_page, slip, url_of
from checkout.hosted.paying import pay_page
from checkout.hosted.receipt import paid_page
from checkout.hosted.times import with_date, with_moment
from checkout.hosted.waiting import waiting_page
from checkout.speaking import isolated
from payments.models import Payment
from payments.selectors import OrderState
from payments.states import MAX_DECLINES, CaptureKind, OrderStatus, PaymentStatus

_OVER = frozenset({OrderStatus.EXPIRED, OrderStatus.TERMINATED})


def page_of(state: OrderState, *, stay: bool = False, kept: bool = False) -> Page:
    """The page that is true now, whichever was asked for.

    `stay` keeps it from going on or asking by itself; `kept` tells that an attempt could not be cancelled just now.
    """
    if state.status == OrderStatus.PAID:
        return paid_page(state, stay=stay)
    if state.in_review:
        return review_page(state)
    if state.held is not None and not money.action_in_flight(state.held):
        return held_page(state, state.held)
    if state.live is not None and (way_out := way_out_of(state, state.live)):
        return leaving_page(state, state.live, way_out, kept=kept)
    if state.live is not None:
        return waiting_page(state, state.live, stay=stay, kept=kept)
    if state.returning or (state.status in _OVER and money.surplus_of(state)):
        return returning_page(state)
    if state.status in _OVER:
        return closed_page(state)
    if state.order.attempts_declined >= MAX_DECLINES:
        return exhausted_page(state)
    return pay_page(state)


# --- Not known yet ---


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
        **leaving(order, _("Return to %(merchant)s") % {"merchant": isolated(order.merchant.name)}),
    )


def held_page(state: OrderState, payment: Payment) -> Page:
    """The bank said yes and holds the money; nothing is taken."""
    order, zone = state.order, state.order.merchant.time_zone
    authorization = getattr(payment, "authorization", None)
    approve_by = authorization.approve_by if authorization else None
    released = _("If it isn’t used, it is released by {date}.")
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
            next_line=with_date(released, approve_by, zone) if approve_by and approve_by > state.at else "",
        ),
        **leaving(order, _("Return to %(merchant)s") % {"merchant": isolated(order.merchant.name)}),
    )


# --- Over ---


def closed_page(state: OrderState) -> Page:
    """Expired or terminated, with nothing taken; what was held is released."""
    order, zone = state.order, state.order.merchant.time_zone
    if state.status == OrderStatus.EXPIRED:
        heading = _("This page’s time is up")
        told = _(
            "It could be paid until {moment} ({zone}). Your order is still with {merchant}: ask them for a new link."
        )
    elif any(payment.status == PaymentStatus.VOID for payment in state.payments):
        heading = _("This order was called off")
        told = _("{merchant} did not take what your bank held. Your bank may need a few days to show that.")
    else:
        heading = _("This order was called off")
        told = _("{merchant} ended it before it was paid. Ask them if you did not expect that.")
    words = money.released_words(state)
    return order_page(
        state,
        "hosted/message.html",
        heading,
        status=410,
        heading=heading,
        lead=with_moment(told, order.expires_at, zone, at=state.at, merchant=isolated(order.merchant.name)),
        slip=slip(state, _("Was to pay"), words.where, words.sentence, is_quiet=True),
        **leaving(order, _("Back to %(merchant)s") % {"merchant": isolated(order.merchant.name)}),
    )


def returning_page(state: OrderState) -> Page:
    """Money came in that this order could not take any more: it goes back, went back, or people see to it."""
    order, captures = state.order, money.surplus_of(state)
    refunds = state.refunds
    pot = money.pot_of(captures, refunds)
    words = money.returning_words(state, pot, refunds)
    lead = _("Your bank sent it after this order had ended.") if captures[0].capture_kind == CaptureKind.LATE else ""
    heading, eyebrow, amounts = _("Your money went back to you"), _("Returned"), pot.taken
    if pot.stays:
        heading, eyebrow, amounts = _("We are looking into this"), _("To be returned"), pot.taken - pot.back
        lead = _("It could not be sent back yet, so somebody looks at it. The same link shows the result.")
    elif pot.leaving:
        heading, eyebrow, amounts = _("We are sending your money back"), _("To be returned"), pot.leaving
    return order_page(
        state,
        "hosted/message.html",
        heading,
        status=410 if state.status in _OVER else 200,
        heading=heading,
        lead=lead,
        slip=slip(
            state,
            eyebrow,
            words.where,
            words.sentence,
            amount=money.moneys(amounts)[0],
            next_line=words.next_line,
            receipt=([], before_paying_rows(order) + money.refund_rows(state, refunds)),
        ),
        **leaving(order, _("Return to %(merchant)s") % {"merchant": isolated(order.merchant.name)}),
    )


def exhausted_page(state: OrderState) -> Page:
    """Declined too often: no sixth try."""
    order, words = state.order, money.untaken_words(state, "over", _("Nothing has been taken."))
    return order_page(
        state,
        "hosted/message.html",
        _("This order cannot be tried again"),
        status=409,
        heading=_("This order cannot be tried again"),
        lead=_("It was declined %(n)d times. Ask %(merchant)s for a new link, or call your bank first.")
        % {"n": MAX_DECLINES, "merchant": isolated(order.merchant.name)},
        slip=slip(state, _("To pay"), words.where, words.sentence, is_quiet=True),
        **leaving(order, _("Back to %(merchant)s") % {"merchant": isolated(order.merchant.name)}),
    )


# --- In the way of an order, wherever its money is ---


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
        slip=page_of(state).slip,
    )


def card_data_page(state: OrderState) -> Page:
    """Real card numbers belong on the gateway's own page, never here."""
    return order_page(
        state,
        "hosted/message.html",
        _("Card numbers can’t be typed here"),
        status=400,
        heading=_("Card numbers can’t be typed here"),
        lead=_("We did not read it and sent nothing to a bank. Open your payment link again."),
        slip=page_of(state).slip,
    )
