"""An endpoint from its first day: added, tried out against a real server, sent again, and switched off."""

from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User

from payments import clock
from payments.jobs import run_job
from payments.models import Delivery, Endpoint
from payments.selectors import due_jobs
from tests.factories import make_merchant_with_key
from tests.payments.receiver import answer, receiving
from tests.staff.conftest import signed_in
from tests.staff.deeds import page_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(params=[("light", 375), ("dark", 1280)], ids=["light phone", "dark desk"])
def desk(request, browser, live_server):
    """A browser signed in as somebody who may do everything."""
    scheme, width = request.param
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, base_url=live_server.url
    )
    session = signed_in(User.objects.create_superuser("asha")).cookies["sid"].value
    context.add_cookies([{"name": "sid", "value": session, "url": live_server.url}])
    page, complaints = context.new_page(), []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    yield page
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


def _do(page, button):
    """Go through both pages of a deed."""
    _is_clean(page)
    page.get_by_label("Reason").fill("Trying it out")
    page.get_by_role("button", name="Continue").click()
    page.get_by_text("Nothing has happened yet").wait_for()
    _is_clean(page)
    page.get_by_role("button", name=button).click()


def test_an_endpoint_is_added_tried_out_and_sent_again(desk, settings):
    settings.WEBHOOK_ALLOW_PRIVATE = True
    merchant = make_merchant_with_key()[0]
    with receiving(answer(500, body=b"<b>not yet</b>"), answer(200, body=b"thanks")) as shop:
        desk.goto(page_of(merchant))
        desk.get_by_role("link", name="Add endpoint").click()
        desk.get_by_label("URL").fill("https://me@shop.example.com/")
        desk.get_by_label("Reason").fill("The shop goes live")
        desk.get_by_role("button", name="Add the endpoint").click()
        desk.get_by_text("Write an absolute address").wait_for()
        _is_clean(desk)
        desk.get_by_label("URL").fill(f"{shop.origin}/hook")
        desk.get_by_label("REFUND_STATUS_WEBHOOK", exact=True).check()
        desk.get_by_role("button", name="Add the endpoint").click()
        desk.get_by_text("The endpoint is live").wait_for()
        _is_clean(desk)
        endpoint = Endpoint.objects.get()
        assert endpoint.kinds == ["REFUND_STATUS_WEBHOOK"]

        desk.get_by_role("link", name="Send a test message…").click()
        _do(desk, "Send a test message")
        desk.get_by_text("is due: the worker sends it").wait_for()
        delivery = Delivery.objects.get()
        _work()
        desk.get_by_role("link", name=delivery.uid).click()
        desk.get_by_text("answered 500").wait_for()
        # However slow we are, its own next try is not due yet.
        Delivery.objects.update(due_at=clock.now() + timedelta(hours=1))
        desk.get_by_text("The first kilobyte of the answer").click()
        desk.get_by_text("<b>not yet</b>").wait_for()
        _is_clean(desk)

        desk.get_by_role("link", name="Send again…").click()
        _do(desk, "Send this webhook again")
        desk.get_by_text("It is due now").wait_for()
        _work()
        desk.reload()
        desk.get_by_text("answered 200").wait_for()
        assert len({(headers["webhook-id"], body) for _, headers, body in shop.requests}) == 1
        assert [headers["x-webhook-attempt"] for _, headers, _ in shop.requests] == ["1", "2"]
    delivery.refresh_from_db()
    assert delivery.status == "delivered"

    desk.goto(page_of(endpoint))
    desk.get_by_role("link", name="Switch off…").click()
    _do(desk, "Switch this endpoint off")
    desk.get_by_text("The endpoint is switched off").wait_for()
    _is_clean(desk)
    for path in ("endpoint/", "delivery/", f"merchant/{merchant.pk}/replay/"):
        desk.goto(f"/admin/payments/{path}")
        _is_clean(desk)
