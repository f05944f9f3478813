"""People, merchants and the worker give money back at once, from many threads: never too much, and each refund once."""

import threading
from collections import Counter
from datetime import timedelta

import pytest

from payments import clock, faults
from payments.books import differences
from payments.errors import (
    NotCancellable,
    NotCapturable,
    NotPayable,
    NotRefundable,
    SamePerson,
    StaleRow,
)
from payments.gateways.simulator.engine import Simulator
from payments.gateways.simulator.models import SimulatedPayment, SimulatedRefund
from payments.models import AuditEntry, Merchant, Order, Refund
from payments.money import Money
from payments.services.audit import broken_links
from payments.services.payments import terminate_order
from payments.services.reconcile import inquire_payment
from payments.services.refunds import apply_refund_fact, cancel_refund, change_refund
from payments.services.sending import approve_and_send, capture_payment, process_refund, refund_payment, void_payment
from tests.factories import (
    OrderFactory,
    act,
    fresh,
    held,
    late,
    new_refund,
    paid,
    refund,
    refund_fact_for,
    requested,
    watch,
)
from tests.proof import assert_books_agree, assert_quiet, recover, run_together

pytestmark = pytest.mark.django_db(transaction=True)

SOON = [timedelta(seconds=s) for s in (0, 6, 16, 61, 125, 301)]


def _refund(payment, minor, **how):
    return lambda: refund_payment(payment.pk, new_refund(minor), at=clock.now(), **how)


def _settled(payment):
    """After the worker has run, all agrees; how the refunds ended."""
    recover(SOON)
    assert_books_agree(payment.order_id)
    return Counter(payment.refunds.values_list("status", flat=True))


def _given():
    return sum(SimulatedRefund.objects.filter(status="done").values_list("amount_minor", flat=True))


def test_i4_of_twenty_refunds_of_sixty_percent_one_is_made():
    payment = paid(amount_minor=10_000, event_url="")
    outcomes = run_together(*[_refund(payment, 6_000)] * 20)
    assert sum(isinstance(outcome, NotRefundable) for outcome in outcomes) == 19, outcomes
    assert (_settled(payment), _given()) == ({"success": 1}, 6_000)


def test_i4_a_hundred_refunds_of_one_percent_are_made_and_one_more_refused():
    payment = paid(amount_minor=10_000, event_url="")
    for _ in range(10):
        outcomes = run_together(*[_refund(payment, 100)] * 10)
        assert all(isinstance(outcome, Refund) for outcome in outcomes), outcomes
    with pytest.raises(NotRefundable):
        _refund(payment, 1)()
    assert (_settled(payment), _given()) == ({"success": 100}, 10_000)


def test_i4_staff_merchant_and_approver_together_never_give_too_much():
    payment = paid(amount_minor=10_000, event_url="")
    waiting = requested(payment, 4_000)
    Merchant.objects.update(one_person_refund_minor=10_000)
    askers = [_refund(payment, 3_000), _refund(payment, 3_000, by=act("asha")), _refund(payment, 3_000, by=act("ben"))]
    approve = lambda: approve_and_send(waiting.pk, version=1, by=act("ben"), at=clock.now())  # noqa: E731
    outcomes = run_together(*askers, approve, *askers)
    refused = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert all(isinstance(refusal, NotRefundable) for refusal in refused), refused
    assert (_settled(payment), _given(), len(refused)) == ({"success": 3}, 10_000, 4)
    assert list(broken_links()) == []


def test_i5_two_people_who_approve_at_once_send_it_once(monkeypatch):
    row = requested(paid(event_url=""))
    sent = watch(monkeypatch, "refund")
    people = [act(name) for name in ("ben", "carl", "asha", "dora")]
    outcomes = run_together(
        *[lambda by=by: approve_and_send(row.pk, version=1, by=by, at=clock.now()) for by in people * 3]
    )
    refused = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert all(isinstance(refusal, (NotRefundable, StaleRow, SamePerson)) for refusal in refused), refused
    assert len(sent.made) == SimulatedRefund.objects.count() == 1
    assert fresh(row).approved_by.username != "asha"
    assert AuditEntry.objects.filter(act="refund.approve").count() == 1
    assert (_settled(row.payment), list(broken_links())) == ({"success": 1}, [])


