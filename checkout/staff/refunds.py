"""Refunds as staff see them: the queue of those that wait for a second person, and each one's page."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html

from checkout.amounts import format_money
from checkout.staff.approvals import SAME_PERSON, Approve, Cancel, Change, amount_of
from checkout.staff.deeds import DeedsAdmin
from checkout.staff.events import events_table
from checkout.staff.facts import (
    Panel,
    Table,
    facts_of,
    link_for,
    link_to,
    may_view,
    moment,
    short_moment,
    status_mark,
)
from checkout.staff.filters import GatewayFilter, MethodFilter
from checkout.staff.money_tables import transfers_table
from checkout.staff.ranges import AmountRange, Period
from checkout.staff.search import FindsByTerm, refunds_by
from checkout.staff.settled import lines_of, settlement_lines_table
from checkout.staff.story import acts_on, webhooks_of
from payments.models import Delivery, Event, Refund, SettlementLine, Transfer
from payments.states import REFUND_SENT, RefundStatus


class RefundQueue(admin.SimpleListFilter):
    """Refunds by whom they wait for."""

    title = "queue"
    parameter_name = "queue"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("approval", "waits for approval"), ("gateway", "waits for the gateway"), ("over", "decided")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Refund]) -> QuerySet[Refund]:
        if self.value() == "approval":
            return queryset.filter(status=RefundStatus.REQUESTED)
        if self.value() == "gateway":
            return queryset.filter(status__in=REFUND_SENT)
        waiting = [RefundStatus.REQUESTED, *REFUND_SENT]
        return queryset.exclude(status__in=waiting) if self.value() == "over" else queryset


@admin.register(Refund)
class RefundAdmin(FindsByTerm, DeedsAdmin):
    deeds = (Approve(), Change(), Cancel())
    finds = refunds_by
    list_display = (
        "uid",
        "shown_status",
        "amount",
        "requested",
        "people",
        "of_order",
        "seller",
    )
    list_filter = (
        RefundQueue,
        "status",
        ("requested_at", Period),
        ("amount_minor", AmountRange),
        MethodFilter,
        GatewayFilter,
        "mode",
        "merchant",
    )
    list_select_related = ("payment", "order", "merchant", "requested_by", "approved_by")
    search_help_text = (
        "Whole, not a part: an id of the refund, of its payment or of its order (the merchant's, ours, the gateway's "
        "or the bank's), the merchant's reference of the customer, an e-mail address, a phone number, or the refund's "
        "amount like 2,290.00 or INR 2290."
    )

    @admin.display(description="status")
    def shown_status(self, refund: Refund) -> str:
        return status_mark(refund.status)

    @admin.display(description="amount")
    def amount(self, refund: Refund) -> str:
        return amount_of(refund)

    @admin.display(description="order, payment")
    def of_order(self, refund: Refund) -> str:
        links = link_to(refund.order, refund.order.order_id), link_to(refund.payment, refund.payment.uid)
        return format_html("{} {}", *links)

    @admin.display(description="asked for (UTC)")
    def requested(self, refund: Refund) -> str:
        return short_moment(refund.requested_at)

    @admin.display(description="asked for by")
    def people(self, refund: Refund) -> str:
        """Who asked for it, and who approved it."""
        asked = asked_by(refund)
        if refund.approved_by is None:
            return asked
        return format_html("{}; approved by {}", asked, refund.approved_by)

    def panels(self, request: HttpRequest, row: Refund) -> list[Panel]:
        return [
            Panel("Refund", facts_of(_own(request, row))),
            Panel("People", facts_of(_people(row))),
            Panel("At the gateway", facts_of(_at_gateway(row))),
        ]

    def tables(self, request: HttpRequest, row: Refund) -> list[Table]:
        tables = []
        if may_view(request, SettlementLine):
            tables.append(settlement_lines_table(request, lines_of(refunds=[row.pk])))
        if may_view(request, Transfer):
            tables.append(transfers_table(request, row))
        if may_view(request, Event):
            tables.append(events_table(request, row.events.select_related("payment").order_by("-sequence")))
        told = webhooks_of(request, Delivery.objects.filter(event__refund=row), row.order.uid)
        return [*tables, *told, *acts_on(request, "refund", row)]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        refund = context["original"]
        is_mine = refund.status == RefundStatus.REQUESTED and refund.requested_by_id == request.user.pk
        context["note"] = SAME_PERSON if is_mine else ""
        return super().render_change_form(request, context, *args, **kwargs)


def asked_by(refund: Refund) -> str:
    """Whose wish a refund is: a person's, the merchant's by API, or nobody's."""
    if refund.is_automatic:
        return "nobody: it goes back by itself"
    return str(refund.requested_by) if refund.requested_by else "the merchant, by API"


def _own(request: HttpRequest, refund: Refund) -> dict[str, Any]:
    left = refund.payment.refundable
    return {
        "refund id": refund.uid,
        "the merchant's refund id": refund.refund_id,
        "status": status_mark(refund.status),
        "amount": amount_of(refund),
        "currency": refund.currency,
        "payment": link_for(request, refund.payment, refund.payment.uid),
        "order": link_for(request, refund.order, refund.order.order_id),
        "customer": f"{refund.order.payer} ({refund.order.customer_email})",
        "merchant": link_for(request, refund.merchant, refund.merchant.name),
        "mode": refund.mode,
        "left to refund besides": format_money(left.minor, left.currency),
        "note": refund.note,
        "message": refund.message,
        "error code": refund.error_code,
        "goes back by itself": "yes: late or surplus money" if refund.is_automatic else "no",
    }


def _people(refund: Refund) -> dict[str, Any]:
    return {
        "asked for by": asked_by(refund),
        "asked for": moment(refund.requested_at),
        "approved by": str(refund.approved_by or ""),
        "version": refund.version,
    }


def _at_gateway(refund: Refund) -> dict[str, Any]:
    return {
        "our key there": refund.gateway_key,
        "gateway refund id": refund.gateway_refund_id,
        "bank reference": refund.bank_reference,
        "sent": moment(refund.sent_at) or "not yet",
        "completed": moment(refund.completed_at),
        "inquiries": refund.inquiries,
        "next inquiry": moment(refund.inquire_at),
        "leased until": moment(refund.leased_until),
    }
