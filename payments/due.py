"""What merchants are owed and when it is to be paid out: settlements that wait, and what no settlement has yet.

Only money that gateways pay to the operator: what they pay to merchants themselves is not ours to pay out. Over all
rows the net is what the ledger says merchants are owed of it.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Count, DateField, Exists, F, IntegerField, Min, OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import TruncDate

from payments.figures import Period, Scope
from payments.models import (
    Adjustment,
    GatewayAccount,
    LedgerAccount,
    Payment,
    Payout,
    Refund,
    Settlement,
    SettlementLine,
)
from payments.settlement_days import settled_on
from payments.states import (
    REFUND_UNDONE,
    AccountKind,
    CaptureKind,
    Collects,
    LineKind,
    PayoutStatus,
    SettlementStatus,
)

_DAY = timedelta(days=1)


@dataclass(slots=True)
class Due:
    """What is to be paid out together, in minor units as they change what merchants get: fees are below zero.

    `settlements` waiting now, `to_close` and `to_pay` of them for that, or else what none has yet: for payments from
    `first` to `last`, to be paid out on `pay_out_on`, None where merchants are settled by hand.
    """

    currency: str
    pay_out_on: date | None = None
    settlements: int = 0
    to_close: int = 0
    to_pay: int = 0
    first: date | None = None
    last: date | None = None
    taken: int = 0
    fees: int = 0
    refunds: int = 0
    adjustments: int = 0

    @property
    def net(self) -> int:
        return self.taken + self.fees + self.refunds + self.adjustments


def settlement_due(scope: Scope, period: Period) -> list[Due]:
    """What is due by currency: settlements first, then by the day of the pay-out, and what is settled by hand last.

    Days are those of the period's zone, and the last of them is today; how far back it goes does not matter.
    """
    found: dict[tuple[str, int, date], Due] = {}
    for row in _rows(scope, period):
        number, day = row["number"], row["day"]
        on = None if number else _pay_out_on(row, today=period.today)
        key = (row["currency"], 0 if number else 1, on or date.max)
        due = found.setdefault(key, Due(row["currency"], on))
        due.settlements += number
        due.to_close += row["open"]
        due.to_pay += row["closed"]
        due.taken += int(row["gross"])
        due.fees += int(row["charged"])
        due.refunds += int(row["returned"])
        due.adjustments += int(row["corrected"])
        if row["gross"] and day:
            due.first, due.last = min(due.first or day, day), max(due.last or day, day)
    return [found[key] for key in sorted(found)]


def _pay_out_on(row: dict[str, Any], *, today: date) -> date | None:
    """When what no settlement has yet will be paid out, if it goes by the merchant's rule."""
    if row["days"] is None:
        return None
    # Payments are taken as their day comes; what happened since today's settlement was put together is in the next.
    earliest = settled_on(today if row["gross"] else today + _DAY, 0)
    return max(settled_on(row["day"], row["days"]), earliest) if row["day"] else earliest


# --- Where it is read ---


def _rows(scope: Scope, period: Period) -> QuerySet[Any, dict[str, Any]]:
    """All of it in one statement. Columns: currency, days, day, and those of `_summed`."""
    since = _all_settled_before(scope)
    parts = [
        *_of_refunds(scope, period, since),
        _of_adjustments(scope, since),
        _of_settlements(scope),
    ]
    return _of_payments(scope, period, since).union(*parts, all=True)


def _all_settled_before(scope: Scope) -> datetime | None:
    """A moment before which nothing is without its line: a day before the newest settlements' cut-offs; None if a
    merchant was never settled. The day is for what was committed after its settlement looked.
    """
    own = {name: OuterRef(name) for name in ("merchant", "mode")}
    newest = Settlement.objects.filter(**own, currency=OuterRef("currency"), collects=Collects.OPERATOR, build_at=None)
    accounts = GatewayAccount.objects.filter(**own, collects=Collects.OPERATOR)
    owed = scope.of(LedgerAccount.objects.filter(Exists(accounts), kind=AccountKind.MERCHANT_PAYABLE))
    found = owed.annotate(till=Subquery(newest.order_by("-pk").values("cutoff_at")[:1])).aggregate(
        groups=Count("pk"), settled=Count("till"), since=Min("till")
    )
    return found["since"] - _DAY if found["settled"] and found["settled"] == found["groups"] else None


