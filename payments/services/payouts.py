"""Pay-outs: tries to bring a settlement's net to the merchant's bank, one live one at a time."""

from datetime import date, datetime
from typing import Any

from django.db import transaction

from payments import faults, fields, ids
from payments.errors import BadInput, NotSettled, StaleRow
from payments.models import Payout, Settlement, Transfer
from payments.services.audit import Act, record_act
from payments.services.ledger import Posting, Source, post
from payments.services.settlements import cause_of, in_words, locked, move_settlement, record
from payments.states import PAYOUT_MOVES, AccountKind, PayoutStatus, SettlementStatus, TransferKind

UTR_LENGTH = 40


def send_payout(settlement_pk: int, *, net_minor: int, by: Act, at: datetime, utr: str = "") -> Payout:
    """Write down that a closed settlement's net was told to the bank, all of it. `net_minor` is what was seen.

    The transfer itself is made at the bank, by people. Raises NotSettled, StaleRow, BadInput.
    """
    with transaction.atomic():
        settlement = locked(settlement_pk)
        _refuse_unless_payable(settlement)
        if settlement.net_minor != net_minor:
            raise StaleRow(settlement)
        payout = Payout.objects.create(
            uid=ids.new_payout_id(),
            settlement=settlement,
            amount_minor=settlement.net_minor,
            utr=_utr(utr),
            sent_at=at,
            sent_by_id=by.user_id,
        )
        if settlement.status == SettlementStatus.FAILED:
            move_settlement(settlement, SettlementStatus.CLOSED, cause=cause_of(by), at=at, payout=payout)
        record(settlement, kind="payout.sent", cause=cause_of(by), at=at, payout=payout)
        _post(payout, TransferKind.PAYOUT, at=at)
        _audit("payout.send", payout, by, at=at)
        faults.point("payout.before_commit")
    return payout


def _refuse_unless_payable(settlement: Settlement) -> None:
    if settlement.status not in (SettlementStatus.CLOSED, SettlementStatus.FAILED):
        raise NotSettled(f"This settlement is {in_words(settlement.status)}: only a closed one is paid out.")
    if not settlement.is_to_pay_out:
        raise NotSettled("There is nothing in this settlement to pay out.")
    if settlement.payouts.exclude(status=PayoutStatus.FAILED).exists():
        raise NotSettled("A pay-out of this settlement is on its way already: say first what became of it.")


def confirm_payout(payout_pk: int, *, utr: str, value_date: date, by: Act | None, at: datetime) -> Payout:
    """The bank paid it, on that day and under that reference. Twice is once. Raises NotSettled, BadInput."""
    with transaction.atomic():
        payout, settlement = _locked(payout_pk)
        utr = _utr(utr) or payout.utr
        if not utr:
            raise BadInput(
                "utr", "missing", "utr: write the bank's reference of the transfer, as its statement has it."
            )
        if payout.status == PayoutStatus.PAID and payout.utr == utr:
            return payout
        _move(payout, PayoutStatus.PAID, utr=utr, value_date=value_date, paid_at=at)
        move_settlement(settlement, SettlementStatus.PAID_OUT, cause=_cause(by), at=at, payout=payout)
        _audit("payout.confirm", payout, by, at=at)
        faults.point("payout.before_commit")
    return payout


def fail_payout(payout_pk: int, *, message: str, by: Act | None, at: datetime) -> Payout:
    """It did not arrive, or the bank returned it later: the merchant is owed it again. Twice is once.

    Raises BadInput.
    """
    with transaction.atomic():
        payout, settlement = _locked(payout_pk)
        if payout.status == PayoutStatus.FAILED:
            return payout
        _move(
            payout,
            PayoutStatus.FAILED,
            message=fields.line("message", message, at_most=200, required=True),
            failed_at=at,
        )
        move_settlement(settlement, SettlementStatus.FAILED, cause=_cause(by), at=at, payout=payout)
        _post(payout, TransferKind.PAYOUT_RETURNED, at=at)
        _audit("payout.fail", payout, by, at=at)
        faults.point("payout.before_commit")
    return payout


def _locked(payout_pk: int) -> tuple[Payout, Settlement]:
    """A pay-out as it is once its settlement is held, and that."""
    settlement = locked(Payout.objects.values_list("settlement_id", flat=True).get(pk=payout_pk))
    payout = Payout.objects.get(pk=payout_pk)
    payout.settlement = settlement
    return payout, settlement


def _move(payout: Payout, new: PayoutStatus, **columns: Any) -> None:
    """Compare and set. Raises NotSettled, StaleRow."""
    old = PayoutStatus(payout.status)
    if new not in PAYOUT_MOVES[old]:
        raise NotSettled(f"This pay-out is {in_words(old)} already.")
    columns["status"] = new
    if Payout.objects.filter(pk=payout.pk, status=old).update(**columns) != 1:
        raise StaleRow(payout)
    for name, value in columns.items():
        setattr(payout, name, value)


def _post(payout: Payout, kind: TransferKind, *, at: datetime) -> None:
    """The merchant is no longer owed what was sent, until it comes back."""
    settlement = payout.settlement
    debit, credit = AccountKind.MERCHANT_PAYABLE, AccountKind.BANK
    if kind == TransferKind.PAYOUT_RETURNED:
        debit, credit = credit, debit
    source = Source(Transfer.PAYOUT, payout.pk, settlement.merchant_id, settlement.mode, settlement.currency)
    post(source, [Posting(kind, debit, credit, payout.amount_minor)], at=at)


def _utr(text: str) -> str:
    return fields.line("utr", text, at_most=UTR_LENGTH, is_number=True)


def _cause(by: Act | None) -> str:
    return "bank" if by is None else "staff"


def _audit(act: str, payout: Payout, by: Act | None, *, at: datetime) -> None:
    if by is not None:
        amount = f"{payout.amount_minor} {payout.settlement.currency}"
        record_act(act, by, object_type="payout", object_id=payout.uid, at=at, amount_minor=amount, utr=payout.utr)
