"""The one door for what gateways say: browser returns, server events, inquiries and staff all come through here.

Facts are idempotent and forward-only, so their order of arrival cannot matter.
"""

import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from payments import faults, ids
from payments.fields import storable
from payments.gateways.base import PaymentFact
from payments.models import Order, Payment
from payments.services.attempts import add_captured, flag_for_review
from payments.services.holds import settle_void, shorten_hold
from payments.services.orders import lock_order, move_order
from payments.services.outcomes import fail, hold, keep_surplus, succeed
from payments.states import LIVE, PAYMENT_MOVES, CaptureKind, OrderStatus, PaymentStatus

Columns = dict[str, Any]

_TAKES_MONEY = frozenset({PaymentStatus.SUCCESS, PaymentStatus.AUTHORIZED})
_WITHOUT_MONEY = frozenset(
    {PaymentStatus.FAILED, PaymentStatus.USER_DROPPED, PaymentStatus.CANCELLED, PaymentStatus.VOID}
)
_HELD = frozenset({PaymentStatus.AUTHORIZED, PaymentStatus.VOID})
"""Payments of whose hold a part may have been captured."""


def apply_gateway_fact(
    payment: Payment,
    fact: PaymentFact,
    *,
    cause: str,
    at: datetime,
    answers_start: bool = False,
    next_action: Mapping[str, Any] | None = None,
) -> None:
    """Make our rows agree with a fact, and leave them alone where it is old news.

    A fact that contradicts what we hold, or no move allows, sets `review_reason` for staff and moves nothing.
    `answers_start` tells that the gateway answered our start with it, `next_action` what the customer has to do while
    it is pending. `payment` is brought up to date.
    """
    with transaction.atomic():
        order = lock_order(payment.order_id)
        payment.refresh_from_db()
        if payment.status not in LIVE:
            _expire_if_overdue(order, at=at)
        answered = {"start_answered_at": at} if answers_start and not payment.start_answered_at else {}
        if not _is_another_capture(payment, fact, order=order, cause=cause, at=at):
            columns = _columns(payment, fact) | answered
            if next_action is not None and payment.status == PaymentStatus.PENDING:
                columns["next_action"] = dict(next_action)
            _apply(payment, fact, order=order, cause=cause, at=at, columns=columns)
        faults.point("pay.before_t2_commit")
    payment.order = order


def _expire_if_overdue(order: Order, *, at: datetime) -> None:
    """Expire an overdue order first, so that no answer depends on when a sweep ran."""
    if Order.objects.lapsed(at=at).filter(pk=order.pk).exists():
        move_order(order, OrderStatus.EXPIRED, cause="clock", at=at)


def _is_another_capture(payment: Payment, fact: PaymentFact, *, order: Order, cause: str, at: datetime) -> bool:
    """Whether this is money of a second gateway payment under one reference: it gets a row of its own, to go back."""
    differs = payment.gateway_payment_id and fact.gateway_payment_id not in ("", payment.gateway_payment_id)
    fits = fact.status == PaymentStatus.SUCCESS and fact.key == payment.gateway_key and fact.amount == payment.amount
    if not differs or not fits:
        return False
    same = {"gateway": payment.gateway, "account_id": payment.account_id, "gateway_payment_id": fact.gateway_payment_id}
    if not Payment.objects.filter(**same).exists():
        surplus = add_captured(
            order,
            cause=cause,
            at=at,
            uid=ids.new_payment_id(),
            merchant_id=payment.merchant_id,
            mode=payment.mode,
            gateway_key=ids.new_gateway_key(),
            form_nonce=secrets.token_hex(16),
            method=payment.method,
            amount_minor=payment.amount_minor,
            currency=payment.currency,
            captured_minor=payment.amount_minor,
            capture_kind=CaptureKind.SURPLUS,
            **same | _columns(payment, fact),
        )
        keep_surplus(surplus, fact, order=order, cause=cause, at=at)
    return True


def _apply(payment: Payment, fact: PaymentFact, *, order: Order, cause: str, at: datetime, columns: Columns) -> None:
    if payment.status == PaymentStatus.PENDING and fact.status == PaymentStatus.VOID:
        # Released before we heard that it was held: nothing is held any more, and nothing was taken.
        fact = replace(fact, status=PaymentStatus.CANCELLED)
    contradiction = _contradiction(payment, fact)
    if contradiction:
        flag_for_review(payment, contradiction, money_unclear=fact.status in _TAKES_MONEY)
    elif fact.status in (PaymentStatus.PENDING, payment.status):
        _note(payment, fact, at=at, columns=columns)
    elif fact.status not in PAYMENT_MOVES[PaymentStatus(payment.status)]:
        _note_illegal(payment, fact)
    else:
        _move(payment, fact, order=order, cause=cause, at=at, columns=columns)


