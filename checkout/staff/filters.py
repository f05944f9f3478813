"""Filters of the staff's lists that no column alone can answer."""

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest

from payments import clock
from payments.figures import NOT_KNOWN
from payments.gateways.registry import GATEWAYS
from payments.models import ApiKey, Event, GatewayEvent, Order, Payment, Refund
from payments.states import OPEN, Method, OrderStatus, PaymentStatus, RefundStatus

EVENT_KINDS = (
    *(f"order.{status}" for status in OrderStatus),
    *(f"payment.{status}" for status in PaymentStatus),
    *(f"refund.{status}" for status in RefundStatus),
)


def overdue(at: datetime) -> Q:
    """Orders that read expired though no sweep has said so yet (OrderState.is_overdue, in SQL)."""
    live = Payment.objects.live().filter(order=OuterRef("pk"))
    return Q(status__in=OPEN, expires_at__lte=at) & ~Q(Exists(live))


class ShownStatus(admin.SimpleListFilter):
    """Orders by the status their page shows, which is not always the stored one."""

    title = "status"
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(status.value, status.value) for status in OrderStatus]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Order]) -> QuerySet[Order]:
        asked = self.value()
        if asked not in set(OrderStatus):
            return queryset
        at = clock.now()
        if asked == OrderStatus.EXPIRED:
            return queryset.filter(Q(status=asked) | overdue(at))
        return queryset.filter(Q(status=asked), ~overdue(at))


def by_payment(rows: QuerySet[Any], *conditions: Q, **columns: str) -> QuerySet[Any]:
    """Payments of these columns; orders with such an attempt; refunds of such a payment."""
    if rows.model is Payment:
        return rows.filter(*conditions, **columns)
    named = {"pk": OuterRef("payment")} if rows.model is Refund else {"order": OuterRef("pk")}
    return rows.filter(Exists(Payment.objects.filter(*conditions, **columns, **named)))


class NeedsReview(admin.SimpleListFilter):
    """Payments a person should look at, and orders that have one."""

    title = "review"
    parameter_name = "review"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("needed", "needs review"),
            ("unknown", "not known yet, or needs review"),
            ("none", "nothing to review"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        odd = ~Q(review_reason="")
        if self.value() == "needed":
            return by_payment(queryset, odd)
        if self.value() == "unknown":
            return by_payment(queryset, NOT_KNOWN)
        if self.value() != "none":
            return queryset
        return queryset.exclude(pk__in=by_payment(queryset.model._default_manager.all(), odd).values("pk"))


class MethodFilter(admin.SimpleListFilter):
    """By how the customer paid, or tried to."""

    title = "method"
    parameter_name = "method"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(method.value, method.value) for method in Method]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        asked = self.value()
        return by_payment(queryset, method=asked) if asked in set(Method) else queryset


class KeyState(admin.SimpleListFilter):
    """Keys that still open something, and keys that do not."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("active", "active"), ("revoked", "revoked")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> QuerySet[ApiKey]:
        if self.value() == "active":
            return queryset.filter(revoked_at=None)
        return queryset.exclude(revoked_at=None) if self.value() == "revoked" else queryset


class EventKind(admin.SimpleListFilter):
    """Events by what moved and to where; the words come from the states, not from a walk through the table."""

    title = "kind"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(kind, kind) for kind in EVENT_KINDS]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Event]) -> QuerySet[Event]:
        return queryset.filter(kind=self.value()) if self.value() in EVENT_KINDS else queryset


class EventFit(admin.SimpleListFilter):
    """Gateway events that found their payment, and those left for a person to place."""

    title = "payment"
    parameter_name = "fits"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("none", "fits no payment"), ("one", "fits a payment")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[GatewayEvent]) -> QuerySet[GatewayEvent]:
        if self.value() == "none":
            return queryset.filter(payment=None)
        return queryset.exclude(payment=None) if self.value() == "one" else queryset


class GatewayFilter(admin.SimpleListFilter):
    """By gateway; the names come from the registry, not from a walk through the table."""

    title = "gateway"
    parameter_name = "gateway"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in sorted(GATEWAYS)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        name = self.value() or ""
        if not name:
            return queryset
        if "\x00" in name:
            return queryset.none()  # no database takes it, and no gateway is called so
        return queryset.filter(gateway=name) if queryset.model is GatewayEvent else by_payment(queryset, gateway=name)
