"""Settlements: opened up to a moment, put together by the worker, and closed by somebody else."""

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Exists, F, OuterRef, Q, Value

from payments import faults, ids
from payments.errors import InvalidMove, NothingToSettle, NotSettled, SamePerson, StaleRow
from payments.models import (
    GatewayAccount,
    Payment,
    Payout,
    Refund,
    Settlement,
    SettlementEvent,
    SettlementLine,
    Transfer,
)
from payments.services.audit import Act, record_act
from payments.services.bulk import insert_from
from payments.services.deliveries import enqueue_settlement
from payments.services.ledger import Source, accounts_of
from payments.services.settlement_lines import Group, is_due
from payments.states import (
    REFUND_SENT,
    REFUND_UNDONE,
    SETTLEMENT_MOVES,
    AccountKind,
    CaptureKind,
    Collects,
    LineKind,
    RefundStatus,
    SettlementStatus,
    TransferKind,
)

HAS_PART = "You opened this settlement, or corrected something in it: somebody else has to close it."


def open_settlement(group: Group, *, cutoff_at: datetime, at: datetime, by: Act | None = None) -> Settlement:
    """Begin a settlement of what is due; the worker puts it together. The one that is open already, if there is one.

    Raises NothingToSettle.
    """
    found = group.settlements().filter(status=SettlementStatus.OPEN).first()
    if found is not None:
        return found
    if not is_due(group, cutoff_at=cutoff_at, at=at):
        raise NothingToSettle("Nothing waits to be settled up to then.")
    try:
        with transaction.atomic():
            settlement = Settlement.objects.create(
                uid=ids.new_settlement_id(),
                **group.own,
                collects=group.collects,
                previous=group.settlements().first(),
                cutoff_at=cutoff_at,
                opened_at=at,
                opened_by_id=by.user_id if by else None,
                build_at=at,
            )
            _audit("settlement.open", settlement, by, at=at)
            faults.point("settle.before_open_commit")
    except IntegrityError:  # somebody else opened it first
        found = group.settlements().filter(status=SettlementStatus.OPEN).first()
        if found is None:  # and discarded it again
            raise NothingToSettle("Somebody else opened and discarded one just now: look again.") from None
        return found
    return settlement


def discard_settlement(settlement_pk: int, *, by: Act, at: datetime) -> None:
    """Undo an open settlement: everything in it waits for the next one. Raises NotSettled."""
    with transaction.atomic():
        settlement = locked(settlement_pk)
        if settlement.status != SettlementStatus.OPEN:
            raise NotSettled("This settlement is closed: it stands as it is, and corrections go into the next one.")
        _audit("settlement.discard", settlement, by, at=at)
        SettlementLine.objects.filter(settlement=settlement).delete()
        Settlement.objects.filter(pk=settlement.pk).delete()


def set_collects(account_pk: int, collects: Collects, *, by: Act, at: datetime) -> None:
    """Say whom a gateway pays from now on. Raises NotSettled while what it took so far is not settled whole."""
    with transaction.atomic():
        account = GatewayAccount.objects.select_for_update(of=("self",), no_key=True).get(pk=account_pk)
        if account.collects == collects:
            return
        if _takes_unsettled(account):
            raise NotSettled("Settle what this gateway took so far, and close that: it was collected the other way.")
        GatewayAccount.objects.filter(pk=account.pk).update(collects=collects)
        record_act(
            "account.collects", by, object_type="gateway_account", object_id=str(account.pk), at=at,
            name=str(account), to=collects,
        )  # fmt: skip


def _takes_unsettled(account: GatewayAccount) -> bool:
    """Whether an attempt of the account may still take money, a refund is under way, or what it took or gave back is
    in no closed settlement.
    """
    closed = SettlementLine.objects.exclude(settlement__status=SettlementStatus.OPEN)
    sent, undone = Exists(closed.filter(refund=OuterRef("pk"), kind=LineKind.REFUND)), Q(status__in=REFUND_UNDONE)
    back = Exists(closed.filter(refund=OuterRef("pk"), kind=LineKind.REVERSAL))
    captured = Payment.objects.filter(account=account, capture_kind=CaptureKind.NORMAL)
    refunds = Refund.objects.filter(payment__in=captured)
    return any(
        rows.exists()
        for rows in (
            Payment.objects.live().filter(account=account),
            captured.filter(~Exists(closed.filter(payment=OuterRef("pk")))),
            refunds.filter(status__in={RefundStatus.REQUESTED, *REFUND_SENT}),
            refunds.filter(~sent, ~undone),
            refunds.filter(sent, ~back, undone),
        )
    )


# --- Closing ---


def has_part_in(settlement: Settlement, user_id: int) -> bool:
    """Whether this person opened it, or made a correction that is in it: then somebody else has to look at it."""
    corrected = settlement.lines.filter(kind=LineKind.ADJUSTMENT, adjustment__made_by=user_id)
    return settlement.opened_by_id == user_id or corrected.exists()


