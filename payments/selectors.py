"""Reads across models: what an order's state is to the world, and what there is to do."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from django.db.models import Q, QuerySet, Window
from django.db.models.functions import RowNumber

from payments.fields import MAX_EXPIRY
from payments.gateways.simulator import events as simulator_events
from payments.ids import looks_like_session_id
from payments.models import (
    Delivery,
    DeliveryTry,
    Endpoint,
    GatewayAccount,
    IdempotencyKey,
    Merchant,
    MerchantLogo,
    Order,
    ParkedOrigin,
    Payment,
    Refund,
    Settlement,
    SettlementSchedule,
)
from payments.routing import Route, routes_of, takes_attempts
from payments.states import (
    EXTENSION,
    LIVE,
    MAX_DECLINES,
    OPEN,
    PAYABLE,
    SETTLE_TIME,
    AuthorizationStatus,
    CaptureKind,
    DeliveryStatus,
    Method,
    Mode,
    OrderStatus,
    PaymentStatus,
)


@dataclass
class OrderState:
    """An order with its attempts at one moment: every page and answer reads its state from here alone."""

    order: Order
    payments: list[Payment]
    """Newest first."""
    at: datetime

    @cached_property
    def live(self) -> Payment | None:
        """The attempt that may still take money."""
        return next((payment for payment in self.payments if payment.status in LIVE), None)

    @property
    def held(self) -> Payment | None:
        """The payment whose money is held for somebody to decide about.

        What is captured by itself, or is on its way to be captured or released, is not called held.
        """
        live = self.live
        if live is None or live.status != PaymentStatus.AUTHORIZED or not self.order.manual_capture:
            return None
        authorization = getattr(live, "authorization", None)
        in_flight = authorization is not None and authorization.status == AuthorizationStatus.PENDING
        return None if in_flight else live

    @cached_property
    def captured(self) -> Payment | None:
        """The payment that paid the order."""
        return next((payment for payment in self.payments if payment.capture_kind == CaptureKind.NORMAL), None)

    @cached_property
    def returning(self) -> list[Payment]:
        """Captures that did not pay the order and have not gone back whole yet."""
        kinds = (CaptureKind.LATE, CaptureKind.SURPLUS)
        return [p for p in self.payments if p.capture_kind in kinds and p.refunded_minor < p.captured_minor]

    @cached_property
    def refunds(self) -> list[Refund]:
        """What was sent back of the captures we know of, first sent first; a request that waits for people is not."""
        known = {payment.pk for payment in self.payments if payment.is_captured}
        sent = self.order.refunds.filter(sent_at__isnull=False).order_by("pk") if known else ()
        return [refund for refund in sent if refund.payment_id in known]

    @property
    def in_review(self) -> bool:
        """Whether money may have moved for an unpaid order in a way that does not fit it: staff must look first."""
        return self.captured is None and any(payment.money_unclear for payment in self.payments)

    @cached_property
    def last_ended(self) -> Payment | None:
        """The newest attempt that is over and took nothing."""
        return next((p for p in self.payments if p.status not in LIVE and p.status != PaymentStatus.SUCCESS), None)

    @cached_property
    def serving(self) -> dict[Method, list[Route]]:
        """The ways to pay that some gateway of the merchant serves now, each with its accounts in order."""
        return routes_of(self.order, at=self.at)

    @property
    def methods(self) -> list[Method]:
        """The ways to pay, in the page's order."""
        return list(self.serving)

    @property
    def is_overdue(self) -> bool:
        """Whether its time is up though no sweep has said so yet."""
        is_undecided = self.live is None and self.captured is None
        return self.order.status in OPEN and self.order.expires_at <= self.at and is_undecided

    @property
    def status(self) -> OrderStatus:
        """The status to show: an overdue order reads expired everywhere."""
        return OrderStatus.EXPIRED if self.is_overdue else OrderStatus(self.order.status)

    @property
    def takes_attempts(self) -> bool:
        """Whether the customer may start an attempt now, perhaps in place of one that can still be cancelled."""
        in_time = self.order.expires_at > self.at and self.order.terminate_requested_at is None
        tries_left = self.order.attempts_declined < MAX_DECLINES
        is_free = self.order.status in PAYABLE if self.live is None else may_be_cancelled(self.live, at=self.at)
        return is_free and not self.in_review and in_time and tries_left and bool(self.methods)

    @property
    def extensions_left(self) -> int:
        """How often the customer may still add EXTENSION to the time to pay."""
        order = self.order
        if not self.takes_attempts or order.status not in PAYABLE:
            return 0
        room = (order.created_at + MAX_EXPIRY - order.expires_at) // EXTENSION
        return max(0, min(order.merchant.extensions - order.extensions_used, room))

    @property
    def is_fully_refunded(self) -> bool:
        return self.captured is not None and self.captured.refunded_minor >= self.captured.captured_minor


def find_logo(digest: str) -> bytes:
    """The picture of the merchants whose logo has this digest; nothing where there is none any more."""
    found = MerchantLogo.objects.filter(merchant__logo_digest=digest).first()
    return bytes(found.picture) if found else b""


