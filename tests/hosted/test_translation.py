"""Every word a customer reads goes through gettext: under a pseudo-locale nothing plain is left."""

import re
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from django.utils import translation

from payments import clock
from payments.services.payments import terminate_order
from tests.factories import OrderFactory, PaymentFactory
from tests.hosted.customer import Customer

pytestmark = pytest.mark.django_db

READ_ALOUD = {"aria-label", "alt", "title", "placeholder", "data-busy", "data-print"}
DATA = ["Kite Shop", "Asha Rao", "help@shop.example.com", "Nov", "November", "Till", "UTC"]


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
    text = re.sub(r"(order|sess|key)_\w+", " ", text)
    for known in DATA:
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
    yield "form errors", fresh.pay(number="1", expiry="13/20", cvc="x", holder="12345")
    yield "no method", fresh.pay(method="cash")
    yield "foreign form", fresh.pay(headers={})
    for trait in ("failed", "user_dropped", "success", "late", "authorized"):
        yield trait, Customer(PaymentFactory(order__merchant=merchant, **{trait: True}).order).open()
    yield "review", Customer(PaymentFactory(order__merchant=merchant, failed=True, money_unclear=True).order).open()
    for code in ("insufficient_funds", "incorrect_cvc", "not_received", "test_card_required"):
        source = {"source": ["gateway" if code == "not_received" else "bank"]}
        declined = PaymentFactory(order__merchant=merchant, failed=True, error_code=code, error_details=source)
        yield code, Customer(declined.order).open()
    waiting = Customer(PaymentFactory(order__merchant=merchant).order)
    yield "waiting", waiting.open()
    with clock.shifted(timedelta(hours=25)):
        yield "waiting long", waiting.open()
        yield "expired", fresh.open()
    over = OrderFactory(merchant=merchant)
    terminate_order(over.pk, cause="merchant", at=clock.now())
    yield "terminated", Customer(over).open()
    yield "exhausted", Customer(OrderFactory(merchant=merchant, status="failed", attempts_declined=5)).open()
    for path in ("/checkout/nonsense", "/checkout/test-cards", "/nowhere", "/"):
        yield path, fresh.client.get(path)


@pytest.mark.usefixtures("_pseudo_locale")
def test_nothing_plain_is_left_on_any_page(merchant):
    merchant.name = "Kite Shop"
    merchant.support_email = "help@shop.example.com"
    merchant.save()
    left = {kind: untranslated(response.content.decode()) for kind, response in pages(merchant)}
    assert {kind: words for kind, words in left.items() if words} == {}
    assert len(left) == 23


def test_the_test_sees_a_plain_word():
    assert untranslated("<p>⟦Pay⟧ now</p>") == ["now"]
    assert untranslated('<p aria-label="Close">⟦Pay ⟦by⟧⟧</p>') == ["Close"]
