"""What is in a settlement: found by what has no line yet, and given its lines in chunks beside the shop's business.

Nothing is found by when it was seen last: a payment whose transaction was still open when we looked has no line either,
and the next settlement takes it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, Exists, F, Max, Min, OuterRef, Q, QuerySet, Sum, Value

from payments import clock, faults
from payments.models import Adjustment, GatewayAccount, Merchant, Payment, Refund, Settlement, SettlementLine
from payments.services.bulk import insert_from
from payments.states import REFUND_UNDONE, CaptureKind, Collects, LineKind

CHUNK = 5_000
"""Rows a transaction. On SQLite nobody else writes meanwhile: about 50 ms."""
LEASE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Group:
    """What is settled together: nothing else of the merchant is ever added to it."""

    merchant: Merchant
    mode: str
    currency: str
    collects: str = Collects.OPERATOR

    def __str__(self) -> str:
        by_itself = self.collects == Collects.MERCHANT
        return f"{self.currency} ({self.mode}), paid {'by the gateway itself' if by_itself else 'out by us'}"

    @property
    def own(self) -> dict[str, Any]:
        return {"merchant": self.merchant, "mode": self.mode, "currency": self.currency}

    def settlements(self) -> QuerySet[Settlement]:
        """Its settlements, the newest first."""
        return Settlement.objects.filter(**self.own, collects=self.collects).order_by("-pk")


def group_of(settlement: Settlement) -> Group:
    """What a settlement settles."""
    return Group(settlement.merchant, settlement.mode, settlement.currency, settlement.collects)


# --- What is in one ---


def unsettled(group: Group, *, cutoff_at: datetime, at: datetime) -> dict[LineKind, QuerySet[Any]]:
    """What has no line yet and is due: payments captured before the cut-off, refunds and corrections before `at`.

    A refund comes after its payment, a reversal after its refund, also within one settlement.
    """
    accounts = GatewayAccount.objects.filter(merchant=group.merchant, mode=group.mode, collects=group.collects)
    by_account = list(accounts.values_list("pk", flat=True))
    payments = Payment.objects.filter(
        ~_has_line(payment=OuterRef("pk")),
        **group.own,
        capture_kind=CaptureKind.NORMAL,
        account__in=by_account,
        completed_at__lt=cutoff_at,
    )
    refunds = Refund.objects.filter(**group.own, payment__account__in=by_account)
    sent = refunds.filter(
        _has_line(payment=OuterRef("payment")), ~_has_line(refund=OuterRef("pk")), sent_at__lt=at
    ).exclude(status__in=REFUND_UNDONE)
    # Undone where it was done, whoever its gateway pays by now.
    reversed_ = Refund.objects.filter(
        _has_line(refund=OuterRef("pk"), kind=LineKind.REFUND, settlement__collects=group.collects),
        ~_has_line(refund=OuterRef("pk"), kind=LineKind.REVERSAL),
        **group.own,
        status__in=REFUND_UNDONE,
        completed_at__lt=at,
    )
    adjustments = Adjustment.objects.filter(
        ~_has_line(adjustment=OuterRef("pk")), **group.own, collects=group.collects, made_at__lt=at
    )
    return {
        LineKind.PAYMENT: payments,
        LineKind.REFUND: sent,
        LineKind.REVERSAL: reversed_,
        LineKind.ADJUSTMENT: adjustments,
    }


def is_due(group: Group, *, cutoff_at: datetime, at: datetime) -> bool:
    """Whether there is anything to settle."""
    return any(rows.exists() for rows in unsettled(group, cutoff_at=cutoff_at, at=at).values())


def _has_line(**of: Any) -> Exists:
    return Exists(SettlementLine.objects.filter(**of))


_COLUMNS: dict[LineKind, dict[str, Any]] = {
    LineKind.PAYMENT: {
        "payment": F("pk"),
        "amount_minor": F("captured_minor"),
        "fee_minor": F("fee_minor"),
        "tax_minor": F("fee_tax_minor"),
        "at": F("completed_at"),
    },
    LineKind.REFUND: {"refund": F("pk"), "amount_minor": -F("amount_minor"), "at": F("sent_at")},
    LineKind.REVERSAL: {"refund": F("pk"), "amount_minor": F("amount_minor"), "at": F("completed_at")},
    LineKind.ADJUSTMENT: {"adjustment": F("pk"), "amount_minor": F("amount_minor"), "at": F("made_at")},
}


# --- Putting together ---


class _LeaseLost(Exception):
    """We stood still for so long that somebody else puts the settlement together now, or it was discarded."""


@dataclass(slots=True)
class _Build:
    """A settlement being put together by us, as long as our lease holds."""

    settlement: Settlement
    leased_until: datetime

    @contextmanager
    def chunk(self) -> Iterator[None]:
        """A transaction in which nobody else writes lines, and which renews the lease. Raises _LeaseLost."""
        until = clock.now() + LEASE
        with transaction.atomic():
            mine = Settlement.objects.filter(pk=self.settlement.pk, leased_until=self.leased_until)
            if mine.update(leased_until=until) != 1:
                raise _LeaseLost
            yield
        self.leased_until = until


def build_settlement(settlement_pk: int, *, at: datetime) -> bool:
    """Give an open settlement its lines and its figures; false if it was not ours to do.

    It goes on where a killed process stopped: what has a line already is not found again.
    """
    free = Settlement.objects.filter(Q(leased_until=None) | Q(leased_until__lte=at), pk=settlement_pk, build_at__lte=at)
    until = clock.now() + LEASE
    if free.update(leased_until=until) != 1:
        return False
    settlement = Settlement.objects.select_related("merchant", "previous").get(pk=settlement_pk)
    build = _Build(settlement, until)
    try:
        due = unsettled(group_of(settlement), cutoff_at=settlement.cutoff_at, at=settlement.opened_at)
        for kind, rows in due.items():
            _add_lines(build, kind, rows)
        with build.chunk():
            Settlement.objects.filter(pk=settlement.pk).update(**_figures(settlement))
            faults.point("settle.before_build_commit")
    except _LeaseLost:
        return False
    faults.point("settle.after_build")
    return True


def _add_lines(build: _Build, kind: LineKind, rows: QuerySet[Any]) -> None:
    columns = {"settlement": Value(build.settlement.pk), "kind": Value(kind.value), **_COLUMNS[kind]}
    columns = {"fee_minor": Value(0), "tax_minor": Value(0), **columns}
    after: int | None = 0
    while after is not None:
        with build.chunk():
            part = rows.filter(pk__gt=after).order_by("pk")
            after = part.values_list("pk", flat=True)[CHUNK - 1 : CHUNK].first()
            insert_from(SettlementLine, part.filter(pk__lte=after) if after else part, **columns)
            faults.point("settle.before_chunk_commit")
        faults.point("settle.after_chunk")


def _figures(settlement: Settlement) -> dict[str, Any]:
    """What an open settlement comes to, by its lines."""
    lines = SettlementLine.objects.filter(settlement=settlement)
    of = {kind: Q(kind=kind) for kind in LineKind}
    told = lines.aggregate(
        payments=Count("pk", filter=of[LineKind.PAYMENT]),
        refunds=Count("pk", filter=of[LineKind.REFUND]),
        payment_from=Min("at", filter=of[LineKind.PAYMENT]),
        payment_till=Max("at", filter=of[LineKind.PAYMENT]),
        gross=Sum("amount_minor", filter=of[LineKind.PAYMENT], default=0),
        refunded=Sum("amount_minor", filter=of[LineKind.REFUND], default=0),
        reversed=Sum("amount_minor", filter=of[LineKind.REVERSAL], default=0),
        corrected=Sum("amount_minor", filter=of[LineKind.ADJUSTMENT], default=0),
        fees=Sum("fee_minor", default=0),
        tax=Sum("tax_minor", default=0),
    )
    directly = told["gross"] + told["refunded"] + told["reversed"] if settlement.collects == Collects.MERCHANT else 0
    carried = settlement.previous.carried_out_minor if settlement.previous else 0
    total = told["gross"] + told["refunded"] + told["reversed"] + told["corrected"] - told["fees"] - told["tax"]
    return {
        "build_at": None,
        "leased_until": None,
        "payments": told["payments"],
        "refunds": told["refunds"],
        "payment_from": told["payment_from"],
        "payment_till": told["payment_till"],
        "gross_minor": told["gross"],
        "refunds_minor": -told["refunded"],
        "fees_minor": told["fees"],
        "tax_minor": told["tax"],
        "adjustments_minor": told["reversed"] + told["corrected"],
        "paid_directly_minor": directly,
        "carried_in_minor": carried,
        "net_minor": total - directly + carried,
    }
