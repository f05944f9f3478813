"""What the pages do with wrong links, foreign forms and wrong input."""

import time
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.files.uploadhandler import MemoryFileUploadHandler, TemporaryFileUploadHandler

from payments import clock
from payments.models import Payment
from tests.factories import OrderFactory, PaymentFactory
from tests.hosted.customer import CARD_FIELDS, SAME_ORIGIN, Customer, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh_counts():
    cache.clear()


@pytest.fixture
def customer(order):
    customer = Customer(order)
    customer.open()
    return customer


@pytest.mark.parametrize("change", [str.upper, lambda s: s[:-1], lambda s: s + "A", lambda s: "sess_" + "x" * 32])
def test_a_wrong_session_id_is_one_constant_404_page(customer, order, change):
    response = customer.client.get(f"/checkout/{change(order.session_id)}")
    other = customer.client.get("/checkout/nonsense")
    assert response.status_code == other.status_code == 404
    assert response.content == other.content


def test_an_order_id_opens_nothing(customer, order):
    assert customer.client.get(f"/checkout/{order.order_id}").status_code == 404


def test_guessing_links_is_slowed_down(client, frozen_minute):
    statuses = [client.get(f"/checkout/guess-{n}").status_code for n in range(32)]
    assert statuses[:30] == [404] * 30
    assert statuses[-1] == 429


@pytest.mark.parametrize("token", ["", "nonsense", "1-2.3"])
def test_a_form_without_our_token_is_refused_with_a_way_on(customer, token):
    customer.token = token
    response = customer.pay()
    assert response.status_code == 403
    assert f'href="{customer.url}"' in response.content.decode()
    assert not Payment.objects.exists()


def test_the_token_of_another_order_is_refused(customer, order):
    other = Customer(OrderFactory(merchant=order.merchant))
    other.open()
    customer.token = other.token
    assert customer.pay().status_code == 403
    assert not Payment.objects.exists()


def test_the_token_of_the_waiting_page_does_not_pay(payment):
    customer = Customer(payment.order)
    customer.open()
    assert customer.token
    assert customer.pay().status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"referer": "https://evil.example/checkout"},
        {"origin": "http://[broken"},
        {},
    ],
)
def test_a_form_from_elsewhere_is_refused(customer, headers):
    assert customer.pay(headers=headers).status_code == 403
    assert not Payment.objects.exists()


@pytest.mark.parametrize("headers", [{"origin": "http://testserver"}, {"referer": "http://testserver/checkout/x"}])
def test_browsers_without_fetch_metadata_can_pay(customer, headers):
    assert customer.pay(headers=headers).status_code == 303


def test_a_stale_form_comes_back_filled_and_pays_on_the_second_send(order):
    order.expires_at = clock.now() + timedelta(days=2)
    order.save()
    customer = Customer(order)
    customer.open()
    with clock.shifted(timedelta(hours=13)):
        response = customer.pay()
        assert response.status_code == 400
        assert "open for a long time" in text_of(response)
        page = response.content.decode()
        assert 'value="12/39"' in page
        assert "4242" not in page
        assert not Payment.objects.exists()
        customer.open()
        assert customer.pay().status_code == 303
    assert Payment.objects.count() == 1


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("number", "", "Type the long number"),
        ("number", "4242 4242 4242 4241", "A digit of this number is not right"),
        ("number", "4242", "too short or too long"),
        ("number", "not a number", "digits only"),
        ("expiry", "", "Type the month and year"),
        ("expiry", "13/39", "The month is a number from 01 to 12"),
        ("expiry", "01/20", "This card’s date has passed"),
        ("expiry", "tomorrow", "Type the month and year"),
        ("expiry", "12/2099", "too far away"),
        ("cvc", "", "Type the security code"),
        ("cvc", "12", "The code has 3 digits"),
        ("cvc", "1234", "The code has 3 digits"),
        ("holder", "4242 4242", "without numbers"),
    ],
)
def test_a_wrong_field_is_named_beside_it_and_in_the_summary(customer, field, value, words):
    response = customer.pay(**{field: value})
    page = response.content.decode()
    assert response.status_code == 400
    assert text_of(response).count(words) == 2
    assert f'href="#{field}"' in page
    assert "<title>Error: " in page
    assert not Payment.objects.exists()


def test_number_and_code_are_never_echoed(customer):
    page = customer.pay(number="4000000000000002", cvc="987", expiry="01/20").content.decode()
    assert "0002" not in page
    assert "987" not in page
    assert 'value="Asha Rao"' in page


