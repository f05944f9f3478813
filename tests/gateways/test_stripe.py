"""Stripe's adapter, by the official client over real HTTP, against a Stripe that keeps its own book."""

import pytest

from payments.gateways.base import EVENT_SECRET, Account
from payments.gateways.registry import gateway_named
from payments.gateways.stripe import client
from payments.money import Money
from tests.gateways.contract import GatewayContract
from tests.gateways.fakes.stripe import fake_stripe
from tests.gateways.world import World

POSTS = {
    "start": "POST /v1/checkout/sessions",
    "capture": "POST /v1/payment_intents/.*/capture",
    "refund": "POST /v1/refunds",
}
LOST = {"before": "timeout", "after": "timeout_after", "error": "error_after"}


class StripeWorld(World):
    def __init__(self, fake, monkeypatch):
        self.fake, self.monkeypatch = fake, monkeypatch
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
        self.fake.fail(LOST[fault], POSTS[call])

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


class TestStripe(GatewayContract):
    pass
