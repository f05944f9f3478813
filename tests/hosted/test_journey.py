"""The customer's way through the pages, by HTTP as a browser without scripts and cookies goes it."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from payments import clock
from payments.gateways.simulator.models import SimulatedPayment
from payments.models import Event, Payment
from payments.services.payments import terminate_order
from payments.states import OrderStatus, PaymentStatus
from tests.factories import OrderFactory, PaymentFactory
from tests.hosted.customer import DECLINED, EXPIRED_CARD, FOREIGN, NO_MONEY, WRONG_CVC, Customer, text_of
from tests.hosted.rows import held, returning

pytestmark = pytest.mark.django_db


@pytest.fixture
def customer(order):
    return Customer(order)


def test_the_page_of_a_new_order_says_what_is_to_pay_and_that_nothing_is_taken(customer):
    response = customer.open()
    text = text_of(response)
    assert response.status_code == 200
    assert "₹299.99" in text
    assert "Nothing has been taken." in text
    assert not response.cookies


def test_an_approved_card_pays_the_order_once_and_shows_the_receipt(customer, order):
    response = customer.open_and_pay()
    assert (response.status_code, response["Location"]) == (303, customer.url)
    order.refresh_from_db()
    assert order.status == OrderStatus.PAID
    assert SimulatedPayment.objects.filter(status="captured").count() == 1
    receipt = customer.open()
    assert "₹299.99 was taken, once." in text_of(receipt)
    assert "Card ending 4242" in text_of(receipt)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (DECLINED, "Another card or another way to pay may work."),
        (NO_MONEY, "Another card or another way to pay may work."),
        (EXPIRED_CARD, "Check the card’s number, date and security code, or use another card."),
        (WRONG_CVC, "Check the card’s number, date and security code, or use another card."),
        (FOREIGN, "the cards that work are under “Test cards and IDs” at the top."),
    ],
)
def test_a_declined_card_is_told_with_advice_and_can_be_tried_again(customer, order, number, words):
    customer.open_and_pay(number)
    page = customer.open()
    assert words in text_of(page)
    assert "Nothing has been taken." in text_of(page)
    assert "You have 4 tries left." in text_of(page)
    assert customer.pay().status_code == 303
    order.refresh_from_db()
    assert order.status == OrderStatus.PAID


@pytest.mark.parametrize("numbers", [(EXPIRED_CARD, WRONG_CVC), (DECLINED, NO_MONEY)])
def test_the_payer_cannot_tell_such_cards_apart(order, numbers):
    """A wrong code reads like a wrong date, and a real card without money like any other no."""
    pages = []
    for number in numbers:
        customer = Customer(OrderFactory(merchant=order.merchant))
        customer.open_and_pay(number)
        text = text_of(customer.open())
        pages.append(text[text.index("Your bank declined") : text.index("To pay")])
    assert pages[0] == pages[1]


def test_after_five_declines_there_is_no_sixth_try(customer, order):
    for _ in range(5):
        customer.open_and_pay(DECLINED)
    blocked = customer.open()
    assert blocked.status_code == 409
    assert "form_token" not in blocked.content.decode()
    assert SimulatedPayment.objects.count() == 5


def test_a_second_submit_of_the_same_form_is_a_303_to_the_same_attempt(customer, order):
    customer.open()
    assert [customer.pay().status_code for _ in range(3)] == [303, 303, 303]
    assert Payment.objects.filter(order=order).count() == 1


def test_a_second_submit_after_a_decline_does_not_try_again(customer, order):
    customer.open()
    customer.pay(DECLINED)
    assert customer.pay().status_code == 303  # same token, approved card: an old form from the back button
    order.refresh_from_db()
    assert (order.status, order.payments.count()) == (OrderStatus.FAILED, 1)


def test_a_form_from_a_second_tab_after_paying_shows_the_receipt(order):
    first, second = Customer(order), Customer(order)
    first.open()
    second.open()
    first.pay()
    assert second.pay().status_code == 303
    assert "was taken, once" in text_of(second.open())
    assert SimulatedPayment.objects.filter(status="captured").count() == 1


@pytest.mark.parametrize("method", ["get", "head"])
@pytest.mark.parametrize("path", ["", "/pay", "/check"])
def test_looking_changes_nothing(customer, order, method, path):
    before = list(type(order).objects.values()), Event.objects.count()
    response = getattr(customer.client, method)(customer.url + path, follow=True)
    assert response.status_code == 200
    assert (list(type(order).objects.values()), Event.objects.count()) == before
    assert not Payment.objects.exists()


def test_extra_fields_in_the_form_change_nothing(customer, order):
    customer.open_and_pay(amount="1", order_amount="1", currency="USD", order_id="other", status="paid")
    payment = order.payments.get()
    assert (payment.captured_minor, payment.currency) == (order.amount_minor, order.currency)


# --- The page of the true state ---


def test_an_expired_order_says_so_before_any_sweep(customer, order):
    with clock.shifted(timedelta(hours=25)):
        response = customer.open()
        assert response.status_code == 410
        assert "This page’s time is up" in text_of(response)
        assert "Nothing was taken." in text_of(response)
    order.refresh_from_db()
    assert order.status == OrderStatus.CREATED


def test_a_form_sent_after_the_time_is_up_starts_nothing(customer, order):
    customer.open()
    with clock.shifted(timedelta(hours=24, seconds=1)):
        customer.token = ""  # the token of yesterday is too old anyway; take none at all
        assert customer.pay().status_code == 403
    late = Customer(OrderFactory(merchant=order.merchant, expires_at=clock.now() + timedelta(minutes=5)))
    late.open()
    with clock.shifted(timedelta(minutes=6)):
        assert late.pay().status_code == 303
        assert late.open().status_code == 410
    assert not Payment.objects.exists()


def test_a_terminated_order_says_so(customer, order):
    terminate_order(order.pk, cause="merchant", at=clock.now())
    response = customer.open()
    assert response.status_code == 410
    assert "This order was called off" in text_of(response)
    assert "Nothing was taken." in text_of(response)


def test_an_attempt_without_an_answer_shows_the_waiting_page(payment):
    customer = Customer(payment.order)
    response = customer.open()
    text = text_of(response)
    assert "We don’t know yet if this was taken. Please don’t pay again." in text
    assert "Nothing has been taken" not in text
    assert response["Refresh"] == f"5; url={customer.url}"
    assert "checks again by itself every 5 seconds" in text


def test_the_waiting_page_stops_refreshing_after_a_minute(payment):
    with clock.shifted(timedelta(minutes=2)):
        response = Customer(payment.order).open()
    assert "Refresh" not in response
    assert "by itself" not in text_of(response)


def test_the_waiting_page_promises_no_time_that_is_past(payment):
    with clock.shifted(timedelta(minutes=20)):
        text = text_of(Customer(payment.order).open())
    assert "We will know by" not in text
    assert "We keep asking for it." in text


def test_check_now_asks_the_bank_and_shows_what_it_says(payment):
    SimulatedPayment.objects.create(
        key=payment.gateway_key,
        account_id=payment.account_id,
        amount_minor=payment.amount_minor,
        captured_minor=payment.amount_minor,
        currency=payment.currency,
        status="captured",
        made_at=clock.now(),
    )
    customer = Customer(payment.order)
    assert customer.check().status_code == 303
    assert "was taken, once" in text_of(customer.open())


def test_pay_while_an_attempt_is_out_starts_no_second(payment):
    fresh = OrderFactory(merchant=payment.merchant)
    customer = Customer(fresh)
    customer.open()
    PaymentFactory(order=fresh)
    fresh.status = OrderStatus.PENDING
    fresh.save()
    assert customer.pay().status_code == 303
    assert fresh.payments.count() == 1


def test_held_money_is_called_held(db):
    text = text_of(Customer(held().order).open())
    assert "₹299.99 is held by your bank, not taken." in text


@pytest.mark.parametrize("trait", ["failed", "user_dropped"])
@pytest.mark.parametrize("later", [timedelta(), timedelta(hours=25)])
def test_while_staff_look_at_an_odd_answer_nobody_says_that_nothing_was_taken(trait, later):
    order = PaymentFactory(review_reason="Another amount.", money_unclear=True, **{trait: True}).order
    customer = Customer(order)
    with clock.shifted(later):
        text = text_of(customer.open())
    assert "We don’t know yet if this was taken. Please don’t pay again." in text
    assert "Nothing" not in text
    assert not customer.token


def test_late_money_is_being_returned_and_never_called_nothing(order):
    payment = returning()
    response = Customer(payment.order).open()
    assert response.status_code == 410
    assert "₹299.99 is being returned to you." in text_of(response)
    assert "Nothing was taken" not in text_of(response)


def test_once_is_not_said_when_two_captures_came_in(order):
    paid = PaymentFactory(success=True)
    returning(trait="surplus", order=paid.order)
    text = text_of(Customer(paid.order).open())
    assert "once" not in text
    assert "is being returned to you" in text


def test_an_attempt_that_never_arrived_does_not_blame_the_bank():
    failed = PaymentFactory(failed=True, error_code="not_received", error_details={"source": ["gateway"]})
    text = text_of(Customer(failed.order).open())
    assert "did not reach the bank" in text
    assert "declined" not in text


def test_a_customer_who_left_is_told_so():
    dropped = PaymentFactory(user_dropped=True)
    assert "You left before paying" in text_of(Customer(dropped.order).open())


# --- Back to the shop ---


def test_the_receipt_leads_back_by_button_and_bounded_refresh(customer, order):
    customer.open_and_pay()
    receipt = customer.open()
    back = f"https://shop.example.com/return?order_id={order.order_id}"
    assert f'href="{back}"' in receipt.content.decode()
    assert receipt["Refresh"] == f"15; url={back}"
    assert "in 15 seconds" in text_of(receipt)
    assert "Refresh" not in customer.open("?stay=1")
    with clock.shifted(timedelta(minutes=3)):
        assert "Refresh" not in customer.open()


def test_the_return_url_fills_in_its_placeholder(order):
    order.return_url = "https://shop.example.com/done/{order_id}?x=1"
    order.save()
    customer = Customer(order)
    customer.open_and_pay()
    assert f'href="https://shop.example.com/done/{order.order_id}?x=1"' in customer.open().content.decode()


def test_an_origin_taken_off_the_list_is_not_returned_to(order):
    order.merchant.return_origins = ["https://other.example.com"]
    order.merchant.save()
    customer = Customer(order)
    customer.open_and_pay()
    receipt = customer.open()
    assert "shop.example.com" not in receipt.content.decode()
    assert "Refresh" not in receipt


def test_the_way_back_tells_the_shop_nothing_but_the_order_id(customer, order):
    customer.open_and_pay()
    back = customer.open()["Refresh"]
    assert order.session_id not in back
    assert "paid" not in back
    assert "success" not in back


def test_a_customer_can_go_back_unpaid_and_the_link_keeps_working(customer, order):
    page = customer.open()
    back = f"https://shop.example.com/return?order_id={order.order_id}"
    assert f'href="{back}"' in page.content.decode()
    assert "Go back to" in text_of(page)
    assert "Refresh" not in page
    customer.open_and_pay(DECLINED)
    assert f'href="{back}"' in customer.open().content.decode()
    customer.pay()
    order.refresh_from_db()
    assert order.status == OrderStatus.PAID


# --- Budgets ---


def test_the_page_takes_at_most_three_statements(customer, order):
    with CaptureQueriesContext(connection) as statements:
        customer.open()
    assert len(statements) <= 3


def test_paying_takes_at_most_sixteen_statements(customer, order):
    Customer(OrderFactory(merchant=order.merchant)).open_and_pay()  # a merchant's first payment opens its accounts
    customer.open()
    with CaptureQueriesContext(connection) as statements:
        customer.pay()
    counted = [
        s["sql"]
        for s in statements
        if not s["sql"].startswith(("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT")) and "simulator_" not in s["sql"]
    ]
    assert len(counted) <= 16, "\n".join(c[:110] for c in counted)
    assert order.payments.get().status == PaymentStatus.SUCCESS


def test_with_the_simulator_switched_off_nothing_is_offered(customer, settings):
    customer.open()
    settings.SIMULATOR = False
    page = customer.open()
    assert page.status_code == 503
    assert "This order can’t be paid at the moment" in text_of(page)
    assert not Payment.objects.exists()


def test_an_order_for_upi_alone_is_not_offered_a_card(order):
    order.payment_methods = ["upi"]
    order.save()
    page = Customer(order).open().content.decode()
    assert 'name="upi_id"' in page
    assert 'name="number"' not in page
