"""Real processes killed with SIGKILL in the middle of payments; then the worker, and the books agree."""

import http.client
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request
from datetime import timedelta
from html import unescape
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from checkout.management.commands.worker import run_until_quiet
from payments import clock
from payments.gateways.simulator.models import SimulatedPayment
from payments.models import Order, Payment
from tests.factories import OrderFactory
from tests.hosted.customer import CARD_FIELDS

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

ORDERS, KILLS, CUSTOMERS = 60, 6, 6
ROOT = Path(__file__).resolve().parents[2]


def database_url():
    """The test's own database, as a URL for another process."""
    config = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{config['NAME']}"
    at = f"{config['HOST']}:{config['PORT'] or 5432}/{config['NAME']}"
    return f"postgres://{config['USER']}:{config['PASSWORD']}@{at}"


@pytest.fixture
def server():
    """gunicorn with two processes on a free port, on the test's database; its own session, so only it is ended."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        "PATH": os.environ["PATH"],
        "ENV_FILE": os.devnull,
        "SECRET_KEY": settings.SECRET_KEY,
        "API_KEY_PEPPER": settings.API_KEY_PEPPER,
        "FIELD_ENCRYPTION_KEYS": os.environ["FIELD_ENCRYPTION_KEYS"],
        "DATABASE_URL": database_url(),
        "PORT": str(port),
    }
    collect = [sys.executable, "manage.py", "collectstatic", "--noinput", "--verbosity", "0"]
    subprocess.run(collect, cwd=ROOT, env=environment, check=True)
    command = [sys.executable, "-m", "gunicorn", "checkout.wsgi"]
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until_up(url)
        yield url, process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_until_up(url):
    for _ in range(150):
        try:
            urllib.request.urlopen(f"{url}/readyz", timeout=2)
        except OSError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("the server did not come up")


def children_of(pid):
    """The pids of gunicorn's own workers."""
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def pay_over_http(url, order):
    """Open the page and send its form, once; whatever breaks is the customer's bad luck."""
    page = f"{url}/checkout/{order.session_id}"
    try:
        html = urllib.request.urlopen(page, timeout=10).read().decode()
        token = unescape(re.search(r'name="form_token" value="([^"]+)"', html)[1])
        body = urllib.parse.urlencode({**CARD_FIELDS, "form_token": token}).encode()
        urllib.request.urlopen(
            urllib.request.Request(f"{page}/pay", body, {"sec-fetch-site": "same-origin"}), timeout=10
        )
    except (OSError, TypeError, http.client.HTTPException):
        return


def test_kill_9_in_the_middle_of_payments_loses_and_doubles_nothing(server):
    url, process = server
    orders = [OrderFactory() for _ in range(ORDERS)]
    queue, dice = list(orders), random.Random(20_261_122)

    def customer():
        while queue:
            pay_over_http(url, queue.pop())

    threads = [threading.Thread(target=customer) for _ in range(CUSTOMERS)]
    for thread in threads:
        thread.start()
    killed = 0
    while killed < KILLS and any(thread.is_alive() for thread in threads):
        time.sleep(dice.uniform(0.05, 0.25))
        for pid in children_of(process.pid)[:1]:
            os.kill(pid, signal.SIGKILL)
            killed += 1
        wait_until_up(url)
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
