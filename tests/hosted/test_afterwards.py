"""What the customer's page says after the bank said yes: held, released, being returned, refunded."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from checkout.hosted.money import REFUND_WORKING_DAYS, arrives_by
from checkout.hosted.receipt import called
from payments import clock
from payments.gateways.base import RefundFact
from payments.models import Authorization, Order
from payments.money import Money
from payments.services.facts import apply_gateway_fact
from payments.services.payments import terminate_order
from payments.services.reconcile import inquire_payment
from payments.services.refunds import NewRefund, apply_refund_fact
from payments.services.sending import capture_payment, process_refund, refund_payment, void_payment
from payments.states import RefundStatus
from tests.factories import OrderFactory, PaymentFactory, fact_for
from tests.hosted.customer import Customer, text_of
from tests.hosted.rows import give_back, held, in_flight, returning

pytestmark = pytest.mark.django_db
UNKNOWN = "We don’t know yet if this was taken. Please don’t pay again."


@pytest.fixture
def holder(db):
    """A customer whose card is held for the merchant to capture."""
    customer = Customer(OrderFactory(manual_capture=True))
    customer.open_and_pay()
    return customer


@pytest.fixture
def payer(order):
    customer = Customer(order)
    customer.open_and_pay()
    return customer


def payment_of(customer):
    return Order.objects.get(session_id=customer.url.rpartition("/")[2]).payments.latest("pk")


def see(payment):
    """The page of a payment's order: its text, and the whole of it."""
    response = Customer(payment.order).open()
    page = response.content.decode()
    assert page.count('class="sentence"') == 1
    return text_of(response), page


def refund(customer, minor=None):
    payment = payment_of(customer)
    amount = Money(minor, payment.currency) if minor else payment.captured
    return refund_payment(payment.pk, NewRefund(amount), at=clock.now())


# --- Held ---


def test_held_money_says_until_when_and_leads_back():
    with time_machine.travel(datetime(2026, 11, 22, 12, tzinfo=UTC), tick=False):
        payment = held(approve_by=clock.now() + timedelta(days=7))
        text, page = see(payment)
    assert "Your bank said yes" in text
    assert "₹299.99 is held by your bank, not taken. If it isn’t used, it is released by 29 November 2026 ." in text
    assert f"Return to {payment.merchant.name}" in text
    assert "money-held" in page
    assert "form_token" not in page


def test_a_hold_whose_time_is_up_promises_no_past_date():
    text, _ = see(held(approve_by=clock.now() - timedelta(minutes=1)))
    assert "is held by your bank, not taken." in text
    assert "released by" not in text


@pytest.mark.parametrize("action", ["capture", "void"])
@pytest.mark.parametrize("columns", [{}, {"method": "upi", "method_details": {"channel": "collect", "upi_id": "a@b"}}])
def test_with_a_capture_or_void_on_its_way_nobody_knows(action, columns):
    payment = in_flight(action, **columns)
    text, page = see(payment)
    assert UNKNOWN in text
    assert "is held" not in text
    assert "Approve it in your UPI app" not in text
    assert "Cancel" not in text
    assert "money-unknown" in page


@pytest.mark.parametrize("columns", [{}, {"action": "capture", "status": "failed"}])
def test_what_is_captured_by_itself_is_never_called_held(columns):
    text, _ = see(held(order__manual_capture=False, **columns))
    assert UNKNOWN in text
    assert "is held" not in text


def test_a_refused_capture_leaves_it_held():
    assert "is held by your bank, not taken." in see(held(action="capture", status="failed"))[0]


def test_capturing_held_money_makes_the_receipt(holder):
    payment = payment_of(holder)
    assert "is held by your bank" in text_of(holder.open())
    capture_payment(payment.pk, cause="merchant", at=clock.now())
    assert "₹299.99 was taken, once." in text_of(holder.open())


def test_the_receipt_of_a_part_shows_what_was_taken_and_what_was_let_go(holder):
    capture_payment(payment_of(holder).pk, Money(10_000, "INR"), cause="merchant", at=clock.now())
    text = text_of(holder.open())
    assert "Paid ₹ 100 .00" in text
    assert "₹100.00 was taken, once." in text
    assert "Released, not taken ₹199.99" in text


def test_pressing_check_while_a_capture_is_on_its_way_shows_how_it_ended(holder):
    payment = payment_of(holder)
    Authorization.objects.filter(payment=payment).update(
        action="capture", status="pending", requested_minor=payment.amount_minor, start_time=clock.now()
    )
    payment.inquire_at = clock.now()
    payment.save()
    assert holder.check().status_code == 303
    assert "₹299.99 was taken, once." in text_of(holder.open())


