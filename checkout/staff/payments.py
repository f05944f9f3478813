"""Payments as staff see them: every field of the specification, then our own columns and events."""

import re
from typing import Any
from urllib.parse import urlsplit

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html

from checkout.amounts import format_money
from checkout.staff.captures import Capture, Void, held_by
from checkout.staff.deeds import DeedsAdmin
from checkout.staff.disputes import CloseDispute, OpenDispute, PostAdjustment
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
from checkout.staff.filters import GatewayFilter, MethodFilter, NeedsReview
from checkout.staff.gateway_events import gateway_events_table
from checkout.staff.giving_back import AskForRefund
from checkout.staff.money_tables import adjustments_table, refunds_table, transfers_table
from checkout.staff.ranges import AmountRange, Period
from checkout.staff.search import FindsByTerm, payments_by
from checkout.staff.settled import lines_of, settlement_lines_table
from checkout.staff.story import acts_on, webhooks_of
from payments.models import (
    Adjustment,
    Authorization,
    Delivery,
    Event,
    GatewayEvent,
    Payment,
    Refund,
    SettlementLine,
    Transfer,
)
from payments.states import PaymentStatus
from payments.wire import authorization_facts, payment_facts


@admin.register(Payment)
class PaymentAdmin(FindsByTerm, DeedsAdmin):
    deeds = (Capture(), Void(), AskForRefund(), OpenDispute(), CloseDispute(), PostAdjustment())
    finds = payments_by
    list_display = ("uid", "shown_status", "amount", "of_order", "started", "method", "bank_reference", "seller")
    list_filter = (
        NeedsReview,
        "status",
        ("started_at", Period),
        ("amount_minor", AmountRange),
        MethodFilter,
        GatewayFilter,
        "capture_kind",
        "mode",
        "merchant",
    )
    list_select_related = ("merchant", "order")
    search_help_text = (
        "Whole, not a part: an id of the payment, of its order or of a refund (the merchant's, ours, the gateway's or "
        "the bank's), the merchant's reference of the customer, an e-mail address, a phone number, or an amount like "
        "2,290.00 or INR 2290."
    )

    @admin.display(description="order")
    def of_order(self, payment: Payment) -> str:
        return link_to(payment.order, payment.order.order_id)

    @admin.display(description="status")
    def shown_status(self, payment: Payment) -> str:
        """With a word where somebody has to look at it."""
        mark = status_mark(payment.status)
        return format_html('{} <span class="till-review">needs review</span>', mark) if payment.review_reason else mark

    @admin.display(description="amount")
    def amount(self, payment: Payment) -> str:
        """What was asked for, and what was taken where that is another amount."""
        asked = format_money(payment.amount_minor, payment.currency)
        if not payment.is_captured or payment.captured_minor == payment.amount_minor:
            return asked
        taken = format_money(payment.captured_minor, payment.currency)
        return format_html('{} <span class="till-taken-otherwise">{} taken</span>', asked, taken)

    @admin.display(description="started (UTC)")
    def started(self, payment: Payment) -> str:
        return short_moment(payment.started_at)

    def panels(self, request: HttpRequest, row: Payment) -> list[Panel]:
        return [
            Panel("Money", _money(row)),
            Panel("Payment", facts_of(_specified(request, row))),
            Panel("In Till", _own(request, row)),
            Panel("At the gateway", _at_gateway(request, row)),
        ]

    def tables(self, request: HttpRequest, row: Payment) -> list[Table]:
        tables = []
        if may_view(request, Refund):
            tables.append(refunds_table(request, row))
        if may_view(request, Adjustment):
            tables.append(adjustments_table(request, row))
        if may_view(request, SettlementLine):
            lines = lines_of(payments=[row.pk], refunds=row.refunds.values_list("pk", flat=True))
            tables.append(settlement_lines_table(request, lines))
        if may_view(request, Transfer):
            tables.append(transfers_table(request, row))
        if may_view(request, Event):
            tables.append(events_table(request, row.events.select_related("payment").order_by("-sequence")))
        if may_view(request, GatewayEvent):
            tables.append(gateway_events_table(request, row))
        told = webhooks_of(request, Delivery.objects.filter(event__payment=row), row.order.uid)
        return [*tables, *told, *acts_on(request, "payment", row)]


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


