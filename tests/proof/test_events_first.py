"""Server events that come again and again, or before the answer to the call that made them."""

import pytest

from payments import clock
from payments.gateways.simulator.engine import Simulator
from payments.gateways.simulator.models import SimulatedEvent, SimulatedPayment, SimulatedRefund
from payments.models import Event, GatewayEvent, Order
from payments.services.sending import capture_payment, refund_payment
from tests.factories import OrderFactory, deliver, fresh, hand_over, held, new_refund, paid, start
from tests.proof import assert_books_agree

pytestmark = pytest.mark.django_db


def _event_first(monkeypatch, method):
    """The simulator's event is taken in before the call that made it is answered."""
    act = getattr(Simulator, method)

    def call(*arguments):
        answer = act(*arguments)
        deliver()
        return answer

    monkeypatch.setattr(Simulator, method, call)


def test_i15_an_event_that_comes_a_hundred_times_acts_once():
    payment = paid()
    (told,) = SimulatedEvent.objects.filter(kind="payment.success")
    before = Event.objects.count()
    for _ in range(100):
        hand_over(told)
    assert (Event.objects.count(), GatewayEvent.objects.count()) == (before, 1)
    assert_books_agree(payment.order_id)


def test_i16_an_event_that_outruns_the_answer_pays_once(monkeypatch):
    _event_first(monkeypatch, "start")
    payment = start(OrderFactory())
    assert (payment.status, payment.order.status, payment.review_reason) == ("success", "paid", "")
    assert payment.events.get(kind="payment.success").cause == "gateway event"
    assert_books_agree(payment.order_id)


def test_i16_an_event_that_outruns_the_answer_to_a_capture_captures_once(monkeypatch):
    payment = held()
    _event_first(monkeypatch, "capture")
    payment = fresh(capture_payment(payment.pk, cause="test", at=clock.now()))
    assert (payment.status, payment.order.status, payment.review_reason) == ("success", "paid", "")
    assert SimulatedPayment.objects.get().captured_minor == payment.captured_minor
    assert_books_agree(payment.order_id)


def test_i16_an_event_that_outruns_the_answer_to_a_refund_counts_once(monkeypatch):
    payment = paid()
    inquire = Simulator.inquire_refund

    def refund(self, account, reference, key, amount, act=Simulator.refund):
        act(self, account, reference, key, amount)
        inquire(self, account, reference, key)  # it is decided, and its event goes out,
        deliver("refund")
        return act(self, account, reference, key, amount)  # before we hear the answer

    monkeypatch.setattr(Simulator, "refund", refund)
    row = fresh(refund_payment(payment.pk, new_refund(10_093), at=clock.now()))
    assert (row.status, row.payment.refunded_minor, row.payment.review_reason) == ("success", 10_093, "")
    assert row.events.get(kind="refund.success").cause == "gateway event"
    assert SimulatedRefund.objects.count() == Order.objects.count() == 1
    assert_books_agree(payment.order_id)
