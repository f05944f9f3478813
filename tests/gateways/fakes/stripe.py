"""A Stripe of our own: the documented REST surface that the adapter uses, over real HTTP, with its own book.

It keeps what its customers did and sent whom what; a test may have it fail in scripted ways, before or after it acted.
"""

import hmac
import itertools
import json
import re
from contextlib import contextmanager
from dataclasses import replace
from urllib.parse import parse_qsl

import stripe as client

from payments import clock
from tests.gateways.fakes.server import PATIENCE_S, Answered, FakeServer, Fault

VERSIONED, MINUTE = "stripe-version", 60
THREE_DECIMALS = {"bhd", "jod", "kwd", "omr", "tnd"}
HUNDREDTHS = {"isk", "ugx"}
MINIMA = {"usd": 50, "inr": 50, "eur": 50, "gbp": 30, "jpy": 50}
NEEDED = ("mode", "line_items", "success_url", "client_reference_id")
KNOWN = {
    *NEEDED, "cancel_url", "expires_at", "metadata", "payment_intent_data", "payment_method_types",
    "adaptive_pricing", "customer_email", "expand",
}  # fmt: skip
FILTERS = {
    "checkout/sessions": ["payment_intent"], "payment_intents": [], "refunds": ["payment_intent"], "events": ["type"],
}  # fmt: skip
BROKEN = 500, {"error": {"type": "api_error", "message": "Something went wrong on Stripe's end."}}
FAULTS = {
    "timeout": ["before"],
    "timeout_after": ["after"],
    "reset": ["reset"],
    "reset_after": ["reset_after"],
    "error": ["error_before"],
    "error_after": ["error"],
    "timeout_drip": ["drip"],
    "flood": ["flood"],
    "nonsense": ["nonsense"],
    "busy": ["answer", Answered.of({"error": {"type": "invalid_request_error", "code": "rate_limit"}}, 429)],
    "down": ["answer", Answered.of({"error": {"type": "api_error", "message": "Down."}}, 503)],
}
"""What a test may have go wrong. Errors of Stripe's own server are kept and repeated, those of its doors are not."""
PERMISSIONS = {"checkout": "checkout_session", "payment_intents": "payment_intent", "refunds": "charge"}


class Refusal(Exception):
    """An error as Stripe words it. One of validation comes before the idempotency layer: it is not kept."""

    def __init__(self, status, code, message, *, kind="invalid_request_error", is_kept=False, **more):
        super().__init__(message)
        self.status, self.is_kept = status, is_kept
        self.body = {"error": {"type": kind, "code": code, "message": message, **more}}


def _now():
    return int(clock.now().timestamp())


def form_of(text):
    """Form fields with brackets as nested values: `a[b]=1` is {"a": {"b": "1"}}, `a[0]=1` and `a[]=1` lists."""
    nested = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        path = re.findall(r"[^\[\]]+|\[\]", name)
        place = nested
        for step in path[:-1]:
            place = place.setdefault(step, {})
        place[len(place) if path[-1] == "[]" else path[-1]] = value
    return _listed(nested)


def _listed(value):
    if not isinstance(value, dict):
        return value
    if value and all(str(name).isdigit() for name in value):
        return [_listed(value[name]) for name in sorted(value, key=int)]
    return {name: _listed(inner) for name, inner in value.items()}


