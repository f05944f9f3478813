"""Figures over many rows: whose days they are cut in, what is added to what, and what the database has to read."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from payments import figures
from payments.figures import NotKnown, Outcome, Period, Refunded, RefundStage, Scope, Taken
from payments.states import Method, Mode, PaymentStatus
from tests.factories import MerchantFactory, PaymentFactory, RefundFactory
from tests.payments.last_year import much_of_last_year, plan_of

INDIA, BERLIN, SANTIAGO = ZoneInfo("Asia/Kolkata"), ZoneInfo("Europe/Berlin"), ZoneInfo("America/Santiago")
NOON = datetime(2026, 11, 22, 6, 30, tzinfo=UTC)
"""In India."""
TEST = Scope(Mode.TEST)

pytestmark = pytest.mark.django_db


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def days(number, zone=INDIA, at=NOON):
    return Period.ending_today(number, zone, at=at)


def take(at, minor=100, currency="INR", **over):
    """A payment that was taken at that moment."""
    order = {"order__amount_minor": minor, "order__currency": currency}
    return PaymentFactory(**{"success": True, "started_at": at, "completed_at": at, **order, **over})


def live(**over):
    """What makes a payment one of real money."""
    return {"order__mode": Mode.LIVE, "account__gateway": "razorpay", **over}


def by_slot(rows):
    return {(row.currency, row.slot): (row.minor, row.payments) for row in rows}


# --- Days ---


def test_a_period_is_whole_days_of_its_zone_and_ends_with_today():
    week = days(7, at=utc("2026-11-22T18:29:59"))
    assert (week.days[0], week.today, len(week.days)) == (date(2026, 11, 16), date(2026, 11, 22), 7)
    assert week.since == utc("2026-11-15T18:30:00")
    assert week.until == utc("2026-11-22T18:30:00")
    assert days(1, at=utc("2026-11-22T18:30:00")).days == [date(2026, 11, 23)]


@pytest.mark.parametrize(
    ("zone", "moments"),
    [
        (INDIA, {"2026-11-21T18:29:59": date(2026, 11, 21), "2026-11-21T18:30:00": date(2026, 11, 22)}),
        (ZoneInfo("UTC"), {"2026-11-21T23:59:59": date(2026, 11, 21), "2026-11-22T00:00:00": date(2026, 11, 22)}),
        # The day clocks go back has 25 hours.
        (BERLIN, {"2026-10-24T22:00:00": date(2026, 10, 25), "2026-10-25T22:59:59": date(2026, 10, 25)}),
        (BERLIN, {"2026-10-24T21:59:59": date(2026, 10, 24), "2026-10-25T23:00:00": date(2026, 10, 26)}),
        # Clocks leap over midnight itself.
        (SANTIAGO, {"2026-09-06T03:59:59": date(2026, 9, 5), "2026-09-06T04:00:00": date(2026, 9, 6)}),
    ],
)
def test_a_payment_belongs_to_the_day_it_is_where_the_merchant_lives(zone, moments):
    for moment in moments:
        take(utc(moment))
    taken = figures.taken_by_day(TEST, days(90, zone))
    assert {row.slot for row in taken} == set(moments.values())


def test_what_lies_outside_the_period_is_not_counted_to_the_second():
    week = days(7)
    for at in (week.since - timedelta(microseconds=1), week.until):
        take(at)
    assert figures.taken_by_day(TEST, week) == []
    take(week.since, 5)
    take(week.until - timedelta(microseconds=1), 7)
    assert by_slot(figures.taken_by_day(TEST, week)) == {("INR", week.days[0]): (5, 1), ("INR", week.today): (7, 1)}


def test_one_day_is_told_by_the_hours_its_clocks_show():
    take(utc("2026-11-21T18:30:00"), 5)
    take(utc("2026-11-22T04:29:59"), 7)
    take(utc("2026-11-22T04:30:00"), 11)
    assert by_slot(figures.taken_by_hour(TEST, days(1))) == {
        ("INR", 0): (5, 1), ("INR", 9): (7, 1), ("INR", 10): (11, 1),
    }  # fmt: skip


def test_an_hour_that_comes_twice_is_counted_as_one():
    for at in ("2026-10-25T00:30:00", "2026-10-25T01:30:00"):  # half past two, twice
        take(utc(at))
    assert by_slot(figures.taken_by_hour(TEST, days(1, BERLIN, at=utc("2026-10-25T12:00:00")))) == {
        ("INR", 2): (200, 2)
    }


# --- Taken ---


def test_currencies_are_never_added():
    for minor, currency in ((29_999, "INR"), (1, "INR"), (1_000, "JPY"), (1_234, "KWD")):
        take(NOON, minor, currency)
    today = date(2026, 11, 22)
    assert sorted(figures.taken_by_day(TEST, days(7)), key=lambda row: row.currency) == [
        Taken("INR", today, 30_000, 2),
        Taken("JPY", today, 1_000, 1),
        Taken("KWD", today, 1_234, 1),
    ]


def test_test_and_live_and_merchants_are_kept_apart():
    mine = MerchantFactory()
    take(NOON, 5, order__merchant=mine)
    take(NOON, 7)
    take(NOON, 11, **live(order__merchant=mine))
    sums = {
        scope: sum(row.minor for row in figures.taken_by_day(scope, days(7)))
        for scope in (TEST, Scope(Mode.LIVE), Scope(Mode.TEST, mine.pk), Scope(Mode.LIVE, mine.pk))
    }
    assert list(sums.values()) == [12, 11, 5, 11]


def test_money_that_goes_back_by_itself_was_not_taken_nor_was_what_is_only_held():
    for state in ("late", "surplus", "authorized", "failed", "void"):
        PaymentFactory(**{state: True}, started_at=NOON)
    assert figures.taken_by_day(TEST, days(7)) == []


def test_a_refund_takes_nothing_back_from_what_was_taken():
    payment = take(NOON, 500)
    RefundFactory(payment=payment, status="success", completed_at=NOON)
    assert [row.minor for row in figures.taken_by_day(TEST, days(7))] == [500]


# --- Tries ---


def test_tries_count_by_method_and_by_what_became_of_them():
    for state in ("success", "late", "authorized", "void", "failed", "user_dropped", "cancelled"):
        PaymentFactory(**{state: True}, started_at=NOON)
    PaymentFactory(started_at=NOON, method=Method.UPI)
    PaymentFactory(failed=True, started_at=NOON, method=Method.UPI)
    PaymentFactory(failed=True, started_at=days(7).since - timedelta(seconds=1))
    PaymentFactory(failed=True, started_at=NOON, order__currency="USD")
    assert figures.tries(TEST, days(7)) == {
        ("INR", Method.CARD, Outcome.PAID): 2,
        ("INR", Method.CARD, Outcome.HELD): 2,
        ("INR", Method.CARD, Outcome.FAILED): 1,
        ("INR", Method.CARD, Outcome.LEFT): 2,
        ("INR", Method.UPI, Outcome.UNKNOWN): 1,
        ("INR", Method.UPI, Outcome.FAILED): 1,
        ("USD", Method.CARD, Outcome.FAILED): 1,
    }
    assert figures.tries(Scope(Mode.LIVE), days(7)) == {}


def test_every_status_has_an_outcome():
    assert set(figures.OUTCOMES) == set(PaymentStatus)
    assert set(figures.OUTCOMES.values()) == set(Outcome)


# --- Not known ---


def test_what_is_not_known_is_counted_however_old_it_is():
    assert figures.not_known(TEST) == NotKnown(0, None)
    year_ago = NOON - timedelta(days=365)
    take(year_ago, review_reason="The gateway says it took another amount.")
    PaymentFactory(started_at=NOON, order__currency="USD")
    take(NOON)
    PaymentFactory(started_at=year_ago - timedelta(days=1), **live())
    assert figures.not_known(TEST) == NotKnown(2, year_ago)
    assert figures.not_known(Scope(Mode.TEST, MerchantFactory().pk)) == NotKnown(0, None)


# --- Refunds ---


def test_refunds_are_told_by_stage_those_open_now_and_those_decided_in_the_period():
    payment, before = take(NOON, 10_000), days(7).since - timedelta(seconds=1)
    for status, minor, completed in (
        ("requested", 1, None), ("pending", 2, None), ("onhold", 4, None), ("success", 8, NOON),
        ("success", 16, before), ("failed", 32, NOON), ("failed", 64, before), ("cancelled", 128, NOON),
    ):  # fmt: skip
        RefundFactory(payment=payment, status=status, amount_minor=minor, completed_at=completed, requested_at=before)
    RefundFactory(payment=take(NOON, 100, "USD"))
    assert figures.refunds(TEST, days(7)) == {
        ("INR", RefundStage.WAITING): Refunded(1, 1),
        ("INR", RefundStage.SENT): Refunded(2, 6),
        ("INR", RefundStage.DONE): Refunded(1, 8),
        ("INR", RefundStage.FAILED): Refunded(1, 32),
        ("USD", RefundStage.WAITING): Refunded(1, 100),
    }
    assert figures.refunds(Scope(Mode.LIVE), days(7)) == {}


# --- What the database reads ---


def test_figures_of_a_period_read_no_table_through():
    much_of_last_year(taken_on=NOON - timedelta(days=400))
    for hour in range(10):
        take(NOON - timedelta(hours=hour))
    RefundFactory(payment=PaymentFactory(success=True, started_at=NOON))
    PaymentFactory(started_at=NOON)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE payments_payment, payments_refund")
    month, wanted = days(30), {
        "payment_taken_by_time": figures.taken_by_day,
        "payment_by_start": figures.tries,
        "payment_not_known_by_start": lambda scope, _: figures.not_known(scope),
        "refund_by_completion": figures.refunds,
    }  # fmt: skip
    for index, ask in wanted.items():
        with CaptureQueriesContext(connection) as seen:
            ask(TEST, month)
        assert len(seen) == 1
        plan = plan_of(seen[0]["sql"])
        assert index in plan, plan
        assert "Seq Scan" not in plan
        assert "SCAN payments" not in plan
