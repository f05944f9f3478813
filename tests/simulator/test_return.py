"""The way back from the bank: a signed state instead of a cookie, good for one attempt, and it only makes us ask."""

from datetime import timedelta
from http import HTTPStatus
from urllib.parse import urlsplit

import pytest
from django.test import Client

from checkout.callbacks import links
from checkout.callbacks.views import ASKED_PER_MINUTE
from payments import clock
from tests.factories import OrderFactory
from tests.hosted.customer import text_of
from tests.simulator.conftest import work
from tests.simulator.visitor import BANK, CARD, WALLET, Visitor, upi

pytestmark = pytest.mark.django_db


def way_back(visitor):
    return urlsplit(visitor.row.return_url).path


def is_lost(response):
    return response.status_code == HTTPStatus.NOT_FOUND and "We can’t find this payment page" in text_of(response)


@pytest.fixture
def approved(order):
    """Approved at the bank, not come back yet."""
    visitor = Visitor(order, BANK)
    visitor.press("approve")
    return visitor


@pytest.mark.parametrize("method", ["get", "post"])
def test_another_browser_without_a_cookie_brings_the_result(approved, method):
    stranger = Client(enforce_csrf_checks=True)
    response = getattr(stranger, method)(way_back(approved), headers={"sec-fetch-site": "cross-site"})
    assert (response.status_code, response["Location"]) == (HTTPStatus.SEE_OTHER, approved.customer.url)
    assert not response.cookies
    assert approved.standing == ("success", "success")


def test_what_the_browser_says_is_not_believed(order):
    visitor = Visitor(order, BANK)
    visitor.client.get(way_back(visitor) + "?status=success&amount=29999")
    visitor.client.post(way_back(visitor), {"status": "success"})
    assert visitor.standing == ("pending", "pending")


def test_head_asks_nothing(approved):
    response = approved.client.head(way_back(approved))
    assert (response.status_code, response["Location"]) == (HTTPStatus.SEE_OTHER, approved.customer.url)
    assert approved.payment.inquiries == 0
    assert approved.standing == ("pending", "pending")


def test_other_methods_are_refused(approved):
    assert approved.client.put(way_back(approved)).status_code == HTTPStatus.METHOD_NOT_ALLOWED


def test_the_address_does_not_hold_the_session(approved):
    assert approved.order.session_id not in approved.row.return_url


class TestWrongStates:
    def test_one_made_for_another_gateway(self, approved):
        foreign = links.return_url("razorpay", approved.order.uid, approved.payment.form_nonce, at=clock.now())
        state = urlsplit(foreign).path.rsplit("/", 1)[1]
        for gateway in ("simulator", "razorpay", "nobody"):
            assert is_lost(approved.client.get(f"/callbacks/{gateway}/return/{state}"))
        own = way_back(approved).replace("/simulator/", "/razorpay/")
        assert is_lost(approved.client.get(own))
        assert approved.standing == ("pending", "pending")

    def test_a_changed_one(self, approved):
        path = way_back(approved)
        state = path.rsplit("/", 1)[1]
        value, _, signature = state.rpartition(".")
        other = links.return_url("simulator", "order_0", approved.payment.form_nonce, at=clock.now())
        changed = [
            value, f"{value}.", f".{signature}", f"{value}x.{signature}", f"{value}.{signature[:-1]}", "", "%00",
            f"{value.replace('order_', 'order_0')}.{signature}", urlsplit(other).path.rsplit("/", 1)[1], "x" * 4000,
        ]  # fmt: skip
        for text in changed:
            response = approved.client.get(f"/callbacks/simulator/return/{text}")
            assert response.status_code == HTTPStatus.NOT_FOUND, text
        assert approved.standing == ("pending", "pending")

    @pytest.mark.parametrize(("hours", "lost"), [(0, False), (23, False), (25, True), (-1, True)])
    def test_one_is_good_for_a_day(self, approved, hours, lost):
        path = way_back(approved)
        with clock.shifted(timedelta(hours=hours)):
            assert is_lost(approved.client.get(path)) is lost

    def test_a_lost_visitor_changes_nothing(self, approved):
        with clock.shifted(timedelta(hours=25)):
            approved.client.get(way_back(approved))
        assert approved.payment.inquiries == 0
        assert approved.standing == ("pending", "pending")


class TestOneAttemptEach:
    def test_an_old_attempts_state_never_touches_the_newer_one(self, order):
        visitor = Visitor(order, BANK)
        old = way_back(visitor)
        visitor.go_back(visitor.press("leave"))
        visitor.start(WALLET)
        visitor.press("approve")  # in the book alone: not come back yet
        response = visitor.client.get(old)
        assert (response.status_code, response["Location"]) == (HTTPStatus.SEE_OTHER, visitor.customer.url)
        assert (visitor.payment.method, visitor.payment.inquiries) == ("wallet", 0)
        assert visitor.standing == ("pending", "pending")
        visitor.client.get(way_back(visitor))
        assert visitor.standing == ("success", "success")

    def test_an_attempt_we_took_for_over_is_asked_about_again(self, order):
        """The bank said yes after we had given it up, and the customer comes back from exactly there."""
        visitor = Visitor(order, upi("late@sim"))
        with clock.shifted(timedelta(minutes=11)):
            work("inquire_payment")
            assert visitor.standing == ("user_dropped", "failed")
            visitor.approve_in_book()
            visitor.client.get(way_back(visitor))
            assert visitor.standing == ("success", "success")

    def test_the_state_of_a_form_that_started_nothing_finds_nothing(self, order):
        unused = links.return_url("simulator", order.uid, "0" * 32, at=clock.now())
        assert is_lost(Client().get(urlsplit(unused).path))

    def test_the_state_of_one_order_is_of_no_use_with_anothers_form(self, approved, merchant):
        other = Visitor(OrderFactory(merchant=merchant), BANK)
        for order, form in ((approved.order, other.payment), (other.order, approved.payment)):
            mixed = links.return_url("simulator", order.uid, form.form_nonce, at=clock.now())
            assert is_lost(Client().get(urlsplit(mixed).path))
        assert approved.standing == other.standing == ("pending", "pending")

    def test_one_orders_return_touches_no_other_order(self, approved, merchant):
        other = Visitor(OrderFactory(merchant=merchant), BANK)
        other.press("approve")
        approved.client.get(way_back(approved))
        assert (approved.standing, other.standing) == (("success", "success"), ("pending", "pending"))

    def test_a_paid_order_stays_paid_however_often_one_comes_back(self, approved):
        for _ in range(3):
            approved.client.get(way_back(approved))
        assert approved.standing == ("success", "success")
        assert approved.order.payments.count() == 1

    def test_a_card_paid_at_once_has_a_way_back_too(self, order):
        visitor = Visitor(order, CARD)
        assert visitor.client.get(way_back(visitor))["Location"] == visitor.customer.url


def test_coming_back_all_the_time_asks_only_so_often(order, frozen_minute):
    visitor = Visitor(order, BANK)
    for _ in range(ASKED_PER_MINUTE + 5):
        assert visitor.client.get(way_back(visitor)).status_code == HTTPStatus.SEE_OTHER
    assert visitor.payment.inquiries == ASKED_PER_MINUTE
