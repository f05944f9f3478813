"""Paying with nothing but a keyboard: every stop is seen, comes in the page's order, and can be left again."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.hands import APPROVED, CHALLENGED
from tests.browser.walk import opened
from tests.factories import OrderFactory

pytestmark = pytest.mark.django_db(transaction=True)

MOST_STOPS = 40
STOP = """() => {
  const e = document.activeElement, ring = e.closest(".method-row, .option") || e;
  const style = getComputedStyle(ring), box = ring.getBoundingClientRect();
  const at = [...document.querySelectorAll("*")].indexOf(e);
  const isSeen = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 && box.width > 0;
  return {at, name: e.id || e.textContent.trim(), isSeen, isPage: e === document.body};
}"""


def press_to(page, what):
    """Press Tab until something of this id or name has the focus; the stops on the way."""
    stops = []
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        stop = page.evaluate(STOP)
        assert stop["isSeen"] or stop["isPage"], f"no ring around {stop['name']}"
        stops.append(stop)
        if re.search(what, stop["name"]):
            break
    else:
        pytest.fail(f"{what} is not reached: {[stop['name'] for stop in stops]}")
    places = [stop["at"] for stop in stops if not stop["isPage"]]
    assert places == sorted(places), "the focus does not follow the page's order"
    return stops


def choose(page, method):
    """Go to the ways to pay, and to one of them by the arrows."""
    press_to(page, "^method-")
    while page.evaluate("document.activeElement.value") != method:
        page.keyboard.press("ArrowDown")
    assert page.evaluate(STOP)["isSeen"]


def type_card(page, number):
    for field, text in (("number", number), ("expiry", "1239"), ("cvc", "123"), ("holder", "Asha Rao")):
        press_to(page, f"^{field}$")
        page.keyboard.type(text)
    press_to(page, "^Pay ₹")
    page.keyboard.press("Enter")


def approve(page):
    """On the pretend bank's page."""
    page.wait_for_url("**/simulator/**")
    if page.locator("[autocomplete='one-time-code']").count():
        press_to(page, "code|otp")
        page.keyboard.type("123456")
    press_to(page, "Approve")
    page.keyboard.press("Enter")


def pay_by_card(page):
    choose(page, "card")
    type_card(page, APPROVED)


def pay_by_card_with_code(page):
    choose(page, "card")
    type_card(page, CHALLENGED)
    approve(page)


def pay_by_upi(page):
    choose(page, "upi")
    press_to(page, "^upi_id$")
    page.keyboard.type("success@sim")
    press_to(page, "^Send request")
    page.keyboard.press("Enter")


def pay_by_netbanking(page):
    choose(page, "netbanking")
    press_to(page, "^bank$")
    page.keyboard.type("HDFC")
    press_to(page, "^Go to my bank")
    page.keyboard.press("Enter")
    approve(page)


def pay_by_wallet(page):
    choose(page, "wallet")
    press_to(page, "^wallet")
    page.keyboard.press("Space")
    press_to(page, "^Go to my wallet")
    page.keyboard.press("Enter")
    approve(page)


@pytest.mark.parametrize("pay", [pay_by_card, pay_by_card_with_code, pay_by_upi, pay_by_netbanking, pay_by_wallet])
def test_the_keyboard_alone_pays(browser, live_server, patang, pay):
    with opened(browser) as page:
        page.goto(f"{live_server.url}/checkout/{OrderFactory(merchant=patang).session_id}")
        pay(page)
        expect(page.get_by_text("was taken, once.")).to_be_visible()


def test_errors_take_the_focus_and_lead_to_their_fields(browser, live_server, patang):
    with opened(browser) as page:
        page.goto(f"{live_server.url}/checkout/{OrderFactory(merchant=patang).session_id}")
        choose(page, "card")
        press_to(page, "^Pay ₹")
        page.keyboard.press("Enter")
        expect(page.locator("#error-summary")).to_be_focused()
        press_to(page, "^Expiry date:")
        page.keyboard.press("Enter")
        expect(page.locator("#expiry")).to_be_focused()


def test_no_stop_holds_the_focus(browser, live_server, patang):
    """Once round the whole page, and back to the browser."""
    with opened(browser) as page:
        page.goto(f"{live_server.url}/checkout/{OrderFactory(merchant=patang).session_id}")
        stops = press_to(page, r"^\+91 ")
        assert len({stop["at"] for stop in stops}) == len(stops)
        page.keyboard.press("Tab")
        assert page.evaluate(STOP)["isPage"]
        page.keyboard.press("Shift+Tab")
        assert page.evaluate(STOP)["name"] in (stops[-1]["name"], stops[0]["name"])
