from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from payments.models import Event, Order, Payment
from payments.money import Money
from payments.services.facts import apply_gateway_fact
from payments.services.payments import terminate_order
from payments.states import CaptureKind
from tests.factories import MerchantFactory, OrderFactory, PaymentFactory, fact_for

ENDS = ["failed", "user_dropped", "cancelled"]
HOUR = timedelta(hours=1)


def _tell(payment, status, at, **over):
    """Apply a fact the way callers do, and read both rows back."""
    apply_gateway_fact(Payment.objects.get(pk=payment.pk), fact_for(payment, status, **over), cause="test", at=at)
    payment.refresh_from_db()
    payment.order = Order.objects.get(pk=payment.order_id)
    return payment, payment.order


def _kinds(order):
    return list(order.events.order_by("sequence").values_list("kind", flat=True))


def _assert_it_goes_back(payment):
    """Its refund stands beside it, whole and on its way, with nobody asked to look."""
    refund = payment.refunds.get()
    assert (refund.status, refund.is_automatic, refund.amount) == ("pending", True, payment.captured)
    assert (payment.refundable.minor, payment.review_reason) == (0, "")


def _assert_history_is_whole(order):
    """One event a transition, numbered 1..n without gaps, each starting where the last of its row ended."""
    events = list(order.events.order_by("sequence"))
    assert [event.sequence for event in events] == list(range(1, order.last_sequence + 1))
    ends = {}
    for event in events:
        kind = event.kind.split(".")[0]
        row = (kind, {"payment": event.payment_id, "refund": event.refund_id}.get(kind))
        assert event.old == ends.get(row, event.old)
        assert event.old != event.new
        ends[row] = event.new


# --- money taken ---


def test_success_pays_the_order_whole(payment, now):
    payment, order = _tell(payment, "success", now, bank_reference="632744000001", auth_id="000001", message="ok")
    assert (payment.status, payment.capture_kind, payment.captured_minor) == ("success", "normal", order.amount_minor)
    assert (payment.completed_at, payment.inquire_at) == (now, None)
    assert (payment.bank_reference, payment.auth_id, payment.review_reason) == ("632744000001", "000001", "")
    assert order.status == "paid"
    assert _kinds(order) == ["payment.success", "order.paid"]


def test_success_records_its_capture(payment, now):
    earlier = now - timedelta(seconds=3)
    payment, _ = _tell(payment, "success", now, happened_at=earlier)
    held = payment.authorization
    assert (held.action, held.status, held.captured_minor) == ("capture", "success", payment.amount_minor)
    assert (held.action_reference, held.action_time) == (payment.gateway_payment_id, earlier)


def test_only_the_answer_to_our_start_is_noted_as_one(payment, now):
    """An attempt may be cancelled for a new one only once its start has answered; an inquiry is no answer to it."""
    payment, order = _tell(payment, "pending", now)
    assert (payment.status, payment.start_answered_at, order.status) == ("pending", None, "pending")
    apply_gateway_fact(payment, fact_for(payment, "pending"), cause="answer", at=now, answers_start=True)
    payment.refresh_from_db()
    assert (payment.status, payment.start_answered_at) == ("pending", now)


def test_a_grace_for_late_money_counts_from_when_the_order_was_called_off(merchant, now):
    merchant.accept_late_s = 600
    merchant.save()
    payment = PaymentFactory(failed=True, order__merchant=merchant)
    terminate_order(payment.order_id, cause="merchant", at=now)
    in_time, too_late = (now + timedelta(seconds=s) for s in (599, 601))
    assert _tell(payment, "success", too_late)[0].capture_kind == "late"
    other = PaymentFactory(failed=True, order__merchant=merchant)
    terminate_order(other.order_id, cause="merchant", at=now)
    assert _tell(other, "success", in_time)[1].status == "paid"


@pytest.mark.parametrize("status", ["success", "authorized", *ENDS])
def test_the_same_fact_a_hundred_times_acts_once(payment, now, status):
    for _ in range(100 if status == "success" else 5):
        _tell(payment, status, now, declined=status == "failed")
    order = payment.order
    assert payment.status == status
    assert order.attempts_declined == (1 if status == "failed" else 0)
    assert payment.review_reason == ""
    _assert_history_is_whole(order)
    assert len(_kinds(order)) == (1 if status == "authorized" else 2)


