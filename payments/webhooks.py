"""Events as merchants' servers read them: the wire's webhook bodies, with our own object `till` beside them."""

from datetime import datetime
from typing import Any

from payments.models import (
    Delivery,
    DeliveryTry,
    Endpoint,
    Event,
    Order,
    Payment,
    Refund,
    Settlement,
    SettlementEvent,
)
from payments.settlement_wire import settlement_sums
from payments.states import CaptureKind, PaymentStatus, RefundStatus, SettlementStatus
from payments.wire import (
    INDIA,
    REFUND_WORDS,
    as_json,
    customer_details,
    error_details,
    gateway_details,
    payment_amount,
    payment_method,
    wire_time,
)

PAYMENT_KINDS = {
    PaymentStatus.FAILED: "PAYMENT_FAILED_WEBHOOK",
    PaymentStatus.USER_DROPPED: "PAYMENT_USER_DROPPED_WEBHOOK",
    PaymentStatus.CANCELLED: "PAYMENT_USER_DROPPED_WEBHOOK",
}
SUCCESS, REFUND, AUTO_REFUND = "PAYMENT_SUCCESS_WEBHOOK", "REFUND_STATUS_WEBHOOK", "AUTO_REFUND_STATUS_WEBHOOK"
TEST = "TEST_WEBHOOK"
"""A test message. It is no event: an endpoint gets it when somebody asks for it, whatever it chose."""
SETTLEMENT = "SETTLEMENT_"
SETTLEMENT_ENDS = ("INITIATED", "SUCCESS", "FAILED", "REVERSED")
KINDS = (
    SUCCESS,
    *dict.fromkeys(PAYMENT_KINDS.values()),
    REFUND,
    AUTO_REFUND,
    *(f"{SETTLEMENT}{end}" for end in SETTLEMENT_ENDS),
)
"""All names of events, which an endpoint may choose among."""

ABOUT = ("event__order", "settlement_event__settlement")
"""What a delivery is about, for select_related."""

_REFUND_ENDS = frozenset({RefundStatus.SUCCESS, RefundStatus.FAILED, RefundStatus.CANCELLED})


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
    """The body of an event, as it is signed and sent in every try.

    Its status is the one the event brought, so that a body made again later tells of the same move.
    """
    if event.refund is not None:
        name = "auto_refund" if kind == AUTO_REFUND else "refund"
        data = {name: _refund(event, event.refund, order=order, is_automatic=kind == AUTO_REFUND)}
    else:
        assert event.payment is not None  # noqa: S101  (kind_of names no others)
        data = _payment_data(event, event.payment, order=order)
    till = {"sequence": event.sequence, "order_id": order.order_id, "event": event.kind}
    return as_json({"data": data, "event_time": wire_time(event.at), "type": kind, "till": till})


def settlement_kind_of(event: SettlementEvent) -> str:
    """The wire's name of a settlement's event, or nothing if nobody is told of it.

    One with nothing to pay out is done when it is closed. A transfer that the bank had confirmed before is reversed.
    """
    payout = event.payout
    if event.kind == "payout.sent":
        return f"{SETTLEMENT}INITIATED"
    if event.kind == f"settlement.{SettlementStatus.PAID_OUT}":
        return f"{SETTLEMENT}SUCCESS"
    if event.kind == f"settlement.{SettlementStatus.CLOSED}":
        return "" if event.settlement.is_to_pay_out else f"{SETTLEMENT}SUCCESS"
    if event.kind == f"settlement.{SettlementStatus.FAILED}":
        return f"{SETTLEMENT}REVERSED" if payout and payout.paid_at else f"{SETTLEMENT}FAILED"
    return ""


def settlement_body_of(event: SettlementEvent, kind: str) -> str:
    """The body of a settlement's event. Like an order's it tells of its own move, whenever it is made."""
    settlement = event.settlement
    data = {"settlement": _settlement(event, settlement, kind.removeprefix(SETTLEMENT))}
    till = {
        "sequence": event.sequence,
        "order_id": None,
        "settlement_id": settlement.uid,
        "event": event.kind,
    }
    return as_json({"data": data, "event_time": wire_time(event.at), "type": kind, "till": till})


