"""The contract every gateway keeps: stateless, values in, facts out. An unknown word of a gateway means pending."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from payments.money import Money
from payments.states import Method, PaymentStatus, RefundStatus


class GatewayError(Exception):
    """Root of what can go wrong at a gateway."""


class Unanswered(GatewayError):
    """Time-out, reset, 5xx or nonsense: the gateway may or may not have acted. Never a failure, always a question."""


class NotTaken(GatewayError):
    """The gateway surely has not begun the attempt and never will: no connection, or it said so itself.

    Only `start` may raise it, and only then may another gateway get the order. In doubt raise Unanswered.
    """


class OrderRefused(NotTaken):
    """The gateway answered, and does not take this order: that says nothing about what it does with others."""


class NotSupported(GatewayError):
    """This gateway cannot do that; the caller must not have asked."""


class BadCredentials(GatewayError):
    """The gateway refuses what the account signs in with. The message is shown to staff and names no secret."""


class ForgedEvent(GatewayError):
    """The signature of a server event does not fit its bytes: nobody knows who sent it."""


class ForgedReturn(GatewayError):
    """The signature a customer's browser brought back does not fit: nobody knows what happened at the gateway."""


class UnreadableEvent(GatewayError):
    """A genuine server event that makes no sense."""


@dataclass(frozen=True, slots=True)
class Card:
    """Card data on its way through memory. Its repr shows nothing, so that no log can."""

    number: str = field(repr=False)
    expiry_month: int = field(repr=False)
    expiry_year: int = field(repr=False)
    cvc: str = field(repr=False)
    holder: str = field(repr=False)


EVENT_SECRET = "event_secret"  # noqa: S105  (a name, not a secret)
"""Name of the credential that signs a gateway's server events."""
PREVIOUS_EVENT_SECRET = "previous_event_secret"  # noqa: S105  (likewise)
"""The one before, kept by the core when staff enter a new one: events sent again are still signed by it."""
EARLIER_EVENT_SECRET = "earlier_event_secret"  # noqa: S105  (likewise)
"""The one before that, as the one in between may be a typing error that never signed anything."""
EVENT_SECRETS = (EVENT_SECRET, PREVIOUS_EVENT_SECRET, EARLIER_EVENT_SECRET)


@dataclass(frozen=True, slots=True)
class CredentialField:
    """One of the values an account at a gateway signs in with, as staff enter it.

    A secret one is never shown again, only its last four characters. `help` says where at the gateway it is found.
    `pattern` is a regular expression for the whole of it, where {mode} is the account's: nothing else is kept or shown.
    """

    name: str
    label: str
    help: str = ""
    is_secret: bool = True
    is_optional: bool = False
    pattern: str = ""

    def fits(self, text: str, mode: str) -> bool:
        return not self.pattern or bool(re.fullmatch(self.pattern.replace("{mode}", mode), text, re.ASCII))


@dataclass(frozen=True, slots=True)
class Account:
    """Whose account at the gateway, with what it takes to use it: a value for each of its `credential_fields`."""

    id: int
    mode: str
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def event_secrets(self) -> tuple[str, ...]:
        """Secrets a server event may be signed with, the newest first."""
        return tuple(secret for name in EVENT_SECRETS if (secret := self.credentials.get(name)))


@dataclass(frozen=True, slots=True)
class Payer:
    """Who pays, as the order says: a gateway's page need not ask again."""

    name: str = ""
    email: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True)
class Attempt:
    """Everything a gateway needs for one attempt. `key` is our reference and the idempotency key there.

    `details` is what the customer chose: `channel` (link, collect or qrcode), `upi_id`, `netbanking_bank_code`,
    `provider`. `return_url` brings the customer's browser back, `event_url` takes the gateway's server events.
    `gateway_order_id` is the gateway's own order that an earlier attempt opened and this one carries on.
    """

    key: str
    account: Account
    amount: Money
    method: Method
    order_id: str
    at: datetime
    deadline_at: datetime
    order_expires_at: datetime
    payee: str = ""
    payer: Payer = Payer()
    gateway_order_id: str = ""
    card: Card | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    return_url: str = ""
    event_url: str = ""
    manual_capture: bool = False
    """Whether the money is to be held until somebody captures it."""
    test_fault: str = ""
    """What the simulator should do wrong, from the order's tag `till_fault`; empty in live mode."""


@dataclass(frozen=True, slots=True)
class Reference:
    """How both sides name a payment: our key, and the gateway's own ids as far as we know them.

    `started_at` is when our attempt began, for gateways that can be asked by time and not by our key.
    """

    key: str
    gateway_payment_id: str = ""
    gateway_order_id: str = ""
    started_at: datetime | None = None


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
class RefundFact:
    """What a gateway says of one refund: pending, success, failed, cancelled or on hold. `key` is our reference."""

    status: RefundStatus
    key: str
    amount: Money | None = None
    gateway_refund_id: str = ""
    bank_reference: str = ""
    error_code: str = ""
    message: str = ""
    happened_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """The gateway decided at once."""

    fact: PaymentFact


