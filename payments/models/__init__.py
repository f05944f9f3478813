"""Rows, their constraints, and facts about one row. Everything that writes lives in payments.services."""

from payments.models.customer import Customer
from payments.models.event import Event
from payments.models.idempotency import IdempotencyKey
from payments.models.merchant import ApiKey, GatewayAccount, Merchant
from payments.models.order import Order
from payments.models.payment import Authorization, Payment

__all__ = [
    "ApiKey",
    "Authorization",
    "Customer",
    "Event",
    "GatewayAccount",
    "IdempotencyKey",
    "Merchant",
    "Order",
    "Payment",
]
