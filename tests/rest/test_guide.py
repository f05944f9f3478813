"""The guide's examples run as they stand."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from payments.models import Order, Refund
from tests.factories import held, make_merchant_with_key

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "rest.md"
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
NODE = shutil.which("node")
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def run(live_server):
    """Run one of the guide's blocks against the live server, and give what it printed."""
    _, client_id, client_secret = make_merchant_with_key()
    variables = {**os.environ, "TILL": live_server.url, "TILL_ID": client_id, "TILL_SECRET": client_secret}

    def run(command, block, **more):
        done = subprocess.run(
            [*command, block], capture_output=True, text=True, timeout=60, check=True, env={**variables, **more}
        )
        return done.stdout

    return run


def block(language, word):
    [found] = [text for kind, text in BLOCKS if kind == language and word in text]
    return found


def test_curl_makes_an_order_holds_and_refunds(run):
    order = json.loads(run(["bash", "-c"], block("sh", "order_tags")))
    assert order["order_status"] == "ACTIVE"
    row = Order.objects.get(order_id=order["order_id"])
    Order.objects.filter(pk=row.pk).update(manual_capture=True)
    row.refresh_from_db()
    held(row)
    captured = json.loads(run(["bash", "-c"], block("sh", "CAPTURE"), ORDER=row.order_id))
    assert captured["authorization"]["captured_amount"] == 100
    refund = json.loads(run(["bash", "-c"], block("sh", "refund_note"), ORDER=row.order_id))
    assert refund["refund_status"] == "PENDING"
    assert Refund.objects.get().refund_id == "R-1"


def test_curl_adds_an_endpoint_and_asks_for_a_test_message(run):
    told = json.loads(run(["bash", "-c"], block("sh", "MY_SERVER"), MY_SERVER="https://8.8.8.8"))
    assert (told["type"], told["status"], told["url"]) == ("TEST_WEBHOOK", "due", "https://8.8.8.8/webhooks")


def test_python_asks_what_became_of_it(run):
    assert run([sys.executable, "-c"], block("python", "urllib")).split() == ["ACTIVE", "560.0", "0", "attempts"]


@pytest.mark.skipif(NODE is None, reason="no node found: install it to run the JavaScript example")
def test_javascript_ends_an_order(run):
    assert run([NODE, "--input-type=module", "-e"], block("js", "fetch")) == "TERMINATED\n"