@dataclass(frozen=True, slots=True)
class Challenge:
    """The bank wants a code from the customer, who answers at `url`; the answer goes through `resume`."""

    prompt: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class GoTo:
    """Send the browser to this address by GET. `gateway_order_id` is kept, for the inquiries that follow."""

    url: str
    gateway_order_id: str = ""


@dataclass(frozen=True, slots=True)
class PostTo:
    """Send the browser to this address by POST. `gateway_order_id` is kept, for the inquiries that follow."""

    url: str
    fields: Mapping[str, str]
    gateway_order_id: str = ""


@dataclass(frozen=True, slots=True)
class Wait:
    """Taken on; the customer acts elsewhere, and the gateway will tell. `link` opens it there, or is drawn as QR."""

    link: str = ""


Outcome = Done | Challenge | GoTo | PostTo | Wait


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """A verified message of a gateway's server. `fact` is None where it tells nothing of a payment or refund."""

    event_id: str
    kind: str
    account_id: int | None
    fact: PaymentFact | RefundFact | None


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
    holds: frozenset[Method] = frozenset()
    """Methods whose money it can hold and capture later."""
    currencies: frozenset[str] = frozenset()
    """What it takes; empty for all."""
    credential_fields: tuple[CredentialField, ...] = ()
    """What an account signs in with; without a value for each that is not optional, it takes no attempts."""
    has_own_page: bool = False
    """Whether its page asks for everything, ours for nothing but the method. For real cards it has to."""
    shares_orders: bool = False
    """Whether all attempts of an order at one account carry on one order there, which takes one capture: `cancel`
    answers SHARED, and what is told of no payment we know is about the newest attempt."""
    hosts: frozenset[str] = frozenset()
    """Origins, like https://pay.example, that its pages have: the hand-off page may lead there and nowhere else."""
    keeps_deadlines: bool = False
    """Whether nobody can pay an attempt there past its deadline; else only a cancel that says DEAD ends one in time."""
    has_one_event_address: bool = False
    """Whether its server sends the events of all accounts to one address; else each account has its own."""

    def accepts(self, amount: Money, method: Method) -> bool:
        """Whether it takes such an amount by such a method. The smallest and largest amounts belong here."""
        return method in self.methods and (not self.currencies or amount.currency in self.currencies)

    def check(self, account: Account) -> None:
        """Sign in and do nothing else. Raises BadCredentials."""
        raise NotSupported(f"{self.name} cannot check a connection.")

    def start(self, attempt: Attempt) -> Outcome:
        """Begin an attempt. The same key again gives the same attempt, never a second one. Raises NotTaken."""
        raise NotSupported(f"{self.name} cannot start payments.")

    def resume(self, account: Account, key: str, answer: Mapping[str, str]) -> Outcome:
        """Go on with what the customer answered to a Challenge: `otp`, or `leave` for a customer who gives up."""
        raise NotSupported(f"{self.name} has no challenges.")

    def inquire(self, account: Account, payment: Reference) -> PaymentFact | Standing:
        """Ask what became of an attempt. The gateway's own ids are unknown while the answer to its start is."""
        raise NotSupported(f"{self.name} cannot be asked.")

    def cancel(self, account: Account, payment: Reference) -> CancelAnswer:
        """End an attempt that has not taken money, and say whether that worked."""
        raise NotSupported(f"{self.name} cannot cancel.")

    def capture(self, account: Account, payment: Reference, amount: Money) -> PaymentFact:
        """Take held money, all or part; what is not taken is released. The same capture again is the same capture.

        A fact that still says authorised is a refusal: nothing was taken.
        """
        raise NotSupported(f"{self.name} cannot capture.")

    def void(self, account: Account, payment: Reference) -> PaymentFact:
        """Release held money. A fact that says authorised is a refusal, one that says success came too late."""
        raise NotSupported(f"{self.name} cannot void.")

    def refund(self, account: Account, payment: Reference, key: str, amount: Money) -> RefundFact:
        """Send money back. The same refund key again gives the same refund, never a second one."""
        raise NotSupported(f"{self.name} cannot refund.")

    def inquire_refund(self, account: Account, payment: Reference, key: str) -> RefundFact | Standing:
        """Ask what became of a refund: a fact, or ABSENT where the gateway never heard of it."""
        raise NotSupported(f"{self.name} cannot be asked about refunds.")

    def read_return(self, account: Account, payment: Reference, params: Mapping[str, str]) -> PaymentFact | Standing:
        """Ask what became of an attempt whose customer's browser came back with `params`. Raises ForgedReturn.

        They are verified where the gateway signs them, and not believed even then: at most they say what to ask, and
        that the customer has left the gateway's page.
        """
        return self.inquire(account, payment)

    def parse_event(self, account: Account, body: bytes, headers: Mapping[str, str], *, at: datetime) -> ServerEvent:
        """Verify the raw bytes of a server event by one of the account's `event_secrets`, and read it.

        The account is the one at whose address it arrived. Raises ForgedEvent, UnreadableEvent.
        """
        raise NotSupported(f"{self.name} sends no events.")
