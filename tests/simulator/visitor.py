"""A customer who starts an attempt at the hosted page and goes on at the pretend bank, by HTTP without cookies."""

import re
from html import unescape

from django.test import Client

from payments import clock
from payments.gateways.simulator import book
from payments.gateways.simulator.models import SimulatedPayment
from payments.selectors import order_state, verify
from tests.factories import APPROVED, CHALLENGED
from tests.hosted.customer import CARD_FIELDS, SAME_ORIGIN, Customer

CARD = {**CARD_FIELDS, "number": APPROVED}
CHALLENGE = {**CARD_FIELDS, "number": CHALLENGED}
BANK = {"method": "netbanking", "bank": "HDFC"}
WALLET = {"method": "wallet", "wallet": "amazon"}
UPI_APP = {"method": "upi", "upi_flow": "app"}


def upi(upi_id):
    return {"method": "upi", "upi_flow": "collect", "upi_id": upi_id}


class Visitor:
    """Starts with what `fields` choose at the hosted page; then `page` is the address at the pretend bank, if any."""

    def __init__(self, order, fields=None):
        self.order = order
        self.client = Client()
        self.customer = Customer(order, self.client)
        self.page = self.start(fields) if fields else ""

    def start(self, fields):
        self.customer.open()
        assert self.customer.post("pay", fields).status_code == 303
        found = re.search(r'href="(/simulator/[^"]+)"', self.customer.open().content.decode())
        self.page = unescape(found[1]) if found else ""
        return self.page

    @property
    def payment(self):
        """The attempt started last."""
        return self.order.payments.latest("pk")

    @property
    def row(self):
        """The same in the simulator's book."""
        return SimulatedPayment.objects.get(key=self.payment.gateway_key)

    @property
    def verdict(self):
        return verify(order_state(self.order, at=clock.now()))

    @property
    def standing(self):
        """The attempt's status and what the merchant learns."""
        return self.payment.status, self.verdict.status

    def approve_in_book(self):
        """The bank says yes by itself, without a customer, a return or an inquiry."""
        assert book.approve(self.row, at=clock.now())

    def look(self, **headers):
        return self.client.get(self.page, headers=headers)

    def press(self, decision="approve", *, headers=SAME_ORIGIN, **fields):
        return self.client.post(self.page, {"decision": decision, **fields}, headers=headers)

    def go_back(self, response):
        """Follow the pretend bank's answer to where it sends the customer."""
        return self.client.get(response["Location"])

    def cancel(self):
        """Press the payment page's own cancel."""
        page = self.customer.open().content.decode()
        form = re.search(r'action="[^"]+/cancel".*?</form>', page, re.DOTALL)[0]
        fields = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', form))
        return self.client.post(f"{self.customer.url}/cancel", fields, headers=SAME_ORIGIN)
