"""Proof that settlements and pay-outs agree with what they are made of, and with the ledger."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from django.db.models import Exists, OuterRef, Q, Sum

from payments.entries import DIRECTLY, Difference, Entry, chunks, entries_of, in_words
from payments.models import Payout, Settlement, SettlementLine, Transfer
from payments.states import (
    AccountKind,
    CaptureKind,
    Collects,
    LineKind,
    PayoutStatus,
    RefundStatus,
    SettlementStatus,
    TransferKind,
)

_A, _T, _P = AccountKind, TransferKind, PayoutStatus
_STANDS_FOR: dict[str, tuple[str, str, tuple[TransferKind, ...]]] = {
    LineKind.PAYMENT: (Transfer.PAYMENT, "payment_id", (_T.CAPTURE, _T.FEE, _T.TAX)),
    LineKind.REFUND: (Transfer.REFUND, "refund_id", (_T.REFUND_SENT,)),
    LineKind.REVERSAL: (Transfer.REFUND, "refund_id", (_T.REFUND_FAILED,)),
    LineKind.ADJUSTMENT: (Transfer.ADJUSTMENT, "adjustment_id", (_T.ADJUSTMENT, _T.PAID_IN)),
}
"""The transfers of its row that a line stands for."""


def differences() -> Iterator[Difference]:
    """Everything about settlements that does not agree."""
    for settlements in chunks(Settlement.objects.select_related("previous").filter(build_at=None)):
        for settlement in settlements:
            yield from _of_figures(settlement)
    lines = SettlementLine.objects.select_related("settlement", "payment", "refund__payment", "adjustment")
    for some in chunks(lines):
        yield from _of_rows(some)
        yield from _of_ledger(some)
    for payouts in chunks(Payout.objects.select_related("settlement")):
        yield from _of_payouts(payouts)
    yield from _of_statuses()
    yield from _of_strays()


def _of_figures(settlement: Settlement) -> Iterator[Difference]:
    """Its figures are the sums of its lines, and what it carries in is the debt of the one before."""
    told = SettlementLine.objects.filter(settlement=settlement).values_list("kind").order_by("kind")
    sums: Counter[str] = Counter()
    for kind, amount, fee, tax in told.annotate(Sum("amount_minor"), Sum("fee_minor"), Sum("tax_minor")):
        sums.update({kind: amount, "fee": fee, "tax": tax})
    by_merchant = settlement.collects == Collects.MERCHANT
    through_gateway = sums[LineKind.PAYMENT] + sums[LineKind.REFUND] + sums[LineKind.REVERSAL]
    due = {
        "gross_minor": sums[LineKind.PAYMENT],
        "refunds_minor": -sums[LineKind.REFUND],
        "fees_minor": sums["fee"],
        "tax_minor": sums["tax"],
        "adjustments_minor": sums[LineKind.REVERSAL] + sums[LineKind.ADJUSTMENT],
        "paid_directly_minor": through_gateway if by_merchant else 0,
        "carried_in_minor": settlement.previous.carried_out_minor if settlement.previous else 0,
    }
    for name, amount in due.items():
        held = getattr(settlement, name)
        if held != amount:
            yield Difference(settlement.uid, f"{name.removesuffix('_minor')} is {held}, and comes to {amount}")


def _of_rows(lines: list[SettlementLine]) -> Iterator[Difference]:
    """A line says what its row says, and stands in a settlement of the same merchant, mode and currency."""
    for line in lines:
        row: Any = line.payment or line.refund or line.adjustment
        held = (line.amount_minor, line.fee_minor, line.tax_minor)
        if held != _due(line):
            yield Difference(str(row), f"its {line.kind} line says {held}, and it says {_due(line)}")
        own, other = ((of.merchant_id, of.mode, of.currency) for of in (row, line.settlement))
        if own != other:
            yield Difference(str(row), f"its line is in {line.settlement.uid}, which is somebody else's")


def _due(line: SettlementLine) -> tuple[int, int, int] | None:
    """Amount, fee and tax that a line should have; nothing where it should not be."""
    payment, refund, adjustment = line.payment, line.refund, line.adjustment
    if payment is not None:
        normal = payment.capture_kind == CaptureKind.NORMAL
        return (payment.captured_minor, payment.fee_minor, payment.fee_tax_minor) if normal else None
    if refund is not None:
        undone = refund.status in (RefundStatus.FAILED, RefundStatus.CANCELLED)
        if line.kind == LineKind.REVERSAL:
            return (refund.amount_minor, 0, 0) if undone else None
        return (-refund.amount_minor, 0, 0) if refund.sent_at is not None else None
    assert adjustment is not None  # noqa: S101  (a constraint says so)
    return adjustment.amount_minor, 0, 0


def _of_ledger(lines: list[SettlementLine]) -> Iterator[Difference]:
    """A line is the movement of merchant_payable by its row; of a closed one that the gateway paid, the rest too."""
    for kind, (source_type, column, transfers) in _STANDS_FOR.items():
        some = {getattr(line, column): line for line in lines if line.kind == kind}
        moved = _moved(source_type, list(some), transfers)
        for pk, line in some.items():
            if moved[pk] != line.net_minor:
                yield Difference(line.settlement.uid, f"its {line} moved merchant_payable by {moved[pk]}")
        if kind == LineKind.ADJUSTMENT:
            continue
        direct = _moved(source_type, list(some), (_direct(kind),))
        for pk, line in some.items():
            closed = line.settlement.status != SettlementStatus.OPEN
            due = -line.amount_minor if closed and line.settlement.collects == Collects.MERCHANT else 0
            if direct[pk] != due:
                yield Difference(line.settlement.uid, f"its {line} was paid directly as {-direct[pk]}, not {-due}")


def _direct(kind: str) -> TransferKind:
    return _T.RETURNED_DIRECTLY if kind == LineKind.REFUND else _T.PAID_DIRECTLY


def _moved(source_type: str, pks: list[int], kinds: tuple[TransferKind, ...]) -> Counter[int]:
    """By how much these transfers of rows moved what the merchant is owed, by the row's primary key."""
    moved: Counter[int] = Counter()
    found = Transfer.objects.filter(source_type=source_type, source_id__in=pks, kind__in=kinds)
    for side, sign in (("credit", 1), ("debit", -1)):
        rows = found.filter(**{f"{side}__kind": _A.MERCHANT_PAYABLE}).values_list("source_id", "amount_minor")
        for pk, amount in rows:
            moved[pk] += sign * amount
    return moved


