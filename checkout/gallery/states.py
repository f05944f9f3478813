"""The one list of what a customer may see: the gallery shows it, and the tests walk it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from checkout.gallery.orders import AMOUNT, IN_FLIGHT, Columns, captured, declined, held, order_state
from checkout.hosted import accessibility, pages, paying, plain
from checkout.hosted.longer import answer_words
from checkout.hosted.page import Page
from checkout.hosted.ways import drawer_of
from payments.selectors import OrderState
from payments.states import Method, Mode

Make = Callable[[datetime], Page]
HALF, PART = AMOUNT // 2, 20_000
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class State:
    """One page: its name in addresses, what it is in English, and how to make it."""

    name: str
    title: str
    make: Make


def _seen(*attempts: Columns, stay: bool = True, kept: bool = False, **order: Any) -> Make:
    """The page that shows an order with these attempts, oldest first."""
    return lambda at: pages.page_of(order_state(at, attempts, **order), stay=stay, kept=kept)


def _of(page: Callable[[OrderState], Page], **order: Any) -> Make:
    return lambda at: page(order_state(at, **order))


def _opened(method: Method) -> Make:
    return _of(lambda state: paying.pay_page(state, opened=method))


def _refused(method: Method, **typed: str) -> Make:
    """The page after this was sent with the method's form."""

    def page(state: OrderState) -> Page:
        form = drawer_of(state, method).form(typed, at=state.at, zone=state.order.merchant.time_zone)
        return paying.pay_page_again(state, typed, form=form)

    return _of(page)


def _refused_whole(notice: str) -> Make:
    return _of(lambda state: paying.pay_page_again(state, {}, notice=_(notice)))


def _asked_for_time(*, was_added: bool, **order: Any) -> Make:
    def page(state: OrderState) -> Page:
        return paying.pay_page(state, typed={"number": "4"}, notice=answer_words(state, was_added=was_added))

    return _of(page, **order)


def _closing(*, used: int, **order: Any) -> Make:
    return lambda at: pages.page_of(order_state(at, expires_at=at + 5 * MINUTE, extensions_used=used, **order))


REAL: Columns = {"mode": Mode.LIVE, "gateway": "razorpay"}
TO_PAY = [
    *(State(f"pay-{method}", f"Pay, {method} open", _opened(method)) for method in Method),
    State("pay-own-pages", "Pay, the gateway's own page asks for everything", _seen(**REAL)),
    State("pay-one-way", "Pay, one way alone", _seen(methods=[Method.CARD])),
    State("pay-long-amount", "Pay, a long amount", _seen(amount_minor=123_456_789_00)),
    State(
        "pay-long-words",
        "Pay, long names without a space",
        _seen(merchant={"name": "Kanchenjunga" * 8}, order_id="PTG-" + "2041" * 10, note="calendar" * 25),
    ),
    State("pay-mail-alone", "Pay, help by mail alone", _seen(merchant={"support_phone": "", "terms_url": ""})),
    State("pay-phone-alone", "Pay, help by phone alone", _seen(merchant={"support_email": ""})),
    State("pay-in-days", "Pay within days", lambda at: pages.page_of(order_state(at, expires_at=at + 5 * DAY))),
    State(
        "pay-bare",
        "Pay, no note, no help, no way back",
        _seen(merchant={"support_email": "", "support_phone": "", "terms_url": ""}, return_url="", note=""),
    ),
    State("pay-ink", "Pay, no colour of the merchant's", _seen(merchant={"accent": ""})),
    State("pay-pale", "Pay, a pale colour of the merchant's", _seen(merchant={"accent": "#ffe14d"})),
    State("pay-dark", "Pay, a dark colour of the merchant's", _seen(merchant={"accent": "#101418"})),
]
FORM_ERRORS = [
    State("error-card-empty", "Card: nothing typed", _refused(Method.CARD)),
    State(
        "error-card-letters",
        "Card: letters, no such month, a code too short, digits in the name",
        _refused(Method.CARD, number="4242 x", expiry="13/39", cvc="1", holder="12345"),
    ),
    State("error-card-short", "Card: too short, past", _refused(Method.CARD, number="42", expiry="01/20", cvc="123")),
    State(
        "error-card-digit", "Card: a wrong digit, far", _refused(Method.CARD, number="4242424242424241", expiry="12/99")
    ),
    State(
        "error-card-expiry", "Card: no date", _refused(Method.CARD, number="4242424242424242", expiry="x", cvc="123")
    ),
    State("error-upi-empty", "UPI: nothing typed", _refused(Method.UPI)),
    State("error-upi-odd", "UPI: no such ID", _refused(Method.UPI, upi_id="asha")),
    State("error-upi-null", "UPI: a sign that cannot be kept", _refused(Method.UPI, upi_id="asha\x00@okbank")),
    State("error-netbanking", "Netbanking: none chosen", _refused(Method.NETBANKING)),
    State("error-wallet", "Wallet: none chosen", _refused(Method.WALLET)),
    State("error-no-method", "No way to pay chosen", _refused_whole("Choose one of the ways to pay below.")),
    State(
        "error-stale",
        "Open for long",
        _refused_whole("This page was open for a long time. Please send the form again."),
    ),
    State("refused-form", "A form that is not ours", _of(pages.refused_form_page)),
    State("card-data", "A card number in live mode", _of(pages.card_data_page, **REAL)),
]
TIME = [
    State("closing", "Closes soon", _closing(used=0)),
    State("closing-last", "Closes soon, one more time", _closing(used=1)),
    State("closing-for-good", "Closes soon, no more time", _closing(used=2)),
    State("time-added", "More time was added", _asked_for_time(was_added=True, extensions_used=1)),
    State("time-refused", "No more time", _asked_for_time(was_added=False, extensions_used=2)),
]
NETBANKING = {"netbanking_bank_code": "HDFC", "netbanking_bank_name": "HDFC Bank"}
BANK: Columns = {"method": Method.NETBANKING, "method_details": {"channel": "link", **NETBANKING}}
WALLET: Columns = {"method": Method.WALLET, "method_details": {"channel": "link", "provider": "amazon"}}
UPI: Columns = {"method": Method.UPI, "method_details": {"channel": "collect", "upi_id": "asha@okbank"}}
CARD: Columns = {"method_details": {"card_last4": "9995"}}


