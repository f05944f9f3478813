"""The staff's own pages in Chromium: accessible, inside the screen, and clean under our content policy."""

import os
from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User

from payments import clock
from payments.models import GatewayAccount
from payments.services.accounts import set_credentials
from tests.browser.conftest import CHROMIUM, HOW_TO, browser_type_launch_args  # noqa: F401  (a fixture)
from tests.factories import GatewayAccountFactory, MerchantFactory, PaymentFactory, RoutingRuleFactory, act
from tests.scripted import account_at
from tests.staff import ADMIN
from tests.staff.conftest import make_gateway_event, signed_in

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None and not os.environ.get("TILL_REQUIRE_BROWSER"), reason=HOW_TO),
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def paths():
    """Where each of our pages is, in the states that say most."""
    failed, flying, held = PaymentFactory(failed=True), PaymentFactory(), PaymentFactory(authorized=True)
    for _ in range(21):
        make_gateway_event(flying)
    stray = make_gateway_event(body='{"long": "' + "x" * 300 + '"}')
    return [
        f"order/{failed.order_id}/change/",
        *(f"order/{payment.order_id}/terminate/" for payment in (failed, flying, held)),
        "order/link/",
        *(f"order/{failed.order_id}/{page}/" for page in ("link", "mail-link")),
        f"payment/{flying.pk}/change/",
        "gatewayevent/",
        f"gatewayevent/{stray.pk}/change/",
    ]


@pytest.fixture
def gateway_paths(gateways):
    """Accounts and rules: one that rests, with all its credentials and an event secret to remove, and a new one."""
    account = account_at(MerchantFactory(name="Patang Co"), "alpha", at=clock.now())
    newer = {"event_secret": "whsec-the-second-one-2222"}
    set_credentials(account.pk, newer, by=act(), at=clock.now(), seen=account.credentials_set_at)
    resting = {"failures": 5, "failed_at": clock.now(), "rests_until": clock.now() + timedelta(hours=1)}
    GatewayAccount.objects.filter(pk=account.pk).update(**resting)
    new = GatewayAccountFactory(merchant=account.merchant, gateway="beta")
    rule = RoutingRuleFactory(account=account, methods=["card"], currency="INR", min_minor=10_000)
    accounts = [f"gatewayaccount/{row.pk}/{page}/" for row in (account, new) for page in ("change", "credentials")]
    rules = ["routingrule/", "routingrule/add/", f"routingrule/{rule.pk}/change/"]
    return ["gatewayaccount/", "gatewayaccount/add/", *accounts, *rules]


@pytest.mark.parametrize("width", [375, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_about_gateways_are_accessible_and_fit(browser, live_server, gateway_paths, scheme, width):
    test_our_pages_are_accessible_and_fit(browser, live_server, gateway_paths, scheme, width)


@pytest.mark.parametrize("width", [375, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_our_pages_are_accessible_and_fit(browser, live_server, paths, scheme, width):
    session = signed_in(User.objects.create_superuser("chief")).cookies["sid"].value
    context = browser.new_context(viewport={"width": width, "height": 812}, color_scheme=scheme)
    context.add_cookies([{"name": "sid", "value": session, "url": live_server.url}])
    for path in paths:
        page = context.new_page()
        complaints = []
        page.on("console", lambda said, kept=complaints: kept.append(said.text) if said.type == "error" else None)
        page.goto(f"{live_server.url}{ADMIN}/{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        assert complaints == []  # before axe, which tries styles of its own
        results = Axe().run(page)
        assert results.violations_count == 0, f"{path}: {results.generate_report()}"
        page.close()
    context.close()


@pytest.mark.parametrize("width", [375, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_payment_link_is_made_and_can_be_copied(browser, live_server, settings, scheme, width):
    settings.PUBLIC_URL, merchant = live_server.url, MerchantFactory()
    session = signed_in(User.objects.create_superuser("chief")).cookies["sid"].value
    context = browser.new_context(viewport={"width": width, "height": 812}, color_scheme=scheme)
    context.add_cookies([{"name": "sid", "value": session, "url": live_server.url}])
    page = context.new_page()
    page.goto(f"{live_server.url}{ADMIN}/order/link/?merchant={merchant.pk}")
    page.get_by_label("Amount").fill("299.99")
    page.get_by_label("Customer’s phone").fill("9999999999")
    page.get_by_label("Reason").fill("Asked for it on the phone")
    page.get_by_role("button", name="Make the link").click()
    field = page.get_by_label("Payment link")
    link = field.input_value()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()
    field.press("Control+a")
    assert page.evaluate("getSelection().toString()") == link
    page.goto(link)
    assert page.locator("form[action$='/pay']").count() == 1
    context.close()
