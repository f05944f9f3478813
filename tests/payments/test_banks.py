import re
from pathlib import Path

import pytest

from payments import banks
from payments.banks import BANKS, POPULAR, WALLETS, other_banks, popular_banks

MERGED_AWAY = {"ALLA", "ANDB", "CORP", "BKDN", "ORBC", "SYNB", "UTBI", "VIJB", "LAVB", "FSFB", "CITI", "PYTM"}


def test_no_bank_is_listed_twice():
    # A second bank of the same code would silently replace the first, so count the lines that write them.
    assert len(BANKS) == Path(banks.__file__).read_text(encoding="utf-8").count('    Bank("')


@pytest.mark.parametrize("bank", BANKS.values(), ids=BANKS)
def test_every_bank_has_an_ifsc_prefix_and_a_whole_wire_code(bank):
    assert re.fullmatch(r"[A-Z]{4}", bank.code)
    assert BANKS[bank.code] is bank
    assert bank.wire_code == 0 or 3001 <= bank.wire_code <= 3999
    assert bank.name == bank.name.strip() != ""


def test_names_are_unique_and_run_from_a_to_z():
    names = [bank.name.casefold() for bank in BANKS.values()]
    assert names == sorted(set(names))


def test_no_two_banks_share_a_wire_code():
    codes = [bank.wire_code for bank in BANKS.values() if bank.wire_code]
    assert len(codes) == len(set(codes))


def test_the_test_bank_of_the_wire_is_not_offered():
    assert 3333 not in {bank.wire_code for bank in BANKS.values()}


def test_banks_that_are_gone_are_not_offered():
    assert not MERGED_AWAY & set(BANKS)


@pytest.mark.parametrize(
    ("code", "wire_code"),
    [("SBIN", 3044), ("HDFC", 3021), ("ICIC", 3022), ("UTIB", 3003), ("KKBK", 3032), ("PUNB", 3038)],
)
def test_the_popular_banks_carry_the_published_wire_codes(code, wire_code):
    assert code in POPULAR
    assert BANKS[code].wire_code == wire_code


def test_popular_and_other_banks_together_are_all_without_repetition():
    assert [bank.code for bank in popular_banks()] == list(POPULAR)
    listed = [bank.code for bank in popular_banks() + other_banks()]
    assert len(listed) == len(set(listed))
    assert set(listed) == set(BANKS)


def test_other_banks_keep_the_order_of_the_alphabet():
    names = [bank.name.casefold() for bank in other_banks()]
    assert names == sorted(names)


def test_wallet_codes_are_the_wires_lower_case_words():
    assert all(re.fullmatch(r"[a-z]+", code) for code in WALLETS)
    assert set(WALLETS) <= {"phonepe", "ola", "paytm", "amazon", "airtel", "freecharge", "mobikwik"}


def test_wallet_names_are_unique():
    assert len({name.casefold() for name in WALLETS.values()}) == len(WALLETS)
