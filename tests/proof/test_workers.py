"""Real worker processes: woken at once, sharing the work, killed in the middle, and stopped as they should be."""

import os
import re
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import ExitStack
from datetime import timedelta

import pytest
from django.db import connection

from payments import clock
from payments.models import Delivery, Event, Order, Worker
from payments.selectors import due_jobs
from payments.services.payments import start_payment
from tests.factories import OrderFactory, card_request, make_merchant_with_key
from tests.payments.receiver import answer, receiving
from tests.proof.processes import NAME_OF_CONNECTIONS, ROOT, environment, wait_for

pytestmark = pytest.mark.django_db(transaction=True)
IS_POSTGRESQL = connection.vendor == "postgresql"
WORKERS, KILLED = (4, 2) if IS_POSTGRESQL else (2, 1)
"""SQLite needs one only; a second one is harmless, and takes over from one that was killed."""
DELIVERIES, ORIGINS, OVERDUE = 200, 5, 20


@pytest.fixture(autouse=True)
def _private_receivers(settings):
    settings.WEBHOOK_ALLOW_PRIVATE = True


@pytest.fixture
def merchant():
    return make_merchant_with_key()[0]


@pytest.fixture
def worker(tmp_path):
    """Start workers, each with its own log; those that still run at the end are killed."""
    running = []

    def start(*args):
        log = tmp_path / f"worker{len(running)}.log"
        command = [sys.executable, "manage.py", "worker", *args]
        with log.open("wb") as out:
            env = environment(WEBHOOK_ALLOW_PRIVATE="True")
            running.append(subprocess.Popen(command, cwd=ROOT, env=env, stdout=out, stderr=out))
        running[-1].log = log
        return running[-1]

    yield start
    for process in running:
        process.kill()
        process.wait()


def at_work(*workers):
    names = [f":{process.pid}" for process in workers]
    return all(Worker.objects.filter(name__endswith=name).exists() for name in names)


def paid(merchant, url):
    """A paid order whose customer gets no mail: its webhook is the only work."""
    order = OrderFactory(merchant=merchant, notify_url=url, customer_email="")
    start_payment(order.pk, card_request(nonce=order.uid[:32]), at=clock.now())


def slowly(seconds):
    return lambda: (time.sleep(seconds), answer(200))[1]


def test_a_webhook_leaves_at_once_after_the_commit_and_not_at_the_next_look(merchant, worker):
    """The worker looks every five seconds: what comes much sooner was woken."""
    spent = []
    with receiving() as shop:
        process = worker("--idle", "5")
        wait_for(lambda: at_work(process), "the worker")
        for number in range(1, 6):
            began = time.monotonic()
            paid(merchant, shop.origin)
            wait_for(lambda: len(shop.requests) == number, "a webhook")  # noqa: B023
            spent.append(shop.arrived[-1] - began)
            wait_for(lambda: Delivery.objects.filter(status="delivered").count() == number, "its note")  # noqa: B023
    assert statistics.median(spent) < 0.7, spent


def test_a_worker_outlives_the_loss_of_its_connections(merchant, worker):
    """On SQLite there is no connection to lose, so there this is only a worker that goes on."""
    with receiving() as shop:
        process = worker()
        wait_for(lambda: at_work(process), "the worker")
        paid(merchant, shop.origin)
        wait_for(lambda: Delivery.objects.filter(status="delivered").count() == 1, "a first webhook")
        if IS_POSTGRESQL:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND application_name = %s",
                    [NAME_OF_CONNECTIONS],
                )
                assert cursor.fetchone()[0] >= 2
        paid(merchant, shop.origin)
        wait_for(lambda: Delivery.objects.filter(status="delivered").count() == 2, "a second webhook", timeout_s=40)
        assert process.poll() is None
        process.terminate()
        assert process.wait(30) == 0
    assert process.log.read_text().count("Traceback") < 10


