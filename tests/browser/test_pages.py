"""Each kind of page in Chromium: accessible, light in weight, and inside the screen."""

import gzip
from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe

from payments import clock
from payments.services.payments import terminate_order
from tests.browser.hands import choose
from tests.factories import OrderFactory, PaymentFactory
from tests.hosted.customer import ATTEMPTS, LEAVING, attempt
from tests.hosted.rows import give_back, held, in_flight, own_page_order, returning

pytestmark = pytest.mark.django_db(transaction=True)

MAX_BYTES = 20_000
MAX_REQUESTS = 3


def make(kind, merchant):
    """An order in the state that shows this kind of page."""
    what, _, kind_of_attempt = kind.partition(" ")
    if kind_of_attempt in ATTEMPTS | LEAVING:
        return attempt(kind_of_attempt, order__merchant=merchant, **ENDS[what]).order
    if kind == "pay":
        return OrderFactory(merchant=merchant, note="Monsoon notebook × 2, letterpress calendar 2027")
    if kind.startswith("closing"):
        used = 2 if kind == "closing for good" else 0
        return OrderFactory(merchant=merchant, expires_at=clock.now() + timedelta(minutes=5), extensions_used=used)
    if kind == "long amount":
        return OrderFactory(merchant=merchant, amount_minor=123_456_789_00)
    if kind == "expired":
        return OrderFactory(merchant=merchant, expires_at=clock.now() - timedelta(minutes=1))
    if kind == "terminated":
        return terminate_order(OrderFactory(merchant=merchant).pk, cause="merchant", at=clock.now())
    if kind == "own pages":
        return own_page_order()
    if kind in AFTERWARDS:
        return AFTERWARDS[kind](order__merchant=merchant).order
    traits = {"declined": "failed", "waiting": "", "paid": "success"}
    trait = {traits[kind]: True} if traits[kind] else {}
    return PaymentFactory(order__merchant=merchant, **trait).order


def refunded(*refunds, **columns):
    """A paid order of which this went back: statuses and amounts."""
    payment = PaymentFactory(success=True, **columns)
    for status, minor in refunds:
        give_back(payment, status, minor)
    return payment


AFTERWARDS = {
    "held": lambda **columns: held(approve_by=clock.now() + timedelta(days=7), **columns),
    "capture in flight": in_flight,
    "released": lambda **columns: PaymentFactory(void=True, **columns),
    "returning": returning,
    "returned": lambda **columns: returning("success", **columns),
    "return failed": lambda **columns: returning("failed", **columns),
    "payable again": lambda **columns: returning("success", "surplus", **columns),
    "refund on its way": lambda **columns: refunded(("pending", 29_999), **columns),
    "refunded in part": lambda **columns: refunded(
        ("success", 5_000), ("pending", 1_000), ("failed", 2_000), **columns
    ),
    "refunded": lambda **columns: refunded(("success", 29_999), **columns),
}
DECLINED = {"failed": True, "error_code": "payment_declined", "error_details": {"source": ["bank"]}, "next_action": {}}
ENDS = {
    "waiting": {},
    "declined": DECLINED,
    "cancelled": {"cancelled": True, "error_code": "cancelled", "next_action": {}},
    "paid": {"success": True, "next_action": {}},
}
KINDS = ["pay", "long amount", "declined", "waiting", "paid", "expired", "terminated", *AFTERWARDS]
KINDS += [f"waiting {kind}" for kind in ATTEMPTS]
KINDS += [f"waiting {kind}" for kind in LEAVING]
KINDS += ["own pages", "closing", "closing for good"]
KINDS += ["declined request", "declined bank", "declined wallet", "cancelled code", "paid request"]
DRAWERS = ["upi", "card", "netbanking", "wallet"]


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


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("method", DRAWERS)
def test_axe_finds_nothing_in_any_drawer_before_and_after_an_error(look, live_server, patang, method, scheme):
    page = look(f"{live_server.url}/checkout/{make('pay', patang).session_id}", scheme=scheme)
    choose(page, method)
    opened = Axe().run(page)
    assert opened.violations_count == 0, opened.generate_report()
    send_nothing(page)
    refused = Axe().run(page)
    assert refused.violations_count == 0, refused.generate_report()


def send_nothing(page):
    """Press the last button of the open drawer that needs a field."""
    page.locator(".drawer .button:visible:not([value=app], [value=qr])").click()
    page.locator("#error-summary").wait_for()


def test_axe_finds_nothing_where_a_cancel_was_refused(look, live_server, patang):
    session = make("waiting request", patang).session_id
    results = Axe().run(look(f"{live_server.url}/checkout/{session}?kept=1"))
    assert results.violations_count == 0, results.generate_report()


@pytest.mark.parametrize("path", ["/shop", "/checkout/nonsense", "/simulator", "/nowhere", "/"])
def test_axe_finds_nothing_on_pages_without_an_order(look, live_server, patang, path):
    results = Axe().run(look(f"{live_server.url}{path}"))
    assert results.violations_count == 0, results.generate_report()


WIDTHS = [320, 375, 768, 960, 1280]


def overflow(page):
    return page.evaluate("document.documentElement.scrollWidth - innerWidth")


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_runs_out_of_the_screen(look, live_server, patang, kind):
    page = look(f"{live_server.url}/checkout/{make(kind, patang).session_id}")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 812})
        assert overflow(page) <= 0, width


@pytest.mark.parametrize("kind", AFTERWARDS)
def test_one_sentence_is_seen_on_the_money_and_its_bead_is_drawn(look, live_server, patang, kind):
    page = look(f"{live_server.url}/checkout/{make(kind, patang).session_id}")
    assert page.locator(".sentence:visible").count() == 1
    bead, track = page.locator(".bead").bounding_box(), page.locator(".track").bounding_box()
    assert track["x"] <= bead["x"] <= track["x"] + track["width"] - bead["width"]


@pytest.mark.parametrize("method", DRAWERS)
def test_no_open_drawer_runs_out_of_the_screen(look, live_server, patang, method):
    page = look(f"{live_server.url}/checkout/{make('pay', patang).session_id}")
    choose(page, method)
    send_nothing(page)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 812})
        assert overflow(page) <= 0, width


@pytest.mark.parametrize(("width", "near"), [(375, 116), (1280, 168)])
def test_the_code_is_shown_once_at_the_size_of_the_screen(look, live_server, patang, width, near):
    page = look(f"{live_server.url}/checkout/{make('waiting code', patang).session_id}", width=width)
    shown = page.get_by_role("img")
    assert shown.count() == 1
    box = shown.bounding_box()
    assert box["width"] == box["height"]
    modules = int(shown.get_attribute("viewBox").split()[2])
    assert box["width"] % modules == 0
    assert abs(box["width"] * (modules - 8) / modules - near) < 30
    assert page.get_by_role("link", name="Open my UPI app").is_visible() is (width < 960)
    assert page.get_by_role("link", name="open the pretend UPI app").is_visible() is (width >= 960)


def test_the_first_view_of_the_pay_page_is_light_and_all_ours(browser, live_server, patang):
    order = make("pay", patang)
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


def sent_bytes(answer):
    """What goes over the wire where staticfiles are collected: sheet and script compressed, the page itself not."""
    body = answer.body()
    return len(body if "html" in answer.headers["content-type"] else gzip.compress(body))
