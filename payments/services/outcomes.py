"""What a fact does to a payment and its order: taken, held, or over without money."""

from datetime import datetime, timedelta
from typing import Any

from payments.fees import fee_of, rule_in_words
from payments.gateways.base import PaymentFact
from payments.models import FeePlan, Order, Payment, Transfer
from payments.services.attempts import move_payment
from payments.services.holds import ask_for, write_authorization
from payments.services.ledger import Posting, Source, post
from payments.services.orders import move_order
from payments.services.refunds import return_by_itself
from payments.states import (
    LIVE,
    PAYABLE,
    AccountKind,
    AuthorizationAction,
    AuthorizationStatus,
    CaptureKind,
    OrderStatus,
    PaymentStatus,
    TransferKind,
)

Columns = dict[str, Any]
_ENDED = frozenset({OrderStatus.EXPIRED, OrderStatus.TERMINATED})


def succeed(payment: Payment, fact: PaymentFact, *, order: Order, cause: str, at: datetime, columns: Columns) -> None:
    """Money was taken: the order's payment, or money that goes back by itself."""
    kind = _capture_kind(order, at=at)
    old = payment.status
    captured_minor = fact.amount.minor if fact.amount else payment.amount_minor
    columns |= {"captured_minor": captured_minor, "capture_kind": kind, "money_unclear": False}
    if kind == CaptureKind.NORMAL:
        columns |= _fees(payment, captured_minor)
    pays = kind == CaptureKind.NORMAL
    event = move_payment(payment, PaymentStatus.SUCCESS, order=order, cause=cause, at=at, order_follows=pays, **columns)
    _write_capture(payment, fact, is_new=old == PaymentStatus.PENDING, at=at)
    _post_capture(payment, at=at)
    if not pays:
        return_by_itself(payment, order=order, at=at)
        return
    move_order(order, OrderStatus.PAID, cause=cause, at=at, payment=payment, after=event)
    if old not in LIVE:
        _end_other_attempts(order, at=at)


def keep_surplus(payment: Payment, fact: PaymentFact, *, order: Order, cause: str, at: datetime) -> None:
    """Book a surplus capture that has a row of its own already, and send it back."""
    _write_capture(payment, fact, is_new=True, at=at)
    _post_capture(payment, at=at)
    return_by_itself(payment, order=order, at=at)


def _fees(payment: Payment, captured_minor: int) -> Columns:
    """Our fee by the merchant's plan for the method, else by its plan for all others; kept as it is now."""
    plans = FeePlan.objects.filter(
        merchant_id=payment.merchant_id, currency=payment.currency, method__in=[payment.method, ""]
    )
    plan = plans.order_by("-method").values("percent_bps", "fixed_minor", "tax_bps").first()
    if plan is None:
        return {}
    fee_minor, tax_minor = fee_of(captured_minor, **plan)
    return {"fee_minor": fee_minor, "fee_tax_minor": tax_minor, "fee_rule": rule_in_words(**plan)}


def _post_capture(payment: Payment, *, at: datetime) -> None:
    normal = payment.capture_kind == CaptureKind.NORMAL
    owed = AccountKind.MERCHANT_PAYABLE if normal else AccountKind.SUSPENSE
    source = Source(Transfer.PAYMENT, payment.pk, payment.merchant_id, payment.mode, payment.currency)
    postings = [
        Posting(TransferKind.CAPTURE, AccountKind.GATEWAY_RECEIVABLE, owed, payment.captured_minor),
        Posting(TransferKind.FEE, owed, AccountKind.FEES, payment.fee_minor),
        Posting(TransferKind.TAX, owed, AccountKind.TAX_ON_FEES, payment.fee_tax_minor),
    ]
    post(source, postings, at=at)


