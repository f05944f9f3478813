"""Calls of Stripe's API by its official package, and its refusals in the contract's words.

The package is imported inside functions: it is large, and most servers never call it.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from payments.gateways.base import Account, Unanswered

if TYPE_CHECKING:
    from stripe import StripeClient

API_BASE = "https://api.stripe.com"
"""Where Stripe answers; tests put a server of their own here."""
CONNECT_S, READ_S = 4.0, 15.0
KEYS_TRIED = 5
"""For one write: each key after the first only once the one before is known to have done nothing."""
Object = Mapping[str, Any]
Options = dict[str, str]


class Refused(Exception):
    """Stripe understood and said no: nothing was done. `code` is its own word for why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class NotSent(Unanswered):
    """The request surely was not looked at: no connection, or too many requests."""


class BadKey(Unanswered):
    """Stripe does not let this key in, or not there: nothing was done. The message is for staff."""


class KeyUsed(Unanswered):
    """There was a request under this key, and it asked for something else."""


class Replayed(Exception):
    """Stripe repeated how the first request under this key ended: without success."""


def client_of(account: Account) -> "StripeClient":
    """Stripe's client for an account. It never tries again by itself: we ask first. Raises BadKey.

    A key says itself which mode it is of: one of the other would move real money for a test, or none for an order.
    """
    import stripe

    key, mode = account.credentials.get("secret_key", ""), account.mode
    if not re.fullmatch(rf"(sk|rk)_{mode}_\w+", key, re.ASCII):
        raise BadKey(f"This is no key of {mode} mode: it has to begin with rk_{mode}_ or sk_{mode}_.")
    stripe.enable_telemetry = False
    return stripe.StripeClient(
        key,
        http_client=_http(CONNECT_S, READ_S),
        base_addresses={"api": API_BASE},
        max_network_retries=0,
    )


@cache
def _http(connect_s: float, read_s: float) -> Any:
    """One for all accounts and threads, so that connections stay open."""
    import stripe

    from payments.gateways.transport import session

    return stripe.RequestsClient(session=session(connect_s, read_s))


def read(call: Callable[..., Any], *told: Any) -> Object:
    """Call what changes nothing; the object as plain values. Raises Refused, Unanswered."""
    with _in_our_words():
        answer: Object = call(*told).to_dict()
        return answer


def write(call: Callable[[Options], Any], key: str, *, done: Callable[[], Object | None]) -> Object:
    """Call what changes something, under an idempotency key; the object as plain values.

    Stripe keeps the first answer to a key for a day, an error of its server too, and repeats it. Then `done` looks up
    whether the thing was done all the same, and only if it was not is another key tried. Raises as `read`.
    """
    for number in range(1, KEYS_TRIED + 1):
        try:
            with _in_our_words():
                answer: Object = call({"idempotency_key": key if number == 1 else f"{key}-{number}"}).to_dict()
                return answer
        except (Replayed, KeyUsed) as earlier:
            found = done()
            if found is not None:
                return found
            if isinstance(earlier, KeyUsed):
                raise
    raise Unanswered("Stripe repeats its errors.")


@contextmanager
def _in_our_words() -> Iterator[None]:
    """Stripe's exceptions as ours. Messages of ours only: Stripe's may quote what we sent."""
    import stripe

    from payments.gateways.transport import NeverConnected

    try:
        yield
    except stripe.AuthenticationError:
        raise BadKey("Stripe does not know this secret key: copy it again from its dashboard.") from None
    except stripe.PermissionError as fault:
        named = re.search(r"rak_\w+", fault.user_message or "")
        lacks = f"the permission {named[0]}" if named else "a permission"
        raise BadKey(f"The restricted key lacks {lacks}: docs/stripe.md lists all it needs.") from None
    except stripe.APIConnectionError as fault:
        if isinstance(fault.__cause__, NeverConnected):
            raise NotSent("Stripe cannot be reached.") from None
        raise Unanswered("Stripe did not answer.") from None
    except stripe.RateLimitError:
        raise NotSent("Stripe takes no more requests at the moment.") from None
    except stripe.IdempotencyError:
        raise KeyUsed("Stripe got another request under this key.") from None
    except stripe.StripeError as fault:
        if (fault.headers or {}).get("idempotent-replayed") == "true":
            raise Replayed from None
        if isinstance(fault, stripe.InvalidRequestError | stripe.CardError):
            raise Refused(fault.code or "refused", fault.user_message or "Stripe refused it.") from None
        raise Unanswered("Stripe's server failed.") from None