def test_an_echo_fills_in_what_nobody_told_and_changes_nothing_that_is_known(payment, now):
    _tell(payment, "success", now, bank_reference="ref_1", method_details={"card_last4": "4242"})
    _tell(payment, "success", now, bank_reference="ref_2", auth_id="123", method_details={"card_last4": "1", "x": "y"})
    payment.refresh_from_db()
    assert (payment.bank_reference, payment.auth_id) == ("ref_1", "123")
    assert payment.method_details == {"card_last4": "4242", "x": "y"}
    _tell(payment, "pending", now, payment_group="upi")
    payment.refresh_from_db()
    assert payment.payment_group == ""


@pytest.mark.parametrize("echo", ["pending", "authorized"])
def test_echoes_after_success_are_old_news(payment, now, echo):
    _tell(payment, "success", now)
    payment, order = _tell(payment, echo, now)
    assert (payment.status, order.status, payment.review_reason) == ("success", "paid", "")


@pytest.mark.parametrize("word", [*ENDS, "void"])
def test_a_no_after_success_never_takes_the_money_back_but_asks_staff(payment, now, word):
    _tell(payment, "success", now)
    payment, order = _tell(payment, word, now)
    assert (payment.status, payment.captured_minor, order.status) == ("success", 29_999, "paid")
    assert word in payment.review_reason
    assert _kinds(order) == ["payment.success", "order.paid"]


# --- facts about something else ---

MISMATCHES = {
    "too little": {"amount": Money(29_998, "INR")},
    "too much": {"amount": Money(30_000, "INR")},
    "other currency": {"amount": Money(29_999, "USD")},
    "no amount": {"amount": None},
    "other reference": {"key": "att_somebody_else"},
}


@pytest.mark.parametrize("over", MISMATCHES.values(), ids=MISMATCHES)
@pytest.mark.parametrize("status", ["success", "authorized"])
def test_money_that_does_not_match_moves_nothing_and_asks_staff(payment, now, status, over):
    """I3: what is paid is what was asked for."""
    payment, order = _tell(payment, status, now, **over)
    assert (payment.status, payment.captured_minor, order.status) == ("pending", 0, "pending")
    assert payment.review_reason
    assert not Event.objects.exists()


@pytest.mark.parametrize("over", MISMATCHES.values(), ids=MISMATCHES)
def test_late_money_that_does_not_match_is_never_taken_for_the_orders(db, now, over):
    payment, order = _tell(PaymentFactory(failed=True), "success", now, **over)
    assert (payment.status, order.status) == ("failed", "failed")
    assert payment.review_reason


def test_a_no_about_another_reference_moves_nothing(payment, now):
    payment, order = _tell(payment, "failed", now, key="att_somebody_else")
    assert (payment.status, order.status) == ("pending", "pending")
    assert payment.review_reason


def test_a_second_gateway_payment_on_one_attempt_is_never_silent(payment, now):
    _tell(payment, "success", now)
    payment, order = _tell(payment, "success", now, gateway_payment_id="gw_second")
    assert (payment.status, order.status) == ("success", "paid")
    assert "gw_second" in payment.review_reason or order.payments.filter(gateway_payment_id="gw_second").exists()
    assert order.payments.filter(capture_kind="normal").count() == 1


def test_the_first_reason_for_a_review_stands(payment, now):
    _tell(payment, "success", now, amount=Money(1, "INR"))
    payment, _ = _tell(payment, "success", now, amount=Money(2, "INR"))
    assert f"{Money(1, 'INR')}" in payment.review_reason


def test_a_right_fact_after_a_wrong_one_still_pays(payment, now):
    _tell(payment, "success", now, amount=Money(1, "INR"))
    payment, order = _tell(payment, "success", now)
    assert (payment.status, order.status) == ("success", "paid")


def test_a_hold_that_was_released_before_we_heard_of_it_frees_the_order(payment, now):
    """Nothing is held and nothing was taken: to keep it pending would lock the order for ever."""
    payment, order = _tell(payment, "void", now)
    assert (payment.status, payment.review_reason, order.status) == ("cancelled", "", "failed")


def test_a_talkative_gateway_does_not_stop_the_payment(payment, now):
    long = dict.fromkeys(["message", "error_code", "bank_reference", "auth_id", "payment_group"], "x" * 500)
    payment, order = _tell(payment, "success", now, **long)
    assert (payment.status, order.status) == ("success", "paid")
    assert payment.message.startswith("xxx")


