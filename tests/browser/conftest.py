"""A real browser against a real server; where there is no Chromium, skipped with a word on how to get it."""

import json
import os
import shutil
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from checkout.management.commands.demo import LOGO
from payments import clock
from payments.logos import reencoded
from payments.services.merchants import NewMerchant, create_merchant, set_logo
from payments.states import Mode

os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # playwright's own loop runs in the test's thread

expect.set_options(timeout=20_000)  # a waiting page asks again every 5 s, and a busy machine is slow

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
HOW_TO = "no Chromium found: install it (Debian and Ubuntu: apt-get install chromium) to run the browser tests"


BEFORE_EVERY_COMMIT = "test_journey.py"
"""A customer buys, is declined, pays and returns; the rest of these takes as long as all other tests together."""


def pytest_collection_modifyitems(items):
    for item in items:
        if "tests/browser/" in str(item.path).replace("\\", "/"):
            item.add_marker(pytest.mark.browser)
            if item.path.name != BEFORE_EVERY_COMMIT:
                item.add_marker(pytest.mark.slow)
            if CHROMIUM is None and not os.environ.get("TILL_REQUIRE_BROWSER"):
                item.add_marker(pytest.mark.skip(reason=HOW_TO))


@pytest.fixture(scope="session")
def browser_type_launch_args():
    quiet = ["--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update"]
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
    return {"executable_path": CHROMIUM, "args": [*quiet, *as_root]}


@pytest.fixture(params=["scripts", "no scripts"])
def scripts(request):
    """Every journey is gone with and without scripts."""
    return request.param == "scripts"


@pytest.fixture
def phone(browser, scripts):
    """A page of a phone's size that must load nothing from elsewhere and break no rule of ours."""
    context = browser.new_context(
        viewport={"width": 375, "height": 812}, java_script_enabled=scripts, service_workers="block"
    )
    page = context.new_page()
    complaints = []
    page.on(
        "console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    # A page that is meant to be an error (409, 410) is reported by Chromium as a failed load; that is no fault.
    assert [c for c in complaints if "Failed to load resource" not in c] == []


@pytest.fixture
def patang(live_server, settings, tmp_path):
    """The demo merchant as `manage.py demo` makes it, on the live server."""
    settings.PUBLIC_URL = live_server.url
    new = NewMerchant(
        name="Patang Paper Goods",
        return_url=f"{live_server.url}/shop/return",
        support_email="hello@patang.example",
        support_phone="+912255550142",
        terms_url=f"http://127.0.0.1:{urlsplit(live_server.url).port}/shop/terms",
        accent="#7a1f57",
    )
    merchant, issued = create_merchant(new, mode=Mode.TEST, at=clock.now())
    set_logo(merchant, reencoded(LOGO.read_bytes()))
    settings.DEMO_FILE = tmp_path / "demo.json"
    settings.DEMO_FILE.write_text(
        json.dumps(
            {
                "base_url": live_server.url,
                "org_id": merchant.org_id,
                "client_id": issued.key.client_id,
                "client_secret": issued.client_secret,
                "shop_url": f"{live_server.url}/shop",
            }
        )
    )
    return merchant
