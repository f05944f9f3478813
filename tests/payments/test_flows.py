"""Ways to pay that are not over at once: challenges, banks, wallets, UPI, and answers that never come."""

from datetime import timedelta

import pytest
from django.db.models import F

from payments import clock
from payments.gateways.base import Standing, Unanswered
from payments.gateways.simulator import desk
from payments.gateways.simulator.engine import Simulator
from payments.gateways.simulator.models import SimulatedPayment
from payments.models import Order, Payment
from payments.money import Money
from payments.selectors import order_state, verify
from payments.services.answers import answer_challenge
from payments.services.payments import PaymentRequest, start_payment
from payments.services.reconcile import inquire_after_return, inquire_payment
from payments.states import Method
from tests.factories import (
    BANK,
    CHALLENGED,
    DECLINED_LATER,
    LOST_ANSWER,
    OrderFactory,
    bank_request,
    card_request,
    fact_for,
    upi_request,
)
from tests.proof import recover

pytestmark = pytest.mark.django_db
S = timedelta(seconds=1)
WALLET = PaymentRequest(method=Method.WALLET, form_nonce="n1", details={"channel": "link", "provider": "paytm"})
HAND_OFFS = {"netbanking": bank_request(), "wallet": WALLET, "upi code": upi_request()}


def _start(order, request):
    payment = start_payment(order.pk, request, at=clock.now(), links=lambda *_: ("https://till.example/back", ""))
    return _fresh(payment)


def _fresh(payment):
    return Payment.objects.select_related("order").get(pk=payment.pk)


def _ask(payment, after=timedelta()):
    with clock.shifted(after):
        inquire_payment(payment.pk, at=clock.now(), has_news=True)
    return _fresh(payment)


def _book():
    return SimulatedPayment.objects.get()


def _press(decision):
    assert desk.decide(_book(), decision, at=clock.now())


def _answer(payment, **answer):
    answer_challenge(payment.pk, answer, at=clock.now())
    return _fresh(payment)


# --- the bank's challenge ---


@pytest.fixture
def challenged(order):
    return _start(order, card_request(CHALLENGED))


def test_a_challenged_card_waits_for_its_code_and_takes_nothing(challenged):
    assert (challenged.status, challenged.order.status) == ("pending", "pending")
    assert challenged.next_action["type"] == "challenge"
    assert desk.find_by_token(challenged.next_action["url"].rpartition("/")[2]) == _book()
    assert challenged.start_answered_at is not None
    assert challenged.gateway_payment_id == ""
    assert _book().status == "open"


def test_the_right_code_pays_once_however_often_it_is_sent(challenged):
    paid = [_answer(challenged, otp="123456") for _ in range(3)][-1]
    assert (paid.status, paid.order.status) == ("success", "paid")
    assert SimulatedPayment.objects.filter(status="captured").count() == 1


def test_two_wrong_codes_leave_a_third_try_that_pays(challenged):
    for _ in range(2):
        assert _answer(challenged, otp="000000").status == "pending"
    assert _answer(challenged, otp="123456").status == "success"


def test_the_third_wrong_code_declines_and_counts_as_one_decline(challenged):
    for _ in range(3):
        payment = _answer(challenged, otp="000000")
    assert (payment.status, payment.error_code) == ("failed", "authentication_failed")
    assert (payment.order.status, payment.order.attempts_declined) == ("failed", 1)
    assert _answer(challenged, otp="123456").status == "failed"


def test_leaving_the_bank_drops_the_attempt_without_a_decline(challenged):
    payment = _answer(challenged, leave="1")
    assert (payment.status, payment.error_code) == ("user_dropped", "left")
    assert (payment.order.status, payment.order.attempts_declined) == ("failed", 0)
    assert payment.error_details["source"] == ["customer"]


def test_a_code_after_the_deadline_takes_nothing(challenged):
    with clock.shifted(timedelta(minutes=16)):
        payment = _answer(challenged, otp="123456")
    assert (payment.status, payment.error_code) == ("user_dropped", "not_completed")
    assert _book().status == "dropped"


def test_a_code_whose_answer_is_lost_stays_pending_until_somebody_asks(challenged, monkeypatch):
    resume = Simulator.resume

    def lost(self, *arguments):
        resume(self, *arguments)
        raise Unanswered("reset")

    monkeypatch.setattr(Simulator, "resume", lost)
    payment = _answer(challenged, otp="123456")
    assert (payment.status, payment.order.status) == ("pending", "pending")
    assert payment.inquire_at <= clock.now()
    assert _ask(payment).order.status == "paid"


def test_a_code_for_an_attempt_that_waits_for_none_does_nothing(order):
    payment = _start(order, bank_request())
    assert _answer(payment, otp="123456").status == "pending"
    assert _book().status == "open"


