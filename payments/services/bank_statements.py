"""The bank's file beside the books: pay-outs that left, came back, and what gateways paid in."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Exists, Max, OuterRef, Q, QuerySet, Sum

from payments.models import GatewaySettlement, Payout, Settlement, StatementFile, StatementLine
from payments.services.payouts import confirm_payout, fail_payout
from payments.services.statement_lines import (
    LAG,
    MOST_UNSEEN,
    Booked,
    by_parts,
    day_of,
    found_by_parts,
    known_line,
    repeated_line,
    span_of,
    unknown_line,
    unseen,
    unseen_line,
)
from payments.statement_csv import Row
from payments.states import Bucket, LineType, PayoutStatus, StatementKind

BANK_ZONE = "Asia/Kolkata"
"""Whose days a bank's file counts."""
_UNKNOWN = (Bucket.MISSING, Bucket.DUPLICATE)
_Seen = set[tuple[str, str]]
"""Type and what it was about: a pay-out, or a gateway's transfer."""


@dataclass(frozen=True, slots=True)
class _Books:
    """What the books have under the file's references."""

    payouts: dict[str, list[Payout]]
    credits: dict[tuple[str, str], Booked]
    seen: _Seen
    returned: dict[int, date]
    """The first day on which a pay-out came back, by its key."""


def compare_bank(file: StatementFile, rows: Sequence[Row], *, at: datetime) -> Iterator[StatementLine]:
    """Every line of the bank's file, and what the books have besides of its days. Pay-outs follow what it says."""
    references = {row.reference for row in rows if row.reference}
    _hold(_payouts(file, references))
    payouts = _payouts(file, references)
    returned: dict[int, date] = {}
    seen = _came_before(file, payouts, references, returned)
    books = _Books(payouts, _credits(file, references), seen, returned)
    lines = [_line(file, row, books, at=at) for row in sorted(rows, key=_when)]
    for line in lines:
        _left_again(line, books)
    yield from sorted(lines, key=lambda line: line.number or 0)
    yield from _unseen_payouts(file, books.seen)
    yield from _unseen_credits(file, books.seen)


def _hold(payouts: dict[str, list[Payout]]) -> None:
    """Hold the settlements in one order for every file, whatever order its lines have: two files never deadlock."""
    settlements = sorted({payout.settlement_id for some in payouts.values() for payout in some})
    for part in by_parts(settlements):
        held = Settlement.objects.select_for_update(no_key=True).filter(pk__in=part).order_by("pk")
        list(held.values_list("pk", flat=True))


def _payouts(file: StatementFile, references: set[str]) -> dict[str, list[Payout]]:
    """Pay-outs under the bank's reference or our own id."""

    def find(part: Sequence[str]) -> Any:
        named = Payout.objects.filter(Q(utr__in=part) | Q(uid__in=part), settlement__mode=file.mode)
        return named.select_related("settlement").order_by("pk")

    found: dict[str, list[Payout]] = {}
    for payout in {payout.pk: payout for payout in found_by_parts(references, find)}.values():
        for name in {payout.utr, payout.uid} & references:
            found.setdefault(name, []).append(payout)
    return found


def _credits(file: StatementFile, references: set[str]) -> dict[tuple[str, str], Booked]:
    """What gateways say they paid under the bank's reference, of all their files together."""

    def find(part: Sequence[str]) -> Any:
        told = GatewaySettlement.objects.filter(utr__in=part, account__mode=file.mode).order_by()
        return told.values_list("utr", "currency").annotate(Sum("total_minor"), Max("date"))

    return {
        (utr, currency): Booked(None, total, currency, day)
        for utr, currency, total, day in found_by_parts(references, find)
    }


def _came_before(
    file: StatementFile, payouts: dict[str, list[Payout]], references: set[str], returned: dict[int, date]
) -> _Seen:
    """What earlier bank files brought; `returned` takes the days of what came back."""
    earlier = _earlier(file)
    pks = sorted({payout.pk for some in payouts.values() for payout in some})
    seen: _Seen = set()
    for part in by_parts(pks):
        for kind, pk, day in earlier.filter(payout__in=part).values_list("type", "payout", "date"):
            seen.add((kind, _about_payout(pk)))
            if kind == LineType.CREDIT:
                returned[pk] = day

    def find(part: Sequence[str]) -> Any:
        return earlier.filter(payout=None, reference__in=part).values_list("type", "reference", "currency")

    return seen | {(kind, _about_credit(name, currency)) for kind, name, currency in found_by_parts(references, find)}


def _earlier(file: StatementFile) -> QuerySet[StatementLine]:
    mine = StatementLine.objects.filter(file__kind=StatementKind.BANK, file__mode=file.mode, number__isnull=False)
    return mine.exclude(bucket__in=_UNKNOWN)


def _about_payout(pk: int) -> str:
    return f"pay-out {pk}"


