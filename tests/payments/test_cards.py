import pytest

from payments.cards import network_of, passes_luhn, security_code_length
from payments.gateways.simulator.inputs import CARDS

GOOD = ["4242424242424242", "5555555555554444", "378282246310005", "6011111111111117", "30569309025904", "0"]


@pytest.mark.parametrize("digits", GOOD)
def test_numbers_with_a_right_check_digit_pass(digits):
    assert passes_luhn(digits)


@pytest.mark.parametrize("digits", GOOD)
def test_one_wrong_digit_never_passes(digits):
    for place, digit in enumerate(digits):
        wrong = digits[:place] + str((int(digit) + 1) % 10) + digits[place + 1 :]
        assert not passes_luhn(wrong)


@pytest.mark.parametrize("digits", ["4242424242424224", "5555555555545444"])
def test_swapped_neighbours_do_not_pass(digits):
    assert not passes_luhn(digits)


@pytest.mark.parametrize(
    ("digits", "network"),
    [
        ("4242424242424242", "visa"), ("5555555555554444", "mastercard"), ("2223003122003222", "mastercard"),
        ("378282246310005", "amex"), ("341111111111111", "amex"), ("6011111111111117", "discover"),
        ("6500000000000000", "discover"), ("3566002020360505", "rupay"), ("3528000000000007", "jcb"),
        ("6521111111111117", "rupay"), ("6079820000000000", "rupay"), ("5081000000000000", "rupay"),
        ("8172000000000000", "rupay"), ("36227206271667", "diners"), ("30569309025904", "diners"),
        ("6759649826438453", "maestro"), ("5018000000000009", "maestro"), ("9999999999999999", ""), ("", ""), ("1", ""),
    ],
)  # fmt: skip
def test_the_scheme_follows_from_the_leading_digits(digits, network):
    assert network_of(digits) == network


@pytest.mark.parametrize(("digits", "length"), [("378282246310005", 4), ("4242424242424242", 3), ("", 3)])
def test_only_amex_has_four_digits_on_the_card(digits, length):
    assert security_code_length(digits) == length


@pytest.mark.parametrize("number", CARDS)
def test_published_test_cards_are_well_formed(number):
    assert passes_luhn(number)
    assert network_of(number) == "visa"
