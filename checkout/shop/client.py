"""How Patang talks to Till: two calls over HTTP, as any merchant's server makes them.

The shop runs in the very server it calls. So it may hold at most half of that server's threads while it waits,
and it never waits longer than TIMEOUT_S: a shop full of visitors must leave threads for Till's own answers.
"""

import json
import re
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import urllib3
from django.conf import settings

SERVICE = "payment.v1.PaymentService"
TIMEOUT_S = 10.0
SLOT_WAIT_S = 0.1
ANSWER_LIMIT = 65_536
SESSION_ID = re.compile(r"[A-Za-z0-9_-]{1,200}")

_slots = threading.BoundedSemaphore(max(1, settings.WEB_THREADS // 2))


class ShopError(Exception):
    """Root of what can stop the shop from selling."""


class DemoMissing(ShopError):
    """There is no demo merchant on this installation, so there is no shop."""


class ShopBusy(ShopError):
    """Every thread the shop may hold is waiting for Till already."""


class TillUnavailable(ShopError):
    """Till did not answer in time, or not with anything the shop understands. What it did is not known."""


class TillRefused(ShopError):
    """Till said no. `code` is the Connect error code, `message` is Till's sentence."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = code


@dataclass(frozen=True, slots=True)
class Demo:
    """The demo merchant's way in. The secret stays out of reprs, and so out of logs and reports."""

    base_url: str
    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class NewOrder:
    """What Patang tells Till about an order."""

    order_id: str
    total_minor: int
    note: str
    customer_name: str
    customer_email: str
    customer_phone: str


def read_demo() -> Demo:
    """Read the credentials afresh, so that a new demo merchant counts from the next page on."""
    if settings.HTTPS:
        raise DemoMissing
    try:
        raw = json.loads(Path(settings.DEMO_FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DemoMissing from None
    return Demo(raw["base_url"].rstrip("/"), raw["client_id"], raw["client_secret"])


def create_order(demo: Demo, order: NewOrder) -> str:
    """Make the order at Till and return its payment session id, which keys the page the buyer pays on."""
    fields = {
        "customer_name": order.customer_name,
        "customer_email": order.customer_email,
        "customer_phone": order.customer_phone,
        "order_id": order.order_id,
        "order_note": order.note,
        "return_url": f"{demo.base_url}/shop/return",
    }
    answer = _call(demo, "CreateOrder", _with_amount(fields, order.total_minor))
    session_id = answer.get("payment_session_id")
    # The id becomes part of an address that the browser is sent to: only plain characters may get there.
    if not isinstance(session_id, str) or not SESSION_ID.fullmatch(session_id):
        raise TillUnavailable("CreateOrder answered without a usable payment_session_id")
    return session_id


def verify_payment(demo: Demo, order_id: str) -> dict[str, object]:
    """Ask Till how the order stands; the answer is Till's own, whole."""
    return _call(demo, "VerifyPayment", json.dumps({"order_id": order_id}).encode())


def pay_url(demo: Demo, session_id: str) -> str:
    """The address of the hosted page of a payment session."""
    return f"{demo.base_url}/checkout/{session_id}"


def _with_amount(fields: dict[str, str], amount_minor: int) -> bytes:
    """Write a JSON object with the amount as a number of rupees.

    The digits are written from the integer: json.dumps could print such a number only from a float.
    """
    number = f"{amount_minor // 100}.{amount_minor % 100:02d}"
    return f'{{"order_amount": {number}, {json.dumps(fields)[1:]}'.encode()


def _call(demo: Demo, method: str, body: bytes) -> dict[str, object]:
    if not _slots.acquire(timeout=SLOT_WAIT_S):
        raise ShopBusy(method)
    try:
        status, raw = _post(demo, method, body)
    except urllib3.exceptions.HTTPError as error:
        raise TillUnavailable(f"{method}: {type(error).__name__}") from error
    finally:
        _slots.release()
    return _understand(method, status, raw)


def _post(demo: Demo, method: str, body: bytes) -> tuple[int, bytes]:
    """Post once, on a connection of its own: a kept one may be closed just as it is used, and nothing is retried."""
    deadline = time.monotonic() + TIMEOUT_S
    with urllib3.PoolManager() as pool:
        response = pool.request(
            "POST",
            f"{demo.base_url}/{SERVICE}/{method}",
            body=body,
            headers={
                "content-type": "application/json",
                "connection": "close",
                "x-client-id": demo.client_id,
                "x-client-secret": demo.client_secret,
            },
            timeout=urllib3.Timeout(total=TIMEOUT_S),
            retries=False,
            redirect=False,
            preload_content=False,
        )
        try:
            raw = b""
            while chunk := response.read1(ANSWER_LIMIT):
                raw += chunk
                if len(raw) > ANSWER_LIMIT or time.monotonic() > deadline:
                    raise TillUnavailable(f"{method}: the answer is too long or too slow")
            return response.status, raw
        finally:
            response.close()


def _understand(method: str, status: int, raw: bytes) -> dict[str, object]:
    """Read an answer: a JSON object is a yes with 200 and a Connect error with any 4xx; the rest says nothing."""
    try:
        answer = json.loads(raw)
    except ValueError:
        answer = None
    if isinstance(answer, dict):
        if status == 200:
            return answer
        message, code = answer.get("message"), answer.get("code")
        # 429 is no refusal of this order: Till asks for patience, and so does the shop.
        if 400 <= status < 500 and status != 429 and isinstance(message, str) and isinstance(code, str):
            raise TillRefused(message, code)
    raise TillUnavailable(f"{method}: HTTP {status}")