def test_a_nul_in_a_gateways_words_does_not_stop_the_payment(payment, now):
    payment, order = _tell(payment, "failed", now, message="declined\x00", error_code="de\x00clined")
    assert (payment.status, order.status) == ("failed", "failed")


# --- no money ---


@pytest.mark.parametrize("status", ENDS)
def test_an_attempt_that_ends_without_money_leaves_the_order_payable(payment, now, status):
    payment, order = _tell(payment, status, now, error_code="x", message="no")
    assert (payment.status, payment.captured_minor, payment.completed_at) == (status, 0, now)
    assert (order.status, order.attempts_declined) == ("failed", 0)
    assert _kinds(order) == [f"payment.{status}", "order.failed"]


@pytest.mark.parametrize(("declined", "source"), [(True, "bank"), (False, "gateway")])
def test_a_decline_is_counted_and_explained(payment, now, declined, source):
    payment, order = _tell(payment, "failed", now, declined=declined, error_code="card_declined", message="No.")
    assert order.attempts_declined == int(declined)
    assert payment.error_details == {
        "code": ["card_declined"],
        "description": ["No."],
        "source": [source],
        "step": ["authorization"],
    }


@pytest.mark.parametrize("status", ENDS)
@pytest.mark.parametrize(
    ("late_by", "terminating", "end"),
    [(-HOUR, False, "failed"), (HOUR * 0, False, "expired"), (HOUR, False, "expired"), (HOUR, True, "terminated")],
)
def test_the_end_of_the_last_attempt_ends_an_order_that_waited_for_it(payment, status, late_by, terminating, end):
    order = payment.order
    at = order.expires_at + late_by
    Order.objects.filter(pk=order.pk).update(terminate_requested_at=at if terminating else None)
    payment, order = _tell(payment, status, at)
    assert (payment.status, order.status) == (status, end)
    assert _kinds(order) == [f"payment.{status}", f"order.{end}"]


def test_success_wins_over_a_requested_termination(payment, now):
    Order.objects.filter(pk=payment.order_id).update(terminate_requested_at=now)
    payment, order = _tell(payment, "success", now)
    assert (payment.capture_kind, order.status) == ("normal", "paid")


def test_success_of_an_attempt_that_outlived_its_order_is_normal(payment):
    payment, order = _tell(payment, "success", payment.order.expires_at + HOUR)
    assert (payment.capture_kind, order.status) == ("normal", "paid")


def test_a_second_no_changes_nothing(db, now):
    payment, order = _tell(PaymentFactory(failed=True), "user_dropped", now, declined=True)
    assert (payment.status, order.status, order.attempts_declined) == ("failed", "failed", 0)
    assert not Event.objects.exists()


# --- late truth ---


@pytest.mark.parametrize("was", ENDS)
def test_late_success_pays_an_order_that_is_still_payable(db, now, was):
    payment, order = _tell(PaymentFactory(**{was: True}), "success", now)
    assert (payment.status, payment.capture_kind, order.status) == ("success", "normal", "paid")


@pytest.mark.parametrize("end", ["expired", "terminated"])
@pytest.mark.parametrize("was", [*ENDS, "void"])
def test_late_success_after_the_end_is_kept_apart_and_never_silent(db, end, was):
    payment = PaymentFactory(**{was: True}, order__status=end)
    payment, order = _tell(payment, "success", payment.order.expires_at + HOUR)
    assert (payment.status, payment.capture_kind, payment.captured_minor) == ("success", "late", 29_999)
    assert order.status == end
    _assert_it_goes_back(payment)
    assert _kinds(order) == ["payment.success", "refund.pending"]


@pytest.mark.parametrize("end", ["expired", "terminated"])
@pytest.mark.parametrize(("late_s", "kind"), [(0, "normal"), (600, "normal"), (600.000001, "late"), (86_400, "late")])
def test_late_money_pays_within_the_time_the_merchant_accepts_it(db, end, late_s, kind):
    merchant = MerchantFactory(accept_late_s=600)
    payment = PaymentFactory(failed=True, order__status=end, order__merchant=merchant)
    payment, order = _tell(payment, "success", payment.order.expires_at + timedelta(seconds=late_s))
    assert payment.capture_kind == kind
    assert order.status == ("paid" if kind == "normal" else end)


