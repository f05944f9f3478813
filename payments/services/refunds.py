"""Refunds: reserved first on the payment, then sent under one key, and moved by facts through their one door."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F, Sum

from payments import faults, fields, ids
from payments.errors import (
    BadInput,
    Disputed,
    InvalidMove,
    NotCancellable,
    NotRefundable,
    RefundIdTaken,
    SamePerson,
    StaleAmount,
    StaleRow,
)
from payments.gateways.base import RefundFact
from payments.models import Order, Payment, Refund, Transfer
from payments.money import Money
from payments.services.attempts import flag_for_review
from payments.services.audit import Act, record_act
from payments.services.events import record_numbered
from payments.services.ledger import Posting, Source, post
from payments.services.orders import lock_order
from payments.states import (
    REFUND_MOVES,
    REFUND_RESERVES,
    REFUND_SENT,
    AccountKind,
    CaptureKind,
    PaymentStatus,
    RefundStatus,
    TransferKind,
)

_WIDTH = {"gateway_refund_id": 100, "bank_reference": 40, "error_code": 40, "message": 200}
"""Of the columns that keep a gateway's words, which may be longer."""


@dataclass(frozen=True, slots=True)
class NewRefund:
    """What somebody wants to give back. `available` is what they believe to be left, if they say."""

    amount: Money
    refund_id: str = ""
    note: str = ""
    available: Money | None = None


def reserve_refund(payment_pk: int, new: NewRefund, *, at: datetime, by: Act | None = None) -> Refund:
    """Reserve the amount and write the refund: ready to be sent, or waiting for a second person.

    Staff (`by`) above the merchant's limit need a second person; a merchant acts by API on its own. Raises
    NotRefundable, StaleAmount, RefundIdTaken, BadInput.
    """
    payment = Payment.objects.select_related("merchant").get(pk=payment_pk)
    with transaction.atomic():
        order = lock_order(payment.order_id)
        payment.refresh_from_db()
        _refuse_taken_id(order, new.refund_id)
        _refuse_unless_refundable(payment, new)
        _reserve(payment, new.amount.minor)
        refund = _insert(payment, order=order, amount=new.amount, at=at, new=new, by=by)
        record_numbered(
            order, kind="refund.requested", old="", new="requested", cause=_cause(by), at=at, payment=payment,
            refund=refund,
        )  # fmt: skip
        if by is None or _given_by_one_person(payment) <= payment.merchant.one_person_refund_minor:
            _send(refund, order=order, cause=_cause(by), at=at)
        _audit("refund.request", refund, by, at=at)
        faults.point("refund.before_t1_commit")
    return refund


def _given_by_one_person(payment: Payment) -> int:
    """What staff have given back of a payment without a second person, the newest included: slices count together."""
    alone = Refund.objects.filter(
        payment=payment, requested_by__isnull=False, approved_by=None, status__in=REFUND_RESERVES
    )
    return alone.aggregate(sum=Sum("amount_minor"))["sum"] or 0


def return_by_itself(payment: Payment, *, order: Order, at: datetime) -> Refund:
    """Send late or surplus money back whole, in the transaction that books it. The caller holds the order."""
    _reserve(payment, payment.captured_minor)
    refund = _insert(payment, order=order, amount=payment.captured, at=at)
    _send(refund, order=order, cause="surplus" if payment.capture_kind == CaptureKind.SURPLUS else "late", at=at)
    return refund


def _refuse_unless_refundable(payment: Payment, new: NewRefund) -> None:
    if payment.status != PaymentStatus.SUCCESS:
        raise NotRefundable("This payment took no money, so there is nothing to give back.")
    if payment.disputed_at is not None:
        raise Disputed("This payment is disputed: the bank decides, so nothing is refunded meanwhile.")
    if new.amount.currency != payment.currency or new.amount.minor <= 0:
        raise BadInput("refund_amount", "amount_out_of_range", f"refund_amount: write {payment.currency} above 0.")
    left = payment.refundable
    if new.available is not None and new.available != left:
        raise StaleAmount(f"{left} is left to refund, not {new.available}: look again, then decide.")
    if new.amount.minor > left.minor:
        raise NotRefundable(f"Only {left} is left to refund.")


def _refuse_taken_id(order: Order, refund_id: str) -> None:
    """Asked before the amount: whoever repeats a refund must not read that it was refused. The caller holds the
    order. Raises RefundIdTaken, BadInput.
    """
    if refund_id and Refund.objects.filter(order=order, refund_id=fields.refund_id(refund_id)).exists():
        raise RefundIdTaken(f"refund_id: {refund_id} is already used for this order.")


def _reserve(payment: Payment, amount_minor: int) -> None:
    """Take the amount out of what is left, or refuse: the database decides between racing refunds."""
    room = Payment.objects.filter(
        pk=payment.pk,
        status=PaymentStatus.SUCCESS,
        disputed_at=None,
        refund_reserved_minor__lte=F("captured_minor") - amount_minor,
    )
    if room.update(refund_reserved_minor=F("refund_reserved_minor") + amount_minor) != 1:
        raise NotRefundable("Somebody else refunded meanwhile, and too little is left.")
    payment.refund_reserved_minor += amount_minor


