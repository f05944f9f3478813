"""Payments as staff see them: every field of the specification, then our own columns and events."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from checkout.amounts import format_money
from checkout.staff.base import ReadOnlyAdmin
from checkout.staff.events import events_table
from checkout.staff.facts import (
    Fact,
    Panel,
    Table,
    facts_of,
    link_for,
    link_to,
    may_view,
    moment,
    short_moment,
    status_mark,
    with_times,
)
from checkout.staff.filters import NeedsReview
from payments.models import Authorization, Event, Payment
from payments.wire import authorization_facts, payment_facts


@admin.register(Payment)
class PaymentAdmin(ReadOnlyAdmin):
    list_display = (
        "uid",
        "shown_status",
        "review",
        "amount",
        "taken",
        "of_order",
        "started",
        "method",
        "bank_reference",
        "merchant",
        "mode",
    )
    list_filter = (
        NeedsReview,
        "status",
        "mode",
        "method",
        "capture_kind",
        ("started_at", admin.DateFieldListFilter),
        "merchant",
    )
    list_select_related = ("merchant", "order")
    search_fields = (
        "uid__exact",
        "gateway_payment_id__exact",
        "bank_reference__exact",
        "gateway_key__exact",
        "order__uid__exact",
        "order__order_id__exact",
    )
    search_help_text = "A whole payment id, gateway payment id, bank reference, key at the gateway, or order id."

    @admin.display(description="order")
    def of_order(self, payment: Payment) -> str:
        return link_to(payment.order, payment.order.order_id)

    @admin.display(description="status")
    def shown_status(self, payment: Payment) -> str:
        return status_mark(payment.status)

    @admin.display(description="needs review")
    def review(self, payment: Payment) -> str:
        return "yes" if payment.review_reason else ""

    @admin.display(description="asked")
    def amount(self, payment: Payment) -> str:
        return format_money(payment.amount_minor, payment.currency)

    @admin.display(description="taken")
    def taken(self, payment: Payment) -> str:
        return format_money(payment.captured_minor, payment.currency) if payment.is_captured else ""

    @admin.display(description="started (UTC)")
    def started(self, payment: Payment) -> str:
        return short_moment(payment.started_at)

    def panels(self, request: HttpRequest, row: Payment) -> list[Panel]:
        return [
            Panel("Payment", facts_of(_specified(request, row))),
            Panel("In Till", _own(request, row)),
            Panel("At the gateway", _at_gateway(request, row)),
        ]

    def tables(self, request: HttpRequest, row: Payment) -> list[Table]:
        if not may_view(request, Event):
            return []
        return [events_table(request, row.events.select_related("payment").order_by("-sequence"))]


def _specified(request: HttpRequest, payment: Payment) -> dict[str, Any]:
    """The specification's fields, with amounts, status and order as people read them."""
    facts = with_times(payment_facts(payment))
    facts["order_id"] = link_for(request, payment.order, payment.order.order_id)
    facts["order_amount"] = format_money(payment.order.amount_minor, payment.order.currency)
    facts["payment_amount"] = format_money(payment.captured_minor, payment.currency)
    facts["payment_status"] = status_mark(payment.status)
    facts["authorization"] = _authorization(payment)
    return facts


def _authorization(payment: Payment) -> dict[str, Any]:
    """The fields of the payment's authorisation; all of them empty while there is none."""
    authorization = getattr(payment, "authorization", None) or Authorization(payment=payment)
    facts = with_times(authorization_facts(authorization) or {})
    return facts | {"captured_amount": format_money(authorization.captured_minor, payment.currency)}


def _own(request: HttpRequest, payment: Payment) -> list[Fact]:
    def money(minor: int) -> str:
        return format_money(minor, payment.currency)

    return facts_of(
        {
            "mode": payment.mode,
            "merchant": link_for(request, payment.merchant, payment.merchant.name),
            "needs review": payment.review_reason,
            "money unclear": "yes: nobody may call it untaken" if payment.money_unclear else "no",
            "capture kind": payment.capture_kind,
            "asked": money(payment.amount_minor),
            "taken": money(payment.captured_minor),
            "reserved for refunds": money(payment.refund_reserved_minor),
            "returned": money(payment.refunded_minor),
            "deadline": moment(payment.deadline_at),
            "error code": payment.error_code,
        }
    )


def _at_gateway(request: HttpRequest, payment: Payment) -> list[Fact]:
    return facts_of(
        {
            "account": link_for(request, payment.account, f"{payment.account.gateway} ({payment.account.mode})"),
            "gateway payment id": payment.gateway_payment_id,
            "gateway order id": payment.gateway_order_id,
            "our key there": payment.gateway_key,
            "start answered": moment(payment.start_answered_at),
            "inquiries": payment.inquiries,
            "next inquiry": moment(payment.inquire_at),
            "leased until": moment(payment.leased_until),
        }
    )
