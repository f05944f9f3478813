"""Refusals with a name. Callers catch by meaning; each edge maps the classes to its own codes once."""

from datetime import datetime
from typing import Any


class PaymentsError(Exception):
    """Root of every refusal of the core. `message` says what to do; it never holds a secret."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class BadInput(PaymentsError):
    """A field cannot be taken as it is. `field` is its name on the wire, `reason` a stable word."""

    def __init__(self, field: str, reason: str, text: str) -> None:
        super().__init__(f"{reason}: {text}")
        self.field = field
        self.reason = reason
        self.text = text


class CurrencyNotSupported(BadInput):
    def __init__(self) -> None:
        super().__init__(
            "order_currency", "currency_not_supported", "order_currency: write an ISO 4217 code like INR or USD."
        )


class BadAmount(BadInput):
    def __init__(self) -> None:
        super().__init__(
            "order_amount",
            "amount_out_of_range",
            "order_amount: write an amount above 0, like 299.99, and at most 1,000,000,000,000 of its smallest unit.",
        )


class TooManyDecimals(BadInput):
    def __init__(self, currency: str, decimals: int) -> None:
        super().__init__(
            "order_amount",
            "too_many_decimals",
            f"order_amount: {currency} has {decimals} decimals; amounts are never rounded, so write no more than that.",
        )


class AlreadyImported(PaymentsError):
    """A file was imported before."""


class OrderIdTaken(PaymentsError):
    """The merchant has used this order id before, in this mode."""


class IdempotencyMismatch(PaymentsError):
    """The idempotency key was used for another request before."""


class StillRunning(PaymentsError):
    """The same request is being worked on: its answer can be had in a moment."""


class NotFound(PaymentsError):
    """No such row for this merchant and mode: unknown and foreign look alike."""

    @property
    def code(self) -> str:
        """The stable word that the message starts with, like order_not_found; else not_found."""
        word, colon, _ = self.message.partition(": ")
        return word if colon else "not_found"


class InvalidMove(PaymentsError):
    """The table of moves has no such edge: a bug in the caller, or a fact that came too late."""

    def __init__(self, row: Any, old: str, new: str) -> None:
        super().__init__(f"{row} cannot go from {old} to {new}.")


class StaleRow(PaymentsError):
    """Somebody else moved the row first: read it again, then decide."""

    def __init__(self, row: Any) -> None:
        super().__init__(f"{row} was changed by somebody else meanwhile.")


class NotPayable(PaymentsError):
    """The order takes no new attempt now; its page says why."""


class NotExtendable(PaymentsError):
    """The time to pay this order can be made no longer; its page says until when it lasts, or why it is over."""


class MethodNotOffered(PaymentsError):
    """This order, or its gateways, do not offer that way to pay."""


class NotYetExpired(PaymentsError):
    """The order's time is not up, or an attempt is still deciding."""


class KeyLimitReached(PaymentsError):
    """A merchant has at most two live keys a mode, so that one can replace the other."""


class EndpointTaken(PaymentsError):
    """The merchant has a live endpoint at this URL, in this mode."""


class EndpointLimitReached(PaymentsError):
    """The merchant has as many live endpoints in this mode as it may have."""


class EndpointOff(PaymentsError):
    """The endpoint is switched off, for good: nothing is sent there."""


class NoLiveKey(PaymentsError):
    """The merchant has no live API key in this mode, so nothing could be signed."""


class AccountTaken(PaymentsError):
    """The merchant has an account at that gateway in this mode."""


class NoGateway(PaymentsError):
    """The merchant has no gateway in this mode that could take money."""


class NotCapturable(PaymentsError):
    """The payment is not held: nothing was sent."""


class ActionInFlight(NotCapturable):
    """A capture or void of the payment is on its way; nothing more was sent."""


class NotRefundable(PaymentsError):
    """The payment has nothing to give back now: not captured, or too little left."""


class Disputed(NotRefundable):
    """The payment is disputed: its bank decides."""


class StaleAmount(PaymentsError):
    """The caller believed another amount to be left: somebody refunded meanwhile."""


class RefundIdTaken(PaymentsError):
    """The merchant has used this refund id for this order before."""


class NotCancellable(PaymentsError):
    """The refund was sent already; only the bank can stop it now."""


class SamePerson(PaymentsError):
    """Whoever asked for a refund cannot also approve it, and whoever opened a settlement cannot close it."""


class NothingToSettle(PaymentsError):
    """Nothing of that merchant, mode and currency waits to be settled up to then."""


class NotSettled(PaymentsError):
    """The settlement is not in a state for this: the message says which it is in."""


class TooManyTries(PaymentsError):
    """Wrong passwords or codes in a row: nothing more is looked at until `until`."""

    def __init__(self, until: datetime) -> None:
        super().__init__(
            f"Too many wrong passwords or codes, for this account or from your address. Try again after "
            f"{until:%H:%M} (UTC): until then even the right ones are not looked at."
        )
        self.until = until
