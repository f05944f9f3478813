"""docs/sdks.md: what it prints to copy runs as it is printed."""

import re
import subprocess

import pytest

from payments.models import Order
from tests.sdks.conftest import ROOT

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def printed(language, told):
    """The page's examples in a language, in their order, with our own address and key."""
    page = (ROOT / "docs" / "sdks.md").read_text(encoding="utf-8")
    blocks = re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)
    assert blocks
    address = told["base_url"].removesuffix("/pg")
    return [block.replace("https://pay.example.com", address) for block in blocks]


def run(interpreter, script, *, folder=None):
    done = subprocess.run(
        [interpreter, "-"], input=script, capture_output=True, text=True, timeout=300, check=False, cwd=folder
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


@pytest.mark.parametrize(("version", "blocks"), [("6.0.1", [0]), ("5.0.6", [0]), ("4.5.1", [0, 1])])
def test_python(python_sdk, told, version, blocks):
    found = printed("python", told)
    setting_up = "".join(found[number] for number in blocks)
    if version == "4.5.1":  # its class takes no arguments
        setting_up = re.sub(r"cashfree = Cashfree\(X.*\n", "", setting_up)
    order = Order.objects.get(order_id=told["to_void"])
    script = f"client_id, client_secret = {told['client_id']!r}, {told['client_secret']!r}\n{setting_up}"
    call = f"cashfree.PGFetchOrder(x_api_version='2023-08-01', order_id={order.order_id!r})"
    assert run(python_sdk(version)[0], f"{script}\nprint({call}.data.cf_order_id)").strip() == order.uid


def test_node(node_sdk, told):
    setting_up, example = printed("js", told)
    keys = f"const clientId = {told['client_id']!r}, clientSecret = {told['client_secret']!r};"
    script = f"{keys}\n{setting_up}\n(async () => {{\n{example}\nconsole.log(order.order_id);\n}})();"
    node, walk = node_sdk
    made = run(node, script, folder=walk.parent).strip()
    assert Order.objects.get(order_id=made).status == "paid"
