"""A crash at any point of a payment, then recovery by the worker's own jobs until nothing is due."""

from datetime import timedelta
from functools import partial

import pytest

from payments import clock, faults
from payments.errors import NotPayable
from payments.gateways.base import Unanswered
from payments.gateways.simulator import desk, events
from payments.gateways.simulator.engine import Simulator
from payments.gateways.simulator.models import SimulatedEvent, SimulatedPayment, SimulatedRefund
from payments.jobs import run_job
from payments.models import Adjustment, AuditEntry, Customer, Event, GatewayEvent, Order, Payment
from payments.selectors import due_jobs
from payments.services.disputes import post_adjustment
from payments.services.facts import apply_gateway_fact
from payments.services.orders import create_order
from payments.services.payments import start_payment, terminate_order
from tests.factories import (
    APPROVED,
    DECLINED,
    MerchantFactory,
    OrderFactory,
    act,
    bank_request,
    card_request,
    fact_for,
    fresh,
    hand_over,
    new_order,
    paid,
    start,
)
from tests.payments import test_statements
from tests.proof import assert_books_agree, assert_quiet, crash, recover, test_deliveries, test_settlements, work
from tests.proof.test_crash_sweep import ACTION_POINTS, LATER_OPERATIONS, REFUND_POINTS

pytestmark = pytest.mark.django_db(transaction=True)

PAY_POINTS = sorted(name for name in faults.POINTS if name.startswith(("pay.", "gateway.")))
CREATE_POINTS = ["create.before_commit", "create.after_commit"]
TERMINATE_POINTS = ["terminate.before_commit", "terminate.after_commit"]
EVENT_POINTS = ["event.before_commit", "event.after_commit", "simulator.after_send"]
EXPIRE_POINTS = sorted(name for name in faults.POINTS if name.startswith("expire."))
ASKING_POINTS = ["gateway.before_call", "gateway.after_call", "pay.before_t2_commit"]
UNTIL_TOLD = [timedelta(), *(timedelta(seconds=s) for s in (6, 16, 61, 125, 301, 901, 4_600))]
UNTIL_OVER = [*UNTIL_TOLD, timedelta(hours=25), timedelta(hours=26)]


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
    assert crash(point, _pay(order, number))
    recover(UNTIL_TOLD)
    assert_books_agree(order.pk)
    assert_quiet(UNTIL_TOLD[-1])


@pytest.mark.parametrize("point", PAY_POINTS)
def test_after_a_crash_the_customer_pays_by_the_same_form_or_another_and_only_once(point):
    order = OrderFactory()
    assert crash(point, _pay(order))
    _pay(order)()  # the browser sends the form again at once
    recover(UNTIL_TOLD)
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
    assert crash(point, _pay(order))
    recover(UNTIL_OVER)
    assert Order.objects.get().status in ("paid", "expired")
    assert_books_agree(order.pk)
    assert_quiet(UNTIL_OVER[-1])


def test_a_crash_before_the_first_commit_leaves_nothing():
    order = OrderFactory()
    assert crash("pay.before_t1_commit", _pay(order))
    assert not Payment.objects.exists()
    assert not Event.objects.exists()
    assert Order.objects.get().status == "created"
    assert not SimulatedPayment.objects.exists()


@pytest.mark.parametrize("point", ["pay.after_t1", "gateway.before_call"])
def test_a_crash_before_sending_frees_the_order_after_two_minutes_without_a_decline(point):
    order = OrderFactory()
    crash(point, _pay(order))
    recover(UNTIL_TOLD)
    order.refresh_from_db()
    assert (order.status, order.attempts_declined) == ("failed", 0)
    assert _pay(order, nonce="n2")().status == "success"
    assert_books_agree(order.pk)


@pytest.mark.parametrize("point", ["gateway.after_call", "pay.before_t2_commit"])
def test_money_taken_before_a_crash_is_found_at_the_first_question(point):
    order = OrderFactory()
    crash(point, _pay(order))
    assert Order.objects.get().status == "pending"
    recover([timedelta(seconds=6)])
    assert Order.objects.get().status == "paid"
    assert_books_agree(order.pk)


