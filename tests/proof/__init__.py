"""Proof by trying: real threads, simulated crashes, and the gateway's own book as the witness."""

import threading

from django.db import connection

from payments.gateways.simulator.models import SimulatedPayment
from payments.models import Order, Payment

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


def assert_books_agree(order_pk):
    """Our rows say exactly what the gateway's book says, and the order was captured once at most."""
    order = Order.objects.get(pk=order_pk)
    ours = {payment.gateway_key: payment for payment in order.payments.all()}
    book = {row.key: row for row in SimulatedPayment.objects.filter(key__in=ours)}
    assert SimulatedPayment.objects.count() == len(book), "the gateway knows an attempt that we have no row of"
    taken = {key: row.amount_minor for key, row in book.items() if row.status == SimulatedPayment.CAPTURED}
    assert {key: payment.captured_minor for key, payment in ours.items() if payment.is_captured} == taken
    assert len(taken) <= 1
    assert (order.status == "paid") is bool(taken)
    assert sum(taken.values()) == (order.amount_minor if order.status == "paid" else 0)
    assert_history_is_whole(order)


def assert_history_is_whole(order):
    """One event for each move, numbered 1..n; the newest of each row names the status it has."""
    events = list(order.events.order_by("sequence"))
    assert [event.sequence for event in events] == list(range(1, order.last_sequence + 1))
    for row in [order, *Payment.objects.filter(order=order)]:
        own = [e for e in events if e.kind.startswith("order") == isinstance(row, Order)]
        own = [e for e in own if isinstance(row, Order) or e.payment_id == row.pk]
        assert row.status == (own[-1].new if own else row.status)
