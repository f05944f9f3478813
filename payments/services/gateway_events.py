"""Server events of gateways: verified, stored once, and applied through the one door for facts."""

from collections.abc import Mapping
from datetime import datetime

from django.db import IntegrityError, transaction

from payments import faults
from payments.gateways.base import PaymentFact, RefundFact, ServerEvent
from payments.gateways.registry import gateway_named
from payments.models import GatewayEvent, Payment, Refund
from payments.services.facts import apply_gateway_fact
from payments.services.refunds import apply_refund_fact


def receive_event(gateway: str, body: bytes, headers: Mapping[str, str], *, at: datetime) -> GatewayEvent | None:
    """Take a server event in; None if we had it already. Event and effect are one transaction: both or neither.

    An event that fits no payment of ours is kept without one. Raises ForgedEvent, UnreadableEvent, NotSupported, and
    KeyError for a gateway nobody registered.
    """
    event = gateway_named(gateway).parse_event(body, headers, at=at)
    refund = _find_refund(gateway, event)
    payment = refund.payment if refund else _find_payment(gateway, event)
    with transaction.atomic():
        try:
            with transaction.atomic():
                row = GatewayEvent.objects.create(
                    gateway=gateway,
                    event_id=event.event_id,
                    kind=event.kind,
                    payment=payment,
                    body=body.decode("utf-8", "replace").replace("\x00", ""),
                    received_at=at,
                )
        except IntegrityError:
            return None
        if refund is not None and isinstance(event.fact, RefundFact):
            apply_refund_fact(refund, event.fact, cause="gateway event", at=at)
        elif payment is not None and isinstance(event.fact, PaymentFact):
            apply_gateway_fact(payment, event.fact, cause="gateway event", at=at)
        faults.point("event.before_commit")
    faults.point("event.after_commit")
    return row


def _find_refund(gateway: str, event: ServerEvent) -> Refund | None:
    if not isinstance(event.fact, RefundFact):
        return None
    mine = Refund.objects.select_related("payment").filter(payment__gateway=gateway)
    return mine.filter(payment__account_id=event.account_id, gateway_key=event.fact.key).first()


def _find_payment(gateway: str, event: ServerEvent) -> Payment | None:
    """By the gateway's own id first, then by our reference."""
    if not isinstance(event.fact, PaymentFact):
        return None
    mine = Payment.objects.filter(gateway=gateway, account_id=event.account_id)
    by_id = mine.filter(gateway_payment_id=event.fact.gateway_payment_id) if event.fact.gateway_payment_id else None
    found = by_id.first() if by_id is not None else None
    return found or mine.filter(gateway_key=event.fact.key).first()
