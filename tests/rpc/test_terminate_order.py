"""TerminateOrder: a merchant calls an order off, whatever is in flight."""

import json

import pytest

from payments import clock
from payments.gateways.simulator import desk
from payments.gateways.simulator.models import SimulatedPayment
from payments.models import Order
from payments.services.payments import start_payment
from payments.services.reconcile import inquire_payment
from tests.factories import bank_request, card_request
from tests.hosted.customer import Customer, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def order(caller):
    caller.create()
    return Order.objects.get()


def _terminate(caller, order):
    return caller.raw("TerminateOrder", json.dumps({"order_id": order.order_id}))


def test_an_order_nobody_paid_ends_at_once_and_only_once(caller, order):
    answers = [_terminate(caller, order).json() for _ in range(2)]
    assert answers == [{"message": "Order terminated", "code": "410", "status": "terminated"}] * 2
    assert order.events.filter(kind="order.terminated").count() == 1
    assert order.events.get(kind="order.terminated").cause == "merchant"
    assert "This order was called off" in text_of(Customer(order).open())


def test_an_attempt_in_flight_is_cancelled_first(caller, order):
    payment = start_payment(order.pk, bank_request(), at=clock.now())
    assert _terminate(caller, order).json()["status"] == "pending"
    inquire_payment(payment.pk, at=clock.now())  # what the worker does next
    assert caller.verify(order.order_id).json()["status"] == "terminated"
    assert SimulatedPayment.objects.get().status == "cancelled"


def test_money_that_was_taken_just_before_pays_the_order(caller, order):
    payment = start_payment(order.pk, bank_request(), at=clock.now())
    desk.decide(SimulatedPayment.objects.get(), "approve", at=clock.now())
    assert _terminate(caller, order).json()["status"] == "pending"
    inquire_payment(payment.pk, at=clock.now())
    assert caller.verify(order.order_id).json()["status"] == "success"


def test_a_paid_order_is_refused(caller, order):
    start_payment(order.pk, card_request(), at=clock.now())
    refusal = _terminate(caller, order)
    assert (refusal.status_code, refusal.json()["code"]) == (400, "failed_precondition")
    assert "paid" in refusal.json()["message"]
    assert caller.verify(order.order_id).json()["status"] == "success"


@pytest.mark.parametrize("order_id", ["", "nobody", "x" * 99, "order_\x00"])
def test_an_unknown_order_is_not_found(caller, order_id):
    refusal = caller.raw("TerminateOrder", json.dumps({"order_id": order_id}))
    assert (refusal.status_code, refusal.json()["code"]) == (404, "not_found")


def test_nobody_ends_the_order_of_another_merchant(order, stranger):
    assert _terminate(stranger, order).status_code == 404
    order.refresh_from_db()
    assert order.status == "created"
