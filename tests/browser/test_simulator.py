"""The pretend bank in Chromium: accessible, inside the screen, without scripts, and the way there and back."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from payments.gateways.simulator.desk import page_url
from payments.gateways.simulator.models import SimulatedPayment
from tests.browser.hands import buy, go_to, press
from tests.factories import OrderFactory
from tests.simulator.conftest import work
from tests.simulator.visitor import BANK, CHALLENGE, UPI_APP, WALLET, Visitor

pytestmark = pytest.mark.django_db(transaction=True)

LONG = "Anandamayi & Sons Handloom, Brassware and Letterpress Emporium of Thiruvananthapuram, est. 1911"
DESKS = {"card": CHALLENGE, "netbanking": BANK, "wallet": WALLET, "upi": UPI_APP}
KINDS = [*DESKS, "wrong code", "no button", "approved", "approved in app", "too long", "inputs", "gone", "foreign"]


def visit(merchant, fields):
    return Visitor(OrderFactory(merchant=merchant, amount_minor=229_000), fields)


def show(page, merchant, kind, *, base):
    """Bring a browser's page to this kind of simulator page."""
    if kind == "inputs":
        page.goto(f"{base}/simulator")
    elif kind == "gone":
        page.goto(f"{base}/simulator/1.forged")
    elif kind == "wrong code":
        page.goto(base + visit(merchant, CHALLENGE).page)
        page.get_by_label("One-time code").fill("111111")
        page.get_by_role("button", name="Approve").click()
    elif kind in ("approved", "approved in app"):
        visitor = visit(merchant, BANK if kind == "approved" else UPI_APP)
        visitor.press("approve")
        page.goto(base + visitor.page)
    elif kind in ("no button", "foreign"):
        headers = {"sec-fetch-site": "cross-site"} if kind == "foreign" else {"sec-fetch-site": "same-origin"}
        visitor = visit(merchant, BANK)
        answer = visitor.press("", headers=headers).content.decode()
        page.route("**/answered", lambda route: route.fulfill(body=answer, content_type="text/html"))
        page.goto(f"{base}/answered")
    elif kind == "too long":
        merchant.name = LONG
        merchant.save()
        page.goto(base + Visitor(OrderFactory(merchant=merchant, amount_minor=10**12), CHALLENGE).page)
    else:
        page.goto(base + visit(merchant, DESKS[kind]).page)
    return page


@pytest.fixture
def look(browser, live_server, patang):
    """Opens a kind of page on a phone; options are the browser context's. None of the pages sets a cookie."""
    contexts = []

    def open_at(kind, **options):
        context = browser.new_context(viewport={"width": 375, "height": 812}, **options)
        contexts.append(context)
        return show(context.new_page(), patang, kind, base=live_server.url)

    yield open_at
    for context in contexts:
        assert context.cookies() == []
        context.close()


@pytest.mark.parametrize("kind", KINDS)
def test_every_page_is_accessible_and_fits_every_screen(look, kind):
    page = look(kind)
    assert page.locator("h1").count() == page.get_by_role("main").count() == page.get_by_role("banner").count() == 1
    assert page.get_by_text("SIMULATOR. This is not a bank.").is_visible()
    for width in (1280, 640, 375, 320):
        page.set_viewport_size({"width": width, "height": 812})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        column = page.locator("main").bounding_box()
        assert column["x"] >= 16
        assert column["width"] <= (960 if kind == "inputs" else 640)
        if width in (375, 1280):
            results = Axe().run(page)
            assert results.violations_count == 0, results.generate_report()


@pytest.mark.parametrize("kind", ["card", "netbanking", "approved"])
def test_what_can_be_pressed_is_large_and_shows_its_focus(look, kind):
    page = look(kind)
    targets = page.locator("input, button, main a").all()
    assert targets
    for target in targets:
        assert target.bounding_box()["height"] >= 52
        page.keyboard.press("Tab")
        focused = page.evaluate("getComputedStyle(document.activeElement).outline")
        assert focused == "rgb(255, 216, 77) solid 3px"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_looks_the_same_in_light_and_dark(look, scheme):
    page = look("card", color_scheme=scheme)
    assert page.evaluate("getComputedStyle(document.querySelector('main')).backgroundColor") == "rgb(18, 58, 111)"
    assert page.evaluate("getComputedStyle(document.querySelector('.tape')).backgroundColor") == "rgb(255, 216, 77)"


