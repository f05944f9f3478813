"""Signatures of webhooks in both schemes: Standard Webhooks (standardwebhooks.com), and the wire's own."""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime


def standard_secret(client_secret: str) -> str:
    """The client secret in the form that libraries for Standard Webhooks take."""
    return "whsec_" + base64.b64encode(client_secret.encode()).decode()


def headers(body: bytes, *, message_id: str, secrets: Sequence[str], attempt: int, at: datetime) -> dict[str, str]:
    """All headers of one sending. While keys rotate, `secrets` has two, the newest first: Standard Webhooks carries a
    signature of each, the wire's header has room for the newest alone.
    """
    seconds, milliseconds = str(int(at.timestamp())), str(int(at.timestamp() * 1000))
    return {
        "content-type": "application/json",
        "user-agent": "Till",
        "webhook-id": message_id,
        "webhook-timestamp": seconds,
        "webhook-signature": " ".join(f"v1,{standard(body, message_id, seconds, secret)}" for secret in secrets),
        "x-webhook-timestamp": milliseconds,
        "x-webhook-signature": wire(body, milliseconds, secrets[0]),
        "x-webhook-version": "2025-01-01",
        "x-webhook-attempt": str(attempt),
        "x-idempotency-key": message_id,
    }


def standard(body: bytes, message_id: str, timestamp_s: str, secret: str) -> str:
    """Standard Webhooks: HMAC-SHA-256 over id, seconds and raw body, joined by dots; base64."""
    return _mac(secret, f"{message_id}.{timestamp_s}.".encode() + body)


def wire(body: bytes, timestamp_ms: str, secret: str) -> str:
    """The wire's: HMAC-SHA-256 over milliseconds and raw body, nothing between; base64."""
    return _mac(secret, timestamp_ms.encode() + body)


def _mac(secret: str, signed: bytes) -> str:
    return base64.b64encode(hmac.new(secret.encode(), signed, hashlib.sha256).digest()).decode()
