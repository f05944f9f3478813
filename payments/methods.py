"""The words for ways to pay: merchants use two vocabularies, the hosted page one."""

from collections.abc import Iterable

from payments.errors import BadInput
from payments.states import Method

_SERVED: dict[str, Method] = {
    "card": Method.CARD, "cc": Method.CARD, "dc": Method.CARD, "ccc": Method.CARD, "ppc": Method.CARD,
    "upi": Method.UPI,
    "netbanking": Method.NETBANKING, "nb": Method.NETBANKING,
    "wallet": Method.WALLET, "app": Method.WALLET,
}  # fmt: skip
_KNOWN_BUT_UNSERVED = frozenset({"paypal", "paylater", "cardlessemi", "dcemi", "ccemi", "banktransfer", "applepay"})
MOST_WORDS = 20
_INR_ONLY = frozenset({Method.UPI, Method.NETBANKING})


def offered(words: Iterable[str], currency: str) -> list[Method]:
    """The ways to pay that these words allow in this currency, in the page's order; no words mean all."""
    asked = {_SERVED[word] for word in words if word in _SERVED} if words else set(Method)
    return [method for method in Method if method in asked and (currency == "INR" or method not in _INR_ONLY)]


def check(words: Iterable[str]) -> None:
    """Refuse words that neither vocabulary knows, and more words than there are. Raises BadInput."""
    words = list(words)
    if len(words) > MOST_WORDS:
        raise BadInput("payment_methods", "too_many", f"payment_methods: write at most {MOST_WORDS} words.")
    for word in words:
        if word not in _SERVED and word not in _KNOWN_BUT_UNSERVED:
            raise BadInput(
                "payment_methods",
                "unknown_method",
                f"payment_methods: one word is unknown; write some of {', '.join(_SERVED)}, or leave it empty.",
            )