def _settlement(event: SettlementEvent, settlement: Settlement, status: str) -> dict[str, Any]:
    payout, arrived = event.payout, status in ("SUCCESS", "REVERSED")
    return {
        "settlement_id": settlement.uid,
        "status": status,
        "utr": (payout.utr or None) if payout else None,
        **settlement_sums(settlement),
        "settlement_amount": settlement.net,
        "settlement_currency": settlement.currency,
        "settlement_charge": None,
        "settlement_tax": None,
        "payment_from": _bare_time(settlement.payment_from),
        "payment_till": _bare_time(settlement.payment_till),
        "settlement_initiated_on": wire_time(payout.sent_at) if payout else None,
        "settled_on": wire_time(payout.paid_at) if payout and arrived else None,
        "settlement_type": "STANDARD",
        "reason": (payout.message or None) if payout and status in ("FAILED", "REVERSED") else None,
        "remarks": None if payout else "There is nothing to pay out.",
    }


def _bare_time(moment: datetime | None) -> str | None:
    """India's time without its offset, which the wire writes for these two fields alone."""
    return moment.astimezone(INDIA).strftime("%Y-%m-%d %H:%M:%S") if moment else None


def body_of_test(*, at: datetime) -> str:
    """The body of a test message: outside like all others, and nothing to act on inside."""
    data = {"test": True, "message": "A test message: nothing happened to any order."}
    till = {"sequence": 0, "order_id": None, "event": "test"}
    return as_json({"data": data, "event_time": wire_time(at), "type": TEST, "till": till})


def _payment_data(event: Event, payment: Payment, *, order: Order) -> dict[str, Any]:
    return {
        "order": {
            "order_id": order.order_id,
            "order_amount": order.amount,
            "order_currency": order.currency,
            "order_tags": order.tags or None,
        },
        "payment": {
            "cf_payment_id": payment.uid,
            "payment_status": event.new.upper(),
            "payment_amount": payment_amount(payment),
            "payment_currency": payment.currency,
            "payment_message": payment.message,
            "payment_time": wire_time(payment.started_at),
            "bank_reference": payment.bank_reference or None,
            "auth_id": payment.auth_id or None,
            "payment_method": payment_method(payment),
            "payment_group": payment.payment_group or None,
            "international_payment": None,
            "payment_surcharge": None,
        },
        "customer_details": customer_details(order),
        "error_details": error_details(payment),
        "payment_gateway_details": gateway_details(payment),
        "payment_offers": None,
    }


def _refund(event: Event, refund: Refund, *, order: Order, is_automatic: bool) -> dict[str, Any]:
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
        "refund_status": REFUND_WORDS.get(RefundStatus(event.new), event.new.upper()),
        "status_description": refund.message,
        "created_at": wire_time(refund.requested_at),
        "processed_at": wire_time(refund.completed_at),
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


# --- The log of webhooks, as merchants read it by API ---


def endpoint_entity(endpoint: Endpoint) -> dict[str, Any]:
    """An endpoint. It has no secret of its own: the merchant's API keys sign."""
    return {
        "endpoint_id": endpoint.uid,
        "entity": "webhook_endpoint",
        "url": endpoint.url,
        "kinds": endpoint.kinds,
        "status": "live" if endpoint.disabled_at is None else "off",
        "created_at": wire_time(endpoint.made_at),
        "failing_since": wire_time(endpoint.failing_since),
        "disabled_at": wire_time(endpoint.disabled_at),
        "disabled_reason": endpoint.disabled_reason or None,
    }


def delivery_entity(delivery: Delivery) -> dict[str, Any]:
    """A message on its way to one address."""
    return {
        "webhook_id": delivery.uid,
        "entity": "webhook_delivery",
        "type": delivery.kind,
        "order_id": delivery.event.order.order_id if delivery.event else None,
        "settlement_id": delivery.settlement_event.settlement.uid if delivery.settlement_event else None,
        "endpoint_id": delivery.endpoint.uid if delivery.endpoint else None,
        "url": delivery.url,
        "status": delivery.status,
        "tries": delivery.tries,
        "created_at": wire_time(delivery.made_at),
        "due_at": wire_time(delivery.due_at),
        "completed_at": wire_time(delivery.completed_at),
    }


def try_entity(made: DeliveryTry) -> dict[str, Any]:
    """One try of a delivery, with the first kilobyte of what came back."""
    return {
        "number": made.number,
        "at": wire_time(made.at),
        "duration_ms": made.duration_ms,
        "status": made.status,
        "error": made.error or None,
        "answer": made.answer or None,
    }


def event_entity(event: Event) -> dict[str, Any]:
    """A move of an order, of one of its payments or refunds."""
    return {
        "sequence": event.sequence,
        "entity": "event",
        "event": event.kind,
        "type": kind_of(event) or None,
        "cf_payment_id": event.payment.uid if event.payment else None,
        "refund_id": event.refund.refund_id if event.refund else None,
        "event_time": wire_time(event.at),
    }
