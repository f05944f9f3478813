"""A pretend Razorpay: the documented part of its API that we use, its checkout page, and its signed events."""

import base64
import hashlib
import hmac
import html
import json
import re
import secrets
import time
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from tests.gateways.fakes.server import Answered, Asked, FakeServer

KEY_ID, KEY_SECRET, EVENT_SECRET = "rzp_test_ours0000000001", "key-secret-ours", "event-secret-ours"
OTHER_ID, OTHER_SECRET, OTHER_EVENT_SECRET = "rzp_test_other000000001", "key-secret-other", "event-secret-other"
_ERRORS = {
    "error_code": None,
    "error_description": None,
    "error_source": None,
    "error_step": None,
    "error_reason": None,
}
DECLINE = {
    "error_code": "BAD_REQUEST_ERROR",
    "error_description": "Your payment could not be completed due to insufficient account balance.",
    "error_source": "customer",
    "error_step": "payment_authorization",
    "error_reason": "insufficient_funds",
}


class Refusal(Exception):
    """An error in Razorpay's shape."""

    def __init__(self, description: str, status: int = 400, **more: object) -> None:
        super().__init__(description)
        told = {"code": "BAD_REQUEST_ERROR", "description": description, "source": "NA", "step": "NA", "reason": "NA"}
        self.answer = Answered.of({"error": {**told, "metadata": {}, **more}}, status)


def sign(body: bytes, secret: str) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def _new_id(prefix: str) -> str:
    return f"{prefix}_{secrets.token_hex(7)}"


@dataclass
class Books:
    """What one account has."""

    secret: str
    event_secret: str
    orders: dict[str, dict] = field(default_factory=dict)
    payments: dict[str, dict] = field(default_factory=dict)
    refunds: dict[str, dict] = field(default_factory=dict)
    events: list[tuple[bytes, dict[str, str]]] = field(default_factory=list)


