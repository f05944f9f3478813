"""docs/add-a-gateway.md does what it says: its adapter, as it stands there, keeps the contract and gets orders paid."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

import payments.gateways
from payments import clock
from payments.gateways.registry import GATEWAYS
from payments.models import Order
from payments.services.reconcile import inquire_after_return
from tests.factories import MerchantFactory, OrderFactory, card_request, fresh, start
from tests.gateways.accounts import connected

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "docs" / "add-a-gateway.md"
ADAPTER, CASES = "payments/gateways/tinypay.py", "tests/gateways/test_tinypay.py"
FILES = dict(re.findall(r"<!-- file: (\S+) -->\n```\w+\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S))


def _load(name, path):
    """A file of the page as the module it says it is, without writing it into the repository."""
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader=None))
    sys.modules[name] = module
    exec(compile(FILES[path], path, "exec"), module.__dict__)  # noqa: S102
    return module


tinypay = _load("payments.gateways.tinypay", ADAPTER)
payments.gateways.tinypay = tinypay
cases = _load("tests.gateways.test_tinypay", CASES)
world, TestTinypay = cases.world, cases.TestTinypay


def test_the_adapter_is_one_short_file():
    assert len(FILES[ADAPTER].splitlines()) < 200


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("command", [["check"], ["format", "--check"]], ids=["lint", "format"])
def test_the_code_of_the_page_is_as_tidy_as_ours(name, command):
    ruff = [sys.executable, "-m", "ruff", *command, "--quiet", "--no-cache", "--stdin-filename", name, "-"]
    done = subprocess.run(ruff, input=FILES[name], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.django_db
def test_an_order_is_paid_and_refunded_through_it(world, monkeypatch):
    """With one line in the registry the core does the rest."""
    monkeypatch.setitem(GATEWAYS, "tinypay", "payments.gateways.tinypay.Tinypay")
    account = connected(MerchantFactory(account=None), "tinypay", world.account.credentials)
    payment = start(OrderFactory(merchant=account.merchant), card_request())
    assert payment.next_action["url"].startswith(world.server.url)
    world.server.decide(payment.gateway_key, "paid")
    inquire_after_return(payment.pk, at=clock.now())
    assert Order.objects.get().status == "paid"
    assert fresh(payment).gateway_payment_id == world.server.payments[payment.gateway_key]["id"]
