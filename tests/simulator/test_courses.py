"""The documented tables hold: every input and every fault, through the front door, at the three documented moments."""

from datetime import timedelta

import pytest

from checkout.simulator.docs import COURSES, FAULT_COURSES, VERDICTS
from payments import clock
from payments.gateways.registry import TEST_FAULTS
from payments.gateways.simulator.inputs import INPUTS, PAGES, SETTLES_AFTER_S, UPI_IDS, Scenario
from payments.states import CaptureKind, Method
from tests.factories import OrderFactory
from tests.hosted.customer import CARD_FIELDS, text_of
from tests.simulator.conftest import work
from tests.simulator.visitor import BANK, CARD, CHALLENGE, UPI_APP, WALLET, Visitor, upi

pytestmark = pytest.mark.django_db

ASKED = timedelta(seconds=SETTLES_AFTER_S)
WORDS = {
    "any other card number": {**CARD_FIELDS, "number": "5555555555554444"},
    "any other UPI ID": upi("asha@okbank"),
    "app link or QR code": UPI_APP,
    "any bank": BANK,
    "any wallet": WALLET,
}
"""Inputs that are described, not typed."""


def fields_for(entry):
    """The hosted form filled in with a documented input."""
    if entry.value in WORDS:
        return WORDS[entry.value]
    return {**CARD_FIELDS, "number": entry.value} if entry.method == Method.CARD else upi(entry.value)


def course_of(visitor):
    """What the attempt and the merchant's question say at the three moments of the table."""
    seen = [visitor.standing]
    with clock.shifted(ASKED):
        visitor.customer.check()
        seen.append(visitor.standing)
    with clock.shifted(visitor.payment.deadline_at - visitor.payment.started_at):
        work()
        seen.append(visitor.standing)
    return seen


def documented(course):
    statuses = (course.at_once, course.asked, course.over)
    return [(str(status), VERDICTS[status]) for status in statuses]


def by_value(entry):
    return entry.value


@pytest.mark.parametrize("entry", INPUTS, ids=by_value)
def test_every_input_takes_its_documented_course(order, wire, entry):
    visitor = Visitor(order, fields_for(entry))
    assert course_of(visitor) == documented(COURSES[entry.scenario])
    assert visitor.payment.method == entry.method
    if visitor.payment.status == "failed":
        assert visitor.payment.error_code == entry.error_code


@pytest.mark.parametrize("entry", INPUTS, ids=by_value)
def test_every_input_says_the_same_when_all_events_are_lost(entry):
    order = OrderFactory(tags={"till_fault": "lose_event"})
    assert course_of(Visitor(order, fields_for(entry))) == documented(COURSES[entry.scenario])


def test_every_scenario_has_a_course_and_an_input():
    assert set(COURSES) == set(Scenario) == {entry.scenario for entry in INPUTS}


@pytest.mark.parametrize("fault", TEST_FAULTS)
def test_every_fault_takes_its_documented_course(wire, fault):
    visitor = Visitor(OrderFactory(tags={"till_fault": fault}), CARD)
    assert course_of(visitor) == documented(FAULT_COURSES[fault])
    assert visitor.payment.review_reason == ""


def test_every_fault_has_a_course():
    assert FAULT_COURSES.keys() == TEST_FAULTS.keys()


@pytest.mark.parametrize("entry", PAGES, ids=by_value)
@pytest.mark.parametrize(
    ("decision", "status", "verdict"),
    [("approve", "success", "success"), ("decline", "failed", "failed"), ("leave", "user_dropped", "failed")],
)
def test_what_is_pressed_at_a_page_is_what_comes_of_it(order, wire, entry, decision, status, verdict):
    visitor = Visitor(order, fields_for(entry))
    visitor.press(decision)
    work()
    assert visitor.standing == (status, verdict)


@pytest.mark.parametrize(
    ("answers", "status", "verdict"),
    [
        ([{"otp": "123456"}], "success", "success"),
        ([{"otp": "000000"}, {"otp": "123456"}], "success", "success"),
        ([{"otp": "000000"}] * 2, "pending", "pending"),
        ([{"otp": "000000"}] * 3, "failed", "failed"),
        ([{"decision": "leave"}], "user_dropped", "failed"),
    ],
)
def test_what_is_typed_at_the_bank_is_what_comes_of_it(order, wire, answers, status, verdict):
    visitor = Visitor(order, CHALLENGE)
    for answer in answers:
        visitor.press(**answer)
    work()
    assert visitor.standing == (status, verdict)


@pytest.mark.parametrize(
    ("fault", "after_first", "after_second"),
    [
        ("timeout_before", "pending", "success"),  # never arrived: the customer types the code again
        ("timeout_after", "pending", "success"),  # taken, and our answer lost
        ("error_after", "pending", "success"),
    ],
)
def test_faults_of_a_challenge_hit_the_first_answer_alone(fault, after_first, after_second):
    visitor = Visitor(OrderFactory(tags={"till_fault": fault}), CHALLENGE)
    visitor.press(otp="123456")
    assert visitor.standing == (after_first, "pending")
    back = visitor.press(otp="123456")
    visitor.go_back(back)
    assert visitor.standing == (after_second, "success")
    assert visitor.row.wrong_codes == 0


def test_one_second_before_its_time_the_pending_id_is_still_pending(order):
    visitor = Visitor(order, upi("pending@sim"))
    with clock.shifted(ASKED - timedelta(seconds=1)):
        visitor.customer.check()
        assert visitor.standing == ("pending", "pending")


class TestLate:
    """The ID that succeeds when everybody has given up."""

    @pytest.fixture
    def late(self, order, wire):
        return Visitor(order, upi("late@sim"))

    def test_the_money_comes_after_attempt_and_order_are_over(self, late, order):
        with clock.shifted(timedelta(minutes=11)):
            work()
            assert late.standing == ("user_dropped", "failed")
        with clock.shifted(timedelta(hours=24, seconds=2)):
            work("simulator_payment", "simulator_event")
            assert late.standing == ("success", "expired")
            assert "a late payment is being returned" in late.verdict.message
            assert "₹299.99 is being returned to you." in text_of(late.customer.open())
            work()
            assert late.verdict.message == "Order expired"
            assert "₹299.99 was returned to you on" in text_of(late.customer.open())
        assert late.payment.capture_kind == CaptureKind.LATE
        order.refresh_from_db()
        assert order.status == "expired"

    def test_a_merchant_who_takes_late_money_is_paid(self, late, order):
        order.merchant.accept_late_s = 3600
        order.merchant.save()
        with clock.shifted(timedelta(hours=24, seconds=2)):
            work()
            assert late.standing == ("success", "success")

    def test_it_cannot_be_cancelled(self, late):
        response = late.cancel()
        assert response["Location"].endswith("?kept=1")
        assert late.standing == ("pending", "pending")
        assert UPI_IDS["late@sim"].outcome.endswith("Can’t be cancelled")
        assert "This can’t be cancelled now" in text_of(late.go_back(response))
