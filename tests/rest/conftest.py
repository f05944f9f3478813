"""A merchant with a key, and its way of calling REST."""

import json

import pytest
from django.core.cache import cache
from django.test import Client

from payments.models import Order
from tests.factories import make_merchant_with_key

CUSTOMER = {"customer_id": "walker_01", "customer_phone": "9999999999"}
LEAST = {"order_amount": 299.99, "order_currency": "INR", "customer_details": CUSTOMER}


class Caller:
    """Calls REST in JSON with one pair of credentials."""

    def __init__(self, client_id, client_secret):
        self.headers = {"x-client-id": client_id, "x-client-secret": client_secret, "x-api-version": "2025-01-01"}
        self.http = Client()

    def __call__(self, verb, path, body=None, *, headers=None, raw=None, content_type="application/json"):
        data = raw if raw is not None else (json.dumps(body) if body is not None else "")
        sent = {**self.headers, **(headers or {})}
        return self.http.generic(verb, f"/pg{path}", data=data, content_type=content_type, headers=sent)

    def create(self, *, headers=None, **over):
        body = {name: value for name, value in {**LEAST, **over}.items() if value is not ...}
        return self("POST", "/orders", body, headers=headers)

    def order(self, **over):
        """The row of a new order."""
        answer = self.create(**over)
        assert answer.status_code == 200, answer.content
        return Order.objects.get(uid=answer.json()["cf_order_id"])


@pytest.fixture(autouse=True)
def _fresh_counts():
    cache.clear()


@pytest.fixture
def merchant_and_caller(db):
    merchant, client_id, client_secret = make_merchant_with_key()
    return merchant, Caller(client_id, client_secret)


@pytest.fixture
def merchant(merchant_and_caller):
    return merchant_and_caller[0]


@pytest.fixture
def caller(merchant_and_caller):
    return merchant_and_caller[1]


@pytest.fixture
def stranger(db):
    """Another merchant's way of calling."""
    _, client_id, client_secret = make_merchant_with_key(name="Somebody else")
    return Caller(client_id, client_secret)


def refused(answer, status, code, *words):
    """The wire's refusal, with words its message must have."""
    assert answer.status_code == status, answer.content
    told = answer.json()
    assert told["code"] == code, told
    assert set(told) <= {"message", "code", "type", "help"}
    for word in words:
        assert word in told["message"]
    return told