def _insert(
    payment: Payment, *, order: Order, amount: Money, at: datetime, new: NewRefund | None = None, by: Act | None = None
) -> Refund:
    uid = ids.new_refund_id()
    refund = Refund(
        uid=uid,
        payment=payment,
        order=order,
        merchant_id=payment.merchant_id,
        mode=payment.mode,
        refund_id=new.refund_id if new and new.refund_id else uid,
        gateway_key=ids.new_refund_key(),
        amount_minor=amount.minor,
        currency=amount.currency,
        is_automatic=new is None,
        note=fields.line("refund_note", new.note, at_most=100) if new else "",
        requested_by_id=by.user_id if by else None,
        requested_at=at,
    )
    refund.save(force_insert=True)
    return refund


# --- People ---


def approve_refund(refund_pk: int, *, version: int, by: Act, at: datetime) -> Refund:
    """A second person lets a requested refund go. `version` names the request they saw: a changed one is refused.

    Raises SamePerson, StaleRow, NotRefundable.
    """
    with transaction.atomic():
        refund, order = _locked(refund_pk)
        if refund.status != RefundStatus.REQUESTED:
            raise NotRefundable(f"This refund waits for nobody: it is {refund.status}.")
        if refund.requested_by_id == by.user_id:
            raise SamePerson("You asked for this refund, so somebody else has to approve it.")
        if refund.payment.disputed_at is not None:
            raise Disputed("This payment is disputed: the bank decides, so nothing is refunded meanwhile.")
        mine = Refund.objects.filter(pk=refund.pk, version=version, status=RefundStatus.REQUESTED)
        if mine.update(approved_by_id=by.user_id) != 1:
            raise StaleRow(refund)
        refund.approved_by_id = by.user_id
        _send(refund, order=order, cause="staff", at=at)
        _audit("refund.approve", refund, by, at=at)
        faults.point("refund.before_t1_commit")
    return refund


def change_refund(refund_pk: int, new: NewRefund, *, by: Act, at: datetime) -> Refund:
    """Change amount or note of a requested refund. Whoever changes it is its maker then; an approval page shown before
    is worth nothing any more. Raises NotCancellable if it was sent already, NotRefundable, BadInput.
    """
    with transaction.atomic():
        refund, _ = _locked(refund_pk)
        if refund.status != RefundStatus.REQUESTED:
            raise NotCancellable("This refund was sent already: it cannot be changed any more.")
        _release(refund.payment, refund.amount_minor)
        refund.payment.refresh_from_db()
        _refuse_unless_refundable(refund.payment, new)
        _reserve(refund.payment, new.amount.minor)
        refund.amount_minor = new.amount.minor
        refund.note = fields.line("refund_note", new.note, at_most=100)
        refund.version += 1
        refund.requested_by_id = by.user_id
        refund.save(update_fields=["amount_minor", "note", "version", "requested_by"])
        _audit("refund.change", refund, by, at=at)
    return refund


def cancel_refund(refund_pk: int, *, at: datetime, by: Act | None = None) -> Refund:
    """Give up a refund that waits for a second person; what was reserved is free again. Raises NotCancellable."""
    with transaction.atomic():
        refund, order = _locked(refund_pk)
        if refund.status == RefundStatus.CANCELLED:
            return refund
        if refund.status != RefundStatus.REQUESTED:
            raise NotCancellable("This refund was sent already: only the bank can stop it now.")
        move_refund(refund, RefundStatus.CANCELLED, order=order, cause=_cause(by), at=at)
        _audit("refund.cancel", refund, by, at=at)
    return refund


def _locked(refund_pk: int) -> tuple[Refund, Order]:
    """A refund with its payment, as they are once the order is held."""
    order = lock_order(Refund.objects.values_list("order_id", flat=True).get(pk=refund_pk))
    return Refund.objects.select_related("payment").get(pk=refund_pk), order


def _cause(by: Act | None) -> str:
    return "merchant" if by is None else "staff"


def _audit(act: str, refund: Refund, by: Act | None, *, at: datetime) -> None:
    if by is not None:
        amount = f"{refund.amount_minor} {refund.currency}"
        record_act(act, by, object_type="refund", object_id=refund.uid, order=refund.order, at=at, amount_minor=amount)


# --- The one door ---


