"""Razorpay's vocabulary in ours, its client's traps, and what its adapter costs where nobody uses it."""

import json
import logging
import subprocess
import sys
from dataclasses import replace

import pytest

from payments import clock
from payments.gateways.base import (
    EVENT_SECRET,
    BadCredentials,
    Done,
    ForgedReturn,
    NotSupported,
    NotTaken,
    PaymentFact,
    Standing,
    Unanswered,
)
from payments.gateways.razorpay import words
from payments.gateways.razorpay.engine import API_URL, Razorpay
from payments.gateways.registry import gateway_named
from payments.money import Money
from payments.states import Method
from tests.gateways.contract import paid, success
from tests.gateways.fakes.server import Answered, Fault

PAYMENT = {
    "id": "pay_1", "amount": 29_999, "currency": "INR", "status": "captured", "captured": True, "order_id": "order_1",
    "method": "card", "card": {"last4": "0153", "network": "American Express", "type": "debit"},
    "acquirer_data": {"auth_code": "828553", "rrn": "322206890934"}, "created_at": 1_691_735_748,
}  # fmt: skip


@pytest.fixture
def world(razorpay_world):
    return razorpay_world


# --- Where nobody uses it ---


def test_the_program_starts_without_its_client():
    """It costs every process a tenth of a second and some megabytes: only merchants with an account pay that."""
    told = (
        "import os, django; os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'tests.settings'); django.setup();"
        "import checkout.urls, payments.jobs; from payments.gateways.registry import GATEWAYS, gateway_named;"
        "[gateway_named(name) for name in GATEWAYS];"
        "import sys; print(sorted({'razorpay', 'requests'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=False)
    assert (ran.stdout.strip(), ran.returncode) == ("[]", 0), ran.stderr


def test_production_talks_to_razorpay_and_nobody_else():
    ours = gateway_named("razorpay")
    assert (ours.api_url, ours.hosts) == ("https://api.razorpay.com", frozenset({API_URL}))


# --- Payments ---


def test_a_card_payment_is_told_with_all_that_is_known_of_it():
    fact = words.fact_of(PAYMENT, "att_1")
    assert (fact.status, fact.amount, fact.payment_group) == ("success", Money(29_999, "INR"), "debit_card")
    assert (fact.bank_reference, fact.auth_id) == ("322206890934", "828553")
    assert fact.method_details == {"card_last4": "0153", "card_network": "amex"}
    assert fact.happened_at.isoformat() == "2023-08-11T06:35:48+00:00"


@pytest.mark.parametrize(
    ("over", "status"),
    [
        ({"status": "created"}, "pending"),
        ({"status": "failed"}, "pending"),
        ({"status": "wibbling"}, "pending"),
        ({"status": None}, "pending"),
        ({"status": "authorized", "captured": False}, "authorized"),
        ({"status": "captured"}, "success"),
        ({"status": "refunded"}, "success"),
        ({"status": "refunded", "captured": False}, "void"),
    ],
)
def test_a_status_is_told_by_the_table_and_an_unknown_one_is_pending(over, status):
    fact = words.fact_of({**PAYMENT, **over}, "att_1")
    assert fact.status == status
    assert (fact.amount is None) == (status in ("pending", "void"))
    assert bool(fact.gateway_payment_id) == (status != "pending"), "another try may still pay"


@pytest.mark.parametrize("reason", [*words.REASONS, "gateway_technical_error", "something_new", ""])
@pytest.mark.parametrize("source", ["customer", "issuer_bank", "gateway", "internal", "business", None])
def test_every_ending_has_a_code_that_fits_its_column_and_says_whose_doing_it_was(reason, source):
    error = {"error_code": "GATEWAY_ERROR", "error_description": "x" * 500, "error_source": source}
    fact = words.ending_of({"error_reason": reason, **error, "created_at": 1}, "att_1")
    assert 1 <= len(fact.error_code) <= 40
    known = words.REASONS.get(reason)
    lost_on_the_way = source in ("gateway", "internal", "business", None)
    assert fact.declined == (known.declined if known else not lost_on_the_way)
    assert fact.status == ("user_dropped" if known and known.left else "failed")
    assert fact.amount is None


def test_endings_that_customers_can_do_something_about_have_the_codes_of_our_pages():
    codes = {ending.code for ending in words.REASONS.values()}
    assert codes >= {
        "insufficient_funds", "expired_card", "incorrect_cvc", "incorrect_number", "authentication_failed", "left"
    }  # fmt: skip


@pytest.mark.parametrize(
    "over",
    [{"amount": 299.99}, {"amount": True}, {"amount": "29999"}, {"amount": -1}, {"amount": 2**63}, {"currency": ""}],
)
def test_an_amount_is_whole_or_no_amount(over):
    with pytest.raises(ValueError, match=r"amount|currency"):
        words.fact_of({**PAYMENT, **over}, "att_1")


@pytest.mark.parametrize("over", [{"id": 7}, {"order_id": "a\x00"}, {"method": "\ud83d"}, {"created_at": 1.5}])
def test_text_that_cannot_be_kept_is_refused(over):
    with pytest.raises(ValueError):  # noqa: PT011  (the name of the field, or Unicode's own words)
        words.fact_of({**PAYMENT, **over}, "att_1")


@pytest.mark.parametrize(
    ("word", "status"),
    [("pending", "pending"), ("processed", "success"), ("failed", "failed"), ("queued", "pending"), ("", "pending")],
)
def test_a_refunds_status_is_told_by_its_table(word, status):
    refund = {"id": "rfnd_1", "amount": 100, "currency": "INR", "status": word, "acquirer_data": {"arn": "10000"}}
    fact = words.refund_fact_of(refund, "ref_1")
    assert (fact.status, fact.amount, fact.bank_reference) == (status, Money(100, "INR"), "10000")
    assert bool(fact.error_code) == (status == "failed")


# --- What it takes ---


@pytest.mark.parametrize(
    ("minor", "currency", "takes"),
    [(99, "INR", False), (100, "INR", True), (1_000, "KWD", True), (1_001, "KWD", False), (100, "JPY", True)],
)
def test_amounts_it_takes(minor, currency, takes):
    assert Razorpay().accepts(Money(minor, currency), Method.CARD) is takes


def test_a_key_of_the_other_mode_is_refused_before_anything_is_sent(world):
    live = replace(world.account, mode="live")
    with pytest.raises(BadCredentials, match="live mode"):
        world.gateway.check(live)
    with pytest.raises(NotSupported):
        world.gateway.start(world.attempt(account=live))
    assert world.server.asked == []


# --- Its client ---


def test_a_way_back_signed_for_another_order_is_forged(world):
    trip, other = world.go(), world.go()
    world.approve(other)
    trip.brought = other.brought
    with pytest.raises(ForgedReturn):
        world.come_back(trip)


def test_a_signature_of_odd_letters_is_forged_and_no_fault(world):
    trip = world.go()
    trip.brought = {"razorpay_payment_id": "pay_1", "razorpay_signature": "é"}
    with pytest.raises(ForgedReturn):
        world.come_back(trip)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b'{"error": {"code": "BAD_REQUEST_ERROR", "description": "the client would call this a no"}}'),
        (502, b"<html>Bad gateway</html>"),
        (429, b'{"error": {"code": "BAD_REQUEST_ERROR", "description": "Too many requests"}}'),
        (409, b'{"error": {"code": "BAD_REQUEST_ERROR", "description": "still in progress"}}'),
        (200, b"[]"),
        (200, b""),
        (302, b"{}"),
    ],
)
def test_only_a_clear_no_is_a_no(world, status, body):
    trip, _ = paid(world)
    world.server.faults.append(Fault("POST", "/refund$", "answer", Answered(status, body)))
    with pytest.raises(Unanswered):
        world.gateway.refund(world.account, trip.reference, "ref_0000000001", Money(100, "INR"))
    assert world.given_back() == []


