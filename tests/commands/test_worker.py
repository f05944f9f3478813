"""`manage.py worker --once`: does all that is due, and survives a bad row."""

from datetime import timedelta
from io import StringIO
from unittest import mock

import pytest
from django.core.management import call_command

from checkout.management.commands import worker
from payments import clock, jobs
from payments.states import OrderStatus, PaymentStatus
from tests.factories import OrderFactory

pytestmark = pytest.mark.django_db


def once():
    out = StringIO()
    call_command("worker", "--once", stdout=out)
    return out.getvalue().strip()


def test_it_expires_what_is_overdue_and_leaves_the_rest(order):
    overdue = OrderFactory(merchant=order.merchant, expires_at=clock.now() - timedelta(seconds=1))
    assert once() == "1 jobs done"
    overdue.refresh_from_db()
    order.refresh_from_db()
    assert (overdue.status, order.status) == (OrderStatus.EXPIRED, OrderStatus.CREATED)
    assert once() == "0 jobs done"


def test_it_asks_about_pending_attempts_and_then_expires_their_orders(payment):
    payment.order.expires_at = clock.now() + timedelta(minutes=1)
    payment.order.save()
    with clock.shifted(timedelta(minutes=3)):
        assert once() == "1 jobs done"
    payment.refresh_from_db()
    payment.order.refresh_from_db()
    assert (payment.status, payment.order.status) == (PaymentStatus.FAILED, OrderStatus.EXPIRED)


def test_one_bad_row_stops_nothing(order, caplog):
    bad, good = (OrderFactory(merchant=order.merchant, expires_at=clock.now()) for _ in range(2))
    expire = jobs.JOBS["expire_order"]

    def fails_for_bad(pk, *, at):
        if pk == bad.pk:
            raise RuntimeError("broken row")
        expire(pk, at=at)

    with mock.patch.dict(jobs.JOBS, expire_order=fails_for_bad):
        once()
    good.refresh_from_db()
    assert good.status == OrderStatus.EXPIRED
    assert "broken row" in caplog.text


def test_a_row_that_keeps_failing_rests_and_starves_nobody(order, monkeypatch):
    tried = []

    def fails(pk, *, at):
        tried.append(pk)
        if pk != order.pk:
            raise RuntimeError("broken row")

    def in_this_thread(jobs):
        return [worker.run_safely(*job) for job in jobs]

    monkeypatch.setattr(worker, "BATCH", 3)
    monkeypatch.setitem(jobs.JOBS, "expire_order", fails)
    overdue = clock.now() - timedelta(minutes=1)
    bad = [OrderFactory(merchant=order.merchant, expires_at=overdue).pk for _ in range(5)]
    order.expires_at = clock.now()
    order.save()
    rounds = worker.Rounds(mock.Mock(map=lambda run, due: in_this_thread(due)))
    assert [rounds.run() for _ in range(4)] == [0, 1, 1, 1]
    assert sorted(pk for pk in tried if pk != order.pk) == bad
    with clock.shifted(timedelta(minutes=2)):
        rounds.run()
    assert len([pk for pk in tried if pk != order.pk]) > len(bad)


def test_only_a_second_long_running_worker_is_warned(settings, tmp_path):
    settings.VAR_DIR = tmp_path
    assert worker.is_alone()
    assert not worker.is_alone()
