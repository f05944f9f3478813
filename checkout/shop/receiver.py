"""Where Patang takes Till's webhooks. It does what docs/receivers.md tells every shop to do."""

import base64
import hashlib
import hmac
import json
import logging
import sqlite3
import time
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from checkout.shop import inbox
from checkout.shop.client import DemoMissing, read_demo

TOLERANCE_S = 300
LONGEST = 100
log = logging.getLogger(__name__)


@csrf_exempt
@require_POST
def webhooks(request: HttpRequest) -> HttpResponse:
    """Take a webhook in: 204 when it is kept, 401 when it is not Till's, 503 when it should come again."""
    try:
        secret = read_demo().client_secret
    except DemoMissing:
        return HttpResponse(status=404)
    if not is_tills(request.body, request.headers, secret):
        return HttpResponse(status=401)
    message = _understand(request)
    if message is not None:
        try:
            inbox.keep(message)
        except sqlite3.Error as fault:
            log.warning("sample shop: a webhook could not be kept: %s", type(fault).__name__)
            return HttpResponse(status=503)
    return HttpResponse(status=204)


def is_tills(body: bytes, headers: Mapping[str, str], secret: str) -> bool:
    """Whether the signature is Till's, over these very bytes, and not older than five minutes."""
    sent = headers.get("webhook-timestamp", "")
    if not (sent.isascii() and sent.isdecimal() and abs(time.time() - int(sent[:12])) <= TOLERANCE_S):
        return False
    signed = f"{headers.get('webhook-id', '')}.{sent}.".encode() + body
    mac = hmac.new(secret.encode(), signed, hashlib.sha256).digest()
    right = b"v1," + base64.b64encode(mac)
    return any(hmac.compare_digest(right, each.encode()) for each in headers.get("webhook-signature", "").split())


def _understand(request: HttpRequest) -> inbox.Webhook | None:
    """What the shop wants of a message; None for one without an order, like a test message."""
    told = json.loads(request.body)
    order_id = _order_of(told)
    if not order_id:
        return None
    attempt = request.headers.get("x-webhook-attempt", "")
    return inbox.Webhook(
        id=request.headers["webhook-id"][:LONGEST],
        kind=str(told.get("type", ""))[:LONGEST],
        order_id=order_id[:LONGEST],
        attempt=int(attempt) if attempt.isascii() and attempt.isdecimal() and len(attempt) < 4 else 1,
        arrived_at=timezone.now(),
    )


def _order_of(told: Any) -> str:
    till = told.get("till") if isinstance(told, dict) else None
    order_id = till.get("order_id") if isinstance(till, dict) else None
    return order_id if isinstance(order_id, str) else ""
