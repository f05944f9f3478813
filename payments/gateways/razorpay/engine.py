"""Razorpay: customers pay on its hosted checkout, and everything else is asked of its API.

An order of ours has one order there, whatever the number of attempts: it takes one capture. What happened is read from
that order's payments, never from what a browser brings.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from payments.gateways.base import (
    EVENT_SECRET,
    Account,
    Attempt,
    BadCredentials,
    CancelAnswer,
    CredentialField,
    Done,
    ForgedReturn,
    Gateway,
    NotSupported,
    NotTaken,
    Outcome,
    PaymentFact,
    PostTo,
    Reference,
    RefundFact,
    ServerEvent,
    Standing,
    Unanswered,
)
from payments.gateways.razorpay import events, words
from payments.gateways.razorpay.words import Refused
from payments.gateways.values import word
from payments.money import EXPONENT, Money
from payments.states import Method, PaymentStatus, RefundStatus

if TYPE_CHECKING:
    from payments.gateways.razorpay.api import Api

API_URL = "https://api.razorpay.com"
READ_S = 15.0
SMALLEST_MINOR = 100
AUTOMATIC_FOR_MIN = 12
"""How long after a payment Razorpay captures it by itself, the least it allows. Later we decide, who know the order."""
LEFT = "left"
"""What our cancel address says of a customer who comes back by it."""
_METHODS = {Method.CARD: "card", Method.UPI: "upi", Method.NETBANKING: "netbanking", Method.WALLET: "wallet"}


class Razorpay(Gateway):
    """`api_url` is where it is; only tests put it elsewhere."""

    name = "razorpay"
    methods = frozenset(Method)
    holds = frozenset(Method)
    has_own_page = True
    shares_orders = True
    credential_fields = (
        CredentialField(
            "key_id",
            "Key id",
            "Razorpay Dashboard, Account & Settings, API keys. It begins with rzp_test_ or rzp_live_.",
            is_secret=False,
            pattern=r"rzp_{mode}_\w+",
        ),
        CredentialField("key_secret", "Key secret", "Shown once, beside the key id, when the key is made."),
        CredentialField(
            EVENT_SECRET,
            "Webhook secret",
            "The secret you type at Razorpay for the webhook with the address on this account's page.",
        ),
    )

    def __init__(self, api_url: str = API_URL, timeout_s: float = READ_S) -> None:
        self.api_url = api_url
        self.timeout_s = timeout_s
        self.hosts = frozenset({api_url})

    def accepts(self, amount: Money, method: Method) -> bool:
        """From one rupee on; a currency of three decimals only in steps of ten, as card networks have it."""
        is_even = EXPONENT[amount.currency] < 3 or amount.minor % 10 == 0
        return super().accepts(amount, method) and amount.minor >= SMALLEST_MINOR and is_even

    def check(self, account: Account) -> None:
        try:
            with self._api(account) as api:
                api.sign_in()
        except NotSupported as fault:
            raise BadCredentials(str(fault)) from None
        except Refused as refusal:
            raise BadCredentials(f"Razorpay refuses this key: {refusal.status}.") from None
        except NotTaken as fault:
            raise Unanswered(str(fault)) from None

    # --- An attempt ---

    def start(self, attempt: Attempt) -> Outcome:
        """Open an order there, or carry on the one that is open, and send the customer to its checkout page."""
        with self._api(attempt.account) as api:
            try:
                order = self._order_for(api, attempt)
                if (order.get("amount"), order.get("currency")) != (attempt.amount.minor, attempt.amount.currency):
                    raise NotSupported("Razorpay has this order with another amount.")
                order_id = word(order, "id")
                tries = api.payments_of(order_id) if order.get("status") != "created" else []
            except NotTaken as fault:
                raise _not_begun(attempt, str(fault)) from None
            except Refused as refusal:
                if refusal.is_about_keys:
                    raise _not_begun(attempt, f"Razorpay refuses the key: {refusal.status}") from None
                return Done(words.refusal_of(refusal.error, attempt.key))
        paying = words.that_pays(tries)
        if paying is not None:
            return Done(words.fact_of(paying, attempt.key))
        fields = _checkout_fields(attempt, order_id)
        return PostTo(f"{self.api_url}/v1/checkout/embedded", fields, gateway_order_id=order_id)

    def _order_for(self, api: "Api", attempt: Attempt) -> Mapping[str, Any]:
        """The order at Razorpay: it has no idempotency key for orders, so we look before we make one."""
        if attempt.gateway_order_id:
            return api.order(attempt.gateway_order_id)
        known = _furthest(api.orders_with(attempt.key))
        return known or api.new_order(_new_order(attempt))

    def inquire(self, account: Account, payment: Reference) -> PaymentFact | Standing:
        with self._asking(account) as api:
            order_id = self._order_id(api, payment)
            if not order_id:
                return Standing.ABSENT
            return _standing(api.payments_of(order_id), payment)

    def read_return(self, account: Account, payment: Reference, params: Mapping[str, str]) -> PaymentFact | Standing:
        """Besides what an inquiry says: a customer sent back after a refusal, or who left, ends this attempt."""
        with self._asking(account) as api:
            order_id = self._order_id(api, payment)
            if "razorpay_payment_id" in params:
                _verify(account, order_id, params)
            if not order_id:
                return Standing.ABSENT
            tries = api.payments_of(order_id)
        said = _standing(tries, payment)
        if said is not Standing.OPEN or any(words.is_in_flight(one) for one in tries):
            return said
        if any(name.startswith("error[") for name in params):
            mine = [one for one in tries if _key_of(one) == payment.key and word(one, "status") == "failed"]
            return words.ending_of(mine[0], payment.key) if mine else said
        if params.get(LEFT):
            return PaymentFact(PaymentStatus.USER_DROPPED, payment.key, error_code="left", message="Left unpaid.")
        return said

    def cancel(self, account: Account, payment: Reference) -> CancelAnswer:
        """An order there cannot be closed, so that no attempt on it dies. One nobody was sent to never lived."""
        with self._asking(account) as api:
            order_id = self._order_id(api, payment)
            if not order_id:
                return CancelAnswer.DEAD
            tries = api.payments_of(order_id)
        if any(words.is_unknown(one) for one in tries):
            return CancelAnswer.UNKNOWN
        return CancelAnswer.ALIVE if words.that_pays(tries) else CancelAnswer.SHARED

    def _order_id(self, api: "Api", payment: Reference) -> str:
        """Its order there: as we know it, or by the receipt where the answer to the start was lost."""
        if payment.gateway_order_id:
            return payment.gateway_order_id
        found = _furthest(api.orders_with(payment.key))
        return word(found, "id") if found else ""

    # --- Held money ---

    def capture(self, account: Account, payment: Reference, amount: Money) -> PaymentFact:
        """Take held money, whole: Razorpay captures no part."""
        with self._asking(account) as api:
            held = api.payment(_id_of(payment))
            if word(held, "status") == "authorized":
                if words.money(held) != amount:
                    raise NotSupported("Razorpay captures the whole amount or nothing.")
                held = self._captured(api, held, amount)
            return words.fact_of(held, payment.key)

    def _captured(self, api: "Api", held: Mapping[str, Any], amount: Money) -> Mapping[str, Any]:
        payment_id = word(held, "id")
        try:
            return api.capture(payment_id, amount.minor, amount.currency)
        except Refused as refusal:
            if refusal.is_about_keys:
                raise
            return api.payment(payment_id)  # captured or let go just before, or still held: that is the answer

    def void(self, account: Account, payment: Reference) -> PaymentFact:
        """Razorpay releases nothing by request: what nobody captures goes back to the customer by itself."""
        with self._asking(account) as api:
            held = api.payment(_id_of(payment))
        if word(held, "status") == "authorized":
            days = words.HELD_FOR.days
            raise NotSupported(
                f"Razorpay has no void: uncaptured, it goes back by itself {days} days after the payment."
            )
        return words.fact_of(held, payment.key)

    # --- Refunds ---

    def refund(self, account: Account, payment: Reference, key: str, amount: Money) -> RefundFact:
        told = {"amount": amount.minor, "speed": "normal", "receipt": key, "notes": {"till_refund": key}}
        with self._asking(account) as api:
            try:
                return words.refund_fact_of(api.refund(_id_of(payment), told, key=key), key)
            except Refused as refusal:
                if refusal.is_about_keys:
                    raise
                known = api.refund_with(_id_of(payment), key)
                if known is not None:
                    return words.refund_fact_of(known, key)
                refused = words.refusal_of(refusal.error, key)
        return RefundFact(RefundStatus.FAILED, key, error_code=refused.error_code, message=refused.message)

    def inquire_refund(self, account: Account, payment: Reference, key: str) -> RefundFact | Standing:
        with self._asking(account) as api:
            found = api.refund_with(_id_of(payment), key)
        return words.refund_fact_of(found, key) if found else Standing.ABSENT

    def parse_event(self, account: Account, body: bytes, headers: Mapping[str, str], *, at: datetime) -> ServerEvent:
        return events.parse(account, body, headers)

    # --- The connection ---

    def _api(self, account: Account) -> "Api":
        """A connection. Raises NotSupported for a key of the other mode: test and live never mix."""
        if not account.credentials.get("key_id", "").startswith(f"rzp_{account.mode}_"):
            raise NotSupported(f"The account's key is none of Razorpay's {account.mode} mode.")
        from payments.gateways.razorpay.api import Api

        return Api(account, self.api_url, self.timeout_s)

    @contextmanager
    def _asking(self, account: Account) -> Iterator["Api"]:
        """An act that may be repeated: a refusal nobody foresaw, as of a key that was replaced, is no answer to it."""
        with self._api(account) as api:
            try:
                yield api
            except (Refused, NotTaken) as fault:
                raise Unanswered(str(fault)) from None


# --- Values ---


def _not_begun(attempt: Attempt, why: str) -> NotTaken | Unanswered:
    """What an earlier attempt opened may still be paid there: then no other gateway may get the order."""
    return Unanswered(why) if attempt.gateway_order_id else NotTaken(why)


def _new_order(attempt: Attempt) -> dict[str, Any]:
    """What opens an order there. It is found again by its receipt, and paid whole or not at all."""
    options = {"manual_expiry_period": int(words.HELD_FOR.total_seconds() // 60), "refund_speed": "normal"}
    if not attempt.manual_capture:
        options["automatic_expiry_period"] = AUTOMATIC_FOR_MIN
    return {
        "amount": attempt.amount.minor,
        "currency": attempt.amount.currency,
        "receipt": attempt.key,
        "partial_payment": False,
        "notes": {"till_order": attempt.order_id},
        "payment": {"capture": "manual" if attempt.manual_capture else "automatic", "capture_options": options},
    }


def _checkout_fields(attempt: Attempt, order_id: str) -> dict[str, str]:
    """The form that opens the checkout page."""
    mark = "&" if "?" in attempt.return_url else "?"
    return {
        "key_id": attempt.account.credentials["key_id"],
        "order_id": order_id,
        "amount": str(attempt.amount.minor),
        "currency": attempt.amount.currency,
        "name": attempt.payee,
        "description": attempt.order_id,
        "method": _METHODS[attempt.method],
        "prefill[name]": attempt.payer.name,
        "prefill[email]": attempt.payer.email,
        "prefill[contact]": attempt.payer.phone,
        f"notes[{words.NOTE}]": attempt.key,
        "callback_url": attempt.return_url,
        "cancel_url": f"{attempt.return_url}{mark}{LEFT}=1",
    }


def _furthest(orders: list[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The order that customers got to, should a request to make one have been carried out twice."""
    return next((order for order in orders if order.get("status") != "created"), next(iter(orders), None))


