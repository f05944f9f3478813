"""Rows as merchants' clients read them: the wire's entities, and beside them the specification's own words.

The wire is a format for which clients exist that refuse a whole answer over one field of another type: ids are
strings, money is a number, times are strings with India's offset, and what does not fit a client's bounds is null.
"""

import json
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from payments.banks import BANKS
from payments.ids import mask_session_id
from payments.models import Authorization, Order, Payment, Refund
from payments.money import Money
from payments.selectors import OrderState
from payments.states import AuthorizationStatus, CaptureKind, Method, OrderStatus, PaymentStatus, RefundStatus

INDIA = timezone(timedelta(hours=5, minutes=30))

Links = Callable[[str], str]
"""From a name to an absolute address: where the caller's key reads the order's payments, refunds or settlements, and
for payment_link the page where its customer pays."""

ACTIVE = frozenset({OrderStatus.CREATED, OrderStatus.PENDING, OrderStatus.FAILED})
PAYMENT_WORDS = {PaymentStatus.AUTHORIZED: "SUCCESS"}
REFUND_WORDS = {RefundStatus.REQUESTED: "ONHOLD", RefundStatus.FAILED: "CANCELLED"}
"""Clients know no failed refund: its description says what happened."""


def wire_time(moment: datetime | None) -> str | None:
    """A moment as the wire writes it: seconds and India's offset, like 2026-11-29T16:30:00+05:30."""
    return moment.astimezone(INDIA).isoformat(timespec="seconds") if moment else None


def as_json(told: Any) -> str:
    """What the wire sends: compact JSON in which money is a number with at most its currency's decimals."""
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"), default=_number)


def _number(value: Any) -> float:
    """Money has at most 13 digits, which a float prints as they are."""
    if isinstance(value, Money):
        return float(value.as_major())
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(type(value).__name__)


# --- The wire's entities ---


def order_entity(state: OrderState, links: Links) -> dict[str, Any]:
    """An order as the wire's clients read it."""
    order = state.order
    return {
        "cf_order_id": order.uid,
        "order_id": order.order_id,
        "entity": "order",
        "order_currency": order.currency,
        "order_amount": order.amount,
        "order_status": order_word(state),
        "payment_session_id": order.session_id,
        "order_expiry_time": wire_time(order.expires_at),
        "created_at": wire_time(order.created_at),
        "order_note": order.note or None,
        "order_splits": [],
        "customer_details": {**customer_details(order), "customer_uid": None},
        "order_meta": {
            "return_url": order.return_url,
            "notify_url": order.notify_url or None,
            "payment_methods": ",".join(order.payment_methods) or None,
        },
        "order_tags": order.tags or None,
        "cart_details": None,
        "terminal_data": None,
        "products": None,
        "payments": {"url": links("payments")},
        "refunds": {"url": links("refunds")},
        "settlements": {"url": links("settlements")},
        "till": {
            **order_facts(order, status=state.status, is_secret=False, links=links),
            "payment_link": links("payment_link"),
        },
    }


def order_word(state: OrderState) -> str:
    """An order's state in the wire's words."""
    if state.status not in ACTIVE:
        return state.status.upper()
    return "ACTIVE" if state.order.terminate_requested_at is None else "TERMINATION_REQUESTED"


def customer_details(order: Order) -> dict[str, Any]:
    """Whose order it is; a field outside the bounds that clients check is null."""
    phone = order.customer_phone.removeprefix("+91")
    return {
        "customer_id": order.customer.reference or f"cust_{order.customer_id:08d}",
        "customer_name": order.customer_name if len(order.customer_name) >= 3 else None,
        "customer_email": order.customer_email or None,
        "customer_phone": phone if len(phone) == 10 and phone.isdigit() else None,
    }


def payment_entity(payment: Payment) -> dict[str, Any]:
    """An attempt as the wire's clients read it."""
    order = payment.order
    return {
        "cf_payment_id": payment.uid,
        "order_id": order.order_id,
        "entity": "payment",
        "is_captured": payment.is_captured,
        "order_amount": order.amount,
        "order_currency": order.currency,
        "payment_amount": payment_amount(payment),
        "payment_currency": payment.currency,
        "payment_group": payment.payment_group or None,
        "payment_status": payment_word(payment),
        "payment_message": payment.message or None,
        "payment_time": wire_time(payment.started_at),
        "payment_completion_time": wire_time(payment.completed_at),
        "bank_reference": payment.bank_reference or None,
        "auth_id": payment.auth_id or None,
        "error_details": error_details(payment),
        "authorization": authorization_entity(getattr(payment, "authorization", None)),
        "payment_method": payment_method(payment),
        "international_payment": {"international": None},
        "payment_gateway_details": gateway_details(payment),
        "payment_surcharge": None,
        "till": {**payment_facts(payment), "capture_kind": payment.capture_kind or None},
    }