# --- banks, wallets and codes ---


@pytest.mark.parametrize("request_", HAND_OFFS.values(), ids=HAND_OFFS)
def test_a_hand_off_leads_to_a_page_and_remembers_what_was_chosen(order, request_):
    payment = _start(order, request_)
    action = payment.next_action
    assert (action["type"], payment.status) == ("code" if request_.method == "upi" else "redirect", "pending")
    assert desk.find_by_token((action.get("url") or action["link"]).rpartition("/")[2]) == _book()
    assert payment.method_details == request_.details


@pytest.mark.parametrize(
    ("decision", "status", "error_code", "declines"),
    [
        ("approve", "success", "", 0),
        ("decline", "failed", "payment_declined", 1),
        ("leave", "user_dropped", "left", 0),
    ],
)
@pytest.mark.parametrize("request_", HAND_OFFS.values(), ids=HAND_OFFS)
def test_what_is_pressed_there_is_found_by_asking(order, request_, decision, status, error_code, declines):
    payment = _start(order, request_)
    _press(decision)
    payment = _ask(payment)
    assert (payment.status, payment.error_code) == (status, error_code)
    assert payment.order.status == ("paid" if decision == "approve" else "failed")
    assert payment.order.attempts_declined == declines
    assert payment.method_details == request_.details


def test_netbanking_is_told_to_the_world_with_its_group_and_bank(order):
    payment = _start(order, bank_request())
    _press("approve")
    payment = _ask(payment)
    assert (payment.payment_group, payment.method_details) == ("net_banking", BANK)


def test_only_the_first_press_counts(order):
    _start(order, bank_request())
    _press("leave")
    assert not desk.decide(_book(), "approve", at=clock.now())
    assert _book().status == "dropped"


def test_a_page_left_open_past_its_deadline_takes_nothing_any_more(order):
    payment = _start(order, bank_request())
    with clock.shifted(timedelta(minutes=16)):
        assert not desk.decide(_book(), "approve", at=clock.now())
    payment = _ask(payment, timedelta(minutes=16))
    assert (payment.status, payment.error_code) == ("user_dropped", "not_completed")
    assert _book().status == "cancelled", "it was shut out before we called it over"


def test_at_the_deadline_an_attempt_that_cannot_be_cancelled_any_more_is_asked_about_again(order):
    """The bank said yes between our question and our cancel: nobody may call that dropped."""
    payment = _start(order, bank_request())
    inquire = Simulator.inquire

    def slow(self, account, key):
        answer = inquire(self, account, key)
        SimulatedPayment.objects.update(status="captured", captured_minor=F("amount_minor"))
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Simulator, "inquire", slow)
        payment = _ask(payment, timedelta(minutes=16))
    assert payment.status == "pending"
    assert _ask(payment, timedelta(hours=1, minutes=16)).order.status == "paid"


def test_a_customer_who_comes_back_is_not_made_to_wait_for_the_gap_between_questions(order):
    payment = _start(order, bank_request())
    inquire_payment(payment.pk, at=clock.now(), even_if_early=True)
    _press("approve")
    inquire_after_return(payment.pk, at=clock.now())
    assert _fresh(payment).order.status == "paid"


def test_a_customer_who_comes_back_does_not_ask_beside_a_running_question(order):
    payment = _start(order, bank_request())
    Payment.objects.update(leased_until=clock.now() + 50 * S)
    inquire_after_return(payment.pk, at=clock.now())
    assert _fresh(payment).inquiries == 0


def test_a_return_to_an_attempt_we_took_for_over_still_hears_of_its_money(order):
    payment = _start(order, bank_request())
    _press("approve")
    Payment.objects.update(status="user_dropped", completed_at=clock.now())
    Order.objects.update(status="failed")
    inquire_after_return(payment.pk, at=clock.now())
    payment = _fresh(payment)
    assert (payment.status, payment.order.status) == ("success", "paid")


# --- UPI IDs ---


@pytest.mark.parametrize(
    ("upi_id", "status", "error_code"),
    [
        ("success@sim", "success", ""),
        ("SUCCESS@sim", "success", ""),
        ("failure@sim", "failed", "payment_declined"),
        ("asha@okbank", "failed", "test_upi_required"),
    ],
)
def test_upi_ids_that_are_over_at_once(order, upi_id, status, error_code):
    payment = _start(order, upi_request(upi_id))
    assert (payment.status, payment.error_code) == (status, error_code)
    assert payment.method_details["upi_id"] == upi_id


def test_pending_at_sim_is_paid_at_the_first_question_from_ten_seconds_on(order):
    payment = _start(order, upi_request("pending@sim"))
    assert payment.next_action == {}
    assert _ask(payment, 9 * S).status == "pending"
    assert _ask(payment, 30 * S).order.status == "paid"


