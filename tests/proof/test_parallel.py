"""Races with real threads: whoever comes first, the promises hold."""

import threading
import time
from datetime import timedelta

import pytest
from django.db import connection

from payments import clock, faults
from payments.errors import KeyLimitReached, NotPayable, NotYetExpired, OrderIdTaken, StaleRow
from payments.gateways.simulator.engine import Simulator
from payments.gateways.simulator.models import SimulatedPayment
from payments.models import ApiKey, Customer, Order, Payment
from payments.selectors import order_state, verify
from payments.services.facts import apply_gateway_fact
from payments.services.merchants import issue_key
from payments.services.orders import create_order
from payments.services.payments import expire_order, start_payment, terminate_order
from payments.services.reconcile import inquire_payment
from tests.factories import DECLINED, MerchantFactory, OrderFactory, PaymentFactory, card_request, fact_for, new_order
from tests.proof import assert_books_agree, assert_history_is_whole, run_together

pytestmark = pytest.mark.django_db(transaction=True)
MANY = 20
US = timedelta(microseconds=1)


def _pay(order, nonce, number=None, at=None):
    request = card_request(number, nonce=nonce) if number else card_request(nonce=nonce)
    return lambda: start_payment(order.pk, request, at=at or clock.now())


def _captured():
    return SimulatedPayment.objects.filter(status="captured").count()


def test_twenty_tabs_pay_an_order_once():
    """I1: an order is captured at most once."""
    order = OrderFactory()
    outcomes = run_together(*[_pay(order, f"n{tab}") for tab in range(MANY)])
    paid = [outcome for outcome in outcomes if isinstance(outcome, Payment)]
    assert len(paid) == _captured() == 1
    assert all(isinstance(outcome, NotPayable) for outcome in outcomes if outcome not in paid)
    assert_books_agree(order.pk)


def test_twenty_submits_of_one_form_are_one_payment():
    order = OrderFactory()
    outcomes = run_together(*[_pay(order, "same") for _ in range(MANY)])
    assert all(isinstance(outcome, Payment) for outcome in outcomes), outcomes
    assert len({outcome.pk for outcome in outcomes}) == _captured() == 1
    assert_books_agree(order.pk)


def test_a_good_and_nineteen_bad_cards_never_leave_two_live_attempts():
    order = OrderFactory()
    numbers = [None] + [DECLINED] * (MANY - 1)
    outcomes = run_together(*[_pay(order, f"n{tab}", number) for tab, number in enumerate(numbers)])
    assert all(isinstance(outcome, (Payment, NotPayable)) for outcome in outcomes), outcomes
    assert Order.objects.get().attempts_declined == Payment.objects.filter(status="failed").count() <= 5
    assert_books_agree(order.pk)


def test_many_orders_hit_twice_at_once_are_each_paid_once():
    merchant = MerchantFactory()
    orders = OrderFactory.create_batch(8, merchant=merchant)
    run_together(*[_pay(order, f"n{tab}") for order in orders for tab in range(2)])
    assert _captured() == Order.objects.filter(status="paid").count() == 8
    for order in orders:
        assert order.payments.filter(status="success").count() == 1


@pytest.mark.parametrize("early", [US, timedelta(), -US], ids=["before", "at", "after"])
def test_paying_and_expiring_at_the_edge_cannot_both_win(early):
    """I6: an expired order cannot start a payment."""
    order = OrderFactory()
    edge = order.expires_at
    payers = [_pay(order, f"n{tab}", at=edge - early) for tab in range(3)]
    sweepers = [lambda: expire_order(order.pk, at=edge)] * 3
    outcomes = run_together(*payers, *sweepers)
    refusals = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert all(isinstance(refusal, (NotPayable, NotYetExpired, StaleRow)) for refusal in refusals), refusals
    order.refresh_from_db()
    assert order.status in ({"paid", "expired"} if early > timedelta() else {"expired"})
    assert_books_agree(order.pk)