def _about_credit(reference: str, currency: str) -> str:
    return f"{reference} in {currency}"


# --- Lines ---


def _when(row: Row) -> tuple[date, bool, int]:
    """When it happened: many banks write the newest line first, and no pay-out comes back before it left."""
    return row.date, row.type == LineType.CREDIT, row.number


def _line(file: StatementFile, row: Row, books: _Books, *, at: datetime) -> StatementLine:
    transfer = books.credits.get((row.reference, row.currency)) if row.type == LineType.CREDIT else None
    payout = None if transfer else _payout_of(row, books)
    if payout is not None:
        about = _about_payout(payout.pk)
        amount = payout.amount_minor if row.type == LineType.CREDIT else -payout.amount_minor
        day = row.date if row.type == LineType.CREDIT else day_of(payout.sent_at, BANK_ZONE)  # a return is news
        known = Booked(payout, amount, payout.currency, day)
    elif transfer is not None:
        about, known = _about_credit(row.reference, row.currency), transfer
    else:
        return unknown_line(file, row)
    if (row.type, about) in books.seen:
        return repeated_line(file, row, known)
    if payout is not None and payout.status == PayoutStatus.FAILED:
        return unknown_line(file, row, payout=payout)
    books.seen.add((row.type, about))
    if payout is not None and row.gross_minor == known.amount_minor:
        _follow(payout, row, books, at=at)
    return known_line(file, row, known, tolerance=LAG)


def _left_again(line: StatementLine, books: _Books) -> None:
    """Say of a transfer that repeats one which came back that the books have it not: the bank may have tried again.

    Only one of a day before the return is surely the line that an earlier file had.
    """
    payout = line.payout
    if line.bucket != Bucket.DUPLICATE or line.type != LineType.DEBIT or payout is None:
        return
    if payout.status == PayoutStatus.FAILED and not line.date < books.returned.get(payout.pk, date.min):
        line.bucket, line.missing_minor, line.duplicate_minor = Bucket.MISSING, line.net_minor, 0


def _payout_of(row: Row, books: _Books) -> Payout | None:
    """The pay-out that a line is about: of several the one with its amount, and one that did not fail first."""
    found = [each for each in books.payouts.get(row.reference, []) if each.currency == row.currency]
    if row.type == LineType.CREDIT:
        found = [each for each in found if each.amount_minor == row.gross_minor]  # another amount is no return of it
    fits = sorted(
        found, key=lambda each: (each.amount_minor != abs(row.gross_minor), each.status == PayoutStatus.FAILED)
    )
    return fits[0] if fits else None


def _follow(payout: Payout, row: Row, books: _Books, *, at: datetime) -> None:
    """Say of a pay-out what the bank says: it left, or came back."""
    if row.type == LineType.CREDIT:
        books.returned[payout.pk] = row.date
        payout.status = fail_payout(payout.pk, message=f"The bank returned it on {row.date}.", by=None, at=at).status
    elif payout.status == PayoutStatus.SENT and payout.utr:  # our own id is no UTR, and merchants are told one
        payout.status = confirm_payout(payout.pk, utr=payout.utr, value_date=row.date, by=None, at=at).status


def _unseen_payouts(file: StatementFile, seen: _Seen) -> Iterator[StatementLine]:
    """Pay-outs of the file's days that left by no file."""
    since, until = span_of(file, BANK_ZONE)
    left = _earlier(file).filter(type=LineType.DEBIT, payout=OuterRef("pk"))
    payouts = Payout.objects.filter(
        ~Exists(left), settlement__mode=file.mode, sent_at__gte=since, sent_at__lt=until
    ).exclude(status=PayoutStatus.FAILED)
    here = {int(about.rpartition(" ")[2]) for kind, about in seen if kind == LineType.DEBIT}
    for payout in unseen(payouts.select_related("settlement").order_by("pk"), but=here):
        booked = Booked(payout, -payout.amount_minor, payout.currency, day_of(payout.sent_at, BANK_ZONE))
        yield unseen_line(file, LineType.DEBIT, payout.utr or payout.uid, booked)


def _unseen_credits(file: StatementFile, seen: _Seen) -> Iterator[StatementLine]:
    """What gateways say they paid on the file's days, and no file has."""
    came = _earlier(file).filter(type=LineType.CREDIT, reference=OuterRef("utr"), currency=OuterRef("currency"))
    told = GatewaySettlement.objects.filter(
        ~Exists(came), account__mode=file.mode, date__gte=file.period_from, date__lte=file.period_to
    ).exclude(utr="")
    sums = told.order_by("utr", "currency").values_list("utr", "currency").annotate(Sum("total_minor"), Max("date"))
    for utr, currency, total, day in sums[:MOST_UNSEEN]:
        if (LineType.CREDIT, _about_credit(utr, currency)) not in seen and total:
            yield unseen_line(file, LineType.CREDIT, utr, Booked(None, total, currency, day))
