import pytest

from checkout.amounts import SIGNS, amount_of, format_money
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