def test_approving_changing_and_cancelling_at_once_end_in_one_way():
    row = requested(paid(amount_minor=10_000, event_url=""), 5_000)
    now = clock.now()
    outcomes = run_together(
        *[lambda: approve_and_send(row.pk, version=1, by=act("ben"), at=now)] * 3,
        *[lambda: change_refund(row.pk, new_refund(10_000), by=act("carl"), at=now)] * 3,
        *[lambda: cancel_refund(row.pk, at=now, by=act("dora"))] * 3,
    )
    refused = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert all(isinstance(refusal, (NotRefundable, NotCancellable, StaleRow)) for refusal in refused), refused
    row = fresh(row)
    assert row.status in ("success", "cancelled", "requested")
    assert _given() == (row.amount_minor if row.status == "success" else 0)
    assert row.status != "success" or (row.version, row.amount_minor) == (1, 5_000)
    _settled(row.payment)


@pytest.mark.parametrize("fault", ["", "before", "after"])
def test_i5_ten_workers_send_a_refund_once(monkeypatch, fault):
    payment = late(event_url="")
    sent = watch(monkeypatch, "refund")
    sent.fault = fault
    row = payment.refunds.get()
    outcomes = run_together(*[lambda: process_refund(row.pk, at=clock.now())] * 10)
    assert sorted(outcomes) == [False] * 9 + [True]
    assert len(sent.made) == 1
    assert _settled(payment) == {"success": 1}
    assert len(sent.made) == (2 if fault == "before" else 1)
    assert {key for _, _, key, _ in sent.made} == {row.gateway_key}
    assert SimulatedRefund.objects.count() == 1


def test_i5_a_worker_that_slept_over_its_lease_sends_no_second_refund():
    payment = late(event_url="")
    row = payment.refunds.get()

    def fall_asleep(name):
        if name == "gateway.before_call" and not SimulatedRefund.objects.exists():
            with faults.handled_by(lambda _: None), clock.shifted(timedelta(seconds=61)):
                process_refund(row.pk, at=clock.now())

    with faults.handled_by(fall_asleep):
        process_refund(row.pk, at=clock.now())
    assert SimulatedRefund.objects.count() == 1
    assert (_settled(payment), fresh(row).payment.review_reason) == ({"success": 1}, "")


@pytest.mark.parametrize("word", ["success", "failed"])
def test_ten_copies_of_one_refund_fact_at_once_act_once(word, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(Simulator, "refund", lambda *_: 1 / 0)
        row = refund(paid(event_url=""), 10_000)
    fact = refund_fact_for(row, word)
    tell = lambda: apply_refund_fact(Refund.objects.get(), fact, cause="event", at=clock.now())  # noqa: E731
    assert run_together(*[tell] * 10) == [None] * 10
    row = fresh(row)
    assert (row.status, row.order.events.filter(kind=f"refund.{word}").count()) == (word, 1)
    assert row.payment.refunded_minor == (10_000 if word == "success" else 0)


@pytest.mark.parametrize("seed", range(4))
def test_i1_capture_against_void_one_wins_and_the_money_agrees(seed):
    payment = held(event_url="")
    captures = [lambda: capture_payment(payment.pk, Money(10_000, "INR"), cause="test", at=clock.now())] * 3
    voids = [lambda: void_payment(payment.pk, cause="test", at=clock.now())] * 3
    workers = [lambda: inquire_payment(payment.pk, at=clock.now())] * 2
    enders = [lambda: terminate_order(payment.order_id, cause="merchant", at=clock.now())]
    actions = [*captures, *voids, *workers, *enders]
    outcomes = run_together(*actions[seed:], *actions[:seed])
    refused = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert all(isinstance(refusal, (NotCapturable, NotPayable)) for refusal in refused), refused
    recover(SOON)
    payment, book = fresh(payment), SimulatedPayment.objects.get()
    assert (payment.status, book.status, payment.order.status) in [
        ("success", "captured", "paid"),
        ("void", "released", "terminated"),
    ]
    assert payment.captured_minor == book.captured_minor == (10_000 if payment.status == "success" else 0)
    assert_quiet(SOON[-1])
    assert_books_agree(payment.order_id)


def test_the_books_are_verified_beside_the_shops_business():
    """No payment that is captured or refunded between two questions is called a difference."""
    orders = [OrderFactory() for _ in range(12)]
    found, done = [], threading.Event()

    def verify():
        while not done.is_set():
            found.extend(differences())

    def trade():
        try:
            for order in orders:
                refund(paid(order, event_url=""), 10_000)
        finally:
            done.set()

    assert run_together(verify, trade) == [None, None]
    assert found == []
    assert Order.objects.filter(status="paid").count() == len(orders)
