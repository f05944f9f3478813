"""Leaving for Razorpay's page and coming back, in Chromium: its rules on forms and origins are the point."""

import re

import pytest
from playwright.sync_api import expect

from payments.gateways.registry import gateway_named
from payments.models import Payment
from tests.browser.hands import choose, press
from tests.factories import MerchantFactory, OrderFactory
from tests.gateways.accounts import connected
from tests.gateways.razorpay_world import CREDENTIALS, RazorpayWorld

pytestmark = pytest.mark.django_db(transaction=True)
ONCE = "₹299.99 was taken, once."


@pytest.fixture
def razorpay(monkeypatch):
    """Razorpay at another origin than ours, as it is."""
    world, ours = RazorpayWorld(), gateway_named("razorpay")
    monkeypatch.setattr(ours, "api_url", world.server.url)
    monkeypatch.setattr(ours, "timeout_s", 5)
    monkeypatch.setattr(ours, "hosts", frozenset({world.server.url}))
    yield world
    world.stop()


@pytest.fixture
def session(razorpay, live_server, settings):
    """The page of an order that Razorpay takes."""
    settings.PUBLIC_URL = live_server.url
    merchant = MerchantFactory(account=None, name="Patang Paper Goods", accent="#7a1f57")
    connected(merchant, "razorpay", CREDENTIALS)
    return f"{live_server.url}/checkout/{OrderFactory(merchant=merchant).session_id}"


def leave_by(page, session, method, button):
    """Choose a way to pay and stand on the page that leads away."""
    page.goto(session)
    choose(page, method)
    press(page, button)
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("^Continue to your"))
    expect(page).to_have_url(session)


def go_on(page, razorpay):
    press(page, "Continue at Razorpay")
    page.wait_for_url(f"{razorpay.server.url}/v1/checkout/embedded")


@pytest.mark.parametrize(
    ("method", "button"),
    [
        ("card", "Continue to the card page"),
        ("upi", "Continue to the UPI page"),
        ("netbanking", "Go to my bank"),
        ("wallet", "Go to my wallet"),
    ],
)
def test_a_customer_goes_there_pays_and_comes_back(phone, session, razorpay, method, button):
    leave_by(phone, session, method, button)
    go_on(phone, razorpay)
    press(phone, "approve")
    press(phone, "Back to the shop")
    phone.wait_for_url(session)
    expect(phone.get_by_text(ONCE)).to_be_visible()
    assert len(razorpay.taken()) == 1


def test_a_refusal_there_is_told_here_and_the_next_way_pays(phone, session, razorpay):
    leave_by(phone, session, "card", "Continue to the card page")
    go_on(phone, razorpay)
    press(phone, "decline")
    press(phone, "Back to the shop")
    expect(phone.get_by_role("heading", level=1)).to_have_text("Your bank declined this card")
    leave_by(phone, session, "upi", "Continue to the UPI page")
    go_on(phone, razorpay)
    press(phone, "approve")
    press(phone, "Back to the shop")
    expect(phone.get_by_text(ONCE)).to_be_visible()


def test_leaving_there_by_its_own_link_leads_back_to_choose_again(phone, session, razorpay):
    leave_by(phone, session, "card", "Continue to the card page")
    go_on(phone, razorpay)
    phone.get_by_role("link", name="leave").click()
    expect(phone.get_by_role("heading", level=1)).to_have_text("You left before paying")


def test_back_reload_and_a_second_tab_show_the_same_way_out(phone, session, razorpay):
    leave_by(phone, session, "card", "Continue to the card page")
    go_on(phone, razorpay)
    phone.go_back()
    phone.reload()
    other = phone.context.new_page()
    other.goto(session)
    for page in (phone, other):
        expect(page.get_by_role("button", name="Continue at Razorpay")).to_be_enabled()
    go_on(other, razorpay)
    press(other, "approve")
    press(phone, "I have approved it: check")
    expect(phone.get_by_text(ONCE)).to_be_visible()
    assert Payment.objects.count() == 1


def test_cancel_leads_back_to_the_ways_to_pay(phone, session, razorpay):
    leave_by(phone, session, "card", "Continue to the card page")
    press(phone, "Cancel and choose another way")
    expect(phone.get_by_role("heading", level=1)).to_have_text("Your last try is cancelled")
    assert razorpay.taken() == []


def test_it_does_nothing_by_itself(phone, session, razorpay):
    leave_by(phone, session, "card", "Continue to the card page")
    asked = len(razorpay.server.asked)
    phone.wait_for_timeout(1_500)
    expect(phone).to_have_url(session)
    assert len(razorpay.server.asked) == asked
