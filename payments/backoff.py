"""When to ask a gateway again about something undecided."""

from datetime import datetime, timedelta

BACK_OFF = (
    timedelta(seconds=5),
    timedelta(seconds=15),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=15),
)
"""Counted from the start; hourly afterwards."""


def next_time(start: datetime, *, at: datetime) -> datetime:
    """The next step of the back-off after `at`, or in an hour."""
    steps = (start + step for step in BACK_OFF)
    return next((step for step in steps if step > at), at + timedelta(hours=1))
