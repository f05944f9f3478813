"""Held money: captured whole or in part, released, and never both."""

from datetime import timedelta

import pytest

from payments import clock
from payments.books import differences
from payments.errors import BadInput, NotCapturable, NotPayable
from payments.gateways.base import NotSupported, PaymentFact
from payments.gateways.simulator.engine import Simulator
from payments.gateways.simulator.models import SimulatedPayment
from payments.models import AuditEntry, Authorization, Order, Payment
from payments.money import Money
from payments.selectors import due_jobs, order_state, verify
from payments.services.facts import apply_gateway_fact
from payments.services.payments import terminate_order
from payments.services.reconcile import inquire_after_return, inquire_payment
from payments.services.sending import capture_payment, void_payment
from payments.states import Method
from tests.factories import (
    OrderFactory,
    PaymentFactory,
    act,
    card_request,
    deliver,
    fact_for,
    fresh,
    held,
    paid,
    start,
    watch,
)

pytestmark = pytest.mark.django_db
ALL = 29_999
LATER = timedelta(days=7, seconds=1)


@pytest.fixture(autouse=True)
def _books_agree():
    yield
    assert [str(difference) for difference in differences()] == []


def _capture(payment, minor=None, currency="INR", **over):
    amount = None if minor is None else Money(minor, currency)
    return fresh(capture_payment(payment.pk, amount, cause="test", at=clock.now(), **over))


def _void(payment, **over):
    return fresh(void_payment(payment.pk, cause="test", at=clock.now(), **over))


def _work(payment, after=timedelta()):
    with clock.shifted(after):
        inquire_payment(payment.pk, at=clock.now())
    return fresh(payment)


def _asked(payment):
    return payment.authorization.action, payment.authorization.status


def _verdict(payment):
    return verify(order_state(payment.order, at=clock.now())).status


@pytest.fixture
def calls(monkeypatch):
    return watch(monkeypatch, "capture", "void")


# --- holding ---


def test_money_is_held_and_not_taken():
    payment = held()
    assert (payment.status, payment.captured_minor, payment.order.status) == ("authorized", 0, "pending")
    assert payment.inquire_at == payment.authorization.approve_by > clock.now() + timedelta(days=6)
    assert (SimulatedPayment.objects.get().status, _verdict(payment)) == ("held", "authorized")


def test_only_methods_whose_money_can_be_held_are_offered():
    state = order_state(OrderFactory(manual_capture=True), at=clock.now())
    assert set(state.methods) == {Method.CARD, Method.UPI}
    assert set(order_state(OrderFactory(), at=clock.now()).methods) == set(Method)


def test_a_hold_of_an_order_with_automatic_capture_is_captured_by_the_worker_and_never_called_held():
    order = OrderFactory(manual_capture=True)
    payment = held(order)
    Order.objects.update(manual_capture=False)  # a gateway that holds first although nobody asked it to
    Payment.objects.update(status="pending")
    payment.authorization.delete()
    apply_gateway_fact(payment, fact_for(payment, "authorized"), cause="test", at=clock.now())
    payment = fresh(payment)
    assert (payment.status, _asked(payment), _verdict(payment)) == ("authorized", ("capture", "pending"), "pending")
    payment = _work(payment)
    assert (payment.status, payment.captured_minor, payment.order.status) == ("success", ALL, "paid")


def test_a_hold_on_a_customers_late_return_is_heard():
    payment = held()
    payment.authorization.delete()
    Payment.objects.update(status="user_dropped", inquire_at=None)
    Order.objects.update(status="failed")
    inquire_after_return(payment.pk, at=clock.now())
    payment = fresh(payment)
    assert (payment.status, payment.order.status) == ("authorized", "pending")


def test_held_money_blocks_a_second_attempt():
    payment = held()
    with pytest.raises(NotPayable):
        start(payment.order, card_request(nonce="n2"))
    assert payment.order.payments.count() == 1


# --- capture ---


