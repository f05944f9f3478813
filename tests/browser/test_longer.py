"""A page left open in Chromium: it warns in time, once, and loses nothing that was typed."""

import re
from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from payments import clock
from tests.browser.hands import APPROVED, choose, fill_card, pay_button, press
from tests.factories import OrderFactory

pytestmark = pytest.mark.django_db(transaction=True)

WARNING = re.compile("^This page closes in about")


def _open(page, live_server, merchant, left):
    order = OrderFactory(merchant=merchant, expires_at=clock.now() + left)
    page.goto(f"{live_server.url}/checkout/{order.session_id}")
    return order


def test_the_warning_leads_to_more_time_and_a_payment(phone, live_server, patang):
    order = _open(phone, live_server, patang, timedelta(minutes=4))
    expect(phone.get_by_role("heading", name=WARNING)).to_be_visible()
    choose(phone, "upi")
    phone.locator("#upi_id").fill("asha@okbank")
    press(phone, "Give me 15 more minutes")
    expect(phone.get_by_role("heading", name="Time was added")).to_be_visible()
    expect(phone.get_by_role("heading", name=WARNING)).to_be_hidden()
    expect(phone.locator("#upi_id")).to_have_value("asha@okbank")
    order.refresh_from_db()
    assert order.extensions_used == 1
    fill_card(phone, APPROVED)
    pay_button(phone).click()
    expect(phone.get_by_role("heading", name=re.compile("It’s paid"))).to_be_visible()


def test_need_longer_unfolds_the_same_button(phone, live_server, patang):
    order = _open(phone, live_server, patang, timedelta(minutes=30))
    phone.get_by_text("Need longer?").click()
    expect(phone.get_by_text("You can add 15 minutes, up to 2 more times.").locator("visible=true")).to_be_visible()
    press(phone, "Give me 15 more minutes")
    expect(phone.get_by_role("heading", name="Time was added")).to_be_visible()
    order.refresh_from_db()
    assert order.extensions_used == 1


def test_enter_in_a_field_pays_and_takes_no_time(phone, live_server, patang):
    order = _open(phone, live_server, patang, timedelta(minutes=4))
    fill_card(phone, APPROVED)
    phone.locator("[autocomplete='cc-name']").press("Enter")
    expect(phone.get_by_role("heading", name=re.compile("It’s paid"))).to_be_visible()
    order.refresh_from_db()
    assert order.extensions_used == 0


def test_a_page_left_open_warns_by_itself_only_with_scripts_and_keeps_what_is_typed(
    phone, live_server, patang, scripts
):
    _open(phone, live_server, patang, timedelta(minutes=5, seconds=4))
    warning = phone.get_by_role("heading", name=WARNING)
    expect(warning).to_be_hidden()
    fill_card(phone, APPROVED)
    if scripts:
        expect(warning).to_be_visible()
        expect(phone.get_by_text("Need longer?")).to_have_count(0)
    else:
        phone.wait_for_timeout(5_000)
        expect(warning).to_be_hidden()
        expect(phone.get_by_text("Need longer?")).to_be_visible()
    expect(phone.locator("[autocomplete='cc-name']")).to_have_value("Asha Rao")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_with_the_fold_open_or_after_more_time(browser, live_server, patang, scheme):
    context = browser.new_context(viewport={"width": 375, "height": 812}, color_scheme=scheme)
    page = context.new_page()
    _open(page, live_server, patang, timedelta(minutes=30))
    page.get_by_text("Need longer?").click()
    unfolded = Axe().run(page)
    assert unfolded.violations_count == 0, unfolded.generate_report()
    press(page, "Give me 15 more minutes")
    page.get_by_role("heading", name="Time was added").wait_for()
    added = Axe().run(page)
    assert added.violations_count == 0, added.generate_report()
    context.close()
