"""More time on the pay page: the warning, the button, and what is said when no more can be had."""

import re
from datetime import timedelta

import pytest

from payments import clock
from payments.models import Merchant, Order
from payments.services.payments import expire_order, terminate_order
from tests.factories import OrderFactory, PaymentFactory
from tests.hosted.customer import CARD_FIELDS, Customer, attempt, text_of

pytestmark = pytest.mark.django_db

QUARTER = timedelta(minutes=15)
WARNING = "This page closes in about"


@pytest.fixture
def customer(order):
    customer = Customer(order)
    customer.open()
    return customer


def _ask(customer, used=0, **fields):
    return customer.post("extend", {"used": str(used), **fields})


def _used(order):
    return Order.objects.get(pk=order.pk).extensions_used


def _closing(left, **columns):
    return OrderFactory(expires_at=clock.now() + left, **columns)


def _is_warned(response):
    return 'role="alert" aria-labelledby="longer">' in response.content.decode()


@pytest.mark.parametrize(
    ("left", "words"),
    [(300, "about 5 minutes"), (240, "about 4 minutes"), (125, "about 3 minutes"), (20, "about 1 minute That")],
)
def test_the_warning_says_how_long_until_when_and_how_to_get_more(left, words):
    response = Customer(_closing(timedelta(seconds=left))).open()
    page = text_of(response)
    assert _is_warned(response)
    assert f"{WARNING.removesuffix(' about')} {words}" in page
    assert re.search(r"That is at \d+:\d\d [ap]m \(India time\)\. You can add 15 minutes, up to 2 more times\.", page)
    assert page.count("Give me 15 more minutes") == 1
    assert "Need longer?" not in page
    assert page.count("Nothing has been taken.") == 1


def test_before_that_the_warning_waits_hidden_and_more_time_is_offered_quietly():
    response = Customer(_closing(timedelta(minutes=20))).open()
    page = response.content.decode()
    due = int(re.search(r'data-due="(\d+)" hidden>', page)[1])
    assert 880 <= due <= 900
    assert "Need longer?" in text_of(response)
    assert "Refresh" not in response


def test_no_answer_with_a_form_asks_for_itself_again():
    assert "Refresh" not in Customer(_closing(timedelta(minutes=3))).open()


def test_a_merchant_who_allows_none_still_has_the_warning(merchant):
    Merchant.objects.update(extensions=0)
    far, near = (_closing(timedelta(minutes=n), merchant=merchant) for n in (20, 4))
    assert "Need longer?" not in text_of(Customer(far).open())
    page = text_of(Customer(near).open())
    assert "No more time can be added." in page
    assert "Give me" not in page


def test_one_press_adds_15_minutes_and_keeps_what_was_typed(customer, order):
    response = _ask(customer, **CARD_FIELDS)
    page = response.content.decode()
    assert response.status_code == 200
    assert "Time was added" in text_of(response)
    assert 'value="Asha Rao"' in page
    assert 'value="card" checked' in page
    assert "4242" not in page
    assert 'value="123"' not in page
    assert "please type both again" in text_of(response)
    stored = Order.objects.get(pk=order.pk)
    assert (stored.expires_at, stored.extensions_used) == (order.expires_at + QUARTER, 1)
    customer.token = re.search(r'name="form_token" value="([^"]+)"', page)[1]
    assert customer.pay().status_code == 303


def test_a_press_in_the_last_minutes_takes_the_warning_away(merchant):
    order = _closing(timedelta(minutes=2), merchant=merchant)
    customer = Customer(order)
    assert _is_warned(customer.open())
    assert not _is_warned(_ask(customer))
    assert "up to 2 more times" not in text_of(customer.open())
    with clock.shifted(timedelta(minutes=10)):
        assert "You can add 15 minutes, one more time." in text_of(customer.open())


def test_a_double_press_adds_once(customer, order):
    assert [_ask(customer).status_code for _ in range(3)] == [200, 200, 200]
    assert _used(order) == 1
    assert order.events.filter(kind="order.extended").count() == 1


def test_no_more_than_the_merchant_allows_and_the_page_says_so(customer, order):
    assert [_ask(customer, used).status_code for used in (0, 1)] == [200, 200]
    response = _ask(customer, 2)
    assert response.status_code == 409
    assert "No more time can be added It can be paid until" in text_of(response)
    assert _used(order) == 2
    assert "Need longer?" not in text_of(customer.open())


def test_a_page_open_for_hours_may_ask_for_time(order):
    Order.objects.update(expires_at=clock.now() + timedelta(days=2))
    customer = Customer(order)
    customer.open()
    with clock.shifted(timedelta(hours=13)):
        assert _ask(customer).status_code == 200
    assert _used(order) == 1


@pytest.mark.parametrize("method", ["get", "head"])
def test_reading_the_address_changes_nothing(customer, order, method):
    response = getattr(customer.client, method)(f"{customer.url}/extend", {"used": "0", "form_token": customer.token})
    assert (response.status_code, response["Location"]) == (302, customer.url)
    assert _used(order) == 0


@pytest.mark.parametrize("used", ["", "-1", "x", "10", "٠", "0.0", "9" * 5000])
def test_an_odd_number_is_refused(customer, order, used):
    assert _ask(customer, used).status_code == 403
    assert _used(order) == 0


def test_foreign_forms_are_refused(customer, order):
    assert customer.post("extend", {"used": "0"}, headers={"sec-fetch-site": "cross-site"}).status_code == 403
    other = Customer(OrderFactory(merchant=order.merchant))
    other.open()
    customer.token = other.token
    assert _ask(customer).status_code == 403
    customer.token = "nonsense"
    assert _ask(customer).status_code == 403
    assert _used(order) == 0


def test_a_session_nobody_has_is_not_found(customer):
    assert customer.client.post("/checkout/nonsense/extend").status_code == 404


def test_a_press_too_late_leads_to_the_page_that_says_so(customer, order):
    with clock.shifted(timedelta(hours=25)):
        assert _ask(customer)["Location"] == customer.url
        assert "time is up" in text_of(customer.open())
        expire_order(order.pk, at=clock.now())
    assert _used(order) == 0


def test_a_press_after_the_end_leads_to_the_page_that_says_so(customer, order):
    terminate_order(order.pk, cause="merchant", at=clock.now())
    assert _ask(customer)["Location"] == customer.url
    assert _used(order) == 0


def test_a_press_while_an_attempt_is_out_leads_to_the_waiting_page(customer, order):
    payment = attempt("request", order=order)
    Order.objects.filter(pk=order.pk).update(status="pending")
    assert _ask(customer)["Location"] == customer.url
    assert _used(order) == 0
    payment.refresh_from_db()
    assert payment.deadline_at == payment.started_at + QUARTER


def test_after_a_decline_the_page_still_tells_of_it():
    customer = Customer(PaymentFactory(failed=True).order)
    heading = re.search(r"<h1[^>]*>([^<]+)", customer.open().content.decode())[1]
    assert heading in text_of(_ask(customer, method="upi", upi_id="asha@okbank"))


def test_the_page_costs_no_more_statements(customer, django_assert_max_num_queries):
    with django_assert_max_num_queries(3):
        customer.open()
