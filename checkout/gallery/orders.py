"""Orders with attempts and refunds in memory, in any state. Nothing here reads or writes the database."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from payments.models import Authorization, GatewayAccount, Merchant, Order, Payment, Refund
from payments.routing import Route
from payments.selectors import OrderState
from payments.states import (
    LIVE,
    REFUND_SENT,
    AuthorizationStatus,
    CaptureKind,
    Method,
    Mode,
    OrderStatus,
    PaymentStatus,
    RefundStatus,
)

Columns = Mapping[str, Any]

MERCHANT = {
    "name": "Patang Paper Goods",
    "return_url": "https://patang.example/return",
    "return_origins": ["https://patang.example"],
    "support_email": "hello@patang.example",
    "support_phone": "+912240001234",
    "terms_url": "https://patang.example/terms",
    "accent": "#7a1f57",
}
AMOUNT = 229_000
BEGAN_AGO = timedelta(seconds=30)
MINUTES_TO_PAY = timedelta(minutes=15)


def order_state(
    at: datetime,
    attempts: Sequence[Columns] = (),
    *,
    gateway: str = "simulator",
    methods: Iterable[Method] = Method,
    merchant: Columns | None = None,
    **columns: Any,
) -> OrderState:
    """An order with these attempts, oldest first, whose ways to pay the gateway serves.

    An attempt's columns may have `ago`, how long ago it began, `hold`, the columns of its authorization, and `refunds`.
    """
    shop = Merchant(**{**MERCHANT, "created_at": at, **(merchant or {})})
    given = {
        "status": _status_after(attempts),
        "mode": Mode.TEST,
        "amount_minor": AMOUNT,
        "currency": "INR",
        "created_at": at - timedelta(hours=1),
        "expires_at": at + timedelta(hours=23),
        "return_url": shop.return_url,
        "customer_name": "Asha Rao",
        "note": "Monsoon notebook × 2, letterpress calendar 2027",
    }
    names = {"uid": "order_gallery", "order_id": "PTG-2041", "session_id": "sess_gallery"}
    order = Order(pk=1, merchant=shop, **{**given, **names, **columns})
    payments, refunds = [], []
    for number, attempt in enumerate(attempts, start=1):
        payments.append(_payment(order, number, attempt, at=at))
        refunds += [_refund(payments[-1], told, at=at) for told in attempt.get("refunds", ())]
    state = OrderState(order, payments[::-1], at)
    state.__dict__["refunds"] = [refund for refund in refunds if refund.sent_at]
    state.__dict__["serving"] = {method: [Route(GatewayAccount(gateway=gateway))] for method in methods}
    return state


def _status_after(attempts: Sequence[Columns]) -> OrderStatus:
    statuses = {attempt.get("status", PaymentStatus.PENDING) for attempt in attempts}
    if any(attempt.get("capture_kind") == CaptureKind.NORMAL for attempt in attempts):
        return OrderStatus.PAID
    if statuses & LIVE:
        return OrderStatus.PENDING
    return OrderStatus.FAILED if statuses else OrderStatus.CREATED


def _payment(order: Order, number: int, attempt: Columns, *, at: datetime) -> Payment:
    own = {name: value for name, value in attempt.items() if name not in ("ago", "hold", "refunds")}
    began = at - attempt.get("ago", BEGAN_AGO)
    given = {
        "uid": f"pay_gallery{number}",
        "gateway": "simulator",
        "method": Method.CARD,
        "amount_minor": order.amount_minor,
        "currency": order.currency,
        "captured_minor": order.amount_minor if own.get("capture_kind") else 0,
        "started_at": began,
        "start_answered_at": began,
        "deadline_at": began + MINUTES_TO_PAY,
        "completed_at": None if own.get("status", PaymentStatus.PENDING) in LIVE else at,
    }
    payment = Payment(pk=number, order=order, **{**given, **own})
    hold = attempt.get("hold")
    payment._state.fields_cache["authorization"] = None if hold is None else _authorization(hold, at=at)
    for status, minor in attempt.get("refunds", ()):
        payment.refunded_minor += minor if status == RefundStatus.SUCCESS else 0
    return payment


def _authorization(hold: Columns, *, at: datetime) -> Authorization:
    return Authorization(**{"approve_by": at + timedelta(days=7), **hold})


def _refund(payment: Payment, told: tuple[str, int], *, at: datetime) -> Refund:
    """One that was sent when the attempt began, so long ago that an old one is late."""
    status, minor = told
    return Refund(
        payment_id=payment.pk,
        amount_minor=minor,
        currency=payment.currency,
        status=status,
        sent_at=None if status == RefundStatus.REQUESTED else payment.started_at,
        completed_at=None if status in REFUND_SENT else at,
    )


# --- Attempts by how they ended ---


def declined(error_code: str = "card_declined", *, source: str = "bank", **columns: Any) -> Columns:
    """One that failed: the bank said no, or a gateway or we did."""
    details = {"source": [source]} if source else {}
    return {"status": PaymentStatus.FAILED, "error_code": error_code, "error_details": details, **columns}


def captured(*refunds: tuple[str, int], kind: str = CaptureKind.NORMAL, **columns: Any) -> Columns:
    """One that took money, of which these refunds go or went back."""
    card = {"method_details": {"card_last4": "4242"}}
    return {"status": PaymentStatus.SUCCESS, "capture_kind": kind, "refunds": refunds, **card, **columns}


def held(**hold: Any) -> Columns:
    """One whose money the bank holds, perhaps with a capture or void in flight."""
    return {"status": PaymentStatus.AUTHORIZED, "hold": hold}


IN_FLIGHT = AuthorizationStatus.PENDING
