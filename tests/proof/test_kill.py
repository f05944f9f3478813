"""Real processes killed with SIGKILL in the middle of payments; then the worker, and the books agree."""

import http.client
import os
import random
import signal
import subprocess
import sys
import threading
import time
from datetime import timedelta

import pytest

from checkout.management.commands.worker import run_until_quiet
from payments import clock
from payments.gateways.simulator.models import SimulatedPayment
from payments.models import Event, Order, Payment
from tests.factories import OrderFactory
from tests.proof.processes import ROOT, answers, children_of, environment, gunicorn, pay_over_http, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

ORDERS, KILLS, CUSTOMERS = 60, 6, 6


@pytest.fixture
def server():
    """gunicorn with two processes and the static files its pages name."""
    collect = [sys.executable, "manage.py", "collectstatic", "--noinput", "--verbosity", "0"]
    subprocess.run(collect, cwd=ROOT, env=environment(), check=True)
    with gunicorn() as running:
        yield running


def pay_and_shrug(url, order):
    """A customer: whatever breaks on the way is bad luck."""
    try:
        pay_over_http(url, order.session_id)
    except (OSError, TypeError, http.client.HTTPException):
        return


def test_kill_9_in_the_middle_of_payments_loses_and_doubles_nothing(server):
    url, process = server
    queue, dice = [OrderFactory() for _ in range(ORDERS)], random.Random(20_261_122)

    def customer():
        while queue:
            pay_and_shrug(url, queue.pop())

    threads = [threading.Thread(target=customer) for _ in range(CUSTOMERS)]
    for thread in threads:
        thread.start()
    killed = 0
    while killed < KILLS and any(thread.is_alive() for thread in threads):
        time.sleep(dice.uniform(0.05, 0.25))
        for pid in children_of(process.pid)[:1]:
            os.kill(pid, signal.SIGKILL)
            killed += 1
        wait_for(lambda: answers(url), "gunicorn after a kill")
    for thread in threads:
        thread.join(60)
    assert killed >= 3

    for later in (timedelta(seconds=10), timedelta(minutes=3), timedelta(hours=2)):
        with clock.shifted(later):
            run_until_quiet()
    assert not Payment.objects.live().exists()
    taken = set(SimulatedPayment.objects.filter(status="captured").values_list("key", "amount_minor"))
    ours = set(Payment.objects.filter(status="success").values_list("gateway_key", "captured_minor"))
    assert ours == taken
    assert Order.objects.filter(status="paid").count() == len(taken) > 0
    assert not Payment.objects.exclude(review_reason="").exists()


def test_two_workers_at_once_one_killed_expire_every_order_once_and_stop_when_told():
    overdue = clock.now() - timedelta(minutes=1)
    for _ in range(40):
        OrderFactory(expires_at=overdue)
    command, quiet = [sys.executable, "manage.py", "worker"], subprocess.DEVNULL
    workers = [subprocess.Popen(command, cwd=ROOT, env=environment(), stdout=quiet, stderr=quiet) for _ in range(2)]
    try:
        wait_for(lambda: Order.objects.filter(status="expired").exists(), "a first expired order")
        workers[0].kill()
        wait_for(lambda: not Order.objects.filter(status="created").exists(), "the last expired order")
        workers[1].terminate()
        assert workers[1].wait(10) == 0
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
    assert Event.objects.filter(kind="order.expired").count() == 40