# --- Released ---


@pytest.mark.parametrize("how", ["void", "terminate", "time"])
def test_released_money_was_never_taken(holder, how):
    payment = payment_of(holder)
    if how == "void":
        void_payment(payment.pk, cause="staff", at=clock.now())
    elif how == "terminate":
        terminate_order(payment.order_id, cause="merchant", at=clock.now())
        assert UNKNOWN in text_of(holder.open())
    with clock.shifted(timedelta(days=7, hours=1) if how == "time" else timedelta(minutes=1)):
        for _ in range(2):
            inquire_payment(payment.pk, at=clock.now())
        response = holder.open()
    text = text_of(response)
    assert response.status_code == 410
    assert "This order was called off" in text
    assert "₹299.99 was released: nothing was taken." in text
    assert "did not take what your bank held" in text


def test_until_a_release_is_answered_it_is_only_being_released():
    text, page = see(PaymentFactory(void=True, inquire_at=clock.now()))
    assert "₹299.99 is being released by your bank, not taken." in text
    assert "Nothing" not in text
    assert "money-held" in page


def test_a_release_that_was_refused_is_not_called_done():
    payment = PaymentFactory(void=True, review_reason="The void was refused.")
    Authorization.objects.create(payment=payment, action="void", status="failed")
    assert "₹299.99 is being released by your bank, not taken." in see(payment)[0]
    other = PaymentFactory(void=True, review_reason="The capture was refused.")
    Authorization.objects.create(payment=other, action="void", status="success")
    assert "₹299.99 was released: nothing was taken." in see(other)[0]


# --- Late and surplus money ---


def test_late_money_on_its_way_back_says_by_when():
    with time_machine.travel(datetime(2026, 11, 22, 12, tzinfo=UTC), tick=False):
        text, page = see(returning())
    assert "₹299.99 is being returned to you. It should reach you by 1 December 2026" in text
    assert "banks take up to 7 working days" in text
    assert "on its way since 22 Nov 2026" in text
    assert "money-returning" in page


def test_money_that_takes_longer_promises_no_past_date():
    text, _ = see(returning(sent_at=clock.now() - timedelta(days=15)))
    assert "is being returned to you. It takes longer than it should. We keep asking for it." in text
    assert "should reach you" not in text


def test_late_money_that_arrived_says_when():
    with time_machine.travel(datetime(2026, 11, 22, 12, tzinfo=UTC), tick=False):
        text, page = see(returning(RefundStatus.SUCCESS))
    assert "Your money went back to you" in text
    assert "₹299.99 was returned to you on 22 November 2026." in text
    assert "is being returned" not in text
    assert "Nothing" not in text
    assert "money-over" in page


@pytest.mark.parametrize("again", [None, RefundStatus.REQUESTED])
@pytest.mark.parametrize("end", [RefundStatus.FAILED, RefundStatus.CANCELLED])
def test_late_money_that_did_not_go_back_is_looked_into(end, again):
    payment = returning(end)
    if again:
        give_back(payment, again)
    text, _ = see(payment)
    assert "We are looking into this" in text
    assert "₹299.99 was taken and has to go back to you." in text
    assert "is being returned" not in text
    assert "was returned" not in text


def test_late_money_really_goes_back(order):
    customer = Customer(order)
    customer.pay_by("upi", upi_flow="qr")
    payment = order.payments.get()
    apply_gateway_fact(payment, fact_for(payment, "failed"), cause="inquiry", at=clock.now())
    with clock.shifted(timedelta(hours=25)):
        apply_gateway_fact(payment, fact_for(payment, "success"), cause="inquiry", at=clock.now())
        assert "₹299.99 is being returned to you." in text_of(customer.open())


def test_an_order_goes_on_once_surplus_money_is_back():
    payment = returning(trait="surplus")
    assert "is being returned to you." in see(payment)[0]
    other = returning(RefundStatus.SUCCESS, trait="surplus")
    text, page = see(other)
    assert "₹299.99 went back to you." in text
    assert "Nothing" not in text
    assert 'name="number"' in page
    assert Customer(other.order).open_and_pay().status_code == 303


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Asha Rao", "Asha"), ("Asha", "Asha"), ("K. Ramesh", "K. Ramesh"), ("R K Narayan", "R K Narayan"),
        ("Dr. Asha Rao", "Dr. Asha Rao"), ("Mrs Rao", "Mrs Rao"), ("Mr Rao Jr.", "Mr Rao Jr"),
        ("山田 太郎", "山田 太郎"), ("山田", "山田"), ("आशा राव", "आशा"), ("Bo", "Bo"), ("Dr.", ""),
        ("", ""), ("  ", ""),
    ],
)  # fmt: skip
def test_people_are_addressed_by_a_name_that_is_one(name, told):
    assert called(name) == told


