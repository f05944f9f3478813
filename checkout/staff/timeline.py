"""Everything that happened to an order, in one list by time: what customers, gateways, staff and the clock did.

Each source is read newest first and no further than the list is long. What comes to be kept besides gets a function of
its own among SOURCES.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import groupby
from operator import attrgetter
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Model, QuerySet
from django.http import HttpRequest

from checkout.amounts import format_money
from checkout.staff.audit import ACTS
from checkout.staff.facts import link_for, may_view, moment
from checkout.staff.settled import lines_of
from checkout.staff.timeline_words import hold_words, line_words, move_words, settlement_words, transfer_words
from payments.models import (
    Adjustment,
    AuditEntry,
    Authorization,
    DeliveryTry,
    Event,
    GatewayEvent,
    Order,
    Payment,
    Refund,
    SettlementEvent,
    Transfer,
)
from payments.states import AuthorizationAction

AT_MOST = 100
ONE_CAUSE = ("at", "source_type", "source_id")
PER_CAUSE = 3
"""Transfers that one cause books at one moment, at most."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One row: what happened in plain words, who or what caused it, and where to read more."""

    at: datetime
    rank: int
    """Decides between rows of one instant: what people did stands before what followed from it."""
    what: str
    by: str
    link: str = ""
    why: str = ""
    number: int = 0


@dataclass(slots=True)
class Line:
    """A row as the page prints it."""

    utc: str
    local: str
    iso: str
    row: Moment


@dataclass(slots=True)
class Timeline:
    """The newest rows, oldest of them first, and how many older ones are left out."""

    zone: str
    lines: list[Line]
    left_out: int


@dataclass
class Reading:
    """One order being read for one person: rows they may not see elsewhere are not read here either."""

    request: HttpRequest
    order: Order
    at_most: int
    payments: list[Payment] = field(default_factory=list)
    unread: int = 0
    """Rows of sources that are longer than the list."""

    def newest(self, rows: QuerySet[Any], *, told_as_one: tuple[str, ...] = ()) -> list[Any]:
        """The newest rows of a source, enough for one more than the list holds; what is beyond is only counted.

        Rows alike in the columns `told_as_one` count as one: there are at most PER_CAUSE of them.
        """
        if not may_view(self.request, rows.model):
            return []
        at_most = (self.at_most + 1) * (PER_CAUSE if told_as_one else 1)
        found = list(rows[:at_most])
        if len(found) == at_most:
            every = rows.order_by().values(*told_as_one).distinct() if told_as_one else rows
            told = {tuple(getattr(row, name) for name in told_as_one or ("pk",)) for row in found}
            self.unread += every.count() - len(told)
        return found

    def link(self, row: Model, text: str) -> str:
        return link_for(self.request, row, text)

    @cached_property
    def refunds(self) -> list[Refund]:
        """Every refund of the order: its transfers are named by it."""
        rows = Refund.objects.filter(order=self.order).select_related("requested_by", "approved_by")
        return list(rows.order_by("-pk")) if may_view(self.request, Refund) else []

    @cached_property
    def events(self) -> list[Event]:
        """Its moves but for the first: that the order was made is told by the order itself."""
        return self.newest(self.order.events.exclude(kind="order.created").order_by("-sequence"))


def timeline_of(request: HttpRequest, order: Order, payments: Iterable[Payment], *, at_most: int = AT_MOST) -> Timeline:
    """An order's timeline as this person may see it. `payments` are its attempts."""
    reading = Reading(request, order, at_most, list(payments))
    rows = sorted(
        (row for source in SOURCES for row in source(reading)),
        key=lambda row: (row.at, row.rank, row.number),
    )
    zone = ZoneInfo(order.merchant.time_zone)
    left_out = max(0, len(rows) - at_most) + reading.unread
    return Timeline(order.merchant.time_zone, [_line(row, zone) for row in rows[-at_most:]], left_out)


def _line(row: Moment, zone: ZoneInfo) -> Line:
    return Line(moment(row.at), f"{row.at.astimezone(zone):%-d %b, %H:%M:%S}", row.at.isoformat(), row)


# --- Sources ---


def _order(reading: Reading) -> Iterator[Moment]:
    order = reading.order
    amount = format_money(order.amount_minor, order.currency)
    made_by = order.events.filter(kind="order.created").values_list("cause", flat=True).first() or "merchant"
    yield Moment(order.created_at, 0, f"The order was made, for {amount}.", made_by)
    if order.terminate_requested_at is not None:
        words = "Somebody asked for the order’s end while an attempt was in flight."
        yield Moment(order.terminate_requested_at, 3, words, "merchant or staff")


def _attempts(reading: Reading) -> Iterator[Moment]:
    if not may_view(reading.request, Payment):
        return
    for payment in reading.payments:
        amount = format_money(payment.amount_minor, payment.currency)
        words = f"An attempt to pay {amount} by {payment.get_method_display()} was started."
        link = reading.link(payment, payment.uid)
        yield Moment(payment.started_at, 1, words, "customer", link, number=payment.pk)
        if payment.disputed_at is not None:
            yield Moment(payment.disputed_at, 6, "The payment was marked as disputed.", "staff", link)