@pytest.mark.parametrize("minor", [None, ALL, 10_000, 1])
def test_a_capture_takes_all_or_the_part_and_pays_the_order(minor):
    payment = _capture(held(), minor)
    taken = ALL if minor is None else minor
    assert (payment.status, payment.captured_minor, payment.capture_kind) == ("success", taken, "normal")
    assert (payment.order.status, _asked(payment), payment.inquire_at) == ("paid", ("capture", "success"), None)
    assert payment.authorization.captured_minor == SimulatedPayment.objects.get().captured_minor == taken


@pytest.mark.parametrize(("minor", "currency"), [(ALL + 1, "INR"), (0, "INR"), (-1, "INR"), (100, "USD")])
def test_a_capture_of_too_much_nothing_or_another_currency_is_refused(minor, currency, calls):
    payment = held()
    with pytest.raises(BadInput):
        _capture(payment, minor, currency)
    assert (fresh(payment).status, _asked(fresh(payment)), calls.made) == ("authorized", ("", ""), [])


@pytest.mark.parametrize("again", [_capture, _void])
def test_what_was_captured_is_neither_captured_nor_released_again(again, calls):
    payment = _capture(held())
    with pytest.raises(NotCapturable, match="success"):
        again(payment)
    assert len(calls.made) == 1


@pytest.mark.parametrize("again", [_capture, _void])
def test_nothing_else_is_asked_while_a_capture_is_in_flight(again, calls):
    payment, calls.fault = held(), "before"
    payment = _capture(payment, 10_000)
    with pytest.raises(NotCapturable, match="on its way"):
        again(payment)
    with pytest.raises(NotPayable, match="captured"):
        terminate_order(payment.order_id, cause="merchant", at=clock.now())
    assert fresh(payment).order.terminate_requested_at is None
    assert len(calls.made) == 1
    assert _work(payment, timedelta(seconds=6)).status == "success"


@pytest.mark.parametrize(("fault", "sent"), [("before", 2), ("after", 1)])
@pytest.mark.parametrize(("ask", "end"), [(_capture, "success"), (_void, "void")])
def test_without_an_answer_it_stays_in_flight_and_is_asked_about_never_under_another_key(ask, end, fault, sent, calls):
    payment, calls.fault = held(), fault
    payment = ask(payment)
    assert (payment.status, payment.authorization.status, _verdict(payment)) == ("authorized", "pending", "pending")
    assert [job for job in due_jobs(at=clock.now()) if job[0] == "inquire_payment"] == []
    payment = _work(payment, timedelta(seconds=6))
    assert (payment.status, payment.authorization.status, payment.inquire_at) == (end, "success", None)
    assert {call[1] for call in calls.made} == {payment.gateway_key}
    assert len(calls.made) == sent


def test_while_nobody_answers_the_next_question_is_put_off(calls, monkeypatch):
    payment, calls.fault = held(), "before"
    payment = _capture(payment)
    monkeypatch.setattr(Simulator, "inquire", lambda *_: 1 / 0)
    payment = _work(payment, timedelta(seconds=6))
    assert (payment.status, payment.authorization.status) == ("authorized", "pending")
    assert payment.inquire_at == payment.authorization.start_time + timedelta(seconds=15)


@pytest.mark.parametrize(("ask", "word"), [(_capture, "capture"), (_void, "void")])
@pytest.mark.parametrize("how", ["says no", "cannot"])
def test_a_refusal_leaves_the_money_held_for_people_and_can_be_tried_again(ask, word, how, monkeypatch):
    payment = held()
    act = getattr(Simulator, word)

    def refuse(*_):
        if how == "cannot":
            raise NotSupported("Not with this card.")
        return fact_for(payment, "authorized", message="Not with this card.")

    monkeypatch.setattr(Simulator, word, refuse)
    payment = ask(payment)
    assert (payment.status, _asked(payment)) == ("authorized", (word, "failed"))
    assert "Not with this card." in payment.review_reason
    assert payment.inquire_at == payment.authorization.approve_by
    monkeypatch.setattr(Simulator, word, act)
    assert ask(payment).status == ("success" if word == "capture" else "void")


