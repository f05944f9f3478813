"""Amounts, dates and places as each language writes them: European digits, and rupees by lakh, in all of them."""

import re
from datetime import UTC, datetime

import pytest
from django.utils import translation

from checkout.amounts import END_OF_ISOLATE, ISOLATE, amount_of, format_money
from checkout.hosted.times import clock_time, date, moment_words, short_date, stamp, zone_words
from checkout.languages import LANGUAGES
from payments.money import EXPONENT, MAX_MINOR, Money

NBSP, NARROW = "\u00a0", "\u202f"
AMOUNTS = {
    "en": ("₹1,12,500.00", "$1,234,567.89", "¥1,234", f"KWD{NBSP}1.234"),
    "hi": ("₹1,12,500.00", "$1,234,567.89", "JP¥1,234", f"KWD{NBSP}1.234"),
    "ta": (f"₹{NBSP}1,12,500.00", f"${NBSP}1,234,567.89", f"¥{NBSP}1,234", f"KWD{NBSP}1.234"),
    "bn": ("₹1,12,500.00", "US$1,234,567.89", "JP¥1,234", f"KWD{NBSP}1.234"),
    "te": ("₹1,12,500.00", "$1,234,567.89", "JP¥1,234", f"KWD{NBSP}1.234"),
    "mr": ("₹1,12,500.00", "$1,234,567.89", "JP¥1,234", f"KWD{NBSP}1.234"),
    "ar": ("₹1,12,500.00", "US$1,234,567.89", "JP¥1,234", f"KWD{NBSP}1.234"),
    "es": (f"1.12.500,00{NBSP}₹", f"1.234.567,89{NBSP}US$", f"1.234{NBSP}¥", f"1,234{NBSP}KWD"),
    "fr": (
        f"1{NARROW}12{NARROW}500,00{NBSP}₹",
        f"1{NARROW}234{NARROW}567,89{NBSP}$US",
        f"1{NARROW}234{NBSP}¥",
        f"1,234{NBSP}KWD",
    ),
    "de": (f"1.12.500,00{NBSP}₹", f"1.234.567,89{NBSP}$", f"1.234{NBSP}¥", f"1,234{NBSP}KWD"),
    "pt": (f"₹{NBSP}1.12.500,00", f"US${NBSP}1.234.567,89", f"JP¥{NBSP}1.234", f"KWD{NBSP}1,234"),
    "ja": ("₹1,12,500.00", "$1,234,567.89", "￥1,234", f"KWD{NBSP}1.234"),
}
MONEYS = [(11_250_000, "INR"), (123_456_789, "USD"), (1_234, "JPY"), (1_234, "KWD")]


@pytest.mark.parametrize("code", LANGUAGES)
def test_sign_and_marks_are_the_languages_decimals_and_groups_the_currencys(code):
    with translation.override(code):
        printed = tuple(format_money(*money).strip(ISOLATE + END_OF_ISOLATE) for money in MONEYS)
    assert printed == AMOUNTS[code]


@pytest.mark.parametrize("code", LANGUAGES)
@pytest.mark.parametrize("minor", [0, 5, 99, 100, 99_999, 100_000, 1_234_567_890, MAX_MINOR])
def test_what_is_printed_reads_back_as_what_is_stored(code, minor):
    with translation.override(code):
        for currency, decimals in EXPONENT.items():
            amount = amount_of(Money(minor, currency))
            assert len(amount.fraction) == decimals
            assert int(re.sub(r"\D", "", amount.figures)) == minor
            assert amount.figures.translate(dict.fromkeys(map(ord, f".,{NARROW}"))).isascii()
            assert amount.whole in amount.text
            assert amount.sign in amount.text


@pytest.mark.parametrize("code", LANGUAGES)
def test_no_two_currencies_look_the_same_in_any_language(code):
    with translation.override(code):
        signs = {currency: amount_of(Money(1, currency)).sign.strip(NBSP) for currency in EXPONENT}
    assert len(set(signs.values())) == len(signs)


def test_an_amount_stays_in_one_piece_in_text_from_right_to_left():
    with translation.override("ar"):
        amount = amount_of(Money(11_250_000, "INR"))
    with translation.override("ar"):
        assert amount.text == f"{ISOLATE}₹1,12,500.00{END_OF_ISOLATE}"
    assert amount_of(Money(11_250_000, "INR")).text == "₹1,12,500.00"


TIMES = {
    "en": ("4:03 pm", "22 November 2026", "22 Nov 2026", "22 Nov 2026, 4:03 pm", "India time", "New York time"),
    "hi": ("4:03 pm", "22 नवंबर 2026", "22 नव॰ 2026", "22 नव॰ 2026, 4:03 pm", "भारत का समय", "न्यूयॉर्क का समय"),
    "ar": ("4:03 م", "22 نوفمبر 2026", None, None, "بتوقيت الهند", "بتوقيت نيويورك"),
    "de": ("16:03", "22. November 2026", "22.11.2026", "22.11.2026, 16:03", "Ortszeit Indien", "Ortszeit New York"),
    "fr": ("16:03", "22 novembre 2026", "22 nov. 2026", None, None, None),
    "pt": ("16:03", "22 de novembro de 2026", None, None, "horário local: Índia", None),
    "ja": ("16:03", "2026年11月22日", "2026/11/22", "2026/11/22 16:03", "インド時間", "ニューヨーク時間"),
}


@pytest.mark.parametrize("code", TIMES)
def test_times_dates_and_places_are_the_languages(code):
    moment, zone = datetime(2026, 11, 22, 10, 33, tzinfo=UTC), "Asia/Kolkata"
    with translation.override(code):
        printed = (
            clock_time(moment, zone),
            date(moment, zone),
            short_date(moment, zone),
            stamp(moment, zone),
            zone_words(zone),
            zone_words("America/New_York"),
        )
    for shown, expected in zip(printed, TIMES[code], strict=True):
        assert expected is None or shown.replace(NBSP, " ") == expected


@pytest.mark.parametrize("code", LANGUAGES)
def test_no_language_writes_other_digits_or_a_part_of_english(code):
    moment, zone = datetime(2026, 11, 22, 10, 33, tzinfo=UTC), "Asia/Kolkata"
    with translation.override(code):
        words = f"{moment_words(moment, zone, at=moment)} {stamp(moment, zone)} {date(moment, zone)} {zone_words(zone)}"
    assert all(letter.isascii() for letter in words if letter.isdigit())
    assert code == "en" or not re.search("today|time|November,", words)


@pytest.mark.parametrize("code", LANGUAGES)
def test_utc_is_called_utc(code):
    with translation.override(code):
        assert zone_words("UTC") == "UTC"
        assert zone_words("Asia/Kathmandu")