def _moves(reading: Reading) -> Iterator[Moment]:
    payments = {payment.pk: payment for payment in reading.payments}
    refunds = {refund.pk: refund for refund in reading.refunds}
    for event in reading.events:
        payment = payments.get(event.payment_id or 0) if may_view(reading.request, Payment) else None
        words = move_words(event, payment, refunds.get(event.refund_id or 0))
        link = reading.link(event, f"#{event.sequence}")
        yield Moment(event.at, 4, words, event.cause, link, number=event.sequence)


def _gateway_events(reading: Reading) -> Iterator[Moment]:
    told = GatewayEvent.objects.filter(payment__in=reading.payments).defer("body")
    for event in reading.newest(told.order_by("-pk")):
        words = f"The gateway’s server told us {event.kind}."
        yield Moment(event.received_at, 3, words, event.gateway, reading.link(event, event.event_id), number=event.pk)


def _holds(reading: Reading) -> Iterator[Moment]:
    held = Authorization.objects.filter(payment__in=reading.payments).select_related("payment").exclude(action="")
    held = held.exclude(action=AuthorizationAction.CAPTURE, approve_by=None)
    for authorization in reading.newest(held.order_by("-pk")):
        said = hold_words(authorization)
        if said is not None:
            at, words, by = said
            yield Moment(at, 5, words, by, reading.link(authorization.payment, authorization.payment.uid))


def _refunds(reading: Reading) -> Iterator[Moment]:
    """Refunds whose request is no event of its own: money that goes back by itself."""
    told = {event.refund_id for event in reading.events if event.kind == "refund.requested"}
    for refund in reading.refunds:
        link = reading.link(refund, refund.uid)
        if refund.pk not in told and refund.is_automatic:
            amount = format_money(refund.amount_minor, refund.currency)
            words = f"A refund of {amount} was made by itself: this money did not pay the order."
            yield Moment(refund.requested_at, 3, words, "Till", link)


def _transfers(reading: Reading) -> Iterator[Moment]:
    """What one cause booked at one moment is one row."""
    payments = [payment.pk for payment in reading.payments]
    adjustments = Adjustment.objects.filter(payment__in=payments).values("pk")
    refunds = Refund.objects.filter(payment__in=payments).values("pk")
    rows = Transfer.objects.none()
    sources: dict[str, Any] = {
        Transfer.PAYMENT: payments,
        Transfer.REFUND: refunds,
        Transfer.ADJUSTMENT: adjustments,
    }
    for source_type, ids in sources.items():
        rows |= Transfer.objects.filter(source_type=source_type, source_id__in=ids)
    found = reading.newest(rows.select_related("debit", "credit").order_by("-pk"), told_as_one=ONE_CAUSE)

    cause = attrgetter(*ONE_CAUSE)
    for (at, source_type, _), group in groupby(sorted(found, key=cause), key=cause):
        booked = sorted(group, key=lambda transfer: transfer.pk)
        link = reading.link(booked[0], f"transfer #{booked[0].pk}")
        yield Moment(at, 6, transfer_words(booked), f"{source_type}", link, number=booked[0].pk)


def _deliveries(reading: Reading) -> Iterator[Moment]:
    """Every try to tell the merchant's server."""
    tries = DeliveryTry.objects.filter(delivery__event__order=reading.order).select_related("delivery")
    for row in reading.newest(tries.defer("answer", "delivery__body").order_by("-pk")):
        outcome = f"answered {row.status} after {row.duration_ms} ms" if row.status else f"failed: {row.error}"
        words = f"{row.delivery.kind} was sent to {row.delivery.origin}, try {row.number}: {outcome}."
        yield Moment(row.at, 7, words, "webhook", reading.link(row.delivery, row.delivery.uid), number=row.pk)


def _acts(reading: Reading) -> Iterator[Moment]:
    acts = AuditEntry.objects.filter(order=reading.order).select_related("actor")
    for entry in reading.newest(acts.order_by("-pk")):
        words = f"{entry.actor.get_username()} {ACTS.get(entry.act, entry.act)}."
        link = reading.link(entry, f"{entry.object_type} {entry.object_id}")
        yield Moment(entry.at, 2, words, f"staff: {entry.actor.get_username()}", link, entry.reason, entry.pk)


def _settlements(reading: Reading) -> Iterator[Moment]:
    """When the order's money came into a settlement, and what became of that one."""
    of = lines_of(payments=[payment.pk for payment in reading.payments], refunds=[row.pk for row in reading.refunds])
    settlements = {}
    for line in reading.newest(of.order_by("-pk")):
        settlements[line.settlement_id] = line.settlement
        link = reading.link(line.settlement, line.settlement.uid)
        words = line_words(line)
        yield Moment(line.settlement.opened_at, 7, words, "Till", link, number=line.pk)
    events = SettlementEvent.objects.filter(settlement__in=settlements).select_related("payout")
    for event in reading.newest(events.order_by("-pk")):
        link = reading.link(settlements[event.settlement_id], settlements[event.settlement_id].uid)
        yield Moment(event.at, 7, settlement_words(event), event.cause, link, number=event.pk)


SOURCES: tuple[Callable[[Reading], Iterator[Moment]], ...] = (
    _order,
    _attempts,
    _moves,
    _gateway_events,
    _holds,
    _refunds,
    _transfers,
    _settlements,
    _deliveries,
    _acts,
)
