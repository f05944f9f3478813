"""The overview's table of what is due to merchants."""

from dataclasses import dataclass
from datetime import timedelta

from checkout.amounts import grouped, signed
from checkout.staff import plots
from checkout.staff.overview_panels import Look, long_day
from payments.due import Due


@dataclass(frozen=True, slots=True)
class DueRow:
    """What is due together, for what, and how long its bar is beside the longest.

    `links` are pairs of words and address: the lists of what waits for somebody. `figures` are pairs of column and
    figure: on a phone each stands beside its column's name.
    """

    pay_out_on: str
    of: str
    links: list[tuple[str, str]]
    figures: list[tuple[str, str]]
    net: str
    width: str


@dataclass(frozen=True, slots=True)
class DueTable:
    """What is due to merchants, with the sums of it."""

    head: list[str]
    rows: list[DueRow]
    total: DueRow | None


def due_table(look: Look, due: list[Due], *, sees_settlements: bool) -> DueTable:
    """What is due in the page's currency, soonest first; adjustments have a column where there are any.

    Those who may see settlements get links to the ones that wait.
    """
    mine = [row for row in due if row.currency == look.currency]
    adjusted = any(row.adjustments for row in mine)
    most = max((row.net for row in mine), default=0)
    head = ["Taken", "Fees and tax", "Refunds", *(["Adjustments"] if adjusted else [])]

    def drawn(row: Due, on: str, of: str) -> DueRow:
        minors = [row.taken, row.fees, row.refunds, row.adjustments]
        told = [(name, signed(minor, look.currency)) for name, minor in zip(head, minors, strict=False)]
        links = _links(row, look) if sees_settlements else []
        return DueRow(on, of, links, told, signed(row.net, look.currency), plots.share_of(max(row.net, 0), most))

    rows = [drawn(row, _when(row), _of(row, look)) for row in mine]
    return DueTable(head, rows, drawn(_sum_of(mine), "", "") if mine else None)


def _when(row: Due) -> str:
    if row.settlements:
        return "Now"
    return long_day(row.pay_out_on) if row.pay_out_on else "By hand"


def _of(row: Due, look: Look) -> str:
    """2 settlements; Thu 19 Nov; Sat 21 and Sun 22 Nov, so far."""
    if row.settlements:
        return look.count(row.settlements, "settlement")
    if row.first is None or row.last is None:
        return "refunds and adjustments only"
    so_far = ", so far" if row.last >= look.period.today else ""
    if row.first == row.last:
        return f"{long_day(row.last)}{so_far}"
    joint = "and" if row.last - row.first == timedelta(days=1) else "to"
    is_one_month = (row.first.year, row.first.month) == (row.last.year, row.last.month)
    first = f"{row.first:%a} {row.first.day}" if is_one_month else long_day(row.first)
    return f"{first} {joint} {long_day(row.last)}{so_far}"


def _links(row: Due, look: Look) -> list[tuple[str, str]]:
    """1 to close, 2 to pay out; what a merchant owes waits for nobody."""
    queues = (("closing", row.to_close, "to close"), ("paying", row.to_pay, "to pay out"))
    return [
        (f"{grouped(number, look.currency)} {words}", look.list_of("settlement", queue=queue, currency=look.currency))
        for queue, number, words in queues
        if number
    ]


def _sum_of(rows: list[Due]) -> Due:
    total = Due(rows[0].currency)
    for row in rows:
        total.taken += row.taken
        total.fees += row.fees
        total.refunds += row.refunds
        total.adjustments += row.adjustments
    return total