def test_an_overdue_order_that_no_sweep_has_seen_expires_before_late_money_is_judged(db):
    payment = PaymentFactory(failed=True)
    payment, order = _tell(payment, "success", payment.order.expires_at)
    assert (order.status, payment.capture_kind) == ("expired", "late")
    assert _kinds(order) == ["order.expired", "payment.success", "refund.pending"]


def test_a_microsecond_before_the_end_late_money_still_pays(db):
    payment = PaymentFactory(failed=True)
    payment, order = _tell(payment, "success", payment.order.expires_at - timedelta(microseconds=1))
    assert (order.status, payment.capture_kind) == ("paid", "normal")


def test_a_second_capture_of_a_paid_order_is_surplus(db, now):
    """I2: a surplus capture is recorded and goes back."""
    paid = PaymentFactory(success=True)
    other, order = _tell(PaymentFactory(failed=True, order=paid.order), "success", now)
    assert (other.status, other.capture_kind, other.captured_minor) == ("success", "surplus", 29_999)
    _assert_it_goes_back(other)
    assert order.status == "paid"
    assert _kinds(order) == ["payment.success", "refund.pending"]


def test_late_success_beside_a_live_attempt_pays_and_the_live_ones_capture_is_surplus(db, now):
    dropped = PaymentFactory(user_dropped=True, order__status="pending")
    live = PaymentFactory(order=dropped.order)
    _, order = _tell(dropped, "success", now)
    assert order.status == "paid"
    live, order = _tell(live, "success", now)
    assert (live.capture_kind, order.status) == ("surplus", "paid")
    _assert_history_is_whole(order)


def test_the_end_of_a_live_attempt_leaves_an_order_paid_by_another_alone(db, now):
    dropped = PaymentFactory(user_dropped=True, order__status="pending")
    live = PaymentFactory(order=dropped.order)
    _tell(dropped, "success", now)
    live, order = _tell(live, "failed", now, declined=True)
    assert (live.status, order.status, order.attempts_declined) == ("failed", "paid", 0)


# --- held money ---


def test_authorised_money_is_held_and_not_taken(payment, now):
    payment, order = _tell(payment, "authorized", now, approve_by=now + HOUR)
    assert (payment.status, payment.captured_minor, payment.completed_at) == ("authorized", 0, None)
    assert payment.authorization.approve_by == now + HOUR
    assert order.status == "pending"
    assert _kinds(order) == ["payment.authorized"]


def test_held_money_that_is_captured_pays_the_order(payment, now):
    _tell(payment, "authorized", now, approve_by=now + HOUR)
    payment, order = _tell(payment, "success", now)
    assert (payment.status, payment.capture_kind, order.status) == ("success", "normal", "paid")
    assert payment.authorization.status == "success"


def test_released_money_terminates_the_order(db, now):
    payment, order = _tell(PaymentFactory(authorized=True), "void", now)
    assert (payment.status, payment.captured_minor) == ("void", 0)
    assert order.status == "terminated"


@pytest.mark.parametrize("word", ENDS)
def test_a_no_about_held_money_asks_staff(db, now, word):
    payment, order = _tell(PaymentFactory(authorized=True), word, now)
    assert (payment.status, order.status) == ("authorized", "pending")
    assert payment.review_reason


@pytest.mark.parametrize("was", ENDS)
def test_a_late_hold_on_a_payable_order_is_held(db, now, was):
    payment, order = _tell(PaymentFactory(**{was: True}), "authorized", now)
    assert (payment.status, order.status) == ("authorized", "pending")


@pytest.mark.parametrize("end", ["expired", "terminated", "paid"])
def test_a_late_hold_on_an_order_that_is_over_is_never_silent(db, now, end):
    payment, order = _tell(PaymentFactory(failed=True, order__status=end), "authorized", now)
    assert (payment.status, payment.inquire_at) == ("void", now)
    assert (payment.authorization.action, payment.authorization.status) == ("void", "pending")
    assert (order.status, payment.captured_minor) == (end, 0)


def test_a_hold_for_an_order_that_another_attempt_has_paid_is_never_silent(db, now):
    dropped = PaymentFactory(user_dropped=True, order__status="pending")
    live = PaymentFactory(order=dropped.order)
    _tell(dropped, "success", now)
    live, order = _tell(live, "authorized", now)
    assert (live.authorization.action, live.authorization.status) == ("void", "pending")
    assert order.status == "paid"


