"""A shop on another origin, as strict as browsers let it be, leads its customer to the payment page."""

import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.factories import OrderFactory

pytestmark = pytest.mark.django_db(transaction=True)

DOCS = (Path(__file__).parents[2] / "docs" / "till-js.md").read_text(encoding="utf-8")
BUTTON, FORM = re.findall(r"```html\n(.*?)```", DOCS, re.DOTALL)
SCRIPT = re.search(r"```js\n(.*?)```", DOCS, re.DOTALL)[1]
STRICT = (
    "default-src 'none'; script-src 'self' {till}; form-action {forms}; base-uri 'none'; frame-src 'self'; "
    "frame-ancestors 'self'; require-trusted-types-for 'script'"
)
ISOLATED = {"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp"}


class Shop:
    """Pages by path, served on an origin of their own."""

    def __init__(self, till):
        self.till, self.pages, self.forms = till, {}, "'self'"
        shop = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                text = shop.pages.get(self.path)
                self.send_response(200 if text is not None else 404)
                kind = "text/javascript" if self.path.endswith(".js") else "text/html"
                policy = STRICT.format(till=shop.till, forms=shop.forms)
                for name, value in {"Content-Type": kind, "Content-Security-Policy": policy, **ISOLATED}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write((text or "").encode())

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def sell(self, session_id, target='"_self"', name="Till"):
        """Put up the page and script of the docs, for this session and target."""
        script = SCRIPT.replace("sess_...", session_id).replace('"_self"', target).replace("Till(", f"{name}(")
        assert session_id in script
        head = '<!doctype html><link rel="icon" href="data:,">'
        self.pages["/"] = head + BUTTON.replace("https://pay.example.com", self.till)
        self.pages["/pay.js"] = script

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def shop(live_server, settings):
    settings.PUBLIC_URL = live_server.url
    assert "localhost" in live_server.url  # another site than 127.0.0.1
    shop = Shop(live_server.url)
    yield shop
    shop.close()


@pytest.fixture
def tab(browser):
    context = browser.new_context(service_workers="block")
    yield context.new_page()
    context.close()


def is_paying(page, order):
    page.wait_for_url(f"**/checkout/{order.session_id}")
    expect(page.locator("form[action$='/pay']").first).to_be_visible()
    return page.context.cookies() == []


@pytest.mark.parametrize("name", ["Till", "Cashfree"])
@pytest.mark.parametrize("target", ['"_self"', '"_top"', '"_modal"', 'document.querySelector("#pay")', "undefined"])
def test_the_example_of_the_docs_leads_to_the_payment_page(shop, tab, order, target, name):
    shop.sell(order.session_id, target, name)
    tab.goto(shop.origin)
    tab.locator("#pay").click()
    assert is_paying(tab, order)
    tab.go_back()
    assert tab.url == f"{shop.origin}/"


def test_a_new_tab_cannot_reach_the_shop(shop, tab, order):
    shop.sell(order.session_id, '"_blank"')
    tab.goto(shop.origin)
    with tab.context.expect_page() as opened:
        tab.locator("#pay").click()
    assert is_paying(opened.value, order)
    assert opened.value.evaluate("window.opener") is None
    assert tab.url == f"{shop.origin}/"


@pytest.mark.parametrize("target", ['"_self"', '"_top"'])
def test_a_shop_in_a_frame_leads_the_whole_window(shop, tab, order, target):
    shop.sell(order.session_id, target)
    shop.pages["/framed"] = '<!doctype html><link rel="icon" href="data:,"><iframe src="/"></iframe>'
    tab.goto(f"{shop.origin}/framed")
    tab.frame_locator("iframe").locator("#pay").click()
    assert is_paying(tab, order)


@pytest.mark.parametrize("session_id", ["", "order_123", "sess_short", "https://evil.example/", "../admin/"])
def test_an_odd_session_is_an_error_in_the_promise(shop, tab, order, session_id):
    shop.sell(order.session_id)
    shop.pages["/pay.js"] = shop.pages["/pay.js"].replace(order.session_id, session_id)
    tab.goto(shop.origin)
    tab.locator("#pay").click()
    expect(tab.locator("#pay")).to_contain_text("pass an order’s payment_session_id unchanged")
    assert tab.url == f"{shop.origin}/"


def test_the_promise_never_fails_and_never_throws(shop, tab, order):
    shop.sell(order.session_id)
    tab.goto(shop.origin)
    odd = ["undefined", "null", "{}", "{paymentSessionId: 7}", "{paymentSessionId: null}", '"x"', "[]"]
    told = [tab.evaluate(f"new Cashfree().checkout({given})") for given in odd]
    assert [one["error"]["code"] for one in told] == ["payment_session_id_invalid"] * len(odd)
    assert tab.evaluate("Till === Cashfree")


def test_a_module_says_that_it_cannot_know_its_till(shop, tab, order, live_server):
    shop.pages["/"] = (
        '<!doctype html><link rel="icon" href="data:,"><p>Shop</p><script type="module" src="/copy.js"></script>'
    )
    shop.pages["/copy.js"] = tab.request.get(f"{live_server.url}/till.js").text()
    tab.goto(shop.origin)
    tab.wait_for_function("window.Till !== undefined")
    told = tab.evaluate(f"Till().checkout({{paymentSessionId: '{order.session_id}'}})")
    assert told["error"]["code"] == "script_origin_unknown"


def test_a_session_of_no_order_ends_on_the_page_that_says_so(shop, tab, order):
    unknown = OrderFactory.build(merchant=order.merchant, customer=order.customer).session_id
    shop.sell(unknown)
    tab.goto(shop.origin)
    tab.locator("#pay").click()
    tab.wait_for_url("**/checkout/**")
    expect(tab.get_by_role("heading", name="We can’t find this payment page")).to_be_visible()


def test_the_form_of_the_docs_leads_there_without_scripts(shop, browser, order):
    shop.forms = shop.till
    form = FORM.replace("https://pay.example.com", shop.till).replace("sess_...", order.session_id)
    shop.pages["/"] = f'<!doctype html><link rel="icon" href="data:,">{form}'
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(shop.origin)
    page.get_by_role("button", name="Pay").click()
    assert is_paying(page, order)
    context.close()
