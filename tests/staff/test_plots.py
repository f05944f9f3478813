"""Geometry of the overview's drawings: one scale from zero, nothing outside the frame, nothing too small to see."""

from itertools import pairwise

import pytest

from checkout.staff import plots
from checkout.staff.plots import HEIGHT, LINE, Value


def drawn(*amounts, unfinished=None):
    """A plot of these amounts; the last is still growing unless said otherwise."""
    return plots.columns(
        [Value(amount, f"{amount}!", f"no. {number}") for number, amount in enumerate(amounts)],
        unfinished=len(amounts) - 1 if unfinished is None else unfinished,
        scale_words=str,
        peak_words=lambda number: f"peak {number}",
        unfinished_words="so far",
    )


def number(text):
    return float(text.removesuffix("%"))


@pytest.mark.parametrize(
    ("most", "marks"),
    [
        (0, [0, 1]),
        (1, [0, 1]),
        (3, [0, 1, 2, 3]),
        (4, [0, 2, 4]),
        (25_646_050, [0, 10_000_000, 20_000_000, 30_000_000]),
        (30_000_000, [0, 10_000_000, 20_000_000, 30_000_000]),
        (30_000_001, [0, 20_000_000, 40_000_000]),
        (999, [0, 500, 1_000]),
    ],
)
def test_a_scale_is_round_starts_at_zero_and_holds_the_most(most, marks):
    assert plots.scale(most) == marks


@pytest.mark.parametrize("most", [*range(200), 10**6 - 1, 10**12, 10**17 + 1])
def test_a_scale_has_four_gridlines_at_most(most):
    marks = plots.scale(most)
    assert 2 <= len(marks) <= 4
    assert marks[-1] >= most
    assert len({after - before for before, after in pairwise(marks)}) == 1


def test_columns_stand_on_the_base_line_and_are_as_high_as_their_amounts():
    plot = drawn(100, 50, 300, 10)
    assert all(column.y + column.height == HEIGHT for column in plot.columns)
    heights = [column.height for column in plot.columns]
    assert heights[2] == 2 * (heights[0] + heights[1]) == 3 * heights[0]
    assert plot.gridlines[0].y == HEIGHT
    assert [line.text for line in plot.gridlines] == ["0", "100", "200", "300"]
    assert plot.columns[2].y == plot.gridlines[-1].y


def test_columns_share_the_width_evenly_and_stay_inside():
    plot = drawn(*range(1, 91))
    left, right = plot.columns[0], plot.columns[-1]
    assert number(left.x) > 0
    assert number(right.x) + number(right.width) < 100
    steps = {round(number(b.x) - number(a.x), 1) for a, b in pairwise(plot.columns)}
    assert steps == {1.1}


def test_a_day_without_money_has_no_column_and_a_day_with_little_has_one():
    plot = drawn(0, 1, 10**9, 0)
    assert [column.title for column in plot.columns] == ["1!", f"{10**9}!"]
    assert plot.columns[0].height == 1
    assert len(plot.ticks) == 4


def test_the_unfinished_column_alone_is_marked():
    assert [column.is_unfinished for column in drawn(5, 6, 7).columns] == [False, False, True]
    assert [column.is_unfinished for column in drawn(5, 6, 0, unfinished=1).columns] == [False, True]


def test_peak_and_unfinished_day_are_labelled_where_they_are():
    plot = drawn(1, 9, 2, 3, 3, 1)
    peak, unfinished = plot.labels
    assert (peak.text, peak.anchor, unfinished.text, unfinished.anchor) == ("peak 1", "start", "so far", "end")
    assert peak.y < min(column.y for column in plot.columns)
    assert unfinished.leader_to < plot.columns[-1].y


@pytest.mark.parametrize("peak_at", range(9))
def test_labels_keep_clear_of_columns_and_of_each_other(peak_at):
    amounts = [3] * 10
    amounts[peak_at] = 9
    peak, unfinished = drawn(*amounts).labels
    assert abs(peak.y - unfinished.y) >= LINE
    tops = {round(number(column.x)): column.y for column in drawn(*amounts).columns}
    near = [y for x, y in tops.items() if x >= 100 - plots.LABEL_SHARE]
    assert unfinished.y < min(near)


def test_no_label_leaves_the_drawing_by_more_than_a_line():
    for peak_at in range(30):
        amounts = [1] * 30
        amounts[peak_at] = 3
        assert all(label.y >= -LINE for label in drawn(*amounts).labels)


def test_of_equal_days_the_first_that_is_over_is_the_peak():
    assert drawn(7, 7, 7).labels[0].text == "peak 0"
    assert [label.text for label in drawn(0, 7, unfinished=1).labels] == ["peak 1"]
    assert drawn(7, 1, 7).labels[0].text == "peak 0"


def test_an_unfinished_day_that_is_the_best_has_one_label():
    assert [label.text for label in drawn(1, 2, 3).labels] == ["peak 2"]


def test_nothing_at_all_has_gridlines_and_no_labels():
    plot = drawn(0, 0, 0)
    assert (plot.columns, plot.labels) == ([], [])
    assert [line.text for line in plot.gridlines] == ["0", "1"]


def test_a_scale_with_long_words_asks_for_room():
    assert not drawn(1, 2).is_wide
    assert drawn(10**12, 2).is_wide


@pytest.mark.parametrize(
    "amounts", [[1], [1, 1, 1], [1_352, 64, 69, 1], [1, 100_000], [100_000, 1, 1, 1, 1], [0, 5, 0, 5]]
)
def test_parts_fill_the_whole_in_order_and_each_is_seen(amounts):
    parts = plots.parts([(str(place), amount) for place, amount in enumerate(amounts)])
    assert [part.name for part in parts] == [str(place) for place, amount in enumerate(amounts) if amount]
    assert all(number(part.width) >= 0.59 for part in parts)
    x = 0.0
    for part in parts:
        assert number(part.x) == pytest.approx(x, abs=0.02)
        x += number(part.width)
    assert x == pytest.approx(100, abs=0.05)


def test_parts_are_true_to_scale():
    assert [part.width for part in plots.parts([("a", 3), ("b", 1)])] == ["75.00%", "25.00%"]
    assert plots.parts([("a", 0)]) == []


@pytest.mark.parametrize(
    ("amount", "most", "share"), [(0, 0, "0.00%"), (0, 9, "0.00%"), (9, 9, "100.00%"), (1, 3, "33.33%")]
)
def test_a_bar_is_as_long_as_its_share_of_the_longest(amount, most, share):
    assert plots.share_of(amount, most) == share


def test_the_smallest_bar_is_seen():
    assert number(plots.share_of(1, 10**9)) == 0.6
