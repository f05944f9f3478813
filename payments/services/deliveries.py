"""Webhooks: queued in the transaction of the change, sent at least once, each address by itself."""

import random
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from django.db import transaction
from django.db.models import Q

from payments import clock, crypto, faults, ids, outgoing, signatures, urls, webhooks
from payments.models import (
    ApiKey,
    Delivery,
    DeliveryTry,
    Endpoint,
    Event,
    Order,
    ParkedOrigin,
    Settlement,
    SettlementEvent,
)
from payments.services.calls import refuse_open_transaction
from payments.states import DeliveryStatus, Mode

LEASE = timedelta(seconds=30)
SCHEDULE = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""Waits between tries, after Standard Webhooks: ten tries in 75 hours."""
JITTER = 0.1
LONGEST_WAIT = timedelta(hours=24)
PARKED_FOR = timedelta(minutes=1)
GIVEN_UP_AFTER = timedelta(days=5)
"""Of nothing but failures, before an endpoint is switched off."""
GONE = 410
SAID_GONE, FAILED_FOR_DAYS = "It answered 410 Gone.", "Nothing but failures for five days."
"""Why an endpoint was switched off by itself."""
ASKS_FOR_PATIENCE = frozenset({429, 502, 503, 504})
KEPT_OF_ANSWER = 1_024


# --- Queueing ---


def enqueue(events: Iterable[Event], *, order: Order) -> None:
    """Write the deliveries of events, in the transaction that writes these: none is lost, none is made up."""
    told = [(event, kind) for event in events if (kind := webhooks.kind_of(event))]
    if not told:
        return
    endpoints = _endpoints(order)
    rows = []
    for event, kind in told:
        body = ""
        for url, endpoint in _addresses(kind, order=order, endpoints=endpoints):
            body = body or webhooks.body_of(event, kind, order=order)
            rows.append(new_delivery(event, kind, url=url, endpoint=endpoint, body=body))
    if rows:
        Delivery.objects.bulk_create(rows)


def enqueue_settlement(event: SettlementEvent) -> None:
    """The same of a settlement's event, which endpoints alone are told of."""
    kind = webhooks.settlement_kind_of(event)
    chosen = [each for each in _endpoints(event.settlement) if _chooses(each, kind)] if kind else []
    if chosen:
        body = webhooks.settlement_body_of(event, kind)
        Delivery.objects.bulk_create(
            new_delivery(event, kind, url=endpoint.url, endpoint=endpoint, body=body) for endpoint in chosen
        )


def _endpoints(owner: Order | Settlement) -> list[Endpoint]:
    if not getattr(owner, "has_endpoints", True):
        return []
    return list(Endpoint.objects.filter(merchant_id=owner.merchant_id, mode=owner.mode, disabled_at=None))


def _chooses(endpoint: Endpoint, kind: str) -> bool:
    return not endpoint.kinds or kind in endpoint.kinds


def _addresses(kind: str, *, order: Order, endpoints: list[Endpoint]) -> Iterable[tuple[str, Endpoint | None]]:
    """An order's own address gets what happens to its payments; an endpoint what it chose, of everything."""
    if order.notify_url and kind not in (webhooks.REFUND, webhooks.AUTO_REFUND):
        yield order.notify_url, None
    for endpoint in endpoints:
        if _chooses(endpoint, kind):
            yield endpoint.url, endpoint


def new_delivery(
    event: Event | SettlementEvent, kind: str, *, url: str, endpoint: Endpoint | None, body: str
) -> Delivery:
    """A message of an event to one address, which is not written yet."""
    owner: Order | Settlement
    about: dict[str, Event | SettlementEvent]
    if isinstance(event, Event):
        owner, about = event.order, {"event": event}
    else:
        owner, about = event.settlement, {"settlement_event": event}
    return Delivery(
        uid=ids.new_message_id(),
        **about,
        endpoint=endpoint,
        merchant_id=owner.merchant_id,
        mode=owner.mode,
        kind=kind,
        url=url,
        origin=urls.origin_of("url", url),
        body=body,
        made_at=event.at,
        due_at=event.at,
    )


