"""Server events of gateways: verified, stored once, and applied through the one door for facts."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from django.db import IntegrityError, transaction

from payments import faults
from payments.gateways.base import Account, NotSupported, PaymentFact, RefundFact, ServerEvent
from payments.gateways.registry import gateway_named
from payments.models import GatewayAccount, GatewayEvent, Payment, Refund
from payments.services.calls import values_of
from payments.services.facts import apply_gateway_fact
from payments.services.refunds import apply_refund_fact
from payments.states import Mode


def receive_event(
    gateway: str, body: bytes, headers: Mapping[str, str], *, at: datetime, account_pk: int | None = None
) -> GatewayEvent | None:
    """Take a server event in; None if we had it already at this address.

    Event and effect are one transaction: both or neither.

    `account_pk` is the account at whose address it arrived; None for the one address of a gateway that has no more.
    An event that fits no payment of ours is kept without one. Raises ForgedEvent, UnreadableEvent, NotSupported, and
    KeyError for a gateway nobody registered.
    """
    event = _read_event(gateway, body, headers, at=at, account_pk=account_pk)
    refund = _find_refund(gateway, event)
    payment = refund.payment if refund else _find_payment(gateway, event)
    fact = event.fact
    if payment is not None and isinstance(fact, PaymentFact) and not fact.key:
        fact = replace(fact, key=payment.gateway_key)  # a gateway that names its own ids alone
    with transaction.atomic():
        try:
            with transaction.atomic():
                row = GatewayEvent.objects.create(
                    gateway=gateway,
                    account_id=account_pk,
                    event_id=event.event_id,
                    kind=event.kind,
                    payment=payment,
                    body=body.decode("utf-8", "replace").replace("\x00", ""),
                    received_at=at,
                )
        except IntegrityError:
            return None
        if refund is not None and isinstance(fact, RefundFact):
            apply_refund_fact(refund, fact, cause="gateway event", at=at)
        elif payment is not None and isinstance(fact, PaymentFact):
            apply_gateway_fact(payment, fact, cause="gateway event", at=at)
        faults.point("event.before_commit")
    faults.point("event.after_commit")
    return row


def _read_event(
    gateway: str, body: bytes, headers: Mapping[str, str], *, at: datetime, account_pk: int | None
) -> ServerEvent:
    """Verify and read an event. Whatever it says, it is about the account at whose address it arrived."""
    reader = gateway_named(gateway)
    if reader.has_one_event_address is not (account_pk is None):
        raise NotSupported(f"{gateway} sends no events to this address.")
    if account_pk is None:
        return reader.parse_event(Account(id=0, mode=Mode.TEST), body, headers, at=at)
    account = GatewayAccount.objects.filter(pk=account_pk, gateway=gateway).first()
    if account is None:
        raise NotSupported(f"{gateway} has no such account here.")
    event = reader.parse_event(values_of(account), body, headers, at=at)
    return replace(event, account_id=account.pk)


def _find_refund(gateway: str, event: ServerEvent) -> Refund | None:
    if not isinstance(event.fact, RefundFact):
        return None
    mine = Refund.objects.select_related("payment").filter(payment__gateway=gateway)
    return mine.filter(payment__account_id=event.account_id, gateway_key=event.fact.key).first()


def _find_payment(gateway: str, event: ServerEvent) -> Payment | None:
    """By the gateway's own id first, then by our reference, then the newest attempt on the gateway's order."""
    fact = event.fact
    if not isinstance(fact, PaymentFact):
        return None
    mine = Payment.objects.filter(gateway=gateway, account_id=event.account_id)
    by_id = mine.filter(gateway_payment_id=fact.gateway_payment_id) if fact.gateway_payment_id else None
    found = by_id.first() if by_id is not None else None
    found = found or (mine.filter(gateway_key=fact.key).first() if fact.key else None)
    if found is None and fact.gateway_order_id:
        found = Payment.objects.on_gateway_order(gateway, event.account_id, fact.gateway_order_id).first()
    return found