def _has_line(**of: Any) -> Exists:
    """In a settlement whose figures count already; one that is still being put together says nothing yet."""
    return Exists(SettlementLine.objects.filter(**of, settlement__build_at=None))


def _summed(rows: QuerySet[Any], days: Any, day: Any, **sums: Any) -> QuerySet[Any, dict[str, Any]]:
    """The columns of one kind of row, in the order in which all kinds have them."""
    names = ("number", "open", "closed", "gross", "charged", "returned", "corrected")
    named = {name: sums.get(name, Sum(Value(0))) for name in names}
    summed: QuerySet[Any, dict[str, Any]] = rows.order_by().values("currency", days=days, day=day).annotate(**named)
    return summed


def _of_payments(scope: Scope, period: Period, since: datetime | None) -> QuerySet[Any, dict[str, Any]]:
    rows = scope.of(
        Payment.objects.filter(
            ~_has_line(payment=OuterRef("pk")), capture_kind=CaptureKind.NORMAL, account__collects=Collects.OPERATOR
        )
    )
    return _summed(
        rows.filter(completed_at__gte=since) if since else rows,
        F("merchant__settlement_days"),
        TruncDate("completed_at", tzinfo=period.zone),
        gross=Sum("captured_minor"),
        charged=-Sum(F("fee_minor") + F("fee_tax_minor")),
    )


def _of_refunds(scope: Scope, period: Period, since: datetime | None) -> list[QuerySet[Any, dict[str, Any]]]:
    """Refunds that were sent, and those in a settlement that did not go through after all."""
    rows = scope.of(
        Refund.objects.filter(
            payment__capture_kind=CaptureKind.NORMAL,
            payment__account__collects=Collects.OPERATOR,
            sent_at__isnull=False,
        )
    )
    if since:
        rows = rows.filter(Q(completed_at=None) | Q(completed_at__gte=since))
    has_line = _has_line(refund=OuterRef("pk"), kind=LineKind.REFUND)
    is_undone = rows.filter(
        has_line, ~_has_line(refund=OuterRef("pk"), kind=LineKind.REVERSAL), status__in=REFUND_UNDONE
    )
    days, day = F("merchant__settlement_days"), TruncDate("payment__completed_at", tzinfo=period.zone)
    sent = rows.filter(~has_line).exclude(status__in=REFUND_UNDONE)
    return [
        _summed(sent, days, day, returned=-Sum("amount_minor")),
        _summed(is_undone, days, day, corrected=Sum("amount_minor")),
    ]


def _of_adjustments(scope: Scope, since: datetime | None) -> QuerySet[Any, dict[str, Any]]:
    rows = scope.of(Adjustment.objects.filter(~_has_line(adjustment=OuterRef("pk")), collects=Collects.OPERATOR))
    rows = rows.filter(made_at__gte=since) if since else rows
    nothing = Value(None, output_field=DateField())
    return _summed(rows, F("merchant__settlement_days"), nothing, corrected=Sum("amount_minor"))


def _of_settlements(scope: Scope) -> QuerySet[Any, dict[str, Any]]:
    """Those with something to pay out that is not on its way, and debt that no later one carries."""
    on_its_way = Payout.objects.filter(settlement=OuterRef("pk")).exclude(status=PayoutStatus.FAILED)
    rows = scope.of(
        Settlement.objects.filter(
            Q(~Exists(on_its_way), net_minor__gt=0) | Q(net_minor__lt=0, next=None),
            collects=Collects.OPERATOR,
            build_at=None,
        ).exclude(status=SettlementStatus.PAID_OUT)
    )
    return _summed(
        rows,
        Value(None, output_field=IntegerField()),
        Value(None, output_field=DateField()),
        number=Count("pk"),
        open=Count("pk", filter=Q(status=SettlementStatus.OPEN)),
        closed=Count("pk", filter=~Q(status=SettlementStatus.OPEN) & Q(net_minor__gt=0)),
        gross=Sum("gross_minor"),
        charged=-Sum(F("fees_minor") + F("tax_minor")),
        returned=-Sum("refunds_minor"),
        corrected=Sum(F("adjustments_minor") + F("carried_in_minor")),
    )