# --- Sending ---


def deliver(delivery_pk: int, *, at: datetime) -> bool:
    """Try one delivery that is due, and write down how it went; false if it was not ours to try now."""
    unleased = Q(leased_until=None) | Q(leased_until__lte=at)
    mine = Delivery.objects.filter(unleased, pk=delivery_pk, status=DeliveryStatus.DUE, due_at__lte=at)
    if mine.update(leased_until=at + LEASE) != 1:
        return False
    delivery = Delivery.objects.select_related("endpoint").get(pk=delivery_pk)
    faults.point("delivery.after_claim")
    if delivery.endpoint is not None and delivery.endpoint.disabled_at is not None:
        _finish(delivery, DeliveryStatus.ABANDONED, at=at)
        return True
    secrets = _secrets(delivery)
    if not secrets:
        _finish(delivery, DeliveryStatus.ABANDONED, at=at, error="the merchant has no live API key to sign with")
        return True
    sent = _send(delivery, secrets, at=at)
    faults.point("delivery.after_send")
    _note(delivery, sent, at=clock.now())
    return True


@dataclass(frozen=True, slots=True)
class _Sent:
    """How one try went: what came back, or why nothing did."""

    duration_ms: int
    answer: outgoing.Answer | None = None
    error: str = ""
    is_late: bool = False
    is_blocked: bool = False

    @property
    def status(self) -> int | None:
        return self.answer.status if self.answer else None

    @property
    def is_taken(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def _send(delivery: Delivery, secrets: list[str], *, at: datetime) -> _Sent:
    body = delivery.body.encode()
    headers = signatures.headers(body, message_id=delivery.uid, secrets=secrets, attempt=delivery.tries + 1, at=at)
    allow_private = urls.may_be_private(live=delivery.mode == Mode.LIVE)
    refuse_open_transaction()
    started = time.monotonic()
    told: dict[str, Any] = {}
    try:
        told["answer"] = outgoing.post(delivery.url, body, headers, allow_private=allow_private)
    except outgoing.Blocked as refusal:
        told = {"error": f"blocked: {refusal}", "is_blocked": True}
    except outgoing.Unanswered as fault:
        told = {"error": str(fault), "is_late": fault.is_late}
    return _Sent(int((time.monotonic() - started) * 1000), **told)


def _secrets(delivery: Delivery) -> list[str]:
    """The client secrets of the merchant's live keys, the newest first: while two live, both signatures are sent."""
    keys = ApiKey.objects.filter(merchant_id=delivery.merchant_id, mode=delivery.mode, revoked_at=None)
    return [
        crypto.decrypt(key.secret_ciphertext, context=key.secret_context) for key in keys.order_by("-created_at", "-pk")
    ]


def _note(delivery: Delivery, sent: _Sent, *, at: datetime) -> None:
    """Keep how a try went, and decide what follows from it."""
    with transaction.atomic():
        held = Delivery.objects.select_for_update().filter(pk=delivery.pk, status=DeliveryStatus.DUE).first()
        if held is None:
            return  # another worker, whose lease came after ours, ended it
        delivery.tries = held.tries + 1
        tried = delivery.tries - held.tries_before
        kept = sent.answer.body[:KEPT_OF_ANSWER].decode("utf-8", "replace").replace("\x00", "") if sent.answer else ""
        DeliveryTry.objects.create(
            delivery=delivery,
            number=delivery.tries,
            at=at,
            duration_ms=sent.duration_ms,
            status=sent.status,
            error=sent.error,
            answer=kept,
        )
        if sent.is_taken:
            _finish(delivery, DeliveryStatus.DELIVERED, at=at)
        elif sent.status == GONE or sent.is_blocked or tried > len(SCHEDULE) or _is_off(delivery):
            _finish(delivery, DeliveryStatus.ABANDONED, at=at)
        else:
            again = at + _wait(tried, sent.answer, at=at)
            Delivery.objects.filter(pk=delivery.pk).update(due_at=again, leased_until=None, tries=delivery.tries)
        if delivery.endpoint is not None and delivery.kind != webhooks.TEST:
            _judge_endpoint(delivery.endpoint, sent, at=at)
        if sent.is_late:
            ParkedOrigin.objects.update_or_create(origin=delivery.origin, defaults={"until": at + PARKED_FOR})
        faults.point("delivery.before_note_commit")


def _is_off(delivery: Delivery) -> bool:
    """Whether its endpoint was switched off, perhaps while we sent: then there is no other try to wait for."""
    off = Endpoint.objects.filter(deliveries=delivery, disabled_at__isnull=False)
    return delivery.endpoint_id is not None and off.exists()


def _finish(delivery: Delivery, status: DeliveryStatus, *, at: datetime, error: str = "") -> None:
    with transaction.atomic():
        if error:
            delivery.tries += 1
            DeliveryTry.objects.create(delivery=delivery, number=delivery.tries, at=at, duration_ms=0, error=error)
        ended = _ended(status, at=at) | {"tries": delivery.tries}
        Delivery.objects.filter(pk=delivery.pk, status=DeliveryStatus.DUE).update(**ended)


def _ended(status: DeliveryStatus, *, at: datetime) -> dict[str, Any]:
    return {"status": status, "due_at": None, "leased_until": None, "completed_at": at}


def _wait(tries: int, answer: outgoing.Answer | None, *, at: datetime) -> timedelta:
    """How long till the next try, after so many since it was queued or sent again: the schedule's, or longer where the
    receiver asks for it.
    """
    wait = SCHEDULE[tries - 1] * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311  (not a secret)
    if answer is None or answer.status not in ASKS_FOR_PATIENCE:
        return wait
    return min(max(wait, _asked_wait(answer.retry_after, at=at)), LONGEST_WAIT)


def _asked_wait(text: str, *, at: datetime) -> timedelta:
    """Retry-After as RFC 9110 has it: seconds, or a date."""
    if text.isascii() and text.isdigit() and len(text) <= 9:
        return timedelta(seconds=int(text))
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return timedelta()
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - at


def _judge_endpoint(endpoint: Endpoint, sent: _Sent, *, at: datetime) -> None:
    """Switch an endpoint off that says it is gone, or has failed for days; one success clears the slate.

    Test messages are not asked: whoever tries out a receiver must not switch it off, nor whitewash it.
    """
    live = Endpoint.objects.filter(pk=endpoint.pk, disabled_at=None)
    if sent.is_taken:
        live.exclude(failing_since=None).update(failing_since=None)
    elif sent.status == GONE:
        switch_off(endpoint.pk, SAID_GONE, at=at, notice_due_at=at)
    elif not live.filter(failing_since=None).update(failing_since=at) and live.filter(
        failing_since__lte=at - GIVEN_UP_AFTER
    ):
        switch_off(endpoint.pk, FAILED_FOR_DAYS, at=at, notice_due_at=at)


def switch_off(endpoint_pk: int, reason: str, *, at: datetime, notice_due_at: datetime | None = None) -> bool:
    """Send nothing there any more; false if it was off already. What is on its way ends too, but a try that runs now
    may still succeed. `notice_due_at` is set where nobody wished it, so that staff are told.
    """
    with transaction.atomic():
        live = Endpoint.objects.filter(pk=endpoint_pk, disabled_at=None)
        if live.update(disabled_at=at, disabled_reason=reason, notice_due_at=notice_due_at) != 1:
            return False
        unleased = Q(leased_until=None) | Q(leased_until__lte=at)
        due = Delivery.objects.filter(unleased, endpoint=endpoint_pk, status=DeliveryStatus.DUE)
        due.update(**_ended(DeliveryStatus.ABANDONED, at=at))
        return True
