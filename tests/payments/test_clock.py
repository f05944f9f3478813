from datetime import UTC, datetime, timedelta

import pytest

from payments import clock

HOUR = timedelta(hours=1)


def test_the_time_is_the_hosts_in_utc():
    before = datetime.now(UTC)
    assert before <= clock.now() <= datetime.now(UTC)
    assert clock.now().tzinfo is UTC


@pytest.mark.parametrize("by", [HOUR, -HOUR, timedelta(days=40)])
def test_a_shifted_clock_is_that_much_off_and_comes_back(by):
    with clock.shifted(by):
        assert abs(clock.now() - datetime.now(UTC) - by) < timedelta(seconds=5)
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)


def test_shifts_add_up():
    with clock.shifted(HOUR), clock.shifted(HOUR):
        assert clock.now() - datetime.now(UTC) > timedelta(minutes=119)


def test_a_failing_test_does_not_leave_the_clock_shifted():
    with pytest.raises(RuntimeError), clock.shifted(HOUR):
        raise RuntimeError
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)
