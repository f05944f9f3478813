"""What staff did and why: read here, written only by the deeds themselves, and chained."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html

from checkout.staff.base import ReadOnlyAdmin
from checkout.staff.facts import Fact, Panel, facts_of, link_for, link_to, moment, short_moment
from checkout.staff.ranges import Period
from payments.models import (
    Adjustment,
    ApiKey,
    AuditEntry,
    Delivery,
    Endpoint,
    FeePlan,
    GatewayAccount,
    Merchant,
    Order,
    Payment,
    Payout,
    Refund,
    RoutingRule,
    Settlement,
    StatementFile,
)

ACTS = {
    "account.collects": "changed whom a gateway pays",
    "adjustment.post": "posted an adjustment",
    "delivery.replay": "sent a webhook again",
    "delivery.replay_range": "sent webhooks of some time again",
    "endpoint.add": "made an endpoint",
    "endpoint.change": "changed what an endpoint gets",
    "endpoint.disable": "switched an endpoint off",
    "endpoint.test": "sent a test message",
    "fee_plan.add": "made a fee plan",
    "fee_plan.change": "changed a fee plan",
    "fee_plan.remove": "removed a fee plan",
    "gateway_account.add": "opened an account at a gateway",
    "gateway_account.credentials": "changed what an account at a gateway signs in with",
    "group.add": "made a group",
    "group.change": "changed a group",
    "key.add": "made an API key",
    "key.revoke": "revoked an API key",
    "merchant.change": "changed a merchant’s settings",
    "order.create": "made the order, for a payment link",
    "order.link_mailed": "had the payment link e-mailed to the customer",
    "order.mail_link": "asked for the payment link to be e-mailed",
    "order.show_link": "looked at the payment link",
    "order.terminate": "terminated the order",
    "payment.capture": "captured held money",
    "payment.dispute": "opened a dispute",
    "payment.dispute_closed": "closed a dispute",
    "payment.void": "released held money",
    "payout.confirm": "confirmed a pay-out",
    "payout.fail": "said that a pay-out failed",
    "payout.send": "sent a pay-out",
    "refund.approve": "approved a refund",
    "refund.cancel": "cancelled a refund",
    "refund.change": "changed a refund",
    "refund.request": "asked for a refund",
    "routing_rule.add": "made a routing rule",
    "routing_rule.change": "changed a routing rule",
    "second_factor.codes": "made new recovery codes",
    "second_factor.enrol": "enrolled an authenticator app",
    "second_factor.recovery": "used a recovery code",
    "second_factor.reset": "reset somebody’s second factor",
    "settlement.close": "closed a settlement",
    "settlement.discard": "discarded a settlement",
    "settlement.export": "took a settlement’s statement",
    "settlement.open": "opened a settlement",
    "sign_in.done": "signed in",
    "sign_in.fail": "(or somebody in that name) typed a wrong password or code",
    "sign_in.lock": "was locked out for a while",
    "statement.import": "imported a file of a bank or gateway",
    "user.add": "made a staff account",
    "user.change": "changed a staff account",
    "user.password": "set somebody’s password",
}
"""Every act that is recorded, in words that follow the actor's name."""

OBJECTS: dict[str, tuple[type[Model], str]] = {
    "adjustment": (Adjustment, "pk"),
    "api_key": (ApiKey, "client_id"),
    "delivery": (Delivery, "uid"),
    "endpoint": (Endpoint, "uid"),
    "fee_plan": (FeePlan, "pk"),
    "gateway_account": (GatewayAccount, "pk"),
    "group": (Group, "pk"),
    "merchant": (Merchant, "pk"),
    "order": (Order, "uid"),
    "payment": (Payment, "uid"),
    "payout": (Payout, "uid"),
    "refund": (Refund, "uid"),
    "routing_rule": (RoutingRule, "pk"),
    "settlement": (Settlement, "uid"),
    "statement": (StatementFile, "pk"),
    "user": (User, "pk"),
}
"""What an act can be done to, and by which field it is named."""


