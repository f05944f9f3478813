"""Events: what happened, in order."""

from collections.abc import Iterable

from django.contrib import admin
from django.http import HttpRequest

from checkout.staff.base import ReadOnlyAdmin
from checkout.staff.facts import Panel, Table, facts_of, link_for, link_to, moment, short_moment
from checkout.staff.filters import EventKind
from checkout.staff.ranges import Period
from checkout.staff.search import FindsByTerm, events_by
from payments.models import Event


@admin.register(Event)
class EventAdmin(FindsByTerm, ReadOnlyAdmin):
    list_display = ("number", "happened", "kind", "of_order", "of_payment", "of_refund", "old", "new", "cause")
    finds = events_by
    list_filter = (EventKind, ("at", Period), "order__mode", "order__merchant")
    list_select_related = ("order", "payment", "refund")
    search_help_text = "A whole order id (the merchant's or ours), payment id or refund id."

    @admin.display(description="no.")
    def number(self, event: Event) -> str:
        return f"#{event.sequence}"

    @admin.display(description="at (UTC)")
    def happened(self, event: Event) -> str:
        return short_moment(event.at)

    @admin.display(description="order")
    def of_order(self, event: Event) -> str:
        return link_to(event.order, event.order.order_id)

    @admin.display(description="payment", empty_value="")
    def of_payment(self, event: Event) -> str:
        return link_to(event.payment, event.payment.uid) if event.payment else ""

    @admin.display(description="refund", empty_value="")
    def of_refund(self, event: Event) -> str:
        return link_to(event.refund, event.refund.uid) if event.refund else ""

    def panels(self, request: HttpRequest, row: Event) -> list[Panel]:
        facts = {
            "order": link_for(request, row.order, row.order.order_id),
            "payment": link_for(request, row.payment, row.payment.uid) if row.payment else "",
            "refund": link_for(request, row.refund, row.refund.uid) if row.refund else "",
            "number": row.sequence,
            "kind": row.kind,
            "old": row.old,
            "new": row.new,
            "cause": row.cause,
            "at": moment(row.at),
        }
        return [Panel("Event", facts_of(facts))]


def events_table(request: HttpRequest, events: Iterable[Event]) -> Table:
    """Events as a table on the page of what they are about."""
    rows = [
        [
            link_for(request, event, f"#{event.sequence}"),
            moment(event.at),
            event.kind,
            f"{event.old} → {event.new}" if event.old else event.new,
            event.cause,
            link_for(request, event.payment, event.payment.uid) if event.payment else "",
        ]
        for event in events
    ]
    return Table(
        "events", "Events", ["no.", "at", "kind", "move", "cause", "payment"], rows, "Nothing has happened yet."
    )
