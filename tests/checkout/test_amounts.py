import pytest

from checkout.amounts import SIGNS, amount_of, format_money, grouped, on_scale, rounded, signed, unit_of
from payments.money import EXPONENT, MAX_MINOR, Money

NBSP = "\u00a0"


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (11_250_000, "INR", "₹1,12,500.00"),
        (29_999, "INR", "₹299.99"),
        (5, "INR", "₹0.05"),
        (0, "INR", "₹0.00"),
        (99_999, "INR", "₹999.99"),
        (100_000, "INR", "₹1,000.00"),
        (1_000_000, "INR", "₹10,000.00"),
        (10_000_000, "INR", "₹1,00,000.00"),
        (1_234_567_890, "INR", "₹1,23,45,678.90"),
        (MAX_MINOR, "INR", "₹10,00,00,00,000.00"),
        (123_456_789, "USD", "$1,234,567.89"),
        (1_000, "JPY", "¥1,000"),
        (0, "JPY", "¥0"),
        (1_234, "KWD", f"KWD{NBSP}1.234"),
        (7, "KWD", f"KWD{NBSP}0.007"),
        (123_456_789, "CHF", f"CHF{NBSP}1,234,567.89"),
    ],
)
def test_amounts_are_grouped_and_signed_as_people_write_them(minor, currency, text):
    assert format_money(minor, currency) == text


def test_an_amount_comes_in_three_parts():
    amount = amount_of(Money(11_250_000, "INR"))
    assert (amount.sign, amount.whole, amount.fraction) == ("₹", "1,12,500", "00")
    assert amount_of(Money(5, "JPY")).fraction == ""


@pytest.mark.parametrize(("minor", "is_long"), [(11_250_000, False), (100_000_000, True), (29_999, False)])
def test_long_amounts_know_that_they_are_long(minor, is_long):
    assert amount_of(Money(minor, "INR")).is_long is is_long


@pytest.mark.parametrize("currency", EXPONENT)
def test_every_currency_can_be_printed_and_loses_no_digit(currency):
    printed = format_money(1_234_567, currency)
    assert "".join(letter for letter in printed if letter.isdigit()) == "1234567"


def test_every_sign_belongs_to_a_currency_we_know_and_no_two_share_one():
    assert set(SIGNS) <= set(EXPONENT)
    assert len(set(SIGNS.values())) == len(SIGNS)


@pytest.mark.parametrize(
    ("number", "currency", "text"),
    [(0, "INR", "0"), (999, "INR", "999"), (1_91_200, "INR", "1,91,200"), (191_200, "USD", "191,200")],
)
def test_numbers_are_grouped_as_the_currency_is(number, currency, text):
    assert grouped(number, currency) == text


def test_what_is_below_zero_has_a_minus_sign_and_no_hyphen():
    assert signed(-166_710, "INR") == "\u2212₹1,667.10"
    assert signed(0, "INR") == "₹0.00"
    assert signed(-1_234, "KWD") == f"\u2212KWD{NBSP}1.234"


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (25_646_050, "INR", "₹2,56,461"),
        (25_646_049, "INR", "₹2,56,460"),
        (99_950, "INR", "₹999.50"),
        (50_000, "INR", "₹500"),
        (1_234_567, "JPY", "¥1,234,567"),
        (1_234, "KWD", f"KWD{NBSP}1.234"),
        (1_234_500, "KWD", f"KWD{NBSP}1,235"),
    ],
)
def test_labels_round_to_whole_units_once_there_are_a_thousand(minor, currency, text):
    assert rounded(minor, currency) == text


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (0, "INR", "₹0"),
        (50, "INR", "₹0.50"),
        (5_000_000, "INR", "₹50,000"),
        (10_000_000, "INR", f"₹1{NBSP}lakh"),
        (15_000_000, "INR", f"₹1.5{NBSP}lakh"),
        (1_000_000_000, "INR", f"₹1{NBSP}crore"),
        (10_000_000_000, "INR", f"₹10{NBSP}crore"),
        (50_000_000, "USD", "$500,000"),
        (200_000_000, "USD", f"$2{NBSP}million"),
        (2_000_000, "JPY", f"¥2{NBSP}million"),
        (500, "KWD", f"KWD{NBSP}0.500"),
    ],
)
def test_a_scale_counts_in_the_words_people_use(minor, currency, text):
    assert on_scale(minor, currency) == text


@pytest.mark.parametrize(("currency", "unit"), [("INR", 100), ("JPY", 1), ("KWD", 1_000)])
def test_a_unit_has_as_many_minor_units_as_the_currency_says(currency, unit):
    assert unit_of(currency) == unit