@pytest.mark.parametrize("kind", ["card", "inputs"])
def test_forced_colours_keep_every_edge(look, kind):
    page = look(kind, forced_colors="active")
    sides = "el => getComputedStyle(el).borderTopWidth"
    for edge in page.locator("main, input, button").all():
        assert edge.evaluate(sides) == "2px"


def test_nothing_is_loaded_but_the_page_and_its_sheet(browser, live_server, patang):
    context = browser.new_context()
    page = context.new_page()
    asked = []
    page.on("request", lambda request: asked.append(request.url.removeprefix(live_server.url)))
    show(page, patang, "card", base=live_server.url)
    page.wait_for_load_state("networkidle")
    assert [url for url in asked if not re.match(r"/simulator/|/favicon.ico$", url)] == [
        "/static/simulator/simulator.css"
    ]
    context.close()


# --- There and back, with scripts and without ---


def test_a_wrong_code_then_the_right_one_by_keyboard_pays_once(phone, live_server, patang):
    buy(phone, live_server)
    go_to(phone, "card")
    expect(phone.get_by_role("heading", name="Pretend Bank: is it you?")).to_be_visible()
    code = phone.get_by_label("One-time code")
    expect(code).to_have_attribute("autocomplete", "one-time-code")
    code.fill("111111")
    code.press("Enter")
    expect(phone).to_have_title(re.compile("^Error: "))
    expect(phone.get_by_text("That code was wrong. 2 tries left.")).to_be_visible()
    expect(code).to_be_focused()
    expect(code).to_have_accessible_description("Error: That code was wrong. 2 tries left. 6 digits. Pasting works.")
    phone.keyboard.type("123 456")
    phone.keyboard.press("Enter")
    expect(phone.get_by_text("was taken, once.")).to_be_visible()
    assert SimulatedPayment.objects.filter(status="captured").count() == 1


def test_an_impatient_double_click_approves_once_and_comes_back(phone, live_server, patang):
    buy(phone, live_server)
    go_to(phone, "netbanking")
    expect(phone.get_by_role("heading", name="Pretend HDFC Bank")).to_be_visible()
    phone.get_by_role("button", name="Approve").dblclick()
    expect(phone.get_by_text("was taken, once.")).to_be_visible()
    assert SimulatedPayment.objects.filter(status="captured").count() == 1


def test_the_test_inputs_lead_back_and_a_click_selects_a_whole_number(phone, live_server, patang, scripts):
    buy(phone, live_server)
    payment_page = phone.url
    phone.get_by_role("link", name="Test cards and IDs").click()
    expect(phone.get_by_role("heading", name="Test cards and IDs")).to_be_visible()
    phone.get_by_text("4242 4242 4242 4242").click()
    if scripts:
        assert phone.evaluate("getSelection().toString()").strip() == "4242 4242 4242 4242"
    phone.get_by_role("link", name="Back to the payment page").click()
    expect(phone).to_have_url(payment_page)


def test_the_shops_page_knows_by_itself_what_another_device_approved(phone, browser, live_server, patang):
    buy(phone, live_server)
    press(phone, "Show a QR code")
    expect(phone.get_by_role("heading", name="Waiting for your UPI app")).to_be_visible()
    other = browser.new_context().new_page()
    other.goto(page_url(SimulatedPayment.objects.get()))
    expect(other.get_by_text("the shop’s page over there will know by itself")).to_be_visible()
    other.get_by_role("button", name="Approve").click()
    expect(other.get_by_role("heading", name="Pretend UPI app: approved")).to_be_visible()
    work("simulator_event")
    expect(phone.get_by_text("was taken, once.")).to_be_visible(timeout=20_000)
    other.context.close()