class FakeRazorpay(FakeServer):
    """`books` is the account of each key. Its customers act through `pay`, or through the checkout page."""

    def __init__(self) -> None:
        self.books = {KEY_ID: Books(KEY_SECRET, EVENT_SECRET), OTHER_ID: Books(OTHER_SECRET, OTHER_EVENT_SECRET)}
        self.keys: dict[str, tuple[bytes, dict]] = {}
        super().__init__()

    # --- HTTP ---

    def act(self, asked: Asked) -> Answered:
        try:
            if asked.path == "/v1/checkout/embedded":
                return self._checkout(asked.form)
            if asked.path == "/v1/checkout/decide":
                return self._decide(asked.form)
            return Answered.of(self._api(asked, self._account(asked)))
        except Refusal as refusal:
            return refusal.answer

    def _account(self, asked: Asked) -> Books:
        scheme, _, pair = asked.headers.get("authorization", "").partition(" ")
        key, _, secret = base64.b64decode(pair).decode().partition(":") if scheme == "Basic" else ("", "", "")
        books = self.books.get(key)
        if books is None or books.secret != secret:
            raise Refusal("Authentication failed", 401)
        return books

    def _api(self, asked: Asked, books: Books) -> dict:
        routes = {
            r"GET /v1/payments": lambda: _collection(books.payments.values(), asked),
            r"POST /v1/orders": lambda: self._create_order(books, asked.json),
            r"GET /v1/orders": lambda: _collection(_by_receipt(books.orders, asked), asked),
            r"GET /v1/orders/(\w+)": lambda order_id: _one(books.orders, order_id),
            r"GET /v1/orders/(\w+)/payments": lambda order_id: _collection(
                _of(books.payments, "order_id", _one(books.orders, order_id)["id"]), asked
            ),
            r"GET /v1/payments/(\w+)": lambda payment_id: _one(books.payments, payment_id),
            r"POST /v1/payments/(\w+)/capture": lambda payment_id: self._capture(books, payment_id, asked.json),
            r"POST /v1/payments/(\w+)/refund": lambda payment_id: self._refund(books, payment_id, asked),
            r"GET /v1/payments/(\w+)/refunds": lambda payment_id: _collection(
                _of(books.refunds, "payment_id", _one(books.payments, payment_id)["id"]), asked
            ),
        }
        for route, act in routes.items():
            found = re.fullmatch(route, f"{asked.method} {asked.path}")
            if found:
                return act(*found.groups())
        raise Refusal("The requested URL was not found on the server.", 404)

    # --- Orders and payments ---

    def _create_order(self, books: Books, told: dict) -> dict:
        invalid = {"source": "business", "step": "payment_initiation", "reason": "input_validation_failed"}
        if type(told.get("amount")) is not int or told["amount"] < 100:
            raise Refusal("Order amount less than minimum amount allowed", field="amount", **invalid)
        if len(told.get("receipt", "")) > 40:
            raise Refusal("The receipt may not be greater than 40 characters.", field="receipt", **invalid)
        order = {
            "id": _new_id("order"), "entity": "order", "amount": told["amount"], "amount_paid": 0,
            "amount_due": told["amount"], "currency": told["currency"], "receipt": told.get("receipt"),
            "status": "created", "attempts": 0, "notes": told.get("notes", []), "created_at": int(time.time()),
        }  # fmt: skip
        books.orders[order["id"]] = order
        self.captures = {**getattr(self, "captures", {}), order["id"]: told["payment"]["capture"]}
        return order

    def pay(self, order_id: str, *, amount: int = 0, key: str = KEY_ID, failing: bool = False, **over: object) -> dict:
        """A customer tries to pay: a payment that the bank says yes to, or no."""
        with self.lock:
            books = self.books[key]
            order = _one(books.orders, order_id)
            if order["status"] == "paid":
                raise Refusal("Order is already paid", reason="order_already_paid")
            payment = {
                "id": _new_id("pay"), "entity": "payment", "amount": amount or order["amount"],
                "currency": order["currency"], "status": "created", "order_id": order_id, "invoice_id": None,
                "international": False, "method": "upi", "amount_refunded": 0, "refund_status": None,
                "captured": False, "description": None, "card_id": None, "bank": None, "wallet": None,
                "vpa": "asha@okbank", "email": "asha@example.com", "contact": "+919999999999", "notes": [],
                "fee": None, "tax": None, **_ERRORS, "acquirer_data": {"rrn": "322206890934"},
                "created_at": int(time.time()), **over,
            }  # fmt: skip
            books.payments[payment["id"]] = payment
            order.update(status="attempted", attempts=order["attempts"] + 1)
            if failing:
                payment.update(status="failed", **DECLINE)
                self.tell(books, "payment.failed", payment=payment)
            else:
                self.authorize(payment, key=key)
            return payment

    def authorize(self, payment: dict, *, key: str = KEY_ID, late: bool = False) -> None:
        """The bank says yes, perhaps after Razorpay had given the payment up: then nobody captures it by itself."""
        books = self.books[key]
        payment.update(status="authorized", **_ERRORS)
        self.tell(books, "payment.authorized", payment=payment)
        if self.captures[payment["order_id"]] == "automatic" and not late:
            self._take(books, payment)

    def _take(self, books: Books, payment: dict) -> None:
        order = books.orders[payment["order_id"]]
        payment.update(status="captured", captured=True, fee=600, tax=92)
        order.update(status="paid", amount_paid=payment["amount"], amount_due=0)
        self.tell(books, "payment.captured", payment=payment)
        self.tell(books, "order.paid", payment=payment, order=order)

    def _capture(self, books: Books, payment_id: str, told: dict) -> dict:
        payment = _one(books.payments, payment_id)
        if payment["status"] != "authorized":
            raise Refusal("This payment has already been captured")
        if (told["amount"], told["currency"]) != (payment["amount"], payment["currency"]):
            raise Refusal("Capture amount must be equal to the amount authorized", field="amount")
        self._take(books, payment)
        return payment

    def let_go(self, payment: dict, *, key: str = KEY_ID) -> None:
        """Nobody captured it in time: it goes back to the customer."""
        payment.update(status="refunded", refund_status="full", amount_refunded=payment["amount"])

    # --- Refunds ---

    def _refund(self, books: Books, payment_id: str, asked: Asked) -> dict:
        key = asked.headers.get("x-refund-idempotency", "")
        if key in self.keys:
            body, refund = self.keys[key]
            if body != asked.body:
                raise Refusal("Different request with the same idempotency key has already been processed.")
            return refund
        payment, told = _one(books.payments, payment_id), asked.json
        if not payment["captured"]:
            raise Refusal("The payment status should be captured for action to be taken")
        if told["amount"] > payment["amount"] - payment["amount_refunded"]:
            raise Refusal("The total refund amount is greater than the refund payment amount")
        refund = {
            "id": _new_id("rfnd"), "entity": "refund", "amount": told["amount"], "currency": payment["currency"],
            "payment_id": payment_id, "notes": told.get("notes", []), "receipt": told.get("receipt"),
            "acquirer_data": {"arn": None}, "created_at": int(time.time()), "batch_id": None, "status": "processed",
            "speed_processed": "normal", "speed_requested": told.get("speed", "normal"),
        }  # fmt: skip
        payment["amount_refunded"] += told["amount"]
        is_whole = payment["amount_refunded"] == payment["amount"]
        payment.update(refund_status="full" if is_whole else "partial", status="refunded" if is_whole else "captured")
        books.refunds[refund["id"]] = refund
        if key:
            self.keys[key] = asked.body, refund
        for kind in ("refund.created", "refund.processed"):
            self.tell(books, kind, payment=payment, refund=refund)
        return refund

    # --- Events ---

    def tell(self, books: Books, kind: str, **entities: dict) -> None:
        """Write an event as it is now; whoever plays the network delivers it."""
        payload = {name: {"entity": dict(entity)} for name, entity in entities.items()}
        body = json.dumps({
            "entity": "event", "account_id": "acc_BFQ7uQEaa7j2z7", "event": kind, "contains": list(entities),
            "payload": payload, "created_at": int(time.time()),
        }).encode()  # fmt: skip
        books.events.append((body, signed(body, books.event_secret)))

    # --- The checkout page ---

    def _checkout(self, form: dict[str, str]) -> Answered:
        """Razorpay's hosted checkout: posted to, it shows what there is to pay; each button decides."""
        books = self.books.get(form.get("key_id", ""))
        if books is None or form.get("order_id") not in books.orders:
            return Answered.page("<h1>Payment failed</h1><p>The id provided does not exist</p>", 400)
        order = books.orders[form["order_id"]]
        hidden = "".join(
            f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">'
            for name, value in form.items()
        )
        buttons = "".join(f"<button name=decision value={word}>{word}</button>" for word in ("approve", "decline"))
        return Answered.page(
            f"<title>Razorpay</title><h1>{html.escape(form['name'])}</h1><p>{order['currency']} {order['amount']}</p>"
            f'<form method="post" action="{self.url}/v1/checkout/decide">{hidden}{buttons}</form>'
            f'<a href="{html.escape(form["cancel_url"])}">leave</a>'
        )

    def _decide(self, form: dict[str, str]) -> Answered:
        notes = {name[6:-1]: value for name, value in form.items() if name.startswith("notes[")} or []
        try:
            payment = self.pay(
                form["order_id"], key=form["key_id"], failing=form["decision"] == "decline",
                amount=int(form.get("pretend_amount", 0)), notes=notes,
            )  # fmt: skip
        except Refusal:
            return Answered.page("<h1>Payment failed</h1><p>Order is already paid</p>", 400)
        back = "".join(
            f'<input type="hidden" name="{name}" value="{html.escape(str(value))}">'
            for name, value in self.brings(payment, key=form["key_id"]).items()
        )
        url = html.escape(form["callback_url"])
        return Answered.page(f'<form method="post" action="{url}">{back}<button>Back to the shop</button></form>')

    def brings(self, payment: dict, *, key: str = KEY_ID) -> dict[str, str]:
        """What the page posts to the callback URL after a payment."""
        if payment["status"] == "failed":
            metadata = {"payment_id": payment["id"], "order_id": payment["order_id"]}
            told = {name[6:]: payment[name] for name in DECLINE}
            return {f"error[{name}]": value for name, value in told.items()} | {"error[metadata]": json.dumps(metadata)}
        signature = sign(f"{payment['order_id']}|{payment['id']}".encode(), self.books[key].secret)
        return {
            "razorpay_payment_id": payment["id"],
            "razorpay_order_id": payment["order_id"],
            "razorpay_signature": signature,
        }


