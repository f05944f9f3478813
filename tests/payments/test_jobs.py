from datetime import timedelta

import pytest

from payments import clock
from payments.gateways.simulator.models import SimulatedPayment, SimulatedRefund
from payments.jobs import JOBS, run_job
from payments.models import Endpoint, Event, IdempotencyKey, ParkedOrigin, Payment, Refund, SettlementSchedule
from payments.selectors import due_jobs
from payments.services.payments import start_payment
from payments.services.settlement_lines import Group
from payments.services.settlements import open_settlement
from tests.factories import OrderFactory, PaymentFactory, card_request, paid, refund, upi_request


def test_an_overdue_order_is_expired(db, now):
    order = OrderFactory(expires_at=now)
    run_job("expire_order", order.pk, at=now)
    order.refresh_from_db()
    assert order.status == "expired"
    assert order.events.get().cause == "clock"


@pytest.mark.parametrize("status", ["created", "paid", "terminated", "pending"])
def test_an_order_that_somebody_paid_or_extended_first_is_left_alone(order, now, status):
    type(order).objects.update(status=status)
    run_job("expire_order", order.pk, at=now)
    order.refresh_from_db()
    assert order.status == status
    assert not Event.objects.exists()


def test_running_a_job_twice_is_harmless(db, now):
    order = OrderFactory(expires_at=now)
    for _ in range(2):
        run_job("expire_order", order.pk, at=now)
    assert order.events.count() == 1


def test_a_payment_the_gateway_never_heard_of_is_given_up(payment):
    with clock.shifted(timedelta(minutes=3)):
        run_job("inquire_payment", payment.pk, at=clock.now())
    assert Payment.objects.get().status == "failed"


def test_a_question_before_its_time_is_not_asked(payment, now):
    run_job("inquire_payment", payment.pk, at=now - timedelta(seconds=1))
    assert Payment.objects.get().inquiries == 0


def test_a_row_that_is_gone_stops_nobody(db, now):
    run_job("inquire_payment", 999_999, at=now)
    assert not Event.objects.exists()


def test_a_job_nobody_knows_is_refused(now):
    with pytest.raises(KeyError):
        run_job("send_money_to_the_moon", 1, at=now)


def test_every_job_that_may_be_due_has_a_function(db, now):
    PaymentFactory(started_at=now - timedelta(hours=1))
    order = OrderFactory(expires_at=now)
    week_old = now - timedelta(days=8)
    IdempotencyKey.objects.create(merchant=order.merchant, mode="test", key="k", fingerprint=b"", created_at=week_old)
    start_payment(OrderFactory(notify_url="https://shop.example.com/h").pk, card_request(), at=now)
    late = start_payment(
        OrderFactory().pk, upi_request("late@sim"), at=now, links=lambda *_: ("", "https://till.example/events")
    )
    SimulatedPayment.objects.filter(key=late.gateway_key).update(decide_at=now)
    returned = refund(paid(), 10_094)
    SimulatedRefund.objects.filter(key=returned.gateway_key).update(return_at=now)
    Refund.objects.filter(pk=refund(paid(), 10_093).pk).update(inquire_at=now)
    ParkedOrigin.objects.create(origin="https://slow.example.com", until=week_old)
    Endpoint.objects.create(merchant=order.merchant, mode="test", made_at=now, disabled_at=now, notice_due_at=now)
    SettlementSchedule.objects.create(merchant=order.merchant, due_at=now)
    sold = paid()
    open_settlement(Group(sold.merchant, "test", "INR"), cutoff_at=clock.now(), at=clock.now())
    assert {name for name, _ in due_jobs(at=clock.now())} == set(JOBS)