def _end_other_attempts(order: Order, *, at: datetime) -> None:
    """The order is paid by an attempt that was over: the one that took its place is cancelled, or released."""
    others = Payment.objects.filter(order=order)
    others.filter(status=PaymentStatus.PENDING).update(inquire_at=at)
    for held in others.filter(status=PaymentStatus.AUTHORIZED):
        ask_for(held, AuthorizationAction.VOID, at=at)


def _capture_kind(order: Order, *, at: datetime) -> CaptureKind:
    if order.status == OrderStatus.PAID:
        return CaptureKind.SURPLUS
    if order.status in _ENDED:
        grace = timedelta(seconds=order.merchant.accept_late_s)
        return CaptureKind.NORMAL if grace and at <= _ended_at(order) + grace else CaptureKind.LATE
    return CaptureKind.NORMAL


def _ended_at(order: Order) -> datetime:
    """When an order that is over stopped being payable: its expiry, unless it was called off before."""
    if order.status == OrderStatus.EXPIRED:
        return order.expires_at
    called_off = order.events.filter(kind=f"order.{OrderStatus.TERMINATED}").first()
    return called_off.at if called_off else order.expires_at


def hold(payment: Payment, fact: PaymentFact, *, order: Order, cause: str, at: datetime, columns: Columns) -> None:
    """Money is held: for the order if it is still to be paid, else to be released at once."""
    was_pending = payment.status == PaymentStatus.PENDING
    wanted = order.status in ({OrderStatus.PENDING} if was_pending else PAYABLE)
    if not was_pending and not wanted:
        move_payment(payment, PaymentStatus.VOID, order=order, cause=cause, at=at, **columns)
        write_authorization(payment, is_new=False, approve_by=fact.approve_by)
        ask_for(payment, AuthorizationAction.VOID, at=at)
        return
    columns["inquire_at"] = fact.approve_by
    move_payment(payment, PaymentStatus.AUTHORIZED, order=order, cause=cause, at=at, **columns)
    write_authorization(payment, is_new=was_pending, start_time=payment.started_at, approve_by=fact.approve_by)
    if not was_pending:
        move_order(order, OrderStatus.PENDING, cause=cause, at=at, payment=payment)
    if not wanted or order.terminate_requested_at is not None:
        ask_for(payment, AuthorizationAction.VOID, at=at)
    elif not order.manual_capture:
        ask_for(payment, AuthorizationAction.CAPTURE, amount_minor=payment.amount_minor, at=at)


def _write_capture(payment: Payment, fact: PaymentFact, *, is_new: bool, at: datetime) -> None:
    write_authorization(
        payment,
        is_new=is_new,
        action=AuthorizationAction.CAPTURE,
        status=AuthorizationStatus.SUCCESS,
        captured_minor=payment.captured_minor,
        start_time=payment.started_at,
        end_time=at,
        action_reference=payment.gateway_payment_id,
        action_time=fact.happened_at or at,
    )


def fail(payment: Payment, fact: PaymentFact, *, order: Order, cause: str, at: datetime, columns: Columns) -> None:
    """End an attempt without money; if it was the order's live one, the order goes on or ends with it."""
    was_live = payment.status in LIVE and order.status == OrderStatus.PENDING
    event = move_payment(payment, fact.status, order=order, cause=cause, at=at, order_follows=was_live, **columns)
    if fact.status == PaymentStatus.VOID:
        write_authorization(
            payment,
            is_new=False,
            action=AuthorizationAction.VOID,
            status=AuthorizationStatus.SUCCESS,
            end_time=at,
            action_reference=payment.gateway_payment_id,
            action_time=fact.happened_at or at,
        )
    if not was_live:
        return
    if order.terminate_requested_at is not None or fact.status == PaymentStatus.VOID:
        end = OrderStatus.TERMINATED
    else:
        end = OrderStatus.EXPIRED if order.expires_at <= at else OrderStatus.FAILED
    declined = order.attempts_declined + (1 if fact.declined else 0)
    move_order(order, end, cause=cause, at=at, payment=payment, after=event, attempts_declined=declined)