def test_what_we_released_is_not_blamed_on_nobody():
    payment = PaymentFactory(void=True, order__status="failed")
    text = text_of(Customer(payment.order).open())
    assert "Your last try is cancelled" in text
    assert "Nobody said why" not in text


# --- Refunds of a paid order ---


def test_a_refund_of_a_part_is_on_the_receipt(payer):
    refund(payer, 5_000)
    text = text_of(payer.open())
    assert "Thank you, Asha. It’s paid." in text
    assert "₹299.99 was taken; ₹50.00 of it went back to you." in text
    assert "Refund of ₹50.00 sent back on" in text
    assert "once" not in text
    refund(payer, 1_000)
    text = text_of(payer.open())
    assert "₹299.99 was taken; ₹60.00 of it went back to you." in text
    assert "Refund of ₹10.00 sent back on" in text


def test_all_of_it_back_is_no_receipt_to_hold_up(payer):
    refund(payer)
    response = payer.open()
    page = response.content.decode()
    text = text_of(response)
    assert "Your money went back to you" in text
    assert "₹299.99 went back to you." in text
    assert "It’s paid" not in text
    assert 'class="mark"' not in page
    assert "money-none" in page
    assert "Refresh" not in response


def test_a_refund_on_its_way_is_told_and_then_arrives(payer):
    sent = refund(payer, 5_093)  # such a refund is pending until somebody asks
    text = text_of(payer.open())
    assert "₹299.99 was taken; ₹50.93 of it is being returned to you. It should reach you by" in text
    assert "Refund of ₹50.93 on its way since" in text
    with clock.shifted(timedelta(minutes=5)):
        process_refund(sent.pk, at=clock.now())
        text = text_of(payer.open())
    assert "₹50.93 of it went back to you." in text
    assert "should reach you" not in text


@pytest.mark.parametrize("status", [RefundStatus.FAILED, RefundStatus.CANCELLED])
def test_a_failed_refund_is_not_called_returned(status):
    payment = PaymentFactory(success=True)
    give_back(payment, status, 5_000)
    text, _ = see(payment)
    assert "₹299.99 was taken. " in text
    assert "Refund of ₹50.00 did not go through" in text
    assert "went back" not in text


def test_a_refund_that_waits_for_a_second_person_is_not_shown():
    payment = PaymentFactory(success=True)
    give_back(payment, RefundStatus.REQUESTED, 5_000)
    text, _ = see(payment)
    assert "₹299.99 was taken, once." in text
    assert "Refund" not in text


def test_a_refund_the_bank_returns_later_is_not_called_returned(payer):
    sent = refund(payer, 5_000)
    apply_refund_fact(sent, RefundFact(RefundStatus.FAILED, sent.gateway_key), cause="event", at=clock.now())
    text = text_of(payer.open())
    assert "Refund of ₹50.00 did not go through" in text
    assert "went back" not in text


@pytest.mark.parametrize(
    ("sent", "by"),
    [((22, 12), (1, 12)), ((23, 12), (2, 12)), ((27, 12), (8, 12)), ((22, 20), (2, 12))],
    ids=["Sunday", "Monday", "Friday", "Sunday evening in London is Monday in India"],
)
def test_working_days_are_counted_in_the_merchants_zone(sent, by):
    assert REFUND_WORKING_DAYS == 7
    arrives = arrives_by(datetime(2026, 11, sent[0], sent[1], tzinfo=UTC), "Asia/Kolkata")
    assert (arrives.day, arrives.month) == by


# --- Budgets ---


@pytest.mark.parametrize(
    "make",
    [
        held,
        in_flight,
        returning,
        lambda: give_back(PaymentFactory(success=True)).payment,
        lambda: PaymentFactory(void=True),
        lambda: returning(RefundStatus.SUCCESS, trait="surplus"),
    ],
    ids=["held", "in flight", "returning", "refunded", "released", "payable again"],
)
def test_these_pages_take_at_most_three_statements(make):
    customer = Customer(make().order)
    with CaptureQueriesContext(connection) as statements:
        customer.open()
    assert len(statements) <= 3, [statement["sql"] for statement in statements]
