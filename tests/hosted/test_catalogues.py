"""Every translation is whole: nothing missing, nothing empty, no placeholder lost, and the .mo is what the .po says."""

import re
from collections import Counter

import polib
import pytest
from django.utils import translation

from checkout.gallery.states import STATES
from checkout.languages import ENGLISH, LANGUAGES
from checkout.messages import PLACEHOLDER, bring_up_to_date, extracted, plural_forms, po_path
from tests.factories import PaymentFactory
from tests.hosted.customer import Customer
from tests.hosted.test_translation import words_of

TRANSLATED = [code for code in LANGUAGES if code != ENGLISH]
FAST = ("ta", "ar")


def entries(code):
    return polib.pofile(str(po_path(code)))


def placeholders(text):
    return Counter(PLACEHOLDER.findall(text))


def test_what_is_committed_is_what_the_pages_say_and_the_mo_is_made_of_the_po():
    assert bring_up_to_date(check=True) == []


@pytest.mark.parametrize("code", TRANSLATED)
def test_nothing_is_missing_and_nothing_is_guessed(code):
    catalogue = entries(code)
    assert {(entry.msgctxt or "", entry.msgid) for entry in catalogue} == set(extracted())
    for entry in catalogue:
        forms = entry.msgstr_plural.values() if entry.msgid_plural else [entry.msgstr]
        assert all(form.strip() for form in forms), entry.msgid
        assert "fuzzy" not in entry.flags
        assert not entry.msgid_plural or sorted(entry.msgstr_plural) == list(range(plural_forms(code)))


@pytest.mark.parametrize("code", TRANSLATED)
def test_every_placeholder_stands_in_every_translation_and_no_other_does(code):
    for entry in entries(code):
        if not entry.msgid_plural:
            assert placeholders(entry.msgstr) == placeholders(entry.msgid), entry.msgid
            continue
        must = placeholders(entry.msgid_plural)
        for form in entry.msgstr_plural.values():
            # A form for one, or for two, may say so in a word.
            assert placeholders(form) in (must, must - Counter(["%(n)d"])), entry.msgid


@pytest.mark.parametrize("code", TRANSLATED)
def test_no_translation_brings_markup_or_marks_of_direction(code):
    for entry in entries(code):
        for form in [entry.msgstr, *entry.msgstr_plural.values()]:
            assert not re.search("[<>&\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069]", form), entry.msgid
            assert (entry.msgid[-1] == "\n") == (form[-1:] == "\n")


def test_texts_for_staff_and_machines_are_not_translated():
    places = {name for entry in extracted().values() for name, _ in entry.occurrences}
    assert places
    assert not [name for name in places if re.search("staff|shop/|simulator|rest|rpc|management", name)]


def test_a_catalogue_keeps_what_is_still_said_and_drops_the_rest(tmp_path, monkeypatch):
    monkeypatch.setattr("checkout.messages.LOCALES", tmp_path)
    monkeypatch.setattr("checkout.messages.ROOT", tmp_path)
    (tmp_path / "checkout").mkdir()
    source = tmp_path / "checkout" / "words.py"
    source.write_text('_("Kept")\n_("Gone")\nngettext("%(n)d kite", "%(n)d kites", n)\n')
    assert bring_up_to_date()
    catalogue = polib.pofile(str(po_path("fr")))
    catalogue.find("Kept").msgstr = "Gardé"
    catalogue.save()
    source.write_text('_("Kept")\n_("New")\npgettext("verb", "Order")\n')
    assert "words" in str(polib.pofile(str(po_path("fr"))))
    assert bring_up_to_date()
    assert {(e.msgctxt, e.msgid, e.msgstr) for e in polib.pofile(str(po_path("fr")))} == {
        (None, "Kept", "Gardé"),
        (None, "New", ""),
        ("verb", "Order", ""),
    }
    assert bring_up_to_date(check=True) == []


# --- On the pages themselves ---


def english_left(page, code):
    """Pieces of English messages, two words long or more, that a page in another language shows all the same."""
    shown = [re.sub(r"\s+", " ", piece).strip() for piece in words_of(page)]
    text = " | ".join(shown)
    left = set()
    for entry in entries(code):
        for message in filter(None, [entry.msgid, entry.msgid_plural]):
            if message in (entry.msgstr, *entry.msgstr_plural.values()):
                continue
            parts = [part.strip(" .,:()") for part in PLACEHOLDER.split(message)]
            left |= {part for part in parts if len(part.split()) > 1 and part in text}
            left |= {message} & set(shown)
    return left


@pytest.mark.in_memory
@pytest.mark.parametrize(
    "code", [code if code in FAST else pytest.param(code, marks=pytest.mark.slow) for code in TRANSLATED]
)
def test_no_english_is_left_on_any_page(client, settings, code):
    settings.DEBUG = True
    left = {}
    for name in STATES:
        answer = client.get(f"/checkout-gallery/{name}?lang={code}")
        assert answer["Content-Language"] == code
        left[name] = english_left(answer.content.decode(), code)
    assert {name: found for name, found in left.items() if found} == {}


def test_the_test_sees_english():
    assert english_left("<p>Nothing has been taken.</p>", "ta") == {
        "Nothing has been taken",
        "Nothing has been taken.",
    }


@pytest.mark.django_db
@pytest.mark.parametrize("code", LANGUAGES)
def test_a_gateways_own_words_reach_no_customer(code, merchant):
    words = "Vendor says insufficient balance XJ-55"
    details = {"source": ["bank"], "reason": [words], "description": [words]}
    payment = PaymentFactory(order__merchant=merchant, failed=True, message=words, error_details=details)
    page = Customer(payment.order).open(f"?lang={code}").content.decode()
    assert "XJ-55" not in page
    assert f'<html lang="{code}" dir="{"rtl" if code == "ar" else "ltr"}">' in page


@pytest.mark.parametrize(("code", "forms"), [("ar", 5), ("ja", 1), ("de", 2)])
def test_django_counts_as_the_language_does(code, forms):
    with translation.override(code):
        said = {
            translation.ngettext("You have %(n)d try left.", "You have %(n)d tries left.", n)
            for n in (0, 1, 2, 3, 11, 100)
        }
    assert len(said) == forms
