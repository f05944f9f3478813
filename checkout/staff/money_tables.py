"""Rows of money that belong to a payment or refund, as tables on its page."""

from django.db.models import Q, QuerySet
from django.http import HttpRequest

from checkout.amounts import format_money
from checkout.staff.facts import Table, link_for, moment, status_mark
from payments.models import Adjustment, Payment, Refund, Transfer


def refunds_table(request: HttpRequest, payment: Payment) -> Table:
    """A payment's refunds, newest first."""
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
        ]
        for refund in payment.refunds.select_related("requested_by", "approved_by").order_by("-pk")
    ]
    head = ["refund", "status", "amount", "note", "asked for by", "approved by", "asked for", "completed"]
    return Table("refunds", "Refunds", head, rows, "Nothing was refunded.")


def adjustments_table(request: HttpRequest, payment: Payment) -> Table:
    """Corrections that people posted about a payment, newest first."""
    rows = [
        [
            link_for(request, row, f"#{row.pk}"),
            "to the merchant" if row.amount_minor > 0 else "from the merchant",
            format_money(abs(row.amount_minor), row.currency),
            row.reason,
            str(row.made_by),
            moment(row.made_at),
        ]
        for row in payment.adjustments.select_related("made_by").order_by("-pk")
    ]
    head = ["no.", "direction", "amount", "reason", "posted by", "at"]
    return Table("adjustments", "Adjustments", head, rows, "Nothing was adjusted.")


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
