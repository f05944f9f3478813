"""Rows of money that belong to a payment or refund, as tables on its page."""

from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest

from checkout.amounts import format_money
from checkout.staff.facts import Table, beside, link_for, moment, status_mark
from payments.models import Adjustment, Order, Payment, Refund, Transfer


def refunds_table(request: HttpRequest, row: Payment | Order) -> Table:
    """Refunds of a payment, or of all payments of an order, newest first."""
    found = Refund.objects.filter(**_of(row)).select_related("payment", "requested_by", "approved_by")
    rows = [
        [
            link_for(request, refund, refund.uid),
            status_mark(refund.status),
            format_money(refund.amount_minor, refund.currency),
            refund.note,
            "by itself" if refund.is_automatic else str(refund.requested_by or "the merchant, by API"),
            str(refund.approved_by or ""),
            moment(refund.requested_at),
            moment(refund.completed_at),
            link_for(request, refund.payment, refund.payment.uid),
        ]
        for refund in found.order_by("-pk")
    ]
    head = ["refund", "status", "amount", "note", "asked for by", "approved by", "asked for", "completed", "payment"]
    return Table("refunds", "Refunds", *beside(row, head, rows), "Nothing was refunded.")


def _of(row: Payment | Order, path: str = "") -> dict[str, Any]:
    """Rows that belong to a payment, or to an order; `path` leads from them to the order."""
    return {"payment": row} if isinstance(row, Payment) else {f"{path}order": row}


def adjustments_table(request: HttpRequest, row: Payment | Order) -> Table:
    """Corrections that people posted about a payment, or about all payments of an order, newest first."""
    found = Adjustment.objects.filter(**_of(row, "payment__")).select_related("made_by", "payment")
    rows = [
        [
            link_for(request, each, f"#{each.pk}"),
            "to the merchant" if each.amount_minor > 0 else "from the merchant",
            format_money(abs(each.amount_minor), each.currency),
            each.reason,
            str(each.made_by),
            moment(each.made_at),
            link_for(request, each.payment, each.payment.uid) if each.payment else "",
        ]
        for each in found.order_by("-pk")
    ]
    head = ["no.", "direction", "amount", "reason", "posted by", "at", "payment"]
    return Table("adjustments", "Adjustments", *beside(row, head, rows), "Nothing was adjusted.")


def transfers_table(request: HttpRequest, row: Payment | Refund) -> Table:
    """What the ledger holds because of a payment with its refunds and adjustments, or of one refund; oldest first."""
    transfers = _transfers(row).select_related("debit", "credit").order_by("pk")
    rows = [
        [
            link_for(request, transfer, transfer.get_kind_display().replace("_", " ")),
            transfer.debit.get_kind_display().replace("_", " "),
            transfer.credit.get_kind_display().replace("_", " "),
            format_money(transfer.amount_minor, transfer.currency),
            moment(transfer.at),
        ]
        for transfer in transfers
    ]
    head = ["kind", "debit", "credit", "amount", "when"]
    return Table("transfers", "Ledger transfers", head, rows, "The ledger holds nothing of it.")


def _transfers(row: Payment | Refund) -> QuerySet[Transfer]:
    if isinstance(row, Refund):
        return Transfer.objects.filter(source_type=Transfer.REFUND, source_id=row.pk)
    refunds = Refund.objects.filter(payment=row).values("pk")
    adjustments = Adjustment.objects.filter(payment=row).values("pk")
    return Transfer.objects.filter(
        Q(source_type=Transfer.PAYMENT, source_id=row.pk)
        | Q(source_type=Transfer.REFUND, source_id__in=refunds)
        | Q(source_type=Transfer.ADJUSTMENT, source_id__in=adjustments)
    )
