from datetime import timedelta

import pytest

from payments import backoff, clock
from payments.gateways.base import CancelAnswer, Standing, Unanswered
from payments.gateways.simulator.engine import Simulator
from payments.models import Order, Payment
from payments.selectors import due_jobs
from payments.services.facts import apply_gateway_fact
from payments.services.payments import terminate_order
from payments.services.reconcile import INQUIRY_LEASE, UNKNOWN, inquire_payment
from tests.factories import PaymentFactory, fact_for

S = timedelta(seconds=1)


@pytest.fixture
def gateway(monkeypatch):
    """What the gateway answers, and how often it was asked."""

    class Asked:
        times = 0
        answer = Standing.ABSENT

    def inquire(self, account, payment):
        Asked.times += 1
        if isinstance(Asked.answer, Exception):
            raise Asked.answer
        return Asked.answer

    monkeypatch.setattr(Simulator, "inquire", inquire)
    return Asked


def _ask(payment, after, **how):
    """Ask as the worker does, that long after the attempt's start."""
    with clock.shifted(payment.started_at + after - clock.now()):
        asked = inquire_payment(payment.pk, at=payment.started_at + after, **how)
    payment.refresh_from_db()
    payment.order = Order.objects.get(pk=payment.order_id)
    return asked


@pytest.mark.parametrize(
    ("after_s", "next_s"),
    [(0, 5), (4.999, 5), (5, 15), (14, 15), (15, 60), (60, 300), (299, 300), (300, 900), (900, 4_500), (9_000, 12_600)],
)
def test_questions_are_asked_at_5_s_15_s_1_5_and_15_min_and_then_hourly(payment, after_s, next_s):
    asked_at = payment.started_at + after_s * S
    assert backoff.next_time(payment.started_at, at=asked_at) == payment.started_at + next_s * S


def test_nothing_is_asked_before_its_time(payment, gateway):
    assert not _ask(payment, 5 * S - timedelta(microseconds=1))
    assert (gateway.times, payment.inquiries) == (0, 0)


def test_at_its_time_the_gateway_is_asked_and_the_next_question_planned(payment, gateway):
    gateway.answer = Standing.OPEN
    assert _ask(payment, 5 * S)
    assert (gateway.times, payment.inquiries, payment.status) == (1, 1, "pending")
    assert payment.inquire_at == payment.started_at + 15 * S


@pytest.mark.parametrize(("word", "order_status"), [("success", "paid"), ("failed", "failed")])
def test_what_the_gateway_knows_is_applied(payment, gateway, word, order_status):
    gateway.answer = fact_for(payment, word)
    assert _ask(payment, 5 * S)
    assert (payment.status, payment.order.status, payment.inquire_at) == (word, order_status, None)
    assert set(payment.events.values_list("cause", flat=True)) == {"inquiry"}


@pytest.mark.parametrize(
    ("after", "status"), [(6 * S, "pending"), (119 * S, "pending"), (121 * S, "failed"), (3_600 * S, "failed")]
)
def test_no_such_payment_is_believed_from_two_minutes_on(payment, gateway, after, status):
    assert _ask(payment, after)
    assert payment.status == status
    assert payment.order.status == status


def test_an_attempt_that_never_arrived_says_so_and_is_no_decline(payment, gateway):
    _ask(payment, 121 * S)
    assert (payment.error_code, payment.order.attempts_declined) == ("not_received", 0)
    assert payment.order.status == "failed"


@pytest.mark.parametrize(("after_s", "status"), [(121, "pending"), (899, "pending"), (901, "user_dropped")])
def test_an_open_payment_is_given_up_at_its_deadline(payment, gateway, after_s, status):
    gateway.answer = Standing.OPEN
    assert _ask(payment, after_s * S)
    assert payment.status == status


@pytest.mark.parametrize("after_s", [6, 121, 901, 90_000])
@pytest.mark.parametrize("fault", [Unanswered("timeout"), ValueError("nonsense")])
def test_a_silent_gateway_never_ends_a_payment(payment, gateway, after_s, fault):
    gateway.answer = fault
    assert _ask(payment, after_s * S)
    assert (payment.status, payment.order.status) == ("pending", "pending")
    assert payment.inquire_at > payment.started_at + after_s * S


def test_an_unknown_word_of_the_gateway_keeps_waiting(payment, gateway):
    gateway.answer = fact_for(payment, "pending")
    assert _ask(payment, 86_400 * S)
    assert payment.status == "pending"


def test_an_order_past_its_end_expires_with_its_last_attempt(db, gateway):
    payment = PaymentFactory(order__expires_at=clock.now() + 60 * S)
    _ask(payment, 121 * S)
    assert (payment.status, payment.order.status) == ("failed", "expired")


