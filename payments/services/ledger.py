"""Transfers between accounts: written in the transaction of their cause, each once, and never changed."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from payments.models import LedgerAccount, Transfer
from payments.states import AccountKind, TransferKind


@dataclass(frozen=True, slots=True)
class Posting:
    """One line of the table in the design's section 5, with its amount in minor units."""

    kind: TransferKind
    debit: AccountKind
    credit: AccountKind
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Source:
    """The row that moved the money, and whose books it moves."""

    type: str
    id: int
    merchant_id: int
    mode: str
    currency: str


def post(source: Source, postings: Iterable[Posting], *, at: datetime) -> None:
    """Write the transfers of one cause. IntegrityError if one of them was posted before; nothing for amounts of 0."""
    wanted = [posting for posting in postings if posting.amount_minor]
    if not wanted:
        return
    accounts = accounts_of(source, {kind for posting in wanted for kind in (posting.debit, posting.credit)})
    Transfer.objects.bulk_create(
        Transfer(
            debit=accounts[posting.debit],
            credit=accounts[posting.credit],
            amount_minor=posting.amount_minor,
            currency=source.currency,
            source_type=source.type,
            source_id=source.id,
            kind=posting.kind,
            at=at,
        )
        for posting in wanted
    )


def accounts_of(source: Source, kinds: set[AccountKind]) -> dict[str, LedgerAccount]:
    """The accounts of a merchant, made where they are missing."""
    mine = LedgerAccount.objects.filter(merchant_id=source.merchant_id, mode=source.mode, currency=source.currency)
    found = {account.kind: account for account in mine.filter(kind__in=kinds)}
    missing = kinds - set(found)
    if missing:
        LedgerAccount.objects.bulk_create(
            (
                LedgerAccount(merchant_id=source.merchant_id, mode=source.mode, currency=source.currency, kind=kind)
                for kind in sorted(missing)
            ),
            ignore_conflicts=True,  # another payment may make the same one now
        )
        found |= {account.kind: account for account in mine.filter(kind__in=missing)}
    return found