def test_a_capture_that_the_gateway_only_takes_on_is_found_later(monkeypatch):
    payment = held()
    capture = Simulator.capture
    pending = PaymentFact(status="pending", key=payment.gateway_key)
    monkeypatch.setattr(Simulator, "capture", lambda *call: capture(*call) and pending)
    payment = _capture(payment, 500)
    assert (payment.status, payment.authorization.status) == ("authorized", "pending")
    assert _work(payment).captured_minor == 500


@pytest.mark.parametrize("minor", [ALL, 10_000])
def test_the_event_of_a_capture_says_nothing_new(minor):
    """Told again, the part of a hold is no contradiction, nor is the hold itself."""
    payment = _capture(held(), minor)
    deliver()
    payment = fresh(payment)
    assert (payment.captured_minor, payment.review_reason, payment.money_unclear) == (minor, "", False)
    assert payment.order.payments.count() == 1


def test_another_amount_than_what_was_captured_is_for_staff():
    payment = _capture(held(), 10_000)
    apply_gateway_fact(payment, fact_for(payment, "success", amount=Money(ALL, "INR")), cause="test", at=clock.now())
    assert (fresh(payment).captured_minor, fresh(payment).money_unclear) == (10_000, True)


def test_a_part_of_a_hold_is_no_hold():
    payment = PaymentFactory(authorized=True)
    part = fact_for(payment, "authorized", amount=Money(1, "INR"))
    apply_gateway_fact(payment, part, cause="test", at=clock.now())
    assert fresh(payment).review_reason


# --- void ---


def test_a_void_releases_the_money_and_terminates_the_order():
    payment = _void(held())
    assert (payment.status, payment.captured_minor, payment.order.status) == ("void", 0, "terminated")
    assert (_asked(payment), SimulatedPayment.objects.get().status) == (("void", "success"), "released")
    with pytest.raises(NotCapturable, match="void"):
        _capture(payment)


def test_a_hold_is_released_by_itself_when_its_time_is_up():
    payment = held()
    assert _work(payment, timedelta(days=6)).status == "authorized"
    payment = _work(payment, LATER)
    assert (payment.status, payment.order.status) == ("void", "terminated")
    assert payment.events.get(kind="payment.void").cause == "clock"


def test_a_release_that_the_gateway_refuses_is_tried_again_every_hour(monkeypatch):
    payment = held()
    void = Simulator.void
    monkeypatch.setattr(Simulator, "void", lambda *_: fact_for(payment, "authorized"))
    payment = _work(payment, LATER)
    assert (payment.status, bool(payment.review_reason)) == ("authorized", True)
    monkeypatch.setattr(Simulator, "void", void)
    assert _work(payment, LATER + timedelta(minutes=59)).status == "authorized"
    assert _work(payment, LATER + timedelta(minutes=61)).status == "void"


def test_a_capture_after_the_gateway_let_the_money_go_is_a_void():
    payment = held()
    with clock.shifted(LATER):
        payment = _capture(payment)
    assert (payment.status, payment.captured_minor, payment.order.status) == ("void", 0, "terminated")


def test_a_void_that_came_too_late_is_a_capture():
    payment = held()
    SimulatedPayment.objects.update(status="captured", captured_minor=10_000)
    payment = _void(payment)
    assert (payment.status, payment.captured_minor, payment.order.status) == ("success", 10_000, "paid")


def test_terminating_a_held_order_is_a_void():
    payment = held()
    terminate_order(payment.order_id, cause="merchant", at=clock.now())
    assert (_asked(fresh(payment)), _verdict(fresh(payment))) == (("void", "pending"), "pending")
    payment = _work(payment)
    assert (payment.status, payment.order.status) == ("void", "terminated")


def test_a_hold_that_comes_while_the_order_is_being_called_off_is_released():
    payment = PaymentFactory(order__manual_capture=True)
    terminate_order(payment.order_id, cause="merchant", at=clock.now())
    apply_gateway_fact(payment, fact_for(payment, "authorized"), cause="test", at=clock.now())
    assert _asked(fresh(payment)) == ("void", "pending")


