"""When a day's payments are settled: working days are Monday to Friday, for Till knows no bank's holidays."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_DAY = timedelta(days=1)
_SATURDAY = 5


def is_working(day: date) -> bool:
    """Whether banks work that day, holidays apart."""
    return day.weekday() < _SATURDAY


def settled_on(day: date, days: int) -> date:
    """The working day on which a day's payments are settled, `days` working days later; a weekend counts as Monday.

    Thursday's with two days on Monday, and Saturday's and Sunday's both on Wednesday.
    """
    while not is_working(day):
        day += _DAY
    for _ in range(days):
        day += _DAY
        while not is_working(day):
            day += _DAY
    return day


def cutoff(at: datetime, days: int, time_zone: str) -> datetime:
    """Up to when payments are settled on the day of `at`: the end, in the merchant's zone, of the last day due.

    With no days to wait that is `at` itself, for the day is not over.
    """
    return min(at, end_of(last_day_due(at, days, time_zone), time_zone))


def last_day_due(at: datetime, days: int, time_zone: str) -> date:
    """The last day, in the merchant's zone, whose payments are settled by the day of `at`."""
    today = at.astimezone(ZoneInfo(time_zone)).date()
    day = today
    while settled_on(day, days) > today:
        day -= _DAY
    return day


def end_of(day: date, time_zone: str) -> datetime:
    """When a merchant's day is over and the next begins."""
    return _start_of(day + _DAY, ZoneInfo(time_zone))


def next_run(at: datetime, time_zone: str) -> datetime:
    """When settlements are put together next: as the merchant's next day begins."""
    zone = ZoneInfo(time_zone)
    return _start_of(at.astimezone(zone).date() + _DAY, zone)


def _start_of(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)
