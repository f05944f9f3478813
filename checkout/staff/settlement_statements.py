"""A settlement's statement: for a spreadsheet, whole, or as a page to print. Taking one is recorded with its reason."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_http_methods

from checkout.amounts import signed
from checkout.sheets import Cell, csv_of
from checkout.staff.base import ReadOnlyAdmin
from checkout.staff.closing import BUILDING
from checkout.staff.facts import Panel, facts_of, may_view
from checkout.staff.reasons import ReasonForm, act_of
from checkout.staff.settled import about
from checkout.staff.settling import settlement_facts
from payments import clock
from payments.entries import chunks
from payments.models import Settlement, SettlementLine
from payments.money import Money
from payments.services.audit import record_act
from payments.states import LineKind, PayoutStatus

PRINTED = 500
"""Lines on the page to print, at most."""

HEAD = [
    "settlement", "line", "kind", "at", "order_id", "payment_id", "refund_id", "gateway", "gateway_reference",
    "bank_reference", "method", "customer_reference", "gross", "refund", "fee", "tax", "adjustment", "net", "currency",
]  # fmt: skip


# --- Figures ---


def figures_of(settlement: Settlement) -> list[tuple[str, str]]:
    """What a settlement comes to, from gross to what is before net, with the signs that add up to it."""
    told = [
        ("Gross", settlement.gross_minor),
        ("Refunds", -settlement.refunds_minor),
        ("Fees", -settlement.fees_minor),
        ("Tax on fees", -settlement.tax_minor),
        ("Adjustments", settlement.adjustments_minor),
        ("Paid directly by the gateway", -settlement.paid_directly_minor),
        ("Carried in", settlement.carried_in_minor),
    ]
    return [(name, signed(minor, settlement.currency)) for name, minor in told]


# --- Lines ---


def lines_to_tell(settlement: Settlement) -> Any:
    """Its lines with all that a statement says of them."""
    return settlement.lines.select_related(
        "payment__order__customer", "refund__payment", "refund__order__customer", "adjustment__payment__order__customer"
    )


def rows_of(settlement: Settlement) -> Iterator[list[list[Cell]]]:
    """The statement's rows, a chunk at a time. What is in no line comes last, so that the column of nets adds up."""
    zone = ZoneInfo(settlement.merchant.time_zone)
    for lines in chunks(lines_to_tell(settlement)):
        yield [_row(settlement, line, zone) for line in lines]
    rest = {"paid directly": -settlement.paid_directly_minor, "carried in": settlement.carried_in_minor}
    yield [_rest(settlement, kind, minor) for kind, minor in rest.items() if minor]


def _row(settlement: Settlement, line: SettlementLine, zone: ZoneInfo) -> list[Cell]:
    payment, refund, adjustment = line.payment, line.refund, line.adjustment
    of = payment or (refund.payment if refund else adjustment.payment if adjustment else None)
    order = payment.order if payment else refund.order if refund else of.order if of else None
    reference = payment.gateway_payment_id if payment else refund.gateway_refund_id if refund else ""
    bank = payment.bank_reference if payment else refund.bank_reference if refund else ""
    return [
        settlement.uid,
        Decimal(line.pk),
        line.kind,
        local(line.at, zone),
        order.order_id if order else "",
        of.uid if of else "",
        refund.refund_id if refund else "",
        of.gateway if of else "",
        reference,
        bank,
        of.method if of else "",
        order.customer.reference if order else "",
        *_amounts(settlement, line),
        settlement.currency,
    ]


def _amounts(settlement: Settlement, line: SettlementLine) -> list[Cell]:
    """Gross, refund, fee, tax, adjustment and net: each column adds up to the settlement's own figure."""
    minor, kind = line.amount_minor, line.kind
    gross = minor if kind == LineKind.PAYMENT else 0
    refund = -minor if kind == LineKind.REFUND else 0
    adjustment = minor if kind in (LineKind.REVERSAL, LineKind.ADJUSTMENT) else 0
    told = (gross, refund, line.fee_minor, line.tax_minor, adjustment, line.net_minor)
    return [Money(each, settlement.currency).as_major() for each in told]


def _rest(settlement: Settlement, kind: str, minor: int) -> list[Cell]:
    nothing, amount = (Money(each, settlement.currency).as_major() for each in (0, minor))
    return [settlement.uid, "", kind, *[""] * 9, *[nothing] * 5, amount, settlement.currency]


