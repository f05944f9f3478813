"""The first day of somebody on the staff: enrol, keep codes, sign out, come back by app and by paper, refund.

The pages are those of an https address: two steps are asked for.
"""

from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User

from payments import clock
from payments.models import AuditEntry, Refund, SecondFactor
from payments.states import RefundStatus
from tests.factories import MerchantFactory
from tests.staff.deeds import page_of, pay
from tests.staff.door import PASSWORD, code_of, give_app

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def as_in_production(settings):
    """Chromium takes cookies for https alone from its own machine as well."""
    settings.STAFF_SECOND_FACTOR = settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME = "__Host-sid", "__Host-csrf"


@pytest.fixture(params=[("light", 1280), ("dark", 375)], ids=["light desktop", "dark phone"])
def desk(request, browser, live_server, scripts):
    """A page in which nobody is signed in."""
    scheme, width = request.param
    viewport = {"width": width, "height": 900}
    context = browser.new_context(
        viewport=viewport, color_scheme=scheme, base_url=live_server.url, java_script_enabled=scripts
    )
    page, complaints = context.new_page(), []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    yield page
    context.close()
    # axe tries styles of its own, which our policy refuses; a form that is refused answers 400.
    assert [c for c in complaints if "style" not in c and "Failed to load resource" not in c] == []


def _is_clean(page, scripts):
    page.wait_for_load_state()
    if scripts:
        results = Axe().run(page)
        assert results.violations_count == 0, results.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def _type_password(page, scripts):
    page.get_by_label("Username").fill("asha")
    page.get_by_label("Password").fill(PASSWORD)
    _is_clean(page, scripts)
    page.get_by_role("button", name="Log in").click()


def _type_code(page, scripts, code, button="Continue"):
    page.get_by_role("textbox", name="Code").fill(code)
    _is_clean(page, scripts)
    page.get_by_role("button", name=button).click()


def test_the_first_day(desk, scripts):
    User.objects.create_superuser("asha", password=PASSWORD)
    taken = pay(MerchantFactory())

    desk.goto(page_of(taken))
    _type_password(desk, scripts)
    desk.get_by_role("img", name="QR code for your authenticator app").wait_for()
    secret = desk.locator("code.till-copy").inner_text().replace(" ", "")
    _type_code(desk, scripts, "000000", "Use this app")
    desk.get_by_text("The app shows another code now.").wait_for()
    _type_code(desk, scripts, code_of(secret), "Use this app")
    desk.get_by_text("Keep these now").wait_for()
    _is_clean(desk, scripts)
    codes = desk.locator(".till-codes code").all_inner_texts()
    assert len(codes) == 10
    desk.get_by_role("link", name="I have kept them: go on").click()
    desk.wait_for_url(f"**{page_of(taken)}")

    desk.get_by_role("button", name="Log out").click()
    desk.goto("/admin/")
    with clock.shifted(timedelta(minutes=1)):
        _type_password(desk, scripts)
        _type_code(desk, scripts, code_of(secret))
        desk.get_by_role("link", name="Second factor").click()
        desk.get_by_text("10 of 10").wait_for()
        _is_clean(desk, scripts)
        desk.get_by_role("button", name="Log out").click()

        desk.goto("/admin/")
        _type_password(desk, scripts)
        desk.get_by_role("link", name="Use a recovery code").click()
        desk.get_by_role("textbox", name="Recovery code").fill("not-one-of-mine")
        desk.get_by_role("button", name="Continue").click()
        desk.get_by_text("That is no code that counts now.").wait_for()
        desk.get_by_role("textbox", name="Recovery code").fill(codes[4])
        _is_clean(desk, scripts)
        desk.get_by_role("button", name="Continue").click()
        desk.get_by_text("9 of 10 are left").wait_for()
        _is_clean(desk, scripts)

    with clock.shifted(timedelta(minutes=8)):
        desk.goto(f"{page_of(taken)}../refund/")
        desk.get_by_role("heading", name="Is it you?").wait_for()
        _is_clean(desk, scripts)
        desk.get_by_label("Password").fill(PASSWORD)
        desk.get_by_label("Code from your authenticator app").fill(code_of(secret))
        desk.get_by_role("button", name="It is me: continue").click()
        desk.get_by_label("Amount in INR").fill("12.50")
        desk.get_by_label("Note").fill("Torn sail")
        desk.get_by_label("Reason").fill("The customer called")
    with clock.shifted(timedelta(minutes=14)):
        desk.get_by_role("button", name="Continue").click()
        desk.get_by_text("what you typed is kept").wait_for()
        _is_clean(desk, scripts)
        desk.get_by_label("Password").fill("a guess")
        desk.get_by_label("Code from your authenticator app").fill("000000")
        desk.get_by_role("button", name="It is me: continue").click()
        desk.get_by_text("That is not right.").wait_for()
        desk.get_by_label("Password").fill(PASSWORD)
        desk.get_by_label("Code from your authenticator app").fill(code_of(secret))
        desk.get_by_role("button", name="It is me: continue").click()
        desk.get_by_role("button", name="Refund ₹12.50").click()
        desk.get_by_text("Refunded: ₹12.50 went back to the customer.").wait_for()

    cookies = {cookie["name"]: cookie for cookie in desk.context.cookies()}
    assert set(cookies) >= {"__Host-sid", "__Host-csrf"}
    assert all(cookie["secure"] and cookie["httpOnly"] for cookie in cookies.values())

    with clock.shifted(timedelta(minutes=31)):
        desk.goto("/admin/payments/order/")
        desk.get_by_text("because nothing was done for a while").wait_for()
        _is_clean(desk, scripts)

    refund = Refund.objects.get()
    assert (refund.status, refund.note) == (RefundStatus.SUCCESS, "Torn sail")
    told = list(AuditEntry.objects.order_by("pk").values_list("act", flat=True))
    assert told == [
        "second_factor.enrol",
        *["sign_in.done"] * 2,
        "sign_in.fail",
        "second_factor.recovery",
        "sign_in.done",
        "sign_in.fail",
        "refund.request",
    ]
    assert {entry.details["address"] for entry in AuditEntry.objects.filter(act="sign_in.fail")} == {"127.0.0.1"}


def test_somebody_elses_second_factor_is_reset(desk, scripts):
    ravi = User.objects.create_user("ravi", password=PASSWORD, is_staff=True)
    give_app(ravi)
    _, codes = give_app(User.objects.create_superuser("asha", password=PASSWORD))
    desk.goto(f"/admin/auth/user/{ravi.pk}/change/")
    _type_password(desk, scripts)
    _type_code(desk, scripts, codes[0])
    desk.get_by_role("link", name="Reset second factor…").click()
    _is_clean(desk, scripts)
    desk.get_by_label("Reason").fill("Phone stolen; called him")
    desk.get_by_role("button", name="Continue").click()
    desk.get_by_text("Nothing has happened yet").wait_for()
    _is_clean(desk, scripts)
    desk.get_by_role("button", name="Reset this person’s second factor").click()
    desk.get_by_text("ravi is signed out everywhere and enrols a new app.").wait_for()
    assert SecondFactor.objects.get(user=ravi).enrolled_at is None