@pytest.mark.parametrize(
    "road", [["success"], ["authorized", "success"], ["failed", "success"], ["failed", "void", "success"]]
)
def test_every_capture_has_its_authorisation_however_it_came_about(payment, now, road):
    for word in road:
        payment, _ = _tell(payment, word, now)
    assert payment.status == "success"
    assert (payment.authorization.status, payment.authorization.captured_minor) == ("success", payment.captured_minor)


# --- order of arrival ---

STORIES = [
    (["pending", "success"], "success", "paid"),
    (["pending", "authorized", "success"], "success", "paid"),
    (["pending", "failed", "success"], "success", "paid"),
    (["pending", "user_dropped", "authorized", "success"], "success", "paid"),
    (["pending", "failed"], "failed", "failed"),
    (["pending", "user_dropped"], "user_dropped", "failed"),
    (["pending", "cancelled"], "cancelled", "failed"),
    (["pending", "authorized"], "authorized", "pending"),
]


@st.composite
def _arrivals(draw):
    words, payment_end, order_end = draw(st.sampled_from(STORIES))
    again = draw(st.lists(st.sampled_from(words), max_size=4))
    return draw(st.permutations(words + again)), payment_end, order_end


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(_arrivals())
def test_any_order_of_arrival_with_duplicates_ends_in_the_same_place(db, now, arrivals):
    """I14: status moves along the table alone, forward, in whatever order it is told."""
    words, payment_end, order_end = arrivals
    payment = PaymentFactory()
    for word in words:
        _tell(payment, word, now)
    assert (payment.status, payment.order.status) == (payment_end, order_end)
    assert payment.captured_minor == (payment.amount_minor if payment_end == "success" else 0)
    _assert_history_is_whole(payment.order)


@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["success", "failed"])), min_size=1, max_size=8))
def test_however_three_attempts_end_one_capture_at_most_is_normal(db, now, told):
    order = OrderFactory(status="pending")
    attempts = [PaymentFactory(failed=True, order=order) for _ in range(2)] + [PaymentFactory(order=order)]
    for place, word in told:
        _tell(attempts[place], word, now)
    captures = Payment.objects.filter(order=order, status="success")
    assert captures.filter(capture_kind=CaptureKind.NORMAL).count() == min(1, captures.count())
    assert (Order.objects.get(pk=order.pk).status == "paid") is captures.exists()
    _assert_history_is_whole(Order.objects.get(pk=order.pk))


def test_a_fact_says_the_same_twice_in_two_words(payment, now):
    """The same gateway payment reported with more detail later is not a second payment."""
    fact = fact_for(payment, "success")
    apply_gateway_fact(payment, fact, cause="return", at=now)
    apply_gateway_fact(payment, replace(fact, bank_reference="632744000009"), cause="event", at=now)
    assert payment.review_reason == ""
    assert payment.order.payments.count() == 1


@pytest.mark.parametrize("status", ["success", "authorized"])
def test_only_a_fact_that_takes_money_makes_it_unclear_whether_money_moved(payment, now, status):
    _tell(payment, "failed", now, key="att_of_somebody_else")
    payment.refresh_from_db()
    assert (bool(payment.review_reason), payment.money_unclear) == (True, False)
    other = PaymentFactory()
    other, order = _tell(other, status, now, amount=Money(1, "INR"))
    assert (other.status, other.money_unclear, order.status) == ("pending", True, "pending")


def test_a_success_that_fits_makes_it_clear_again(payment, now):
    payment, _ = _tell(payment, "success", now, amount=Money(1, "INR"))
    assert payment.money_unclear
    payment, order = _tell(payment, "success", now)
    assert (payment.status, payment.money_unclear, order.status) == ("success", False, "paid")


def test_a_gateway_payment_that_another_row_holds_is_for_staff_and_never_raises(payment, now):
    first = PaymentFactory(success=True, order__merchant=payment.merchant)
    payment, order = _tell(payment, "success", now, gateway_payment_id=first.gateway_payment_id)
    assert (payment.status, payment.money_unclear, order.status) == ("pending", True, "pending")
    assert first.gateway_payment_id in payment.review_reason
    _assert_history_is_whole(order)


