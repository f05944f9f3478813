"""A gateway's file beside the books: which payments and refunds it paid, and the transfers that book it."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime

from django.db.models import Exists, OuterRef, QuerySet

from payments.models import (
    GatewayAccount,
    GatewaySettlement,
    Payment,
    Refund,
    StatementFile,
    StatementLine,
    Transfer,
)
from payments.services.ledger import Posting, Source, post
from payments.services.statement_lines import (
    TOLERANCE,
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
from payments.states import AccountKind, Bucket, LineType, PaymentStatus, RefundStatus, TransferKind

RECOGNISED = (Bucket.MATCHED, Bucket.FEE, Bucket.TIMING, Bucket.SHORT)
_EARLIER = StatementLine.objects.filter(number__isnull=False, bucket__in=RECOGNISED)
_Key = tuple[str, int]


def compare_gateway(file: StatementFile, rows: Sequence[Row]) -> Iterator[StatementLine]:
    """Every line of a gateway's file, and what the books have besides of its days."""
    account = file.account
    assert account is not None  # noqa: S101  (a constraint says so)
    booked = _booked(account, rows)
    seen = _came_before(list(booked.values()))
    for row in rows:
        known = booked.get((row.type, row.reference))
        if known is None or known.currency != row.currency:
            yield unknown_line(file, row)
        elif _key(known) in seen:
            yield repeated_line(file, row, known)
        else:
            seen.add(_key(known))
            yield known_line(file, row, known, tolerance=TOLERANCE)
    yield from _unseen(file, account, seen)


def _booked(account: GatewayAccount, rows: Sequence[Row]) -> dict[tuple[str, str], Booked]:
    """What the books have under the file's ids, of this account alone."""
    zone = account.merchant.time_zone
    found: dict[tuple[str, str], Booked] = {}
    payments = Payment.objects.filter(account=account, status=PaymentStatus.SUCCESS)
    ids = [row.reference for row in rows if row.type == LineType.PAYMENT]
    for payment in found_by_parts(ids, lambda part: payments.filter(gateway_payment_id__in=part)):
        found[LineType.PAYMENT, payment.gateway_payment_id] = _of_payment(payment, zone)
    ids = [row.reference for row in rows if row.type == LineType.REFUND]
    refunds = _sent_refunds(account)
    for refund in found_by_parts(ids, lambda part: refunds.filter(gateway_refund_id__in=part)):
        found[LineType.REFUND, refund.gateway_refund_id] = _of_refund(refund, zone)
    return found


def _sent_refunds(account: GatewayAccount) -> QuerySet[Refund]:
    gone = (RefundStatus.FAILED, RefundStatus.CANCELLED)
    return Refund.objects.filter(payment__account=account, sent_at__isnull=False).exclude(status__in=gone)


def _of_payment(payment: Payment, zone: str) -> Booked:
    assert payment.completed_at is not None  # noqa: S101  (it is captured)
    return Booked(payment, payment.captured_minor, payment.currency, day_of(payment.completed_at, zone))


def _of_refund(refund: Refund, zone: str) -> Booked:
    assert refund.sent_at is not None  # noqa: S101  (it was sent)
    return Booked(refund, -refund.amount_minor, refund.currency, day_of(refund.sent_at, zone))


def _key(booked: Booked) -> _Key:
    assert booked.row is not None  # noqa: S101  (a payment or refund)
    return type(booked.row).__name__, booked.row.pk


def _came_before(known: list[Booked]) -> set[_Key]:
    """Those that an earlier file brought."""
    seen: set[_Key] = set()
    for model, column in ((Payment, "payment"), (Refund, "refund")):
        pks = [each.row.pk for each in known if isinstance(each.row, model)]
        for part in by_parts(pks):
            told = _EARLIER.filter(**{f"{column}__in": part}).values_list(column, flat=True)
            seen |= {(model.__name__, pk) for pk in told}
    return seen


def _unseen(file: StatementFile, account: GatewayAccount, seen: set[_Key]) -> Iterator[StatementLine]:
    """What was captured or sent on the file's days, and no file has."""
    zone = account.merchant.time_zone
    since, until = span_of(file, zone)
    here = {name: {pk for kind, pk in seen if kind == name} for name in ("Payment", "Refund")}
    payments = Payment.objects.filter(
        ~Exists(_EARLIER.filter(payment=OuterRef("pk"))),
        account=account,
        status=PaymentStatus.SUCCESS,
        completed_at__gte=since,
        completed_at__lt=until,
    )
    for payment in unseen(payments.order_by("pk"), but=here["Payment"]):
        yield unseen_line(file, LineType.PAYMENT, payment.gateway_payment_id, _of_payment(payment, zone))
    refunds = _sent_refunds(account).filter(
        ~Exists(_EARLIER.filter(refund=OuterRef("pk"))), sent_at__gte=since, sent_at__lt=until
    )
    for refund in unseen(refunds.order_by("pk"), but=here["Refund"]):
        yield unseen_line(file, LineType.REFUND, refund.gateway_refund_id, _of_refund(refund, zone))


# --- Booking ---


def settle_gateway(file: StatementFile, rows: Sequence[Row], lines: Sequence[StatementLine], *, at: datetime) -> None:
    """Write down each settlement the gateway names, post it, and say on its lines that they are of it."""
    account = file.account
    assert account is not None  # noqa: S101  (as above)
    groups: dict[tuple[str, str, str], list[StatementLine]] = defaultdict(list)
    for row, line in zip(rows, lines, strict=False):  # what the books alone have stands behind all rows
        groups[row.settlement, row.utr, row.currency].append(line)
    for (reference, utr, currency), of_it in groups.items():
        ours = [line for line in of_it if line.bucket in RECOGNISED]
        settlement = GatewaySettlement.objects.create(
            file=file,
            account=account,
            reference=reference,
            utr=utr,
            currency=currency,
            date=max(line.date for line in of_it),
            total_minor=sum(line.net_minor for line in of_it),
            paid_minor=sum(line.net_minor for line in ours),
            cost_minor=sum(line.fee_minor + line.tax_minor for line in ours),
        )
        for line in of_it:
            line.gateway_settlement = settlement
        source = Source(Transfer.GATEWAY_SETTLEMENT, settlement.pk, account.merchant_id, account.mode, currency)
        post(source, _postings(settlement), at=at)


def _postings(settlement: GatewaySettlement) -> Iterator[Posting]:
    """What the gateway paid, and what it kept; below zero it took it from us."""
    for kind, account, amount in (
        (TransferKind.GATEWAY_PAID, AccountKind.BANK, settlement.paid_minor),
        (TransferKind.GATEWAY_COST, AccountKind.GATEWAY_FEES, settlement.cost_minor),
    ):
        sides = (account, AccountKind.GATEWAY_RECEIVABLE)
        debit, credit = sides if amount > 0 else sides[::-1]
        yield Posting(kind, debit, credit, abs(amount))
