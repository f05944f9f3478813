"""What the wire answers, for the OpenAPI document. The rows themselves are written by payments.wire."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Entity(BaseModel):
    """Fields that are always there; clients must let further ones pass."""

    model_config = ConfigDict(extra="allow")


class Error(Entity):
    """Why a call was refused, and what to send instead."""

    message: str
    code: str
    type: Literal["invalid_request_error", "authentication_error", "idempotency_error", "rate_limit_error", "api_error"]
    help: str | None = None


class Link(Entity):
    url: str


class OrderEntity(Entity):
    """An order. `till` has the fields and words of Till's own specification."""

    cf_order_id: str
    order_id: str
    entity: Literal["order"]
    order_currency: str
    order_amount: float
    order_status: Literal["ACTIVE", "PAID", "EXPIRED", "TERMINATED", "TERMINATION_REQUESTED"]
    payment_session_id: str = Field(description="Opens the payment page: /checkout/{payment_session_id}.")
    order_expiry_time: str
    created_at: str
    order_note: str | None
    customer_details: dict[str, Any]
    order_meta: dict[str, Any]
    order_tags: dict[str, str] | None
    payments: Link
    refunds: Link
    settlements: Link
    till: dict[str, Any] = Field(description="`payment_link` in it is the page to send to the customer.")


class PaymentEntity(Entity):
    """An attempt to pay. SUCCESS with `is_captured` false is money that is held, not taken."""

    cf_payment_id: str
    order_id: str
    entity: Literal["payment"]
    is_captured: bool
    order_amount: float
    order_currency: str
    payment_amount: float
    payment_currency: str
    payment_group: str | None
    payment_status: Literal["SUCCESS", "NOT_ATTEMPTED", "FAILED", "USER_DROPPED", "VOID", "CANCELLED", "PENDING"]
    payment_message: str | None
    payment_time: str | None
    payment_completion_time: str | None
    bank_reference: str | None
    auth_id: str | None
    error_details: dict[str, Any] | None
    authorization: dict[str, Any] | None
    payment_method: dict[str, Any]
    till: dict[str, Any]


class RefundEntity(Entity):
    """A refund. CANCELLED is also one that failed: `status_description` and `till` say why."""

    cf_payment_id: str
    cf_refund_id: str
    order_id: str
    refund_id: str
    entity: Literal["refund"]
    refund_amount: float
    refund_currency: str
    refund_note: str | None
    refund_status: Literal["SUCCESS", "PENDING", "CANCELLED", "ONHOLD"]
    refund_type: Literal["MERCHANT_INITIATED", "PAYMENT_AUTO_REFUND", "UNRECONCILED_AUTO_REFUND"]
    refund_arn: str | None
    refund_speed: dict[str, Any]
    status_description: str | None
    created_at: str
    processed_at: str | None
    till: dict[str, Any]


class OrderSettlementEntity(Entity):
    """The settlement of an order's payment: the flat fields of older clients, the groups of newer ones."""

    entity: Literal["settlement"]
    cf_payment_id: str
    cf_settlement_id: str
    settlement_id: int
    transfer_id: int | None
    order_id: str
    order_amount: float
    settlement_currency: str
    payment_time: str
    service_charge: float
    service_tax: float
    settlement_amount: float = Field(description="The payment less service_charge and service_tax.")
    transfer_time: str | None
    transfer_utr: str | None
    order_details: dict[str, Any]
    payment_details: dict[str, Any]
    customer_details: dict[str, Any]
    settlement_details: dict[str, Any]
    till: dict[str, Any]


class SettlementEntity(Entity):
    """A closed settlement: payment_amount - pg_service_charge - pg_service_tax + adjustment = amount_settled."""

    cf_settlement_id: str
    settlement_id: int
    status: Literal["SUCCESS", "PENDING", "PENDING_WITH_BANK", "FAILED"]
    status_description: str
    settlement_utr: str | None
    settlement_initiated_on: str | None
    settlement_processed_on: str | None
    payment_from: str | None
    payment_till: str | None
    payment_amount: float
    pg_service_charge: float
    pg_service_tax: float
    adjustment: float
    amount_settled: float = Field(description="Below zero it is owed by you, and taken out of the next settlement.")
    settlement_currency: str
    till: dict[str, Any] = Field(description="What `adjustment` is made of.")


class ReconEntity(Entity):
    """One line of a settlement: groups for newer clients, and the same fields without groups for older ones.

    `sale_type` in its event says whether the amounts are to you or from you.
    """

    event_details: dict[str, Any]
    order_details: dict[str, Any] | None
    customer_details: dict[str, Any] | None
    payment_details: dict[str, Any] | None
    settlement_details: dict[str, Any]
    dispute_details: None
    refund_details: dict[str, Any] | None


class SettlementPage(Entity):
    """One page, newest first; the last one has no cursor."""

    cursor: str | None
    limit: int
    data: list[SettlementEntity]


class ReconPage(Entity):
    """One page, oldest first; the last one has no cursor."""

    cursor: str | None
    limit: int
    data: list[ReconEntity]
