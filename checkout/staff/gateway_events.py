"""What gateways' servers told us, as it came: the evidence behind a payment's moves."""

import json
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode

from checkout.staff.base import ReadOnlyAdmin
from checkout.staff.facts import Panel, Table, beside, facts_of, link_for, link_to, moment, short_moment
from checkout.staff.filters import EventFit, GatewayFilter
from checkout.staff.ranges import Period
from checkout.staff.search import FindsByTerm, gateway_events_by
from payments.models import GatewayEvent, Order, Payment

NO_FIT = "none: it fits no payment of ours"
SHOWN_WITH_PAYMENT = 20


@admin.register(GatewayEvent)
class GatewayEventAdmin(FindsByTerm, ReadOnlyAdmin):
    finds = gateway_events_by
    change_form_template = "staff/gateway_event.html"
    list_display = ("event_id", "kind", "gateway", "of_payment", "received")
    list_filter = (EventFit, GatewayFilter, ("received_at", Period))
    list_select_related = ("payment",)
    search_help_text = "A whole event id of the gateway, payment id, or order id (the merchant's or ours)."

    def get_queryset(self, request: HttpRequest) -> QuerySet[GatewayEvent]:
        """Without the bodies, which are long and which lists never show; a row's page reads its own."""
        return super().get_queryset(request).defer("body")

    @admin.display(description="payment")
    def of_payment(self, event: GatewayEvent) -> str:
        return link_to(event.payment, event.payment.uid) if event.payment else "fits none"

    @admin.display(description="received (UTC)")
    def received(self, event: GatewayEvent) -> str:
        return short_moment(event.received_at)

    def panels(self, request: HttpRequest, row: GatewayEvent) -> list[Panel]:
        facts = {
            "event id": row.event_id,
            "gateway": row.gateway,
            "account": link_for(request, row.account, str(row.account)) if row.account else "",
            "kind": row.kind,
            "payment": link_for(request, row.payment, row.payment.uid) if row.payment else NO_FIT,
            "order": link_for(request, row.payment.order, row.payment.order.order_id) if row.payment else "",
            "received": moment(row.received_at),
        }
        return [Panel("Gateway event", facts_of(facts))]

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        body = context["original"].body
        context |= {"body": body, "pretty": pretty_json(body)}
        return super().render_change_form(request, context, *args, **kwargs)


def pretty_json(body: str) -> str:
    """A body indented for reading, or nothing where it is no JSON that we can lay out."""
    try:
        told = json.loads(body)
        text = json.dumps(told, indent=2, ensure_ascii=False)
        text.encode()
    except UnicodeEncodeError:  # half of a character, which no page can carry
        return json.dumps(told, indent=2)
    except (ValueError, RecursionError):
        return ""
    return text


def gateway_events_table(request: HttpRequest, row: Payment | Order) -> Table:
    """The newest gateway events of a payment, or of all payments of an order, as a table on its page."""
    of = {"payment": row} if isinstance(row, Payment) else {"payment__order": row}
    newest = GatewayEvent.objects.filter(**of).select_related("payment").defer("body").order_by("-pk")
    events = list(newest[: SHOWN_WITH_PAYMENT + 1])
    rows = [
        [
            link_for(request, event, event.event_id),
            event.kind,
            event.gateway,
            moment(event.received_at),
            link_for(request, event.payment, event.payment.uid) if event.payment else "",
        ]
        for event in events[:SHOWN_WITH_PAYMENT]
    ]
    where = f"{reverse('admin:payments_gatewayevent_changelist')}?{urlencode({'q': row.uid})}"
    return Table(
        "gateway-events",
        "Gateway events",
        *beside(row, ["event id", "kind", "gateway", "received", "payment"], rows),
        "No gateway’s server has told us anything of it.",
        all_at=where if len(events) > SHOWN_WITH_PAYMENT else "",
    )
