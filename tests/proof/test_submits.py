"""Fifty customers' fingers on one button, over HTTP: one capture in the gateway's own book."""

import pytest

from payments.gateways.simulator.models import SimulatedPayment
from payments.models import Order
from tests.factories import OrderFactory
from tests.hosted.customer import Customer, text_of
from tests.proof import assert_books_agree, run_together

pytestmark = pytest.mark.django_db(transaction=True)

SUBMITS = 50


@pytest.mark.parametrize("tabs", ["one form", "fifty forms"])
def test_fifty_parallel_submits_capture_once(tabs):
    order = OrderFactory()
    customers = [Customer(order) for _ in range(SUBMITS)]
    for customer in customers:
        customer.open()
    if tabs == "one form":
        for customer in customers:
            customer.token = customers[0].token
    answers = run_together(*[customer.pay for customer in customers])
    assert [(getattr(a, "status_code", a), a["Location"]) for a in answers] == [(303, customers[0].url)] * SUBMITS
    assert SimulatedPayment.objects.filter(status="captured").count() == 1
    assert Order.objects.get().status == "paid"
    assert "was taken, once." in text_of(customers[-1].open())
    assert_books_agree(order.pk)


def test_forty_orders_hit_twice_at_once_are_captured_once_each():
    orders = [OrderFactory() for _ in range(20)]
    twice = [Customer(order) for order in orders for _ in range(2)]
    for customer in twice:
        customer.open()
    answers = run_together(*[customer.pay for customer in twice])
    assert {getattr(answer, "status_code", answer) for answer in answers} == {303}
    assert SimulatedPayment.objects.filter(status="captured").count() == len(orders)
    for order in orders:
        customer = Customer(order)
        assert "was taken, once." in text_of(customer.open())
