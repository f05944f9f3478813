"""Settlements that a merchant may see: those that are closed, found by what their clients ask for, a page at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet

from payments.models import Order, Payout, Settlement, SettlementLine
from payments.states import Collects, LineKind, PayoutStatus, SettlementStatus

Span = tuple[datetime | None, datetime | None]
"""From when until when, both included; None is without a bound."""
ALWAYS: Span = (None, None)

_OWED = Q(collects=Collects.OPERATOR, net_minor__gt=0)
_SENT = Exists(Payout.objects.filter(settlement=OuterRef("pk")).exclude(status=PayoutStatus.FAILED))
_IN_WORDS = {
    "SUCCESS": Q(status=SettlementStatus.PAID_OUT) | Q(status=SettlementStatus.CLOSED) & ~_OWED,
    "PENDING": Q(_OWED, ~_SENT, status=SettlementStatus.CLOSED),
    "PENDING_WITH_BANK": Q(_OWED, _SENT, status=SettlementStatus.CLOSED),
    "FAILED": Q(status=SettlementStatus.FAILED),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which settlements; what is left out does not matter. `ids` may be public ids or the wire's numbers."""

    ids: Sequence[str] | None = None
    utrs: Sequence[str] | None = None
    status: str = ""
    closed: Span = ALWAYS
    initiated: Span = ALWAYS
    processed: Span = ALWAYS


def closed_settlements(merchant_id: int, mode: str, wanted: Wanted) -> QuerySet[Settlement]:
    """A merchant's closed settlements, the newest first, with their pay-outs. What is open is not shown to it yet."""
    found = Settlement.objects.filter(merchant_id=merchant_id, mode=mode).exclude(status=SettlementStatus.OPEN)
    found = found.filter(_within("closed_at", wanted.closed))
    if wanted.ids is not None:
        found = found.filter(Q(uid__in=wanted.ids) | Q(pk__in=[int(each) for each in wanted.ids if each.isdecimal()]))
    if wanted.utrs is not None:
        found = found.filter(_has_payout(utr__in=wanted.utrs))
    if wanted.status:
        found = found.filter(_IN_WORDS.get(wanted.status, Q(pk=None)))
    for name, span in (("sent_at", wanted.initiated), ("paid_at", wanted.processed)):
        if span != ALWAYS:
            found = found.filter(_has_payout(_within(name, span)))
    return found.prefetch_related("payouts").order_by("-pk")


def settled_lines(settlements: QuerySet[Settlement], *, happened: Span = ALWAYS) -> QuerySet[SettlementLine]:
    """What is in settlements line by line, in their order, with all that the wire tells of a line."""
    within = settlements.order_by().prefetch_related(None)
    since, _ = happened
    if since is not None:
        within = within.filter(opened_at__gt=since)  # nothing in a settlement happened after it was opened
    lines = SettlementLine.objects.filter(_within("at", happened), settlement__in=within.values("pk"))
    return _whole(lines).order_by("settlement_id", "pk")


def after_line(lines: QuerySet[SettlementLine], last: SettlementLine) -> QuerySet[SettlementLine]:
    """The lines that come after one of them."""
    later = Q(settlement_id__gt=last.settlement_id) | Q(settlement_id=last.settlement_id, pk__gt=last.pk)
    return lines.filter(later, settlement_id__gte=last.settlement_id)


def line_of_order(order: Order) -> SettlementLine | None:
    """The line of an order's payment in a closed settlement."""
    lines = SettlementLine.objects.filter(kind=LineKind.PAYMENT, payment__order=order)
    return _whole(lines.exclude(settlement__status=SettlementStatus.OPEN)).first()


def _whole(lines: QuerySet[SettlementLine]) -> QuerySet[SettlementLine]:
    """With what each is about; a settlement of many lines is read with its pay-outs once."""
    joined = (
        "payment__order__customer",
        "refund__payment__order__customer",
        "adjustment__payment__order__customer",
    )
    settlements = Settlement.objects.prefetch_related("payouts")
    return lines.select_related(*joined).prefetch_related(Prefetch("settlement", settlements))


def _has_payout(*conditions: Q, **columns: Any) -> Exists:
    return Exists(Payout.objects.filter(*conditions, settlement=OuterRef("pk"), **columns))


def _within(column: str, span: Span) -> Q:
    since, until = span
    wanted = Q()
    if since is not None:
        wanted &= Q(**{f"{column}__gte": since})
    if until is not None:
        wanted &= Q(**{f"{column}__lte": until})
    return wanted
