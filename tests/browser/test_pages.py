"""Each kind of page in Chromium: accessible, light in weight, and inside the screen."""

import gzip
from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe

from payments import clock
from payments.services.payments import terminate_order
from tests.factories import OrderFactory, PaymentFactory

pytestmark = pytest.mark.django_db(transaction=True)

MAX_BYTES = 20_000
MAX_REQUESTS = 3


def make(kind, merchant):
    """An order in the state that shows this kind of page."""
    if kind == "pay":
        return OrderFactory(merchant=merchant, note="Monsoon notebook × 2, letterpress calendar 2027")
    if kind == "long amount":
        return OrderFactory(merchant=merchant, amount_minor=123_456_789_00)
    if kind == "expired":
        return OrderFactory(merchant=merchant, expires_at=clock.now() - timedelta(minutes=1))
    if kind == "terminated":
        return terminate_order(OrderFactory(merchant=merchant).pk, cause="merchant", at=clock.now())
    traits = {"declined": "failed", "waiting": "", "paid": "success", "returning": "late", "held": "authorized"}
    trait = {traits[kind]: True} if traits[kind] else {}
    return PaymentFactory(order__merchant=merchant, **trait).order


KINDS = ["pay", "long amount", "declined", "waiting", "held", "paid", "expired", "terminated", "returning"]


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


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", KINDS)
def test_axe_finds_nothing(look, live_server, patang, kind, scheme):
    page = look(f"{live_server.url}/checkout/{make(kind, patang).session_id}", scheme=scheme)
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()


@pytest.mark.parametrize("path", ["/shop", "/checkout/nonsense", "/checkout/test-cards", "/nowhere", "/"])
def test_axe_finds_nothing_on_pages_without_an_order(look, live_server, patang, path):
    results = Axe().run(look(f"{live_server.url}{path}"))
    assert results.violations_count == 0, results.generate_report()


@pytest.mark.parametrize("width", [320, 375, 960, 1280])
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_runs_out_of_the_screen(look, live_server, patang, kind, width):
    page = look(f"{live_server.url}/checkout/{make(kind, patang).session_id}", width=width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_first_view_of_the_pay_page_is_light_and_all_ours(browser, live_server, patang):
    order = make("pay", patang)
    context = browser.new_context()
    page = context.new_page()
    answers = []
    page.on("response", lambda answer: answers.append(answer))
    page.goto(f"{live_server.url}/checkout/{order.session_id}", wait_until="networkidle")
    assert all(answer.url.startswith(live_server.url) for answer in answers)
    assert len(answers) <= MAX_REQUESTS, [answer.url for answer in answers]
    assert sum(len(gzip.compress(answer.body())) for answer in answers) <= MAX_BYTES
    assert context.cookies() == []
    context.close()
