"""Tinypay, the gateway that docs/add-a-gateway.md invents: a server with a book, customers and signed events."""

import hmac
import itertools
import json
import re

from tests.gateways.fakes.server import Answered, Asked, FakeServer

SECRET, OTHER_SECRET = "tiny_sk_" + "1" * 16, "tiny_sk_" + "2" * 16
EVENT_SECRET = "tiny_ev_" + "3" * 16
_PAYMENT = re.compile(r"/v1/payments/(\w+)(?:/(\w+)(?:/(\w+))?)?")


def sign(body, secret=EVENT_SECRET):
    """The header that Tinypay signs a body by."""
    return {"tinypay-signature": hmac.new(secret.encode(), body, "sha256").hexdigest()}


class FakeTinypay(FakeServer):
    def __init__(self):
        self.books = {SECRET: {}, OTHER_SECRET: {}}
        self.refunds, self.events, self.numbers = {}, [], itertools.count(1)
        super().__init__()

    @property
    def payments(self):
        return self.books[SECRET]

    # --- the customer ---

    def decide(self, key, state, amount=None):
        """What the customer or the bank does on its page."""
        payment = self.payments[key]
        assert payment["state"] == "open", "this page is over"
        payment["amount"] = amount or payment["amount"]
        if state == "paid" and payment["hold"]:
            payment.update(state="held", held_until=4_000_000_000)
        else:
            payment.update(state=state, taken=payment["amount"] if state == "paid" else 0)
        payment["reason"] = "no_funds" if state == "declined" else ""
        self._tell(f"payment.{payment['state']}", payment=payment)

    def _tell(self, kind, **about):
        event = {"id": f"ev{next(self.numbers)}", "type": kind, **about}
        self.events.append(json.dumps(event).encode())

    # --- the server ---

    def act(self, asked: Asked):
        book = self.books.get(asked.headers.get("authorization", "").removeprefix("Bearer "))
        if book is None:
            return Answered.of({"error": "unauthorized"}, 401)
        if asked.path == "/v1/me":
            return Answered.of({"name": "Kite Shop"})
        key, verb, refund_key = _PAYMENT.fullmatch(asked.path).groups()
        if asked.method == "POST" and verb is None:
            return self._open(book, key, asked.json)
        payment = book.get(key)
        if payment is None:
            return Answered.of({"error": "not_found"}, 404)
        if verb == "refunds":
            return self._refund(payment, refund_key, asked)
        return Answered.of(payment) if verb is None else self._end(payment, verb, asked.json)

    def _open(self, book, key, told):
        """Once for a key, whoever asks again."""
        new = {"id": f"p{next(self.numbers)}", "key": key, "state": "open", "taken": 0, "reason": "", **told}
        payment = book.setdefault(key, new)
        return Answered.of({**payment, "page": f"{self.url}/pay/{payment['id']}"})

    def _end(self, payment, verb, told):
        end = {("open", "cancel"): "cancelled", ("held", "capture"): "paid", ("held", "release"): "released"}
        state = end.get((payment["state"], verb))
        if (state is None and payment["state"] in ("open", "held")) or told.get("amount", 0) > payment["amount"]:
            return Answered.of({"error": "not_possible"}, 400)
        if state is not None:
            payment.update(state=state, taken=told.get("amount", 0))
            self._tell(f"payment.{state}", payment=payment)
        return Answered.of(payment)

    def _refund(self, payment, refund_key, asked):
        refund = self.refunds.get(refund_key)
        if asked.method == "GET":
            return Answered.of(refund) if refund else Answered.of({"error": "not_found"}, 404)
        given = sum(one["amount"] for one in self.refunds.values() if one["payment"] == payment["id"])
        if refund is None:
            if asked.json["amount"] > payment["taken"] - given:
                return Answered.of({"error": "too_much"}, 400)
            refund = {"id": f"r{next(self.numbers)}", "key": refund_key, "payment": payment["id"], "state": "done",
                      "amount": asked.json["amount"], "currency": payment["currency"]}  # fmt: skip
            self.refunds[refund_key] = refund
            self._tell("refund.done", refund=refund)
        return Answered.of(refund)
