"""What belongs to an order, as tables on its page and on those of its parts; each leads to the rows themselves."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode

from checkout.amounts import format_money
from checkout.staff.audit import ACTS, link_to_person
from checkout.staff.deliveries import deliveries_table
from checkout.staff.facts import Table, link_for, may_view, moment, status_mark
from checkout.staff.gateway_events import gateway_events_table
from checkout.staff.money_tables import adjustments_table, refunds_table
from checkout.staff.settled import lines_of_order, settlement_lines_table
from payments.models import (
    Adjustment,
    AuditEntry,
    Authorization,
    Delivery,
    GatewayEvent,
    Order,
    Payment,
    Refund,
    SettlementLine,
)

SHOWN = 20


def order_tables(request: HttpRequest, order: Order) -> list[Table]:
    """Everything that belongs to an order, as far as this person may see it."""
    tables = []
    if may_view(request, Payment):
        tables += [_payments(request, order), *_holds(request, order)]
    if may_view(request, Refund):
        tables.append(refunds_table(request, order))
    if may_view(request, Adjustment):
        tables.append(adjustments_table(request, order))
    if may_view(request, SettlementLine):
        tables.append(settlement_lines_table(request, lines_of_order(order)))
    tables += webhooks_of(request, Delivery.objects.filter(event__order=order), order.uid)
    if may_view(request, GatewayEvent):
        tables.append(gateway_events_table(request, order))
    return [*tables, *acts(request, AuditEntry.objects.filter(order=order), order.uid)]


def webhooks_of(request: HttpRequest, rows: QuerySet[Delivery], term: str) -> list[Table]:
    """What the merchant's servers were told; `term` finds all of it in the list of webhooks."""
    if not may_view(request, Delivery):
        return []
    where = _search("delivery", term)
    return [deliveries_table(request, rows, all_at=where, empty="No webhook was due so far.")]


def acts_on(request: HttpRequest, kind: str, row: Any) -> list[Table]:
    """What staff did to one row, which audit entries know by its public id."""
    return acts(request, AuditEntry.objects.filter(object_type=kind, object_id=row.uid), row.uid)


def acts(request: HttpRequest, rows: QuerySet[AuditEntry], term: str) -> list[Table]:
    """What staff did and why, for those who may read it; `term` finds all of it in the list of audit entries."""
    if not may_view(request, AuditEntry):
        return []
    found = list(rows.select_related("actor").order_by("-pk")[: SHOWN + 1])
    told = [
        [
            link_for(request, entry, f"#{entry.pk}"),
            link_to_person(request, entry.actor),
            ACTS.get(entry.act, entry.act),
            entry.reason,
            moment(entry.at),
        ]
        for entry in found[:SHOWN]
    ]
    where = _search("auditentry", term) if len(found) > SHOWN else ""
    head = ["no.", "who", "did", "reason", "at"]
    return [Table("acts", "What staff did", head, told, "Staff did nothing to it.", all_at=where)]


def _search(model: str, term: str) -> str:
    return f"{reverse(f'admin:payments_{model}_changelist')}?{urlencode({'q': term})}"


def _payments(request: HttpRequest, order: Order) -> Table:
    """Every attempt with its outcome; they were read with the order."""
    rows = [
        [
            link_for(request, payment, payment.uid),
            status_mark(payment.status),
            payment.message or payment.error_code,
            "yes" if payment.review_reason else "",
            f"{payment.get_method_display()} by {payment.gateway}",
            format_money(payment.amount_minor, payment.currency),
            format_money(payment.captured_minor, payment.currency) if payment.is_captured else "",
            payment.capture_kind,
            moment(payment.started_at),
            moment(payment.completed_at),
        ]
        for payment in order.payments.all()
    ]
    head = ["payment", "status", "outcome", "needs review", "method", "asked", "taken", "kind", "started", "ended"]
    return Table("payments", "Payments", head, rows, "Nothing has been tried yet.")


def _holds(request: HttpRequest, order: Order) -> list[Table]:
    """Money that was held, and what was asked of the gateway about it; no table where nothing ever was."""
    held = Authorization.objects.filter(payment__order=order).exclude(approve_by=None).select_related("payment")
    rows = [
        [
            link_for(request, hold.payment, hold.payment.uid),
            format_money(hold.payment.amount_minor, hold.payment.currency),
            moment(hold.approve_by),
            hold.action or "not asked for",
            hold.status,
            format_money(hold.captured_minor, hold.payment.currency) if hold.captured_minor else "",
            moment(hold.action_time),
        ]
        for hold in held.order_by("-pk")
    ]
    head = ["payment", "held", "until", "capture or void", "outcome", "captured", "at"]
    return [Table("holds", "Held money", head, rows, "")] if rows else []
