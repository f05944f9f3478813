"""The official SDKs as merchants install them: pinned, each in a folder of its own under var/, made once."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.core.cache import cache

from payments import clock, signatures
from payments.models import Delivery
from tests.factories import OrderFactory, held, make_merchant_with_key, paid, refund
from tests.settling import close, pay_out, settle

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
INSTALLED = ROOT / "var" / "sdks"
IN_CI = bool(os.environ.get("CI"))
QUIET = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}


def unavailable(why):
    """CI skips nothing; at home a missing tool or registry is told and skipped."""
    pytest.fail(why) if IN_CI else pytest.skip(why)


@contextmanager
def place(sdk, *pins):
    """The folder for what these pins stand for, and whether it still has to be filled; one process at a time."""
    name = f"{sdk}-{hashlib.sha256(b''.join(pin.read_bytes() for pin in pins)).hexdigest()[:12]}"
    folder = INSTALLED / name
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (INSTALLED / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        mark = folder / ".complete"
        is_new = not mark.exists()
        if is_new:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
        yield folder, is_new
        mark.touch()


def run(*command, **options):
    done = subprocess.run(command, check=False, timeout=300, **QUIET, **options)
    if done.returncode:
        unavailable(f"{' '.join(map(str, command))} failed:\n{done.stdout[-2000:]}")


@pytest.fixture(scope="session")
def python_sdk():
    """The interpreter in which a version of the Python SDK is installed."""

    def install(version):
        pins = HERE / f"cashfree-pg-{version}.txt"
        with place(f"python-{version}", pins) as (folder, is_new):
            python = folder / "bin" / "python"
            uv = shutil.which("uv")
            if is_new and uv:
                run(uv, "venv", "--quiet", "--allow-existing", "--python", sys.executable, folder)
                run(uv, "pip", "install", "--quiet", "--python", python, "--require-hashes", "-r", pins)
            elif is_new:
                run(sys.executable, "-m", "venv", folder)
                run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                    "--require-hashes", "-r", pins)  # fmt: skip
        return [python, HERE / "walk.py"]

    return install


@pytest.fixture(scope="session")
def node_sdk():
    """The same of the Node SDK."""
    pins = [HERE / "cashfree-pg-node" / name for name in ("package.json", "package-lock.json")]
    if not (shutil.which("node") and shutil.which("npm")):
        unavailable("no node or npm found: install them (Debian and Ubuntu: apt-get install nodejs npm)")
    with place("node", *pins) as (folder, is_new):
        if is_new:
            for pin in pins:
                shutil.copy(pin, folder)
            run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", cwd=folder)
        shutil.copy(HERE / "walk.cjs", folder)
    return ["node", folder / "walk.cjs"]


@pytest.fixture
def told(live_server, settings):
    """What a walk has to know: where the server is, a key, held orders, a settled one, and a webhook as it is sent."""
    cache.clear()
    settings.PUBLIC_URL = live_server.url
    merchant, client_id, client_secret = make_merchant_with_key()
    to_capture, to_void = (held(OrderFactory(merchant=merchant, manual_capture=True)).order for _ in range(2))
    order = OrderFactory(merchant=merchant, notify_url="https://shop.example.com/hooks")
    payment = paid(order)
    refund(payment, 10_000, note="One page was torn")
    settlement = close(settle(merchant))
    pay_out(settlement)
    sent = Delivery.objects.get(event__payment__order=order, kind="PAYMENT_SUCCESS_WEBHOOK")
    headers = signatures.headers(
        sent.body.encode(), message_id=sent.uid, secrets=[client_secret], attempt=1, at=clock.now()
    )
    return {
        "base_url": f"{live_server.url}/pg",
        "client_id": client_id,
        "client_secret": client_secret,
        "to_capture": to_capture.order_id,
        "to_void": to_void.order_id,
        "settled": order.order_id,
        "settlement": settlement.pk,
        "webhook": {"headers": headers, "body": sent.body, "order_id": order.order_id},
    }
