"""The staff's signature debugger in Chromium: usable by everybody, and not misled by what a text field does."""

import json

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from playwright.sync_api import expect

from payments import clock, signatures
from tests.staff.conftest import signed_in

pytestmark = pytest.mark.django_db(transaction=True)
SECRET = "till_test_q7Jv-x2M_0aLrTz9cVbNwE4sKdPfGhYu"
BODY = json.dumps({"type": "PAYMENT_SUCCESS_WEBHOOK", "data": {"order": {"order_amount": 170.0}}}, indent=2)


@pytest.mark.parametrize("width", [375, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_pasted_webhook_is_judged(browser, live_server, scheme, width):
    session = signed_in(User.objects.create_superuser("chief")).cookies["sid"].value
    context = browser.new_context(viewport={"width": width, "height": 812}, color_scheme=scheme)
    context.add_cookies([{"name": "sid", "value": session, "url": live_server.url}])
    page = context.new_page()
    complaints = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.goto(f"{live_server.url}/admin/")
    page.get_by_role("link", name="Signature debugger", exact=True).click()

    sent = signatures.headers(BODY.encode(), message_id="msg_1", secrets=[SECRET], attempt=1, at=clock.now())
    page.get_by_label("Headers").fill("\n".join(f"{name}: {value}" for name, value in sent.items()))
    page.get_by_label("Body as text").fill(BODY)
    page.get_by_label("Or a client secret").fill(SECRET)
    page.get_by_role("button", name="Check the signature").click()
    expect(page.get_by_role("status")).to_contain_text("The signature verifies: Standard Webhooks")
    expect(page.get_by_label("Or a client secret")).to_have_value("")

    page.get_by_label("Body as text").fill(json.dumps(json.loads(BODY)))
    page.get_by_label("Or a client secret").fill(SECRET)
    page.get_by_role("button", name="Check the signature").click()
    expect(page.get_by_text("body-spacing")).to_have_count(2)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert complaints == []  # before axe, which tries styles of its own
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()
    context.close()
