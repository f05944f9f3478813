"""What time it is. Callers read it once and hand `at` down, so that no decision sees two clocks."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

_offset = timedelta()


def now() -> datetime:
    """Host time in UTC, plus the offset that tests set."""
    return datetime.now(UTC) + _offset


@contextmanager
def shifted(by: timedelta) -> Iterator[None]:
    """Move the clock for a test: `with clock.shifted(timedelta(hours=25)): ...`"""
    global _offset
    _offset += by
    try:
        yield
    finally:
        _offset -= by
