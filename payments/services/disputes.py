"""Disputes and corrections: what people decide about money that a bank argues about, or that does not fit."""

from datetime import datetime

from django.db import transaction

from payments import faults
from payments.errors import BadInput, NotRefundable
from payments.models import Adjustment, GatewayAccount, Merchant, Payment, Transfer
from payments.services.audit import Act, record_act, refuse_without_reason
from payments.services.ledger import Posting, Source, post
from payments.services.orders import lock_order
from payments.states import AccountKind, Collects, PaymentStatus, TransferKind


def open_dispute(payment_pk: int, *, by: Act, at: datetime) -> Payment:
    """Note that the customer's bank disputes a captured payment: nothing of it is refunded meanwhile."""
    return _mark(payment_pk, at, act="payment.dispute", by=by, at=at)


def close_dispute(payment_pk: int, *, by: Act, at: datetime) -> Payment:
    """Note that a dispute is over, however it ended; what it cost is posted as an adjustment."""
    return _mark(payment_pk, None, act="payment.dispute_closed", by=by, at=at)


def _mark(payment_pk: int, disputed_at: datetime | None, *, act: str, by: Act, at: datetime) -> Payment:
    payment = Payment.objects.get(pk=payment_pk)
    with transaction.atomic():
        order = lock_order(payment.order_id)
        payment.refresh_from_db()
        if payment.status != PaymentStatus.SUCCESS:
            raise NotRefundable("Only money that was taken can be disputed.")
        if (payment.disputed_at is None) is (disputed_at is None):
            return payment
        Payment.objects.filter(pk=payment.pk).update(disputed_at=disputed_at)
        payment.disputed_at = disputed_at
        record_act(act, by, object_type="payment", object_id=payment.uid, order=order, at=at)
    return payment


def post_adjustment(
    merchant: Merchant,
    amount_minor: int,
    currency: str,
    *,
    mode: str,
    by: Act,
    at: datetime,
    payment: Payment | None = None,
    is_paid_in: bool = False,
    collects: Collects | None = None,
) -> Adjustment:
    """Correct what a merchant is owed: above zero to the merchant, below zero from it. `is_paid_in` says that the
    merchant paid it into our bank, `collects` in whose settlements it goes where no payment says so.

    Raises BadInput for an amount of nothing, without a reason, for the payment of another merchant, and for less than
    nothing paid in.
    """
    refuse_without_reason(by)
    if payment is not None and (payment.merchant_id, payment.mode) != (merchant.pk, mode):
        raise BadInput("payment", "payment_unknown", "payment: this merchant has no such payment.")
    if amount_minor == 0:
        raise BadInput("amount", "amount_out_of_range", "amount: write an amount other than 0.")
    if is_paid_in and amount_minor < 0:
        raise BadInput("amount", "amount_out_of_range", "amount: what a merchant paid in is above 0.")
    with transaction.atomic():
        row = Adjustment.objects.create(
            merchant=merchant,
            payment=payment,
            mode=mode,
            amount_minor=amount_minor,
            currency=currency,
            collects=_collects(merchant, mode, payment, collects),
            is_paid_in=is_paid_in,
            reason=by.reason.strip()[:200],
            made_by_id=by.user_id,
            made_at=at,
        )
        debit, credit = AccountKind.BANK if is_paid_in else AccountKind.ADJUSTMENTS, AccountKind.MERCHANT_PAYABLE
        if amount_minor < 0:
            debit, credit = credit, debit
        kind = TransferKind.PAID_IN if is_paid_in else TransferKind.ADJUSTMENT
        source = Source(Transfer.ADJUSTMENT, row.pk, merchant.pk, mode, currency)
        post(source, [Posting(kind, debit, credit, abs(amount_minor))], at=at)
        record_act(
            "adjustment.post", by, object_type="adjustment", object_id=str(row.pk),
            order=payment.order if payment else None, at=at, amount_minor=amount_minor, currency=currency,
        )  # fmt: skip
        faults.point("adjustment.before_commit")
    return row


def _collects(merchant: Merchant, mode: str, payment: Payment | None, asked: Collects | None) -> str:
    """In whose settlements a correction goes: its payment's, else those asked for, else the merchant's, if its gateways
    all pay it.
    """
    if payment is not None:
        return payment.account.collects
    if asked is not None:
        return asked
    found = set(GatewayAccount.objects.filter(merchant=merchant, mode=mode).values_list("collects", flat=True))
    return Collects.MERCHANT if found == {Collects.MERCHANT} else Collects.OPERATOR
