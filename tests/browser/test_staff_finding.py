"""Somebody calls about an order: staff find it by what the caller has in hand, and read its story, on any screen."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User

from payments import clock
from payments.models import Adjustment
from payments.services.endpoints import add_endpoint, send_test
from tests.factories import CustomerFactory, MerchantFactory, OrderFactory, make_merchant_with_key, paid, requested
from tests.staff.conftest import make_gateway_event, signed_in

pytestmark = pytest.mark.django_db(transaction=True)

LISTS = (
    "order", "payment", "refund", "delivery", "event", "transfer", "auditentry", "customer", "gatewayevent",
    "ledgeraccount", "adjustment", "endpoint",
)  # fmt: skip


@pytest.fixture(params=[(scheme, width) for scheme in ("light", "dark") for width in (375, 1280)], ids=str)
def desk(request, browser, live_server):
    """A browser signed in as somebody who may see everything."""
    scheme, width = request.param
    context = browser.new_context(
        viewport={"width": width, "height": 812}, color_scheme=scheme, base_url=live_server.url
    )
    session = signed_in(User.objects.create_superuser("asha")).cookies["sid"].value
    context.add_cookies([{"name": "sid", "value": session, "url": live_server.url}])
    page, complaints = context.new_page(), []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    yield page
    context.close()
    # axe tries styles of its own, which our policy refuses; Chromium asks for an icon that there is none of.
    assert [c for c in complaints if "style" not in c and "Failed to load resource" not in c] == []


@pytest.fixture
def order():
    """An order with all that lists show of one, in words as long as they get."""
    merchant = make_merchant_with_key(name="Patang Paper Goods and Kites Private Limited")[0]
    MerchantFactory()
    customer = CustomerFactory(merchant=merchant, email="a.customer.with.a.long.name@mail.example.com")
    order = OrderFactory(merchant=merchant, customer=customer, amount_minor=229_000)
    payment = paid(order)
    requested(payment, 10_000)
    payment.review_reason = "The amount differs."
    payment.save()
    endpoint = add_endpoint(merchant, "test", "https://shop.example.com/a/long/path/to/the/hook", [], at=clock.now())
    send_test(endpoint.pk, at=clock.now())
    make_gateway_event(payment)
    Adjustment.objects.create(
        merchant=merchant, payment=payment, mode="test", amount_minor=-500, currency="INR", reason="The bank’s fee",
        made_by=User.objects.first(), made_at=clock.now(),
    )  # fmt: skip
    return order


def _is_clean(page):
    page.wait_for_load_state()
    results = Axe().run(page)
    assert results.violations_count == 0, f"{page.url}: {results.generate_report()}"
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def _boxes_cut(page):
    """Boxes of a list whose columns do not all fit."""
    cut = "[...document.querySelectorAll('#changelist .results')].filter(box => box.scrollWidth > box.clientWidth)"
    return page.evaluate(f"{cut}.length")


def test_an_order_is_found_by_its_amount_narrowed_down_and_read(desk, order):
    desk.goto("/admin/payments/order/")
    desk.get_by_label("Search").fill("₹2,290")
    desk.get_by_role("button", name="Search").click()
    desk.get_by_text("1 order", exact=True).wait_for()
    desk.locator("summary", has_text="By status").click()
    desk.get_by_role("link", name="paid", exact=True).click()
    desk.locator("summary", has_text="By status paid").wait_for()
    desk.locator("summary", has_text="By amount").click()
    _is_clean(desk)
    desk.get_by_label("At least").fill("much")
    desk.get_by_role("button", name="Filter by amount").click()
    desk.get_by_text("Write an amount like 2,290.00").wait_for()
    _is_clean(desk)
    desk.get_by_label("At least").fill("2,000")
    desk.get_by_role("button", name="Filter by amount").click()
    desk.get_by_text("1 order", exact=True).wait_for()
    desk.get_by_role("link", name=order.order_id, exact=True).click()
    desk.get_by_role("heading", name="Refunds").wait_for()
    _is_clean(desk)
    desk.get_by_role("region", name="Refunds").get_by_role("link").first.click()
    desk.get_by_role("link", name=order.order_id, exact=True).click()
    desk.get_by_role("heading", name="Timeline").wait_for()


def test_no_list_is_cut_off_and_all_are_accessible(desk, order):
    is_wide = desk.viewport_size["width"] >= 1280
    for model in LISTS:
        desk.goto(f"/admin/payments/{model}/")
        desk.locator("#result_list").wait_for()
        _is_clean(desk)
        if is_wide:
            assert _boxes_cut(desk) == 0, model
        else:
            assert not _boxes_cut(desk) or desk.get_by_text("The table scrolls sideways").is_visible(), model