def test_rows_in_memory_follow_when_the_database_undoes_a_move(payment, now):
    first = PaymentFactory(success=True, order__merchant=payment.merchant)
    fact = fact_for(payment, "success", gateway_payment_id=first.gateway_payment_id)
    apply_gateway_fact(payment, fact, cause="test", at=now)
    assert (payment.status, payment.captured_minor, payment.order.status) == ("pending", 0, "pending")


# --- a second payment of the gateway under one reference ---


def _second(payment, now, **over):
    return _tell(payment, "success", now, gateway_payment_id="gw_second", **over)


@pytest.mark.parametrize("trait", ["success", "failed"])
def test_a_second_capture_under_one_reference_gets_a_row_of_its_own_to_go_back(db, now, trait):
    first = PaymentFactory(**{trait: True}, **({} if trait == "success" else {"gateway_payment_id": "gw_first"}))
    before = first.order.status
    for _ in range(3):
        first, order = _second(first, now)
    row = order.payments.get(gateway_payment_id="gw_second")
    assert order.payments.count() == 2
    assert (row.status, row.capture_kind, row.captured_minor) == ("success", "surplus", order.amount_minor)
    _assert_it_goes_back(row)
    assert (row.authorization.action, order.status) == ("capture", before)
    assert first.status == trait
    assert first.review_reason == ""
    _assert_history_is_whole(order)


def test_an_event_about_a_second_capture_again_is_old_news(db, now):
    """The gateway tells it in two events: both find the row of its own, under the first one's reference."""
    first = PaymentFactory(failed=True, gateway_payment_id="gw_first")
    _, order = _second(first, now)
    row = order.payments.get(gateway_payment_id="gw_second")
    again = fact_for(first, "success", gateway_payment_id="gw_second")
    apply_gateway_fact(row, again, cause="test", at=now)
    row.refresh_from_db()
    assert (row.money_unclear, row.review_reason, order.payments.count()) == (False, "", 2)


def test_a_second_capture_beside_a_live_attempt_does_not_end_it(db, now):
    live = PaymentFactory(gateway_payment_id="gw_first")
    live, order = _second(live, now)
    assert (live.status, order.status) == ("pending", "pending")
    assert order.payments.get(gateway_payment_id="gw_second").capture_kind == "surplus"
    assert _tell(live, "success", now)[1].status == "paid"


def test_a_second_capture_of_another_amount_is_for_staff(db, now):
    payment = PaymentFactory(success=True)
    payment, order = _second(payment, now, amount=Money(1, "INR"))
    assert order.payments.count() == 1
    assert payment.review_reason


# --- what is told while nothing is decided ---


def test_a_pending_fact_keeps_the_gateways_ids_and_the_next_step(payment, now):
    fact = fact_for(payment, "pending", gateway_payment_id="gw_1", gateway_order_id="go_1", method_details={"a": "b"})
    apply_gateway_fact(payment, fact, cause="answer", at=now, next_action={"type": "redirect", "url": "/x"})
    payment.refresh_from_db()
    assert (payment.gateway_payment_id, payment.gateway_order_id) == ("gw_1", "go_1")
    assert (payment.method_details, payment.next_action["url"]) == ({"a": "b"}, "/x")
    assert (payment.status, payment.message) == ("pending", "")


def test_a_pending_fact_about_an_ended_attempt_changes_nothing(db, now):
    payment = PaymentFactory(failed=True)
    apply_gateway_fact(
        payment, fact_for(payment, "pending", gateway_payment_id="gw_1"), cause="answer", at=now, next_action={"x": 1}
    )
    payment.refresh_from_db()
    assert (payment.status, payment.gateway_payment_id, payment.next_action) == ("failed", "", {})


def test_a_pending_fact_with_the_id_of_another_payment_is_for_staff(payment, now):
    other = PaymentFactory(success=True, order__merchant=payment.merchant)
    payment, _ = _tell(payment, "pending", now, gateway_payment_id=other.gateway_payment_id)
    assert (payment.status, payment.gateway_payment_id) == ("pending", "")
    assert payment.review_reason


def test_what_the_gateway_tells_of_the_method_is_added_to_what_was_chosen(db, now):
    payment = PaymentFactory(method_details={"upi_id": "asha@okbank"})
    payment, _ = _tell(payment, "success", now, method_details={"upi_payer_ifsc": "HDFC0000001"})
    assert payment.method_details == {"upi_id": "asha@okbank", "upi_payer_ifsc": "HDFC0000001"}
