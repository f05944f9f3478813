"""T+N on working days, in the merchant's own zone."""

from datetime import UTC, date, datetime

import pytest

from payments.settlement_days import cutoff, next_run, settled_on

MON, THU, FRI, SAT, SUN = (date(2026, 11, day) for day in (16, 19, 20, 21, 22))


@pytest.mark.parametrize(
    ("day", "days", "expected"),
    [
        (MON, 0, MON),
        (MON, 1, date(2026, 11, 17)),
        (THU, 2, date(2026, 11, 23)),
        (FRI, 2, date(2026, 11, 24)),
        (SAT, 2, date(2026, 11, 25)),
        (SUN, 2, date(2026, 11, 25)),
        (SAT, 0, date(2026, 11, 23)),
        (FRI, 1, date(2026, 11, 23)),
    ],
)
def test_a_days_payments_are_settled_working_days_later(day, days, expected):
    assert settled_on(day, days) == expected


@pytest.mark.parametrize(
    ("at", "days", "zone", "expected"),
    [
        # Monday 23 in India takes what was captured till the end of Thursday 19 there.
        (datetime(2026, 11, 23, 4, tzinfo=UTC), 2, "Asia/Kolkata", datetime(2026, 11, 19, 18, 30, tzinfo=UTC)),
        # In India it is Tuesday already, so Friday is due too.
        (datetime(2026, 11, 23, 20, tzinfo=UTC), 2, "Asia/Kolkata", datetime(2026, 11, 20, 18, 30, tzinfo=UTC)),
        (datetime(2026, 11, 23, 20, tzinfo=UTC), 2, "UTC", datetime(2026, 11, 20, tzinfo=UTC)),
        # On a weekend nothing new is due: Wednesday's payments were on Friday.
        (datetime(2026, 11, 22, 12, tzinfo=UTC), 2, "UTC", datetime(2026, 11, 19, tzinfo=UTC)),
        (datetime(2026, 11, 25, 12, tzinfo=UTC), 2, "UTC", datetime(2026, 11, 24, tzinfo=UTC)),
        # Clocks were changed in the night to the 25th of October.
        (datetime(2026, 10, 26, 12, tzinfo=UTC), 1, "Europe/London", datetime(2026, 10, 23, 23, tzinfo=UTC)),
    ],
)
def test_the_cutoff_is_the_end_of_the_last_day_that_is_due(at, days, zone, expected):
    assert cutoff(at, days, zone) == expected


def test_without_days_to_wait_everything_so_far_is_due_on_a_working_day():
    monday = datetime(2026, 11, 23, 12, tzinfo=UTC)
    assert cutoff(monday, 0, "UTC") == monday


def test_the_next_run_is_as_the_next_day_begins_there():
    assert next_run(datetime(2026, 11, 23, 20, tzinfo=UTC), "Asia/Kolkata") == datetime(
        2026, 11, 24, 18, 30, tzinfo=UTC
    )
