"""Every word a customer reads goes through gettext: under a pseudo-locale nothing plain is left."""

import re
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from django.utils import translation

from checkout.hosted.advice import ADVICE
from payments import clock
from payments.banks import BANKS, WALLETS
from payments.services.payments import terminate_order
from tests.factories import OrderFactory, PaymentFactory
from tests.hosted.customer import ATTEMPTS, LEAVING, Customer, attempt
from tests.hosted.rows import give_back, held, in_flight, own_page_order, returning

pytestmark = pytest.mark.django_db

READ_ALOUD = {"aria-label", "alt", "title", "placeholder", "data-busy", "data-print"}
DATA = [
    *("Kite Shop", "Asha Rao", "help@shop.example.com", "Nov", "November", "Till", "UTC", "asha@okbank"),
    *("https://api.razorpay.com", "Razorpay"),
    *(bank.name for bank in BANKS.values()),
    *WALLETS.values(),
]


class Words(HTMLParser):
    """Collects what a page shows or reads aloud."""

    def __init__(self):
        super().__init__()
        self.found = []
        self.silent = 0

    def handle_starttag(self, tag, attrs):
        self.silent += tag in ("script", "style")
        self.found += [value for name, value in attrs if name in READ_ALOUD and value]

    def handle_endtag(self, tag):
        self.silent -= tag in ("script", "style")

    def handle_data(self, data):
        if not self.silent:
            self.found.append(data)


def untranslated(page):
    """The letters outside of ⟦translated⟧ text, data aside."""
    words = Words()
    words.feed(page)
    text = " ".join(words.found)
    while "⟦" in text:
        text, inner = re.sub(r"⟦[^⟦⟧]*⟧", " ", text), text
        assert text != inner, f"unbalanced: {text}"
    text = re.sub(r"(order|pay|refund|sess|key)_\w+", " ", text)
    for known in sorted(DATA, key=len, reverse=True):
        text = text.replace(known, " ")
    return re.findall(r"[^\W\d_]{2,}", text)


@pytest.fixture
def _pseudo_locale(monkeypatch):
    """Every translation comes back in brackets."""
    one = lambda message: f"⟦{message}⟧"  # noqa: E731
    monkeypatch.setattr(translation._trans, "gettext", one)
    monkeypatch.setattr(translation._trans, "ngettext", lambda single, many, n: one(single if n == 1 else many))
    monkeypatch.setattr(translation._trans, "pgettext", lambda context, message: one(message))


def pages(merchant):
    """One of each kind of page."""
    fresh = Customer(OrderFactory(merchant=merchant))
    yield "pay", fresh.open()
    yield "more time", fresh.post("extend", {"used": "0"})
    yield "more time twice", fresh.post("extend", {"used": "1"})
    yield "no more time", fresh.post("extend", {"used": "2"})
    for used in (0, 1, 2):
        soon = clock.now() + timedelta(minutes=4)
        yield (
            f"closing, {used} used",
            Customer(OrderFactory(merchant=merchant, expires_at=soon, extensions_used=used)).open(),
        )
    yield "form errors", fresh.pay(number="1", expiry="13/20", cvc="x", holder="12345")
    yield "no method", fresh.pay(method="cash")
    yield "foreign form", fresh.pay(headers={})
    for method, fields in (("upi", {"upi_id": "x"}), ("netbanking", {"bank": "x"}), ("wallet", {"wallet": "x"})):
        yield f"{method} error", fresh.pay_by(method, **fields)
        yield f"{method} empty", fresh.pay_by(method)
    for trait in ("failed", "user_dropped", "success"):
        yield trait, Customer(PaymentFactory(order__merchant=merchant, **{trait: True}).order).open()
    yield "review", Customer(PaymentFactory(order__merchant=merchant, failed=True, money_unclear=True).order).open()
    yield from attempts(merchant)
    yield from afterwards(merchant)
    for code in ADVICE:
        source = {"source": ["gateway" if code in ("not_received", "not_taken") else "bank"]}
        declined = PaymentFactory(order__merchant=merchant, failed=True, error_code=code, error_details=source)
        yield f"for {code}", Customer(declined.order).open()
    waiting = Customer(PaymentFactory(order__merchant=merchant).order)
    yield "waiting", waiting.open()
    with clock.shifted(timedelta(hours=25)):
        yield "waiting long", waiting.open()
        yield "expired", fresh.open()
    over = OrderFactory(merchant=merchant)
    terminate_order(over.pk, cause="merchant", at=clock.now())
    yield "terminated", Customer(over).open()
    yield "exhausted", Customer(OrderFactory(merchant=merchant, status="failed", attempts_declined=5)).open()
    for path in ("/checkout/nonsense", "/nowhere", "/"):
        yield path, fresh.client.get(path)


