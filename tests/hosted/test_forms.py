"""What customers type into the other forms: errors beside the field and in the summary, and never a crash."""

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from payments.models import Payment
from tests.factories import OrderFactory
from tests.hosted.customer import CARD_FIELDS, Customer, text_of

pytestmark = pytest.mark.django_db

TYPE_IT = "Type your UPI ID, like asha@okbank"
LIKE_THIS = "A UPI ID is a name or number, then @"
WRONG = [
    ("upi", "upi_id", "", TYPE_IT),
    ("upi", "upi_id", "   ", TYPE_IT),
    ("upi", "upi_id", "asha", LIKE_THIS),
    ("upi", "upi_id", "asha@", LIKE_THIS),
    ("upi", "upi_id", "a@okbank", LIKE_THIS),
    ("upi", "upi_id", "asha@example.com", LIKE_THIS),
    ("upi", "upi_id", "asha@1bank", LIKE_THIS),
    ("upi", "upi_id", "asha@@okbank", LIKE_THIS),
    ("upi", "upi_id", "आशा@okbank", LIKE_THIS),
    ("upi", "upi_id", "a" * 257 + "@okbank", LIKE_THIS),
    ("upi", "upi_id", "asha@" + "b" * 65, LIKE_THIS),
    ("upi", "upi_id", "asha\x00@okbank", "Type your UPI ID again"),
    ("netbanking", "bank", "", "Choose your bank from the list."),
    ("netbanking", "bank", "NONE", "Choose your bank from the list."),
    ("netbanking", "bank", "HDFC Bank", "Choose your bank from the list."),
    ("wallet", "wallet", "", "Choose one of the wallets."),
    ("wallet", "wallet", "gpay", "Choose one of the wallets."),
]


@pytest.mark.parametrize(("method", "field", "value", "words"), WRONG)
def test_a_wrong_field_is_named_beside_it_and_in_the_summary(order, method, field, value, words):
    customer = Customer(order)
    response = customer.pay_by(method, **{field: value})
    page = response.content.decode()
    assert response.status_code == 400
    assert text_of(response).count(words) == 2
    assert f'href="#{field}"' in page
    assert f'id="{field}"' in page
    assert f'aria-describedby="{field}-error"' in page or f"{field}-hint {field}-error" in page
    assert "<title>Error: " in page
    assert re.search(rf'value="{method}" checked', page)
    assert not Payment.objects.exists()


@pytest.mark.parametrize("upi_id", ["ab@ok", "9876543210@ybl", "a.b-c_d@okaxis"])
def test_good_upi_ids_pass(order, upi_id):
    assert Customer(order).pay_by("upi", upi_id=upi_id).status_code == 303


def test_what_may_be_kept_is_kept_in_every_drawer_and_the_card_is_not(order):
    customer = Customer(order)
    typed = {**CARD_FIELDS, "upi_id": "asha@okbank", "bank": "SBIN", "wallet": "amazon"}
    customer.open()
    page = customer.post("pay", {**typed, "method": "card", "number": "4000000000000003"}).content.decode()
    assert 'value="asha@okbank"' in page
    assert '<option value="SBIN" selected>' in page
    assert re.search(r'name="wallet" value="amazon" checked', page)
    assert 'value="Asha Rao"' in page
    assert "0003" not in page
    assert 'value="123"' not in page
    assert page.count("Check one thing") == 1


def test_a_form_without_a_choice_points_to_the_choices(order):
    customer = Customer(order)
    response = customer.pay_by("cash", upi_id="asha@okbank")
    page = response.content.decode()
    assert 'href="#method-upi"' in page
    assert 'id="method-upi"' in page
    assert 'value="asha@okbank"' in page


def test_a_pressed_upi_button_beats_the_radio(order):
    customer = Customer(order)
    response = customer.pay_by("netbanking", upi_flow="collect", upi_id="")
    assert TYPE_IT in text_of(response)


def test_a_upi_button_is_no_way_around_what_the_order_offers(order):
    order.payment_methods = ["card"]
    order.save()
    customer = Customer(order)
    assert customer.pay_by("card", upi_flow="app").status_code == 400
    assert not Payment.objects.exists()


NONSENSE = st.one_of(
    st.text(max_size=40), st.sampled_from(["\x00", "a@b", "HDFC", "amazon", "app", "٣", "💸" * 9, "0" * 200, "''--"])
)
FIELDS = ("number", "expiry", "cvc", "holder", "upi_id", "upi_flow", "bank", "wallet")


@given(st.data())
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_no_form_ever_breaks(merchant, data):
    customer = Customer(OrderFactory(merchant=merchant))
    method = data.draw(st.sampled_from(["upi", "card", "netbanking", "wallet", "cash"]))
    fields = data.draw(st.dictionaries(st.sampled_from(FIELDS), NONSENSE.filter(_can_be_sent)))
    assert customer.pay_by(method, **fields).status_code in (303, 400)
    assert customer.open().status_code == 200


def _can_be_sent(text):
    """Half characters can't be encoded by any browser."""
    return text == text.encode("utf-8", "ignore").decode()