def test_late_at_sim_surprises_an_order_that_is_over(order):
    payment = _start(order, upi_request("late@sim"))
    assert _ask(payment, timedelta(minutes=9)).status == "pending"
    assert _ask(payment, timedelta(minutes=11)).error_code == "not_completed"
    assert _book().status == "open"
    with clock.shifted(timedelta(hours=25)):
        inquire_after_return(payment.pk, at=clock.now())
        payment = _fresh(payment)
        assert (payment.status, payment.capture_kind, payment.order.status) == ("success", "late", "expired")
        assert payment.refunds.get().amount == payment.captured
        assert "being returned" in verify(order_state(payment.order, at=clock.now())).message


@pytest.mark.parametrize("fault", ["", "lose_event", "duplicate_event", "reorder_events"])
def test_money_taken_late_is_found_by_asking_though_no_event_ever_tells(fault):
    order = OrderFactory(tags={"till_fault": fault} if fault else {})
    payment = _start(order, upi_request("late@sim"))
    recover([timedelta(minutes=minutes) for minutes in (1, 11)])
    assert _fresh(payment).error_code == "not_completed"
    recover([timedelta(hours=hours) for hours in (5, 20, 25, 26)])
    payment = _fresh(payment)
    assert (payment.status, payment.capture_kind, payment.order.status) == ("success", "late", "expired")


def test_an_attempt_that_is_over_at_the_gateway_too_is_asked_about_no_more(order):
    payment = _start(order, bank_request())
    assert _ask(payment, timedelta(minutes=16)).status == "user_dropped"
    assert _fresh(payment).inquire_at is None


def test_a_late_yes_that_does_not_fit_is_flagged_and_not_asked_about_again(order, monkeypatch):
    payment = _start(order, upi_request("late@sim"))
    assert _ask(payment, timedelta(minutes=16)).status == "user_dropped"
    odd = fact_for(payment, "success", amount=Money(1, "INR"))
    monkeypatch.setattr(Simulator, "inquire", lambda *_: odd)
    with clock.shifted(timedelta(hours=2)):
        inquire_payment(payment.pk, at=clock.now())
    payment = _fresh(payment)
    assert (payment.money_unclear, payment.inquire_at) == (True, None)


def test_nobody_asks_for_ever(order, monkeypatch):
    payment = _start(order, upi_request("late@sim"))
    monkeypatch.setattr(Simulator, "inquire", lambda *_: Standing.OPEN)
    assert _ask(payment, timedelta(minutes=16)).status == "user_dropped"
    with clock.shifted(timedelta(days=7)):
        inquire_payment(payment.pk, at=clock.now())
    assert _fresh(payment).inquire_at is None


# --- answers that never come ---


def test_a_lost_answer_is_unknown_until_asked_and_then_paid(order):
    payment = _start(order, card_request(LOST_ANSWER))
    assert (payment.status, payment.start_answered_at, _book().status) == ("pending", None, "captured")
    assert verify(order_state(order, at=clock.now())).code == "202"
    assert _ask(payment).order.status == "paid"


def test_a_card_that_is_declined_later_is_pending_until_asked(order):
    payment = _start(order, card_request(DECLINED_LATER))
    assert payment.status == "pending"
    payment = _ask(payment)
    assert (payment.status, payment.error_code, payment.order.attempts_declined) == ("failed", "card_declined", 1)


@pytest.mark.parametrize(
    ("fault", "book", "at_last"),
    [
        ("timeout_before", [], ("failed", "not_received")),
        ("timeout_after", ["captured"], ("success", "")),
        ("error_after", ["captured"], ("success", "")),
    ],
)
def test_a_merchants_own_tests_can_lose_the_answer_of_a_card(fault, book, at_last):
    order = OrderFactory(tags={"till_fault": fault})
    payment = _start(order, card_request())
    assert payment.status == "pending"
    assert list(SimulatedPayment.objects.values_list("status", flat=True)) == book
    payment = _ask(payment, 121 * S)
    assert (payment.status, payment.error_code) == at_last


@pytest.mark.parametrize("fault", ["timeout_before", "timeout_after", "error_after"])
def test_the_fault_of_a_challenged_card_hits_its_code_and_only_once(fault):
    payment = _start(OrderFactory(tags={"till_fault": fault}), card_request(CHALLENGED))
    assert payment.next_action["type"] == "challenge"
    payment = _answer(payment, otp="123456")
    assert payment.status == "pending"
    assert _book().status == ("open" if fault == "timeout_before" else "captured")
    assert _answer(payment, otp="123456").order.status == "paid"
