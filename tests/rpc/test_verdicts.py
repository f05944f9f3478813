"""VerifyPayment by RPC, through what really happens to money after the payment: its table in the design, row by row."""

from datetime import timedelta

import pytest

from payments import clock
from payments.models import Order, Payment, Refund
from payments.money import Money
from payments.services.facts import apply_gateway_fact
from payments.services.payments import terminate_order
from payments.services.refunds import NewRefund
from payments.services.sending import capture_payment, process_refund, refund_payment, void_payment
from tests.factories import fact_for
from tests.hosted.customer import Customer

pytestmark = pytest.mark.django_db


@pytest.fixture
def verdict(caller):
    """Makes an order and pays it by card; answers what VerifyPayment says of it then."""

    class Asked:
        def pay(self, **fields):
            caller.create(**fields)
            Customer(Order.objects.get()).open_and_pay()
            return Payment.objects.get()

        def __call__(self):
            return caller.verify(Order.objects.get().order_id).json()

    return Asked()


def back(payment, minor=None):
    amount = Money(minor, payment.currency) if minor else payment.captured
    return refund_payment(payment.pk, NewRefund(amount), at=clock.now())


def test_held_then_captured_in_part(verdict):
    payment = verdict.pay(capture_method="manual")
    said = verdict()
    assert said["message"].startswith("Payment authorised")
    assert (said["code"], said["status"]) == ("202", "authorized")
    capture_payment(payment.pk, Money(10_000, "INR"), cause="merchant", at=clock.now())
    assert verdict() == {"message": "Payment successful", "code": "200", "status": "success"}


@pytest.mark.parametrize("how", ["void", "terminate"])
def test_held_then_released(verdict, how):
    payment = verdict.pay(capture_method="manual")
    if how == "void":
        void_payment(payment.pk, cause="staff", at=clock.now())
        assert verdict() == {"message": "Order terminated", "code": "410", "status": "terminated"}
    else:
        terminate_order(payment.order_id, cause="merchant", at=clock.now())
        assert verdict()["status"] != "success"


def test_partly_refunded_is_still_paid(verdict):
    payment = verdict.pay()
    back(payment, 5_000)
    assert verdict() == {"message": "Payment successful", "code": "200", "status": "success"}


def test_fully_refunded_once_all_of_it_arrived(verdict):
    payment = verdict.pay(order_amount=299.93)  # such a refund is pending until somebody asks
    refund = back(payment)
    assert verdict()["status"] == "success"
    with clock.shifted(timedelta(minutes=5)):
        process_refund(refund.pk, at=clock.now())
    assert verdict() == {"message": "Payment refunded", "code": "200", "status": "refunded"}


def test_a_failed_refund_leaves_it_paid(verdict):
    back(verdict.pay(order_amount=299.91))
    assert verdict()["status"] == "success"


@pytest.mark.parametrize("end", ["expired", "terminated"])
def test_late_money_is_being_returned_until_it_is_back(caller, end):
    caller.create()
    order = Order.objects.get()
    customer = Customer(order)
    customer.pay_by("upi", upi_flow="qr")
    payment = order.payments.get()
    apply_gateway_fact(payment, fact_for(payment, "failed"), cause="inquiry", at=clock.now())
    if end == "terminated":
        terminate_order(order.pk, cause="merchant", at=clock.now())
    with clock.shifted(timedelta(hours=25)):
        apply_gateway_fact(payment, fact_for(payment, "success"), cause="inquiry", at=clock.now())
        late = caller.verify(order.order_id).json()
        assert late == {
            "message": f"Order {end}, and a late payment is being returned",
            "code": "410",
            "status": end,
        }
        Refund.objects.update(status="success", completed_at=clock.now())
        Payment.objects.update(refunded_minor=payment.captured_minor)
        assert caller.verify(order.order_id).json() == {"message": f"Order {end}", "code": "410", "status": end}