def order_state(order: Order, *, at: datetime) -> OrderState:
    """Read an order's attempts, newest first, and with them the order again: one statement sees one moment.

    Between two statements a payment may succeed, and an order that is paid would read as failed or expired.
    """
    payments = list(order.payments.select_related("order__merchant", "authorization").order_by("-pk"))
    if payments:
        order = payments[0].order
    return OrderState(order, payments, at)


def find_order(*, merchant_id: int, mode: str, order_id: str) -> Order | None:
    """The merchant's own order of that id in that mode; unknown, foreign and malformed are all None."""
    if not 0 < len(order_id) <= 45 or "\x00" in order_id or not order_id.isascii():
        return None
    return Order.objects.filter(merchant_id=merchant_id, mode=mode, order_id=order_id).first()


def find_order_by_session(session_id: str) -> Order | None:
    """The order a payment session belongs to, with its merchant."""
    if not looks_like_session_id(session_id):
        return None
    return Order.objects.select_related("merchant").filter(session_id=session_id).first()


def find_attempt(*, gateway: str, order_uid: str, form_nonce: str) -> Payment | None:
    """The attempt that one form started at a gateway, with its order."""
    mine = Payment.objects.select_related("order").filter(gateway=gateway, order__uid=order_uid)
    return mine.filter(form_nonce=form_nonce).first()


def find_attempt_by_key(*, gateway: str, gateway_key: str) -> Payment | None:
    """The attempt that a gateway knows under this reference of ours."""
    return Payment.objects.filter(gateway=gateway, gateway_key=gateway_key).first()


def may_be_cancelled(payment: Payment, *, at: datetime) -> bool:
    """Whether it is pending and its start is over: a start still on its way could take money after a cancel."""
    started = payment.start_answered_at is not None or at >= payment.started_at + SETTLE_TIME
    return payment.status == PaymentStatus.PENDING and started


def sellers() -> list[tuple[Merchant, Mode]]:
    """Merchants, by name, with each mode in which a gateway takes new attempts for them."""
    accounts = GatewayAccount.objects.select_related("merchant").order_by("merchant__name", "merchant_id", "-mode")
    found = {(account.merchant, Mode(account.mode)): None for account in accounts if takes_attempts(account)}
    return list(found)


@dataclass(frozen=True, slots=True)
class Verdict:
    """VerifyPayment's answer. `code` is data for the merchant, not an HTTP status."""

    message: str
    code: str
    status: str


def verify(state: OrderState) -> Verdict:
    """Say whether an order is paid, from our rows alone (the table in the design's section 3)."""
    if state.in_review:
        return Verdict("Payment pending: under review", "202", "pending")
    return _verdict_over(state) or _verdict_open(state)


def _verdict_over(state: OrderState) -> Verdict | None:
    """The answer for orders that are paid or closed."""
    returning = ""
    if state.returning:
        is_sent = any(payment.refund_reserved_minor > payment.refunded_minor for payment in state.returning)
        returning = f", and a late payment is being {'returned' if is_sent else 'looked into'}"
    if state.status == OrderStatus.PAID:
        if state.is_fully_refunded:
            return Verdict("Payment refunded", "200", "refunded")
        return Verdict("Payment successful", "200", "success")
    if state.status == OrderStatus.EXPIRED:
        return Verdict(f"Order expired{returning}", "410", "expired")
    if state.status == OrderStatus.TERMINATED:
        return Verdict(f"Order terminated{returning}", "410", "terminated")
    return None


def _verdict_open(state: OrderState) -> Verdict:
    """The answer for orders that can still end in any way."""
    live = state.live
    is_ending = state.order.terminate_requested_at is not None
    if state.held is not None and not is_ending:
        return Verdict("Payment authorised: the money is held, not taken", "202", "authorized")
    if live is not None or is_ending:
        return Verdict("Payment pending: not known yet, ask again later", "202", "pending")
    if state.last_ended is None:
        return Verdict("Payment not started", "202", "created")
    reason = state.last_ended.message or "no reason given"
    return Verdict(f"Payment failed: {reason}", "402", "failed")


def due_jobs(*, at: datetime, at_most: int = 100) -> Iterator[tuple[str, int]]:
    """Job names with the row each is about, oldest first."""
    for pk in Payment.objects.due_for_inquiry(at=at).order_by("inquire_at").values_list("pk", flat=True)[:at_most]:
        yield "inquire_payment", pk
    refunds = Refund.objects.filter(inquire_at__lte=at).filter(Q(leased_until=None) | Q(leased_until__lte=at))
    for pk in refunds.order_by("inquire_at").values_list("pk", flat=True)[:at_most]:
        yield "refund", pk
    yield from _due_deliveries(at=at, at_most=at_most)
    yield from simulator_events.due_jobs(at=at, at_most=at_most)
    if IdempotencyKey.objects.outdated(at=at).exists():
        yield "forget_idempotency_keys", 0
    if outdated_deliveries(at=at).exists() or outdated_pauses(at=at).exists():
        yield "prune", 0
    notices = Endpoint.objects.filter(notice_due_at__lte=at).order_by("notice_due_at")
    for pk in notices.values_list("pk", flat=True)[:at_most]:
        yield "endpoint_notice", pk
    mails = Order.objects.filter(mail_due_at__lte=at).order_by("mail_due_at")
    for pk in mails.values_list("pk", flat=True)[:at_most]:
        yield "customer_mail", pk
    yield from _due_settlements(at=at, at_most=at_most)
    for pk in Order.objects.lapsed(at=at).order_by("expires_at").values_list("pk", flat=True)[:at_most]:
        yield "expire_order", pk


