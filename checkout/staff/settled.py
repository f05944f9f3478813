"""Where money was settled: lines of settlements, as other rows' pages show them."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join

from checkout.amounts import signed
from checkout.staff.facts import Table, link_for, may_view, moment, status_mark
from payments.models import Order, Payout, Refund, Settlement, SettlementLine
from payments.states import PayoutStatus


def lines_of(
    *, payments: Iterable[int] = (), refunds: Iterable[int] = (), adjustments: Iterable[int] = ()
) -> QuerySet[SettlementLine]:
    """The lines of rows given by their primary keys, oldest first. Each is found by an index of its own."""
    rows = Q(payment__in=list(payments)) | Q(refund__in=list(refunds)) | Q(adjustment__in=list(adjustments))
    return SettlementLine.objects.filter(rows).select_related("settlement").order_by("pk")


def lines_of_order(order: Order) -> QuerySet[SettlementLine]:
    """Where an order's payments and refunds are settled. Its payments were read with it."""
    refunds = Refund.objects.filter(order=order).values_list("pk", flat=True)
    return lines_of(payments=[payment.pk for payment in order.payments.all()], refunds=refunds)


def settlement_links(request: HttpRequest, lines: Iterable[SettlementLine]) -> str:
    """The settlements that lines are in, each once; nothing for those who may not see lines."""
    if not may_view(request, SettlementLine):
        return ""
    found = {line.settlement_id: line.settlement for line in lines}
    return format_html_join(", ", "{}", ((link_for(request, each, each.uid),) for each in found.values()))


def settlement_lines_table(request: HttpRequest, lines: Iterable[SettlementLine]) -> Table:
    """Lines with the settlement each is in, and how that was paid out."""
    lines = list(lines)
    paid = {
        payout.settlement_id: f"{payout.utr}, {payout.value_date}"
        for payout in Payout.objects.filter(settlement__in=[line.settlement_id for line in lines])
        if payout.status == PayoutStatus.PAID and may_view(request, Payout)
    }
    rows = [
        [
            link_for(request, line.settlement, line.settlement.uid),
            status_mark(line.settlement.status),
            line.kind,
            *_figures(line, line.settlement),
            paid.get(line.settlement_id, ""),
            moment(line.at),
        ]
        for line in lines
    ]
    head = ["settlement", "status", "line", "amount", "fee", "tax", "net", "paid out", "at"]
    return Table("settlements", "Settlements", head, rows, "It is in no settlement yet.")


def _figures(line: SettlementLine, settlement: Settlement) -> list[str]:
    return [
        signed(minor, settlement.currency)
        for minor in (line.amount_minor, line.fee_minor, line.tax_minor, line.net_minor)
    ]


def lines_table(request: HttpRequest, settlement: Settlement, *, at_most: int, all_at: str) -> Table:
    """A settlement's newest lines; `all_at` is where all of them are."""
    lines = settlement.lines.select_related("payment__order", "refund__order", "adjustment").order_by("-pk")
    found = list(lines[: at_most + 1])
    rows = [
        [
            line.kind,
            link_for(request, about(line), str(getattr(about(line), "uid", f"#{about(line).pk}"))),
            *_order(request, line),
            *_figures(line, settlement),
            moment(line.at),
        ]
        for line in found[:at_most]
    ]
    head = ["line", "about", "order", "amount", "fee", "tax", "net", "at"]
    return Table("lines", "Lines", head, rows, "It has no lines.", all_at if len(found) > at_most else "")


def about(line: SettlementLine) -> Any:
    """The payment, refund or adjustment that a line is about."""
    return line.payment or line.refund or line.adjustment


def _order(request: HttpRequest, line: SettlementLine) -> list[str]:
    order = getattr(about(line), "order", None)
    return [link_for(request, order, order.order_id) if order else ""]