def apply_refund_fact(refund: Refund, fact: RefundFact, *, cause: str, at: datetime) -> None:
    """Make our rows agree with what a gateway says of a refund; what contradicts them is for staff.

    Idempotent and forward-only, like `apply_gateway_fact`. `refund` is brought up to date.
    """
    with transaction.atomic():
        order = lock_order(refund.order_id)
        refund.refresh_from_db()
        if fact.key != refund.gateway_key or (fact.amount is not None and fact.amount != refund.amount):
            flag_for_review(refund.payment, f"The gateway speaks of another refund than {refund.uid}: {fact.amount}.")
        elif _is_old_news(refund, fact):
            if fact.gateway_refund_id and not refund.gateway_refund_id:
                refund.gateway_refund_id = _columns(fact)["gateway_refund_id"]
                refund.save(update_fields=["gateway_refund_id"])
        elif refund.sent_at is None or fact.status not in REFUND_MOVES[RefundStatus(refund.status)]:
            flag_for_review(
                refund.payment, f"The gateway said {fact.status} of refund {refund.uid} after {refund.status}."
            )
        else:
            move_refund(refund, fact.status, order=order, cause=cause, at=at, **_columns(fact))
            if refund.is_automatic and fact.status in (RefundStatus.FAILED, RefundStatus.CANCELLED):
                reason = f"Money that has to go back did not: refund {refund.uid} {fact.status}."
                flag_for_review(refund.payment, reason)
        faults.point("refund.before_t2_commit")


def _is_old_news(refund: Refund, fact: RefundFact) -> bool:
    """Whether a sent refund is as far as the fact or further: the gateway tells in any order."""
    undecided = fact.status in REFUND_SENT and refund.status != RefundStatus.PENDING
    return refund.sent_at is not None and (undecided or fact.status == refund.status)


def _columns(fact: RefundFact) -> dict[str, Any]:
    told = {
        "gateway_refund_id": fact.gateway_refund_id,
        "bank_reference": fact.bank_reference,
        "error_code": fact.error_code,
        "message": fact.message,
    }
    return {name: fields.storable(text)[: _WIDTH[name]] for name, text in told.items() if text}


def _send(refund: Refund, *, order: Order, cause: str, at: datetime) -> None:
    """Make a refund ready to be sent: the worker sends it at once, whoever else does first."""
    move_refund(refund, RefundStatus.PENDING, order=order, cause=cause, at=at, sent_at=at, inquire_at=at)


def move_refund(refund: Refund, new: RefundStatus, *, order: Order, cause: str, at: datetime, **columns: Any) -> None:
    """The one door through which a refund's status changes: compare and set, with its event, its transfers and what
    it means for the payment's sums. The caller holds the order. Raises InvalidMove, StaleRow.
    """
    old = RefundStatus(refund.status)
    if new not in REFUND_MOVES[old]:
        raise InvalidMove(refund, old, new)
    columns["status"] = new
    if new not in REFUND_SENT:
        columns |= {"inquire_at": None, "leased_until": None, "completed_at": at}
    if Refund.objects.filter(pk=refund.pk, status=old).update(**columns) != 1:
        raise StaleRow(refund)
    for name, value in columns.items():
        setattr(refund, name, value)
    _count(refund, old=old, new=new)
    _post(refund, old=old, new=new, at=at)
    record_numbered(
        order, kind=f"refund.{new}", old=old, new=new, cause=cause, at=at, payment=refund.payment, refund=refund
    )


def _count(refund: Refund, *, old: RefundStatus, new: RefundStatus) -> None:
    """Keep the payment's sums of what is reserved and what reached the customer."""
    gone = -refund.amount_minor if old == RefundStatus.SUCCESS else 0
    reached = refund.amount_minor if new == RefundStatus.SUCCESS else 0
    freed = refund.amount_minor if new not in REFUND_RESERVES else 0
    if gone or reached or freed:
        Payment.objects.filter(pk=refund.payment_id).update(
            refunded_minor=F("refunded_minor") + gone + reached,
            refund_reserved_minor=F("refund_reserved_minor") - freed,
        )


def _release(payment: Payment, amount_minor: int) -> None:
    Payment.objects.filter(pk=payment.pk).update(refund_reserved_minor=F("refund_reserved_minor") - amount_minor)


def _post(refund: Refund, *, old: RefundStatus, new: RefundStatus, at: datetime) -> None:
    """The ledger's rows for a move (the design's section 5)."""
    normal = refund.payment.capture_kind == CaptureKind.NORMAL
    owed = AccountKind.MERCHANT_PAYABLE if normal else AccountKind.SUSPENSE
    transit, receivable, amount = AccountKind.REFUNDS_IN_TRANSIT, AccountKind.GATEWAY_RECEIVABLE, refund.amount_minor
    postings = []
    if old == RefundStatus.REQUESTED and new == RefundStatus.PENDING:
        postings = [Posting(TransferKind.REFUND_SENT, owed, transit, amount)]
    elif new == RefundStatus.SUCCESS:
        postings = [Posting(TransferKind.REFUND_DONE, transit, receivable, amount)]
    elif new in (RefundStatus.FAILED, RefundStatus.CANCELLED) and old != RefundStatus.REQUESTED:
        if old == RefundStatus.SUCCESS:
            postings.append(Posting(TransferKind.REFUND_RETURNED, receivable, transit, amount))
        postings.append(Posting(TransferKind.REFUND_FAILED, transit, owed, amount))
    post(Source(Transfer.REFUND, refund.pk, refund.merchant_id, refund.mode, refund.currency), postings, at=at)
