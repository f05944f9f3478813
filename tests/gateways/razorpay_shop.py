"""A merchant whose payments Razorpay takes, and its customers: through our own doors, with Razorpay's book beside."""

import re
from urllib.parse import urlsplit

from django.test import Client

from payments.gateways.base import PostTo
from payments.models import Order
from tests.factories import MerchantFactory, OrderFactory
from tests.gateways.accounts import connected
from tests.gateways.razorpay_world import CREDENTIALS
from tests.gateways.world import Trip
from tests.hosted.customer import Customer, way_out


class RazorpayShop:
    """`account` is where its money goes. Customers have no cookies and no scripts."""

    def __init__(self, world):
        self.world, self.server = world, world.server
        self.account = connected(MerchantFactory(account=None), "razorpay", CREDENTIALS)

    def customer(self, **columns):
        """Somebody with an order to pay."""
        return Customer(OrderFactory(merchant=self.account.merchant, **columns))

    def go(self, customer, method="card"):
        """Choose a way to pay, and stand on the page that leads to Razorpay."""
        response = customer.pay_by(method)
        assert response["Location"] == customer.url, "a form never leads to another origin"
        customer.open()
        return self.trip(customer)

    def trip(self, customer):
        """What the page that the customer has open leads to."""
        url, fields = way_out(customer.html)
        payment = self.newest(customer)
        attempt = self.world.attempt(key=payment.gateway_key, return_url=fields["callback_url"])
        return Trip(attempt, PostTo(url, fields, gateway_order_id=fields["order_id"]))

    def newest(self, customer):
        return self.order(customer).payments.order_by("-pk").first()

    def order(self, customer):
        return Order.objects.get(session_id=customer.url.rpartition("/")[2])

    def come_back(self, trip, client=None):
        """The browser is sent back: by a form after a payment, by a link after leaving."""
        client, brought = client or Client(), trip.brought
        path = urlsplit(trip.attempt.return_url).path
        by_form = "left" not in brought
        response = client.post(path, brought) if by_form else client.get(path, brought)
        assert re.fullmatch(r"/checkout/sess_[\w-]+", response["Location"])
        return client.get(response["Location"])

    def pay(self, customer, method="card"):
        """All the way there, and back."""
        trip = self.go(customer, method)
        self.world.approve(trip)
        return self.come_back(trip)

    def deliver(self, events=None, account=None):
        """Bring server events to an account's address; the statuses they were answered with."""
        url = f"/callbacks/razorpay/{(account or self.account).pk}/events"
        answers = []
        for body, headers in self.world.events() if events is None else events:
            answers.append(Client().post(url, body, content_type="application/json", headers=headers).status_code)
        return answers
