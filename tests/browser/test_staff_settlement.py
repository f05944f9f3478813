"""A settlement from its first day: settled, closed by somebody else, paid out, confirmed, and told by a statement."""

from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe

from payments import books, clock
from payments.jobs import run_job
from payments.models import Payout, Settlement
from payments.selectors import due_jobs
from payments.states import SettlementStatus
from tests.factories import refund
from tests.settling import sell, seller
from tests.staff.conftest import make_staff, signed_in
from tests.staff.deeds import page_of

pytestmark = pytest.mark.django_db(transaction=True)

RIGHTS = (
    "view_merchant", "view_order", "view_payment", "view_refund", "add_adjustment", "view_settlementline",
    "view_settlementevent", "view_settlement", "add_settlement", "change_settlement", "view_payout", "add_payout",
    "change_payout", "view_gatewayaccount", "change_gatewayaccount",
)  # fmt: skip


@pytest.fixture(
    params=[("light", 375), ("dark", 375), ("light", 1280), ("dark", 1280)], ids=lambda desk: f"{desk[0]}_{desk[1]}"
)
def sit_down(request, browser, live_server):
    """A person of the finance group at a desk of their own."""
    scheme, width = request.param
    contexts, complaints = [], []

    def open_for(name):
        viewport = {"width": width, "height": 900}
        context = browser.new_context(viewport=viewport, color_scheme=scheme, base_url=live_server.url)
        contexts.append(context)
        session = signed_in(make_staff(name, *RIGHTS)).cookies["sid"].value
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


def _work():
    """Do what the worker would do now."""
    for name, pk in list(due_jobs(at=clock.now())):
        run_job(name, pk, at=clock.now())


def _confirm(page, button):
    """Through both pages of a deed whose own fields are filled in."""
    page.get_by_label("Reason").fill("The end of the week")
    page.get_by_role("button", name="Continue").click()
    page.get_by_text("Nothing has happened yet").wait_for()
    _is_clean(page)
    page.get_by_role("button", name=button).click()


def test_a_settlement_by_two_people(sit_down):
    merchant = seller(name="Patang Paper Goods")
    refund(sell(merchant), 10_000)
    asha, ravi = sit_down("asha"), sit_down("ravi")

    asha.goto("/admin/payments/settlement/")
    _is_clean(asha)
    asha.get_by_role("link", name="Settle now").click()
    _is_clean(asha)
    asha.get_by_label("Merchant").select_option("Patang Paper Goods")
    asha.get_by_role("button", name="Continue").click()
    asha.get_by_text("A settlement takes all that waits").wait_for()
    _is_clean(asha)
    asha.get_by_label("Payments up to and with").fill("2999-01-01")
    asha.get_by_label("Reason").fill("The end of the week")
    asha.get_by_role("button", name="Continue").click()
    asha.get_by_text("Write a day that has come").wait_for()
    _is_clean(asha)
    today = (clock.now() + timedelta(hours=5, minutes=30)).date().isoformat()
    asha.get_by_label("Payments up to and with").fill(today)
    _confirm(asha, "Settle INR of Patang Paper Goods")
    asha.get_by_text("This settlement is being put together.").wait_for()
    _is_clean(asha)
    _work()
    asha.get_by_role("link", name="Look again").click()
    asha.get_by_text("You opened this settlement, or corrected something").wait_for()
    _is_clean(asha)
    settlement = Settlement.objects.get()

    ravi.goto("/admin/payments/settlement/?queue=closing")
    ravi.get_by_role("link", name=settlement.uid).click()
    ravi.get_by_role("link", name="Close…").click()
    _is_clean(ravi)
    _confirm(ravi, "Close with a net of ₹192.91")
    ravi.get_by_text("It waits to be paid out.").wait_for()
    _is_clean(ravi)
    ravi.get_by_role("link", name="Pay out…").click()
    _is_clean(ravi)
    _confirm(ravi, "Note ₹192.91 as sent")
    ravi.get_by_text("Confirm it when the bank says it is paid").wait_for()

    asha.goto(page_of(settlement))
    asha.get_by_role("link", name="Confirm pay-out…").click()
    _is_clean(asha)
    asha.get_by_label("Bank reference (UTR)").fill("HDFCN52026112901")
    _confirm(asha, "Confirm ₹192.91")
    asha.get_by_text("Confirmed: ₹192.91 is paid").wait_for()
    _is_clean(asha)
    settlement.refresh_from_db()
    assert settlement.status == SettlementStatus.PAID_OUT
    assert not list(books.differences())

    asha.goto(page_of(settlement))
    _is_clean(asha)
    asha.get_by_role("link", name="Statement…").click()
    _is_clean(asha)
    asha.get_by_label("Reason").fill("The merchant asked for it")
    with asha.expect_download() as loading:
        asha.get_by_role("button", name="Download CSV").click()
    assert loading.value.suggested_filename == f"{settlement.uid}.csv"
    assert loading.value.path().read_text(encoding="utf-8").count("\n") == 3
    asha.get_by_role("button", name="Open to print").click()
    asha.get_by_role("heading", name="Settlement statement").wait_for()
    asha.get_by_text("HDFCN52026112901").wait_for()
    _is_clean(asha)

    payment = settlement.lines.get(kind="payment").payment
    for row in (payment, payment.order, merchant, settlement.lines.get(kind="refund").refund):
        asha.goto(page_of(row))
        _is_clean(asha)
    for path in (
        f"gatewayaccount/{payment.account_id}/collects/",
        "settlement/",
        "payout/",
        f"payout/{Payout.objects.get().pk}/fail/",
        f"merchant/{merchant.pk}/paid-in/",
    ):
        asha.goto(f"/admin/payments/{path}")
        _is_clean(asha)
