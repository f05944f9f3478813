"""Rows, their constraints, and facts about one row. Everything that writes lives in payments.services."""

from payments.models.audit import AuditEntry
from payments.models.customer import Customer
from payments.models.delivery import Delivery, DeliveryTry, Endpoint, ParkedOrigin
from payments.models.event import Event
from payments.models.gateway_event import GatewayEvent
from payments.models.idempotency import IdempotencyKey
from payments.models.ledger import Adjustment, LedgerAccount, Transfer
from payments.models.merchant import ApiKey, FeePlan, GatewayAccount, Merchant, MerchantLogo, RoutingRule
from payments.models.order import Order
from payments.models.payment import Authorization, Payment
from payments.models.refund import Refund
from payments.models.settlement import Payout, Settlement, SettlementEvent, SettlementLine, SettlementSchedule
from payments.models.staff import RecoveryCode, SecondFactor, SignInTries
from payments.models.statement import GatewaySettlement, StatementFile, StatementLine
from payments.models.worker import Worker

__all__ = [
    "Adjustment",
    "ApiKey",
    "AuditEntry",
    "Authorization",
    "Customer",
    "Delivery",
    "DeliveryTry",
    "Endpoint",
    "Event",
    "FeePlan",
    "GatewayAccount",
    "GatewayEvent",
    "GatewaySettlement",
    "IdempotencyKey",
    "LedgerAccount",
    "Merchant",
    "MerchantLogo",
    "Order",
    "ParkedOrigin",
    "Payment",
    "Payout",
    "RecoveryCode",
    "Refund",
    "RoutingRule",
    "SecondFactor",
    "Settlement",
    "SettlementEvent",
    "SettlementLine",
    "SettlementSchedule",
    "SignInTries",
    "StatementFile",
    "StatementLine",
    "Transfer",
    "Worker",
]