@pytest.mark.parametrize("point", ["pay.after_t1", "gateway.before_call", "gateway.after_call", "pay.after_t2"])
def test_an_order_whose_payment_is_in_flight_does_not_expire_under_it(point):
    order = OrderFactory()

    def sweep(name):
        if name == point:
            with pytest.raises(NotYetExpired):
                expire_order(order.pk, at=order.expires_at + timedelta(hours=1))

    with faults.handled_by(sweep):
        payment = start_payment(order.pk, card_request(), at=order.expires_at - US)
    assert payment.status == "success"
    assert_books_agree(order.pk)


def test_after_the_sweep_nobody_pays():
    order = OrderFactory()

    def pay(name):
        if name == "expire.after_commit":
            with pytest.raises(NotPayable):
                start_payment(order.pk, card_request(), at=order.expires_at - US)

    with faults.handled_by(pay):
        expire_order(order.pk, at=order.expires_at)
    assert Order.objects.get().status == "expired"
    assert_books_agree(order.pk)


def test_paying_and_terminating_cannot_both_win():
    """I21: one of them wins."""
    order = OrderFactory()
    now = clock.now()
    payers = [_pay(order, f"n{tab}") for tab in range(3)]
    outcomes = run_together(*payers, *[lambda: terminate_order(order.pk, cause="merchant", at=now)] * 3)
    assert all(isinstance(outcome, (Payment, Order, NotPayable)) for outcome in outcomes), outcomes
    assert Order.objects.get().status in ("paid", "terminated")
    assert_books_agree(order.pk)


@pytest.mark.parametrize(("number", "end"), [(None, "paid"), (DECLINED, "terminated")])
@pytest.mark.parametrize("point", ["pay.after_t1", "gateway.before_call", "gateway.after_call"])
def test_a_termination_during_a_payment_waits_for_its_end(point, number, end):
    order = OrderFactory()

    def terminate(name):
        if name == point:
            assert terminate_order(order.pk, cause="merchant", at=clock.now()).status == "pending"

    with faults.handled_by(terminate):
        _pay(order, "n1", number)()
    assert Order.objects.get().status == end
    assert_books_agree(order.pk)


@pytest.mark.parametrize("word", ["success", "failed", "authorized"])
def test_ten_copies_of_one_fact_at_once_act_once(word):
    payment = PaymentFactory()
    fact = fact_for(payment, word, declined=word == "failed")

    def tell():
        own = Payment.objects.get(pk=payment.pk)
        return apply_gateway_fact(own, fact, cause="event", at=clock.now())

    assert run_together(*[tell] * 10) == [None] * 10
    payment.refresh_from_db()
    assert (payment.status, payment.events.filter(kind=f"payment.{word}").count()) == (word, 1)
    assert Order.objects.get().attempts_declined == (1 if word == "failed" else 0)
    assert_history_is_whole(Order.objects.get())


def test_yes_and_no_at_once_end_as_yes():
    payment = PaymentFactory()
    facts = [fact_for(payment, word) for word in ("success", "failed", "user_dropped", "pending") * 3]
    tell = [lambda f=f: apply_gateway_fact(Payment.objects.get(), f, cause="event", at=clock.now()) for f in facts]
    assert run_together(*tell) == [None] * len(facts)
    assert (Payment.objects.get().status, Order.objects.get().status) == ("success", "paid")
    assert_history_is_whole(Order.objects.get())


@pytest.mark.parametrize("even_if_early", [False, True])
def test_ten_workers_ask_about_a_payment_once(even_if_early, monkeypatch):
    payment = PaymentFactory()
    asked = []
    answer = fact_for(payment, "success")
    monkeypatch.setattr(Simulator, "inquire", lambda self, account, reference: asked.append(reference.key) or answer)
    at = payment.started_at + timedelta(seconds=6)
    ask = [lambda: inquire_payment(payment.pk, at=at, even_if_early=even_if_early)] * 10
    assert sorted(run_together(*ask)) == [False] * 9 + [True]
    assert asked == [payment.gateway_key]
    assert Order.objects.get().status == "paid"


