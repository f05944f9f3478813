"""Where an order's money is, in words: the one sentence of each page, and the rows of what went back.

What went back is counted from the refunds' rows alone, so that sentence and rows cannot contradict each other.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from checkout.hosted.page import Row, amount_text
from checkout.hosted.times import date, short_date, with_date
from payments.models import Payment, Refund
from payments.money import Money
from payments.selectors import OrderState
from payments.states import REFUND_SENT, AuthorizationStatus, PaymentStatus, RefundStatus

REFUND_WORKING_DAYS = 7
"""What banks allow themselves from our sending of a refund to the customer's account. Holidays are not known here."""

Sums = Counter[str]
"""Minor units by currency: a capture that does not fit its order may be in another one."""


@dataclass(frozen=True, slots=True)
class Pot:
    """What became of the money of some captures."""

    taken: Sums
    back: Sums
    leaving: Sums

    @property
    def stays(self) -> Sums:
        """What is neither back nor on its way."""
        return self.taken - self.back - self.leaving


@dataclass(frozen=True, slots=True)
class Words:
    """A page's word on money: `where` it is, for the money line, the sentence, and the line under it."""

    where: str
    sentence: str
    next_line: str = ""


# --- Facts ---


def pot_of(payments: Iterable[Payment], refunds: Iterable[Refund]) -> Pot:
    """Count what was taken by these payments and what of it went or goes back."""
    pot = Pot(Counter(), Counter(), Counter())
    mine = set()
    for payment in payments:
        pot.taken[payment.currency] += payment.captured_minor
        mine.add(payment.pk)
    for refund in refunds:
        if refund.payment_id in mine and refund.status == RefundStatus.SUCCESS:
            pot.back[refund.currency] += refund.amount_minor
        elif refund.payment_id in mine and refund.status in REFUND_SENT:
            pot.leaving[refund.currency] += refund.amount_minor
    return pot


def surplus_of(state: OrderState) -> list[Payment]:
    """Captures that did not pay the order, whether or not they went back."""
    return [payment for payment in state.payments if payment.is_captured and payment is not state.captured]


def action_in_flight(payment: Payment) -> bool:
    """Whether a capture or void is on its way: until it is answered, nobody knows where the money is."""
    authorization = getattr(payment, "authorization", None)
    return authorization is not None and authorization.status == AuthorizationStatus.PENDING


def _is_leaving_its_hold(payment: Payment) -> bool:
    """Void with us, but not released yet: the gateway is still to answer, or refused and people have to look."""
    if payment.status != PaymentStatus.VOID or payment.inquire_at is not None:
        return payment.status == PaymentStatus.VOID
    authorization = getattr(payment, "authorization", None) if payment.review_reason else None
    return authorization is not None and authorization.status != AuthorizationStatus.SUCCESS


def moneys(sums: Sums) -> list[Money]:
    return [Money(minor, currency) for currency, minor in sorted(sums.items()) if minor]


def _text(sums: Sums) -> str:
    return " + ".join(amount_text(money) for money in moneys(sums))


# --- Sentences ---


def untaken_words(state: OrderState, where: str, plain: str) -> Words:
    """For an order that is not paid and has no attempt out: `plain` unless money was taken or held and went back."""
    returned = pot_of(surplus_of(state), ()).taken
    leaving = _held([payment for payment in state.payments if _is_leaving_its_hold(payment)])
    if returned:
        return Words(where, _("%(amount)s went back to you.") % {"amount": _text(returned)})
    if leaving:
        return Words("held", _("%(amount)s is being released by your bank, not taken.") % {"amount": _text(leaving)})
    return Words(where, plain)


def released_words(state: OrderState) -> Words:
    """For an order that is over with nothing taken."""
    released = _held([payment for payment in state.payments if payment.status == PaymentStatus.VOID])
    plain = _("Nothing was taken.")
    if released:
        plain = _("%(amount)s was released: nothing was taken.") % {"amount": _text(released)}
    return untaken_words(state, "over", plain)


def _held(payments: list[Payment]) -> Sums:
    held: Sums = Counter()
    for payment in payments:
        held[payment.currency] += payment.amount_minor
    return held


