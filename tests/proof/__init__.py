"""Proof by trying: real threads, simulated crashes, and the gateway's own book as the witness."""

import threading

from django.db import connection

from payments import clock, faults
from payments.books import differences
from payments.gateways.simulator.models import SimulatedPayment
from payments.jobs import run_job
from payments.models import Order, Payment, Refund
from payments.selectors import due_jobs
from payments.states import REFUND_SENT, CaptureKind

TIMEOUT_S = 60


def run_together(*actions):
    """Run each action in a thread of its own, all released at once; give results and exceptions in their order."""
    outcomes = [None] * len(actions)
    gate = threading.Barrier(len(actions))

    def run(place, action):
        try:
            gate.wait(TIMEOUT_S)
            outcomes[place] = action()
        except Exception as refusal:  # noqa: BLE001  (the test judges it)
            outcomes[place] = refusal
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(actions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(TIMEOUT_S)
    assert not any(thread.is_alive() for thread in threads), "somebody still waits: a deadlock"
    return outcomes


def assert_books_agree(order_pk, *, captures_at_most=1):
    """Our rows say exactly what the gateway's book says, and the order was paid once at most.

    Where more than one capture is expected, every one but the order's own goes back whole, or staff know that it
    did not. And the ledger agrees with all of it (I3, I4, I10, I11).
    """
    order = Order.objects.get(pk=order_pk)
    ours = {payment.gateway_key: payment for payment in order.payments.all()}
    book = {row.key: row for row in SimulatedPayment.objects.filter(key__in=ours)}
    assert SimulatedPayment.objects.count() == len(book), "the gateway knows an attempt that we have no row of"
    taken = {key: row.captured_minor for key, row in book.items() if row.status == SimulatedPayment.CAPTURED}
    assert {key: payment.captured_minor for key, payment in ours.items() if payment.is_captured} == taken
    assert len(taken) <= captures_at_most
    normal = [payment for payment in ours.values() if payment.capture_kind == CaptureKind.NORMAL]
    assert len(normal) <= 1
    assert (order.status == "paid") is bool(normal)
    for payment in [payment for payment in ours.values() if payment.is_captured and payment not in normal]:
        back = payment.refunds.exclude(status="failed").first()
        assert back.amount == payment.captured if back else payment.review_reason
    if captures_at_most == 1 and order.status not in ("expired", "terminated"):
        assert bool(normal) is bool(taken)
    assert_history_is_whole(order)
    assert [str(difference) for difference in differences()] == []


def assert_history_is_whole(order):
    """I8: one event for each move, numbered 1..n; the newest of each row names the status it has."""
    events = list(order.events.order_by("sequence"))
    assert [event.sequence for event in events] == list(range(1, order.last_sequence + 1))
    for row in [order, *order.payments.all(), *order.refunds.all()]:
        kind = type(row).__name__.lower()
        own = [e for e in events if e.kind.startswith(f"{kind}.") and getattr(e, f"{kind}_id") == row.pk]
        assert row.status == (own[-1].new if own else row.status)


class CrashOnce:
    """Dies at a point the first time it is reached, as kill -9 would: its connection is gone with it."""

    def __init__(self, point):
        self.point, self.has_crashed = point, False

    def __call__(self, name):
        if name == self.point and not self.has_crashed:
            self.has_crashed = True
            raise faults.Crash(name)


def crash(point, action):
    """Do something and die at a point on the way; whether the point was reached."""
    dying = CrashOnce(point)
    try:
        with faults.handled_by(dying):
            action()
    except faults.Crash:
        connection.close()
    return dying.has_crashed


def work():
    """What `worker --once` does: every due job, each once."""
    for name, row_id in list(due_jobs(at=clock.now())):
        run_job(name, row_id, at=clock.now())


def recover(moments, work=work):
    """Let the worker run at these times from now."""
    for moment in moments:
        with clock.shifted(moment):
            work()


def assert_quiet(after):
    """Nothing is left to do by then, and no attempt is undecided."""
    with clock.shifted(after):
        assert list(due_jobs(at=clock.now())) == []
    assert not Payment.objects.live().exists()
    assert not Refund.objects.filter(status__in=REFUND_SENT).exists()
