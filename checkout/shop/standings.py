"""What the order page says for each word VerifyPayment may answer."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Standing:
    """The page's words; `{name}` and `{total}` are filled in by the view.

    `mark` names a drawing and its colour. `button` leads back to the payment page, `ask` to this page again.
    """

    badge: str
    mark: str
    heading: tuple[str, ...]
    words: str
    total_label: str = "Total"
    button: str = ""
    ask: str = ""

    @property
    def drawing(self) -> str:
        return f"shop/mark-{self.mark}.svg"


UNKNOWN = Standing(
    badge="Not known yet",
    mark="unknown",
    heading=("Your bank hasn’t told us yet",),
    words="We don’t know yet if {total} was taken. Please don’t pay again. We asked Till just now, "
    "and you can ask as often as you like.",
    ask="Ask Till again",
    button="Open the payment page",
)
UNPAID = Standing(
    badge="Not paid",
    mark="unpaid",
    heading=("This order isn’t paid yet",),
    words="Nothing has been taken. We keep your order as it is. Try again; where that page takes no more "
    "tries, buy once more and start afresh.",
    total_label="To pay",
    button="Try paying again",
)
STANDINGS = {
    "success": Standing(
        badge="Paid",
        mark="paid",
        heading=("Thank you, {name}.", "We’re wrapping it now."),
        words="We asked Till before writing this, so it is true even if you came back by another road.",
        total_label="Paid",
    ),
    "created": UNPAID,
    "failed": UNPAID,
    "pending": UNKNOWN,
    "authorized": Standing(
        badge="Held",
        mark="held",
        heading=("Your bank said yes",),
        words="{total} is held by your bank, not taken. It is taken when your parcel leaves; "
        "if none does, your bank lets it go.",
        total_label="Held",
    ),
    "expired": Standing(
        badge="Closed",
        mark="closed",
        heading=("This order’s time is up",),
        words="It wasn’t paid in time and can’t be paid any more. "
        "Should your bank still send the money, you get it back. You are welcome to order again.",
    ),
    "terminated": Standing(
        badge="Called off",
        mark="closed",
        heading=("This order was called off",),
        words="It was closed before it was paid and can’t be paid any more. "
        "Should your bank still send the money, you get it back. You are welcome to order again.",
    ),
    "refunded": Standing(
        badge="Refunded",
        mark="returned",
        heading=("We’ve sent your money back",),
        words="All that was taken went back to you. Your bank may take a few days to show it.",
    ),
}
RETURNING = Standing(
    badge="Being returned",
    mark="returned",
    heading=("Your money is on its way back",),
    words="It came after this order had ended, so Till returns it by itself. Please don’t pay again here. "
    "You are welcome to order again.",
)
RETURNING_WORDS = "is being returned"
"""What VerifyPayment's message adds for an order that is over, while late money goes back."""


def standing_of(answer: Mapping[str, object]) -> Standing:
    """The words for an answer. A status we have never heard of proves nothing, so we don't claim to know."""
    status = answer.get("status")
    if status in ("expired", "terminated") and RETURNING_WORDS in str(answer.get("message", "")):
        return RETURNING
    return STANDINGS.get(status, UNKNOWN) if isinstance(status, str) else UNKNOWN
