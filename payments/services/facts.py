"""The one door for what gateways say: browser returns, server events, inquiries and staff all come through here.

Facts are idempotent and forward-only, so their order of arrival cannot matter.
"""

import logging
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from payments import faults
from payments.gateways.base import PaymentFact
from payments.models import Authorization, Order, Payment
from payments.services.attempts import move_payment
from payments.services.orders import lock_order, move_order
from payments.states import (
    LIVE,
    PAYABLE,
    PAYMENT_MOVES,
    AuthorizationAction,
    AuthorizationStatus,
    CaptureKind,
    OrderStatus,
    PaymentStatus,
)

log = logging.getLogger(__name__)

Columns = dict[str, Any]

_TAKES_MONEY = frozenset({PaymentStatus.SUCCESS, PaymentStatus.AUTHORIZED})
_WITHOUT_MONEY = frozenset(
    {PaymentStatus.FAILED, PaymentStatus.USER_DROPPED, PaymentStatus.CANCELLED, PaymentStatus.VOID}
)
_ENDED = frozenset({OrderStatus.EXPIRED, OrderStatus.TERMINATED})


def apply_gateway_fact(
    payment: Payment, fact: PaymentFact, *, cause: str, at: datetime, answers_start: bool = False
) -> None:
    """Make our rows agree with a fact, and leave them alone where it is old news.

    A fact that contradicts what we hold, or no move allows, sets `review_reason` for staff and moves nothing.
    `answers_start` tells that the gateway answered our start with it. `payment` is brought up to date.
    """
    with transaction.atomic():
        order = lock_order(payment.order_id)
        payment.refresh_from_db()
        if payment.status not in LIVE:
            _expire_if_overdue(order, at=at)
        answered = {"start_answered_at": at} if answers_start and not payment.start_answered_at else {}
        _apply(payment, fact, order=order, cause=cause, at=at, **answered)
        faults.point("pay.before_t2_commit")
    payment.order = order


def _expire_if_overdue(order: Order, *, at: datetime) -> None:
    """Expire an overdue order first, so that no answer depends on when a sweep ran."""
    if Order.objects.lapsed(at=at).filter(pk=order.pk).exists():
        move_order(order, OrderStatus.EXPIRED, cause="clock", at=at)


def _apply(
    payment: Payment, fact: PaymentFact, *, order: Order, cause: str, at: datetime, **answered: datetime
) -> None:
    columns = _columns(fact) | answered
    contradiction = _contradiction(payment, fact)
    if contradiction:
        flag_for_review(payment, contradiction, money_unclear=fact.status in _TAKES_MONEY)
    elif fact.status in (PaymentStatus.PENDING, payment.status):
        Payment.objects.filter(pk=payment.pk).update(**answered)
    elif fact.status not in PAYMENT_MOVES[PaymentStatus(payment.status)]:
        _note_illegal(payment, fact)
    else:
        _move(payment, fact, order=order, cause=cause, at=at, columns=columns)


def _move(payment: Payment, fact: PaymentFact, *, order: Order, cause: str, at: datetime, columns: Columns) -> None:
    """Make the move a fact calls for; one that a constraint forbids (another row holds its payment) is for staff."""
    try:
        with transaction.atomic():
            _make_move(payment, fact, order=order, cause=cause, at=at, columns=columns)
    except IntegrityError:
        reason = f"Our books cannot hold the gateway's payment {fact.gateway_payment_id} beside what they have."
        flag_for_review(payment, reason, money_unclear=fact.status in _TAKES_MONEY)


def _make_move(
    payment: Payment, fact: PaymentFact, *, order: Order, cause: str, at: datetime, columns: Columns
) -> None:
    if fact.status == PaymentStatus.SUCCESS:
        _succeed(payment, fact, order=order, cause=cause, at=at, columns=columns)
    elif fact.status == PaymentStatus.AUTHORIZED:
        _hold(payment, fact, order=order, cause=cause, at=at, columns=columns)
    else:
        _fail(payment, fact, order=order, cause=cause, at=at, columns=columns)


def _contradiction(payment: Payment, fact: PaymentFact) -> str:
    """Why this fact cannot be about this payment, or nothing."""
    if fact.key != payment.gateway_key:
        return f"The gateway answered about another reference, {_clean(fact.key)[:40]}."
    if fact.status in _TAKES_MONEY:
        if fact.amount != payment.amount:
            return f"The gateway took {fact.amount}, not {payment.amount}, as {fact.gateway_payment_id}."
        if payment.gateway_payment_id and fact.gateway_payment_id != payment.gateway_payment_id:
            return f"The gateway reports a second payment, {fact.gateway_payment_id}."
    return ""


def flag_for_review(payment: Payment, reason: str, *, money_unclear: bool = False) -> None:
    """Ask staff to look at a payment. The first reason stands; `money_unclear` stops everybody calling it untaken."""
    log.warning("%s needs review: %s", payment.uid, reason)
    payment.review_reason = payment.review_reason or reason[:200]
    payment.money_unclear = payment.money_unclear or money_unclear
    payment.save(update_fields=["review_reason", "money_unclear"])


