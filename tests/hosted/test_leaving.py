"""The page on which a customer leaves us for a gateway's page: one way out, at that gateway's origin and no other."""

import re
from datetime import timedelta
from http import HTTPStatus

import pytest
from django.test import Client

from checkout.hosted.leaving import log as leaving_log
from checkout.middleware import PAGE_CSP
from payments import clock
from payments.errors import NotPayable
from tests.gateways.accounts import connected
from tests.gateways.razorpay_world import CREDENTIALS
from tests.hosted.customer import CARD_FIELDS, CHECKOUT, LEAVING, Customer, attempt, text_of, way_out
from tests.hosted.rows import own_page_order

pytestmark = pytest.mark.django_db
ORIGIN = "https://api.razorpay.com"
POLICY = {**PAGE_CSP, "img-src": "'self' data:"}


def leaving(kind="form", **over):
    return Customer(attempt(kind, **over).order)


def policy(response):
    return dict(part.split(" ", 1) for part in response["Content-Security-Policy"].split("; "))


@pytest.mark.parametrize("kind", LEAVING)
def test_it_says_where_the_money_is_and_who_comes_next_and_has_one_main_button(kind):
    page = leaving(kind).open()
    text, html = text_of(page), page.content.decode()
    assert "We don’t know yet if this was taken. Please approve it only once." in text
    assert re.search(r"Razorpay takes this payment for Kite Shop \d+\. You approve ₹299\.99 there", text)
    assert f"The next page’s address begins with {ORIGIN}." in text
    assert html.count("button-primary") == 1
    assert "Continue at Razorpay" in text
    assert "I have approved it: check" in text


@pytest.mark.parametrize("kind", LEAVING)
def test_nothing_happens_by_itself_there(kind):
    page = leaving(kind).open()
    assert "Refresh" not in page
    assert "by itself" not in text_of(page)


def test_the_form_carries_what_the_gateway_asked_for_and_its_policy_names_that_gateway():
    page = leaving("form").open()
    assert way_out(page.content.decode()) == (CHECKOUT, LEAVING["form"]["next_action"]["fields"])
    assert policy(page) == {**POLICY, "form-action": f"'self' {ORIGIN}"}


def test_a_link_needs_no_exception_and_tells_nobody_where_it_comes_from():
    page = leaving("link").open()
    assert f'href="{CHECKOUT}?a=1&amp;b=2" referrerpolicy="no-referrer"' in page.content.decode()
    assert policy(page) == POLICY


def test_no_other_page_of_the_order_may_post_to_the_gateway():
    customer = leaving("form")
    with clock.shifted(timedelta(minutes=16)):
        page = customer.open()
    assert policy(page) == POLICY
    assert CHECKOUT not in page.content.decode()


@pytest.mark.parametrize(
    "url",
    [
        "https://api.razorpay.com.evil.example/v1/checkout/embedded",
        "http://api.razorpay.com/v1/checkout/embedded",
        "https://api.razorpay.com:8443/v1",
        "https://user@api.razorpay.com/v1",
        "javascript:alert(1)",
        "//evil.example/",
        "https://[",
        "",
    ],
)
@pytest.mark.parametrize("kind", LEAVING)
def test_an_origin_that_the_gateway_does_not_have_is_no_way_out(kind, url, monkeypatch):
    told = []
    monkeypatch.setattr(leaving_log, "error", lambda *words: told.append(words))
    action = {**LEAVING[kind]["next_action"], "url": url}
    page = leaving(kind, next_action=action).open()
    assert page.status_code == HTTPStatus.OK
    assert "Continue at" not in text_of(page)
    assert "We don’t know yet if this was taken." in text_of(page)
    assert policy(page) == POLICY
    assert told


def test_it_can_be_opened_again_and_again_and_in_another_tab():
    customer = leaving()
    first = way_out(customer.open().content.decode())
    assert way_out(customer.open().content.decode()) == first
    assert way_out(Client().get(customer.url).content.decode()) == first


def test_cancel_is_offered_as_on_the_waiting_page():
    payment = attempt("form")
    connected(payment.merchant, "razorpay", CREDENTIALS)  # the order may go on there
    customer = Customer(payment.order)
    customer.open()
    assert customer.hidden_fields("cancel")["attempt"].startswith("pay_")
    assert "Cancel and choose another way" in text_of(customer.open())
    text = text_of(customer.open("?kept=1"))
    assert "This can’t be cancelled now" in text


def test_an_attempt_whose_order_takes_no_other_has_no_cancel():
    payment = attempt("form")
    payment.order.expires_at = payment.started_at + timedelta(minutes=5)
    payment.order.save()
    with clock.shifted(timedelta(minutes=6)):
        assert "/cancel" not in Customer(payment.order).open().content.decode()


def test_an_attempt_that_is_over_leads_nowhere():
    for trait in ("success", "failed"):
        page = leaving("form", **{trait: True}).open()
        assert CHECKOUT not in page.content.decode()


# --- Drawers of gateways whose own page asks ---


def test_a_gateway_with_a_page_of_its_own_is_asked_nothing_for_us():
    page = Customer(own_page_order()).open()
    html, text = page.content.decode(), text_of(page)
    for label in ("Continue to the UPI page", "Continue to the card page", "Go to my bank", "Go to my wallet"):
        assert label in text
    for name in ("number", "cvc", "upi_id", 'select id="bank"', 'name="wallet"'):
        assert f'name="{name}"' not in html
        assert name not in re.findall(r'id="([^"]+)"', html)
    assert text.count("Razorpay asks for everything on its own page.") == 4


def test_a_card_typed_elsewhere_and_sent_along_goes_nowhere(monkeypatch):
    seen = []

    def refuse(_, request, **__):
        seen.append(request)
        raise NotPayable("Enough seen.")

    monkeypatch.setattr("checkout.hosted.views.start_payment", refuse)
    customer = Customer(own_page_order())
    customer.open()
    assert customer.pay(**CARD_FIELDS).status_code == HTTPStatus.SEE_OTHER
    assert (seen[0].card, seen[0].details, seen[0].method) == (None, {}, "card")