def signed(body: bytes, secret: str) -> dict[str, str]:
    """Headers of an event."""
    return {
        "content-type": "application/json",
        "x-razorpay-signature": sign(body, secret),
        "x-razorpay-event-id": secrets.token_hex(7),
    }


def fields_of(page: str) -> tuple[str, dict[str, str]]:
    """The address and the hidden fields of a page's form."""
    action = html.unescape(re.search(r'action="([^"]+)"', page)[1])
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page)
    return action, {html.unescape(name): html.unescape(value) for name, value in found}


def query_of(url: str) -> dict[str, str]:
    return dict(parse_qsl(url.partition("?")[2]))


def _one(rows: dict[str, dict], row_id: str) -> dict:
    if row_id not in rows:
        raise Refusal("The id provided does not exist", source="business", reason="input_validation_failed")
    return rows[row_id]


def _of(rows: dict[str, dict], column: str, value: str) -> list[dict]:
    return [row for row in rows.values() if row[column] == value]


def _by_receipt(orders: dict[str, dict], asked: Asked) -> list[dict]:
    receipt = asked.query.get("receipt")
    return [order for order in orders.values() if receipt in (None, order["receipt"])]


def _collection(rows: object, asked: Asked) -> dict:
    """Newest first, ten unless asked for more."""
    count, skip = int(asked.query.get("count", 10)), int(asked.query.get("skip", 0))
    items = list(rows)[::-1][skip : skip + min(count, 100)]
    return {"entity": "collection", "count": len(items), "items": items}
