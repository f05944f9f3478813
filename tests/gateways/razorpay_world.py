"""Razorpay as its fake plays it: every call goes over HTTP through the official client."""

import re
import urllib.error
import urllib.parse
import urllib.request

from payments.gateways.base import EVENT_SECRET, Account
from payments.gateways.razorpay.engine import Razorpay
from payments.money import Money
from tests.gateways.fakes import razorpay as fake
from tests.gateways.fakes.razorpay import FakeRazorpay, fields_of, query_of
from tests.gateways.fakes.server import PATIENCE_S, Fault
from tests.gateways.world import World

CREDENTIALS = {"key_id": fake.KEY_ID, "key_secret": fake.KEY_SECRET, EVENT_SECRET: fake.EVENT_SECRET}
OTHERS = {"key_id": fake.OTHER_ID, "key_secret": fake.OTHER_SECRET, EVENT_SECRET: fake.OTHER_EVENT_SECRET}
_ROUTES = {
    "start": ("POST", "/v1/orders$"),
    "capture": ("POST", "/capture$"),
    "refund": ("POST", "/refund$"),
    "inquire": ("GET", "/payments$"),
}


def post(url, fields):
    """What a browser does with a form; the page it gets."""
    body = urllib.parse.urlencode(fields).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body), timeout=5) as answer:
            return answer.read().decode()
    except urllib.error.HTTPError as refusal:
        raise AssertionError(refusal.read().decode()) from None


class RazorpayWorld(World):
    captures_in_part = False
    releases = False

    def __init__(self):
        self.server = FakeRazorpay()
        self.gateway = Razorpay(self.server.url, PATIENCE_S)
        self.account = Account(7, "test", CREDENTIALS)
        self.other = Account(8, "test", OTHERS)
        self.book = self.server.books[fake.KEY_ID]

    def stop(self):
        self.server.stop()

    def _press(self, trip, decision, **over):
        action, fields = fields_of(post(trip.outcome.url, trip.outcome.fields))
        _, trip.brought = fields_of(post(action, {**fields, "decision": decision, **over}))

    def approve(self, trip, amount=None):
        self._press(trip, "approve", **({"pretend_amount": amount.minor} if amount else {}))

    def decline(self, trip):
        self._press(trip, "decline")

    def leave(self, trip):
        page = post(trip.outcome.url, trip.outcome.fields)
        trip.brought = query_of(re.search(r'<a href="([^"]+)"', page)[1])

    def lose(self, call, fault):
        self.server.faults.append(Fault(*_ROUTES[call], fault))

    def say(self, trip, word):
        self.payment(trip)["status"] = word

    def payment(self, trip):
        """The newest payment of an attempt's order, in the book."""
        mine = [one for one in self.book.payments.values() if one["order_id"] == trip.reference.gateway_order_id]
        return mine[-1]

    def refuse_connections(self):
        self.server.stop()

    def taken(self):
        return [_money(payment) for payment in self.book.payments.values() if payment["captured"]]

    def given_back(self):
        return [_money(refund) for refund in self.book.refunds.values() if refund["status"] != "failed"]

    def events(self):
        return list(self.book.events)

    def signed(self, body, account, like):
        return {**like, **fake.signed(body, account.credentials[EVENT_SECRET])}


def _money(row):
    return Money(row["amount"], row["currency"])
