"""Razorpay's REST API through its official client. Imported only where a call is made: the client takes its time.

The client tells a bad request from a server's fault by a word in the answer, and loses the rest. What came back, or did
not, is judged below it instead, where the connection is: no answer is never taken for a no.
"""

from types import TracebackType
from typing import Any

import razorpay
import requests

from payments.gateways.base import Account, NotTaken, Unanswered
from payments.gateways.razorpay.words import Entity, Refused
from payments.gateways.transport import CONNECT_S, NeverConnected, Transport

PAGE = 100
"""The longest list that is answered at once."""
_ASK_AGAIN = frozenset({408, 409, 425, 429})
"""Not done, and not refused either: too fast, or the same request is still running."""


class _Transport(Transport):
    """Sorts what comes back before the client reads it."""

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        try:
            response = super().send(request, *args, **options)
        except NeverConnected:
            raise NotTaken("no connection to Razorpay") from None
        _refuse_anything_but_an_answer(response)
        return response


def _refuse_anything_but_an_answer(response: requests.Response) -> None:
    """Raise Unanswered for what is no answer, Refused for a no."""
    status = response.status_code
    try:
        told = response.json()
    except ValueError:
        raise Unanswered(f"{status} without JSON") from None
    if not isinstance(told, dict) or status >= 500 or status in _ASK_AGAIN:
        raise Unanswered(f"{status}")
    if status >= 400:
        error = told.get("error")
        raise Refused(status, error if isinstance(error, dict) else {})


class Api:
    """One account's API, for the calls of one act. Each may raise Refused, Unanswered, NotTaken."""

    def __init__(self, account: Account, url: str, timeout_s: float) -> None:
        self._session = requests.Session()
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, _Transport(min(CONNECT_S, timeout_s), timeout_s))
        pair = (account.credentials.get("key_id", ""), account.credentials.get("key_secret", ""))
        self._client = razorpay.Client(session=self._session, auth=pair, base_url=url)

    def __enter__(self) -> "Api":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.close()

    def sign_in(self) -> None:
        self._client.payment.all({"count": 1})

    def new_order(self, told: Entity) -> Entity:
        return _entity(self._client.order.create(dict(told)))

    def order(self, order_id: str) -> Entity:
        return _entity(self._client.order.fetch(order_id))

    def orders_with(self, receipt: str) -> list[Entity]:
        """Orders with this receipt and no other, newest first."""
        found = _items(self._client.order.all({"receipt": receipt, "count": PAGE}))
        return [order for order in found if order.get("receipt") == receipt]

    def payments_of(self, order_id: str) -> list[Entity]:
        """Every try of the customers on an order; there cannot be more than some."""
        return _items(self._client.order.payments(order_id))

    def payment(self, payment_id: str) -> Entity:
        return _entity(self._client.payment.fetch(payment_id))

    def capture(self, payment_id: str, amount_minor: int, currency: str) -> Entity:
        return _entity(self._client.payment.capture(payment_id, amount_minor, {"currency": currency}))

    def refund(self, payment_id: str, told: Entity, *, key: str) -> Entity:
        """Send money back. Razorpay knows the key of a request again for as long as it keeps it."""
        headers = {"X-Refund-Idempotency": key}
        return _entity(self._client.payment.refund(payment_id, dict(told), headers=headers))

    def refund_with(self, payment_id: str, receipt: str) -> Entity | None:
        """The refund of a payment with this receipt."""
        skip = 0
        while True:
            page = _items(self._client.payment.fetch_multiple_refund(payment_id, {"count": PAGE, "skip": skip}))
            found = next((refund for refund in page if refund.get("receipt") == receipt), None)
            if found is not None or len(page) < PAGE:
                return found
            skip += PAGE


def _entity(told: Any) -> Entity:
    if not isinstance(told, dict):
        raise Unanswered("no object")
    return told


def _items(told: Any) -> list[Entity]:
    items = _entity(told).get("items")
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise Unanswered("no list")
    return items
