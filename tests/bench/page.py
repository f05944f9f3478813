"""The payment page: what the server spends on it, and when a phone shows it.

The floor is the least that Django can do for such a page: one SELECT by a unique token and a template of as many bytes
with as many fields, without middleware. Rounds alternate, and CPU time is counted, so a busy machine hardly matters.
"""

import io
import time
from statistics import median

from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.db import connection
from django.http import HttpResponse
from django.template import engines
from django.test.testcases import LiveServerThread
from django.test.utils import override_settings
from playwright.sync_api import sync_playwright

from tests.browser.conftest import CHROMIUM
from tests.browser.walk import PHONE, sent_bytes
from tests.factories import OrderFactory

ROUNDS, REQUESTS = 10, 30
BYTES_AT_MOST, REQUESTS_AT_MOST = 20_000, 3
VIEWS, SLOWED_DOWN = 5, 4
"""Cold views of the page, by a processor that many times slower than ours."""
FIELDS = 12
PAINT = """() => new Promise((found) => new PerformanceObserver((list) => found(list.getEntries().at(-1).startTime))
  .observe({type: "largest-contentful-paint", buffered: true}))"""


def run():
    """What was measured: lines of (what, value, limit or None, unit)."""
    order = OrderFactory(note="Monsoon notebook × 2, letterpress calendar 2027")
    ours_ms, floor_ms = _served(order)
    lines = [
        ("the payment page, CPU of the server", ours_ms, None, "ms"),
        ("  the floor: one SELECT and a template as large", floor_ms, None, "ms"),
        ("  times the floor", ours_ms / floor_ms, None, "x"),
    ]
    return lines + (_seen(order) if CHROMIUM else [])


def _served(order):
    """CPU milliseconds of the page and of the floor: medians of rounds that take turns."""
    environ = {
        "REQUEST_METHOD": "GET", "PATH_INFO": f"/checkout/{order.session_id}", "SERVER_NAME": "testserver",
        "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "wsgi.url_scheme": "http", "REMOTE_ADDR": "127.0.0.1",
    }  # fmt: skip
    product = WSGIHandler()
    page = b"".join(product({**environ, "wsgi.input": io.BytesIO()}, lambda *told: None)).decode()
    template = engines["django"].from_string(_filled(page))

    def ours():
        b"".join(product({**environ, "wsgi.input": io.BytesIO()}, lambda *told: None))

    def floor():
        request = WSGIRequest({**environ, "wsgi.input": io.BytesIO()})
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM payments_order WHERE session_id = %s", [request.path.rpartition("/")[2]])
            row = cursor.fetchone()
        HttpResponse(template.render({"row": row}, request)).content  # noqa: B018

    took = {ours: [], floor: []}
    for _ in range(ROUNDS):
        for act in (ours, floor):
            began = time.process_time()
            for _ in range(REQUESTS):
                act()
            took[act].append((time.process_time() - began) * 1000 / REQUESTS)
    return median(took[ours]), median(took[floor])


def _filled(page):
    """A template as large as the page, with some fields of the order in it."""
    text = page.replace("{", "(").replace("}", ")")
    step = len(text) // FIELDS
    parts = [text[i * step : (i + 1) * step] for i in range(FIELDS)]
    return "".join(f"{part}{{{{ row.{number} }}}}" for number, part in enumerate(parts))


def _seen(order):
    """A phone's first view: bytes, requests, and its largest paint."""
    server = LiveServerThread("127.0.0.1", StaticFilesHandler)
    server.daemon = True
    server.start()
    server.is_ready.wait()
    url = f"http://127.0.0.1:{server.port}"
    try:
        with override_settings(PUBLIC_URL=url), sync_playwright() as play:
            browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
            views = [_view(browser, f"{url}/checkout/{order.session_id}") for _ in range(VIEWS)]
            browser.close()
    finally:
        server.terminate()
    paints_ms, weights, requests = zip(*views, strict=True)
    return [
        (f"largest paint on a phone, processor {SLOWED_DOWN} times slower", median(paints_ms), None, "ms"),
        ("bytes of the first view", max(weights), BYTES_AT_MOST, "B"),
        ("requests of the first view", max(requests), REQUESTS_AT_MOST, ""),
    ]


def _view(browser, address):
    """Milliseconds to the largest paint, bytes and requests, with nothing in any cache."""
    context = browser.new_context(viewport=PHONE, device_scale_factor=2)
    page = context.new_page()
    context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": SLOWED_DOWN})
    answers = []
    page.on("response", lambda answer: answers.append(answer))
    page.goto(address, wait_until="networkidle")
    view = (page.evaluate(PAINT), sum(map(sent_bytes, answers)), len(answers))
    context.close()
    return view