def test_an_order_id_is_given_once_however_many_ask():
    merchant, now = MerchantFactory(), clock.now()
    fields = {"order_id": "INV-1", "customer_reference": "cust-1"}
    make = [lambda: create_order(new_order(**fields), merchant=merchant, mode="test", at=now)] * 10
    outcomes = run_together(*make)
    assert sum(isinstance(outcome, OrderIdTaken) for outcome in outcomes) == 9, outcomes
    assert Order.objects.get().events.count() == 1


def test_a_customer_reference_makes_one_customer_however_many_orders():
    merchant, now = MerchantFactory(), clock.now()
    fields = {"customer_reference": "cust-1"}
    make = [lambda: create_order(new_order(**fields), merchant=merchant, mode="test", at=now)] * 10
    assert all(isinstance(outcome, Order) for outcome in run_together(*make))
    assert Customer.objects.count() == 1
    assert Order.objects.filter(customer=Customer.objects.get()).count() == 10


def test_no_merchant_gets_a_third_key_by_asking_fast():
    merchant, now = MerchantFactory(), clock.now()
    outcomes = run_together(*[lambda: issue_key(merchant, mode="test", at=now)] * 6)
    assert sum(isinstance(outcome, KeyLimitReached) for outcome in outcomes) == 4, outcomes
    assert ApiKey.objects.filter(revoked_at=None).count() == 2


def test_threads_really_use_connections_of_their_own():
    main = id(connection._connections)
    assert run_together(lambda: connection.ensure_connection() or Order.objects.count()) == [0]
    assert id(connection._connections) == main


def test_a_payment_that_pauses_at_the_gateway_holds_nobody_up():
    """No lock is held during a gateway call: other orders, and this order's pages, go on."""
    order, other = OrderFactory(), OrderFactory()
    seen = []

    def meanwhile(name):
        if name == "gateway.before_call" and not seen:
            seen.append("paused")
            seen.append(run_together(_pay(other, "n1"), _pay(order, "n2"), _pay(order, "n1")))

    with faults.handled_by(meanwhile):
        payment = _pay(order, "n1")()
    others, refused, same = seen[1]
    assert (others.status, type(refused), same.pk) == ("success", NotPayable, payment.pk)
    assert _captured() == 2
    assert order.payments.get().status == "success"


@pytest.mark.parametrize("overdue", [False, True], ids=["in time", "overdue meanwhile"])
def test_a_merchant_who_polls_never_hears_that_a_paid_order_failed_or_expired(overdue):
    """Order and attempts are one snapshot: between two statements a payment may succeed."""
    orders = [OrderFactory() for _ in range(3 if overdue else 40)]
    lifetime, thinks_s = (timedelta(seconds=1.5), 1.6) if overdue else (timedelta(hours=1), 0)
    heard, done = set(), threading.Event()

    def poll():
        last = {}
        while not done.is_set():
            for order in orders:
                status = verify(order_state(Order.objects.get(pk=order.pk), at=clock.now())).status
                if status != last.get(order.pk):
                    heard.add((last.get(order.pk), status))
                    last[order.pk] = status

    def pay():
        try:
            for order in orders:
                at = clock.now()
                Order.objects.filter(pk=order.pk).update(expires_at=at + lifetime)
                start_payment(order.pk, card_request(), at=at)
        finally:
            done.set()

    with faults.handled_by(lambda name: time.sleep(thinks_s if name == "gateway.after_call" else 0)):
        assert run_together(poll, poll, poll, pay) == [None] * 4
    news = ["created", "pending", "success"]
    forwards = {(None, status) for status in news} | {(a, b) for i, a in enumerate(news) for b in news[i + 1 :]}
    assert heard <= forwards
    assert any(status == "success" for _, status in heard)
