"""Every word a customer reads goes through gettext: under a pseudo-locale nothing plain is left."""

import re
from calendar import month_abbr, month_name
from html.parser import HTMLParser

import pytest
from django.utils import translation

from checkout.gallery.orders import MERCHANT
from checkout.gallery.states import STATES
from checkout.languages import LANGUAGES
from payments.banks import BANKS, WALLETS

READ_ALOUD = {"aria-label", "alt", "title", "placeholder", "data-busy", "data-print"}
DATA = [
    *(
        "Kite Shop",
        "Asha Rao",
        "Monsoon notebook × 2, letterpress calendar 2027",
        "PTG",
        "am",
        "pm",
        "Till",
        "UTC",
        "asha@okbank",
    ),
    *("https://api.razorpay.com", "Razorpay"),
    *(MERCHANT["name"], MERCHANT["support_email"], "Kanchenjunga" * 8, "calendar" * 25),
    *(bank.name for bank in BANKS.values()),
    *WALLETS.values(),
    *filter(None, [*month_name, *month_abbr]),
    *(language.own_name for language in LANGUAGES.values()),
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


def words_of(page):
    """What a page shows or reads aloud, piece by piece."""
    words = Words()
    words.feed(page)
    return words.found


def untranslated(page):
    """The letters outside of ⟦translated⟧ text, data aside."""
    text = " ".join(words_of(page))
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


@pytest.mark.usefixtures("_pseudo_locale")
def test_nothing_plain_is_left_on_any_page(client, settings):
    settings.DEBUG = True
    left = {name: untranslated(client.get(f"/checkout-gallery/{name}").content.decode()) for name in STATES}
    assert {name: words for name, words in left.items() if words} == {}


def test_the_test_sees_a_plain_word():
    assert untranslated("<p>⟦Pay⟧ now</p>") == ["now"]
    assert untranslated('<p aria-label="Close">⟦Pay ⟦by⟧⟧</p>') == ["Close"]


def test_a_merchants_name_is_one_piece_in_sentences_from_right_to_left(client, settings):
    """Else "Kite & Sons (P) Ltd." loses its last full stop and its brackets to the other side."""
    settings.DEBUG = True
    name = MERCHANT["name"]
    said = [
        piece.strip()
        for state in STATES
        for piece in words_of(client.get(f"/checkout-gallery/{state}?lang=ar").content.decode())
        if name in piece and piece.strip() != name
    ]
    assert len(said) > len(STATES)
    assert [piece for piece in said if name in piece.replace(f"\u2068{name}\u2069", "")] == []
