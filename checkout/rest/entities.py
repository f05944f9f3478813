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
