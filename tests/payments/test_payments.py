from datetime import timedelta

import pytest
from django.db import connection, transaction

from payments import clock
from payments.errors import InvalidMove, MethodNotOffered, NotPayable, NotYetExpired, StaleRow
from payments.gateways.base import Unanswered, Wait
from payments.gateways.simulator.engine import Simulator
from payments.gateways.simulator.models import SimulatedPayment
from payments.models import Event, Order, Payment
from payments.services.attempts import move_payment
from payments.services.payments import PaymentRequest, expire_order, start_payment, terminate_order
from payments.states import PAYMENT_MOVES, Method, PaymentStatus
from tests.factories import (
    APPROVED,
    DECLINED,
    DECLINED_CARDS,
    MerchantFactory,
    OrderFactory,
    PaymentFactory,
    card_request,
)

US = timedelta(microseconds=1)


def _pay(order, number=APPROVED, *, nonce="n1", at=None):
    payment = start_payment(order.pk, card_request(number, nonce=nonce), at=at or clock.now())
    order.refresh_from_db()
    return payment


def _set(row, **columns):
    type(row).objects.filter(pk=row.pk).update(**columns)
    row.refresh_from_db()


def _kinds(order):
    return list(order.events.order_by("sequence").values_list("kind", flat=True))


def _assert_nothing_happened(order, status="created"):
    order.refresh_from_db()
    assert order.status == status
    assert not Payment.objects.exists()
    assert not Event.objects.exists()
    assert not SimulatedPayment.objects.exists()


def test_an_approved_card_pays_the_order(order):
    payment = _pay(order)
    assert (payment.status, payment.capture_kind, payment.captured_minor) == ("success", "normal", 29_999)
    assert order.status == "paid"
    assert _kinds(order) == ["order.pending", "payment.success", "order.paid"]
    assert SimulatedPayment.objects.get().amount == order.amount


def test_a_paid_payment_says_what_the_bank_said(order):
    stored = Payment.objects.get(pk=_pay(order).pk)
    book = SimulatedPayment.objects.get()
    assert stored.gateway_payment_id == book.gateway_payment_id
    assert (stored.bank_reference, stored.payment_group) == (book.bank_reference, "credit_card")
    assert stored.method_details == {"card_network": "visa", "card_last4": "4242"}
    assert stored.inquire_at is None
    assert stored.authorization.captured_minor == 29_999


@pytest.mark.parametrize(("number", "code"), [*DECLINED_CARDS.items(), ("5555555555554444", "test_card_required")])
def test_a_refused_card_fails_the_attempt_and_leaves_the_order_payable(order, number, code):
    payment = _pay(order, number)
    assert (payment.status, payment.error_code, payment.captured_minor) == ("failed", code, 0)
    assert payment.message
    assert (order.status, order.attempts_declined) == ("failed", 1)
    assert _kinds(order) == ["order.pending", "payment.failed", "order.failed"]
    assert SimulatedPayment.objects.get().status == "declined"


def test_after_a_decline_another_card_pays(order):
    _pay(order, DECLINED)
    paid = _pay(order, nonce="n2")
    assert (paid.status, order.status) == ("success", "paid")
    assert order.payments.count() == 2


def test_no_card_number_and_no_security_code_is_stored_anywhere(order):
    _pay(order)
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608
            assert APPROVED not in repr(cursor.fetchall())
    assert "'123'" not in repr(list(Payment.objects.values()) + list(SimulatedPayment.objects.values()))


@pytest.mark.parametrize("number", [APPROVED, DECLINED])
def test_the_same_form_twice_is_one_attempt(order, number):
    first, second = _pay(order, number), _pay(order, APPROVED)
    assert first.pk == second.pk
    assert Payment.objects.count() == SimulatedPayment.objects.count() == 1


def test_the_same_nonce_on_another_order_is_another_attempt(order):
    other = OrderFactory()
    assert _pay(order).pk != _pay(other).pk
    assert other.status == "paid"


def test_a_second_form_is_refused_while_the_first_is_pending(payment):
    with pytest.raises(NotPayable):
        _pay(payment.order, nonce="n2")
    assert Payment.objects.get() == payment
    assert not SimulatedPayment.objects.exists()


@pytest.mark.parametrize("status", ["pending", "paid", "expired", "terminated"])
def test_an_order_that_is_not_payable_takes_no_attempt(order, status):
    _set(order, status=status)
    with pytest.raises(NotPayable):
        _pay(order)
    _assert_nothing_happened(order, status)


def test_a_held_attempt_is_not_replaced(db):
    held = PaymentFactory(authorized=True)
    with pytest.raises(NotPayable):
        _pay(held.order, nonce="n2")
    assert not SimulatedPayment.objects.exists()


def test_a_paid_order_takes_no_second_payment(order):
    _pay(order)
    with pytest.raises(NotPayable):
        _pay(order, nonce="n2")
    assert SimulatedPayment.objects.count() == 1