def _note(payment: Payment, fact: PaymentFact, *, at: datetime, columns: Columns) -> None:
    """Keep what a fact that moves nothing tells of a pending payment; of any other only what nobody told before."""
    if payment.status == PaymentStatus.VOID == fact.status:
        settle_void(payment, fact, at=at)
    if payment.status == PaymentStatus.AUTHORIZED == fact.status and fact.approve_by:
        shorten_hold(payment, until=fact.approve_by)
    if payment.status != PaymentStatus.PENDING:
        columns = _news(payment, columns, is_echo=payment.status == fact.status)
    if not columns:
        return
    try:
        with transaction.atomic():
            Payment.objects.filter(pk=payment.pk).update(**columns)
    except IntegrityError:
        flag_for_review(payment, f"Another payment has the gateway's id {fact.gateway_payment_id} already.")
    else:
        for name, value in columns.items():
            setattr(payment, name, value)


def _news(payment: Payment, columns: Columns, *, is_echo: bool) -> Columns:
    """What is still blank of a payment that is decided. Several events tell of one payment, and one knows the card."""
    names = {"start_answered_at"} | ({"bank_reference", "auth_id", "payment_group"} if is_echo else set())
    news = {name: columns[name] for name in names & columns.keys() if not getattr(payment, name)}
    details = columns.get("method_details", {}) | payment.method_details
    return news | {"method_details": details} if is_echo and details != payment.method_details else news


def _move(payment: Payment, fact: PaymentFact, *, order: Order, cause: str, at: datetime, columns: Columns) -> None:
    """Make the move a fact calls for; one that a constraint forbids (another row holds its payment) is for staff."""
    try:
        with transaction.atomic():
            _make_move(payment, fact, order=order, cause=cause, at=at, columns=columns)
    except IntegrityError:
        # What was undone in the database is undone in memory too.
        payment.refresh_from_db()
        order.refresh_from_db()
        reason = f"Our books cannot hold the gateway's payment {fact.gateway_payment_id} beside what they have."
        flag_for_review(payment, reason, money_unclear=fact.status in _TAKES_MONEY)


def _make_move(
    payment: Payment, fact: PaymentFact, *, order: Order, cause: str, at: datetime, columns: Columns
) -> None:
    if fact.status == PaymentStatus.SUCCESS:
        succeed(payment, fact, order=order, cause=cause, at=at, columns=columns)
    elif fact.status == PaymentStatus.AUTHORIZED:
        hold(payment, fact, order=order, cause=cause, at=at, columns=columns)
    else:
        fail(payment, fact, order=order, cause=cause, at=at, columns=columns)


def _contradiction(payment: Payment, fact: PaymentFact) -> str:
    """Why this fact cannot be about this payment, or nothing."""
    # A second capture under one reference has a row with a key of its own: only the gateway's id names it.
    is_own = payment.capture_kind == CaptureKind.SURPLUS and fact.gateway_payment_id == payment.gateway_payment_id
    if fact.key != payment.gateway_key and not is_own:
        return f"The gateway answered about another reference, {fact.key[:40]}."
    if fact.status in _TAKES_MONEY:
        if not _fits(payment, fact):
            return f"The gateway took {fact.amount}, not {payment.amount}, as {fact.gateway_payment_id}."
        if payment.gateway_payment_id and fact.gateway_payment_id != payment.gateway_payment_id:
            return f"The gateway reports a second payment, {fact.gateway_payment_id}."
    return ""


def _fits(payment: Payment, fact: PaymentFact) -> bool:
    """Whether the money is what was asked for; of held money a part may be captured, and that part is told again."""
    if fact.status == PaymentStatus.SUCCESS and payment.is_captured:
        return fact.amount == payment.captured
    if fact.amount is None or fact.status == PaymentStatus.AUTHORIZED or payment.status not in _HELD:
        return fact.amount == payment.amount
    return fact.amount.currency == payment.currency and 0 < fact.amount.minor <= payment.amount_minor


def _note_illegal(payment: Payment, fact: PaymentFact) -> None:
    """A late echo is old news: authorised after captured or released, dropped after declined. The rest is for staff."""
    is_over = payment.status in (PaymentStatus.SUCCESS, PaymentStatus.VOID)
    is_echo = fact.status == PaymentStatus.AUTHORIZED and is_over
    if not is_echo and not (payment.status in _WITHOUT_MONEY and fact.status in _WITHOUT_MONEY):
        flag_for_review(payment, f"The gateway said {fact.status} after {payment.status}.")


def _columns(payment: Payment, fact: PaymentFact) -> Columns:
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
        details = {storable(name): storable(text) for name, text in fact.method_details.items()}
        columns["method_details"] = payment.method_details | details
    return columns if fact.status == PaymentStatus.PENDING else columns | _reasons(fact)


def _reasons(fact: PaymentFact) -> Columns:
    """Why an attempt ended as it did, in the specification's shape, and whose doing it was."""
    message, error_code = _fitting("message", fact.message), _fitting("error_code", fact.error_code)
    by_customer = fact.status in (PaymentStatus.USER_DROPPED, PaymentStatus.CANCELLED)
    details = {
        "code": [error_code],
        "description": [message],
        "source": ["bank" if fact.declined else "customer" if by_customer else "gateway"],
        "step": ["authorization"],
    }
    return {"message": message, "error_code": error_code, "error_details": details if error_code else {}}


def _fitting(column: str, text: str) -> str:
    """A talkative gateway must not stop a payment: its words are cut to what the column holds."""
    return storable(text)[: getattr(Payment._meta.get_field(column), "max_length", None)]
