import pytest

from payments import faults


def test_in_production_a_point_does_nothing():
    assert faults._handler is None
    assert [faults.point(name) for name in faults.POINTS] == [None] * len(faults.POINTS)


def test_a_handler_hears_of_every_point_until_it_is_taken_away():
    heard = []
    with faults.handled_by(heard.append):
        faults.point("pay.after_t1")
        faults.point("pay.after_t2")
    faults.point("pay.after_t1")
    assert heard == ["pay.after_t1", "pay.after_t2"]


def test_a_crash_takes_the_handler_with_it():
    def crash(name):
        raise faults.Crash(name)

    with pytest.raises(faults.Crash), faults.handled_by(crash):
        faults.point("pay.after_t1")
    assert faults._handler is None


def test_no_except_exception_can_tidy_up_after_a_crash():
    assert not issubclass(faults.Crash, Exception)
