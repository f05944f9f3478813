"""Webhooks as staff see them: what was sent where, every try with what came back, and sending one again."""

from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from checkout.staff.deeds import Deed, DeedsAdmin, Figures, Told
from checkout.staff.facts import Panel, Table, facts_of, link_for, link_to, moment, short_moment, status_mark
from checkout.staff.gateway_events import pretty_json
from checkout.staff.ranges import Period
from payments import clock
from payments.models import ApiKey, Delivery, Endpoint, Event, Order, SettlementEvent
from payments.selectors import tries_of
from payments.services.audit import Act
from payments.services.endpoints import replay_delivery
from payments.states import DeliveryStatus
from payments.webhooks import ABOUT, KINDS, TEST

SHOWN_TRIES = 50
SHOWN_AT_ONCE = 10
SHOWN_ENDPOINTS = 50
OWN_ADDRESS = "the order’s own notify_url"


class KindFilter(admin.SimpleListFilter):
    """Webhooks by what they tell; the words come from the kinds there are, not from a walk through the table."""

    title = "kind"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(kind, kind) for kind in (*KINDS, TEST)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> QuerySet[Delivery]:
        return queryset.filter(kind=self.value()) if self.value() in (*KINDS, TEST) else queryset


class EndpointFilter(admin.SimpleListFilter):
    """Webhooks by endpoint: of the merchant that is chosen, or the one that a link names."""

    title = "endpoint"
    parameter_name = "endpoint"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        asked, merchant = request.GET.get("endpoint", ""), request.GET.get("merchant__id__exact", "")
        wanted = Q(uid=asked.replace("\x00", ""))
        if merchant.isascii() and merchant.isdecimal() and len(merchant) <= 10:
            wanted |= Q(merchant_id=int(merchant))
        found = Endpoint.objects.filter(wanted).order_by("-pk")[:SHOWN_ENDPOINTS]
        named = [(endpoint.uid, f"{endpoint.url} ({endpoint.mode})") for endpoint in found]
        return [*named, ("none", OWN_ADDRESS)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> QuerySet[Delivery]:
        asked = (self.value() or "").replace("\x00", "")
        if asked == "none":
            return queryset.filter(endpoint=None)
        return queryset.filter(endpoint__uid=asked) if asked else queryset


class SendAgain(Deed[Delivery]):
    """Send one message again, whatever became of it."""

    name, label, title = "replay", "Send again…", "Send this webhook again"
    permission = "payments.change_delivery"
    asks_again = False

    def why_not(self, row: Delivery, user_id: int) -> str:
        at = clock.now()
        if row.endpoint is not None and row.endpoint.disabled_at is not None:
            return "Its endpoint is switched off. Add it again: a new one can be sent what it missed."
        if row.status == DeliveryStatus.DUE and row.leased_until is not None and row.leased_until > at:
            return "It is being sent right now."
        if row.status == DeliveryStatus.DUE and row.due_at is not None and row.due_at <= at:
            return "It waits to be sent already: the worker takes it up in a moment."
        if not ApiKey.objects.filter(merchant=row.merchant_id, mode=row.mode, revoked_at=None).exists():
            return f"The merchant has no active {row.mode} key, and its secret signs: make one first."
        return ""

    def figures(self, row: Delivery) -> Figures:
        return {"status": row.status, "tries": row.tries, "due": str(row.due_at)}

    def standing(self, row: Delivery) -> str:
        return f"It is {row.status} after {tries_in_words(row.tries)} now."

    def facts(self, row: Delivery, *, request: HttpRequest) -> dict[str, Any]:
        return about(row, request=request)

    def outlook(self, row: Delivery) -> str:
        if row.status == DeliveryStatus.DUE:
            return "It waits for its next try, which is made at once instead. The schedule goes on from there."
        return (
            "The same bytes go out under the same webhook-id, on a schedule that starts anew: ten tries in about three "
            "days. A receiver that keeps the ids it has seen does nothing the second time."
        )

    def consequences(self, row: Delivery, asked: dict[str, Any]) -> list[str]:
        told = [f"{row.kind} is sent to {row.url}, as {row.uid}."]
        if row.status == DeliveryStatus.DELIVERED:
            told.append("The receiver has taken it before: whether it acts again is up to it.")
        return told

    def do(self, row: Delivery, asked: dict[str, Any], *, seen: Figures, by: Act, at: datetime) -> Told:
        replay_delivery(row.pk, at=at, by=by)
        return Told(messages.SUCCESS, "It is due now: the worker sends it within seconds. Each try is listed below.")


def tries_in_words(tries: int) -> str:
    return {0: "no try", 1: "1 try"}.get(tries, f"{tries} tries")


def about(delivery: Delivery, *, request: HttpRequest) -> dict[str, Any]:
    """What a webhook is, and where it goes."""
    endpoint = delivery.endpoint
    return {
        "webhook-id": delivery.uid,
        "kind": delivery.kind,
        "status": status_mark(delivery.status),
        "merchant": link_for(request, delivery.merchant, delivery.merchant.name),
        "mode": delivery.mode,
        **_cause(delivery, request=request),
        "URL": delivery.url,
        "endpoint": link_for(request, endpoint, endpoint.uid) if endpoint else OWN_ADDRESS,
    }


def _cause(delivery: Delivery, *, request: HttpRequest) -> dict[str, Any]:
    """The order or settlement it tells of, and which of its events."""
    event, other = delivery.event, delivery.settlement_event
    if event is not None:
        words = link_for(request, event, f"#{event.sequence} {event.kind}")
        return {"order": link_for(request, event.order, event.order.order_id), "event": words}
    if other is not None:
        return {"settlement": other.settlement.uid, "event": f"#{other.sequence} {other.kind}"}
    return {"order": "none: a test message"}


@admin.register(Delivery)
class DeliveryAdmin(DeedsAdmin):
    change_form_template = "staff/delivery.html"
    deeds = (SendAgain(),)
    list_display = ("uid", "shown_status", "kind", "cause", "made", "tries", "seller")
    list_filter = (
        "status", KindFilter, EndpointFilter, "mode", ("made_at", Period), "merchant",
    )  # fmt: skip
    list_select_related = ("merchant", "endpoint", *ABOUT)
    search_fields = ("uid__exact", "event__order__order_id__exact")
    search_help_text = "A whole webhook-id, order id (the merchant's or ours) or settlement id."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Delivery]:
        """Without the bodies, which lists never show; a row's page reads its own."""
        return super().get_queryset(request).defer("body")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Delivery], search_term: str
    ) -> tuple[QuerySet[Delivery], bool]:
        """Search by what has an index: the orders' events are found first."""
        term = search_term.strip()
        if not term:
            return queryset, False
        orders = list(Order.objects.filter(Q(uid=term) | Q(order_id=term)).values_list("pk", flat=True)[:50])
        events = Event.objects.filter(order__in=orders).values("pk")
        settled = SettlementEvent.objects.filter(settlement__uid=term).values("pk")
        return queryset.filter(Q(uid=term) | Q(event__in=events) | Q(settlement_event__in=settled)), False

    @admin.display(description="status")
    def shown_status(self, delivery: Delivery) -> str:
        return status_mark(delivery.status)

    @admin.display(description="order or settlement", empty_value="")
    def cause(self, delivery: Delivery) -> str:
        if delivery.event:
            return link_to(delivery.event.order, delivery.event.order.order_id)
        return delivery.settlement_event.settlement.uid if delivery.settlement_event else ""

    @admin.display(description="made (UTC)")
    def made(self, delivery: Delivery) -> str:
        return short_moment(delivery.made_at)

    def panels(self, request: HttpRequest, row: Delivery) -> list[Panel]:
        facts = about(row, request=request) | {
            "made": moment(row.made_at),
            "next try": moment(row.due_at),
            "ended": moment(row.completed_at),
            "tries": f"{row.tries}, of which {row.tries - row.tries_before} since it was sent again"
            if row.tries_before
            else row.tries,
        }
        return [Panel("Webhook", facts_of(facts))]

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        row = context["original"]
        tries = list(tries_of(row)[:SHOWN_TRIES])
        context |= {
            "body": row.body,
            "pretty": pretty_json(row.body),
            "tries": [{"row": each, "at": moment(each.at), "iso": each.at.isoformat()} for each in tries],
            "left_out": max(0, row.tries - len(tries)) if len(tries) == SHOWN_TRIES else 0,
        }
        return super().render_change_form(request, context, *args, **kwargs)


def _about_in_a_cell(request: HttpRequest, delivery: Delivery) -> str:
    """The order or settlement it tells of; nothing for a test message."""
    if delivery.event:
        return link_for(request, delivery.event.order, delivery.event.order.order_id)
    return delivery.settlement_event.settlement.uid if delivery.settlement_event else ""


def deliveries_table(request: HttpRequest, webhooks: QuerySet[Delivery], *, all_at: str, empty: str) -> Table:
    """The newest of these webhooks, as a table on the page of what they belong to; `all_at` lists all of them."""
    newest = webhooks.select_related(*ABOUT).defer("body").order_by("-pk")
    found = list(newest[: SHOWN_AT_ONCE + 1])
    rows = [
        [
            link_for(request, row, row.uid),
            row.kind,
            status_mark(row.status),
            str(row.tries),
            _about_in_a_cell(request, row),
            moment(row.made_at),
        ]
        for row in found[:SHOWN_AT_ONCE]
    ]
    return Table(
        "webhooks",
        "Webhooks",
        ["webhook-id", "kind", "status", "tries", "order or settlement", "made"],
        rows,
        empty,
        all_at=all_at if len(found) > SHOWN_AT_ONCE else "",
    )