@pytest.mark.parametrize(("early", "status"), [(US, "paid"), (timedelta(), None), (-US, None)])
def test_the_deadline_is_exact_to_the_microsecond(order, early, status):
    if status:
        _pay(order, at=order.expires_at - early)
        assert order.status == status
        return
    with pytest.raises(NotPayable):
        _pay(order, at=order.expires_at - early)
    _assert_nothing_happened(order)


def test_an_order_that_will_be_terminated_takes_no_attempt(order, now):
    _set(order, status="failed", terminate_requested_at=now)
    with pytest.raises(NotPayable):
        _pay(order)
    _assert_nothing_happened(order, "failed")


def test_after_the_fifth_decline_even_a_good_card_is_refused(order):
    for attempt in range(5):
        _pay(order, DECLINED, nonce=f"n{attempt}")
    with pytest.raises(NotPayable):
        _pay(order, nonce="n6")
    assert (order.attempts_declined, order.status) == (5, "failed")
    assert SimulatedPayment.objects.count() == 5


def test_the_fifth_card_may_still_pay(order):
    for attempt in range(4):
        _pay(order, DECLINED, nonce=f"n{attempt}")
    assert _pay(order, nonce="n5").status == "success"


@pytest.mark.parametrize("words", [["upi"], ["nb", "upi"], ["paylater", "wallet"]])
def test_a_card_is_refused_where_the_merchant_does_not_offer_it(order, words):
    _set(order, payment_methods=words)
    with pytest.raises(MethodNotOffered):
        _pay(order)
    _assert_nothing_happened(order)


def test_a_method_without_a_gateway_is_refused(db):
    order = OrderFactory(merchant=MerchantFactory(account=None))
    with pytest.raises(MethodNotOffered):
        _pay(order)
    _assert_nothing_happened(order)


def test_upi_is_refused_outside_rupees(db, now):
    order = OrderFactory(currency="USD")
    with pytest.raises(MethodNotOffered):
        start_payment(order.pk, PaymentRequest(method=Method.UPI, form_nonce="n1"), at=now)
    _assert_nothing_happened(order)


def test_a_test_order_never_uses_a_live_account(order):
    _set(order, mode="live")
    with pytest.raises(MethodNotOffered):
        _pay(order)
    _assert_nothing_happened(order)


def test_without_an_answer_the_attempt_stays_pending_and_will_be_asked_about(order, monkeypatch, now):
    def lost(self, attempt):
        raise Unanswered("timeout")

    monkeypatch.setattr(Simulator, "start", lost)
    payment = _pay(order, at=now)
    assert (payment.status, order.status) == ("pending", "pending")
    assert (payment.inquire_at, payment.start_answered_at) == (now + timedelta(seconds=5), None)


def test_an_answer_that_decides_nothing_leaves_the_attempt_pending(order, monkeypatch):
    monkeypatch.setattr(Simulator, "start", lambda self, attempt: Wait())
    payment = _pay(order)
    assert (payment.status, order.status) == ("pending", "pending")


def test_any_answer_of_the_gateway_is_remembered_as_an_answer(order, monkeypatch):
    """Only an attempt whose start has answered may later be cancelled for a new one."""
    monkeypatch.setattr(Simulator, "start", lambda self, attempt: Wait())
    payment = _pay(order)
    payment.refresh_from_db()
    assert payment.start_answered_at is not None


def test_a_bug_in_a_gateway_is_no_answer_and_no_error_page(order, monkeypatch):
    monkeypatch.setattr(Simulator, "start", lambda self, attempt: 1 / 0)
    assert _pay(order).status == "pending"
    assert order.status == "pending"


def test_the_gateway_sees_our_key_our_amount_and_the_addresses_of_the_edge(order, monkeypatch, now):
    seen = []
    monkeypatch.setattr(Simulator, "start", lambda self, attempt: seen.append(attempt) or Wait())
    payment = start_payment(
        order.pk,
        card_request(),
        at=now,
        links=lambda account, nonce: (f"https://us/{nonce}", f"https://us/{account.pk}"),
    )
    assert (seen[0].key, seen[0].amount, seen[0].order_id) == (payment.gateway_key, order.amount, order.order_id)
    assert (seen[0].return_url, seen[0].event_url) == ("https://us/n1", f"https://us/{payment.account_id}")
    assert seen[0].deadline_at == payment.deadline_at == now + timedelta(minutes=15)


@pytest.mark.parametrize("status", ["created", "failed"])
def test_an_overdue_order_expires_once(order, status):
    _set(order, status=status)
    for _ in range(2):
        expire_order(order.pk, at=order.expires_at)
    order.refresh_from_db()
    assert order.status == "expired"
    assert _kinds(order) == ["order.expired"]


@pytest.mark.parametrize("status", ["created", "failed"])
def test_an_order_does_not_expire_a_microsecond_early(order, status):
    _set(order, status=status)
    with pytest.raises(NotYetExpired):
        expire_order(order.pk, at=order.expires_at - US)
    order.refresh_from_db()
    assert order.status == status