def _note_illegal(payment: Payment, fact: PaymentFact) -> None:
    """A late echo is old news: authorised after captured or released, dropped after declined. The rest is for staff."""
    is_over = payment.status in (PaymentStatus.SUCCESS, PaymentStatus.VOID)
    is_echo = fact.status == PaymentStatus.AUTHORIZED and is_over
    if not is_echo and not (payment.status in _WITHOUT_MONEY and fact.status in _WITHOUT_MONEY):
        flag_for_review(payment, f"The gateway said {fact.status} after {payment.status}.")


def _columns(fact: PaymentFact) -> Columns:
    """What a fact tells of the payment besides its status."""
    told = {
        "gateway_payment_id": fact.gateway_payment_id,
        "gateway_order_id": fact.gateway_order_id,
        "bank_reference": fact.bank_reference,
        "auth_id": fact.auth_id,
        "payment_group": fact.payment_group,
    }
    columns: Columns = {name: _fitting(name, text) for name, text in told.items() if text}
    if fact.method_details:
        columns["method_details"] = {_clean(name): _clean(text) for name, text in fact.method_details.items()}
    message, error_code = _fitting("message", fact.message), _fitting("error_code", fact.error_code)
    details = {
        "code": [error_code],
        "description": [message],
        "source": ["bank" if fact.declined else "gateway"],
        "step": ["authorization"],
    }
    return columns | {"message": message, "error_code": error_code, "error_details": details if error_code else {}}


def _clean(text: str) -> str:
    """A gateway's words as the database can keep them: no NUL, no half characters."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


def _fitting(column: str, text: str) -> str:
    """A talkative gateway must not stop a payment: its words are cut to what the column holds."""
    return _clean(text)[: getattr(Payment._meta.get_field(column), "max_length", None)]


def _succeed(payment: Payment, fact: PaymentFact, *, order: Order, cause: str, at: datetime, columns: Columns) -> None:
    kind = _capture_kind(order, at=at)
    was_pending = payment.status == PaymentStatus.PENDING
    columns |= {"captured_minor": payment.amount_minor, "capture_kind": kind, "money_unclear": False}
    move_payment(payment, PaymentStatus.SUCCESS, order=order, cause=cause, at=at, **columns)
    _write_authorization(
        payment,
        is_new=was_pending,
        action=AuthorizationAction.CAPTURE,
        status=AuthorizationStatus.SUCCESS,
        captured_minor=payment.captured_minor,
        start_time=payment.started_at,
        end_time=at,
        action_reference=fact.gateway_payment_id,
        action_time=fact.happened_at or at,
    )
    if kind == CaptureKind.NORMAL:
        move_order(order, OrderStatus.PAID, cause=cause, at=at, payment=payment)
    else:
        flag_for_review(payment, f"A {kind} capture: this money has to go back to the customer.")


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


def _hold(payment: Payment, fact: PaymentFact, *, order: Order, cause: str, at: datetime, columns: Columns) -> None:
    """Note held money: of the live attempt, or, heard late, of an ended one whose order is still to be paid."""
    was_pending = payment.status == PaymentStatus.PENDING
    if order.status not in ({OrderStatus.PENDING} if was_pending else PAYABLE):
        flag_for_review(payment, f"Authorised late: the hold {fact.gateway_payment_id} has to be released.")
        return
    move_payment(payment, PaymentStatus.AUTHORIZED, order=order, cause=cause, at=at, **columns)
    _write_authorization(payment, is_new=was_pending, start_time=payment.started_at, approve_by=fact.approve_by)
    if not was_pending:
        move_order(order, OrderStatus.PENDING, cause=cause, at=at, payment=payment)


def _write_authorization(payment: Payment, *, is_new: bool, **columns: object) -> None:
    """Insert the payment's authorisation, or bring the one it has up to date."""
    if is_new or not Authorization.objects.filter(payment=payment).update(**columns):
        Authorization.objects.create(payment=payment, **columns)


def _fail(payment: Payment, fact: PaymentFact, *, order: Order, cause: str, at: datetime, columns: Columns) -> None:
    """End an attempt without money; if it was the order's live one, the order goes on or ends with it."""
    was_live = payment.status in LIVE
    move_payment(payment, fact.status, order=order, cause=cause, at=at, **columns)
    if not was_live or order.status != OrderStatus.PENDING:
        return
    if order.terminate_requested_at is not None or fact.status == PaymentStatus.VOID:
        end = OrderStatus.TERMINATED
    else:
        end = OrderStatus.EXPIRED if order.expires_at <= at else OrderStatus.FAILED
    declined = order.attempts_declined + (1 if fact.declined else 0)
    move_order(order, end, cause=cause, at=at, payment=payment, attempts_declined=declined)
