"""Events as merchants' servers read them: the wire's webhook bodies, with our own object `till` beside them."""

import json
from datetime import UTC, datetime
from typing import Any

from payments.banks import BANKS
from payments.models import Event, Order, Payment, Refund
from payments.money import Money
from payments.states import CaptureKind, Method, PaymentStatus, RefundStatus

PAYMENT_KINDS = {
    PaymentStatus.FAILED: "PAYMENT_FAILED_WEBHOOK",
    PaymentStatus.USER_DROPPED: "PAYMENT_USER_DROPPED_WEBHOOK",
    PaymentStatus.CANCELLED: "PAYMENT_USER_DROPPED_WEBHOOK",
}
SUCCESS, REFUND, AUTO_REFUND = "PAYMENT_SUCCESS_WEBHOOK", "REFUND_STATUS_WEBHOOK", "AUTO_REFUND_STATUS_WEBHOOK"
KINDS = (SUCCESS, *dict.fromkeys(PAYMENT_KINDS.values()), REFUND, AUTO_REFUND)
"""All names of events, which an endpoint may choose among."""

_REFUND_ENDS = frozenset({RefundStatus.SUCCESS, RefundStatus.FAILED, RefundStatus.CANCELLED})
_REFUND_WORDS = {RefundStatus.REQUESTED: "ONHOLD"}


def kind_of(event: Event) -> str:
    """The wire's name of an event, or nothing if nobody is told of it.

    A late or surplus capture is never called a success: merchants hear of the refund that sends it back.
    """
    refund, payment = event.refund, event.payment
    if refund is not None:
        ends = event.new in _REFUND_ENDS
        goes_back = refund.is_automatic or refund.payment.capture_kind != CaptureKind.NORMAL
        return (AUTO_REFUND if goes_back else REFUND) if ends else ""
    if payment is None or not event.kind.startswith("payment."):
        return ""
    if event.new == PaymentStatus.SUCCESS:
        return SUCCESS if payment.capture_kind == CaptureKind.NORMAL else ""
    return PAYMENT_KINDS.get(PaymentStatus(event.new), "")


def body_of(event: Event, kind: str, *, order: Order) -> str:
    """The body of an event, as it is signed and sent in every try."""
    if event.refund is not None:
        name = "auto_refund" if kind == AUTO_REFUND else "refund"
        data = {name: _refund(event.refund, order=order, is_automatic=kind == AUTO_REFUND)}
    else:
        assert event.payment is not None  # noqa: S101  (kind_of names no others)
        data = _payment_data(event.payment, order=order)
    told = {
        "data": data,
        "event_time": _time(event.at),
        "type": kind,
        "till": {"sequence": event.sequence, "order_id": order.order_id, "event": event.kind},
    }
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"), default=_number)


def _payment_data(payment: Payment, *, order: Order) -> dict[str, Any]:
    return {
        "order": {
            "order_id": order.order_id,
            "order_amount": order.amount,
            "order_currency": order.currency,
            "order_tags": order.tags or None,
        },
        "payment": {
            "cf_payment_id": payment.uid,
            "payment_status": payment.status.upper(),
            "payment_amount": payment.captured if payment.is_captured else payment.amount,
            "payment_currency": payment.currency,
            "payment_message": payment.message,
            "payment_time": _time(payment.started_at),
            "bank_reference": payment.bank_reference or None,
            "auth_id": payment.auth_id or None,
            "payment_method": payment_method(payment),
            "payment_group": payment.payment_group or None,
            "international_payment": None,
            "payment_surcharge": None,
        },
        "customer_details": {
            "customer_id": order.customer.reference or f"cust_{order.customer_id:08d}",
            "customer_name": order.customer_name,
            "customer_email": order.customer_email,
            "customer_phone": order.customer_phone,
        },
        "error_details": _error(payment),
        "payment_gateway_details": {
            "gateway_name": payment.gateway,
            "gateway_order_id": payment.gateway_order_id or None,
            "gateway_payment_id": payment.gateway_payment_id or None,
        },
        "payment_offers": None,
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


def _error(payment: Payment) -> dict[str, Any] | None:
    if not payment.error_code:
        return None
    return {
        "error_code": "TRANSACTION_DECLINED",
        "error_description": payment.message,
        "error_reason": payment.error_code,
        "error_source": (payment.error_details.get("source") or [None])[0],
    }


def _refund(refund: Refund, *, order: Order, is_automatic: bool) -> dict[str, Any]:
    told = {
        "cf_refund_id": refund.uid,
        "cf_payment_id": refund.payment.uid,
        "refund_id": refund.refund_id,
        "order_id": order.order_id,
        "refund_amount": refund.amount,
        "refund_currency": refund.currency,
        "entity": "Refund",
        "refund_type": "PAYMENT_AUTO_REFUND" if is_automatic else "MERCHANT_INITIATED",
        "refund_arn": refund.bank_reference or None,
        "refund_status": _REFUND_WORDS.get(RefundStatus(refund.status), refund.status.upper()),
        "status_description": refund.message,
        "created_at": _time(refund.requested_at),
        "processed_at": _time(refund.completed_at),
        "refund_note": refund.note or None,
        "refund_splits": None,
        "metadata": None,
    }
    if is_automatic:
        del told["refund_id"]
        told |= {
            "event": "AUTO-REFUND",
            "bank_reference": refund.payment.bank_reference or None,
            "refund_reason": refund.payment.capture_kind,
        }
    return told


def _time(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat(timespec="seconds") if moment else None


def _number(value: Any) -> float:
    """Money as a JSON number: at most 13 digits, which a float prints as they are."""
    if isinstance(value, Money):
        return float(value.as_major())
    raise TypeError(type(value).__name__)
