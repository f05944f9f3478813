"""Languages in Chromium: the switcher without scripts, pages from right to left, and letters with tall marks."""

import pytest
from playwright.sync_api import expect

from checkout.languages import LANGUAGES
from payments.models import Order
from tests.browser.hands import choose, fill_card
from tests.browser.walk import axe_finds, opened, overflow
from tests.factories import OrderFactory

pytestmark = pytest.mark.django_db(transaction=True)
SOME = [
    "pay-card",
    "pay-long-amount",
    "error-card-empty",
    "declined",
    "waiting-code",
    "paid",
    "held",
    "refunded-in-parts",
]


def test_a_language_is_chosen_in_the_head_and_stays_to_the_receipt(phone, live_server, patang):
    order = OrderFactory(merchant=patang)
    phone.goto(f"{live_server.url}/checkout/{order.session_id}")
    fold = phone.locator(".languages")
    assert fold.get_by_role("link").count() == 0
    fold.locator("summary").click()
    assert fold.get_by_role("link").count() == 12
    for row in fold.get_by_role("link").all():
        assert row.bounding_box()["height"] >= 44
    assert overflow(phone) <= 0
    fold.get_by_role("link", name="தமிழ்").click()
    expect(phone.locator("html")).to_have_attribute("lang", "ta")
    expect(phone.locator(".sentence")).to_have_text("பணம் எதுவும் எடுக்கப்படவில்லை.")
    fill_card(phone, "4242424242424242", cvc="1")
    phone.locator(".drawer .button-primary:visible").last.click()
    expect(phone.locator("#error-summary")).to_be_visible()
    expect(phone.locator("html")).to_have_attribute("lang", "ta")
    fill_card(phone, "4242424242424242")
    phone.locator(".drawer .button-primary:visible").last.click()
    expect(phone.locator(".mark")).to_be_visible()
    expect(phone.locator("html")).to_have_attribute("lang", "ta")
    assert Order.objects.get().language == "ta"
    assert phone.context.cookies() == []
    phone.goto(f"{live_server.url}/checkout/{order.session_id}")
    expect(phone.locator("html")).to_have_attribute("lang", "ta")


def test_the_switcher_of_a_refused_form_leads_to_the_orders_page(phone, live_server, patang):
    order = OrderFactory(merchant=patang)
    phone.goto(f"{live_server.url}/checkout/{order.session_id}")
    choose(phone, "card")
    phone.locator(".drawer .button-primary:visible").click()
    phone.locator("#error-summary").wait_for()
    phone.locator(".languages summary").click()
    phone.locator(".languages").get_by_role("link", name="Deutsch").click()
    expect(phone).to_have_url(f"{live_server.url}/checkout/{order.session_id}?lang=de")
    expect(phone.locator(".sentence")).to_have_text("Es wurde nichts abgebucht.")


@pytest.fixture
def gallery(live_server, settings):
    settings.DEBUG = True
    return f"{live_server.url}/checkout-gallery"


@pytest.mark.parametrize("code", [code for code in LANGUAGES if code not in ("en", "ar")])
def test_no_language_runs_out_of_the_screen(browser, gallery, code):
    """English and Arabic are walked through every state elsewhere."""
    wide, cut = [], []
    with opened(browser) as page:
        for name in SOME:
            page.goto(f"{gallery}/{name}?lang={code}")
            for width in (320, 375, 1280):
                page.set_viewport_size({"width": width, "height": 812})
                wide += [(name, width)] if overflow(page) > 0 else []
            cut += page.evaluate(CUT)
    assert wide == []
    assert cut == []


CUT = """() => [...document.querySelectorAll("h1, h2, p, .button, strong, label, summary")].filter(
  (part) => part.checkVisibility() && !part.matches(".hidden") && getComputedStyle(part).overflowY !== "visible"
    && part.scrollHeight > part.clientHeight + 1).map((part) => part.textContent)"""
"""What hides a part of its own letters: scripts with tall marks need more room than Latin."""


@pytest.mark.parametrize("code", ["te", "ar"])
def test_axe_finds_nothing_where_the_languages_are_unfolded(browser, gallery, code):
    with opened(browser) as page:
        page.goto(f"{gallery}/pay-card?lang={code}")
        page.locator(".languages summary").click()
        assert axe_finds(page) == []
        for width in (320, 375, 960, 1280):
            page.set_viewport_size({"width": width, "height": 812})
            assert overflow(page) <= 0, width


def test_arabic_is_mirrored_but_for_figures_and_card_fields(browser, gallery):
    with opened(browser) as page:
        page.goto(f"{gallery}/pay-card?lang=ar")
        bead, track = page.locator(".bead").bounding_box(), page.locator(".track").bounding_box()
        assert bead["x"] > track["x"] + track["width"] / 2
        logo, fold = page.locator(".logo").bounding_box(), page.locator(".languages").bounding_box()
        assert logo["x"] > fold["x"]
        assert page.locator("bdi.amount").get_attribute("dir") == "ltr"
        for field in page.locator(".drawer input[type=text]:visible").all():
            assert field.evaluate("field => getComputedStyle(field).direction") == "ltr"
        button = page.locator(".drawer .button-primary:visible").last
        assert "\u2066₹2,290.00\u2069" in button.inner_text()


@pytest.mark.parametrize("code", ["hi", "ta", "te", "bn", "ar"])
def test_scripts_without_capitals_get_none_and_no_gaps(browser, gallery, code):
    style = "(part) => [getComputedStyle(part).letterSpacing, getComputedStyle(part).textTransform]"
    with opened(browser) as page:
        page.goto(f"{gallery}/declined?lang={code}")
        for part in page.locator("h1, .button:visible, .eyebrow, .sentence").all():
            assert part.evaluate(style) == ["normal", "none"]
