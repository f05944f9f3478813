"""Rows in the specification's words: what merchants' clients read and what the admin shows."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from payments.ids import mask_session_id
from payments.models import Authorization, Order, Payment
from payments.money import Money


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None


def order_facts(order: Order) -> dict[str, Any]:
    """An order field for field as the specification names them; amounts are decimals of major units."""
    return {
        "id": order.uid,
        "order_id": order.order_id,
        "order_amount": order.amount.as_major(),
        "order_currency": order.currency,
        "customer_details": {
            "customer_id": order.customer_id,
            "org_id": order.merchant_id,
            "customer_name": order.customer_name,
            "customer_email": order.customer_email,
            "customer_phone": order.customer_phone,
        },
        "order_meta": {
            "return_url": order.return_url,
            "notify_url": order.notify_url,
            "payment_methods": order.payment_methods,
        },
        "order_expiry_time": _time(order.expires_at),
        "order_note": order.note,
        "order_status": order.status,
        "order_tags": order.tags,
        "order_created": _time(order.created_at),
        "payment_session_id": mask_session_id(order.session_id),
    }


def payment_facts(payment: Payment) -> dict[str, Any]:
    """A payment field for field as the specification names them."""
    return {
        "id": payment.uid,
        "order_id": payment.order.order_id,
        "entity": payment.gateway,
        "payment_currency": payment.currency,
        "error_details": payment.error_details,
        "order_amount": payment.order.amount.as_major(),
        "is_captured": payment.is_captured,
        "payment_group": payment.payment_group,
        "authorization": authorization_facts(getattr(payment, "authorization", None)),
        "payment_method": [{"method": payment.method}, payment.method_details],
        "payment_amount": payment.captured.as_major() if payment.is_captured else Decimal(0),
        "payment_time": _time(payment.started_at),
        "payment_completion_time": _time(payment.completed_at),
        "payment_status": payment.status,
        "payment_message": payment.message,
        "bank_reference": payment.bank_reference,
        "auth_id": payment.auth_id,
    }


def authorization_facts(authorization: Authorization | None) -> dict[str, Any] | None:
    """The authorisation of a payment as the specification names its fields, if there is one."""
    if authorization is None:
        return None
    currency = authorization.payment.currency
    return {
        "action": authorization.action,
        "status": authorization.status,
        "captured_amount": Money(authorization.captured_minor, currency).as_major(),
        "start_time": _time(authorization.start_time),
        "end_time": _time(authorization.end_time),
        "approve_by": _time(authorization.approve_by),
        "action_reference": authorization.action_reference,
        "action_time": _time(authorization.action_time),
    }
