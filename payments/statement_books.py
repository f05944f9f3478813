"""Proof that what gateways say they paid agrees with the lines it was said on, and with the ledger."""

from collections.abc import Iterator
from typing import Any

from django.db.models import F, Q, Sum

from payments.entries import Difference, Entry, chunks, entries_of, in_words
from payments.models import GatewaySettlement, Transfer
from payments.states import AccountKind, Bucket, TransferKind

_A, _T = AccountKind, TransferKind


def differences() -> Iterator[Difference]:
    """Everything about gateways' settlements that does not agree."""
    ours = Q(lines__bucket__in=set(Bucket) - {Bucket.MISSING, Bucket.DUPLICATE})
    told = GatewaySettlement.objects.select_related("account").annotate(
        total=Sum("lines__net_minor", default=0),
        paid=Sum("lines__net_minor", filter=ours, default=0),
        cost=Sum(F("lines__fee_minor") + F("lines__tax_minor"), filter=ours, default=0),
    )
    for settlements in chunks(told):
        entries = entries_of(Transfer.GATEWAY_SETTLEMENT, settlements)
        row: Any
        for row in settlements:
            held = (row.total_minor, row.paid_minor, row.cost_minor)
            if held != (row.total, row.paid, row.cost):
                yield Difference(f"gateway settlement {row.pk}", f"it says {held}, and its lines say otherwise")
            if entries[row.pk] != _entries_due(row):
                yield Difference(f"gateway settlement {row.pk}", f"the ledger has {in_words(entries[row.pk])}")


def _entries_due(row: GatewaySettlement) -> set[Entry]:
    """What the gateway paid and kept; below zero it took it from us."""
    due: set[Entry] = set()
    for kind, account, amount in (
        (_T.GATEWAY_PAID, _A.BANK, row.paid_minor),
        (_T.GATEWAY_COST, _A.GATEWAY_FEES, row.cost_minor),
    ):
        debit, credit = (account, _A.GATEWAY_RECEIVABLE) if amount > 0 else (_A.GATEWAY_RECEIVABLE, account)
        if amount:
            due.add((kind, debit, credit, abs(amount)))
    return due