@pytest.mark.parametrize(
    ("number", "expiry", "cvc"),
    [
        ("4242-4242-4242-4242", "1/39", "123"),
        ("४२४२४२४२४२४२४२४२", "१२/३९", "१२३"),
        ("\u200e4242 4242 4242 4242\u200f", "12 / 2039", "\u200f123"),
        ("４２４２４２４２４２４２４２４２", "1239", "１２３"),
        ("4242424242424242", "2039-12", "123"),
    ],
)
def test_any_digits_and_spacing_are_read(customer, order, number, expiry, cvc):
    assert customer.pay(number, expiry=expiry, cvc=cvc).status_code == 303
    assert order.payments.get().captured_minor == order.amount_minor


def test_a_card_is_good_to_the_end_of_its_month_in_the_merchants_zone(customer):
    this_month = clock.now().strftime("%m/%y")
    assert customer.pay(expiry=this_month).status_code == 303


@pytest.mark.parametrize("method", ["upi", "cash", ""])
def test_a_method_this_order_does_not_offer_is_refused(order, method):
    order.payment_methods = ["card", "wallet"]
    order.save()
    customer = Customer(order)
    customer.open()
    response = customer.pay(method=method)
    assert response.status_code == 400
    assert "Choose one of the ways to pay below." in text_of(response)
    assert not Payment.objects.exists()


def test_too_many_fields_are_refused(customer):
    assert customer.pay(**{f"x{n}": "y" for n in range(120)}).status_code == 403


def test_a_huge_form_is_refused_with_a_page(customer):
    response = customer.pay(holder="x" * 70_000)
    assert response.status_code == 400
    assert "We can’t read this request" in text_of(response)


def test_a_form_of_another_content_type_is_refused(customer):
    response = customer.client.post(
        f"{customer.url}/pay",
        data=b'{"number": "4242"}',
        content_type="application/json",
        headers={"sec-fetch-site": "same-origin"},
    )
    assert response.status_code == 403


def test_no_page_repeats_what_an_attacker_writes(order):
    order.note = "<script>alert(1)</script>"
    order.customer_name = "<b>Asha</b>"
    order.merchant.name = "<i>{Shop}</i>"
    order.merchant.save()
    order.save()
    customer = Customer(order)
    for page in (customer.open(), customer.pay(**{**CARD_FIELDS, "number": "1", "holder": '"><script>x'})):
        assert b"<script>alert" not in page.content
        assert b"<script>x" not in page.content
        assert b"<i>" not in page.content
    with clock.shifted(timedelta(hours=25)):
        assert b"<i>" not in customer.open().content


def test_live_orders_take_no_card_data(order):
    customer = Customer(order)
    customer.open()
    type(order).objects.filter(pk=order.pk).update(mode="live")
    assert customer.pay().status_code == 400
    assert not Payment.objects.exists()


@pytest.mark.parametrize("form", ["pay", "extend", "check", "cancel"])
def test_a_form_that_is_not_ours_is_told_where_the_money_is(form):
    payment = PaymentFactory(success=True)
    customer = Customer(payment.order)
    page = customer.post(form, {"attempt": "x", "used": "0"})
    assert page.status_code == 403
    assert "₹299.99 was taken, once." in text_of(page)


@pytest.mark.parametrize("field", ["upi_id", "holder", "expiry"])
@pytest.mark.parametrize("form", ["pay", "extend"])
def test_a_field_full_of_digits_costs_no_time(customer, form, field):
    began = time.process_time()
    method = "upi" if field == "upi_id" else "card"
    page = customer.post(form, {**CARD_FIELDS, "method": method, field: "9 " * 25_000, "used": "0"})
    assert page.status_code in (200, 400)
    assert b"9 9 9" not in page.content
    assert time.process_time() - began < 1


@pytest.mark.parametrize("path", ["/pg/view/sessions/checkout", "/checkout/{}/pay", "/admin/login/"])
def test_no_file_of_a_stranger_reaches_the_disk(client, order, path, monkeypatch):
    kept = []
    monkeypatch.setattr(TemporaryFileUploadHandler, "new_file", lambda *args, **rest: kept.append(args))
    monkeypatch.setattr(MemoryFileUploadHandler, "new_file", lambda *args, **rest: kept.append(args))
    file = SimpleUploadedFile("big.bin", bytes(3_000_000))
    page = client.post(path.format(order.session_id), {"file": file}, headers=SAME_ORIGIN)
    assert page.status_code < 500
    assert kept == []
