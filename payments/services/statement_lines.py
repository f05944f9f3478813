"""What a line of a statement is beside the books: each difference goes into its bucket, and nothing is left over."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from payments.errors import BadInput
from payments.models import Payment, Payout, Refund, StatementFile, StatementLine
from payments.statement_csv import Row
from payments.states import Bucket, LineType

LAG = timedelta(days=2)
"""What happened on the last days of a file may be in the next one: banks and gateways take their time."""
TOLERANCE = timedelta(days=1)
"""Days by which a gateway's day may differ from ours: its day begins and ends elsewhere."""
MOST_UNSEEN = 5_000
IN_ONE_QUERY = 500
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Booked:
    """What the books have: the amount with its sign as seen from our bank, and the day."""

    row: Payment | Refund | Payout | None
    amount_minor: int
    currency: str
    day: date

    @property
    def columns(self) -> dict[str, Any]:
        """Which row a line is about."""
        return {type(self.row).__name__.lower(): self.row} if self.row is not None else {}


def new_line(file: StatementFile, row: Row, **columns: Any) -> StatementLine:
    """A line as the file has it, which is not written yet."""
    return StatementLine(
        file=file,
        number=row.number,
        type=row.type,
        reference=row.reference,
        narration=row.narration,
        date=row.date,
        currency=row.currency,
        gross_minor=row.gross_minor,
        fee_minor=row.fee_minor,
        tax_minor=row.tax_minor,
        net_minor=row.net_minor,
        **columns,
    )


def unknown_line(file: StatementFile, row: Row, **about: Any) -> StatementLine:
    """A line that the books have nothing of, or nothing more of the row that it is about."""
    return new_line(file, row, bucket=Bucket.MISSING, missing_minor=row.net_minor, **about)


def repeated_line(file: StatementFile, row: Row, booked: Booked) -> StatementLine:
    """A line about what came before, in this file or in an earlier one."""
    return new_line(file, row, bucket=Bucket.DUPLICATE, duplicate_minor=row.net_minor, **booked.columns)


def known_line(file: StatementFile, row: Row, booked: Booked, *, tolerance: timedelta) -> StatementLine:
    """A line beside what the books have of it: what is not cost is another amount, or belongs to other days."""
    is_expected = file.period_from <= booked.day <= file.period_to
    short = row.gross_minor - booked.amount_minor
    is_on_time = is_expected and abs(row.date - booked.day) <= tolerance
    cost = -(row.fee_minor + row.tax_minor)
    if short:
        bucket = Bucket.SHORT
    elif not is_on_time:
        bucket = Bucket.TIMING
    else:
        bucket = Bucket.FEE if cost else Bucket.MATCHED
    return new_line(
        file,
        row,
        bucket=bucket,
        expected_minor=booked.amount_minor if is_expected else 0,
        timing_minor=0 if is_expected else booked.amount_minor,
        short_minor=short,
        cost_minor=cost,
        **booked.columns,
    )


def unseen_line(file: StatementFile, kind: LineType, reference: str, booked: Booked) -> StatementLine:
    """What the books have of the file's days, and the file has not: of the last days it may still come."""
    may_come = booked.day > file.period_to - LAG
    bucket = Bucket.TIMING if may_come else Bucket.MISSING
    return StatementLine(
        file=file,
        type=kind,
        reference=reference,
        date=booked.day,
        currency=booked.currency,
        expected_minor=booked.amount_minor,
        bucket=bucket,
        **{f"{bucket}_minor": -booked.amount_minor},
        **booked.columns,
    )


def unseen(rows: Any, *, but: set[int]) -> list[Any]:
    """Rows of the books but those that a file has. Raises BadInput where they are too many to be looked at."""
    found = [row for row in rows[: MOST_UNSEEN + len(but) + 1] if row.pk not in but]
    if len(found) > MOST_UNSEEN:
        raise BadInput(
            "period_to",
            "too_many",
            f"period_to: the books have more than {MOST_UNSEEN:,} of these days that the file has not: check the days.",
        )
    return found


def by_parts(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """So many at a time as one statement names."""
    for start in range(0, len(items), IN_ONE_QUERY):
        yield items[start : start + IN_ONE_QUERY]


def found_by_parts(items: Iterable[str], find: Callable[[Sequence[str]], Iterable[Item]]) -> Iterator[Item]:
    """Everything that `find` finds for distinct texts, asked for in parts."""
    for part in by_parts(sorted(set(items))):
        yield from find(part)


def day_of(at: datetime, time_zone: str) -> date:
    """The day of a moment where the merchant is."""
    return at.astimezone(ZoneInfo(time_zone)).date()


def span_of(file: StatementFile, time_zone: str) -> tuple[datetime, datetime]:
    """From when until before when the file's days last there."""
    zone = ZoneInfo(time_zone)
    first, after = file.period_from, file.period_to + timedelta(days=1)
    return datetime.combine(first, time(), zone), datetime.combine(after, time(), zone)