def _due_settlements(*, at: datetime, at_most: int) -> Iterator[tuple[str, int]]:
    """Merchants whose day began, and settlements to put together that nobody is busy with."""
    due = SettlementSchedule.objects.filter(due_at__lte=at).order_by("due_at")
    for pk in due.values_list("pk", flat=True)[:at_most]:
        yield "settlement_schedule", pk
    builds = Settlement.objects.filter(build_at__lte=at).filter(Q(leased_until=None) | Q(leased_until__lte=at))
    for pk in builds.order_by("build_at").values_list("pk", flat=True)[:at_most]:
        yield "settlement", pk


DELIVERIES_KEPT_FOR = timedelta(days=30)
PAUSES_KEPT_FOR = timedelta(days=1)
"""Nothing reads them when they are over; most are soon written anew."""


def outdated_deliveries(*, at: datetime) -> QuerySet[Delivery]:
    """Deliveries that ended so long ago that nobody asks about them any more."""
    return Delivery.objects.exclude(status=DeliveryStatus.DUE).filter(completed_at__lt=at - DELIVERIES_KEPT_FOR)


def outdated_pauses(*, at: datetime) -> QuerySet[ParkedOrigin]:
    """Origins that kept us waiting a day ago and more."""
    return ParkedOrigin.objects.filter(until__lt=at - PAUSES_KEPT_FOR)


AT_ONCE_PER_ORIGIN = 2
"""Deliveries to one origin at a time, so that a slow receiver leaves threads to the others."""
AT_ONCE_PER_MERCHANT = 8
"""Half of a worker's senders: each order may name an origin of its own, and all of them may hang."""


def _due_deliveries(*, at: datetime, at_most: int) -> Iterator[tuple[str, int]]:
    """Deliveries to try now, oldest first: a few of each origin, none of one that kept us waiting."""
    parked = ParkedOrigin.objects.filter(until__gt=at).values("origin")
    # What is being sent was due, too: all that waits for a later try, which may be a great many, is not read.
    due = Delivery.objects.filter(status=DeliveryStatus.DUE, due_at__lte=at).exclude(origin__in=parked)
    waiting = due.filter(Q(leased_until=None) | Q(leased_until__lte=at))
    # Ranked by the database: however much waits for one origin, the others' oldest are among what is read.
    place = Window(RowNumber(), partition_by="origin", order_by=["due_at", "pk"])
    first = waiting.annotate(place=place).filter(place__lte=AT_ONCE_PER_ORIGIN).order_by("due_at", "pk")
    rows = list(first.values_list("pk", "origin", "merchant_id"))
    # Read last: what was begun between the two statements must count, or its origin would get more than its share.
    sending = list(due.filter(leased_until__gt=at).values_list("origin", "merchant_id"))
    busy = Counter(origin for origin, _ in sending)
    busy_for = Counter(merchant for _, merchant in sending)
    for pk, origin, merchant in rows:
        if busy[origin] < AT_ONCE_PER_ORIGIN and busy_for[merchant] < AT_ONCE_PER_MERCHANT and at_most > 0:
            busy[origin] += 1
            busy_for[merchant] += 1
            at_most -= 1
            yield "delivery", pk


def deliveries_of(
    merchant_id: int,
    mode: str,
    *,
    below: int | None = None,
    order_id: str = "",
    endpoint: Endpoint | None = None,
    status: str = "",
    kind: str = "",
) -> QuerySet[Delivery]:
    """A merchant's webhooks, the newest first, without their bodies; `below` is the row id the last page ended with."""
    found = Delivery.objects.filter(merchant_id=merchant_id, mode=mode).select_related(
        "endpoint", "event__order", "settlement_event__settlement"
    )
    asked: dict[str, Any] = {"status": status, "kind": kind, "endpoint": endpoint, "pk__lt": below}
    if order_id:
        orders = Order.objects.filter(merchant_id=merchant_id, mode=mode, order_id=order_id)
        asked["event__order__in"] = orders.values("pk")
    named = {name: value for name, value in asked.items() if value not in ("", None)}
    return found.filter(**named).defer("body").order_by("-pk")


def tries_of(delivery: Delivery) -> QuerySet[DeliveryTry]:
    """Every try of a delivery, the newest first."""
    return delivery.log.order_by("-number")