@pytest.mark.parametrize("trait", ["authorized", "success", "void"])
def test_an_order_with_a_live_attempt_or_an_end_does_not_expire(db, trait):
    order = PaymentFactory(**{trait: True}).order
    with pytest.raises(NotYetExpired):
        expire_order(order.pk, at=order.expires_at + timedelta(days=1))
    assert not Event.objects.exists()


@pytest.mark.parametrize("status", ["created", "failed"])
def test_terminating_a_payable_order_ends_it_once(order, status, now):
    _set(order, status=status)
    for _ in range(2):
        terminate_order(order.pk, cause="merchant", at=now)
    order.refresh_from_db()
    assert order.status == "terminated"
    assert _kinds(order) == ["order.terminated"]


def test_terminating_an_order_in_flight_waits_for_its_attempt(payment, now):
    terminate_order(payment.order_id, cause="merchant", at=now)
    order = terminate_order(payment.order_id, cause="merchant", at=now + timedelta(seconds=9))
    assert (order.status, order.terminate_requested_at) == ("pending", now)
    assert not Event.objects.exists()


@pytest.mark.parametrize("status", ["paid", "expired"])
def test_an_order_that_is_over_cannot_be_terminated(order, status, now):
    _set(order, status=status)
    with pytest.raises(NotPayable):
        terminate_order(order.pk, cause="merchant", at=now)
    order.refresh_from_db()
    assert order.status == status


@pytest.mark.parametrize(("early", "refused"), [(US, False), (timedelta(), True)])
def test_an_overdue_order_is_no_longer_terminated(order, early, refused):
    at = order.expires_at - early
    if refused:
        with pytest.raises(NotPayable):
            terminate_order(order.pk, cause="merchant", at=at)
    else:
        terminate_order(order.pk, cause="merchant", at=at)
    order.refresh_from_db()
    assert order.status == ("created" if refused else "terminated")


_LEGAL = [(old, new) for old, news in PAYMENT_MOVES.items() for new in sorted(news)]
_ILLEGAL = [(old, new) for old in PaymentStatus for new in PaymentStatus if (old, new) not in _LEGAL]
_CAPTURE = {"captured_minor": 29_999, "capture_kind": "normal"}


def _payment_in(status):
    return PaymentFactory() if status == "pending" else PaymentFactory(**{status: True})


@pytest.mark.parametrize(("old", "new"), _LEGAL)
@pytest.mark.django_db
def test_a_legal_move_changes_the_payment_and_writes_one_event(old, new, now):
    payment = _payment_in(old)
    columns = _CAPTURE if new == "success" else {}
    move_payment(payment, new, order=payment.order, cause="test", at=now, **columns)
    stored, event = Payment.objects.get(), Event.objects.get()
    assert (stored.status, stored.order.last_sequence) == (new, 1)
    assert (event.kind, event.old, event.new, event.sequence, event.payment) == (f"payment.{new}", old, new, 1, stored)
    assert (stored.completed_at is not None) is (new != "authorized" or old != "pending")
    assert payment.status == new


@pytest.mark.parametrize(("old", "new"), _ILLEGAL)
@pytest.mark.django_db
def test_an_illegal_move_of_a_payment_is_refused(old, new, now):
    payment = _payment_in(old)
    with pytest.raises(InvalidMove):
        move_payment(payment, new, order=payment.order, cause="test", at=now)
    assert Payment.objects.get().status == old
    assert not Event.objects.exists()


def test_a_payment_that_somebody_moved_meanwhile_is_stale(payment, now):
    Payment.objects.update(status="user_dropped")
    with pytest.raises(StaleRow):
        move_payment(payment, PaymentStatus.FAILED, order=payment.order, cause="test", at=now)
    assert (payment.status, Payment.objects.get().status) == ("pending", "user_dropped")
    assert not Event.objects.exists()


def test_an_order_that_somebody_wrote_an_event_for_meanwhile_is_stale(payment, now):
    Order.objects.update(last_sequence=7)
    with pytest.raises(StaleRow), transaction.atomic():
        move_payment(payment, PaymentStatus.FAILED, order=payment.order, cause="test", at=now)
    assert Payment.objects.get().status == "pending"
    assert not Event.objects.exists()


def test_a_gateway_that_cannot_take_an_attempt_ends_it_at_once_and_frees_the_order(order, now):
    payment = start_payment(order.pk, PaymentRequest(Method.CARD, "n1", card=None), at=now)
    payment.refresh_from_db()
    order.refresh_from_db()
    assert (payment.status, payment.error_code, order.status) == ("failed", "not_supported", "failed")
    assert order.attempts_declined == 0


def test_the_core_takes_no_attempt_while_money_may_have_moved_in_a_way_that_does_not_fit(db, now):
    odd = PaymentFactory(failed=True, money_unclear=True)
    with pytest.raises(NotPayable, match="being checked"):
        start_payment(odd.order.pk, card_request(nonce="n2"), at=now)
    assert odd.order.payments.count() == 1
    assert not SimulatedPayment.objects.exists()
