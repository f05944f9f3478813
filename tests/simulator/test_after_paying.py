"""The documented tables of held money and of refunds hold, through the services that merchants and staff use."""

from datetime import timedelta

import pytest

from checkout.simulator.docs import HOLDS, REFUND_COURSES, VERDICTS
from payments import clock
from payments.gateways.simulator.inputs import HOLD_DAYS, REFUNDS, SETTLES_AFTER_S, RefundScenario, refund_scenario
from payments.money import Money
from payments.services.payments import terminate_order
from payments.services.refunds import NewRefund
from payments.services.sending import capture_payment, refund_payment, void_payment
from payments.states import Method
from tests.factories import OrderFactory
from tests.simulator.conftest import work
from tests.simulator.visitor import CARD, Visitor, upi

pytestmark = pytest.mark.django_db
ASKED, LATER = timedelta(seconds=SETTLES_AFTER_S), timedelta(minutes=2)


@pytest.fixture
def holder(wire):
    return Visitor(OrderFactory(manual_capture=True), CARD)


def documented(words):
    status = dict(HOLDS)[words]
    return str(status), VERDICTS[status]


SAYS_YES, CAPTURED, RELEASED, LEFT_ALONE = dict(HOLDS)


@pytest.mark.parametrize("fields", [CARD, upi("success@sim")], ids=["card", "upi"])
def test_the_bank_says_yes_and_holds_for_the_documented_days(wire, fields):
    visitor = Visitor(OrderFactory(manual_capture=True), fields)
    assert visitor.standing == documented(SAYS_YES)
    with clock.shifted(timedelta(days=HOLD_DAYS, minutes=-5)):
        work()
        assert visitor.standing == documented(SAYS_YES)
    with clock.shifted(timedelta(days=HOLD_DAYS, minutes=5)):
        work()
        assert visitor.standing == documented(LEFT_ALONE)


@pytest.mark.parametrize("minor", [None, 10_000])
def test_held_money_is_captured_whole_or_in_part(holder, minor):
    amount = Money(minor, "INR") if minor else None
    capture_payment(holder.payment.pk, amount, cause="merchant", at=clock.now())
    assert holder.standing == documented(CAPTURED)
    assert holder.payment.captured_minor == holder.row.captured_minor == (minor or holder.payment.amount_minor)


@pytest.mark.parametrize("how", ["void", "terminate"])
def test_held_money_is_released(holder, how):
    if how == "void":
        void_payment(holder.payment.pk, cause="staff", at=clock.now())
    else:
        terminate_order(holder.order.pk, cause="merchant", at=clock.now())
        with clock.shifted(ASKED):
            work()
    assert holder.standing == documented(RELEASED)
    assert holder.row.status == "released"


def test_only_cards_and_upi_hold(holder):
    page = Visitor(OrderFactory(manual_capture=True)).customer.open().content.decode()
    assert {method for method in Method if f'value="{method}"' in page} == {Method.CARD, Method.UPI}


@pytest.mark.parametrize("ending", [*REFUNDS, 0], ids=str)
def test_every_refund_takes_its_documented_course(order, wire, ending):
    payment = Visitor(order, CARD).payment
    refund = refund_payment(payment.pk, NewRefund(Money(1_000 + ending, "INR")), at=clock.now())
    seen = [refund.status]
    for wait in (ASKED, ASKED + LATER):
        with clock.shifted(wait):
            work()
        refund.refresh_from_db()
        seen.append(refund.status)
    course = REFUND_COURSES[refund_scenario(refund.amount_minor)]
    assert seen == [course.at_once, course.asked, course.later]


def test_every_refund_scenario_has_a_course_and_an_amount():
    assert set(REFUND_COURSES) == set(RefundScenario) == {what for what, _ in REFUNDS.values()} | {RefundScenario.DONE}