class ActFilter(admin.SimpleListFilter):
    """Entries by what was done; the words come from the table above, not from a walk through the entries."""

    title = "act"
    parameter_name = "act"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(act, act) for act in ACTS]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        return queryset.filter(act=self.value()) if self.value() in ACTS else queryset


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    list_display = ("number", "happened", "actor", "act", "done_to", "of_order", "reason")
    list_filter = (ActFilter, "actor", "object_type", ("at", Period))
    list_select_related = ("actor", "order")
    search_fields = ("object_id__exact",)
    search_help_text = "The whole id of what it was done to, or an order id (the merchant's or ours)."

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[AuditEntry], search_term: str
    ) -> tuple[QuerySet[AuditEntry], bool]:
        """Search by what has an index: an order is found first, an object stands beside its type there."""
        term = search_term.strip()
        if not term:
            return queryset, False
        orders = list(Order.objects.filter(Q(uid=term) | Q(order_id=term)).values_list("pk", flat=True)[:50])
        return queryset.filter(Q(object_type__in=list(OBJECTS), object_id=term) | Q(order__in=orders)), False

    @admin.display(description="no.")
    def number(self, entry: AuditEntry) -> str:
        return f"#{entry.pk}"

    @admin.display(description="at (UTC)")
    def happened(self, entry: AuditEntry) -> str:
        return short_moment(entry.at)

    @admin.display(description="done to")
    def done_to(self, entry: AuditEntry) -> str:
        return f"{entry.object_type.replace('_', ' ')} {entry.object_id}"

    @admin.display(description="order", empty_value="")
    def of_order(self, entry: AuditEntry) -> str:
        return link_to(entry.order, entry.order.order_id) if entry.order else ""

    def panels(self, request: HttpRequest, row: AuditEntry) -> list[Panel]:
        facts = {
            "who": link_to_person(request, row.actor),
            "act": f"{row.act}: {ACTS.get(row.act, 'no words for it yet')}",
            "done to": link_to_object(request, row),
            "order": link_for(request, row.order, row.order.order_id) if row.order else "",
            "reason": row.reason,
            "at": moment(row.at),
            "digest": row.digest,
        }
        panels = [Panel("Audit entry", facts_of(facts))]
        return [*panels, Panel("Details", details_of(row))] if row.details else panels


def details_of(entry: AuditEntry) -> list[Fact]:
    """What the entry keeps besides; a change as "before → after"."""
    details = dict(entry.details)
    moves = details.pop("moves", {})
    told = {name: f"{_words(pair[0])} → {_words(pair[1])}" for name, pair in moves.items()}
    return facts_of({name.replace("_", " "): value for name, value in (details | told).items()})


def _words(value: Any) -> str:
    if value in (None, "", []):
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(str(item) for item in value) if isinstance(value, list) else str(value)


def link_to_person(request: HttpRequest, person: User) -> str:
    """A member of the staff by name, linked for those who may see accounts."""
    if not request.user.has_perm("auth.view_user"):
        return person.get_username()
    where = reverse("admin:auth_user_change", args=[person.pk])
    return format_html('<a href="{}">{}</a>', where, person.get_username())


def link_to_object(request: HttpRequest, entry: AuditEntry) -> str:
    """What an act was done to, by type and id, linked where it still is and has a page this person may see."""
    text = f"{entry.object_type.replace('_', ' ')} {entry.object_id}"
    model, field = OBJECTS.get(entry.object_type, (None, ""))
    if model is None:
        return text
    meta = model._meta
    may = any(request.user.has_perm(f"{meta.app_label}.{act}_{meta.model_name}") for act in ("view", "change"))
    try:
        pk = model._default_manager.filter(**{field: entry.object_id}).values_list("pk", flat=True).first()
        where = reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[pk]) if may and pk else ""
    except (ValueError, NoReverseMatch):
        return text
    return format_html('<a href="{}">{}</a>', where, text) if where else text
