"""`manage.py worker --once`: does all that is due, and survives a bad row."""

import time
from concurrent.futures import Executor, Future
from datetime import timedelta
from io import StringIO
from unittest import mock

import pytest
from django.core.management import call_command
from django.db import OperationalError

from checkout.worker import rounds, running
from payments import clock, jobs
from payments.states import OrderStatus, PaymentStatus
from tests.factories import OrderFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _keep_the_connection(monkeypatch):
    """A worker's threads renew theirs between jobs; the one here is in the transaction of the test."""
    for module in (rounds, running):
        monkeypatch.setattr(module, "close_old_connections", lambda: None)


class InThisThread(Executor):
    """A pool that runs its jobs at once, in the transaction of the test."""

    def submit(self, act, *args):
        done = Future()
        done.set_result(act(*args))
        return done


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

    monkeypatch.setattr(rounds, "BATCH", 3)
    monkeypatch.setitem(jobs.JOBS, "expire_order", fails)
    overdue = clock.now() - timedelta(minutes=1)
    bad = [OrderFactory(merchant=order.merchant, expires_at=overdue).pk for _ in range(5)]
    order.expires_at = clock.now()
    order.save()
    work = rounds.Rounds(InThisThread(), InThisThread())
    assert [work.run() for _ in range(4)] == [0, 1, 1, 1]
    assert sorted(pk for pk in tried if pk != order.pk) == bad
    with clock.shifted(timedelta(minutes=2)):
        work.run()
    assert len([pk for pk in tried if pk != order.pk]) > len(bad)


def test_only_a_second_long_running_worker_is_warned(settings, tmp_path):
    settings.VAR_DIR = tmp_path
    assert running.is_alone()
    assert not running.is_alone()


def test_once_told_to_stop_no_job_begins(order):
    order.expires_at = clock.now()
    order.save()
    work = rounds.Rounds(InThisThread(), InThisThread())
    work.is_over = True
    assert work.run() == 0
    order.refresh_from_db()
    assert (order.status, work.done) == (OrderStatus.CREATED, 0)


def test_what_somebody_else_did_first_is_not_counted_as_ours(order, monkeypatch):
    order.expires_at = clock.now()
    order.save()
    monkeypatch.setitem(jobs.JOBS, "expire_order", lambda pk, *, at: False)
    work = rounds.Rounds(InThisThread(), InThisThread())
    assert (work.run(), work.done) == (1, 0)


class Busy(Executor):
    """A pool whose jobs never end."""

    def submit(self, act, *args):
        return Future()


def test_a_mail_server_that_hangs_leaves_threads_to_webhooks(db, monkeypatch):
    mails, webhooks = [(rounds.MAIL, n) for n in range(20)], [("delivery", n) for n in range(20)]
    monkeypatch.setattr(rounds, "due_jobs", lambda **_: mails + webhooks)
    work = rounds.Rounds(InThisThread(), Busy())
    for _ in range(2):
        work.run()
        begun = [name for name, _ in work.sending]
        assert (begun.count(rounds.MAIL), len(begun)) == (rounds.MAILERS, rounds.SENDERS)


def test_a_send_is_noted_in_the_round_after_its_end_and_rings(order, monkeypatch):
    sent, rung, beats = Future(), [], []
    senders = mock.Mock(submit=lambda *_: sent)
    monkeypatch.setattr(rounds, "due_jobs", lambda **_: [("delivery", 7), ("expire_order", order.pk)])
    work = rounds.Rounds(InThisThread(), senders, on_end=lambda: rung.append(1), beat=lambda: beats.append(1))
    assert (work.run(), rung, beats) == (1, [], [1])
    sent.set_result(True)
    assert rung == [1]
    assert work.collect() == 1
    assert work.sending == {}


def test_a_worker_whose_database_is_away_rests_and_goes_on(monkeypatch, caplog):
    def away(**_):
        raise OperationalError("could not connect")

    worker = running.RunningWorker(idle_s=0.2)
    monkeypatch.setattr(rounds, "due_jobs", away)
    monkeypatch.setattr("payments.services.workers.sign_in", lambda *_, **__: away())
    work = rounds.Rounds(InThisThread(), InThisThread(), beat=worker.beat)
    began = time.monotonic()
    worker.bell.ring()  # somebody else's commit must not make it spin
    worker.beat()
    worker._round(work)
    assert time.monotonic() - began >= 0.2
    assert "could not read what is due" in caplog.text
    assert "could not say that it is alive" in caplog.text


def test_a_worker_beats_only_now_and_then(db, monkeypatch):
    beats = []
    monkeypatch.setattr("payments.services.workers.sign_in", lambda *_, **__: beats.append(1))
    worker = running.RunningWorker()
    for _ in range(3):
        worker.beat()
    assert beats == [1]


class BrokenRounds:
    """Rounds that cannot read what is due, until they are mended."""

    is_mended = False

    def run(self):
        if not self.is_mended:
            raise OperationalError("statement timeout")
        return 1


def test_a_worker_that_gets_nothing_done_falls_silent(monkeypatch):
    """It lives and does nothing: monitors have to hear of that too."""
    beats = []
    monkeypatch.setattr(running.workers, "sign_in", lambda name, **_: beats.append(name))
    worker, rounds = running.RunningWorker(idle_s=0), BrokenRounds()
    worker._round(rounds)
    worker.beat()
    assert beats == []
    rounds.is_mended = True
    worker._round(rounds)
    worker.beat()
    assert beats == [worker.name]