def afterwards(merchant):
    """The pages about money that is held, released, returned or refunded."""
    mine = {"order__merchant": merchant}
    yield "held", Customer(held(approve_by=clock.now() + timedelta(days=7), **mine).order).open()
    for action in ("capture", "void"):
        yield f"{action} in flight", Customer(in_flight(action, **mine).order).open()
    yield "released", Customer(PaymentFactory(void=True, **mine).order).open()
    yield "being released", Customer(PaymentFactory(void=True, inquire_at=clock.now(), **mine).order).open()
    for status in ("pending", "success", "failed"):
        late = returning(status, **mine)
        yield f"late {status}", Customer(late.order).open()
        for part in (None, 9_999):
            paid = PaymentFactory(success=True, **mine)
            give_back(paid, status, part)
            yield f"refund {status} {part}", Customer(paid.order).open()
            returning(status, "surplus", order=paid.order)
            yield f"refund {status} {part} and surplus", Customer(paid.order).open()
    with clock.shifted(timedelta(days=20)):
        yield "returning for long", Customer(returning(sent_at=clock.now() - timedelta(days=15), **mine).order).open()
    both = PaymentFactory(success=True, **mine)
    for status in ("success", "pending"):
        give_back(both, status, 9_999)
    for status in ("success", "pending"):
        give_back(returning("failed", "surplus", order=both.order), status, 9_999)
        yield f"parts {status}", Customer(both.order).open()
    part = PaymentFactory(success=True, captured_minor=10_000, **mine)
    yield "captured in part", Customer(part.order).open()


def attempts(merchant):
    """The pages about an attempt of each kind: waiting, kept, late, declined, left, given up, cancelled, paid."""
    ends = {"declined": "failed", "left": "user_dropped", "not_completed": "user_dropped", "cancelled": "cancelled"}
    for kind in ATTEMPTS:
        waiting = Customer(attempt(kind, order__merchant=merchant).order)
        yield f"{kind} waiting", waiting.open()
        yield f"{kind} kept", waiting.open("?kept=1")
        with clock.shifted(timedelta(minutes=16)):
            yield f"{kind} waiting long", waiting.open()
        for code, trait in ends.items():
            columns = {"error_code": code, "error_details": {"source": ["bank"]}, "next_action": {}, trait: True}
            yield f"{kind} {code}", Customer(attempt(kind, order__merchant=merchant, **columns).order).open()
        paid = attempt(kind, order__merchant=merchant, next_action={}, success=True)
        yield f"{kind} paid", Customer(paid.order).open()
    for kind in LEAVING:
        leaving = Customer(attempt(kind, order__merchant=merchant).order)
        yield f"{kind} leaving", leaving.open()
        yield f"{kind} kept", leaving.open("?kept=1")
    yield "own pages", Customer(own_page_order()).open()
    refused = {"error_code": "test_upi_required", "error_details": {"source": ["bank"]}, "failed": True}
    yield "test UPI IDs", Customer(attempt("request", order__merchant=merchant, **refused).order).open()


@pytest.mark.usefixtures("_pseudo_locale")
def test_nothing_plain_is_left_on_any_page(merchant):
    merchant.name = "Kite Shop"
    merchant.support_email = "help@shop.example.com"
    merchant.support_phone = "+919876543210"
    merchant.terms_url = "https://shop.example.com/terms"
    merchant.save()
    left = {kind: untranslated(response.content.decode()) for kind, response in pages(merchant)}
    assert {kind: words for kind, words in left.items() if words} == {}
    assert len(left) == 98 + len(ADVICE)


def test_the_test_sees_a_plain_word():
    assert untranslated("<p>⟦Pay⟧ now</p>") == ["now"]
    assert untranslated('<p aria-label="Close">⟦Pay ⟦by⟧⟧</p>') == ["Close"]
