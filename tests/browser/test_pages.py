"""Pages in Chromium: what is drawn where, and how light they are. How accessible, test_accessibility.py says."""

import logging

import pytest
from axe_playwright_python.sync_playwright import Axe

from checkout.languages import LANGUAGES
from tests.browser.walk import opened, sent_bytes
from tests.factories import OrderFactory
from tests.hosted.customer import attempt

pytestmark = pytest.mark.django_db(transaction=True)

MAX_BYTES = 20_000
MAX_BYTES_OF_A_TRANSLATION = 17_500
"""Leaves room for a merchant's logo and long names."""
MAX_REQUESTS = 3
BEADS = ["pay-upi", "waiting", "held", "paid", "refund-on-its-way", "expired"]
"""One state for each place where money can be."""


@pytest.fixture
def look(browser):
    """Opens a page at a width, light or dark."""
    contexts = []

    def open_at(url, *, width=375, scheme="light"):
        context = browser.new_context(viewport={"width": width, "height": 812}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.goto(url)
        return page

    yield open_at
    for context in contexts:
        context.close()


@pytest.mark.parametrize("path", ["/shop", "/simulator", "/checkout-gallery"])
def test_axe_finds_nothing_on_pages_for_engineers(look, live_server, patang, settings, path):
    settings.DEBUG = True
    results = Axe().run(look(f"{live_server.url}{path}"))
    assert results.violations_count == 0, results.generate_report()


@pytest.mark.parametrize("name", BEADS)
def test_the_bead_is_drawn_on_its_line(look, live_server, settings, name):
    settings.DEBUG = True
    page = look(f"{live_server.url}/checkout-gallery/{name}")
    bead, track = page.locator(".bead").bounding_box(), page.locator(".track").bounding_box()
    assert track["x"] <= bead["x"] <= track["x"] + track["width"] - bead["width"]


@pytest.mark.parametrize(("width", "near"), [(375, 116), (1280, 168)])
def test_the_code_is_shown_once_at_the_size_of_the_screen(look, live_server, patang, width, near):
    page = look(f"{live_server.url}/checkout/{attempt('code', order__merchant=patang).order.session_id}", width=width)
    shown = page.get_by_role("img")
    assert shown.count() == 1
    box = shown.bounding_box()
    assert box["width"] == box["height"]
    modules = int(shown.get_attribute("viewBox").split()[2])
    assert box["width"] % modules == 0
    assert abs(box["width"] * (modules - 8) / modules - near) < 30
    assert page.get_by_role("link", name="Open my UPI app").is_visible() is (width < 960)
    assert page.get_by_role("link", name="open the pretend UPI app").is_visible() is (width >= 960)


def test_the_first_view_of_the_pay_page_is_light_and_all_ours(browser, live_server, patang, caplog):
    caplog.set_level(logging.INFO, logger="till.access")
    order = OrderFactory(merchant=patang, note="Monsoon notebook × 2, letterpress calendar 2027")
    context = browser.new_context()
    page = context.new_page()
    answers = []
    page.on("response", lambda answer: answers.append(answer))
    page.goto(f"{live_server.url}/checkout/{order.session_id}", wait_until="networkidle")
    assert all(answer.url.startswith(live_server.url) for answer in answers)
    assert len(answers) <= MAX_REQUESTS, [answer.url for answer in answers]
    assert sum(sent_bytes(answer) for answer in answers) <= MAX_BYTES
    assert context.cookies() == []
    context.close()
    # The browser tells nobody that it asks for an icon; the server's own log has every request but those for files.
    asked = [record.getMessage().split()[1] for record in caplog.records if record.name == "till.access"]
    assert len(asked) == MAX_REQUESTS - 1, asked


@pytest.mark.parametrize("name", ["pay-card", "waiting-code"])
def test_no_language_makes_a_page_heavy(browser, live_server, settings, name):
    settings.DEBUG = True
    weights = {}
    for code in LANGUAGES:
        with opened(browser) as page:
            answers = []
            page.on("response", lambda answer: answers.append(answer))  # noqa: B023
            page.goto(f"{live_server.url}/checkout-gallery/{name}?lang={code}")
            weights[code] = sum(sent_bytes(answer) for answer in answers)
    assert max(weights.values()) <= MAX_BYTES_OF_A_TRANSLATION, weights
