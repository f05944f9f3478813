from datetime import timedelta

import pytest

from payments.models import Order, Payment
from payments.selectors import Verdict, due_jobs, find_order, find_order_by_session, order_state, verify
from payments.services.facts import apply_gateway_fact
from payments.states import OrderStatus
from tests.factories import MerchantFactory, OrderFactory, PaymentFactory, fact_for

HOUR = timedelta(hours=1)


def _set(row, **columns):
    type(row).objects.filter(pk=row.pk).update(**columns)
    row.refresh_from_db()


def _verdict(order, at):
    return verify(order_state(Order.objects.get(pk=order.pk), at=at))


def _payment(**traits):
    return PaymentFactory(**traits).order


def _refunded(minor):
    payment = PaymentFactory(success=True)
    _set(payment, refund_reserved_minor=minor, refunded_minor=minor)
    return payment.order


def _with(order, **columns):
    _set(order, **columns)
    return order


def _returning(end, **columns):
    payment = PaymentFactory(late=True, order__status=end)
    _set(payment, **{"refund_reserved_minor": payment.captured_minor, **columns})
    return payment.order


def _reviewed(**traits):
    return _payment(review_reason="The gateway took another amount.", money_unclear=True, **traits)


RETURNED = {"refund_reserved_minor": 29_999, "refunded_minor": 29_999}
LATE = "and a late payment is being returned"
# DESIGN section 3's table, row by row: how to make the situation, and the answer's message start, code and status.
TABLE = {
    "paid": (lambda: _payment(success=True), "Payment successful", "200", "success"),
    "partly refunded": (lambda: _refunded(29_998), "Payment successful", "200", "success"),
    "fully refunded": (lambda: _refunded(29_999), "Payment refunded", "200", "refunded"),
    "nothing tried": (OrderFactory, "Payment not started", "202", "created"),
    "in flight": (PaymentFactory, "Payment pending", "202", "pending"),
    "in flight again": (
        lambda: PaymentFactory(order=_with(_payment(failed=True), status="pending")),
        "Payment pending",
        "202",
        "pending",
    ),
    "review in flight": (_reviewed, "Payment pending", "202", "pending"),
    "review after a failure": (lambda: _reviewed(failed=True), "Payment pending", "202", "pending"),
    "terminate requested": (
        lambda: _with(_payment(), terminate_requested_at=Payment.objects.get().started_at),
        "Payment pending",
        "202",
        "pending",
    ),
    "held": (
        lambda: _payment(authorized=True, order__manual_capture=True),
        "Payment authorised",
        "202",
        "authorized",
    ),
    "held, captured by itself": (lambda: _payment(authorized=True), "Payment pending", "202", "pending"),
    "held, terminate requested": (
        lambda: _with(
            _payment(authorized=True, order__manual_capture=True),
            terminate_requested_at=Payment.objects.get().started_at,
        ),
        "Payment pending",
        "202",
        "pending",
    ),
    "failed": (lambda: _payment(failed=True), "Payment failed: The bank declined the card", "402", "failed"),
    "dropped": (lambda: _payment(user_dropped=True), "Payment failed: ", "402", "failed"),
    "cancelled": (lambda: _payment(cancelled=True), "Payment failed: ", "402", "failed"),
    "expired": (lambda: OrderFactory(status="expired"), "Order expired", "410", "expired"),
    "expired after a failure": (
        lambda: _payment(failed=True, order__status="expired"),
        "Order expired",
        "410",
        "expired",
    ),
    "terminated": (lambda: OrderFactory(status="terminated"), "Order terminated", "410", "terminated"),
    "void": (lambda: _payment(void=True), "Order terminated", "410", "terminated"),
    "late": (lambda: _returning("expired"), f"Order expired, {LATE}", "410", "expired"),
    "late after termination": (lambda: _returning("terminated"), f"Order terminated, {LATE}", "410", "terminated"),
    "late, refund failed": (
        lambda: _returning("expired", refund_reserved_minor=0),
        "Order expired, and a late payment is being looked into",
        "410",
        "expired",
    ),
    "late, returned": (lambda: _returning("expired", **RETURNED), "Order expired", "410", "expired"),
}


@pytest.mark.parametrize(("make", "message", "code", "status"), TABLE.values(), ids=TABLE)
@pytest.mark.django_db
def test_verify_answers_as_the_design_says(make, message, code, status, now):
    made = make()
    verdict = _verdict(getattr(made, "order", made), now)
    assert (verdict.code, verdict.status) == (code, status)
    assert verdict.message.startswith(message)
    assert (LATE in verdict.message) is (LATE in message)


def test_the_first_answer_is_literally_the_specifications(db, now):
    assert _verdict(_payment(success=True), now) == Verdict("Payment successful", "200", "success")


