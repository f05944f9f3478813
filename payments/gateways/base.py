"""The contract every gateway keeps: stateless, values in, facts out. An unknown word of a gateway means pending."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from payments.money import Money
from payments.states import Method, PaymentStatus


class GatewayError(Exception):
    """Root of what can go wrong at a gateway."""


class Unanswered(GatewayError):
    """Time-out, reset, 5xx or nonsense: the gateway may or may not have acted. Never a failure, always a question."""


class NotSupported(GatewayError):
    """This gateway cannot do that; the caller must not have asked."""


@dataclass(frozen=True, slots=True)
class Card:
    """Card data on its way through memory. Its repr shows nothing, so that no log can."""

    number: str = field(repr=False)
    expiry_month: int = field(repr=False)
    expiry_year: int = field(repr=False)
    cvc: str = field(repr=False)
    holder: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Account:
    """Whose account at the gateway, with what it takes to use it."""

    id: int
    mode: str
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Attempt:
    """Everything a gateway needs to start one attempt. `key` is our reference and the idempotency key there."""

    key: str
    account: Account
    amount: Money
    method: Method
    order_id: str
    at: datetime
    deadline_at: datetime
    card: Card | None = None
    return_url: str = ""
    event_url: str = ""


@dataclass(frozen=True, slots=True)
class PaymentFact:
    """What a gateway says of one payment. `declined` marks a bank's no, as against a customer who left."""

    status: PaymentStatus
    key: str
    amount: Money | None = None
    gateway_payment_id: str = ""
    gateway_order_id: str = ""
    bank_reference: str = ""
    auth_id: str = ""
    payment_group: str = ""
    method_details: Mapping[str, str] = field(default_factory=dict)
    declined: bool = False
    error_code: str = ""
    message: str = ""
    approve_by: datetime | None = None
    happened_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """The gateway decided at once."""

    fact: PaymentFact


@dataclass(frozen=True, slots=True)
class Challenge:
    """The bank wants a code from the customer; we show the page."""

    prompt: str


@dataclass(frozen=True, slots=True)
class GoTo:
    """Send the browser to this address by GET."""

    url: str


@dataclass(frozen=True, slots=True)
class PostTo:
    """Send the browser to this address by POST."""

    url: str
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Wait:
    """Taken on; the customer acts elsewhere, and the gateway will tell."""


Outcome = Done | Challenge | GoTo | PostTo | Wait


class Standing(StrEnum):
    """Answers to an inquiry that decide nothing yet."""

    ABSENT = "absent"
    """The gateway knows no payment under this key."""
    OPEN = "open"
    """Known, and nothing taken so far."""


class CancelAnswer(StrEnum):
    DEAD = "dead"
    """It can never take money any more."""
    ALIVE = "alive"
    """It took money, or still will."""
    UNKNOWN = "unknown"
    SHARED = "shared"
    """The gateway takes one capture per its own order: the next attempt carries on with the same one."""


class Gateway:
    """Root of all gateways. Every method may raise Unanswered; one that a gateway lacks raises NotSupported."""

    name = ""
    methods: frozenset[Method] = frozenset()

    def start(self, attempt: Attempt) -> Outcome:
        """Begin an attempt. The same key again gives the same attempt, never a second one."""
        raise NotSupported(f"{self.name} cannot start payments.")

    def resume(self, attempt: Attempt, answer: Mapping[str, str]) -> Outcome:
        """Go on with what the customer answered to a Challenge."""
        raise NotSupported(f"{self.name} has no challenges.")

    def inquire(self, account: Account, key: str) -> PaymentFact | Standing:
        """Ask what became of the attempt with our key."""
        raise NotSupported(f"{self.name} cannot be asked.")

    def cancel(self, account: Account, key: str) -> CancelAnswer:
        """End an attempt that has not taken money, and say whether that worked."""
        raise NotSupported(f"{self.name} cannot cancel.")

    def capture(self, account: Account, key: str, amount: Money) -> PaymentFact:
        """Take held money, all or part."""
        raise NotSupported(f"{self.name} cannot capture.")

    def void(self, account: Account, key: str) -> PaymentFact:
        """Release held money."""
        raise NotSupported(f"{self.name} cannot void.")

    def refund(self, account: Account, key: str, refund_key: str, amount: Money) -> object:
        """Send money back. The same refund key again gives the same refund."""
        raise NotSupported(f"{self.name} cannot refund.")

    def inquire_refund(self, account: Account, refund_key: str) -> object:
        """Ask what became of a refund."""
        raise NotSupported(f"{self.name} cannot be asked about refunds.")

    def parse_event(self, body: bytes, headers: Mapping[str, str]) -> object:
        """Verify the raw bytes of a server event and read it."""
        raise NotSupported(f"{self.name} sends no events.")
