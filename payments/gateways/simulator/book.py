"""Writing the simulator's book: a payment is opened once and ends once, and each end puts an event in the outbox."""

import json
import secrets
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Sum

from payments.gateways.base import PaymentFact, RefundFact
from payments.gateways.simulator.inputs import HOLD_DAYS, MESSAGES, RefundScenario, refund_scenario
from payments.gateways.simulator.models import SimulatedEvent, SimulatedPayment, SimulatedRefund
from payments.states import Method, PaymentStatus, RefundStatus

REORDER_BY = timedelta(seconds=3)
RETURNED_AFTER = timedelta(seconds=60)

_STATUS = {
    SimulatedPayment.OPEN: PaymentStatus.PENDING,
    SimulatedPayment.HELD: PaymentStatus.AUTHORIZED,
    SimulatedPayment.CAPTURED: PaymentStatus.SUCCESS,
    SimulatedPayment.RELEASED: PaymentStatus.VOID,
    SimulatedPayment.DECLINED: PaymentStatus.FAILED,
    SimulatedPayment.CANCELLED: PaymentStatus.CANCELLED,
    SimulatedPayment.DROPPED: PaymentStatus.USER_DROPPED,
}
_REFUND_STATUS = {
    SimulatedRefund.PENDING: RefundStatus.PENDING,
    SimulatedRefund.ONHOLD: RefundStatus.ONHOLD,
    SimulatedRefund.DONE: RefundStatus.SUCCESS,
    SimulatedRefund.FAILED: RefundStatus.FAILED,
}
_REFUND_STARTS = {
    RefundScenario.FAIL: SimulatedRefund.FAILED,
    RefundScenario.HOLD: SimulatedRefund.ONHOLD,
    RefundScenario.SETTLE: SimulatedRefund.PENDING,
}
_GROUP = {
    Method.CARD: "credit_card",
    Method.UPI: "upi",
    Method.NETBANKING: "net_banking",
    Method.WALLET: "wallet",
}


def find(key: str, *, account_id: int) -> SimulatedPayment | None:
    return SimulatedPayment.objects.filter(account_id=account_id, key=key).first()


def write(key: str, *, account_id: int, at: datetime, **columns: Any) -> SimulatedPayment:
    """Insert the row of this key once; whoever comes second reads what the first wrote."""
    try:
        with transaction.atomic():
            row = SimulatedPayment.objects.create(key=key, account_id=account_id, made_at=at, **columns)
            if row.status == SimulatedPayment.OPEN or row.fault == "reorder_events":
                _put_event(row, PaymentStatus.PENDING, at=at)
            if row.status != SimulatedPayment.OPEN:
                _put_event(row, _STATUS[row.status], at=at)
    except IntegrityError:
        return SimulatedPayment.objects.get(key=key, account_id=account_id)
    return row


def yes(*, amount_minor: int, holds: bool, at: datetime) -> dict[str, Any]:
    """Columns of a payment the customer's bank says yes to: taken, or held for a week."""
    if holds:
        return {"status": SimulatedPayment.HELD, "approve_by": at + timedelta(days=HOLD_DAYS)}
    return {"status": SimulatedPayment.CAPTURED, "captured_minor": amount_minor}


def approve(row: SimulatedPayment, *, at: datetime) -> bool:
    """Say yes to an open payment, once."""
    return _end(row, SimulatedPayment.OPEN, at=at, **yes(amount_minor=row.amount_minor, holds=row.holds, at=at))


def settle(row: SimulatedPayment, status: str, *, at: datetime, error_code: str = "") -> bool:
    """End an open payment without money, once. `row` is brought up to date; false if it had ended before."""
    return _end(row, SimulatedPayment.OPEN, at=at, status=status, error_code=error_code)


def capture(row: SimulatedPayment, amount_minor: int, *, at: datetime) -> bool:
    """Take held money, once."""
    taken = {"status": SimulatedPayment.CAPTURED, "captured_minor": amount_minor}
    return _end(row, SimulatedPayment.HELD, at=at, **taken)


def release(row: SimulatedPayment, *, at: datetime) -> bool:
    """Let held money go, once."""
    return _end(row, SimulatedPayment.HELD, at=at, status=SimulatedPayment.RELEASED)


def _end(row: SimulatedPayment, old: str, *, at: datetime, **columns: Any) -> bool:
    with transaction.atomic():
        still = SimulatedPayment.objects.filter(pk=row.pk, status=old)
        is_mine = still.update(**columns) == 1
        row.refresh_from_db()
        if is_mine:
            _put_event(row, _STATUS[row.status], at=at)
    return is_mine