@pytest.mark.parametrize("status", [status for status in OrderStatus if status != "paid"])
def test_no_order_that_is_not_paid_ever_reads_as_success(order, now, status):
    """I18: never success before the commit."""
    _set(order, status=status)
    PaymentFactory(order=order, surplus=True)
    assert _verdict(order, now).status != "success"


def test_a_failed_attempt_of_a_terminating_order_reads_pending(db, now):
    order = _with(_payment(), terminate_requested_at=now)
    assert _verdict(order, now + 48 * HOUR).status == "pending"


@pytest.mark.parametrize("status", ["created", "failed"])
@pytest.mark.parametrize(("after", "shown"), [(timedelta(), "expired"), (-timedelta(microseconds=1), None)])
def test_an_overdue_order_reads_expired_before_any_sweep(order, status, after, shown):
    _set(order, status=status)
    at = order.expires_at + after
    assert order_state(order, at=at).status == (shown or status)
    assert (_verdict(order, at).status == "expired") is (shown == "expired")
    order.refresh_from_db()
    assert order.status == status


@pytest.mark.parametrize("traits", [{}, {"authorized": True}], ids=["pending", "held"])
def test_an_order_with_a_live_attempt_reads_by_that_attempt_however_late(db, traits):
    order = _payment(**traits)
    at = order.expires_at + HOUR
    assert order_state(order, at=at).status == "pending"
    assert _verdict(order, at).code == "202"


def test_the_newest_attempt_gives_the_reason(db, now):
    first = PaymentFactory(failed=True, message="First no.")
    PaymentFactory(failed=True, order=first.order, message="Second no.")
    assert _verdict(first.order, now).message == "Payment failed: Second no."


def test_state_sorts_attempts_newest_first_and_names_the_one_that_paid(db, now):
    paid = PaymentFactory(success=True)
    surplus = PaymentFactory(surplus=True, order=paid.order)
    state = order_state(paid.order, at=now)
    assert (state.payments, state.captured, state.live) == ([surplus, paid], paid, None)
    assert state.returning == [surplus]


def test_an_order_is_found_by_its_merchant_mode_and_id(order):
    assert find_order(merchant_id=order.merchant_id, mode="test", order_id=order.order_id) == order


@pytest.mark.parametrize(
    "order_id",
    ["", "unknown", "x" * 46, "x" * 10_000, "order\x00", "оrder", "\udcff", "order_" + "1" * 26, "' OR 1=1 --", "%"],
)
def test_unknown_and_malformed_order_ids_are_alike_not_found(order, order_id):
    assert find_order(merchant_id=order.merchant_id, mode="test", order_id=order_id) is None


def test_another_merchants_order_and_the_other_modes_order_are_not_found(order):
    stranger = MerchantFactory()
    assert find_order(merchant_id=stranger.pk, mode="test", order_id=order.order_id) is None
    assert find_order(merchant_id=order.merchant_id, mode="live", order_id=order.order_id) is None


def test_order_ids_are_case_sensitive(merchant):
    OrderFactory(merchant=merchant, order_id="Order-A")
    assert find_order(merchant_id=merchant.pk, mode="test", order_id="order-a") is None


def test_an_order_is_found_by_its_whole_session_id_only(order):
    assert find_order_by_session(order.session_id) == order
    for wrong in (order.session_id[:-1], order.session_id.swapcase(), order.order_id, "", "sess_unknown"):
        assert find_order_by_session(wrong) is None


@pytest.mark.parametrize("session_id", ["sess_\x00" + "a" * 31, "sess_\udcff", "x" * 100_000])
def test_a_malformed_session_id_finds_nothing(db, session_id):
    assert find_order_by_session(session_id) is None


def test_due_jobs_name_what_is_due_oldest_first(db, now):
    newer = PaymentFactory(started_at=now - timedelta(seconds=9))
    older = PaymentFactory(started_at=now - timedelta(seconds=90))
    PaymentFactory(started_at=now)
    PaymentFactory(failed=True)
    overdue = OrderFactory(expires_at=now)
    OrderFactory()
    expected = [("inquire_payment", older.pk), ("inquire_payment", newer.pk), ("expire_order", overdue.pk)]
    assert list(due_jobs(at=now)) == expected
    assert list(due_jobs(at=now, at_most=1)) == [expected[0], expected[2]]


def test_an_order_read_before_its_payment_succeeded_is_read_again_with_it(db, now):
    """A payment may succeed between the caller's reading of the order and ours of its attempts."""
    payment = PaymentFactory()
    read_before = Order.objects.get(pk=payment.order_id)
    apply_gateway_fact(payment, fact_for(payment, "success"), cause="test", at=now)
    state = order_state(read_before, at=now)
    assert (state.status, verify(state).status) == ("paid", "success")