def close_settlement(settlement_pk: int, *, net_minor: int, by: Act, at: datetime) -> Settlement:
    """Freeze a settlement. `net_minor` is what the person who closes it saw.

    Raises SamePerson for whoever opened it or corrected something in it, NotSettled, StaleRow.
    """
    with transaction.atomic():
        settlement = locked(settlement_pk)
        if settlement.status != SettlementStatus.OPEN:
            raise NotSettled(f"This settlement is {in_words(settlement.status)} already.")
        if settlement.build_at is not None:
            raise NotSettled("This settlement is still being put together: look again in a moment.")
        if has_part_in(settlement, by.user_id):
            raise SamePerson(HAS_PART)
        if settlement.net_minor != net_minor:
            raise StaleRow(settlement)
        if settlement.collects == Collects.MERCHANT:
            _post_paid_directly(settlement, at=at)
        move_settlement(
            settlement, SettlementStatus.CLOSED, cause=cause_of(by), at=at, closed_at=at, closed_by_id=by.user_id
        )
        _audit("settlement.close", settlement, by, at=at)
        faults.point("settle.before_close_commit")
    return settlement


def _post_paid_directly(settlement: Settlement, *, at: datetime) -> None:
    """The gateway paid the merchant itself: what it took is no longer ours to get, nor ours to pay out."""
    source = Source("", 0, settlement.merchant_id, settlement.mode, settlement.currency)
    payable, receivable = AccountKind.MERCHANT_PAYABLE, AccountKind.GATEWAY_RECEIVABLE
    accounts = accounts_of(source, {payable, receivable})
    lines = SettlementLine.objects.filter(settlement=settlement)
    told = {
        LineKind.PAYMENT: (TransferKind.PAID_DIRECTLY, Transfer.PAYMENT, "payment_id", payable, receivable),
        LineKind.REFUND: (TransferKind.RETURNED_DIRECTLY, Transfer.REFUND, "refund_id", receivable, payable),
        LineKind.REVERSAL: (TransferKind.PAID_DIRECTLY, Transfer.REFUND, "refund_id", payable, receivable),
    }
    for line_kind, (kind, source_type, source_id, debit, credit) in told.items():
        insert_from(
            Transfer,
            lines.filter(kind=line_kind).order_by("pk"),
            debit=Value(accounts[debit].pk),
            credit=Value(accounts[credit].pk),
            amount_minor=-F("amount_minor") if line_kind == LineKind.REFUND else F("amount_minor"),
            currency=Value(settlement.currency),
            source_type=Value(source_type),
            source_id=F(source_id),
            kind=Value(kind.value),
            at=Value(at, output_field=Transfer._meta.get_field("at")),
        )


# --- The one door ---


def locked(settlement_pk: int) -> Settlement:
    """The settlement, held till the transaction ends. Raises NotSettled if it was discarded."""
    rows = Settlement.objects.select_for_update(of=("self",), no_key=True).select_related("merchant")
    settlement = rows.filter(pk=settlement_pk).first()
    if settlement is None:
        raise NotSettled("This settlement was discarded.")
    return settlement


def move_settlement(
    settlement: Settlement,
    new: SettlementStatus,
    *,
    cause: str,
    at: datetime,
    payout: Payout | None = None,
    **columns: Any,
) -> None:
    """The one door through which a settlement's status changes: compare and set, with its event. The caller holds the
    settlement. Raises InvalidMove, StaleRow.
    """
    old = SettlementStatus(settlement.status)
    if new not in SETTLEMENT_MOVES[old]:
        raise InvalidMove(settlement, old, new)
    columns["status"] = new
    if Settlement.objects.filter(pk=settlement.pk, status=old).update(**columns) != 1:
        raise StaleRow(settlement)
    for name, value in columns.items():
        setattr(settlement, name, value)
    record(settlement, kind=f"settlement.{new}", cause=cause, at=at, payout=payout)


def record(settlement: Settlement, *, kind: str, cause: str, at: datetime, payout: Payout | None = None) -> None:
    """Append an event under the settlement's next number, with what its merchant is told of it.

    The caller holds the settlement, as it is now. Raises StaleRow.
    """
    numbered = Settlement.objects.filter(pk=settlement.pk, last_sequence=settlement.last_sequence)
    if numbered.update(last_sequence=F("last_sequence") + 1) != 1:
        raise StaleRow(settlement)
    settlement.last_sequence += 1
    event = SettlementEvent.objects.create(
        settlement=settlement, payout=payout, sequence=settlement.last_sequence, kind=kind, cause=cause, at=at
    )
    enqueue_settlement(event)


def in_words(status: str) -> str:
    """A status as people read it."""
    return status.replace("_", " ")


def cause_of(by: Act | None) -> str:
    """Who brought it about, as events name them."""
    return "schedule" if by is None else "staff"


def _audit(act: str, settlement: Settlement, by: Act | None, *, at: datetime) -> None:
    if by is not None:
        net = f"{settlement.net_minor} {settlement.currency}"
        record_act(act, by, object_type="settlement", object_id=settlement.uid, at=at, net_minor=net)
