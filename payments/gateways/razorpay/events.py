"""Razorpay's server events, verified over their raw bytes."""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from typing import Any

from payments.gateways.base import Account, ForgedEvent, PaymentFact, RefundFact, ServerEvent, UnreadableEvent
from payments.gateways.razorpay import words
from payments.gateways.values import word

SIGNATURE, EVENT_ID = "x-razorpay-signature", "x-razorpay-event-id"


def signature_of(message: bytes, secret: str) -> str:
    """HMAC-SHA-256 in hex: of an event's body by the event secret, of `order|payment` by the key's."""
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def fits(message: bytes, signature: str, secret: str) -> bool:
    return hmac.compare_digest(signature_of(message, secret).encode(), signature.encode("utf-8", "replace"))


def parse(account: Account, body: bytes, headers: Mapping[str, str]) -> ServerEvent:
    """Verify and read an event. Raises ForgedEvent, UnreadableEvent."""
    signature = headers.get(SIGNATURE, "")
    if not signature or not any(fits(body, signature, secret) for secret in account.event_secrets):
        raise ForgedEvent(f"The signature does not fit: {SIGNATURE} must sign the raw bytes by this account's secret.")
    try:
        told = json.loads(body)
        kind = word(told, "event")
        payload = told["payload"]
        fact = _fact(kind, payload)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as fault:
        raise UnreadableEvent(f"The event cannot be read: {type(fault).__name__}.") from None
    if not kind:
        raise UnreadableEvent("The event has no kind.")
    return ServerEvent(_event_id(body, headers), kind[:40], None, fact)


def _event_id(body: bytes, headers: Mapping[str, str]) -> str:
    """Its own id; the header that has it is not signed, so an odd one counts for nothing."""
    told = headers.get(EVENT_ID, "")
    return told if re.fullmatch(r"[A-Za-z0-9_-]{1,100}", told) else f"sha256-{hashlib.sha256(body).hexdigest()}"


def _fact(kind: str, payload: Mapping[str, Any]) -> PaymentFact | RefundFact | None:
    """What it tells, as it was when the event was made: facts come in any order."""
    if kind.startswith("refund."):
        refund = payload["refund"]["entity"]
        receipt = word(refund, "receipt")
        return words.refund_fact_of(refund, receipt) if receipt else None
    if "payment" not in payload:
        return None
    return words.fact_of(payload["payment"]["entity"], key="")
