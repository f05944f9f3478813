"""From numbers to geometry: what the overview's drawings are made of. Knows no row, no currency and no page.

Across, everything is a percentage of the drawing's width, so that it narrows with the screen while its words keep
their size; downwards it is pixels.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import count

HEIGHT = 236
"""Of a column plot from the top of its words to its base line, in pixels."""
HEADROOM = 26
"""Above the topmost gridline: a line of words. A second one may stand above the drawing's edge."""
LINE = 17
"""From one line of words to the next."""
BAR_SHARE = Fraction(2, 3)
"""How much of its slot a column fills."""
MOST_STEPS = 3
"""Above zero; with it a plot has four gridlines at most."""
LEAST_SHARE = Fraction(6, 10)
"""No part of a whole is drawn narrower than this many percent: one of a thousand must be seen."""


@dataclass(frozen=True, slots=True)
class Value:
    """One column: how much, what to say of it in full and, for some, under the base line."""

    amount: int
    title: str
    tick: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A bar standing on the base line."""

    x: str
    width: str
    y: int
    height: int
    title: str
    is_unfinished: bool = False


@dataclass(frozen=True, slots=True)
class Words:
    """Words in the drawing. `anchor` is which part of them stands at `x`: start, middle or end."""

    x: str
    y: int
    text: str
    anchor: str = "middle"
    leader_to: int = 0
    """Down to where a thin line leads from under the words; 0 for none."""


@dataclass(frozen=True, slots=True)
class Gridline:
    y: int
    text: str


@dataclass(frozen=True, slots=True)
class Columns:
    """A plot of columns, ready to be drawn."""

    columns: list[Column]
    gridlines: list[Gridline]
    ticks: list[Words]
    labels: list[Words] = field(default_factory=list)
    base: int = HEIGHT

    @property
    def is_wide(self) -> bool:
        """Whether the scale's words need more room beside the drawing."""
        return max(len(line.text) for line in self.gridlines) > len("₹1.5 lakh")


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a bar that lies: which one, from where, how wide."""

    name: str
    x: str
    width: str


def percent(share: Fraction) -> str:
    """33.33%, for a share of the width in percent."""
    return f"{float(share):.2f}%"


def scale(most: int) -> list[int]:
    """Round values from 0 up to `most` or a little above, at most four: steps are 1, 2 or 5 and zeros."""
    steps = (digit * 10**power for power in count() for digit in (1, 2, 5))
    step = next(size for size in steps if size * MOST_STEPS >= most)
    return [step * number for number in range(max(1, -(-most // step)) + 1)]


def columns(
    values: Sequence[Value],
    *,
    unfinished: int,
    scale_words: Callable[[int], str],
    peak_words: Callable[[int], str],
    unfinished_words: str,
) -> Columns:
    """Draw values as columns on one scale from zero. The one at `unfinished` is still growing; none stands after it.

    The highest and the unfinished one are labelled; `peak_words` says what of the value at an index.
    """
    marks = scale(max(value.amount for value in values))
    room = HEIGHT - HEADROOM

    def top(amount: int) -> int:
        return HEIGHT - round(Fraction(amount * room, marks[-1]))

    slot = Fraction(100, len(values))
    bar = slot * BAR_SHARE
    middles = [slot * number + slot / 2 for number in range(len(values))]
    drawn = [
        Column(
            x=percent(middle - bar / 2),
            width=percent(bar),
            y=min(top(value.amount), HEIGHT - 1),  # a little is not nothing
            height=max(1, HEIGHT - top(value.amount)),
            title=value.title,
            is_unfinished=number == unfinished,
        )
        for number, (value, middle) in enumerate(zip(values, middles, strict=True))
        if value.amount
    ]
    return Columns(
        columns=drawn,
        gridlines=[Gridline(top(amount), scale_words(amount)) for amount in marks],
        ticks=[
            Words(percent(middle), HEIGHT + LINE + 4, value.tick)
            for value, middle in zip(values, middles, strict=True)
            if value.tick
        ],
        labels=_labels([top(value.amount) for value in values], middles, unfinished, peak_words, unfinished_words),
    )


LABEL_SHARE = 45
"""How much of a phone's plot the unfinished column's words take, in percent; the peak's take nearly two thirds."""


def _labels(
    tops: list[int],
    middles: list[Fraction],
    unfinished: int,
    peak_words: Callable[[int], str],
    unfinished_words: str,
) -> list[Words]:
    """The words at the highest column and at the unfinished one, clear of columns and of each other."""
    highest = min(tops)
    if highest == HEIGHT:
        return []
    # Of equals the first that is over: an unfinished day is no peak while another was as good.
    peak = min((number for number, top in enumerate(tops) if top == highest), key=lambda number: number == unfinished)
    at_peak = Words(percent(middles[peak]), highest - 8, peak_words(peak), _anchor(middles[peak]))
    if peak == unfinished:
        return [at_peak]
    near = [top for top, middle in zip(tops, middles, strict=True) if abs(middle - middles[unfinished]) <= LABEL_SHARE]
    y = min(near) - 12
    if abs(y - at_peak.y) < LINE:
        y = at_peak.y - LINE
    leader = tops[unfinished] - 5
    return [
        at_peak,
        Words(percent(middles[unfinished]), y, unfinished_words, _anchor(middles[unfinished]), leader_to=leader),
    ]


def _anchor(middle: Fraction) -> str:
    """Which part of long words may stand there without leaving the drawing."""
    return "start" if middle < 33 else "end" if middle > 67 else "middle"


def parts(amounts: Sequence[tuple[str, int]]) -> list[Part]:
    """Lay amounts beside each other as shares of their whole, 100 percent wide; nothing if they are all 0."""
    whole = sum(amount for _, amount in amounts)
    shares = [(name, Fraction(100 * amount, whole)) for name, amount in amounts if amount]
    widths = [(name, max(share, LEAST_SHARE)) for name, share in shares]
    over = sum(width for _, width in widths) - 100
    widest = max((width for _, width in widths), default=Fraction(0))
    laid, x, taken_off = [], Fraction(0), False
    for name, width in widths:
        if width == widest and not taken_off:  # the largest part makes room for those drawn too wide
            width, taken_off = width - over, True
        laid.append(Part(name, percent(x), percent(width)))
        x += width
    return laid


def share_of(amount: int, most: int) -> str:
    """How long a bar of its own is beside the longest: as a percentage, seen if it is anything at all."""
    if not amount or not most:
        return percent(Fraction(0))
    return percent(max(Fraction(100 * amount, most), LEAST_SHARE))
