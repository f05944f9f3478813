"""The pages while an attempt is out: what they say, how they watch, and the way out of them."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from checkout.hosted.codes import PHONE_PX, QUIET_ZONE, WIDE_PX, qr_code
from payments import clock
from payments.gateways.simulator.models import SimulatedPayment
from payments.states import PaymentStatus
from tests.factories import OrderFactory, PaymentFactory
from tests.hosted.customer import ATTEMPTS, UPI_LINK, Customer, attempt, text_of

pytestmark = pytest.mark.django_db
UPI = {"request", "code"}
START_UNKNOWN = {"start_answered_at": None, "next_action": {}}


def waiting(kind, **over):
    return Customer(attempt(kind, **over).order)


@pytest.mark.parametrize("kind", ATTEMPTS)
def test_every_kind_says_that_nobody_knows_yet_and_has_one_main_button_at_most(kind):
    page = waiting(kind).open().content.decode()
    assert "We don’t know yet if this was taken." in page
    assert "Nothing has been taken" not in page
    assert page.count("button-primary") == 1


@pytest.mark.parametrize("kind", ATTEMPTS)
def test_every_kind_leads_back_to_the_shop_without_waiting(kind):
    customer = waiting(kind)
    page = customer.open()
    assert re.search(r'href="https://shop.example.com/return\?order_id=\w+"', page.content.decode())
    assert "they get the result too" in text_of(page)


def test_a_request_says_to_whom_until_when_and_what_is_next():
    text = text_of(waiting("request").open())
    assert re.search(r"Request sent To asha@okbank at \d+:\d\d [ap]m", text)
    assert re.search(r"The request lasts until \d+:\d\d [ap]m\.", text)
    assert "Your bank confirms" in text
    assert "I can’t find the request" in text


def test_a_code_is_a_link_and_a_picture_of_the_same_payment():
    page = waiting("code").open()
    html = page.content.decode()
    assert f'href="{UPI_LINK.replace("&", "&amp;")}"' in html
    assert f'd="{qr_code(UPI_LINK).path}"' in html
    assert re.search(r'role="img" aria-label="QR code to pay ₹299.99 to Kite Shop \d+"', html)
    assert re.search(r"The code works until \d+:\d\d [ap]m\.", text_of(page))
    assert "Please approve it only once." in text_of(page)


@pytest.mark.parametrize("length", [20, 60, 120, 200, 400])
def test_codes_have_whole_pixels_and_a_quiet_zone(length):
    code = qr_code("x" * length)
    assert code.side == code.modules + 2 * QUIET_ZONE
    assert code.phone_px % code.side == 0
    assert code.wide_px % code.side == 0
    assert code.phone_px >= 2 * code.side
    assert code.phone_px <= code.wide_px
    corners = [int(n) for n in re.findall(r"M(\d+) ", code.path)]
    assert min(corners) == QUIET_ZONE
    assert max(corners) < code.side - QUIET_ZONE
    if length <= 200:
        assert abs(code.phone_px - 2 * QUIET_ZONE * code.phone_px / code.side - PHONE_PX) < 30
        assert abs(code.wide_px - 2 * QUIET_ZONE * code.wide_px / code.side - WIDE_PX) < 30


@pytest.mark.parametrize("kind", ATTEMPTS)
def test_after_the_attempts_time_nothing_is_promised_and_nothing_is_offered_to_approve(kind):
    customer = waiting(kind)
    with clock.shifted(timedelta(minutes=15, seconds=1)):
        page = customer.open()
    text = text_of(page)
    assert "Waiting for the answer" in text
    assert "Please don’t pay again." in text
    assert "The answer takes longer than it should." in text
    assert "until" not in text
    assert "Open my UPI app" not in text
    assert "Go on at" not in text
    assert "Refresh" not in page
    assert "Check again" in text


@pytest.mark.parametrize("kind", ATTEMPTS)
def test_it_looks_again_every_five_seconds_at_first(kind):
    customer = waiting(kind)
    page = customer.open("?kept=1")
    assert page["Refresh"] == f"5; url={customer.url}"
    assert "every 5 seconds" in text_of(page)


@pytest.mark.parametrize("kind", ATTEMPTS)
def test_after_a_minute_only_upi_keeps_looking_and_says_how_often(kind):
    customer = waiting(kind)
    with clock.shifted(timedelta(seconds=90)):
        page = customer.open()
    assert page.get("Refresh") == (f"15; url={customer.url}" if kind in UPI else None)
    assert ("now every 15 seconds, until" in text_of(page)) == (kind in UPI)
    assert ("by itself" in text_of(page)) == (kind in UPI)


def test_the_looking_can_be_stopped_and_check_now_stays():
    customer = waiting("code")
    assert f'href="{customer.url}?stay=1"' in customer.open().content.decode()
    page = customer.open("?stay=1")
    assert "Refresh" not in page
    assert "by itself" not in text_of(page)
    assert "I have approved it: check" in text_of(page)


@pytest.mark.parametrize("kind", ATTEMPTS)
def test_a_waiting_page_takes_at_most_three_statements(kind):
    customer = waiting(kind)
    with CaptureQueriesContext(connection) as statements:
        customer.open()
    assert len(statements) <= 3


# --- Cancel and choose again ---


@pytest.mark.parametrize(
    ("method", "fields"),
    [
        ("upi", {"upi_flow": "qr"}),
        ("upi", {"upi_id": "pending@sim"}),
        ("netbanking", {"bank": "HDFC"}),
        ("wallet", {"wallet": "amazon"}),
        ("card", {"number": "4000000000003220", "expiry": "12/39", "cvc": "123"}),
    ],
)
def test_cancel_ends_the_attempt_for_good_and_lets_the_customer_choose_again(order, method, fields):
    customer = Customer(order)
    customer.pay_by(method, **fields)
    customer.open()
    response = customer.cancel()
    assert (response.status_code, response["Location"]) == (303, customer.url)
    text = text_of(customer.open())
    assert "Your last try is cancelled" in text
    assert "Nothing has been taken." in text
    assert order.payments.get().status == PaymentStatus.CANCELLED
    assert SimulatedPayment.objects.get().status == "cancelled"
    assert "was taken, once." in text_of(_paid(customer))


def _paid(customer):
    customer.open_and_pay()
    return customer.open()


def test_what_can_not_be_cancelled_is_kept_and_said_on_the_waiting_page_alone(order):
    customer = Customer(order)
    customer.pay_by("upi", upi_id="late@sim")
    customer.open()
    response = customer.cancel()
    assert response["Location"] == f"{customer.url}?kept=1"
    assert "This can’t be cancelled now" in text_of(customer.open("?kept=1"))
    assert "This can’t be cancelled now" not in text_of(customer.open())
    assert order.payments.get().status == PaymentStatus.PENDING
    fresh = Customer(OrderFactory(merchant=order.merchant))
    assert "cancelled" not in text_of(fresh.open("?kept=1"))


def test_money_taken_just_before_the_cancel_is_shown_as_taken(order):
    customer = Customer(order)
    customer.pay_by("upi", upi_flow="qr")
    desk = re.search(r'href="(/simulator/[^"]+)"', customer.open().content.decode())[1]
    customer.client.post(desk, {"decision": "approve"}, headers={"sec-fetch-site": "same-origin"})
    response = customer.cancel()
    page = customer.client.get(response["Location"])
    assert "was taken, once." in text_of(page)
    assert "cancelled" not in text_of(page)


def test_an_attempt_whose_start_has_not_answered_has_no_cancel_button():
    customer = waiting("code", **START_UNKNOWN)
    assert "/cancel" not in customer.open().content.decode()
    with clock.shifted(timedelta(minutes=2, seconds=1)):
        assert "/cancel" in customer.open().content.decode()


def test_an_order_that_takes_no_other_attempt_offers_no_cancel():
    payment = attempt("bank")
    payment.order.expires_at = payment.started_at + timedelta(minutes=5)
    payment.order.save()
    with clock.shifted(timedelta(minutes=6)):
        assert "/cancel" not in Customer(payment.order).open().content.decode()


def test_a_stale_cancel_form_never_cancels_a_newer_attempt(order):
    old, new = Customer(order), Customer(order)
    old.pay_by("netbanking", bank="HDFC")
    old.open()
    stale = old.hidden_fields("cancel")
    assert old.cancel().status_code == 303
    new.pay_by("wallet", wallet="amazon")
    response = old.post("cancel", stale)
    assert (response.status_code, response["Location"]) == (303, old.url)
    assert [p.status for p in order.payments.order_by("pk")] == ["cancelled", "pending"]
    # Nor does the old token when the newer attempt's name is put beside it.
    forged = {**stale, "attempt": order.payments.latest("pk").uid}
    assert old.post("cancel", forged).status_code == 403
    assert order.payments.latest("pk").status == PaymentStatus.PENDING


@pytest.mark.parametrize(
    ("over", "headers"),
    [
        ({"form_token": ""}, None),
        ({"form_token": "nonsense"}, None),
        ({"attempt": ""}, None),
        ({"attempt": "pay_other"}, None),
        ({"attempt": "\x00"}, None),
        ({}, {"sec-fetch-site": "cross-site"}),
        ({}, {}),
    ],
)
def test_a_cancel_that_is_not_from_our_page_is_refused(over, headers):
    customer = waiting("bank")
    customer.open()
    fields = {**customer.hidden_fields("cancel"), **over}
    headers = {"sec-fetch-site": "same-origin"} if headers is None else headers
    response = customer.post("cancel", fields, headers=headers)
    assert response.status_code == 403
    assert "so we did nothing with it" in text_of(response)


def test_the_token_of_another_form_cancels_nothing():
    customer = waiting("bank")
    customer.open()
    check = customer.hidden_fields("check")
    assert customer.cancel(form_token=check["form_token"]).status_code == 403


def test_looking_at_the_cancel_address_changes_nothing():
    payment = attempt("bank")
    customer = Customer(payment.order)
    assert customer.client.get(f"{customer.url}/cancel")["Location"] == customer.url
    payment.refresh_from_db()
    assert payment.status == PaymentStatus.PENDING


def test_a_receipt_of_a_payment_without_details_names_no_more_than_its_method():
    assert "Paid with Card" in text_of(Customer(PaymentFactory(success=True).order).open())