def local(at: datetime, zone: ZoneInfo) -> str:
    """2026-11-22T21:33:09+05:30, in the merchant's zone."""
    return at.astimezone(zone).isoformat(timespec="seconds")


# --- The pages ---


class StatementsAdmin(ReadOnlyAdmin):
    """Settlements, with the door to their statements."""

    def get_urls(self) -> list[URLPattern]:
        door = self.admin_site.admin_view(self.statement_view)
        return [path("<path:object_id>/statement/", door, name="payments_settlement_statement"), *super().get_urls()]

    @method_decorator(require_http_methods(["GET", "HEAD", "POST"]))
    def statement_view(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """Ask why; the POST itself is answered with the statement, in the form asked for."""
        if not self.has_view_permission(request) or not may_view(request, SettlementLine):
            raise PermissionDenied
        settlement = self.get_object(request, unquote(object_id))
        if settlement is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined,no-any-return]
        form = ReasonForm(request.POST if request.method == "POST" else None)
        if settlement.build_at is not None or not form.is_valid():
            return self._ask_why(request, settlement, form)
        kind = "csv" if "csv" in request.POST else "page"
        by = act_of(request, form.cleaned_data["reason"])
        at, uid = clock.now(), settlement.uid
        with transaction.atomic():
            record_act("settlement.export", by, object_type="settlement", object_id=uid, at=at, kind=kind)
        return _csv(settlement) if kind == "csv" else _page(request, settlement, at=at)

    def _ask_why(self, request: HttpRequest, settlement: Settlement, form: ReasonForm) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": settlement,
            "title": "Statement",
            "panels": [Panel("Settlement", facts_of(settlement_facts(settlement, request=request)))],
            "refusal": BUILDING if settlement.build_at is not None else "",
            "printed": PRINTED,
            "form": form,
        }
        status = 400 if form.is_bound else 200
        return TemplateResponse(request, "staff/statement_ask.html", context, status=status)


def _csv(settlement: Settlement) -> StreamingHttpResponse:
    answer = StreamingHttpResponse(
        csv_of(HEAD, rows_of(settlement)), content_type="text/csv; charset=utf-8; header=present"
    )
    answer["Content-Disposition"] = f'attachment; filename="{settlement.uid}.csv"'
    return answer


def _page(request: HttpRequest, settlement: Settlement, *, at: datetime) -> HttpResponse:
    zone = ZoneInfo(settlement.merchant.time_zone)
    lines = list(lines_to_tell(settlement).order_by("pk")[: PRINTED + 1])
    context = {
        "settlement": settlement,
        "merchant": settlement.merchant,
        "figures": figures_of(settlement),
        "net": signed(settlement.net_minor, settlement.currency),
        "since": _day(settlement.payment_from, zone),
        "until": _day(settlement.payment_till, zone),
        "closed": _day(settlement.closed_at, zone),
        "payouts": _payouts(settlement, zone),
        "lines": [_printed(settlement, line, zone) for line in lines[:PRINTED]],
        "is_cut": len(lines) > PRINTED,
        "made": f"{at.astimezone(zone):%-d %b %Y, %H:%M} {settlement.merchant.time_zone}",
    }
    return TemplateResponse(request, "staff/settlement_statement.html", context)


def _payouts(settlement: Settlement, zone: ZoneInfo) -> list[dict[str, str]]:
    """Every try to pay it out, and what became of it."""
    told = []
    for payout in settlement.payouts.order_by("pk"):
        amount = signed(payout.amount_minor, settlement.currency)
        day = f"{payout.value_date:%-d %b %Y}" if payout.value_date else _day(payout.sent_at, zone)
        became = {
            PayoutStatus.SENT: f"sent on {day}, not confirmed by the bank yet.",
            PayoutStatus.PAID: f"paid on {day}.",
            PayoutStatus.FAILED: f"did not arrive, or came back: {payout.message}",
        }
        told.append({"words": f"{amount} {became[PayoutStatus(payout.status)]}", "utr": payout.utr})
    return told


def _printed(settlement: Settlement, line: SettlementLine, zone: ZoneInfo) -> list[str]:
    row = about(line)
    order = getattr(row, "order", None)
    minors = (line.amount_minor, line.fee_minor, line.tax_minor, line.net_minor)
    return [
        f"{line.at.astimezone(zone):%-d %b %Y, %H:%M}",
        line.kind,
        order.order_id if order else row.reason,
        *(signed(minor, settlement.currency) for minor in minors),
    ]


def _day(at: datetime | None, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%-d %b %Y}" if at else ""
