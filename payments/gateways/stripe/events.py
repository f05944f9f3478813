"""Stripe's server events: verified over their raw bytes, and read by what they are about."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from payments.gateways.base import Account, ForgedEvent, PaymentFact, RefundFact, ServerEvent, Standing, UnreadableEvent
from payments.gateways.stripe import words
from payments.gateways.values import wanted

SIGNATURE = "stripe-signature"
TOLERANCE_S = 300
_EVENT_ID = re.compile(r"evt_[A-Za-z0-9_]{1,96}")
Fact = PaymentFact | RefundFact | None


def parse(account: Account, body: bytes, headers: Mapping[str, str], *, at: datetime) -> ServerEvent:
    """Verify and read an event. Raises ForgedEvent, UnreadableEvent."""
    told = _verified(account, body, headers.get(SIGNATURE, ""), at=at)
    try:
        event_id, kind, about = told["id"], wanted(told, "type"), told["data"]["object"]
        # Of a connected account: it is signed by the same secret, and none of ours.
        read = None if told.get("account") else ABOUT.get(about["object"])
        fact = read(about, account) if read else None
        return ServerEvent(_checked(event_id), kind[:40], account.id, fact)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as fault:
        raise UnreadableEvent(f"The event cannot be read: {type(fault).__name__}.") from None


def _checked(event_id: str) -> str:
    if not _EVENT_ID.fullmatch(event_id):
        raise ValueError("no id of an event")
    return event_id


def _verified(account: Account, body: bytes, signature: str, *, at: datetime) -> dict[str, Any]:
    """An event signed by the account's secret, or by the one before. Raises ForgedEvent, UnreadableEvent."""
    import stripe

    sent = re.search(r"(?:^|,)t=([0-9]{1,12})(?:,|$)", signature)
    if sent is None or abs(at.timestamp() - int(sent[1])) > TOLERANCE_S:
        raise ForgedEvent("The signature has no time, or it is not of now.")
    for secret in account.event_secrets:
        try:
            event: dict[str, Any] = stripe.Webhook.construct_event(body, signature, secret, TOLERANCE_S).to_dict()
        except stripe.SignatureVerificationError:
            continue
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise UnreadableEvent("The event is no event of Stripe's.") from None
        else:
            return event
    raise ForgedEvent(f"The signature does not fit: {SIGNATURE} must sign the raw bytes.")


def _of_session(session: words.Object, account: Account) -> Fact:
    said = words.session_fact(session, account)
    return None if isinstance(said, Standing) else said


def _of_intent(intent: words.Object, account: Account) -> Fact:
    return words.intent_fact(intent, words.reference_in(account, intent))


def _of_refund(refund: words.Object, account: Account) -> Fact:
    return words.refund_fact(refund)


ABOUT: Mapping[str, Callable[[words.Object, Account], Fact]] = {
    "checkout.session": _of_session,
    "payment_intent": _of_intent,
    "charge": words.charge_fact,
    "refund": _of_refund,
}
