"""Deliveries are kept for 30 days after their end, due ones and events for ever."""

from datetime import timedelta

import pytest

from payments import clock, ids
from payments.jobs import run_job
from payments.models import Delivery, DeliveryTry, Event, Merchant, ParkedOrigin
from payments.selectors import due_jobs
from payments.services import pruning
from payments.services.payments import start_payment
from tests.factories import OrderFactory, card_request

pytestmark = pytest.mark.django_db
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.fixture
def told(merchant):
    """Make a delivery that ended so long ago, or is due, with two tries."""

    def make(*, ended=None, status="delivered", **columns):
        at = clock.now()
        columns |= {"status": status, "completed_at": at - ended} if ended else {"due_at": at - 90 * DAY}
        made = Delivery.objects.create(
            uid=ids.new_message_id(), merchant=Merchant.objects.first(), mode="test", kind="PAYMENT_SUCCESS_WEBHOOK",
            url="https://shop.example.com/h", origin="https://shop.example.com", body="{}",
            made_at=at - 90 * DAY, **columns,
        )  # fmt: skip
        for number in (1, 2):
            DeliveryTry.objects.create(delivery=made, number=number, at=at - 90 * DAY, duration_ms=5, status=200)
        return made

    return make


def _prune():
    """Run the job if it is due, as the worker would; whether it was."""
    is_due = ("prune", 0) in list(due_jobs(at=clock.now()))
    if is_due:
        run_job("prune", 0, at=clock.now())
    return is_due


def test_what_ended_more_than_30_days_ago_goes_with_its_tries(told):
    for status in ("delivered", "abandoned"):
        told(ended=30 * DAY + HOUR, status=status)
    kept = [told(ended=30 * DAY - HOUR), told(ended=HOUR, status="abandoned")]
    assert _prune()
    assert set(Delivery.objects.all()) == set(kept)
    assert set(DeliveryTry.objects.values_list("delivery", flat=True)) == {row.pk for row in kept}
    assert not _prune()


def test_a_due_delivery_is_never_pruned_however_old(told):
    due = told()
    told(ended=60 * DAY)
    assert _prune()
    assert Delivery.objects.get() == due
    assert due.log.count() == 2


def test_one_that_is_sent_again_is_due_and_stays(told):
    again = told(ended=60 * DAY)
    told(ended=60 * DAY)
    Delivery.objects.filter(pk=again.pk).update(status="due", due_at=clock.now())
    assert _prune()
    assert Delivery.objects.get() == again


def test_events_stay_when_what_was_told_of_them_goes():
    start_payment(OrderFactory(notify_url="https://shop.example.com/h").pk, card_request(), at=clock.now())
    Delivery.objects.update(status="delivered", due_at=None, completed_at=clock.now())
    before = set(Event.objects.all())
    with clock.shifted(31 * DAY):
        assert _prune()
    assert not Delivery.objects.exists()
    assert set(Event.objects.all()) == before


def test_much_goes_in_small_transactions_and_other_work_has_its_turn(told, monkeypatch):
    monkeypatch.setattr(pruning, "BATCH", 3)
    monkeypatch.setattr(pruning, "BATCHES_A_RUN", 2)
    for _ in range(8):
        told(ended=60 * DAY)
    assert _prune()
    assert Delivery.objects.count() == 2
    assert _prune()
    assert not Delivery.objects.exists()


def test_pauses_that_are_long_over_go(db):
    for hours in (-25, -23, 1):
        ParkedOrigin.objects.create(origin=f"https://{hours}.example.com", until=clock.now() + hours * HOUR)
    assert _prune()
    assert ParkedOrigin.objects.count() == 2
    assert not _prune()
