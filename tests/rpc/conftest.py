"""A merchant with a key, and its way of calling."""

import base64
import json

import pytest
from django.core.cache import cache
from django.test import Client

from tests.factories import make_merchant_with_key

SERVICE = "/payment.v1.PaymentService"
LITERAL = {
    "customer_name": "Alice",
    "customer_email": "alice@example.com",
    "customer_phone": "9999999999",
    "order_amount": 299.99,
}


class Caller:
    """Calls the RPCs in JSON by HTTP with one pair of credentials."""

    def __init__(self, client_id, client_secret):
        self.headers = {"x-client-id": client_id, "x-client-secret": client_secret}
        self.http = Client()

    @property
    def basic(self):
        pair = f"{self.headers['x-client-id']}:{self.headers['x-client-secret']}"
        return {"authorization": "Basic " + base64.b64encode(pair.encode()).decode()}

    def raw(self, method, body, *, headers=None, content_type="application/json"):
        headers = self.headers if headers is None else headers
        return self.http.post(f"{SERVICE}/{method}", data=body, content_type=content_type, headers=headers)

    def create(self, **over):
        body = {name: value for name, value in {**LITERAL, **over}.items() if value is not ...}
        return self.raw("CreateOrder", json.dumps(body))

    def verify(self, order_id):
        return self.raw("VerifyPayment", json.dumps({"order_id": order_id}))


@pytest.fixture(autouse=True)
def _fresh_counts():
    cache.clear()


@pytest.fixture
def merchant_and_caller(db):
    merchant, client_id, client_secret = make_merchant_with_key()
    return merchant, Caller(client_id, client_secret)


@pytest.fixture
def caller(merchant_and_caller):
    return merchant_and_caller[1]


@pytest.fixture
def stranger(db):
    """Another merchant's key."""
    _, client_id, client_secret = make_merchant_with_key(name="Other Shop")
    return Caller(client_id, client_secret)
