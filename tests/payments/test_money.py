from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from payments.errors import BadAmount, CurrencyNotSupported, TooManyDecimals
from payments.money import EXPONENT, MAX_MINOR, Money


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("299.99", "INR", 29_999), ("19.99", "INR", 1_999), ("0.29", "INR", 29), ("1.10", "INR", 110),
        ("1.1", "INR", 110), ("10.500", "INR", 1_050), ("100", "JPY", 100), ("100.0", "JPY", 100),
        ("1.234", "KWD", 1_234), ("0.001", "IQD", 1), ("1E+2", "INR", 10_000), ("0.01", "USD", 1),
        ("10000000000", "INR", MAX_MINOR), (str(MAX_MINOR), "JPY", MAX_MINOR),
    ],
)  # fmt: skip
def test_amounts_are_read_exactly(amount, currency, minor):
    assert Money.parse(Decimal(amount), currency) == Money(minor, currency)


@pytest.mark.parametrize(
    ("amount", "currency"),
    [
        ("10.005", "INR"), ("100.5", "JPY"), ("1.2345", "KWD"), ("0.001", "INR"), ("1E-400", "INR"),
        ("10.00000000000000000000000000000000005", "INR"), ("0.99999999999999999999999999999999999", "JPY"),
    ],
)  # fmt: skip
def test_what_the_currency_cannot_hold_is_refused_and_never_rounded(amount, currency):
    with pytest.raises(TooManyDecimals) as refused:
        Money.parse(Decimal(amount), currency)
    assert (refused.value.field, refused.value.reason) == ("order_amount", "too_many_decimals")


@pytest.mark.parametrize(
    "amount",
    ["0", "-0", "0.00", "-1", "-0.01", "NaN", "sNaN", "Infinity", "-Infinity", "10000000000.01", "1E+999999", "1E+13"],
)
def test_amounts_out_of_range_are_refused(amount):
    with pytest.raises(BadAmount) as refused:
        Money.parse(Decimal(amount), "INR")
    assert refused.value.reason == "amount_out_of_range"


@pytest.mark.parametrize("currency", ["inr", "XXX", "IN R", "ІNR", "US$", "", " INR", "INR\n", "BTC"])
def test_currencies_outside_the_table_are_refused(currency):
    with pytest.raises(CurrencyNotSupported):
        Money.parse(Decimal(1), currency)


@pytest.mark.parametrize(("currency", "decimals"), [("JPY", 0), ("INR", 2), ("KWD", 3), ("IQD", 3), ("ISK", 0)])
def test_decimals_follow_iso_4217_and_not_cldr(currency, decimals):
    assert EXPONENT[currency] == decimals


@pytest.mark.parametrize(
    ("money", "text"),
    [
        (Money(29_999, "INR"), "299.99"),
        (Money(5, "INR"), "0.05"),
        (Money(100, "JPY"), "100"),
        (Money(1, "KWD"), "0.001"),
    ],
)
def test_major_units_are_printed_with_the_currencys_decimals(money, text):
    assert str(money.as_major()) == text


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(st.integers(1, MAX_MINOR), st.sampled_from(sorted(EXPONENT)))
def test_any_amount_survives_the_way_out_and_back(minor, currency):
    money = Money(minor, currency)
    assert Money.parse(money.as_major(), currency) == money


def test_money_of_two_currencies_is_never_equal_and_never_changes():
    assert Money(1, "INR") != Money(1, "USD")
    with pytest.raises(AttributeError):
        Money(1, "INR").minor = 2