def _retry(name: str, title: str, attempt: Columns, **order: Any) -> State:
    return State(name, title, _seen(attempt, **order))


RETRY = [
    _retry("declined", "Declined, no reason", declined(**CARD), attempts_declined=1),
    _retry("declined-call", "Declined, call the bank", declined("payment_declined", **CARD), attempts_declined=3),
    _retry("declined-details", "Declined, details", declined("incorrect_cvc", **CARD), attempts_declined=4),
    _retry("declined-later", "Declined, try later", declined("processing_error", **CARD)),
    _retry("declined-unnumbered", "Declined, the card not known", declined()),
    _retry("declined-one-way", "Declined, no other way", declined(**CARD), methods=[Method.CARD]),
    _retry("declined-upi", "UPI declined", declined("payment_declined", **UPI), attempts_declined=1),
    _retry("declined-upi-id", "UPI declined, no such ID", declined("invalid_upi_id", **UPI), attempts_declined=1),
    _retry("declined-upi-limit", "UPI declined, another way", declined("limit_exceeded", **UPI), attempts_declined=1),
    _retry("declined-bank", "Netbanking declined", declined("payment_declined", **BANK), attempts_declined=1),
    _retry("declined-wallet", "Wallet declined", declined("payment_declined", **WALLET), attempts_declined=1),
    _retry("declined-some-bank", "Declined by a bank without a name", declined(method=Method.NETBANKING)),
    _retry("declined-some-wallet", "Declined by a wallet without a name", declined(method=Method.WALLET)),
    _retry("refused", "The gateway does not take the order", declined("order_refused", source="gateway")),
    _retry("not-received", "Lost on its way to the bank", declined("not_received", source="gateway")),
    _retry("test-card", "No test card", declined("test_card_required", source="customer")),
    _retry("test-upi", "No test UPI ID", declined("test_upi_required", source="customer", **UPI)),
    _retry("failed", "Failed, nobody said why", declined("", source="")),
    _retry("left", "Left the bank's page", {**BANK, "status": "user_dropped"}),
    _retry("not-completed", "Not approved in time", {**UPI, "status": "user_dropped", "error_code": "not_completed"}),
    _retry("cancelled", "Cancelled", {**UPI, "status": "cancelled", "error_code": "cancelled"}),
    State("exhausted", "Declined too often", _seen(declined(), attempts_declined=5)),
    State(
        "exhausted-returned",
        "Declined too often, money went back",
        _seen(captured(("success", AMOUNT), kind="surplus"), declined(), attempts_declined=5, status="failed"),
    ),
    State("unserved", "No way to pay at present", _seen(methods=[])),
]
QR: Columns = {
    "method": Method.UPI,
    "method_details": {"channel": "qrcode"},
    "next_action": {"type": "code", "link": "upi://pay?pa=patang@okbank&pn=Patang&am=2290.00&tr=pay_1"},
}
CHALLENGE: Columns = {"next_action": {"type": "challenge", "prompt": "3 tries left", "url": "/simulator/3"}}
TO_BANK: Columns = {**BANK, "next_action": {"type": "redirect", "url": "/simulator/1"}}
TO_WALLET: Columns = {**WALLET, "next_action": {"type": "redirect", "url": "/simulator/2"}}
CHECKOUT = "https://api.razorpay.com/v1/checkout/embedded"
BY_FORM: Columns = {
    "gateway": "razorpay",
    "next_action": {"type": "post", "url": CHECKOUT, "fields": {"key_id": "rzp_test_1", "name": 'Patang "Paper" <&>'}},
}
BY_LINK: Columns = {**UPI, "gateway": "razorpay", "next_action": {"type": "redirect", "url": f"{CHECKOUT}?a=1&b=2"}}
LATE: Columns = {"ago": 16 * MINUTE}
WAITING = [
    State("waiting", "Waiting, nothing to do", _seen({"start_answered_at": None}, stay=False)),
    State("waiting-upi-request", "Waiting, a request in the UPI app", _seen(UPI, stay=False)),
    State("waiting-upi-slowly", "Waiting, asking less often", _seen({**UPI, "ago": 2 * MINUTE}, stay=False)),
    State("waiting-code", "Waiting, a code to scan", _seen(QR, stay=False)),
    State("waiting-code-live", "Waiting, a code, no test", _seen(QR, stay=False, **REAL)),
    State("waiting-bank", "Waiting for the bank", _seen(TO_BANK)),
    State("waiting-wallet", "Waiting for the wallet", _seen(TO_WALLET)),
    State("waiting-challenge", "Waiting for a code at the bank", _seen(CHALLENGE)),
    State("kept-request", "Waiting, cannot be cancelled now", _seen(UPI, kept=True)),
    State("kept-bank", "Waiting for the bank, cannot be cancelled now", _seen(TO_BANK, kept=True)),
    State("waiting-late", "The answer is late", _seen({**UPI, **LATE})),
    State("waiting-very-late", "The answer takes days", _seen({"ago": 2 * DAY, "start_answered_at": None})),
    State("leaving-form", "Leaving by a form", _seen(BY_FORM)),
    State("leaving-link", "Leaving by a link", _seen(BY_LINK, **REAL)),
    State("leaving-wallet", "Leaving for a wallet", _seen({**BY_LINK, **WALLET})),
    State("kept-leaving", "Leaving, cannot be cancelled now", _seen(BY_LINK, kept=True)),
    State("review", "People look at it", _seen({**declined(), "money_unclear": True})),
]
HELD = [
    State("held", "Held", _seen(held(), manual_capture=True)),
    State("held-openly", "Held, nobody said until when", _seen(held(approve_by=None), manual_capture=True)),
    State("capturing", "Capture in flight", _seen(held(action="capture", status=IN_FLIGHT), manual_capture=True)),
    State("voiding", "Void in flight", _seen(held(action="void", status=IN_FLIGHT), manual_capture=True)),
]
BOTH = [("success", PART), ("pending", PART)]
PAID = [
    State("paid", "Paid just now", _seen(captured(), stay=False)),
    State("paid-reference", "Paid, with the bank's reference", _seen(captured(bank_reference="633400112233"))),
    State("paid-real", "Paid in live mode", _seen(captured(), **REAL)),
    State("paid-upi", "Paid by UPI", _seen(captured(**UPI))),
    State("paid-code", "Paid by a code", _seen(captured(**{**QR, "next_action": {}}))),
    State("paid-bank", "Paid by netbanking", _seen(captured(**BANK))),
    State("paid-wallet", "Paid by wallet", _seen(captured(**WALLET))),
    State("paid-nameless", "Paid by somebody without a name", _seen(captured(method_details={}), customer_name="")),
    State("paid-in-part", "Captured in part", _seen(captured(captured_minor=PART))),
    State("refund-on-its-way", "Refund on its way", _seen(captured(("pending", AMOUNT)))),
    State("refund-in-part-on-its-way", "Part on its way back", _seen(captured(("onhold", PART)))),
    State("refund-late", "Refund that takes long", _seen(captured(("pending", AMOUNT), ago=20 * DAY))),
    State("refunded", "Refunded", _seen(captured(("success", AMOUNT)))),
    State("refunded-in-part", "Refunded in part", _seen(captured(("success", PART)))),
    State("refunded-in-parts", "Refunds of each kind", _seen(captured(*BOTH, ("failed", PART)))),
    State("refund-failed", "Refund that did not go through", _seen(captured(("failed", AMOUNT)))),
]
SURPLUS = [
    State(
        f"surplus-{name}",
        f"Paid, and money that came in besides: {title}",
        _seen(captured(), captured(*refunds, kind="surplus")),
    )
    for name, title, refunds in [
        ("on-its-way", "on its way back", [("pending", AMOUNT)]),
        ("back", "went back", [("success", AMOUNT)]),
        ("stuck", "stuck", [("failed", AMOUNT)]),
        ("part-stuck", "part back, rest stuck", [("success", HALF), ("failed", AMOUNT - HALF)]),
        ("part-on-its-way", "part back, rest on its way", [("success", HALF), ("pending", AMOUNT - HALF)]),
    ]
] + [
    State(
        "refunded-surplus-stuck",
        "Refunded, and money besides that is stuck",
        _seen(captured(("success", AMOUNT)), captured(("failed", AMOUNT), kind="surplus")),
    ),
]
ENDED: Columns = {"status": "expired"}
OVER = [
    State("expired", "Expired", _seen(status="expired")),
    State("terminated", "Called off", _seen(status="terminated")),
    State("released", "Called off, released", _seen({"status": "void"}, status="terminated")),
    State(
        "releasing",
        "Called off, being released",
        lambda at: pages.page_of(order_state(at, [{"status": "void", "inquire_at": at}], status="terminated")),
    ),
    State("late-on-its-way", "Late money, on its way back", _seen(captured(("pending", AMOUNT), kind="late"), **ENDED)),
    State(
        "late-for-long",
        "Late money, back late",
        _seen(captured(("pending", AMOUNT), kind="late", ago=20 * DAY), **ENDED),
    ),
    State("late-back", "Late money, went back", _seen(captured(("success", AMOUNT), kind="late"), **ENDED)),
    State("late-stuck", "Late money, stuck", _seen(captured(("failed", AMOUNT), kind="late"), **ENDED)),
    State(
        "payable-again",
        "Money went back, can be paid again",
        _seen(captured(("success", AMOUNT), kind="surplus"), status="failed"),
    ),
]
ELSEWHERE = [
    State("not-found", "No such payment page", lambda at: plain.not_found_page()),
    State("too-many", "Too many wrong links", lambda at: plain.wait_a_minute_page()),
    State("resting", "The database is away", lambda at: plain.unavailable_page()),
    State("broken", "A fault of ours", lambda at: plain.broken_page()),
    State("no-such-address", "No such address", lambda at: plain.no_such_address_page()),
    State("bad-request", "A request that cannot be read", lambda at: plain.bad_request_page()),
    State("forbidden", "Not open to you", lambda at: plain.forbidden_page()),
    State("foreign-form", "Staff's form without its cookie", lambda at: plain.foreign_form_page()),
    State("posted-only", "The address for shops' forms", lambda at: plain.posted_only_page()),
    State("front", "The bare address", lambda at: plain.front_page()),
    State("accessibility", "The accessibility statement", lambda at: accessibility.statement_page()),
]
GROUPS: dict[str, list[State]] = {
    "To pay": TO_PAY,
    "Form errors": FORM_ERRORS,
    "Time": TIME,
    "Try again": RETRY,
    "Waiting and leaving": WAITING,
    "Held": HELD,
    "Paid and refunded": PAID,
    "Paid twice": SURPLUS,
    "Over": OVER,
    "Without an order": ELSEWHERE,
}
STATES: dict[str, State] = {state.name: state for group in GROUPS.values() for state in group}