def test_a_crash_after_the_second_commit_loses_nothing():
    order = OrderFactory()
    assert crash("pay.after_t2", _pay(order))
    assert Order.objects.get().status == "paid"
    assert _pay(order)() == Payment.objects.get()
    assert_books_agree(order.pk)


@pytest.mark.parametrize("asking", ASKING_POINTS)
@pytest.mark.parametrize("paying", ["pay.after_t1", "gateway.after_call"])
def test_a_crash_of_the_recovery_itself_is_recovered_too(paying, asking):
    order = OrderFactory()
    crash(paying, _pay(order))
    crashes = []
    recover(UNTIL_TOLD, work=lambda: crashes.append(not any(crashes) and crash(asking, work)) or work())
    recover(UNTIL_OVER[-2:])
    assert any(crashes)
    assert_books_agree(order.pk)
    assert_quiet(UNTIL_OVER[-1])


@pytest.mark.parametrize("number", [APPROVED, DECLINED], ids=["approved", "declined"])
@pytest.mark.parametrize("taken", [False, True], ids=["before", "after"])
def test_a_lost_answer_is_asked_for_and_never_sent_again(monkeypatch, taken, number):
    order = OrderFactory()
    _lose_the_answer(monkeypatch, taken=taken)
    assert _pay(order, number)().status == "pending"
    recover(UNTIL_TOLD)
    assert_quiet(UNTIL_TOLD[-1])
    assert SimulatedPayment.objects.exclude(status="cancelled").count() == int(taken)
    assert Order.objects.get().status == ("paid" if taken and number == APPROVED else "failed")
    assert_books_agree(order.pk)


def test_a_gateway_that_is_down_for_a_day_leaves_no_order_unknown(monkeypatch):
    order = OrderFactory()
    _lose_the_answer(monkeypatch, taken=True)
    _pay(order)()
    inquire = Simulator.inquire
    monkeypatch.setattr(Simulator, "inquire", lambda *_: 1 / 0)
    recover([timedelta(hours=hour) for hour in range(25)])
    assert (Order.objects.get().status, Payment.objects.get().status) == ("pending", "pending")
    monkeypatch.setattr(Simulator, "inquire", inquire)
    recover(UNTIL_OVER[-2:])
    assert Order.objects.get().status == "paid"
    assert_books_agree(order.pk)


@pytest.mark.parametrize("point", EXPIRE_POINTS)
def test_a_crash_while_expiring_expires_once_in_the_end(point):
    order = OrderFactory(expires_at=clock.now())
    assert crash(point, work)
    assert Order.objects.get().status == ("created" if point == "expire.before_commit" else "expired")
    recover([timedelta(seconds=1), timedelta(seconds=2)])
    assert Order.objects.get().status == "expired"
    assert list(order.events.values_list("kind", flat=True)) == ["order.expired"]
    assert_books_agree(order.pk)


@pytest.mark.parametrize("point", CREATE_POINTS)
def test_a_crash_while_an_order_is_made_leaves_a_whole_order_or_nothing(point):
    """I8: no change without its event, and no event without its change."""
    merchant = MerchantFactory()
    made = lambda: create_order(new_order(), merchant=merchant, mode="test", at=clock.now())  # noqa: E731
    assert crash(point, made)
    survived = int(point == "create.after_commit")
    assert (Order.objects.count(), Customer.objects.count(), Event.objects.count()) == (survived,) * 3


@pytest.mark.parametrize("point", TERMINATE_POINTS)
def test_a_crash_while_an_order_is_called_off_can_be_repeated(point):
    order = OrderFactory()
    assert crash(point, lambda: terminate_order(order.pk, cause="merchant", at=clock.now()))
    assert Order.objects.get().status == ("terminated" if point == "terminate.after_commit" else "created")
    terminate_order(order.pk, cause="merchant", at=clock.now())
    assert list(Event.objects.values_list("kind", flat=True)) == ["order.terminated"]