@pytest.mark.parametrize("end", ["expired", "terminated", "failed"])
def test_a_hold_that_comes_after_its_order_was_over_is_released_at_once(end):
    payment = held()
    payment.authorization.delete()
    Payment.objects.update(status="user_dropped", inquire_at=None)
    Order.objects.update(status=end, expires_at=clock.now())  # "failed" is overdue: no sweep has seen it yet
    deliver("payment.authorized")
    payment = fresh(payment)
    assert (payment.status, _asked(payment)) == ("void", ("void", "pending"))
    payment = _work(payment)
    assert (_asked(payment), payment.authorization.end_time is not None) == (("void", "success"), True)
    assert SimulatedPayment.objects.get().status == "released"
    assert (payment.inquire_at, payment.order.status) == (None, "terminated" if end == "terminated" else "expired")


def test_a_late_success_after_a_void_is_late_and_goes_back_by_itself():
    payment = _void(held())
    SimulatedPayment.objects.update(status="captured", captured_minor=10_000)
    late = fact_for(payment, "success", amount=Money(10_000, "INR"))
    apply_gateway_fact(payment, late, cause="test", at=clock.now())
    payment = fresh(payment)
    assert (payment.status, payment.capture_kind, payment.order.status) == ("success", "late", "terminated")
    assert (payment.refunds.get().amount_minor, payment.refunds.get().is_automatic) == (10_000, True)


# --- people ---


@pytest.mark.parametrize(("ask", "word"), [(_capture, "payment.capture"), (_void, "payment.void")])
def test_what_staff_do_is_kept_with_its_reason(ask, word):
    payment = held()
    by = act("asha", "Sent today.")
    ask(payment, by=by)
    entry = AuditEntry.objects.get()
    assert (entry.act, entry.actor_id, entry.object_id) == (word, by.user_id, payment.uid)
    assert (entry.reason, entry.order_id) == ("Sent today.", payment.order_id)


@pytest.mark.parametrize("ask", [_capture, _void])
def test_without_a_reason_staff_do_nothing(ask, calls):
    payment = held()
    with pytest.raises(BadInput, match="reason"):
        ask(payment, by=act(reason=" "))
    assert (_asked(fresh(payment)), calls.made) == (("", ""), [])


@pytest.mark.parametrize("ask", [_capture, _void])
def test_only_held_money_is_captured_or_released(ask, calls):
    for payment in (PaymentFactory(), PaymentFactory(failed=True), paid()):
        with pytest.raises(NotCapturable):
            ask(payment)
    assert calls.made == []


def test_a_refused_release_of_a_payment_that_is_void_here_is_tried_again(db, monkeypatch):
    """Heard late: the order was over when the hold came, so it is void here and has to be released there."""
    payment = PaymentFactory(failed=True, order__status="expired")
    fact = fact_for(payment, "authorized", approve_by=clock.now() + timedelta(days=7))
    apply_gateway_fact(payment, fact, cause="test", at=clock.now())
    assert payment.status == "void"
    refused = fact_for(payment, "authorized", message="Not now.")
    answers = [refused, fact_for(payment, "void")]
    monkeypatch.setattr(Simulator, "inquire", lambda *_: refused)
    monkeypatch.setattr(Simulator, "void", lambda *_: answers.pop(0))
    for hours in (0, 2, 4):
        with clock.shifted(timedelta(hours=hours)):
            inquire_payment(payment.pk, at=clock.now())
    payment = Payment.objects.select_related("authorization").get(pk=payment.pk)
    assert answers == []
    assert (payment.authorization.status, payment.inquire_at) == ("success", None)


@pytest.mark.parametrize("action", ["capture", "void"])
def test_money_whose_capture_or_release_is_on_its_way_is_not_called_held(db, action):
    payment = PaymentFactory(authorized=True, order__manual_capture=True)
    Authorization.objects.filter(payment=payment).update(action=action, status="pending")
    state = order_state(payment.order, at=clock.now())
    assert state.held is None
    assert verify(state).status == "pending"


def test_money_held_for_an_order_that_is_over_cannot_be_captured(db):
    payment = PaymentFactory(authorized=True, order__status="terminated", order__manual_capture=True)
    with pytest.raises(NotCapturable, match="order is terminated"):
        capture_payment(payment.pk, cause="staff", at=clock.now())
    assert fresh(payment).status == "authorized"
