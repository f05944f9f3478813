"""How a worker hears of commits: by PostgreSQL's word or SQLite's number, and again after the connection was lost."""

import threading
import time
from contextlib import contextmanager
from datetime import timedelta
from itertools import pairwise

import pytest
from django.db import OperationalError, connection, connections, transaction

from payments import clock, waking
from payments.models import Refund
from payments.services.payments import start_payment
from tests.factories import OrderFactory, PaymentFactory, card_request, late
from tests.proof.processes import wait_for

QUIET_S = 0.3


class Rings:
    """Counts how often it rings."""

    def __init__(self):
        self.count = 0

    def __call__(self):
        self.count += 1

    def rang_for(self, act):
        """Whether it rings after something is done, and how soon; the seconds are the test's patience."""
        before = self.count
        act()
        wait_for(lambda: self.count > before, "a ring", timeout_s=10)
        return True

    def wait_for_silence(self):
        """Return once nothing has rung for a while."""
        before = -1
        while before != self.count:
            before = self.count
            time.sleep(QUIET_S)
        return self.count


@contextmanager
def listening(ring):
    over = threading.Event()
    thread = threading.Thread(target=waking.listen, args=[ring, over])
    thread.start()
    try:
        wait_for(lambda: ring.count, "the first ring")
        yield thread
    finally:
        over.set()
        thread.join(10)
        assert not thread.is_alive()


def test_a_bell_keeps_a_ring_until_somebody_waits_and_several_for_one():
    bell = waking.Bell()
    for _ in range(3):
        bell.ring()
    began = time.monotonic()
    bell.wait(60)
    assert time.monotonic() - began < 30
    bell.wait(0.05)
    assert time.monotonic() - began >= 0.05


def test_a_bell_wakes_who_waits():
    bell = waking.Bell()
    woken = threading.Thread(target=bell.wait, args=[60])
    woken.start()
    bell.ring()
    woken.join(30)
    assert not woken.is_alive()


@pytest.mark.django_db(transaction=True)
def test_a_webhook_and_a_refund_ring_when_they_are_committed():
    ring, order = Rings(), OrderFactory(notify_url="https://shop.example.com/h")
    with listening(ring):
        ring.wait_for_silence()
        assert ring.rang_for(lambda: start_payment(order.pk, card_request(), at=clock.now()))
        assert ring.rang_for(late)
    assert Refund.objects.get().status == "pending"


@pytest.mark.django_db(transaction=True)
def test_postgresql_rings_only_for_what_is_due_now():
    """SQLite's number says no more than that somebody committed."""
    ring = Rings()
    with listening(ring):
        ring.wait_for_silence()
        before = ring.count
        PaymentFactory(inquire_at=clock.now() + timedelta(seconds=5))
        rings = ring.wait_for_silence() - before
    assert rings == 0 if connection.vendor == "postgresql" else rings > 0


@pytest.mark.django_db(transaction=True)
def test_nothing_rings_for_what_was_rolled_back():
    ring, order = Rings(), OrderFactory(notify_url="https://shop.example.com/h")
    with listening(ring):
        before = ring.wait_for_silence()
        with transaction.atomic():
            PaymentFactory(order=order, inquire_at=clock.now())
            transaction.set_rollback(True)
        assert ring.wait_for_silence() == before


@pytest.mark.django_db(transaction=True)
def test_a_lost_connection_is_made_anew_without_haste(monkeypatch):
    """Rings once it is back, for something may have been missed."""
    monkeypatch.setattr(waking, "PAUSE_S", 0.2)
    monkeypatch.setattr(waking, "SLICE_S", 0.1)
    faults, failed, create = [], [], connections.create_connection

    def fragile(alias):
        database = create(alias)
        real = database.cursor

        def cursor():
            if faults:
                failed.append(time.monotonic())
                raise faults.pop()
            return real()

        database.cursor = cursor
        return database

    monkeypatch.setattr(connections, "create_connection", fragile)
    ring = Rings()
    with listening(ring):
        before = ring.wait_for_silence()
        faults += [OperationalError("server closed the connection unexpectedly")] * 3
        wait_for(lambda: ring.count > before, "a ring after the connection came back")
        assert ring.rang_for(lambda: PaymentFactory(inquire_at=clock.now()))
    assert len(failed) == 3
    assert min(later - sooner for sooner, later in pairwise(failed)) >= 0.2
