"""The merchant's brand: on the payment page, and in the preview that staff have before they save."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from playwright.sync_api import expect

from checkout.management.commands.demo import LOGO
from payments.models import AuditEntry, Order
from payments.services.merchants import set_logo
from tests.factories import OrderFactory

pytestmark = pytest.mark.django_db(transaction=True)

PASSWORD = "a-long-enough-password"


@pytest.fixture
def open_page(browser):
    contexts = []

    def opened(**options):
        contexts.append(browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options}))
        return contexts[-1].new_page()

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def settings_page(open_page, live_server, patang):
    """The merchant's settings, opened by a superuser."""
    User.objects.create_superuser("boss", password=PASSWORD)

    def opened(hold=None, **options):
        page = open_page(**options)
        if hold:
            page.route("**/preview*.js", hold)
        page.goto(f"{live_server.url}/admin/payments/merchant/{patang.pk}/change/")
        page.get_by_label("Username").fill("boss")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        page.get_by_label("Name:").wait_for()
        return page

    return opened


def shown(page):
    return page.frame_locator("iframe:visible")


def test_the_logo_is_seen_in_place_of_the_initial(open_page, live_server, patang):
    page = open_page()
    page.goto(f"{live_server.url}/checkout/{OrderFactory(merchant=patang).session_id}")
    tile = page.locator(".logo")
    assert tile.evaluate("e => getComputedStyle(e).fontSize") == "0px"
    assert tile.evaluate("e => getComputedStyle(e).backgroundImage").startswith('url("data:image/webp;base64,')
    assert tile.bounding_box()["width"] == tile.bounding_box()["height"] == 40
    assert tile.get_attribute("aria-hidden") == "true"


@pytest.mark.parametrize("options", [{"color_scheme": "dark"}, {"forced_colors": "active"}, {}])
def test_the_tile_of_the_logo_is_white_everywhere_and_printed(open_page, live_server, patang, options):
    page = open_page(**options)
    page.goto(f"{live_server.url}/checkout/{OrderFactory(merchant=patang).session_id}")
    if not options:
        page.emulate_media(media="print")
    tile = page.locator(".logo")
    assert tile.is_visible()
    assert tile.evaluate("e => getComputedStyle(e).backgroundColor") == "rgb(255, 255, 255)"
    assert tile.evaluate("e => getComputedStyle(e).printColorAdjust") == "exact"


def test_a_page_whose_logo_was_just_removed_shows_the_initial(open_page, live_server, patang):
    page, order = open_page(), OrderFactory(merchant=patang)

    def late(route):
        set_logo(patang, b"")
        route.continue_()

    page.route("**/style/*.css", late)
    page.goto(f"{live_server.url}/checkout/{order.session_id}")
    assert page.locator(".logo").evaluate("e => getComputedStyle(e).fontSize") == "22px"


def test_the_preview_follows_what_is_typed_and_saves_nothing(settings_page, patang):
    page = settings_page()
    expect(shown(page).locator(".asked")).to_be_visible()
    page.get_by_label("Name:").fill("Kite & Sons")
    expect(shown(page).locator(".merchant")).to_have_text("Kite & Sons")
    page.get_by_label("Accent:").fill("#0f6a6e")
    button = shown(page).locator(".button-primary:visible").first
    expect(button).to_have_css("background-color", "rgb(15, 106, 110)")
    page.get_by_label("Dark").check()
    expect(shown(page).locator("body")).to_have_css("background-color", "rgb(13, 17, 15)")
    page.get_by_label("Accent:").fill("red")
    expect(shown(page).get_by_text("Not shown as you typed it")).to_be_visible()
    patang.refresh_from_db()
    assert (patang.name, patang.accent) == ("Patang Paper Goods", "#7a1f57")
    assert not Order.objects.exists()
    assert not AuditEntry.objects.filter(object_type="merchant").exists()


def test_typing_adds_nothing_to_the_browsers_history(settings_page):
    """Back leaves the page at once, and one frame stands there however often it was drawn."""
    page = settings_page()
    shown(page).locator(".asked").wait_for()
    before = page.evaluate("history.length")
    for name in ("Kite", "Kite &", "Kite & Sons"):
        page.get_by_label("Name:").fill(name)
        expect(shown(page).locator(".merchant")).to_have_text(name)
        expect(page.locator("iframe")).to_have_count(1)
    assert page.evaluate("history.length") == before


def test_nothing_in_the_preview_acts(settings_page):
    page = settings_page()
    asked = []
    shown(page).locator(".asked").wait_for()
    page.on("request", lambda request: asked.append(request.url))
    shown(page).locator(".button:visible").first.click()
    assert shown(page).locator("a[href]").count() == 0
    expect(shown(page).locator(".asked")).to_be_visible()
    assert asked == []


@pytest.mark.parametrize("scripts", [True, False])
def test_a_logo_is_seen_before_it_is_saved_with_and_without_scripts(settings_page, patang, scripts):
    set_logo(patang, b"")
    page = settings_page(java_script_enabled=scripts)
    page.get_by_label("Logo:").set_input_files(LOGO)
    if not scripts:
        page.get_by_role("button", name="Preview").click()
    expect(shown(page).locator(".logo")).to_have_css("font-size", "0px")
    patang.refresh_from_db()
    assert patang.logo_digest == ""
    page.get_by_label("Reason:").fill("Their new logo")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("was changed successfully").wait_for()
    patang.refresh_from_db()
    assert patang.logo_digest


@pytest.mark.parametrize("what", ["name", "logo"])
def test_what_was_typed_before_the_script_came_is_shown(settings_page, patang, what):
    """The fields are there before the script is, and neither people nor browsers that restore a form wait for it."""
    set_logo(patang, b"")
    scripts = []
    page = settings_page(hold=lambda route: scripts.append(route))
    if what == "name":
        page.get_by_label("Name:").fill("Kite & Sons")
    else:
        page.get_by_label("Logo:").set_input_files(LOGO)
    expect(shown(page).locator(".merchant")).to_have_text("Patang Paper Goods")
    [script] = scripts
    script.continue_()
    if what == "name":
        expect(shown(page).locator(".merchant")).to_have_text("Kite & Sons")
    else:
        expect(shown(page).locator(".logo")).to_have_css("font-size", "0px")


def test_enter_saves_and_does_not_preview(settings_page, patang):
    page = settings_page()
    page.get_by_label("Reason:").fill("Their new name")
    page.get_by_label("Name:").fill("Kite & Sons")
    page.get_by_label("Name:").press("Enter")
    page.get_by_text("was changed successfully").wait_for()
    patang.refresh_from_db()
    assert patang.name == "Kite & Sons"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_the_settings_with_their_preview(settings_page, scheme):
    page = settings_page(color_scheme=scheme)
    shown(page).locator(".asked").wait_for()
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()


def test_the_wide_preview_has_two_columns(settings_page):
    page = settings_page()
    page.get_by_label("Wide").check()
    columns = shown(page).locator(".columns").evaluate("e => getComputedStyle(e).gridTemplateColumns")
    assert len(columns.split()) == 2
    page.set_viewport_size({"width": 375, "height": 812})
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
