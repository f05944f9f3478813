"""A crash at any point of a payment, then recovery by the worker's own jobs until nothing is due."""

from datetime import timedelta

import pytest
from django.db import connection

from payments import clock, faults
from payments.errors import NotPayable
from payments.gateways.base import Unanswered
from payments.gateways.simulator.engine import Simulator
from payments.gateways.simulator.models import SimulatedPayment
from payments.jobs import run_job
from payments.models import Customer, Event, Order, Payment
from payments.selectors import due_jobs
from payments.services.orders import create_order
from payments.services.payments import start_payment, terminate_order
from tests.factories import APPROVED, DECLINED, MerchantFactory, OrderFactory, card_request, new_order
from tests.proof import assert_books_agree

pytestmark = pytest.mark.django_db(transaction=True)

PAY_POINTS = sorted(name for name in faults.POINTS if name.startswith(("pay.", "gateway.")))
CREATE_POINTS = ["create.before_commit", "create.after_commit"]
TERMINATE_POINTS = ["terminate.before_commit", "terminate.after_commit"]
EXPIRE_POINTS = sorted(name for name in faults.POINTS if name.startswith("expire."))
ASKING_POINTS = ["gateway.before_call", "gateway.after_call", "pay.before_t2_commit"]
UNTIL_TOLD = [timedelta(), *(timedelta(seconds=s) for s in (6, 16, 61, 125, 301, 901, 4_600))]
UNTIL_OVER = [*UNTIL_TOLD, timedelta(hours=25), timedelta(hours=26)]


class _CrashOnce:
    """Dies at a point the first time it is reached, as kill -9 would: its connection is gone with it."""

    def __init__(self, point):
        self.point, self.has_crashed = point, False

    def __call__(self, name):
        if name == self.point and not self.has_crashed:
            self.has_crashed = True
            raise faults.Crash(name)


def _crash(point, action):
    crash = _CrashOnce(point)
    try:
        with faults.handled_by(crash):
            action()
    except faults.Crash:
        connection.close()
    return crash.has_crashed


def _work():
    """What `worker --once` does: every due job, each once."""
    for name, row_id in list(due_jobs(at=clock.now())):
        run_job(name, row_id, at=clock.now())


def _recover(moments, work=_work):
    for moment in moments:
        with clock.shifted(moment):
            work()


def _assert_quiet(after):
    with clock.shifted(after):
        assert list(due_jobs(at=clock.now())) == []
    assert not Payment.objects.live().exists()


def _pay(order, number=APPROVED, nonce="n1"):
    return lambda: start_payment(order.pk, card_request(number, nonce=nonce), at=clock.now())


def _lose_the_answer(monkeypatch, *, taken):
    """The connection breaks once, before or after the gateway did its work."""
    start, calls = Simulator.start, []

    def broken(self, attempt):
        calls.append(attempt.key)
        if len(calls) == 1 and not taken:
            raise Unanswered("reset before")
        outcome = start(self, attempt)
        if len(calls) == 1:
            raise Unanswered("reset after")
        return outcome

    monkeypatch.setattr(Simulator, "start", broken)


@pytest.mark.parametrize("number", [APPROVED, DECLINED], ids=["approved", "declined"])
@pytest.mark.parametrize("point", PAY_POINTS)
def test_after_a_crash_our_rows_agree_with_the_gateways_book(point, number):
    order = OrderFactory()
    assert _crash(point, _pay(order, number))
    _recover(UNTIL_TOLD)
    assert_books_agree(order.pk)
    _assert_quiet(UNTIL_TOLD[-1])


@pytest.mark.parametrize("point", PAY_POINTS)
def test_after_a_crash_the_customer_pays_by_the_same_form_or_another_and_only_once(point):
    order = OrderFactory()
    assert _crash(point, _pay(order))
    _pay(order)()  # the browser sends the form again at once
    _recover(UNTIL_TOLD)
    try:
        _pay(order, nonce="n2")()
    except NotPayable:
        assert Order.objects.get().status == "paid"
    assert Order.objects.get().status == "paid"
    assert SimulatedPayment.objects.filter(status="captured").count() == 1
    assert_books_agree(order.pk)


@pytest.mark.parametrize("point", PAY_POINTS)
def test_no_order_stays_open_for_ever_after_a_crash(point):
    order = OrderFactory()
    assert _crash(point, _pay(order))
    _recover(UNTIL_OVER)
    assert Order.objects.get().status in ("paid", "expired")
    assert_books_agree(order.pk)
    _assert_quiet(UNTIL_OVER[-1])


def test_a_crash_before_the_first_commit_leaves_nothing():
    order = OrderFactory()
    assert _crash("pay.before_t1_commit", _pay(order))
    assert not Payment.objects.exists()
    assert not Event.objects.exists()
    assert Order.objects.get().status == "created"
    assert not SimulatedPayment.objects.exists()


@pytest.mark.parametrize("point", ["pay.after_t1", "gateway.before_call"])
def test_a_crash_before_sending_frees_the_order_after_two_minutes_without_a_decline(point):
    order = OrderFactory()
    _crash(point, _pay(order))
    _recover(UNTIL_TOLD)
    order.refresh_from_db()
    assert (order.status, order.attempts_declined) == ("failed", 0)
    assert _pay(order, nonce="n2")().status == "success"
    assert_books_agree(order.pk)