def test_told_to_stop_it_ends_what_runs_and_begins_no_more(merchant, worker):
    """Two of three webhooks to one origin are on their way; the third waits for its turn, which never comes."""
    told = threading.Event()
    with receiving(lambda: (told.wait(12), time.sleep(0.5), answer(200))[2]) as shop:
        for _ in range(3):
            paid(merchant, shop.origin)
        process = worker()
        wait_for(lambda: len(shop.requests) == 2, "two webhooks on their way")
        assert Worker.objects.count() == 1
        process.terminate()
        told.set()
        assert process.wait(30) == 0
        assert len(shop.requests) == 2
    assert Counter(Delivery.objects.values_list("status", "tries")) == {("delivered", 1): 2, ("due", 0): 1}
    assert not Delivery.objects.filter(leased_until__gt=clock.now()).exists()
    assert not Worker.objects.exists()
    assert "worker stopped after 2 jobs" in process.log.read_text()


STUCK = """
import time, sys
from django.core.management import call_command
import django
django.setup()
from checkout.worker import running
from payments import jobs
running.PATIENCE_S = 1
def hang(pk, *, at):
    print("hanging", flush=True)
    time.sleep(600)
jobs.JOBS["expire_order"] = hang
call_command("worker")
"""


def test_what_does_not_end_by_itself_is_ended_in_time():
    """A job that hangs for good must not hold up the end of the process: its lease gives it to the next worker."""
    OrderFactory(expires_at=clock.now() - timedelta(minutes=1))
    env = environment(DJANGO_SETTINGS_MODULE="checkout.settings")
    process = subprocess.Popen([sys.executable, "-c", STUCK], cwd=ROOT, env=env, stdout=subprocess.PIPE)
    try:
        assert process.stdout.readline() == b"hanging\n"
        process.terminate()
        assert process.wait(30) == -signal.SIGALRM
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.mark.slow
def test_i9_workers_share_the_work_and_kill_9_loses_nothing(merchant, worker):
    """I9: what was committed is delivered, whoever dies. Twice came only what a killed worker held at its death."""
    with ExitStack() as stack:
        shops = [stack.enter_context(receiving(slowly(0.1))) for _ in range(ORIGINS)]

        def inbox():
            return [headers["webhook-id"] for shop in shops for _, headers, _ in shop.requests]

        for number in range(DELIVERIES):
            paid(merchant, shops[number % ORIGINS].origin)
        for _ in range(OVERDUE):
            OrderFactory(merchant=merchant, expires_at=clock.now() - timedelta(seconds=1))
        workers = [worker() for _ in range(WORKERS)]
        wait_for(lambda: at_work(*workers) and len(inbox()) >= 40, "the first forty webhooks")
        for process in workers[:KILLED]:
            os.kill(process.pid, signal.SIGKILL)
        for process in workers[:KILLED]:
            process.wait()
        held = set(Delivery.objects.filter(status="due", leased_until__gt=clock.now()).values_list("uid", flat=True))
        arrived = len(inbox())
        assert arrived < DELIVERIES
        wait_for(lambda: not Delivery.objects.filter(status="due").exists(), "the last webhook", timeout_s=120)
        wait_for(lambda: not Order.objects.filter(status="created").exists(), "the last expiry")
        for process in workers[KILLED:]:
            process.terminate()
        assert [process.wait(30) for process in workers[KILLED:]] == [0] * (WORKERS - KILLED)
        times = Counter(inbox())

    assert set(times) == set(Delivery.objects.filter(status="delivered").values_list("uid", flat=True))
    assert len(times) == Delivery.objects.count() == DELIVERIES
    assert {uid for uid, count in times.items() if count > 1} <= held
    assert max(times.values()) <= 2
    assert Event.objects.filter(kind="order.expired").count() == OVERDUE
    assert list(due_jobs(at=clock.now())) == []
    done = [int(re.search(r"stopped after (\d+) jobs", w.log.read_text())[1]) for w in workers[KILLED:]]
    assert all(done), done
