"""Proof that the books agree: ledger, payments, refunds and, in test mode, the simulator's own book."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from django.db.models import F, Q, Sum

from payments import settlement_books, statement_books
from payments.entries import Difference, Entry, chunks, entries_of, in_words
from payments.gateways.registry import SIMULATOR
from payments.gateways.simulator.models import SimulatedPayment, SimulatedRefund
from payments.models import (
    Adjustment,
    GatewaySettlement,
    LedgerAccount,
    Order,
    Payment,
    Payout,
    Refund,
    Settlement,
    Transfer,
)
from payments.states import (
    LIVE,
    REFUND_RESERVES,
    AccountKind,
    CaptureKind,
    OrderStatus,
    PaymentStatus,
    RefundStatus,
    TransferKind,
)

_A, _T, _R = AccountKind, TransferKind, RefundStatus


def differences() -> Iterator[Difference]:
    """Everything that does not agree.

    It runs beside the shop's business, in chunks and without a lock. What only seems to differ because money moved
    between two of its questions is gone at the second look.
    """
    suspects = set(_look())
    if suspects:
        yield from (difference for difference in _look() if difference in suspects)


def _look() -> Iterator[Difference]:
    yield from _transfers_in_themselves()
    for payments in chunks(Payment.objects.all()):
        yield from _of_payments(payments)
    for refunds in chunks(Refund.objects.select_related("payment")):
        yield from _of_refunds(refunds)
    for orders in chunks(Order.objects.all()):
        yield from _of_orders(orders)
    yield from _of_adjustments()
    yield from settlement_books.differences()
    yield from statement_books.differences()
    yield from _of_strays()


def figures() -> str:
    """How much was compared, in one line."""
    counts = {
        "orders": Order.objects.count(),
        "payments": Payment.objects.count(),
        "refunds": Refund.objects.count(),
        "transfers": Transfer.objects.count(),
        "accounts": LedgerAccount.objects.count(),
        "settlements": Settlement.objects.count(),
        "pay-outs": Payout.objects.count(),
    }
    return ", ".join(f"{number} {name}" for name, number in counts.items())


def balances() -> dict[tuple[str, str], int]:
    """Debits minus credits of each kind of account and currency, over all merchants and modes."""
    sums: Counter[tuple[str, str]] = Counter()
    for side, sign in (("debit", 1), ("credit", -1)):
        rows = Transfer.objects.values_list(f"{side}__kind", f"{side}__currency").annotate(sum=Sum("amount_minor"))
        for kind, currency, amount in rows.order_by():
            sums[kind, currency] += sign * amount
    return dict(sums)


def _transfers_in_themselves() -> Iterator[Difference]:
    """A transfer is one amount and stays within one merchant, mode and currency: so debits equal credits in each."""
    mixed = Transfer.objects.exclude(
        debit__currency=F("currency"),
        credit__currency=F("currency"),
        debit__merchant=F("credit__merchant"),
        debit__mode=F("credit__mode"),
    )
    for transfer in mixed:
        yield Difference(f"transfer {transfer.pk}", "its accounts are of different merchants, modes or currencies")


def _of_payments(payments: list[Payment]) -> Iterator[Difference]:
    entries = entries_of(Transfer.PAYMENT, payments)
    refunds: dict[int, list[Refund]] = {payment.pk: [] for payment in payments}
    for refund in Refund.objects.filter(payment__in=payments):
        refunds[refund.payment_id].append(refund)
    for payment in payments:
        if entries[payment.pk] != _entries_due(payment):
            yield Difference(payment.uid, f"the ledger has {in_words(entries[payment.pk])}")
        reserved = sum(r.amount_minor for r in refunds[payment.pk] if r.status in REFUND_RESERVES)
        if reserved != payment.refund_reserved_minor:
            yield Difference(payment.uid, f"{payment.refund_reserved_minor} is reserved, its refunds are {reserved}")
        refunded = sum(r.amount_minor for r in refunds[payment.pk] if r.status == _R.SUCCESS)
        if refunded != payment.refunded_minor:
            yield Difference(payment.uid, f"{payment.refunded_minor} counts as refunded, its refunds are {refunded}")
        is_ours_to_return = payment.is_captured and payment.capture_kind != CaptureKind.NORMAL
        if is_ours_to_return and payment.refundable.minor and not payment.review_reason:
            yield Difference(payment.uid, f"{payment.refundable} has to go back and does not")
    yield from _beside_the_simulator([payment for payment in payments if payment.gateway == SIMULATOR])


def _entries_due(payment: Payment) -> set[Entry]:
    if payment.status != PaymentStatus.SUCCESS:
        return set()
    owed = _A.MERCHANT_PAYABLE if payment.capture_kind == CaptureKind.NORMAL else _A.SUSPENSE
    due = [
        (_T.CAPTURE, _A.GATEWAY_RECEIVABLE, owed, payment.captured_minor),
        (_T.FEE, owed, _A.FEES, payment.fee_minor),
        (_T.TAX, owed, _A.TAX_ON_FEES, payment.fee_tax_minor),
    ]
    return {entry for entry in due if entry[3]}


def _beside_the_simulator(payments: list[Payment]) -> Iterator[Difference]:
    """The gateway's own book is the witness of what was taken. An attempt still in flight may be behind it."""
    keys = {payment.gateway_key: payment for payment in payments}
    book = {row.key: row.captured_minor for row in SimulatedPayment.objects.filter(key__in=keys)}
    for key, payment in keys.items():
        taken = book.get(key, 0)
        settled = payment.status not in LIVE and not payment.money_unclear
        if settled and taken != payment.captured_minor:
            yield Difference(payment.uid, f"we say {payment.captured_minor} was taken, the simulator {taken}")


