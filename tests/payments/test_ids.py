import math
import re

import pytest

from payments import ids

MAKERS = {
    "order_": ids.new_order_id,
    "pay_": ids.new_payment_id,
    "sess_": ids.new_session_id,
    "att_": ids.new_gateway_key,
}


@pytest.mark.parametrize(("prefix", "make"), MAKERS.items())
def test_ids_say_what_they_are_and_fit_their_columns(prefix, make):
    assert make().startswith(prefix)
    assert len(make()) <= 40
    assert re.fullmatch(r"[A-Za-z0-9_-]+", make())


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_ids_do_not_repeat(make):
    assert len({make() for _ in range(1_000)}) == 1_000


@pytest.mark.parametrize(("prefix", "make"), MAKERS.items())
def test_ids_hold_at_least_128_random_bits(prefix, make):
    letters = 64 if prefix == "sess_" else 32
    assert len(make().removeprefix(prefix)) * math.log2(letters) >= 128


@pytest.mark.parametrize("make", [ids.new_order_id, ids.new_payment_id])
def test_ids_people_read_out_have_no_letter_that_looks_like_a_digit(make):
    read_out = make().split("_")[1]
    assert not set(read_out) & set("ilou")
    assert read_out == read_out.lower()


def test_our_session_ids_look_like_session_ids():
    assert all(ids.looks_like_session_id(ids.new_session_id()) for _ in range(100))


@pytest.mark.parametrize(
    "text",
    ["", "sess_", "sess_" + "a" * 31, "sess_" + "a" * 33, "SESS_" + "a" * 32, "order_" + "a" * 26,
     "sess_" + "a" * 31 + "\x00", "sess_" + "a" * 32 + "\n", "sess_" + "é" * 32, " sess_" + "a" * 32],
)  # fmt: skip
def test_anything_else_does_not(text):
    assert not ids.looks_like_session_id(text)


def test_a_masked_session_id_cannot_be_used():
    session_id = ids.new_session_id()
    assert ids.mask_session_id(session_id) == f"{session_id[:7]}…"