def _of_payouts(payouts: list[Payout]) -> Iterator[Difference]:
    entries = entries_of(Transfer.PAYOUT, payouts)
    for payout in payouts:
        if payout.amount_minor != payout.settlement.net_minor:
            yield Difference(payout.uid, f"it brings {payout.amount_minor}, and {payout.settlement.net_minor} is owed")
        due: set[Entry] = {(_T.PAYOUT, _A.MERCHANT_PAYABLE, _A.BANK, payout.amount_minor)}
        if payout.status == _P.FAILED:
            due.add((_T.PAYOUT_RETURNED, _A.BANK, _A.MERCHANT_PAYABLE, payout.amount_minor))
        if entries[payout.pk] != due:
            yield Difference(payout.uid, f"it is {payout.status}, and the ledger has {in_words(entries[payout.pk])}")


def _of_statuses() -> Iterator[Difference]:
    """Paid out is what a paid pay-out says, and failed what has none any more."""
    live = Payout.objects.filter(settlement=OuterRef("pk")).exclude(status=_P.FAILED)
    paid = Exists(live.filter(status=_P.PAID))
    wrong = (
        Q(paid, ~Q(status=SettlementStatus.PAID_OUT))
        | Q(~paid, status=SettlementStatus.PAID_OUT)
        | Q(Exists(live), status__in=[SettlementStatus.OPEN, SettlementStatus.FAILED])
    )
    for settlement in Settlement.objects.filter(wrong):
        yield Difference(settlement.uid, f"it is {settlement.status}, and its pay-outs say otherwise")


def _of_strays() -> Iterator[Difference]:
    """What was paid directly without being in any settlement."""
    for source_type, column in ((Transfer.PAYMENT, "payment_id"), (Transfer.REFUND, "refund_id")):
        lines = SettlementLine.objects.filter(**{column: OuterRef("source_id")})
        found = Transfer.objects.filter(~Exists(lines), source_type=source_type, kind__in=DIRECTLY)
        for transfer in found:
            yield Difference(f"transfer {transfer.pk}", f"{source_type} {transfer.source_id} is in no settlement")
