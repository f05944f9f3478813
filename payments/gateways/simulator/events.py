"""The simulator's server events: signed and posted from its outbox, and read again at our door."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import urllib3
from django.utils.crypto import constant_time_compare, salted_hmac

from payments import clock, faults
from payments.gateways.base import ForgedEvent, PaymentFact, RefundFact, ServerEvent, UnreadableEvent
from payments.gateways.simulator import book
from payments.gateways.simulator.models import SimulatedEvent, SimulatedPayment, SimulatedRefund
from payments.gateways.values import wanted, whole, word
from payments.money import Money
from payments.states import PaymentStatus, RefundStatus

SIGNATURE = "x-simulator-signature"
TOLERANCE = timedelta(minutes=5)
"""Between the signature's time and ours; an older one is a replay."""
LEASE = timedelta(seconds=60)
EVENTS_A_ROUND = 8
"""If our own door hangs, these few hold the worker up, and not a hundred."""
BACK_OFF = tuple(timedelta(seconds=s) for s in (2, 10, 60, 300, 1800, 3600))
_http = urllib3.PoolManager(maxsize=8, timeout=urllib3.Timeout(connect=2, read=5), retries=False)


def sign(body: bytes, *, at: datetime) -> str:
    """The signature header of a body sent now: HMAC-SHA-256 over the time and the raw bytes."""
    sent = str(int(at.timestamp()))
    return f"t={sent},v1={_mac(sent, body)}"


def _mac(sent: str, body: bytes) -> str:
    return salted_hmac("till.simulator.events", sent.encode() + b"." + body, algorithm="sha256").hexdigest()


def parse(body: bytes, headers: Mapping[str, str], *, at: datetime) -> ServerEvent:
    """Verify and read an event. Raises ForgedEvent, UnreadableEvent."""
    found = re.fullmatch(r"t=([0-9]{1,12}),v1=([0-9a-f]{64})", headers.get(SIGNATURE, ""))
    if found is None or not constant_time_compare(_mac(found[1], body), found[2]):
        raise ForgedEvent(f"The signature does not fit: {SIGNATURE} must sign the raw bytes.")
    if abs(at.timestamp() - int(found[1])) > TOLERANCE.total_seconds():
        raise ForgedEvent("The signature is too old: sign each sending anew.")
    try:
        told = json.loads(body)
        return ServerEvent(
            event_id=wanted(told, "id")[:100],
            kind=wanted(told, "type")[:40],
            account_id=whole(told, "account"),
            fact=_refund_fact(told["refund"]) if "refund" in told else _fact(told["payment"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as fault:
        raise UnreadableEvent(f"The event cannot be read: {type(fault).__name__}.") from None


def _fact(told: Mapping[str, Any]) -> PaymentFact:
    known = told["status"] in set(PaymentStatus)
    details = told.get("method_details", {})
    return PaymentFact(
        status=PaymentStatus(told["status"]) if known else PaymentStatus.PENDING,
        key=wanted(told, "reference"),
        amount=Money(whole(told, "amount_minor"), wanted(told, "currency")) if "amount_minor" in told else None,
        gateway_payment_id=wanted(told, "id"),
        bank_reference=word(told, "bank_reference"),
        auth_id=word(told, "auth_id"),
        payment_group=word(told, "group"),
        method_details={name: word(details, name) for name in details},
        declined=bool(told.get("declined", False)),
        error_code=word(told, "error_code"),
        message=word(told, "message"),
        approve_by=_moment(told["approve_by"]) if "approve_by" in told else None,
        happened_at=_moment(told["happened_at"]),
    )


def _refund_fact(told: Mapping[str, Any]) -> RefundFact:
    known = told["status"] in set(RefundStatus)
    return RefundFact(
        status=RefundStatus(told["status"]) if known else RefundStatus.PENDING,
        key=wanted(told, "reference"),
        amount=Money(whole(told, "amount_minor"), wanted(told, "currency")),
        gateway_refund_id=wanted(told, "id"),
        happened_at=_moment(told["happened_at"]),
    )


def _moment(text: str) -> datetime:
    """A time with its zone. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("no time zone")
    return moment


# --- What the worker does for the simulator ---


def due_jobs(*, at: datetime, at_most: int) -> Iterator[tuple[str, int]]:
    """What the simulator does by itself: payments it decides now, then events to send, oldest first."""
    decided = SimulatedPayment.objects.filter(status=SimulatedPayment.OPEN, decide_at__lte=at)
    for pk in decided.order_by("decide_at").values_list("pk", flat=True)[:at_most]:
        yield "simulator_payment", pk
    returned = SimulatedRefund.objects.filter(return_at__lte=at)
    for pk in returned.order_by("return_at").values_list("pk", flat=True)[:at_most]:
        yield "simulator_refund", pk
    sent = SimulatedEvent.objects.filter(due_at__lte=at)
    for pk in sent.order_by("due_at", "pk").values_list("pk", flat=True)[: min(at_most, EVENTS_A_ROUND)]:
        yield "simulator_event", pk


def take_late(payment_pk: int, *, at: datetime) -> None:
    """Take the money of a payment whose time to surprise us has come."""
    row = SimulatedPayment.objects.get(pk=payment_pk)
    if row.decide_at and row.decide_at <= at:
        book.approve(row, at=at)


def return_refund(refund_pk: int, *, at: datetime) -> None:
    """Let the bank send a refund back that it had taken."""
    refund = SimulatedRefund.objects.select_related("payment").get(pk=refund_pk)
    if refund.return_at and refund.return_at <= at:
        book.end_refund(refund, SimulatedRefund.DONE, SimulatedRefund.FAILED, at=at)


def send(event_pk: int, *, at: datetime) -> bool:
    """Post one event if it is ours to send now; say whether it was taken. Sent again later where it was not."""
    claim = SimulatedEvent.objects.filter(pk=event_pk, due_at__lte=at)
    if claim.update(due_at=at + LEASE) != 1:
        return False
    event = SimulatedEvent.objects.select_related("payment").get(pk=event_pk)
    times = 2 if event.payment.fault == "duplicate_event" else 1
    answers = [_post(event) for _ in range(times)]
    faults.point("simulator.after_send")
    if all(answers):
        SimulatedEvent.objects.filter(pk=event_pk).update(sent_at=clock.now(), due_at=None, tries=event.tries + 1)
        return True
    wait = BACK_OFF[event.tries] if event.tries < len(BACK_OFF) else None
    again = clock.now() + wait if wait else None
    SimulatedEvent.objects.filter(pk=event_pk).update(due_at=again, tries=event.tries + 1)
    return False


def _post(event: SimulatedEvent) -> bool:
    body = event.body.encode()
    headers = {"content-type": "application/json", SIGNATURE: sign(body, at=clock.now())}
    try:
        answer = _http.request("POST", event.payment.event_url, body=body, headers=headers)
    except urllib3.exceptions.HTTPError:
        return False
    return 200 <= answer.status < 300