def _of_refunds(refunds: list[Refund]) -> Iterator[Difference]:
    entries = entries_of(Transfer.REFUND, refunds)
    simulated = {
        row.key: row
        for row in SimulatedRefund.objects.select_related("payment").filter(
            key__in=[refund.gateway_key for refund in refunds]
        )
    }
    for refund in refunds:
        if entries[refund.pk] not in _refund_entries_due(refund):
            yield Difference(refund.uid, f"it is {refund.status}, and the ledger has {in_words(entries[refund.pk])}")
        if refund.payment.gateway == SIMULATOR and refund.completed_at:
            row = simulated.get(refund.gateway_key)
            given = row.amount_minor if row is not None and row.status == SimulatedRefund.DONE else 0
            ours = refund.amount_minor if refund.status == _R.SUCCESS else 0
            if given != ours and not _is_news(row):
                yield Difference(refund.uid, f"we say {ours} went back, the simulator {given}")


def _is_news(row: SimulatedRefund | None) -> bool:
    """Whether the bank returned it by itself, which we learn from an event, and that is still on its way."""
    if row is None or row.status != SimulatedRefund.FAILED:
        return False
    return row.payment.events.filter(kind="refund.failed", body__contains=row.key, due_at__isnull=False).exists()


def _refund_entries_due(refund: Refund) -> list[set[Entry]]:
    """What the ledger may hold for a refund as it is; a failed one may have been done and returned before."""
    normal = refund.payment.capture_kind == CaptureKind.NORMAL
    owed, amount = (_A.MERCHANT_PAYABLE if normal else _A.SUSPENSE), refund.amount_minor
    sent = (_T.REFUND_SENT, owed, _A.REFUNDS_IN_TRANSIT, amount)
    done = (_T.REFUND_DONE, _A.REFUNDS_IN_TRANSIT, _A.GATEWAY_RECEIVABLE, amount)
    returned = (_T.REFUND_RETURNED, _A.GATEWAY_RECEIVABLE, _A.REFUNDS_IN_TRANSIT, amount)
    failed = (_T.REFUND_FAILED, _A.REFUNDS_IN_TRANSIT, owed, amount)
    if refund.sent_at is None:
        return [set()]
    if refund.status in (_R.PENDING, _R.ONHOLD):
        return [{sent}]
    if refund.status == _R.SUCCESS:
        return [{sent, done}]
    return [{sent, failed}, {sent, done, returned, failed}]


def _of_orders(orders: list[Order]) -> Iterator[Difference]:
    normal = Payment.objects.filter(order__in=orders, capture_kind=CaptureKind.NORMAL)
    paid = {payment.order_id: payment for payment in normal}
    for order in orders:
        payment = paid.get(order.pk)
        if (order.status == OrderStatus.PAID) is not (payment is not None):
            yield Difference(order.uid, f"it is {order.status}, and its normal captures say otherwise")
        if payment is not None and payment.amount != order.amount:
            yield Difference(order.uid, f"it is about {order.amount}, and was paid by one of {payment.amount}")


def _of_adjustments() -> Iterator[Difference]:
    for adjustments in chunks(Adjustment.objects.all()):
        entries = entries_of(Transfer.ADJUSTMENT, adjustments)
        for row in adjustments:
            kind, other = (_T.PAID_IN, _A.BANK) if row.is_paid_in else (_T.ADJUSTMENT, _A.ADJUSTMENTS)
            to_merchant = (other, _A.MERCHANT_PAYABLE)
            debit, credit = to_merchant if row.amount_minor > 0 else to_merchant[::-1]
            if entries[row.pk] != {(kind, debit, credit, abs(row.amount_minor))}:
                yield Difference(str(row), f"the ledger has {in_words(entries[row.pk])}")


def _of_strays() -> Iterator[Difference]:
    """Transfers without their source, and money the simulator took or gave that we have no row of."""
    for source_type, model in (
        (Transfer.PAYMENT, Payment),
        (Transfer.REFUND, Refund),
        (Transfer.ADJUSTMENT, Adjustment),
        (Transfer.PAYOUT, Payout),
        (Transfer.GATEWAY_SETTLEMENT, GatewaySettlement),
    ):
        known: Any = model._default_manager.values("pk")
        for transfer in Transfer.objects.filter(source_type=source_type).exclude(source_id__in=known):
            yield Difference(f"transfer {transfer.pk}", f"there is no {source_type} {transfer.source_id}")
    ours = Payment.objects.filter(gateway=SIMULATOR).values("gateway_key")
    taken = SimulatedPayment.objects.filter(Q(captured_minor__gt=0) & ~Q(key__in=ours))
    for row in taken:
        yield Difference(f"simulator {row}", f"it took {row.captured} for {row.key}, which we have no payment of")
    given = SimulatedRefund.objects.select_related("payment").exclude(key__in=Refund.objects.values("gateway_key"))
    for refund in given:
        yield Difference(f"simulator {refund}", f"it gave {refund.amount} for {refund.key}, which we have no refund of")
