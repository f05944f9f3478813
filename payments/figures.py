"""Figures over many rows, for people who look after the money: what was taken, tried and sent back.

Amounts are minor units and always come with their currency: nothing here adds two currencies, or test and live. Each
function is one statement over an index on the time it asks about, however many rows lie outside. What merchants are
owed is in payments.due.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Count, Min, Q, QuerySet, Sum
from django.db.models.functions import ExtractHour, TruncDate

from payments.models import Payment, Refund
from payments.states import (
    REFUND_SENT,
    CaptureKind,
    Method,
    Mode,
    PaymentStatus,
    RefundStatus,
)


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose figures: one mode, of all merchants or of one."""

    mode: Mode
    merchant_id: int | None = None

    def of(self, rows: QuerySet[Any], prefix: str = "") -> QuerySet[Any]:
        """Those of the rows that are in it; `prefix` leads from a row to what has mode and merchant."""
        wanted: dict[str, Any] = {f"{prefix}mode": self.mode}
        if self.merchant_id is not None:
            wanted[f"{prefix}merchant_id"] = self.merchant_id
        return rows.filter(**wanted)


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days of a time zone, the last of which is today."""

    days: list[date]
    zone: ZoneInfo

    @classmethod
    def ending_today(cls, number: int, zone: ZoneInfo, *, at: datetime) -> "Period":
        """The day it is at `at` in that zone, and those before it: `number` days in all."""
        today = at.astimezone(zone).date()
        return cls([today - timedelta(days=back) for back in reversed(range(number))], zone)

    @property
    def today(self) -> date:
        return self.days[-1]

    @property
    def since(self) -> datetime:
        return midnight(self.days[0], self.zone)

    @property
    def until(self) -> datetime:
        """Where it ends: this moment is no part of it."""
        return midnight(self.today + timedelta(days=1), self.zone)

    def has(self, column: str) -> Q:
        return Q(**{f"{column}__gte": self.since, f"{column}__lt": self.until})


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """When a day begins there. Where clocks leap over midnight, the moment of the leap."""
    return datetime.combine(day, time.min, tzinfo=zone)


# --- What was taken ---


@dataclass(frozen=True, slots=True)
class Taken:
    """What was taken in one day, or in one hour of a day."""

    currency: str
    slot: date | int
    minor: int
    payments: int


def taken_by_day(scope: Scope, period: Period) -> list[Taken]:
    """Captures that paid an order, by currency and day; money that came late or twice goes back and is not counted."""
    return _taken(scope, period, TruncDate("completed_at", tzinfo=period.zone))


def taken_by_hour(scope: Scope, period: Period) -> list[Taken]:
    """The same by the hour that clocks show, 0 to 23: an hour that a change of clocks repeats is counted as one."""
    return _taken(scope, period, ExtractHour("completed_at", tzinfo=period.zone))


def _taken(scope: Scope, period: Period, slot: Any) -> list[Taken]:
    captures = scope.of(Payment.objects.filter(period.has("completed_at"), capture_kind=CaptureKind.NORMAL))
    rows = captures.order_by().values("currency", slot=slot).annotate(minor=Sum("captured_minor"), payments=Count("pk"))
    return [Taken(**row) for row in rows]


# --- What was tried ---


class Outcome(StrEnum):
    """What became of a try. `held`: the bank said yes, and the money is held, or was released by us. `failed`: it was
    declined, or never got through to who could say yes."""

    PAID = "paid"
    HELD = "held"
    FAILED = "failed"
    LEFT = "left"
    UNKNOWN = "unknown"


_S = PaymentStatus
OUTCOMES = {
    _S.SUCCESS: Outcome.PAID,
    _S.AUTHORIZED: Outcome.HELD,
    _S.VOID: Outcome.HELD,
    _S.FAILED: Outcome.FAILED,
    _S.USER_DROPPED: Outcome.LEFT,
    _S.CANCELLED: Outcome.LEFT,
    _S.PENDING: Outcome.UNKNOWN,
}
Tries = Counter[tuple[str, Method, Outcome]]


def tries(scope: Scope, period: Period) -> Tries:
    """How many tries to pay began in the period, by currency, method and what became of them."""
    begun = scope.of(Payment.objects.filter(period.has("started_at"))).order_by()
    found: Tries = Counter()
    for currency, method, status, number in begun.values_list("currency", "method", "status").annotate(Count("pk")):
        found[currency, Method(method), OUTCOMES[PaymentStatus(status)]] += number
    return found


# --- What nobody knows yet ---


NOT_KNOWN = Q(status=PaymentStatus.PENDING) | ~Q(review_reason="")
"""Payments of which the bank has not spoken, and those a person has to look at."""


@dataclass(frozen=True, slots=True)
class NotKnown:
    """How many there are now, and since when the oldest."""

    payments: int
    oldest: datetime | None


def not_known(scope: Scope) -> NotKnown:
    """Payments whose outcome is open now, of every currency, whenever they began."""
    found = scope.of(Payment.objects.filter(NOT_KNOWN)).aggregate(payments=Count("pk"), oldest=Min("started_at"))
    return NotKnown(**found)


# --- What goes back ---


class RefundStage(StrEnum):
    """How far a refund is."""

    WAITING = "waiting"
    SENT = "sent"
    DONE = "done"
    FAILED = "failed"


STAGES = {
    RefundStatus.REQUESTED: RefundStage.WAITING,
    **dict.fromkeys(REFUND_SENT, RefundStage.SENT),
    RefundStatus.SUCCESS: RefundStage.DONE,
    RefundStatus.FAILED: RefundStage.FAILED,
}


@dataclass(frozen=True, slots=True)
class Refunded:
    """Refunds of one stage: how many, and how much."""

    refunds: int = 0
    minor: int = 0

    def __add__(self, other: "Refunded") -> "Refunded":
        return Refunded(self.refunds + other.refunds, self.minor + other.minor)


def refunds(scope: Scope, period: Period) -> dict[tuple[str, RefundStage], Refunded]:
    """Refunds by currency and stage: all that wait or are with the bank now, and those decided in the period."""
    open_or_decided = Q(completed_at=None) | period.has("completed_at")
    rows = scope.of(Refund.objects.filter(open_or_decided, status__in=STAGES)).order_by()
    found: dict[tuple[str, RefundStage], Refunded] = {}
    counted = rows.values_list("currency", "status").annotate(Count("pk"), Sum("amount_minor"))
    for currency, status, number, minor in counted:
        key = (currency, STAGES[RefundStatus(status)])
        found[key] = found.get(key, Refunded()) + Refunded(number, minor)
    return found
