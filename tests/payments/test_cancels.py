"""A new attempt takes the place of an old one only if the old one can never take money any more."""

from datetime import timedelta

import pytest

from payments import clock
from payments.errors import MethodNotOffered, NotPayable
from payments.gateways.base import CancelAnswer, NotSupported, Unanswered
from payments.gateways.simulator import desk
from payments.gateways.simulator.engine import Simulator
from payments.gateways.simulator.models import SimulatedPayment
from payments.models import Order, Payment
from payments.selectors import due_jobs, order_state
from payments.services.cancels import cancel_attempt
from payments.services.facts import apply_gateway_fact
from payments.services.payments import start_payment, terminate_order
from payments.services.reconcile import inquire_payment
from tests.factories import (
    CHALLENGED,
    LOST_ANSWER,
    OrderFactory,
    bank_request,
    card_request,
    fact_for,
    upi_request,
)

pytestmark = pytest.mark.django_db
TWO_MINUTES = timedelta(seconds=121)


def _start(order, request):
    return start_payment(order.pk, request, at=clock.now())


def _cancel(payment):
    answer = cancel_attempt(payment.pk, cause="customer", at=clock.now())
    payment.refresh_from_db()
    payment.order = Order.objects.get(pk=payment.order_id)
    return answer


@pytest.fixture
def waiting(order):
    """An attempt at the pretend bank."""
    return _start(order, bank_request())


def test_an_attempt_at_the_bank_is_cancelled_and_frees_the_order(waiting):
    assert _cancel(waiting) is CancelAnswer.DEAD
    assert (waiting.status, waiting.error_code) == ("cancelled", "cancelled")
    assert (waiting.order.status, waiting.order.attempts_declined) == ("failed", 0)
    assert SimulatedPayment.objects.get().status == "cancelled"
    assert not desk.decide(SimulatedPayment.objects.get(), "approve", at=clock.now())


def test_cancelling_twice_is_harmless(waiting):
    _cancel(waiting)
    assert _cancel(waiting) is CancelAnswer.UNKNOWN
    assert waiting.events.filter(kind__startswith="payment").count() == 1


def test_money_that_was_taken_meanwhile_is_not_cancelled_but_asked_about_at_once(waiting):
    desk.decide(SimulatedPayment.objects.get(), "approve", at=clock.now())
    assert _cancel(waiting) is CancelAnswer.ALIVE
    assert waiting.status == "pending"
    assert ("inquire_payment", waiting.pk) in list(due_jobs(at=clock.now()))


def test_a_decline_that_came_just_before_counts_as_one(waiting):
    """Else a card tester could hide every decline behind a cancel."""
    desk.decide(SimulatedPayment.objects.get(), "decline", at=clock.now())
    assert _cancel(waiting) is CancelAnswer.DEAD
    assert (waiting.status, waiting.order.attempts_declined) == ("failed", 1)


def test_an_attempt_whose_start_was_not_answered_is_not_cancelled_for_two_minutes(order):
    payment = _start(order, card_request(LOST_ANSWER))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Simulator, "cancel", lambda *_: 1 / 0)
        assert _cancel(payment) is CancelAnswer.UNKNOWN
    with clock.shifted(TWO_MINUTES):
        assert _cancel(payment) is CancelAnswer.ALIVE
    assert payment.status == "pending"


def test_a_start_that_never_arrived_can_be_cancelled_after_two_minutes_and_never_starts_then():
    payment = _start(OrderFactory(tags={"till_fault": "timeout_before"}), card_request())
    with clock.shifted(TWO_MINUTES):
        assert _cancel(payment) is CancelAnswer.DEAD
    assert payment.status == "cancelled"
    assert SimulatedPayment.objects.get().status == "cancelled"


@pytest.mark.parametrize("fault", [Unanswered("reset"), NotSupported("no"), ValueError("nonsense")])
def test_a_gateway_that_does_not_say_leaves_the_attempt_alone(waiting, monkeypatch, fault):
    def broken(*_):
        raise fault

    monkeypatch.setattr(Simulator, "cancel", broken)
    assert _cancel(waiting) is CancelAnswer.UNKNOWN
    assert waiting.status == "pending"


# --- a new attempt in the place of a live one ---


def test_a_card_takes_the_place_of_an_abandoned_bank_page(waiting):
    paid = _start(waiting.order, card_request(nonce="n2"))
    waiting.refresh_from_db()
    assert (waiting.status, paid.status) == ("cancelled", "success")
    assert SimulatedPayment.objects.filter(status="captured").count() == 1
    assert list(waiting.order.events.order_by("sequence").values_list("kind", flat=True)) == [
        "order.pending",
        "payment.cancelled",
        "order.failed",
        "order.pending",
        "payment.success",
        "order.paid",
    ]


def test_the_same_form_again_never_cancels(waiting):
    assert _start(waiting.order, bank_request()) == waiting
    waiting.refresh_from_db()
    assert waiting.status == "pending"


