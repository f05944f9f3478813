"""Django looks here for the admin's classes; they live in checkout.staff."""

from checkout.staff import (
    audit,
    customers,
    deliveries,
    endpoints,
    events,
    fee_plans,
    gateway_events,
    groups,
    keys,
    ledger,
    merchants,
    orders,
    payments,
    people,
    refunds,
    site,
)

__all__ = [
    "audit",
    "customers",
    "deliveries",
    "endpoints",
    "events",
    "fee_plans",
    "gateway_events",
    "groups",
    "keys",
    "ledger",
    "merchants",
    "orders",
    "payments",
    "people",
    "refunds",
    "site",
]