class FakeStripe(FakeServer):
    """One account in one mode. `secret_key` may do everything; `grant` makes restricted keys."""

    def __init__(self, mode="test"):
        self.livemode = mode == "live"
        self.secret_key = f"sk_{mode}_" + "a" * 24
        self.event_secret = "whsec_" + "b" * 32
        self.keys = {self.secret_key: None}
        self.strangers_key = f"sk_{mode}_" + "s" * 24
        self.sessions, self.intents, self.charges, self.refunds, self.events = {}, {}, {}, {}, []
        self.kept, self.refund_ends, self.page_size = {}, "succeeded", 100
        self._numbers = itertools.count(1)
        self._writes = {
            ("checkout/sessions", "create"): self._create_session,
            ("checkout/sessions", "expire"): self._expire_session,
            ("payment_intents", "capture"): self._capture,
            ("payment_intents", "cancel"): self._cancel,
            ("refunds", "create"): self._create_refund,
        }
        super().__init__()

    # --- What a test reads and does ---

    def fail(self, how, on, *, times=1):
        """The next requests like `POST /v1/refunds` (a pattern) end in this way."""
        if how.startswith("timeout"):
            self.hurry()
        method, path = on.split()
        self.faults += [Fault(method, f"^{path}$", *FAULTS.get(how, [how]))] * times

    def hurry(self):
        """Called before an answer is held back: whoever asks need not wait long."""

    def made(self, method, path):
        """What came with the requests to addresses like this."""
        asked = [one for one in self.asked if one.method == method and re.fullmatch(path, one.path)]
        return [form_of(one.body.decode() or one.query_text) for one in asked]

    @property
    def credentials(self):
        return {"secret_key": self.secret_key, "event_secret": self.event_secret}

    def grant(self, *resources):
        """A restricted key that may use these resources only."""
        key = self.secret_key.replace("sk_", "rk_") + "".join(resources)
        self.keys[key] = frozenset(resources)
        return key

    def session_for(self, key):
        """The one session with our reference."""
        (session,) = [s for s in self.sessions.values() if s["client_reference_id"] == key]
        return session

    def intent_for(self, key):
        """The intent of the one session with our reference."""
        return self.intents[self.session_for(key)["payment_intent"]]

    def taken(self, key):
        """What is in this account's book for our reference: units captured less units given back."""
        intents = [i for i in self.intents.values() if i["metadata"].get("till_payment") == key]
        given = [r["amount"] for r in self.refunds.values() if r["status"] not in ("failed", "canceled")
                 and r["payment_intent"] in {i["id"] for i in intents}]  # fmt: skip
        return sum(intent["amount_received"] for intent in intents) - sum(given)

    def approve(self, session_id, *, late=False, status="", units=0):
        """The customer pays, perhaps other `units` than were asked for; whether he could.

        `late` lets it happen although the session expired; `status` leaves the intent there.
        """
        session = self.sessions[session_id]
        self._lapse(session)
        if session["status"] != "open" and not late:
            return False
        intent = self._intent_of(session)
        intent["amount"] = session["amount_total"] = units or intent["amount"]
        intent.update(last_payment_error=None, latest_charge=self._charge(intent)["id"])
        held = intent["capture_method"] == "manual"
        intent["status"] = status or ("requires_capture" if held else "succeeded")
        if intent["status"] == "succeeded":
            intent["amount_received"] = intent["amount"]
            self._charge_of(intent).update(captured=True, amount_captured=intent["amount"])
        elif intent["status"] == "requires_capture":
            intent["amount_capturable"] = intent["amount"]
        if not late:
            session["status"] = "complete"
        session["payment_status"] = "paid" if intent["status"] == "succeeded" else "unpaid"
        if intent["status"] in ("succeeded", "requires_capture"):
            self.tell("charge.succeeded", self._charge_of(intent))
        told = {"succeeded": "succeeded", "requires_capture": "amount_capturable_updated"}
        self.tell(f"payment_intent.{told.get(intent['status'], 'processing')}", intent)
        if not late:
            self.tell("checkout.session.completed", session)
        return True

    def decline(self, session_id, code="insufficient_funds"):
        """The bank says no; the session stays open for another try."""
        session = self.sessions[session_id]
        intent = self._intent_of(session)
        error = {"type": "card_error", "code": "card_declined", "decline_code": code, "message": "Your card…"}
        intent.update(status="requires_payment_method", last_payment_error=error)
        self.tell("payment_intent.payment_failed", intent)

    def end_refund(self, refund_id, status, **more):
        """What becomes of a refund later."""
        self.refunds[refund_id].update(status=status, **more)
        self.tell("refund.failed" if status == "failed" else "refund.updated", self.refunds[refund_id])

    def lapse_hold(self, intent_id):
        """The bank lets held money go because its time is up."""
        self.intents[intent_id].update(status="canceled", amount_capturable=0, cancellation_reason="automatic")
        self.tell("payment_intent.canceled", self.intents[intent_id])

    def tell(self, kind, about, **more):
        """Write an event, as the object is now."""
        event = {
            "id": self._id("evt"), "object": "event", "type": kind, "livemode": self.livemode, "created": _now(),
            "api_version": client.api_version, "data": {"object": json.loads(json.dumps(about))}, **more,
        }  # fmt: skip
        self.events.append(event)
        return event

    def signed(self, event, **over):
        """An event's raw bytes and headers, as Stripe posts them."""
        body = json.dumps(event, indent=2).encode()
        return body, self.headers(body, **over)

    def headers(self, body, *, secret=None, at=None):
        """The signature of raw bytes, after the scheme that Stripe documents."""
        sent = str(int((at or clock.now()).timestamp()))
        mac = hmac.new((secret or self.event_secret).encode(), sent.encode() + b"." + body, "sha256").hexdigest()
        return {"stripe-signature": f"t={sent},v1={mac}"}

    # --- The book ---

    def _id(self, kind):
        return f"{kind}_{'live' if self.livemode else 'test'}_{next(self._numbers):024d}"

    def _intent_of(self, session):
        if session["payment_intent"]:
            return self.intents[session["payment_intent"]]
        data = session["_intent_data"]
        intent = {
            "id": self._id("pi"), "object": "payment_intent", "livemode": self.livemode, "created": _now(),
            "amount": session["amount_total"], "currency": session["currency"], "amount_received": 0,
            "amount_capturable": 0, "capture_method": data.get("capture_method", "automatic"),
            "metadata": data.get("metadata", {}), "status": "requires_payment_method", "latest_charge": None,
            "last_payment_error": None, "cancellation_reason": None,
        }  # fmt: skip
        self.intents[intent["id"]] = intent
        session["payment_intent"] = intent["id"]
        return intent

    def _charge(self, intent):
        card = {
            "brand": "visa", "last4": "4242", "funding": "credit", "authorization_code": "123456",
            "capture_before": _now() + 7 * 24 * 60 * MINUTE if intent["capture_method"] == "manual" else None,
        }  # fmt: skip
        charge = {
            "id": self._id("ch"), "object": "charge", "created": _now(), "livemode": self.livemode,
            "amount": intent["amount"], "currency": intent["currency"], "payment_intent": intent["id"],
            "payment_method_details": {"type": "card", "card": card}, "metadata": dict(intent["metadata"]),
            "status": "succeeded", "captured": False, "amount_captured": 0, "refunded": False,
        }  # fmt: skip
        self.charges[charge["id"]] = charge
        return charge

    def _charge_of(self, intent):
        return self.charges[intent["latest_charge"]]

    def _lapse(self, session):
        if session["status"] == "open" and session["expires_at"] <= _now():
            self._expire(session)

    def _expire(self, session):
        session.update(status="expired", url=None)
        intent = self.intents.get(session["payment_intent"])
        if intent and intent["status"] not in ("succeeded", "requires_capture", "processing"):
            intent.update(status="canceled", cancellation_reason="automatic")
            self.tell("payment_intent.canceled", intent)
        self.tell("checkout.session.expired", session)

    def _shown(self, thing, expand=()):
        """An object as it is answered: ids, or what stands behind them where that was asked for."""
        shown = {name: value for name, value in thing.items() if not name.startswith("_")}
        for path in expand:
            name, _, rest = path.partition(".")
            book = {"payment_intent": self.intents, "latest_charge": self.charges}[name]
            behind = book.get(thing[name])
            shown[name] = self._shown(behind, [rest] if rest else []) if behind else None
        return shown

    # --- The door ---

    def act(self, asked):
        form = form_of(asked.body.decode() or asked.query_text)
        if asked.path.startswith("/v1/"):
            status, headers, body = self._answer(asked.method, asked.path, form, asked.headers)
            return Answered.of(body, status, **headers)
        status, headers, text = self._page(asked.method, asked.path, form)
        return replace(Answered.page(text, status), headers=headers)

    def break_down(self, asked):
        """An error is kept like any other answer, and repeated."""
        params = form_of(asked.body.decode())
        self.kept[asked.headers.get("idempotency-key")] = json.dumps([asked.path, params], sort_keys=True), *BROKEN
        return Answered.of(BROKEN[1], BROKEN[0])

    def _answer(self, method, path, params, headers):
        """Status, headers and body of one request."""
        try:
            if headers.get("authorization") == f"Bearer {self.strangers_key}":
                return self._tell_stranger(path)
            self._admit(path, headers)
            if method == "POST":
                return self._once(path, params, headers)
            return 200, {}, self._act(method, path, params)
        except Refusal as refusal:
            return refusal.status, {}, refusal.body

    def _admit(self, path, headers):
        key = headers.get("authorization", "").removeprefix("Bearer ")
        if key not in self.keys:
            raise Refusal(401, None, "Invalid API Key provided: sk_test_****")
        if not headers.get(VERSIONED):
            raise Refusal(400, None, "This fake wants the version said.")
        resource = path.split("/")[2]
        if self.keys[key] is not None and resource not in self.keys[key]:
            wanted = f"rak_{PERMISSIONS[resource]}_write"
            raise Refusal(403, None, f"The provided key does not have the required permissions. '{wanted}' is missing.")

    def _tell_stranger(self, path):
        """Another account's key is a good one, and shows nothing of this account."""
        if path.count("/") > 2 + path.startswith("/v1/checkout"):
            raise Refusal(404, "resource_missing", "No such object.")
        return 200, {}, {"object": "list", "data": [], "has_more": False, "url": "/v1"}

    def _once(self, path, params, headers):
        """Do a write once for each key, and repeat how it ended, an error of our own too."""
        key, asked = headers.get("idempotency-key"), json.dumps([path, params], sort_keys=True)
        if key in self.kept:
            was_asked, status, body = self.kept[key]
            if was_asked != asked:
                message = "Keys for idempotent requests can only be used with the same parameters."
                raise Refusal(400, None, message, kind="idempotency_error")
            return status, {"Idempotent-Replayed": "true"}, body
        try:
            status, body = 200, self._act("POST", path, params)
        except Refusal as refusal:
            if not refusal.is_kept:
                raise
            status, body = refusal.status, refusal.body
        self.kept[key] = asked, status, json.loads(json.dumps(body))
        return status, {}, body

    def _act(self, method, path, params):
        """What there is: `GET /v1/{things}`, `GET /v1/{things}/{id}`, and the writes."""
        found = re.fullmatch(r"/v1/(checkout/sessions|payment_intents|refunds|events)(?:/(\w+))?(?:/(\w+))?", path)
        things, name, verb = found.groups() if found else ("", "", "")
        write = self._writes.get((things, verb if name else "create")) if method == "POST" else None
        if write:
            return write(self._find(things, name), params) if name else write(params)
        if method != "GET" or not things or verb:
            raise Refusal(404, None, f"Unrecognized request URL ({method}: {path}).")
        if name:
            return self._shown(self._find(things, name), params.get("expand", []))
        return self._list(things, params)

    def _find(self, things, name):
        book = self._book(things)
        if name not in book:
            raise Refusal(404, "resource_missing", f"No such object: '{name}'")
        return book[name]

    def _book(self, things):
        for session in self.sessions.values():
            self._lapse(session)
        events = {event["id"]: event for event in self.events}
        books = {"checkout/sessions": self.sessions, "payment_intents": self.intents, "refunds": self.refunds}
        return books.get(things, events)

    def _list(self, things, params):
        """Newest first, page by page."""
        filters = FILTERS[things]
        known = {"limit", "starting_after", "created", *filters}
        if not known >= set(params):
            raise Refusal(400, "parameter_unknown", f"Received unknown parameter: {set(params) - known}")
        created = params.get("created", {})
        first, last = int(created.get("gte", 0)), int(created.get("lte", 2**40))
        within = [thing for thing in reversed(self._book(things).values()) if first <= thing["created"] <= last]
        fitting = [thing for thing in within if all(thing[name] == params.get(name, thing[name]) for name in filters)]
        if "starting_after" in params:
            fitting = fitting[[thing["id"] for thing in fitting].index(params["starting_after"]) + 1 :]
        size = min(int(params.get("limit", 10)), self.page_size)
        page = [self._shown(thing) for thing in fitting[:size]]
        return {"object": "list", "data": page, "has_more": len(fitting) > size, "url": "/v1"}

    # --- What is asked of it ---

    def _create_session(self, params):
        unknown = set(params) - KNOWN
        if unknown:
            raise Refusal(400, "parameter_unknown", f"Received unknown parameter: {unknown}")
        for name in NEEDED:
            if not params.get(name):
                raise Refusal(400, "parameter_missing", f"Missing required param: {name}.", param=name)
        if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", params.get("customer_email", "a@b.example")):
            raise Refusal(400, "email_invalid", "Invalid email address.", param="customer_email")
        expires_at = int(params.get("expires_at", _now() + 24 * 60 * MINUTE))
        if not _now() + 30 * MINUTE <= expires_at <= _now() + 24 * 60 * MINUTE:
            raise Refusal(400, None, "The `expires_at` timestamp must be within 30 minutes to 24 hours.")
        price = params["line_items"][0]["price_data"]
        units, currency = self._priced(int(price["unit_amount"]), price["currency"])
        session_id = self._id("cs")
        session = {
            "id": session_id, "object": "checkout.session", "livemode": self.livemode, "created": _now(),
            "amount_total": units, "currency": currency, "client_reference_id": params["client_reference_id"],
            "metadata": params.get("metadata", {}), "mode": "payment", "payment_intent": None,
            "payment_status": "unpaid", "status": "open", "expires_at": expires_at,
            "url": f"{self.url}/c/pay/{session_id}", "success_url": params["success_url"],
            "cancel_url": params.get("cancel_url"), "_intent_data": params.get("payment_intent_data", {}),
        }  # fmt: skip
        self.sessions[session_id] = session
        return self._shown(session)

    def _priced(self, units, currency):
        step = 10 if currency in THREE_DECIMALS else 100 if currency in HUNDREDTHS else 1
        if currency != currency.lower() or units % step:
            raise Refusal(400, "parameter_invalid_integer", f"Invalid amount {units} of {currency}.", is_kept=True)
        if units < MINIMA.get(currency, 1):
            raise Refusal(400, "amount_too_small", "The amount must be at least 50 cents.", is_kept=True)
        return units, currency

    def _expire_session(self, session, params):
        if session["status"] != "open":
            message = 'Only Checkout Sessions with a status in ["open"] can be expired.'
            raise Refusal(400, None, message, is_kept=True)
        self._expire(session)
        return self._shown(session, params.get("expand", []))

    def _capture(self, intent, params):
        return self._end_hold(intent, "capture", params)

    def _cancel(self, intent, params):
        return self._end_hold(intent, "cancel", params)

    def _end_hold(self, intent, verb, params):
        if intent["status"] != "requires_capture":
            message = f"This PaymentIntent could not be {verb}d because it has a status of {intent['status']}."
            raise Refusal(400, "payment_intent_unexpected_state", message, is_kept=True)
        units = int(params.get("amount_to_capture", intent["amount_capturable"]))
        if verb == "cancel":
            intent.update(status="canceled", amount_capturable=0)
            self._charge_of(intent).update(refunded=True)
            self.tell("charge.refunded", self._charge_of(intent))
            self.tell("payment_intent.canceled", intent)
        elif units > intent["amount_capturable"]:
            raise Refusal(400, "amount_too_large", "The amount to capture is above the capturable.", is_kept=True)
        else:
            intent.update(status="succeeded", amount_capturable=0, amount_received=units)
            self._charge_of(intent).update(captured=True, amount_captured=units)
            self.tell("charge.captured", self._charge_of(intent))
            self.tell("payment_intent.succeeded", intent)
        return self._shown(intent, params.get("expand", []))

    def _create_refund(self, params):
        intent = self._find("payment_intents", params["payment_intent"])
        units = int(params.get("amount", intent["amount_received"]))
        mine = [refund for refund in self.refunds.values() if refund["payment_intent"] == intent["id"]]
        given = sum(r["amount"] for r in mine if r["status"] not in ("failed", "canceled"))
        if units > intent["amount_received"] - given:
            message = "Refund amount is greater than unrefunded amount on charge."
            raise Refusal(400, "charge_already_refunded" if given else "amount_too_large", message, is_kept=True)
        refund = {
            "id": self._id("re"), "object": "refund", "created": _now(), "amount": units,
            "currency": intent["currency"], "payment_intent": intent["id"], "status": self.refund_ends,
            "metadata": params.get("metadata", {}), "failure_reason": None,
            "destination_details": {"type": "card", "card": {"reference": f"{7_400_000 + next(self._numbers)}"}},
        }  # fmt: skip
        self.refunds[refund["id"]] = refund
        self.tell("refund.created", refund)
        return refund

    # --- The page it shows customers ---

    def _page(self, method, path, form):
        """Its hosted page: (status, headers, body). To approve, to decline, or to leave."""
        session = self.sessions.get(path.removeprefix("/c/pay/"))
        if session is None:
            return 404, {}, "<h1>Nothing here</h1>"
        self._lapse(session)
        if session["status"] != "open":
            return 200, {}, "<h1>You’re all done here</h1><p>This checkout session is over.</p>"
        told = ""
        if method == "POST" and form.get("deed") == "approve":
            self.approve(session["id"])
            return 303, {"Location": session["success_url"]}, ""
        if method == "POST":
            self.decline(session["id"])
            told = "<p>Your card was declined.</p>"
        buttons = "".join(
            f'<button name="deed" value="{deed}">{deed.title()}</button>' for deed in ("approve", "decline")
        )
        leave = f'<a href="{session["cancel_url"]}">Leave</a>'
        return 200, {}, f'<h1>Pay {session["amount_total"]}</h1>{told}<form method="post">{buttons}</form>{leave}'


@contextmanager
def fake_stripe(monkeypatch, mode="test"):
    """A running Stripe, and the adapter led to it."""
    from payments.gateways.stripe import client as ours
    from payments.gateways.stripe.engine import Stripe

    fake = FakeStripe(mode)
    monkeypatch.setattr(ours, "API_BASE", fake.url)
    # Nobody waits long for an answer that a test holds back, and nobody gives up early on a busy machine.
    monkeypatch.setattr(ours, "READ_S", 20.0)
    fake.hurry = lambda: monkeypatch.setattr(ours, "READ_S", PATIENCE_S)
    monkeypatch.setattr(Stripe, "hosts", frozenset({fake.url}))
    try:
        yield fake
    finally:
        fake.stop()
