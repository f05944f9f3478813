"""Paying at Stripe and back in a real browser, with and without scripts."""

import pytest
from playwright.sync_api import expect

from tests.browser.hands import buy, press
from tests.gateways.accounts import connected
from tests.gateways.fakes.stripe import fake_stripe

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def fake(monkeypatch, patang):
    patang.gateway_accounts.all().delete()
    with fake_stripe(monkeypatch) as fake:
        connected(patang, "stripe", fake.credentials)
        yield fake


def go_to_stripe(page, fake):
    """By our page's form, and then by the link of the page that leads away."""
    press(page, "Continue to the card page")
    page.get_by_role("link", name="Continue at Stripe").click()
    page.wait_for_url(f"{fake.url}/**")


def test_a_customer_who_is_declined_at_stripe_and_leaves_pays_the_second_time(phone, live_server, fake):
    buy(phone, live_server)
    go_to_stripe(phone, fake)
    press(phone, "Decline")
    phone.get_by_role("link", name="Leave").click()
    expect(phone.get_by_role("heading", name="declined")).to_be_visible()
    go_to_stripe(phone, fake)
    press(phone, "Approve")
    expect(phone.get_by_text("was taken, once.")).to_be_visible()
    assert [intent["status"] for intent in fake.intents.values()] == ["canceled", "succeeded"]
