"""Django looks here for the admin's classes; they live in checkout.staff."""

from checkout.staff import customers, events, keys, merchants, orders, payments, people, site

__all__ = ["customers", "events", "keys", "merchants", "orders", "payments", "people", "site"]
