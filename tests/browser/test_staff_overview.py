"""The overview as staff see it: on a phone and at a desk, light and dark, with much to show and with nothing."""

from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User

from payments import clock
from payments.states import Method
from tests.factories import MerchantFactory, PaymentFactory, RefundFactory, paid
from tests.staff.conftest import signed_in

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(params=[(scheme, width) for scheme in ("light", "dark") for width in (375, 1280)])
def desk(request, browser, live_server):
    """A browser signed in as somebody who may do everything."""
    scheme, width = request.param
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, base_url=live_server.url
    )
    session = signed_in(User.objects.create_superuser("meera")).cookies["sid"].value
    context.add_cookies([{"name": "sid", "value": session, "url": live_server.url}])
    page, complaints = context.new_page(), []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    yield page
    context.close()
    # axe tries styles of its own, which our policy refuses.
    assert [c for c in complaints if "style" not in c] == []


@pytest.fixture
def busy():
    """Two merchants, every method and outcome, two currencies, refunds, and something due."""
    now, other = clock.now(), MerchantFactory(name="A merchant with a name that is rather long, as some names are")
    for number in range(40):
        at = now - timedelta(days=number % 30)
        state = ["success", "success", "failed", "user_dropped"][number % 4]
        method = list(Method)[number % 3]
        PaymentFactory(
            **{state: True}, started_at=at, completed_at=at, method=method, order__amount_minor=(number + 1) * 1_234_567
        )
    PaymentFactory(success=True, started_at=now, completed_at=now, order__currency="KWD", order__merchant=other)
    PaymentFactory(authorized=True, started_at=now)
    PaymentFactory(started_at=now - timedelta(minutes=11))
    RefundFactory(payment=paid(amount_minor=5_000_000))
    RefundFactory(status="failed", completed_at=now)


def _is_clean(page):
    page.wait_for_load_state()
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def _texts_inside(page):
    """Whether every word of the drawing stands within the screen."""
    page.wait_for_load_state()
    return page.evaluate(
        """() => [...document.querySelectorAll(".till-columns text")].every(text => {
            const box = text.getBoundingClientRect()
            return box.left >= 0 && box.right <= document.documentElement.clientWidth
        })"""
    )


def test_the_overview_is_accessible_and_fits(desk, busy):
    desk.goto("/admin/overview/")
    assert desk.get_by_role("img", name="Taken per day").is_visible()
    assert desk.get_by_text("today, so far").is_visible()
    _is_clean(desk)
    for fold in desk.get_by_text("Show as a table").all():
        fold.click()
    assert desk.get_by_role("rowheader", name="In all", exact=True).is_visible()
    _is_clean(desk)
    for period in ("Today", "7 days", "90 days"):
        desk.get_by_role("link", name=period).click()
        assert desk.get_by_role("link", name=period).get_attribute("aria-current") == "true"
        assert _texts_inside(desk)
        _is_clean(desk)


def test_one_looks_at_another_currency_and_at_one_merchant(desk, busy):
    desk.goto("/admin/overview/?period=7")
    desk.get_by_role("link", name="KWD").click()
    desk.get_by_text("Figures in KWD only").wait_for()
    assert _texts_inside(desk)
    _is_clean(desk)
    desk.get_by_label("Merchant").select_option(index=1)
    desk.get_by_role("button", name="Show").click()
    desk.get_by_text("1 payment", exact=True).wait_for()
    assert "period=7" in desk.url
    _is_clean(desk)


def test_what_is_open_is_a_click_away(desk, busy):
    desk.goto("/admin/overview/")
    desk.get_by_role("link", name="oldest").click()
    desk.get_by_role("heading", name="Select payment").wait_for()
    assert desk.locator("#result_list tbody tr").count() == 1


def test_a_fresh_install_says_what_to_do(desk):
    desk.goto("/admin/overview/")
    desk.get_by_role("heading", name="Nobody has paid yet").wait_for()
    _is_clean(desk)