def payment_word(payment: Payment) -> str:
    """An attempt's state in the wire's words: money that goes back by itself never reads as a success."""
    if payment.capture_kind in (CaptureKind.LATE, CaptureKind.SURPLUS):
        return "CANCELLED"
    return PAYMENT_WORDS.get(PaymentStatus(payment.status), payment.status.upper())


def payment_amount(payment: Payment) -> Money:
    """What was captured, else what is asked for."""
    return payment.captured if payment.is_captured else payment.amount


def authorization_entity(authorization: Authorization | None) -> dict[str, Any] | None:
    """The capture or void of a payment; clients know no refused one."""
    if authorization is None or not authorization.action or authorization.status == AuthorizationStatus.FAILED:
        return None
    times = ("start_time", "end_time", "approve_by", "action_time")
    return {
        "action": authorization.action.upper(),
        "status": authorization.status.upper(),
        "captured_amount": Money(authorization.captured_minor, authorization.payment.currency),
        "action_reference": authorization.action_reference or None,
        **{name: wire_time(getattr(authorization, name)) for name in times},
    }


def payment_method(payment: Payment) -> dict[str, Any]:
    """How it was paid, under one of the wire's keys."""
    told = payment.method_details
    if payment.method == Method.CARD:
        last4 = told.get("card_last4")
        number = f"XXXXXXXXXXXX{last4}" if last4 else None
        return {"card": {"channel": "link", "card_number": number, "card_network": told.get("card_network")}}
    if payment.method == Method.UPI:
        return {"upi": {"channel": told.get("channel"), "upi_id": told.get("upi_id")}}
    if payment.method == Method.NETBANKING:
        bank = BANKS.get(told.get("netbanking_bank_code", ""))
        name = told.get("netbanking_bank_name")
        code = bank.wire_code if bank else None
        return {"netbanking": {"channel": "link", "netbanking_bank_code": code, "netbanking_bank_name": name}}
    return {"app": {"channel": "link", "provider": told.get("provider"), "phone": None}}


def error_details(payment: Payment) -> dict[str, Any] | None:
    """Why an attempt took nothing, if it did not."""
    if not payment.error_code:
        return None
    return {
        "error_code": "TRANSACTION_DECLINED",
        "error_description": payment.message,
        "error_reason": payment.error_code,
        "error_source": (payment.error_details.get("source") or [None])[0],
    }


def gateway_details(payment: Payment) -> dict[str, Any]:
    """Who processed an attempt, and its names there."""
    return {
        "gateway_name": payment.gateway,
        "gateway_order_id": payment.gateway_order_id or None,
        "gateway_payment_id": payment.gateway_payment_id or None,
    }


def refund_entity(refund: Refund) -> dict[str, Any]:
    """A refund as the wire's clients read it."""
    is_done = refund.status == RefundStatus.SUCCESS
    return {
        "cf_payment_id": refund.payment.uid,
        "cf_refund_id": refund.uid,
        "order_id": refund.order.order_id,
        "refund_id": refund.refund_id,
        "entity": "refund",
        "refund_amount": refund.amount,
        "refund_currency": refund.currency,
        "refund_note": refund.note or None,
        "refund_status": refund_word(refund),
        "refund_type": "PAYMENT_AUTO_REFUND" if refund.is_automatic else "MERCHANT_INITIATED",
        "refund_arn": refund.bank_reference or None,
        "refund_mode": "STANDARD" if is_done else None,
        "refund_charge": None,
        "refund_speed": {
            "requested": None,
            "accepted": "STANDARD",
            "processed": "STANDARD" if is_done else None,
            "message": None,
        },
        "refund_splits": None,
        "status_description": refund.message or None,
        "metadata": None,
        "created_at": wire_time(refund.requested_at),
        "processed_at": wire_time(refund.completed_at),
        "till": {
            "status": refund.status,
            "refund_amount_available": refund.payment.refundable,
            "error_code": refund.error_code or None,
        },
    }


def refund_word(refund: Refund) -> str:
    """A refund's state in the wire's words."""
    return REFUND_WORDS.get(RefundStatus(refund.status), refund.status.upper())


# --- The specification's words ---


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None


def order_facts(
    order: Order, *, status: str = "", is_secret: bool = True, links: Links | None = None
) -> dict[str, Any]:
    """An order field for field as the specification names them; amounts are decimals of major units.

    The session id is masked where it `is_secret`; the links are there where the reader can follow them.
    """
    followed = {name: {"url": links(name)} for name in ("payments", "refunds", "settlements")} if links else {}
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
        "order_status": status or order.status,
        "order_tags": order.tags,
        "order_created": _time(order.created_at),
        "payment_session_id": mask_session_id(order.session_id) if is_secret else order.session_id,
        **followed,
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
