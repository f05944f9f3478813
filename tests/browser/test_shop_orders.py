"""The shop's own view of an order in Chromium: what VerifyPayment says beside the webhooks that reached it."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.core.management import call_command
from playwright.sync_api import expect

from payments.models import Delivery
from payments.states import DeliveryStatus
from tests.browser.hands import APPROVED, DECLINED, buy, fill_card, pay_button

pytestmark = pytest.mark.django_db(transaction=True)


def test_webhooks_stand_beside_what_verify_payment_says(phone, live_server, patang, settings, scripts):
    settings.WEBHOOK_ALLOW_PRIVATE = True
    patang.notify_url = f"{live_server.url}/shop/webhooks"
    patang.save(update_fields=["notify_url"])

    buy(phone, live_server)
    fill_card(phone, DECLINED)
    pay_button(phone).click()
    expect(phone.get_by_role("heading", name="Your bank declined this card")).to_be_visible()
    fill_card(phone, APPROVED)
    pay_button(phone).click()
    phone.get_by_role("link", name="Return to Patang Paper Goods").click()
    expect(phone.get_by_text("None has arrived yet.")).to_be_visible()

    call_command("worker", "--once", verbosity=0)
    assert set(Delivery.objects.values_list("status", flat=True)) == {DeliveryStatus.DELIVERED}

    phone.get_by_role("link", name="All your orders, with their webhooks").click()
    order = phone.get_by_role("listitem", name=re.compile("^Order PTG-"))
    expect(order.get_by_text("Paid", exact=True)).to_be_visible()
    expect(order.get_by_text("success, code 200")).to_be_visible()
    expect(order.locator(".told-us code")).to_have_text(["PAYMENT_FAILED_WEBHOOK", "PAYMENT_SUCCESS_WEBHOOK"])
    expect(order.get_by_text("try 1, signature verified")).to_have_count(2)

    if scripts:  # axe is one
        assert phone.evaluate("document.documentElement.scrollWidth") <= 375
        results = Axe().run(phone)
        assert results.violations_count == 0, results.generate_report()

    phone.get_by_role("link", name=re.compile("^Order PTG-")).click()
    expect(phone.get_by_text("PAYMENT_SUCCESS_WEBHOOK")).to_be_visible()
    expect(phone.get_by_text('"status": "success"')).to_be_visible()