def fact_of(row: SimulatedPayment) -> PaymentFact:
    """What the gateway says of a payment."""
    captured = row.status == SimulatedPayment.CAPTURED
    amounts = {SimulatedPayment.CAPTURED: row.captured, SimulatedPayment.HELD: row.amount}
    return PaymentFact(
        status=_STATUS[row.status],
        key=row.key,
        amount=amounts.get(row.status),
        gateway_payment_id=row.gateway_payment_id,
        bank_reference=row.bank_reference if captured else "",
        auth_id=f"{row.pk % 1_000_000:06d}" if captured else "",
        payment_group=_GROUP.get(Method(row.method), "") if row.method else "",
        method_details={"card_network": row.card_network, "card_last4": row.card_last4} if row.card_last4 else {},
        declined=row.status == SimulatedPayment.DECLINED,
        error_code=row.error_code,
        message=MESSAGES.get(row.error_code, ""),
        approve_by=row.approve_by,
        happened_at=row.made_at,
    )


# --- Refunds ---


def write_refund(row: SimulatedPayment, key: str, amount_minor: int, *, at: datetime) -> SimulatedRefund | None:
    """Insert the refund of this key once; None if the payment has not that much left to give."""
    with transaction.atomic():
        SimulatedPayment.objects.select_for_update().get(pk=row.pk)
        known = SimulatedRefund.objects.filter(key=key).first()
        if known is not None:
            return known
        given = SimulatedRefund.objects.filter(payment=row).exclude(status=SimulatedRefund.FAILED)
        if row.captured_minor - (given.aggregate(all=Sum("amount_minor"))["all"] or 0) < amount_minor:
            return None
        scenario = refund_scenario(amount_minor)
        return SimulatedRefund.objects.create(
            key=key,
            payment=row,
            amount_minor=amount_minor,
            status=_REFUND_STARTS.get(scenario, SimulatedRefund.DONE),
            made_at=at,
            return_at=at + RETURNED_AFTER if scenario is RefundScenario.RETURN else None,
        )


def end_refund(refund: SimulatedRefund, old: str, new: str, *, at: datetime) -> None:
    """Decide a refund, once; what happens to it without anybody asking is told by an event."""
    with transaction.atomic():
        still = SimulatedRefund.objects.filter(pk=refund.pk, status=old)
        is_mine = still.update(status=new, return_at=None) == 1
        refund.refresh_from_db()
        if is_mine:
            status = refund_fact_of(refund).status
            told = {
                "reference": refund.key, "id": refund.gateway_refund_id, "status": status,
                "amount_minor": refund.amount_minor, "currency": refund.payment.currency, "happened_at": at.isoformat(),
            }  # fmt: skip
            _write_event(refund.payment, f"refund.{status}", {"refund": told}, due_at=at)


def refund_fact_of(refund: SimulatedRefund) -> RefundFact:
    """What the gateway says of a refund."""
    failed = refund.status == SimulatedRefund.FAILED
    return RefundFact(
        status=_REFUND_STATUS[refund.status],
        key=refund.key,
        amount=refund.amount,
        gateway_refund_id=refund.gateway_refund_id,
        bank_reference=f"{732_744_000_000 + refund.pk}",
        error_code="refund_failed" if failed else "",
        message="The bank did not take the refund." if failed else "",
        happened_at=refund.made_at,
    )


# --- Events ---


def _put_event(row: SimulatedPayment, status: PaymentStatus, *, at: datetime) -> None:
    """Put what just happened into the outbox, in the transaction in which it happens."""
    is_start = status == PaymentStatus.PENDING
    delay = REORDER_BY if is_start and row.fault == "reorder_events" else timedelta()
    told = {"payment": _told(row, status, at=at)}
    _write_event(row, f"payment.{status}", told, due_at=None if row.fault == "lose_event" else at + delay)


def _write_event(row: SimulatedPayment, kind: str, told: dict[str, Any], *, due_at: datetime | None) -> None:
    if not row.event_url:
        return
    event_id = f"evt_{secrets.token_hex(12)}"
    body = json.dumps({"id": event_id, "type": kind, "account": row.account_id, **told})
    SimulatedEvent.objects.create(event_id=event_id, payment=row, kind=kind, body=body, due_at=due_at)


def _told(row: SimulatedPayment, status: PaymentStatus, *, at: datetime) -> dict[str, Any]:
    fact = fact_of(row)
    told: dict[str, Any] = {
        "id": fact.gateway_payment_id, "reference": fact.key, "status": status, "group": fact.payment_group,
        "method_details": dict(fact.method_details), "happened_at": at.isoformat(),
    }  # fmt: skip
    if status == PaymentStatus.PENDING:
        return told
    taken = {"amount_minor": fact.amount.minor, "currency": fact.amount.currency} if fact.amount else {}
    if fact.approve_by:
        told["approve_by"] = fact.approve_by.isoformat()
    words = {"bank_reference": fact.bank_reference, "auth_id": fact.auth_id, "declined": fact.declined,
             "error_code": fact.error_code, "message": fact.message}  # fmt: skip
    return told | taken | words