def returning_words(state: OrderState, pot: Pot, refunds: list[Refund]) -> Words:
    """For an order that is not paid and has captures: they go back, went back, or are stuck with us."""
    if pot.stays:
        owed = {"amount": _text(pot.taken - pot.back)}
        return Words("returning", _("%(amount)s was taken and has to go back to you.") % owed)
    if pot.leaving:
        sentence = _("%(amount)s is being returned to you.") % {"amount": _text(pot.leaving)}
        return Words("returning", sentence, arrival_words(state, refunds))
    last = max(refund.completed_at for refund in refunds if refund.completed_at)
    words = {"amount": _text(pot.taken), "date": date(last, state.order.merchant.time_zone)}
    return Words("over", _("%(amount)s was returned to you on %(date)s.") % words)


def paid_words(state: OrderState, main: Pot, besides: Pot, refunds: list[Refund]) -> Words:
    """For an order that is paid: its own money first, then what came in besides."""
    sentence = _main_sentence(main, once=_is_all_there_is(state, refunds))
    if besides.taken:
        sentence = f"{sentence} {_besides_sentence(besides)}"
    is_returning = main.leaving or besides.leaving or besides.stays
    where = "taken" if main.stays else "returning" if is_returning else "none"
    return Words(where, sentence, arrival_words(state, refunds))


def _is_all_there_is(state: OrderState, refunds: list[Refund]) -> bool:
    """One capture, nothing sent back, and nothing that may still turn out otherwise: only then "once" is true."""
    loose = any(payment.review_reason or _is_leaving_its_hold(payment) for payment in state.payments)
    return not (refunds or loose or surplus_of(state) or state.live is not None)


def _main_sentence(pot: Pot, *, once: bool) -> str:
    words = {"amount": _text(pot.taken), "back": _text(pot.back), "leaving": _text(pot.leaving)}
    if pot.back == pot.taken:
        return _("%(amount)s went back to you.") % words
    if pot.leaving == pot.taken:
        return _("%(amount)s is being returned to you.") % words
    if pot.back and pot.leaving:
        both = _("%(amount)s was taken; %(back)s of it went back to you, and %(leaving)s is being returned to you.")
        return both % words
    if pot.back:
        return _("%(amount)s was taken; %(back)s of it went back to you.") % words
    if pot.leaving:
        return _("%(amount)s was taken; %(leaving)s of it is being returned to you.") % words
    return (_("%(amount)s was taken, once.") if once else _("%(amount)s was taken.")) % words


def _besides_sentence(pot: Pot) -> str:
    if pot.stays and pot.back:
        return _("Part of the extra money that came in went back to you, and we are looking into the rest.")
    if pot.stays:
        return _("The extra money that came in has to go back to you, and we are looking into it.")
    if pot.leaving and pot.back:
        return _("Part of the extra money that came in went back to you, and the rest is being returned to you.")
    if pot.leaving:
        return _("The extra money that came in is being returned to you.")
    return _("The extra money that came in went back to you.")


# --- Refunds, one by one ---


def refund_rows(state: OrderState, refunds: list[Refund]) -> list[Row]:
    """A row for each: what it was and what became of it."""
    zone = state.order.merchant.time_zone
    return [Row(_("Refund of %(amount)s") % {"amount": amount_text(r.amount)}, _became(r, zone)) for r in refunds]


def _became(refund: Refund, zone: str) -> str:
    if refund.status == RefundStatus.SUCCESS and refund.completed_at:
        return _("sent back on %(date)s") % {"date": short_date(refund.completed_at, zone)}
    if refund.status in REFUND_SENT and refund.sent_at:
        return _("on its way since %(date)s") % {"date": short_date(refund.sent_at, zone)}
    return _("did not go through")


def arrival_words(state: OrderState, refunds: list[Refund]) -> SafeString | str:
    """By when what is on its way should have arrived, and where that time comes from; nothing if nothing is."""
    zone = state.order.merchant.time_zone
    expected = [arrives_by(r.sent_at, zone) for r in refunds if r.status in REFUND_SENT and r.sent_at]
    if not expected:
        return ""
    if max(expected).date() < state.at.astimezone(ZoneInfo(zone)).date():
        return _("It takes longer than it should. We keep asking for it.")
    told = _("It should reach you by {date}: banks take up to {days} working days.")
    return with_date(told, max(expected), zone, days=str(REFUND_WORKING_DAYS))


def arrives_by(sent_at: datetime, zone: str) -> datetime:
    """So many working days, Monday to Friday, after a refund was sent."""
    day, left = sent_at.astimezone(ZoneInfo(zone)), REFUND_WORKING_DAYS
    while left:
        day += timedelta(days=1)
        left -= day.weekday() < 5
    return day
