"""Orders as staff see them: every field of the specification, our own columns, attempts, and all that happened."""

from typing import Any

from django.contrib import admin
from django.db.models import Model, Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode

from checkout.amounts import format_money
from checkout.staff.facts import (
    Fact,
    Panel,
    Table,
    facts_of,
    link_for,
    may_view,
    moment,
    short_moment,
    status_mark,
    with_times,
)
from checkout.staff.filters import GatewayFilter, MethodFilter, NeedsReview, ShownStatus
from checkout.staff.links import LinksAdmin
from checkout.staff.ranges import AmountRange, Period
from checkout.staff.search import FindsByTerm, orders_by
from checkout.staff.settled import lines_of_order, settlement_links
from checkout.staff.story import order_tables
from checkout.staff.terminate import TerminableAdmin
from checkout.staff.timeline import AT_MOST as TIMELINE_AT_MOST
from checkout.staff.timeline import timeline_of
from payments import clock
from payments.models import Order, Payment, Refund, Transfer
from payments.selectors import OrderState
from payments.wire import order_facts


@admin.register(Order)
class OrderAdmin(FindsByTerm, LinksAdmin, TerminableAdmin):
    change_list_template = "staff/order_list.html"
    change_form_template = "staff/order_timeline.html"
    finds = orders_by
    list_display = ("order_id", "shown_status", "amount", "created", "customer_email", "seller")
    list_filter = (
        ShownStatus,
        ("created_at", Period),
        ("amount_minor", AmountRange),
        MethodFilter,
        GatewayFilter,
        NeedsReview,
        "mode",
        "merchant",
    )
    list_select_related = ("merchant",)
    search_help_text = (
        "Whole, not a part: an id of the order, of a payment or of a refund (the merchant's, ours, the gateway's or "
        "the bank's), the merchant's reference of the customer, an e-mail address, a phone number, or an amount like "
        "2,290.00 or INR 2290."
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Order]:
        """Orders with their attempts, newest first: what the status to show is read from."""
        attempts = Payment.objects.order_by("-pk")
        return super().get_queryset(request).prefetch_related(Prefetch("payments", queryset=attempts))

    @admin.display(description="status")
    def shown_status(self, order: Order) -> str:
        return status_mark(_state(order).status)

    @admin.display(description="amount")
    def amount(self, order: Order) -> str:
        return format_money(order.amount_minor, order.currency)

    @admin.display(description="created (UTC)")
    def created(self, order: Order) -> str:
        return short_moment(order.created_at)

    def panels(self, request: HttpRequest, row: Order) -> list[Panel]:
        state = _state(row)
        return [
            Panel("Order", facts_of(_specified(request, row, state))),
            Panel("In Till", _own(request, row, state)),
        ]

    def tables(self, request: HttpRequest, row: Order) -> list[Table]:
        return order_tables(request, row)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        order = context["original"]
        context["timeline"] = timeline_of(request, order, order.payments.all(), at_most=TIMELINE_AT_MOST)
        return super().render_change_form(request, context, *args, **kwargs)


def _state(order: Order) -> OrderState:
    """The order's state now. Its attempts were read with it, newest first."""
    return OrderState(order, list(order.payments.all()), clock.now())


def _specified(request: HttpRequest, order: Order, state: OrderState) -> dict[str, Any]:
    """The specification's fields, with amounts and status as people read them."""
    facts = with_times(order_facts(order))
    facts["order_amount"] = format_money(order.amount_minor, order.currency)
    facts["order_status"] = status_mark(state.status)
    facts["order_meta"]["payment_methods"] = order.payment_methods or "all (the merchant named none)"
    facts["order_tags"] = order.tags or "none"
    return facts | {
        "payments": _payments_link(request, order, len(state.payments)),
        "refunds": _refunds_link(request, order, state),
        "settlements": settlement_links(request, lines_of_order(order)) or "none",
    }


def _payments_link(request: HttpRequest, order: Order, count: int) -> str:
    return _rows_link(request, Payment, order, f"{count} payment" if count == 1 else f"{count} payments")


def _refunds_link(request: HttpRequest, order: Order, state: OrderState) -> str:
    """How much went back, which leads to the refunds; or that some are on their way."""
    returned = [format_money(p.refunded_minor, p.currency) for p in state.payments if p.refunded_minor]
    if not any(p.refund_reserved_minor for p in state.payments):
        return "none"
    return _rows_link(request, Refund, order, f"{' and '.join(returned) or 'nothing yet'} returned")


def _booked_link(request: HttpRequest, order: Order) -> str:
    """What the ledger holds because of the order, for those who may read it."""
    if not may_view(request, Transfer):
        return "in the ledger"
    where = f"{reverse('admin:payments_transfer_changelist')}?{urlencode({'q': order.uid})}"
    return format_html('<a href="{}">all transfers of this order</a>', where)


def _rows_link(request: HttpRequest, model: type[Model], order: Order, text: str) -> str:
    """A list of what belongs to the order, for those who may see it."""
    if not may_view(request, model):
        return text
    where = f"{reverse(f'admin:payments_{model._meta.model_name}_changelist')}?order__id__exact={order.pk}"
    return format_html('<a href="{}">{}</a>', where, text)


def _own(request: HttpRequest, order: Order, state: OrderState) -> list[Fact]:
    stored = "" if state.status == order.status else f"{order.status} (its time is up; the next sweep stores it)"
    facts = {
        "mode": order.mode,
        "merchant": link_for(request, order.merchant, order.merchant.name),
        "customer": link_for(request, order.customer, str(order.customer)),
        "stored status": stored,
        "money is held first": order.manual_capture,
        "attempts declined": order.attempts_declined,
        "extensions of its time": order.extensions_used,
        "terminate requested": moment(order.terminate_requested_at),
        "events so far": order.last_sequence,
        "booked": _booked_link(request, order),
    }
    return facts_of({name: value for name, value in facts.items() if name != "stored status" or value})
