"""What the contract's cases need of a gateway besides its adapter: customers, a book, faults and server events."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from payments import clock, ids
from payments.gateways.base import Account, Attempt, Gateway, Outcome, Payer, PaymentFact, Reference, Standing
from payments.money import Money
from payments.states import Method
from tests.gateways.fakes.server import FakeServer

PRICE = Money(29_999, "INR")


@dataclass
class Trip:
    """One attempt on its way: what was asked, what the gateway answered, and what its page gave the browser."""

    attempt: Attempt
    outcome: Outcome
    gateway_payment_id: str = ""
    brought: dict[str, str] = field(default_factory=dict)

    @property
    def reference(self) -> Reference:
        order_id = getattr(self.outcome, "gateway_order_id", "") or self.attempt.gateway_order_id
        return Reference(self.attempt.key, self.gateway_payment_id, order_id, started_at=self.attempt.at)


class World:
    """A gateway under test. Each gateway's tests fill this in; the cases in `contract` know nothing else of it."""

    gateway: Gateway
    account: Account
    """Ours, with credentials that work."""
    other: Account
    """Somebody else's at the same gateway, with credentials of its own."""
    method = Method.CARD
    server: FakeServer
    """Of a gateway with a server of its own."""
    captures_in_part = True
    releases = True
    """Whether held money can be released by asking."""

    # --- the customer, at the page an outcome leads to; what the browser comes back with is left in `trip.brought` ---

    def approve(self, trip: Trip, amount: Money | None = None) -> None:
        """Pay, perhaps an amount that nobody asked for. AssertionError where the page does not take it."""
        raise NotImplementedError

    def decline(self, trip: Trip) -> None:
        """Be refused by the bank and sent back."""
        raise NotImplementedError

    def leave(self, trip: Trip) -> None:
        """Go back without paying."""
        raise NotImplementedError

    # --- the gateway ---

    def lose(self, call: str, fault: str) -> None:
        """What happens to the next call of that name of the contract: `before` it is never acted on and times out,
        `after` its answer is lost, `error` it is acted on and answered by a 500, `nonsense` by a page, `drip` slower
        in all than anybody waits, `flood` by more than anybody reads; a status like `409` it is not acted on and
        answered by a no.
        """
        raise NotImplementedError

    def say(self, trip: Trip, word: str) -> None:
        """Change the gateway's word for the payment of an attempt that was approved."""
        raise NotImplementedError

    def refuse_connections(self) -> None:
        """From now on nobody is there."""
        raise NotImplementedError

    def taken(self) -> list[Money]:
        """Its book: every capture there is."""
        raise NotImplementedError

    def given_back(self) -> list[Money]:
        """Its book: every refund that was not refused."""
        raise NotImplementedError

    def events(self) -> list[tuple[bytes, dict[str, str]]]:
        """What its server has sent so far, oldest first: raw bytes and headers."""
        raise NotImplementedError

    def signed(self, body: bytes, account: Account, like: Mapping[str, str]) -> dict[str, str]:
        """Headers that sign a body for an account's events, other headers as in `like`."""
        raise NotImplementedError

    # --- what every world does the same way ---

    def attempt(self, **over: object) -> Attempt:
        """A new attempt as the core would send it."""
        at = clock.now()
        values: dict[str, object] = {
            "key": ids.new_gateway_key(),
            "account": self.account,
            "amount": PRICE,
            "method": self.method,
            "order_id": "INV-1",
            "at": at,
            "deadline_at": at + timedelta(minutes=15),
            "order_expires_at": at + timedelta(hours=24),
            "payee": "Kite Shop",
            "payer": Payer("Asha Rao", "asha@example.com", "+919999999999"),
            "return_url": "https://till.example/callbacks/return/1",
            "event_url": "https://till.example/callbacks/events",
        }
        return Attempt(**{**values, **over})

    def go(self, **over: object) -> Trip:
        """Start an attempt."""
        attempt = self.attempt(**over)
        return Trip(attempt, self.gateway.start(attempt))

    def ask(self, trip: Trip) -> PaymentFact | Standing:
        """Inquire, and remember the gateway's id of the payment as the core would."""
        return self._noted(trip, lambda: self.gateway.inquire(self.account, trip.reference))

    def come_back(self, trip: Trip) -> PaymentFact | Standing:
        """Bring the browser back to us."""
        return self._noted(trip, lambda: self.gateway.read_return(self.account, trip.reference, trip.brought))

    def _noted(self, trip: Trip, ask: Callable[[], PaymentFact | Standing]) -> PaymentFact | Standing:
        said = ask()
        if isinstance(said, PaymentFact):
            trip.gateway_payment_id = said.gateway_payment_id or trip.gateway_payment_id
        return said
