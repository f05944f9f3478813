"""Events: what happened, in order."""

from collections.abc import Iterable

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html_join

from checkout.staff.base import ReadOnlyAdmin
from checkout.staff.facts import Panel, Table, facts_of, link_for, link_to, moment, short_moment
from checkout.staff.filters import EventKind
from checkout.staff.ranges import Period
from checkout.staff.search import FindsByTerm, events_by
from checkout.staff.story import webhooks_of
from payments.models import Event


@admin.register(Event)
class EventAdmin(FindsByTerm, ReadOnlyAdmin):
    list_display = ("number", "happened", "kind", "move", "of_order", "of_payment", "cause")
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

    @admin.display(description="payment, refund", empty_value="")
    def of_payment(self, event: Event) -> str:
        rows = [row for row in (event.payment, event.refund) if row is not None]
        return format_html_join(" ", "{}", ((link_to(row, row.uid),) for row in rows))

    @admin.display(description="move")
    def move(self, event: Event) -> str:
        return move_of(event)

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

    def tables(self, request: HttpRequest, row: Event) -> list[Table]:
        return webhooks_of(request, row.deliveries.all(), row.order.uid)


def move_of(event: Event) -> str:
    """pending → success, or the first status alone."""
    return f"{event.old} → {event.new}" if event.old else event.new


def events_table(request: HttpRequest, events: Iterable[Event]) -> Table:
    """Events as a table on the page of what they are about."""
    rows = [
        [
            link_for(request, event, f"#{event.sequence}"),
            moment(event.at),
            event.kind,
            move_of(event),
            event.cause,
            link_for(request, event.payment, event.payment.uid) if event.payment else "",
        ]
        for event in events
    ]
    return Table(
        "events", "Events", ["no.", "at", "kind", "move", "cause", "payment"], rows, "Nothing has happened yet."
    )