@pytest.mark.parametrize("point", EVENT_POINTS)
def test_a_crash_while_an_event_is_sent_or_taken_in_delivers_it_once_in_the_end(point, monkeypatch):
    monkeypatch.setattr(events, "_post", hand_over)
    order = OrderFactory()
    payment = start_payment(
        order.pk, bank_request(), at=clock.now(), links=lambda *_: ("", "https://till.example/events")
    )
    desk.decide(SimulatedPayment.objects.get(), "approve", at=clock.now())
    crashed = [crash(point, lambda pk=pk: run_job("simulator_event", pk, at=clock.now())) for _, pk in _events_due()]
    assert any(crashed)
    assert GatewayEvent.objects.count() == sum(point != "event.before_commit" for _ in crashed)
    recover(
        [events.LEASE + timedelta(seconds=1)], work=lambda: [run_job(*job, at=clock.now()) for job in _events_due()]
    )
    assert sorted(GatewayEvent.objects.values_list("kind", flat=True)) == ["payment.pending", "payment.success"]
    assert (Order.objects.get().status, Payment.objects.get()) == ("paid", payment)
    assert not SimulatedEvent.objects.exclude(due_at=None).exists()
    assert_books_agree(order.pk)


def _events_due():
    return [job for job in due_jobs(at=clock.now()) if job[0] == "simulator_event"]


def test_an_attempt_that_stood_still_before_sending_can_never_take_money_any_more():
    """A stalled machine wakes after the worker gave the attempt up and the customer paid again."""
    order = OrderFactory()

    def fall_asleep(name):
        if name != "gateway.before_call" or SimulatedPayment.objects.exists():
            return
        with faults.handled_by(lambda _: None):
            recover([timedelta(minutes=3)])
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
    recover([timedelta(minutes=6)])
    assert Order.objects.get().status == "failed"


@pytest.mark.parametrize("point", ["event.before_commit", "event.after_commit", "pay.before_t2_commit"])
def test_i7_a_crash_while_late_money_is_told_sends_it_back_once_in_the_end(point, monkeypatch):
    monkeypatch.setattr(events, "_post", hand_over)
    payment = start(OrderFactory(), bank_request())
    desk.decide(SimulatedPayment.objects.get(), "approve", at=clock.now())
    apply_gateway_fact(payment, fact_for(payment, "user_dropped"), cause="test", at=clock.now())
    terminate_order(payment.order_id, cause="merchant", at=clock.now())
    (told,) = SimulatedEvent.objects.filter(kind="payment.success").values_list("pk", flat=True)
    assert crash(point, lambda: run_job("simulator_event", told, at=clock.now()))
    recover([events.LEASE + timedelta(seconds=seconds) for seconds in (1, 2)])
    payment = fresh(payment)
    assert (payment.capture_kind, payment.order.status, payment.refunded_minor) == ("late", "terminated", 29_999)
    assert SimulatedRefund.objects.get().amount_minor == 29_999
    assert_quiet(timedelta(minutes=2))
    assert_books_agree(payment.order_id)


def test_a_crash_while_a_correction_is_posted_leaves_nothing_of_it():
    payment = paid(event_url="")
    correct = partial(post_adjustment, payment.merchant, 500, "INR", mode="test", by=act(), at=clock.now())
    assert crash("adjustment.before_commit", correct)
    assert not Adjustment.objects.exists()
    assert not AuditEntry.objects.exists()
    assert_books_agree(payment.order_id)
    correct()
    assert_books_agree(payment.order_id)


def test_every_fault_point_is_crashed_at():
    """Here, in the sweep, which crashes at every point of holds and refunds, or where settlements are killed."""
    here = {*PAY_POINTS, *EXPIRE_POINTS, *CREATE_POINTS, *TERMINATE_POINTS, *EVENT_POINTS, "adjustment.before_commit"}
    swept = {*ACTION_POINTS, *REFUND_POINTS}
    killed = {point for _, point in test_settlements.KILLED}
    assert here | swept | killed | set(test_deliveries.POINTS) | {test_statements.KILLED_AT} == faults.POINTS
    assert {point for _, _, points, _ in LATER_OPERATIONS.values() for point in points} >= swept