@pytest.mark.parametrize(("status", "expected"), [(401, NotTaken), (403, NotTaken), (400, Done)])
def test_a_start_that_was_refused_goes_elsewhere_or_is_over(world, status, expected):
    told = Answered.of({"error": {"code": "BAD_REQUEST_ERROR", "description": "No.", "reason": "NA"}}, status)
    world.server.faults.append(Fault("POST", "/v1/orders$", "answer", told))
    if expected is Done:
        fact = world.go().outcome.fact
        assert (fact.status, fact.error_code, fact.message) == ("failed", "bad_request_error", "No.")
    else:
        with pytest.raises(NotTaken):
            world.go()


def test_an_order_that_was_made_twice_is_followed_where_the_customer_went(world):
    """A request to make it arrived late, after a second one had been answered."""
    trip = world.go()
    twin = dict(world.book.orders[trip.reference.gateway_order_id], id="order_twin", status="created")
    world.book.orders["order_twin"] = twin
    world.approve(trip)
    assert world.gateway.inquire(world.account, replace(trip.reference, gateway_order_id="")).status == "success"


def test_a_refund_is_found_behind_a_hundred_others(world):
    trip, _ = paid(world)
    for number in range(105):
        world.gateway.refund(world.account, trip.reference, f"ref_{number:010d}", Money(100, "INR"))
    found = world.gateway.inquire_refund(world.account, trip.reference, "ref_0000000000")
    assert found.key == "ref_0000000000"


def test_nothing_secret_is_written_anywhere(world, caplog, capsys):
    caplog.set_level(logging.DEBUG)
    trip, _ = paid(world)
    world.refuse_connections()
    with pytest.raises(Unanswered):
        world.ask(trip)
    written = caplog.text + "".join(capsys.readouterr())
    for secret in (world.account.credentials["key_secret"], world.account.credentials[EVENT_SECRET]):
        assert secret not in written
    assert "Connection failed" not in written, "the client prints what goes wrong; ours never gets that far"


# --- Its events ---


def test_an_event_without_an_id_of_its_own_is_named_by_its_bytes(world):
    body, headers = success(world)
    names = set()
    for odd in ({}, {"x-razorpay-event-id": "x" * 200}, {"x-razorpay-event-id": "a b\n"}):
        told = {"x-razorpay-signature": headers["x-razorpay-signature"], **odd}
        names.add(world.gateway.parse_event(world.account, body, told, at=clock.now()).event_id)
    assert len(names) == 1
    assert names.pop().startswith("sha256-")


def test_without_a_secret_every_event_is_forged(world):
    body, headers = success(world)
    bare = replace(world.account, credentials={**world.account.credentials, EVENT_SECRET: ""})
    with pytest.raises(Exception, match="must sign the raw bytes"):
        world.gateway.parse_event(bare, body, headers, at=clock.now())


def test_an_event_names_the_order_there_and_no_key_of_ours(world):
    """What a browser posted along may stand in the payment's notes: nothing about money is matched by that."""
    body, headers = success(world)
    assert "till_attempt" in json.dumps(json.loads(body))
    fact = world.gateway.parse_event(world.account, body, headers, at=clock.now()).fact
    assert isinstance(fact, PaymentFact)
    assert (fact.key, fact.gateway_order_id) == ("", next(iter(world.book.orders)))


def test_an_attempt_nobody_went_to_the_page_for_is_open(world):
    assert world.gateway.inquire(world.account, world.go().reference) is Standing.OPEN