def _standing(tries: list[Mapping[str, Any]], payment: Reference) -> PaymentFact | Standing:
    """What an order's payments say of the attempt on it. Refused tries say nothing: the page offers the next."""
    ours = [one for one in tries if word(one, "id") == payment.gateway_payment_id]
    if ours and (words.may_pay(ours[0]) or words.is_let_go(ours[0])):
        return words.fact_of(ours[0], payment.key)
    paying = words.that_pays(tries)
    if paying is not None:
        return words.fact_of(paying, payment.key)
    if any(words.is_unknown(one) for one in tries):
        return PaymentFact(PaymentStatus.PENDING, payment.key)
    return Standing.OPEN


def _verify(account: Account, order_id: str, params: Mapping[str, str]) -> None:
    """Whether Razorpay signed what the browser brought, for the order that we know. Raises ForgedReturn."""
    message = f"{order_id}|{params['razorpay_payment_id']}".encode("utf-8", "replace")
    secret = account.credentials.get("key_secret", "")
    if not order_id or not events.fits(message, params.get("razorpay_signature", ""), secret):
        raise ForgedReturn("The signature does not fit the order.")


def _key_of(payment: Mapping[str, Any]) -> str:
    """Our key of the attempt whose form the customer went there by."""
    notes = payment.get("notes")
    return word(notes, words.NOTE) if isinstance(notes, dict) else ""


def _id_of(payment: Reference) -> str:
    if not payment.gateway_payment_id:
        raise NotSupported("Razorpay's id of this payment is not known.")
    return payment.gateway_payment_id
