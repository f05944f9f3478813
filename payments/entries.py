"""What the proofs of the books share: differences, rows in chunks, and the transfers that rows have."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeVar

from django.db.models import Model, QuerySet

from payments.models import LedgerAccount, Transfer
from payments.states import TransferKind

CHUNK = 1_000
Row = TypeVar("Row", bound=Model)
Entry = tuple[TransferKind, str, str, int]
"""A transfer as it should be: kind, debited and credited account, minor units."""
DIRECTLY = (TransferKind.PAID_DIRECTLY, TransferKind.RETURNED_DIRECTLY)
"""Transfers that a row has because of the settlement it is in."""


class Source(Protocol):
    """A row that moved money of a merchant."""

    @property
    def pk(self) -> int: ...
    @property
    def merchant_id(self) -> int: ...
    @property
    def mode(self) -> str: ...
    @property
    def currency(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that does not agree: whose, and what is wrong with it."""

    row: str
    what: str

    def __str__(self) -> str:
        return f"{self.row}: {self.what}"


def chunks(rows: QuerySet[Row]) -> Iterator[list[Row]]:
    """Rows by primary key, a chunk at a time."""
    last = 0
    while chunk := list(rows.filter(pk__gt=last).order_by("pk")[:CHUNK]):
        yield chunk
        last = chunk[-1].pk


def entries_of(source_type: str, rows: Iterable[Source]) -> dict[int, set[Entry]]:
    """The transfers that rows have of their own, by the row's primary key."""
    by_pk = {row.pk: row for row in rows}
    found: dict[int, set[Entry]] = {pk: set() for pk in by_pk}
    of = Transfer.objects.filter(source_type=source_type, source_id__in=found).exclude(kind__in=DIRECTLY)
    for transfer in of.select_related("debit", "credit"):
        debit, credit = (_account_of(by_pk[transfer.source_id], side) for side in (transfer.debit, transfer.credit))
        found[transfer.source_id].add((TransferKind(transfer.kind), debit, credit, transfer.amount_minor))
    return found


def _account_of(row: Source, account: LedgerAccount) -> str:
    """The kind of the row's own account; one of another merchant, mode or currency by its whole name."""
    own = (row.merchant_id, row.mode, row.currency)
    return account.kind if (account.merchant_id, account.mode, account.currency) == own else str(account)


def in_words(entries: set[Entry]) -> str:
    """Transfers in words."""
    told = [f"{kind} {amount} from {credit} to {debit}" for kind, debit, credit, amount in sorted(entries)]
    return ", ".join(told) or "nothing"
