"""Pay, cancel, come back, expire, terminate and late events, all at once, from many threads."""

import random
from datetime import timedelta

import pytest
from django.db import IntegrityError

from payments import clock
from payments.errors import NotPayable, NotYetExpired, StaleRow
from payments.gateways.simulator import desk, events
from payments.gateways.simulator.models import SimulatedEvent, SimulatedPayment
from payments.models import GatewayEvent, Order, Payment
from payments.services.answers import answer_challenge
from payments.services.cancels import cancel_attempt
from payments.services.gateway_events import receive_event
from payments.services.payments import expire_order, start_payment, terminate_order
from payments.services.reconcile import inquire_after_return, inquire_payment
from tests.factories import CHALLENGED, OrderFactory, bank_request, card_request
from tests.proof import assert_books_agree, assert_quiet, recover, run_together

pytestmark = pytest.mark.django_db(transaction=True)

UNTIL_QUIET = [timedelta(seconds=s) for s in (0, 6, 16, 61, 125, 301, 901, 4_600)] + [
    timedelta(hours=h) for h in (25, 27)
]
EVENT_URL = "https://till.example/events"


def _start(order, request):
    return start_payment(order.pk, request, at=clock.now(), links=lambda *_: ("", EVENT_URL))


def _decide(decision):
    for row in SimulatedPayment.objects.filter(status="open"):
        desk.decide(row, decision, at=clock.now())


def _deliver():
    """Every event in the outbox, in any order."""
    waiting = list(SimulatedEvent.objects.all())
    random.shuffle(waiting)
    for event in waiting:
        at, body = clock.now(), event.body.encode()
        receive_event("simulator", body, {events.SIGNATURE: events.sign(body, at=at)}, at=at)


def _actions(order, payment):
    return {
        "approve": lambda: _decide("approve"),
        "decline": lambda: _decide("decline"),
        "come back": lambda: inquire_after_return(payment.pk, at=clock.now()),
        "inquire": lambda: inquire_payment(payment.pk, at=clock.now(), even_if_early=True),
        "events": _deliver,
        "cancel": lambda: cancel_attempt(payment.pk, cause="customer", at=clock.now()),
        "pay by card": lambda: _start(order, card_request(nonce="n2")),
        "pay by bank": lambda: _start(order, bank_request(nonce="n3")),
        "terminate": lambda: terminate_order(order.pk, cause="staff", at=clock.now()),
        "expire": lambda: expire_order(order.pk, at=order.expires_at),
    }


REFUSALS = (NotPayable, NotYetExpired, StaleRow)


@pytest.mark.parametrize("seed", range(24))
def test_whoever_comes_first_the_books_agree_and_an_order_is_paid_once(seed):
    dice = random.Random(seed)
    order = OrderFactory()
    payment = _start(order, dice.choice([bank_request(), card_request(CHALLENGED)]))
    actions = list(_actions(order, payment).values())
    outcomes = run_together(*dice.sample(actions, dice.randint(4, len(actions))), _deliver)
    raised = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert all(isinstance(refusal, REFUSALS) for refusal in raised), raised
    _deliver()
    SimulatedEvent.objects.update(due_at=None)
    recover(UNTIL_QUIET)
    _deliver()
    assert_quiet(UNTIL_QUIET[-1])
    assert_books_agree(order.pk, captures_at_most=3)
    assert Order.objects.get().status in ("paid", "expired", "terminated")


def test_twenty_new_attempts_take_the_place_of_one_and_one_of_them_pays():
    order = OrderFactory()
    old = _start(order, bank_request())
    outcomes = run_together(*[lambda n=n: _start(order, card_request(nonce=f"n{n + 2}")) for n in range(20)])
    started = [outcome for outcome in outcomes if isinstance(outcome, Payment)]
    assert all(isinstance(refusal, NotPayable) for refusal in outcomes if refusal not in started), outcomes
    assert SimulatedPayment.objects.filter(status="captured").count() == 1
    assert Payment.objects.get(pk=old.pk).status == "cancelled"
    assert_books_agree(order.pk)


def test_one_event_from_twenty_threads_is_stored_and_applied_once():
    order = OrderFactory()
    _start(order, bank_request())
    _decide("approve")
    outcomes = run_together(*[_deliver] * 20)
    assert not any(isinstance(outcome, IntegrityError) for outcome in outcomes), outcomes
    assert outcomes == [None] * 20
    assert GatewayEvent.objects.count() == SimulatedEvent.objects.count() == 2
    assert Order.objects.get().status == "paid"
    assert_books_agree(order.pk)


def test_the_same_code_from_ten_tabs_takes_the_money_once():
    order = OrderFactory()
    payment = _start(order, card_request(CHALLENGED))
    outcomes = run_together(*[lambda: answer_challenge(payment.pk, {"otp": "123456"}, at=clock.now())] * 10)
    assert not any(isinstance(outcome, Exception) for outcome in outcomes), outcomes
    assert SimulatedPayment.objects.get().status == "captured"
    assert_books_agree(order.pk)