def _money(payment: Payment) -> list[Fact]:
    """How much of it there is where, and what was asked about it last."""

    def money(minor: int) -> str:
        return format_money(minor, payment.currency)

    authorization = held_by(payment)
    is_held = payment.status == PaymentStatus.AUTHORIZED
    until = f"{moment(authorization.approve_by)}; then it is released by itself" if authorization else ""
    return facts_of(
        {
            "asked": money(payment.amount_minor),
            "held": money(payment.amount_minor) if is_held else "nothing",
            "held until": until if is_held and authorization and authorization.approve_by else "",
            "captured": money(payment.captured_minor),
            "refunded": money(payment.refunded_minor),
            "reserved for refunds under way": money(payment.refund_reserved_minor - payment.refunded_minor),
            "left to refund": money(payment.refundable.minor),
            "fee": money(payment.fee_minor),
            "tax on the fee": money(payment.fee_tax_minor),
            "fee rule": payment.fee_rule or ("none: no plan applied" if payment.is_captured else ""),
            "disputed": f"since {moment(payment.disputed_at)}" if payment.disputed_at else "no",
            "capture or void": _last_asked(payment),
        }
    )


def _last_asked(payment: Payment) -> str:
    """What was last asked of the gateway about held money, and what became of it."""
    authorization = held_by(payment)
    if authorization is None or not authorization.action:
        return "not asked for"
    became = {"pending": "sent, not answered yet", "success": "done", "failed": "refused"}
    told = f"{authorization.action}: {became.get(authorization.status, 'unknown')}"
    return f"{told}. {authorization.message}" if authorization.message else told


def _own(request: HttpRequest, payment: Payment) -> list[Fact]:
    return facts_of(
        {
            "mode": payment.mode,
            "merchant": link_for(request, payment.merchant, payment.merchant.name),
            "needs review": payment.review_reason,
            "money unclear": "yes: nobody may call it untaken" if payment.money_unclear else "no",
            "capture kind": payment.capture_kind,
            "deadline": moment(payment.deadline_at),
            "error code": payment.error_code,
        }
    )


def _at_gateway(request: HttpRequest, payment: Payment) -> list[Fact]:
    return facts_of(
        {
            "account": link_for(request, payment.account, f"{payment.account.gateway} ({payment.account.mode})"),
            "why there": payment.route,
            "gateway payment id": payment.gateway_payment_id,
            "gateway order id": payment.gateway_order_id,
            "our key there": payment.gateway_key,
            "next action": _next_action(payment),
            "start answered": moment(payment.start_answered_at),
            "inquiries": payment.inquiries,
            "next inquiry": moment(payment.inquire_at),
            "leased until": moment(payment.leased_until),
        }
    )


def _next_action(payment: Payment) -> dict[str, str] | str:
    """What the customer has to do next, and where, without what lets its bearer do it."""
    action = payment.next_action
    if not action:
        return "none"
    is_over = payment.status != PaymentStatus.PENDING
    return {
        "type": f"{action.get('type', '')}{' (no longer: the attempt is not pending)' if is_over else ''}",
        "address": without_token(str(action.get("url") or action.get("link") or "")),
    }


def without_token(url: str) -> str:
    """An address by its host and the first plain word of its path: a token may stand anywhere behind that."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "…"
    word = re.match(r"/[a-z]{1,12}(?=/)", parts.path)
    return f"{parts.scheme}://{parts.hostname or ''}{port}{word[0] if word else ''}/…" if parts.scheme else ""
