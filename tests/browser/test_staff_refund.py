"""A refund above the limit, by two people in two browsers; the one who asked is refused."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User

from payments import books
from payments.models import AuditEntry, Refund
from payments.states import RefundStatus
from tests.factories import MerchantFactory
from tests.staff.conftest import make_staff, signed_in
from tests.staff.deeds import page_of, pay

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def taken():
    """₹299.99, of a merchant whose staff may refund ₹50 alone."""
    return pay(MerchantFactory(one_person_refund_minor=5_000))


@pytest.fixture(params=["light", "dark"])
def sit_down(request, browser, live_server):
    """A person at a desk of their own: a page of a browser signed in as them."""
    contexts, complaints = [], []

    def open_for(user, width=1280):
        viewport = {"width": width, "height": 900}
        context = browser.new_context(viewport=viewport, color_scheme=request.param, base_url=live_server.url)
        contexts.append(context)
        session = signed_in(user).cookies["sid"].value
        context.add_cookies([{"name": "sid", "value": session, "url": live_server.url}])
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        return page

    yield open_for
    for context in contexts:
        context.close()
    # axe tries styles of its own, which our policy refuses; a form that is refused answers 400.
    assert [c for c in complaints if "style" not in c and "Failed to load resource" not in c] == []


def _is_clean(page):
    page.wait_for_load_state()
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def _continue(page, reason):
    page.get_by_label("Reason").fill(reason)
    page.get_by_role("button", name="Continue").click()
    page.get_by_text("Nothing has happened yet").wait_for()
    _is_clean(page)


def test_a_refund_by_two_people(sit_down, taken):
    asha = sit_down(User.objects.create_superuser("asha"), width=375)
    ravi = sit_down(make_staff("ravi", "view_payment", "view_order", "view_refund", "change_refund"))

    asha.goto(page_of(taken))
    asha.get_by_role("link", name="Refund…").click()
    _is_clean(asha)
    asha.get_by_label("Amount in INR").fill("1e3")
    asha.get_by_role("button", name="Continue").click()
    asha.get_by_text("Write INR as a plain number").wait_for()
    _is_clean(asha)
    asha.get_by_label("Amount in INR").fill("120.50")
    asha.get_by_label("Note").fill("Torn sail")
    _continue(asha, "The customer called")
    asha.get_by_role("button", name="Ask to refund ₹120.50").click()
    asha.get_by_text("₹120.50 waits for a second person to approve it.").wait_for()
    _is_clean(asha)
    refund = Refund.objects.get()
    assert refund.status == RefundStatus.REQUESTED

    asha.get_by_role("link", name=refund.uid).first.click()
    asha.get_by_text("You asked for this refund, so somebody else has to approve it.").wait_for()
    assert asha.get_by_role("link", name="Approve…").count() == 0
    asha.goto(f"/admin/payments/refund/{refund.pk}/approve/")
    asha.get_by_text("This cannot be done now.").wait_for()
    assert asha.get_by_role("button", name="Continue").count() == 0

    ravi.goto("/admin/payments/refund/?queue=approval")
    ravi.get_by_role("link", name=refund.uid).click()
    _is_clean(ravi)
    ravi.get_by_role("link", name="Approve…").click()
    ravi.get_by_text("asha asked for this refund.").wait_for()
    _is_clean(ravi)
    _continue(ravi, "Checked the parcel")
    ravi.get_by_role("button", name="Approve and send ₹120.50").click()
    ravi.get_by_text("Refunded: ₹120.50 went back to the customer.").wait_for()
    _is_clean(ravi)

    refund.refresh_from_db()
    assert (refund.status, refund.approved_by.username) == (RefundStatus.SUCCESS, "ravi")
    people = [("refund.request", "asha"), ("refund.approve", "ravi")]
    assert list(AuditEntry.objects.order_by("pk").values_list("act", "actor__username")) == people
    assert not list(books.differences())