@pytest.mark.parametrize("point", ["gateway.after_call", "pay.before_t2_commit"])
def test_money_taken_before_a_crash_is_found_at_the_first_question(point):
    order = OrderFactory()
    _crash(point, _pay(order))
    assert Order.objects.get().status == "pending"
    _recover([timedelta(seconds=6)])
    assert Order.objects.get().status == "paid"
    assert_books_agree(order.pk)


def test_a_crash_after_the_second_commit_loses_nothing():
    order = OrderFactory()
    assert _crash("pay.after_t2", _pay(order))
    assert Order.objects.get().status == "paid"
    assert _pay(order)() == Payment.objects.get()
    assert_books_agree(order.pk)


@pytest.mark.parametrize("asking", ASKING_POINTS)
@pytest.mark.parametrize("paying", ["pay.after_t1", "gateway.after_call"])
def test_a_crash_of_the_recovery_itself_is_recovered_too(paying, asking):
    order = OrderFactory()
    _crash(paying, _pay(order))
    crashes = []
    _recover(UNTIL_TOLD, work=lambda: crashes.append(not any(crashes) and _crash(asking, _work)) or _work())
    _recover(UNTIL_OVER[-2:])
    assert any(crashes)
    assert_books_agree(order.pk)
    _assert_quiet(UNTIL_OVER[-1])


@pytest.mark.parametrize("number", [APPROVED, DECLINED], ids=["approved", "declined"])
@pytest.mark.parametrize("taken", [False, True], ids=["before", "after"])
def test_a_lost_answer_is_asked_for_and_never_sent_again(monkeypatch, taken, number):
    order = OrderFactory()
    _lose_the_answer(monkeypatch, taken=taken)
    assert _pay(order, number)().status == "pending"
    _recover(UNTIL_TOLD)
    _assert_quiet(UNTIL_TOLD[-1])
    assert SimulatedPayment.objects.exclude(status="cancelled").count() == int(taken)
    assert Order.objects.get().status == ("paid" if taken and number == APPROVED else "failed")
    assert_books_agree(order.pk)


def test_a_gateway_that_is_down_for_a_day_leaves_no_order_unknown(monkeypatch):
    order = OrderFactory()
    _lose_the_answer(monkeypatch, taken=True)
    _pay(order)()
    inquire = Simulator.inquire
    monkeypatch.setattr(Simulator, "inquire", lambda *_: 1 / 0)
    _recover([timedelta(hours=hour) for hour in range(25)])
    assert (Order.objects.get().status, Payment.objects.get().status) == ("pending", "pending")
    monkeypatch.setattr(Simulator, "inquire", inquire)
    _recover(UNTIL_OVER[-2:])
    assert Order.objects.get().status == "paid"
    assert_books_agree(order.pk)


@pytest.mark.parametrize("point", EXPIRE_POINTS)
def test_a_crash_while_expiring_expires_once_in_the_end(point):
    order = OrderFactory(expires_at=clock.now())
    assert _crash(point, _work)
    assert Order.objects.get().status == ("created" if point == "expire.before_commit" else "expired")
    _recover([timedelta(seconds=1), timedelta(seconds=2)])
    assert Order.objects.get().status == "expired"
    assert list(order.events.values_list("kind", flat=True)) == ["order.expired"]
    assert_books_agree(order.pk)


@pytest.mark.parametrize("point", CREATE_POINTS)
def test_a_crash_while_an_order_is_made_leaves_a_whole_order_or_nothing(point):
    merchant = MerchantFactory()
    made = lambda: create_order(new_order(), merchant=merchant, mode="test", at=clock.now())  # noqa: E731
    assert _crash(point, made)
    survived = int(point == "create.after_commit")
    assert (Order.objects.count(), Customer.objects.count(), Event.objects.count()) == (survived,) * 3


@pytest.mark.parametrize("point", TERMINATE_POINTS)
def test_a_crash_while_an_order_is_called_off_can_be_repeated(point):
    order = OrderFactory()
    assert _crash(point, lambda: terminate_order(order.pk, cause="merchant", at=clock.now()))
    assert Order.objects.get().status == ("terminated" if point == "terminate.after_commit" else "created")
    terminate_order(order.pk, cause="merchant", at=clock.now())
    assert list(Event.objects.values_list("kind", flat=True)) == ["order.terminated"]


def test_an_attempt_that_stood_still_before_sending_can_never_take_money_any_more():
    """A stalled machine wakes after the worker gave the attempt up and the customer paid again."""
    order = OrderFactory()

    def fall_asleep(name):
        if name != "gateway.before_call" or SimulatedPayment.objects.exists():
            return
        with faults.handled_by(lambda _: None):
            _recover([timedelta(minutes=3)])
            assert Order.objects.get().status == "failed"
            _pay(order, nonce="n2")()

    with faults.handled_by(fall_asleep):
        _pay(order)()
    assert SimulatedPayment.objects.filter(status="captured").count() == 1
    assert_books_agree(order.pk)


def test_an_attempt_that_stood_still_longer_than_a_minute_is_not_sent_at_all():
    order = OrderFactory()
    start_payment(order.pk, card_request(nonce="n1"), at=clock.now() - timedelta(seconds=61))
    assert not SimulatedPayment.objects.exists()
    assert Order.objects.get().status == "pending"
    _recover([timedelta(minutes=6)])
    assert Order.objects.get().status == "failed"


def test_every_fault_point_is_crashed_at_here():
    assert {*PAY_POINTS, *EXPIRE_POINTS, *CREATE_POINTS, *TERMINATE_POINTS} == faults.POINTS
