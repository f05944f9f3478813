"""What gateways' servers told us, as it came: the evidence behind a payment's moves."""

import json
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse

from checkout.staff.base import ReadOnlyAdmin
from checkout.staff.facts import Panel, Table, facts_of, link_for, link_to, moment, short_moment
from checkout.staff.filters import EventFit, GatewayFilter
from checkout.staff.ranges import Period
from payments.gateways.registry import GATEWAYS
from payments.models import GatewayEvent, Payment

NO_FIT = "none: it fits no payment of ours"
SHOWN_WITH_PAYMENT = 20


@admin.register(GatewayEvent)
class GatewayEventAdmin(ReadOnlyAdmin):
    change_form_template = "staff/gateway_event.html"
    list_display = ("event_id", "kind", "gateway", "of_payment", "received")
    list_filter = (EventFit, GatewayFilter, ("received_at", Period))
    list_select_related = ("payment",)
    search_fields = ("event_id__exact", "payment__uid__exact")
    search_help_text = "A whole event id of the gateway, or a whole payment id."

    def get_queryset(self, request: HttpRequest) -> QuerySet[GatewayEvent]:
        """Without the bodies, which are long and which lists never show; a row's page reads its own."""
        return super().get_queryset(request).defer("body")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[GatewayEvent], search_term: str
    ) -> tuple[QuerySet[GatewayEvent], bool]:
        """Search by what has an index: an event id is unique beside its gateway, a payment is found first."""
        term = search_term.strip()
        if not term:
            return queryset, False
        asked = Q(gateway__in=list(GATEWAYS), event_id=term)
        payment = Payment.objects.filter(uid=term).first()
        return queryset.filter(asked | Q(payment=payment) if payment else asked), False

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
            "kind": row.kind,
            "payment": link_for(request, row.payment, row.payment.uid) if row.payment else NO_FIT,
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


def gateway_events_table(request: HttpRequest, payment: Payment) -> Table:
    """A payment's newest gateway events, as a table on its page."""
    newest = payment.gateway_events.defer("body").order_by("-pk")[: SHOWN_WITH_PAYMENT + 1]
    events = list(newest)
    rows = [
        [link_for(request, event, event.event_id), event.kind, event.gateway, moment(event.received_at)]
        for event in events[:SHOWN_WITH_PAYMENT]
    ]
    where = f"{reverse('admin:payments_gatewayevent_changelist')}?payment__id__exact={payment.pk}"
    return Table(
        "gateway-events",
        "Gateway events",
        ["event id", "kind", "gateway", "received"],
        rows,
        "The gateway’s server has told us nothing of this payment.",
        all_at=where if len(events) > SHOWN_WITH_PAYMENT else "",
    )