@pytest.mark.parametrize(
    ("leased_for", "mine"), [(None, True), (timedelta(), True), (S, False), (INQUIRY_LEASE, False)]
)
def test_a_payment_that_somebody_is_asking_about_is_left_alone(payment, gateway, leased_for, mine):
    at = payment.started_at + 60 * S
    leased_until = None if leased_for is None else at + leased_for
    Payment.objects.filter(pk=payment.pk).update(leased_until=leased_until)
    assert _ask(payment, 60 * S) is mine
    assert gateway.times == int(mine)


def test_a_claim_lasts_a_minute_so_that_a_dead_worker_holds_nobody_up(payment, monkeypatch):
    seen = []
    monkeypatch.setattr(
        Simulator, "inquire", lambda *_: seen.append(Payment.objects.get().leased_until) or Standing.OPEN
    )
    _ask(payment, 60 * S)
    assert seen == [payment.started_at + 120 * S]


@pytest.mark.parametrize("trait", ["authorized", "success", "failed", "user_dropped", "cancelled", "void"])
def test_only_pending_attempts_are_asked_about(db, gateway, trait):
    payment = PaymentFactory(**{trait: True})
    assert not _ask(payment, 60 * S, even_if_early=True)
    assert gateway.times == 0


def test_a_waiting_customer_may_ask_early_but_at_most_every_five_seconds(payment, gateway):
    gateway.answer = Standing.OPEN
    asked = [_ask(payment, after_s * S, even_if_early=True) for after_s in (1, 2, 5.5, 6.5, 7, 11, 12)]
    assert asked == [True, False, False, True, False, False, True]
    assert gateway.times == 3


def test_a_waiting_customer_does_not_put_the_worker_off_for_good(payment, gateway):
    gateway.answer = Standing.OPEN
    _ask(payment, 14 * S, even_if_early=True)
    assert payment.inquire_at == payment.started_at + 15 * S
    assert _ask(payment, 20 * S)


def test_a_patient_customer_cannot_break_the_counter(payment, gateway):
    """Every 5 s for two days is 34,560 questions: more than a small integer holds."""
    gateway.answer = Standing.OPEN
    Payment.objects.filter(pk=payment.pk).update(inquiries=32_767)
    assert _ask(payment, 60 * S, even_if_early=True)
    assert gateway.times == 1


def test_the_worker_finds_due_payments_by_itself(payment, gateway):
    assert list(due_jobs(at=payment.started_at + 4 * S)) == []
    assert list(due_jobs(at=payment.started_at + 5 * S)) == [("inquire_payment", payment.pk)]


# --- Nobody says ---

FIVE_DAYS = 5 * 86_400 * S


@pytest.mark.parametrize("word", ["silence", "pending"])
def test_after_five_days_staff_are_told_and_nobody_asks_by_himself(payment, gateway, word):
    gateway.answer = Unanswered("time-out") if word == "silence" else fact_for(payment, "pending")
    limit = payment.deadline_at - payment.started_at + FIVE_DAYS
    assert _ask(payment, limit - 6 * S)
    assert payment.inquire_at
    assert not payment.review_reason
    assert _ask(payment, limit, even_if_early=True)
    assert (payment.status, payment.order.status, payment.inquire_at) == ("pending", "pending", None)
    assert payment.review_reason == UNKNOWN
    assert not payment.money_unclear
    with clock.shifted(limit + 86_400 * S):
        assert ("inquire_payment", payment.pk) not in list(due_jobs(at=clock.now()))


@pytest.mark.parametrize(("word", "order_status"), [("success", "paid"), ("failed", "failed")])
def test_what_is_said_after_that_still_applies(payment, gateway, word, order_status):
    gateway.answer = Unanswered("time-out")
    _ask(payment, 6 * FIVE_DAYS / 5)
    assert payment.review_reason
    apply_gateway_fact(payment, fact_for(payment, word), cause="gateway event", at=clock.now())
    assert (payment.status, Order.objects.get().status) == (word, order_status)


def test_to_terminate_its_order_asks_once_more(payment, gateway, monkeypatch):
    gateway.answer = Unanswered("time-out")
    _ask(payment, 6 * FIVE_DAYS / 5)
    at = payment.started_at + 7 * FIVE_DAYS / 5
    monkeypatch.setattr(Simulator, "cancel", lambda *_: CancelAnswer.DEAD)
    with clock.shifted(at - clock.now()):
        terminate_order(payment.order_id, cause="staff", at=clock.now())
        assert inquire_payment(payment.pk, at=clock.now())
    assert Order.objects.get().status == "terminated"