def test_money_that_was_just_taken_refuses_the_new_attempt(waiting):
    desk.decide(SimulatedPayment.objects.get(), "approve", at=clock.now())
    with pytest.raises(NotPayable):
        _start(waiting.order, card_request(nonce="n2"))
    assert Payment.objects.get().status == "pending"


@pytest.mark.parametrize("request_", [card_request(LOST_ANSWER), upi_request("late@sim")], ids=["unanswered", "late"])
def test_what_cannot_be_cancelled_refuses_the_new_attempt(order, request_):
    _start(order, request_)
    with pytest.raises(NotPayable):
        _start(order, card_request(nonce="n2"))
    assert Payment.objects.get().status == "pending"


@pytest.mark.parametrize(
    ("columns", "refusal"),
    [
        ({"attempts_declined": 5}, NotPayable),
        ({"terminate_requested_at": clock.now()}, NotPayable),
        ({"expires_at": clock.now()}, NotPayable),
        ({"payment_methods": ["nb"]}, (NotPayable, MethodNotOffered)),
    ],
    ids=["exhausted", "terminating", "expired", "not offered"],
)
def test_a_new_attempt_that_could_not_start_cancels_nothing(waiting, columns, refusal):
    Order.objects.update(**columns)
    with pytest.raises(refusal):
        _start(waiting.order, card_request(nonce="n2"))
    assert Payment.objects.get().status == "pending"
    assert SimulatedPayment.objects.get().status == "open"


def test_a_fifth_decline_found_while_making_way_refuses_the_new_attempt(waiting):
    Order.objects.update(attempts_declined=4)
    desk.decide(SimulatedPayment.objects.get(), "decline", at=clock.now())
    with pytest.raises(NotPayable):
        _start(waiting.order, card_request(nonce="n2"))
    assert Order.objects.get().attempts_declined == 5
    assert Payment.objects.get().status == "failed"


def test_a_held_attempt_is_never_replaced(waiting):
    apply_gateway_fact(waiting, fact_for(waiting, "authorized"), cause="test", at=clock.now())
    assert _cancel(waiting) is CancelAnswer.UNKNOWN
    with pytest.raises(NotPayable):
        _start(waiting.order, card_request(nonce="n2"))
    assert waiting.status == "authorized"


def test_the_page_may_offer_another_try_only_where_the_live_one_can_go(waiting):
    assert order_state(waiting.order, at=clock.now()).takes_attempts
    Payment.objects.update(start_answered_at=None)
    assert not order_state(waiting.order, at=clock.now()).takes_attempts
    assert order_state(waiting.order, at=clock.now() + TWO_MINUTES).takes_attempts


# --- attempts nobody wants any more ---


def _late_success_of_the_first(order):
    """The first attempt was taken for over; the second waits at the bank; then the first turns out to be paid."""
    first = _start(order, card_request(CHALLENGED))
    _cancel(first)
    second = _start(order, bank_request(nonce="n2"))
    apply_gateway_fact(first, fact_for(first, "success"), cause="test", at=clock.now())
    return first, second


def _work(payment):
    inquire_payment(payment.pk, at=clock.now())
    payment.refresh_from_db()
    return payment


def test_an_order_paid_by_an_old_attempt_cancels_the_live_one_at_once(order):
    first, second = _late_success_of_the_first(order)
    assert Order.objects.get().status == "paid"
    assert ("inquire_payment", second.pk) in list(due_jobs(at=clock.now()))
    assert _work(second).status == "cancelled"
    assert (Order.objects.get().status, first.capture_kind) == ("paid", "normal")


def test_a_live_attempt_that_pays_a_paid_order_is_surplus_and_goes_back(order):
    _, second = _late_success_of_the_first(order)
    desk.decide(SimulatedPayment.objects.get(key=second.gateway_key), "approve", at=clock.now())
    second = _work(second)
    assert (second.status, second.capture_kind) == ("success", "surplus")
    assert second.refunds.get().amount == second.captured
    assert Order.objects.get().status == "paid"


def test_terminating_cancels_the_attempt_in_flight_at_once(waiting):
    terminate_order(waiting.order_id, cause="staff", at=clock.now())
    assert ("inquire_payment", waiting.pk) in list(due_jobs(at=clock.now()))
    assert _work(waiting).status == "cancelled"
    assert Order.objects.get().status == "terminated"


def test_money_taken_before_the_termination_pays_the_order(waiting):
    desk.decide(SimulatedPayment.objects.get(), "approve", at=clock.now())
    terminate_order(waiting.order_id, cause="staff", at=clock.now())
    assert _work(waiting).status == "success"
    assert Order.objects.get().status == "paid"


def test_an_unwanted_attempt_that_cannot_be_cancelled_is_asked_about_in_its_rhythm(order):
    payment = _start(order, upi_request("late@sim"))
    terminate_order(order.pk, cause="staff", at=clock.now())
    assert _work(payment).status == "pending"
    assert payment.inquire_at > clock.now()
