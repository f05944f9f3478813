"""Stripe's adapter, by the official client over real HTTP, against a Stripe that keeps its own book."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from payments import clock
from payments.gateways.base import (
    EVENT_SECRET,
    Account,
    BadCredentials,
    CancelAnswer,
    NotSupported,
    NotTaken,
    OrderRefused,
    Payer,
    Reference,
    Standing,
    Unanswered,
)
from payments.gateways.registry import gateway_named
from payments.gateways.stripe import client, events, words
from payments.money import Money
from payments.states import Method
from tests.gateways.contract import EndingAttempts, GatewayContract, OverTheNetwork, OwnEventSecrets
from tests.gateways.fakes.stripe import fake_stripe
from tests.gateways.world import PRICE, World

ROOT = Path(__file__).resolve().parent.parent.parent
POSTS = {
    "start": "POST /v1/checkout/sessions",
    "capture": "POST /v1/payment_intents/.*/capture",
    "refund": "POST /v1/refunds",
}
LOST = {
    "before": "timeout",
    "after": "timeout_after",
    "error": "error_after",
    "nonsense": "nonsense",
    "drip": "timeout_drip",
    "flood": "flood",
}


class StripeWorld(World):
    def __init__(self, fake, monkeypatch):
        self.fake = self.server = fake
        self.monkeypatch = monkeypatch
        self.gateway = gateway_named("stripe")
        self.account = Account(7, "test", fake.credentials)
        theirs = {"secret_key": fake.strangers_key, EVENT_SECRET: "whsec_" + "o" * 32}
        self.other = Account(8, "test", theirs)

    def approve(self, trip, amount=None):
        assert self.fake.approve(trip.outcome.gateway_order_id, units=amount.minor if amount else 0)

    def decline(self, trip):
        self.fake.decline(trip.outcome.gateway_order_id)
        self.leave(trip)

    def leave(self, trip):
        trip.brought = {"left": "1"}

    def lose(self, call, fault):
        self.fake.fail(LOST.get(fault, fault), POSTS[call])

    def say(self, trip, word):
        self.fake.intent_for(trip.attempt.key)["status"] = word

    def refuse_connections(self):
        self.monkeypatch.setattr(client, "API_BASE", "http://127.0.0.1:9")

    def taken(self):
        return [
            Money(intent["amount_received"], "INR")
            for intent in self.fake.intents.values()
            if intent["amount_received"]
        ]

    def given_back(self):
        return [Money(refund["amount"], "INR") for refund in self.fake.refunds.values()]

    def events(self):
        return [self.fake.signed(event) for event in self.fake.events]

    def signed(self, body, account, like):
        return self.fake.headers(body, secret=account.credentials[EVENT_SECRET])


@pytest.fixture
def fake(monkeypatch):
    with fake_stripe(monkeypatch) as fake:
        yield fake


@pytest.fixture
def world(fake, monkeypatch):
    return StripeWorld(fake, monkeypatch)


class TestStripe(GatewayContract, OverTheNetwork, EndingAttempts, OwnEventSecrets):
    """By its official client, over HTTP."""


# --- What is asked of Stripe ---


def test_a_session_carries_our_reference_and_all_that_keeps_the_amount_ours(world):
    attempt = world.go().attempt
    (asked,) = world.fake.made("POST", "/v1/checkout/sessions")
    assert asked["client_reference_id"] == attempt.key
    assert asked["metadata"] == asked["payment_intent_data"]["metadata"] == {"till_payment": attempt.key}
    assert asked["line_items"][0]["price_data"]["unit_amount"] == "29999"
    assert asked["adaptive_pricing"] == {"enabled": "false"}
    assert asked["payment_intent_data"]["capture_method"] == "automatic"
    assert asked["payment_method_types"] == ["card"]


@pytest.mark.parametrize(
    ("email", "told"), [("asha@example.com", True), ("asha@shop", False), ("", False), ("ü@x.de", False)]
)
def test_a_customer_need_not_type_his_address_again_where_stripe_surely_takes_it(world, email, told):
    world.go(payer=Payer("Asha Rao", email, ""))
    (asked,) = world.fake.made("POST", "/v1/checkout/sessions")
    assert asked.get("customer_email") == (email if told else None)


@pytest.mark.parametrize("livemode", [False, True])
def test_money_of_the_other_mode_fits_no_payment(world, livemode):
    trip = world.go()
    world.approve(trip)
    world.fake.session_for(trip.attempt.key)["livemode"] = livemode
    assert (world.ask(trip).key == trip.attempt.key) is (not livemode)


@pytest.mark.parametrize(("mode", "of_key"), [("test", "live"), ("live", "test")])
def test_a_key_of_the_other_mode_is_never_used(monkeypatch, mode, of_key):
    with fake_stripe(monkeypatch, of_key) as fake:
        world = StripeWorld(fake, monkeypatch)
        world.account = replace(world.account, mode=mode)
        with pytest.raises(NotTaken, match=f"no key of {mode} mode"):
            world.go()
        for ask in (world.gateway.inquire, world.gateway.cancel, world.gateway.void):
            with pytest.raises(Unanswered):
                ask(world.account, Reference("att_1", "pi_1", "cs_1"))
        assert fake.asked == []


@pytest.mark.parametrize("mode", ["test", "live"])
def test_nobody_is_sent_to_a_session_of_the_other_mode(monkeypatch, mode):
    with fake_stripe(monkeypatch, mode) as fake:
        world = StripeWorld(fake, monkeypatch)
        world.account = replace(world.account, mode=mode)
        fake.livemode = mode == "test"
        with pytest.raises(Unanswered, match="other mode"):
            world.go()


@pytest.mark.parametrize(("minutes", "lasts"), [(15, 32), (60, 60), (48 * 60, 23 * 60 + 55)])
def test_a_session_lasts_as_long_as_the_attempt_within_stripes_bounds(world, minutes, lasts):
    attempt = world.attempt()
    world.gateway.start(replace(attempt, deadline_at=attempt.at + timedelta(minutes=minutes)))
    (asked,) = world.fake.made("POST", "/v1/checkout/sessions")
    assert int(asked["expires_at"]) == int((attempt.at + timedelta(minutes=lasts)).timestamp())


def test_every_write_has_an_idempotency_key_and_every_request_a_version(world):
    trip = world.go(manual_capture=True)
    world.approve(trip)
    world.ask(trip)
    world.gateway.capture(world.account, trip.reference, Money(5_000, "INR"))
    world.gateway.refund(world.account, trip.reference, "ref_1", Money(100, "INR"))
    world.gateway.cancel(world.account, world.go().reference)
    keys = [asked.headers["idempotency-key"] for asked in world.fake.asked if asked.method == "POST"]
    assert len(keys) == len(set(keys)) == 5
    assert keys[:3] == [trip.attempt.key, f"{trip.attempt.key}-capture-5000", "ref_1"]
    assert all(asked.headers["stripe-version"] for asked in world.fake.asked)
    assert not any("x-stripe-client-telemetry" in asked.headers for asked in world.fake.asked)
    assert not any("platform" in asked.headers["x-stripe-client-user-agent"] for asked in world.fake.asked)


# --- Errors that Stripe repeats ---


def test_a_kept_error_is_followed_by_another_key_only_when_nothing_was_done(world):
    trip = world.go(manual_capture=True)
    world.approve(trip)
    world.ask(trip)
    world.fake.fail("error", POSTS["capture"])
    with pytest.raises(Unanswered):
        world.gateway.capture(world.account, trip.reference, PRICE)
    assert len(world.fake.made("POST", ".*/capture")) == 1, "the first error is a question, not a reason to try again"
    assert world.gateway.capture(world.account, trip.reference, PRICE).status == "success"
    keys = [asked.headers["idempotency-key"] for asked in world.fake.asked if asked.path.endswith("/capture")]
    assert [key.removeprefix(trip.attempt.key) for key in keys] == ["-capture-29999"] * 2 + ["-capture-29999-2"]
    assert world.taken() == [PRICE]


def test_a_kept_error_of_a_refund_that_was_made_all_the_same_finds_it(world):
    trip = world.go()
    world.approve(trip)
    world.ask(trip)
    world.fake.fail("error_after", POSTS["refund"])
    with pytest.raises(Unanswered):
        world.gateway.refund(world.account, trip.reference, "ref_1", PRICE)
    assert world.gateway.refund(world.account, trip.reference, "ref_1", PRICE).status == "success"
    assert world.given_back() == [PRICE]


def test_errors_without_end_stay_a_question(world):
    trip = world.go()
    world.approve(trip)
    world.ask(trip)
    world.fake.fail("error", POSTS["refund"], times=20)
    for _ in range(8):
        with pytest.raises(Unanswered):
            world.gateway.refund(world.account, trip.reference, "ref_1", PRICE)
    assert world.given_back() == []


def test_one_key_for_something_else_is_a_question(world):
    trip = world.go()
    world.approve(trip)
    world.ask(trip)
    world.gateway.refund(world.account, trip.reference, "ref_1", Money(100, "INR"))
    found = world.gateway.refund(world.account, trip.reference, "ref_1", Money(200, "INR"))
    assert found.amount == Money(100, "INR"), "what was made under the key is told, and the core compares"
    assert world.given_back() == [Money(100, "INR")]


# --- Errors ---


@pytest.mark.parametrize(
    ("fault", "raised"),
    [
        ("timeout", Unanswered),
        ("timeout_after", Unanswered),
        ("reset", Unanswered),
        ("reset_after", Unanswered),
        ("error", Unanswered),
        ("error_after", Unanswered),
        ("down", Unanswered),
        ("nonsense", Unanswered),
        ("busy", NotTaken),
    ],
)
def test_a_start_that_fails_is_not_taken_only_where_that_is_sure(world, fault, raised):
    world.fake.fail(fault, POSTS["start"])
    with pytest.raises(raised) as failure:
        world.go()
    assert not isinstance(failure.value, OrderRefused), "it says something about Stripe, not about the order"


@pytest.mark.parametrize("fault", ["timeout", "reset", "down", "nonsense", "busy"])
@pytest.mark.parametrize("call", ["inquire", "cancel"])
def test_a_question_without_an_answer_stays_one(world, fault, call):
    trip = world.go()
    world.fake.fail(fault, "GET /v1/checkout/sessions/.*")
    with pytest.raises(Unanswered):
        getattr(world.gateway, call)(world.account, trip.reference)


def test_nobody_there_is_a_question_to_all_but_a_start(world):
    trip = world.go()
    world.refuse_connections()
    for call in (world.gateway.inquire, world.gateway.cancel, world.gateway.void):
        with pytest.raises(Unanswered):
            call(world.account, trip.reference)


def test_what_stripe_refuses_to_start_is_not_taken(world):
    with pytest.raises(OrderRefused, match="at least 50 cents"):
        world.go(amount=Money(49, "INR"))
    assert world.fake.sessions == {}


def test_a_refused_capture_is_told_with_its_reason_and_may_be_asked_again(world):
    trip = world.go(manual_capture=True)
    world.approve(trip)
    world.ask(trip)
    for _ in range(2):
        fact = world.gateway.capture(world.account, trip.reference, Money(30_000, "INR"))
        assert (fact.status, fact.message) == ("authorized", "The amount to capture is above the capturable.")
    assert world.gateway.capture(world.account, trip.reference, PRICE).status == "success"


@pytest.mark.parametrize(
    "key", ["", "sk_live_" + "a" * 24, "pk_test_" + "a" * 24, "sk_test_a\r\nb", "sk_test_" + "z" * 24]
)
def test_a_key_of_another_kind_mode_or_account_is_refused(world, key):
    with pytest.raises(BadCredentials) as refusal:
        world.gateway.check(replace(world.account, credentials={**world.account.credentials, "secret_key": key}))
    assert not key or key not in str(refusal.value)


def test_a_restricted_key_needs_three_permissions(world):
    def check(*resources):
        key = world.fake.grant(*resources)
        world.gateway.check(replace(world.account, credentials={**world.account.credentials, "secret_key": key}))

    check("checkout", "payment_intents", "refunds")
    needed = {"checkout": "rak_checkout_session_write", "payment_intents": "rak_payment_intent_write"}
    for missing, named in (needed | {"refunds": "rak_charge_write"}).items():
        with pytest.raises(BadCredentials, match=f"lacks the permission {named}"):
            check(*{"checkout", "payment_intents", "refunds"} - {missing})


def test_an_account_without_a_key_asks_nobody(world):
    with pytest.raises(NotTaken):
        world.go(account=Account(7, "test", {}))
    assert world.fake.asked == []


# --- Amounts ---


@pytest.mark.parametrize(
    ("minor", "currency", "units"),
    [
        (29_999, "INR", 29_999),
        (500, "JPY", 500),
        (5, "ISK", 500),
        (5, "UGX", 500),
        (1_230, "KWD", 1_230),
        (99, "HUF", 99),
    ],
)
def test_amounts_are_written_as_stripe_counts_them_and_read_back_the_same(minor, currency, units):
    amount = Money(minor, currency)
    assert words.units_of(amount) == units
    assert words.money_of(units, currency.lower()) == amount


def test_an_amount_of_every_currency_is_paid_exactly(world):
    amounts = [Money(20_000, currency) for currency in words.CURRENCIES]
    assert all(world.gateway.accepts(amount, Method.CARD) for amount in amounts)
    trips = [world.go(amount=amount) for amount in amounts]
    for trip in trips:
        world.approve(trip)
    assert [world.ask(trip).amount for trip in trips] == amounts


@pytest.mark.parametrize("amount", [Money(1_234, "KWD"), Money(100, "IQD"), Money(49, "USD"), Money(10**10 + 1, "ISK")])
def test_an_amount_that_stripe_cannot_take_is_not_accepted(world, amount):
    assert not world.gateway.accepts(amount, Method.CARD)


@pytest.mark.parametrize("amount", [Money(1_234, "KWD"), Money(100, "IQD")])
def test_an_amount_that_stripe_cannot_write_is_never_rounded(world, amount):
    with pytest.raises(NotSupported):
        world.go(amount=amount)
    with pytest.raises(NotSupported):
        world.gateway.refund(world.account, Reference("att_1", "pi_1"), "ref_1", amount)
    assert world.fake.asked == []


def test_a_broken_amount_fits_no_payment():
    assert words.money_of(550, "isk") not in (Money(5, "ISK"), Money(6, "ISK"), Money(550, "ISK"))


# --- Finding ---


def test_an_attempt_is_found_by_its_time_and_by_its_intent_among_many(world):
    world.fake.page_size = 2
    trips = [world.go() for _ in range(5)]
    first = trips[0]
    world.approve(first)
    by_time = Reference(first.attempt.key, started_at=first.attempt.at)
    assert world.gateway.inquire(world.account, by_time).status == "success"
    by_intent = Reference(first.attempt.key, world.fake.intent_for(first.attempt.key)["id"])
    assert world.gateway.inquire(world.account, by_intent).status == "success"


def test_an_attempt_of_another_time_is_absent_and_one_of_no_time_a_question(world):
    trip = world.go()
    early = Reference(trip.attempt.key, started_at=trip.attempt.at - timedelta(hours=1))
    assert world.gateway.inquire(world.account, early) is Standing.ABSENT
    assert world.gateway.cancel(world.account, early) is CancelAnswer.DEAD
    assert world.gateway.cancel(world.account, Reference("att_0", started_at=clock.now())) is CancelAnswer.UNKNOWN
    with pytest.raises(Unanswered):
        world.gateway.inquire(world.account, Reference(trip.attempt.key))


def test_a_refund_is_found_among_many(world):
    world.fake.page_size = 2
    trip = world.go()
    world.approve(trip)
    world.ask(trip)
    for n in range(5):
        world.gateway.refund(world.account, trip.reference, f"ref_{n}", Money(100 + n, "INR"))
    found = world.gateway.inquire_refund(world.account, trip.reference, "ref_0")
    assert found.amount == Money(100, "INR")


# --- Cancelling ---


@pytest.mark.parametrize(
    ("word", "answer"),
    [
        ("processing", CancelAnswer.UNKNOWN),
        ("requires_action", CancelAnswer.UNKNOWN),
        ("wibbling", CancelAnswer.UNKNOWN),
        ("canceled", CancelAnswer.DEAD),
        ("requires_payment_method", CancelAnswer.DEAD),
        ("succeeded", CancelAnswer.ALIVE),
        ("requires_capture", CancelAnswer.ALIVE),
    ],
)
def test_an_expired_session_is_dead_only_if_its_intent_is(world, word, answer):
    trip = world.go()
    world.fake.decline(trip.outcome.gateway_order_id)
    assert world.gateway.cancel(world.account, trip.reference) is CancelAnswer.DEAD
    world.fake.intent_for(trip.attempt.key)["status"] = word
    assert world.gateway.cancel(world.account, trip.reference) is answer


@pytest.mark.parametrize("fault", ["timeout_after", "error", "error_after", "reset_after"])
def test_a_session_is_dead_only_when_stripe_confirms_it(world, fault):
    trip = world.go()
    world.fake.fail(fault, "POST /v1/checkout/sessions/.*/expire")
    with pytest.raises(Unanswered):
        world.gateway.cancel(world.account, trip.reference)
    assert world.gateway.cancel(world.account, trip.reference) is CancelAnswer.DEAD
    assert world.fake.session_for(trip.attempt.key)["status"] == "expired"


@pytest.mark.parametrize("code", [*words.DECLINES, "brand_new_code"])
def test_every_decline_has_a_code_of_ours_and_words(world, code):
    trip = world.go()
    world.fake.decline(trip.outcome.gateway_order_id, code)
    world.leave(trip)
    fact = world.come_back(trip)
    assert (fact.status, fact.declined) == ("failed", True)
    assert (fact.error_code, fact.message) == words.DECLINES.get(code, words.DECLINES["card_declined"])


@pytest.mark.parametrize(
    ("over", "says"),
    [
        ({"captured": True, "amount_captured": 29_999}, "success"),
        ({"captured": True, "amount_captured": 29_999, "refunded": True}, "success"),
        ({"captured": False}, "authorized"),
        ({"captured": False, "refunded": True}, "void"),
        ({"status": "failed"}, None),
        ({"payment_intent": None}, None),
    ],
)
def test_a_charge_says_what_became_of_its_money(world, over, says):
    trip = world.go(manual_capture=True)
    world.approve(trip)
    (charge,) = world.fake.charges.values()
    fact = words.charge_fact({**charge, **over}, world.account)
    assert (fact and fact.status) == says
    assert fact is None or (fact.key, fact.gateway_payment_id) == (trip.attempt.key, charge["payment_intent"])


def test_the_events_an_operator_is_told_to_send_are_all_read():
    """The page for operators lists them; each is about something that we read."""
    page = (ROOT / "docs" / "stripe.md").read_text(encoding="utf-8")
    kinds = re.search(r"```text\n(.*?)```", page, re.DOTALL)[1].split()
    abouts = {about for kind in kinds for about in events.ABOUT if kind.startswith(f"{about}.")}
    assert abouts == set(events.ABOUT)
    assert all(any(kind.startswith(f"{about}.") for about in abouts) for kind in kinds)
    assert all(len(kind) <= 40 for kind in kinds)


def test_an_event_of_a_connected_account_tells_us_nothing(world):
    trip = world.go()
    world.approve(trip)
    intent = world.fake.intent_for(trip.attempt.key)
    body, headers = world.fake.signed(world.fake.tell("payment_intent.succeeded", intent, account="acct_other"))
    event = world.gateway.parse_event(world.account, body, headers, at=clock.now())
    assert (event.kind, event.fact) == ("payment_intent.succeeded", None)


def test_the_client_is_imported_only_where_it_is_used():
    """It is large, and most servers have no account at Stripe."""
    code = """
import sys, django
django.setup()
import checkout.urls, checkout.wsgi
from payments.gateways.registry import GATEWAYS, gateway_named
for name in GATEWAYS: gateway_named(name)
sys.exit("stripe" in sys.modules)
"""
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    assert subprocess.run([sys.executable, "-c", code], env=environment, cwd=ROOT, check=False).returncode == 0
