"""The time to pay can be made longer: so often, for so long, and only while the order can be paid."""

from datetime import timedelta

import pytest

from payments.errors import NotExtendable, NotPayable, NotYetExpired
from payments.models import Delivery, Event, Order
from payments.services import orders, payments
from payments.services.orders import extend_order
from payments.services.payments import expire_order, start_payment, terminate_order
from payments.states import MAX_DECLINES, OrderStatus
from tests.factories import MerchantFactory, OrderFactory, PaymentFactory, card_request, fresh

pytestmark = pytest.mark.django_db

QUARTER, INSTANT = timedelta(minutes=15), timedelta(microseconds=1)


def _refused(order, *, at, used=0):
    before = Order.objects.values().get(pk=order.pk)
    events = order.events.count()
    with pytest.raises(NotExtendable):
        extend_order(order.pk, used=used, at=at)
    assert Order.objects.values().get(pk=order.pk) == before
    assert order.events.count() == events


def test_it_adds_a_quarter_of_an_hour_with_its_event(order, now):
    longer = extend_order(order.pk, used=0, at=now)
    assert (longer.expires_at, longer.extensions_used) == (order.expires_at + QUARTER, 1)
    assert fresh(order).expires_at == longer.expires_at
    event = Event.objects.get(order=order)
    told = (event.kind, event.old, event.new, event.cause, event.at, event.sequence)
    assert told == ("order.extended", "created", "created", "customer", now, 1)
    assert not Delivery.objects.exists()


def test_the_same_wish_twice_is_granted_once(order, now):
    extend_order(order.pk, used=0, at=now)
    again = extend_order(order.pk, used=0, at=now)
    assert (again.expires_at, again.extensions_used) == (order.expires_at + QUARTER, 1)
    assert order.events.count() == 1


@pytest.mark.parametrize("ceiling", [0, 1, 2, 10])
def test_as_often_as_the_merchant_says(now, ceiling):
    order = OrderFactory(merchant=MerchantFactory(extensions=ceiling))
    for used in range(ceiling):
        extend_order(order.pk, used=used, at=now)
    _refused(order, at=now, used=ceiling)
    assert fresh(order).expires_at == order.expires_at + ceiling * QUARTER


def test_a_ceiling_lowered_meanwhile_counts(order, now):
    extend_order(order.pk, used=0, at=now)
    type(order.merchant).objects.update(extensions=1)
    _refused(order, at=now, used=1)


def test_a_number_that_was_never_reached_is_refused(order, now):
    _refused(order, at=now, used=1)


def test_never_beyond_30_days(now):
    end = timedelta(days=30)
    order = OrderFactory(created_at=now, expires_at=now + end - QUARTER)
    extend_order(order.pk, used=0, at=now)
    assert fresh(order).expires_at == now + end
    _refused(order, at=now, used=1)
    _refused(OrderFactory(created_at=now, expires_at=now + end - QUARTER + INSTANT), at=now)


@pytest.mark.parametrize("status", [s for s in OrderStatus if s not in ("created", "failed")])
def test_only_while_the_order_can_be_paid(now, status):
    _refused(OrderFactory(status=status), at=now)


def test_after_a_failed_attempt_it_can_be_had(now):
    order = PaymentFactory(failed=True).order
    assert extend_order(order.pk, used=0, at=now).status == "failed"


def test_not_after_the_last_try_or_once_the_end_is_asked_for(now):
    _refused(OrderFactory(status="failed", attempts_declined=MAX_DECLINES), at=now)
    _refused(OrderFactory(status="failed", terminate_requested_at=now), at=now)


def test_an_attempt_that_is_out_keeps_its_deadline_and_its_order_its_time(now):
    payment = PaymentFactory()
    _refused(payment.order, at=now)
    assert fresh(payment).deadline_at == payment.deadline_at


@pytest.mark.parametrize("after", [timedelta(0), INSTANT])
def test_too_late_by_an_instant(order, after):
    _refused(order, at=order.expires_at + after)


def test_in_time_by_an_instant_and_the_sweep_finds_it_lasting(order):
    extend_order(order.pk, used=0, at=order.expires_at - INSTANT)
    with pytest.raises(NotYetExpired):
        expire_order(order.pk, at=order.expires_at + INSTANT)
    with pytest.raises(NotYetExpired):
        expire_order(order.pk, at=order.expires_at + QUARTER - INSTANT)
    expire_order(order.pk, at=order.expires_at + QUARTER)
    assert [event.kind for event in order.events.order_by("sequence")] == ["order.extended", "order.expired"]


def test_once_the_sweep_was_first_no_clock_behind_it_extends(order):
    expire_order(order.pk, at=order.expires_at)
    _refused(order, at=order.expires_at - INSTANT)


def _between(monkeypatch, module, act):
    """Let somebody else act after a service has read the order and before it writes."""
    read = orders.lock_order

    def reads_and_stands_still(order_pk):
        row = read(order_pk)
        monkeypatch.setattr(module, "lock_order", read)
        act()
        return row

    monkeypatch.setattr(module, "lock_order", reads_and_stands_still)


@pytest.mark.parametrize("rival", ["sweep", "end", "attempt", "other tab"])
def test_whoever_comes_between_reading_and_writing_wins(order, monkeypatch, rival):
    at = order.expires_at - INSTANT
    acts = {
        "sweep": lambda: expire_order(order.pk, at=order.expires_at),
        "end": lambda: terminate_order(order.pk, cause="merchant", at=at),
        "attempt": lambda: PaymentFactory(order=order) and Order.objects.filter(pk=order.pk).update(status="pending"),
        "other tab": lambda: extend_order(order.pk, used=0, at=at),
    }
    _between(monkeypatch, orders, acts[rival])
    with pytest.raises(NotExtendable):
        extend_order(order.pk, used=0, at=at)


def test_an_extension_between_a_sweeps_reading_and_writing_wins(order, monkeypatch):
    _between(monkeypatch, payments, lambda: extend_order(order.pk, used=0, at=order.expires_at - INSTANT))
    with pytest.raises(NotYetExpired):
        expire_order(order.pk, at=order.expires_at + INSTANT)


def test_an_extension_between_an_attempts_reading_and_writing_stops_that_attempt(order, monkeypatch):
    at = order.expires_at - INSTANT
    _between(monkeypatch, payments, lambda: extend_order(order.pk, used=0, at=at))
    with pytest.raises(NotPayable):
        start_payment(order.pk, card_request(), at=at)
    assert not order.payments.exists()


def test_the_added_time_is_good_for_paying(order):
    extend_order(order.pk, used=0, at=order.expires_at - INSTANT)
    payment = start_payment(order.pk, card_request(), at=order.expires_at + QUARTER - INSTANT)
    assert payment.order_id == order.pk
    late = OrderFactory(expires_at=order.expires_at)
    with pytest.raises(NotPayable):
        start_payment(late.pk, card_request(nonce="n2"), at=order.expires_at)
