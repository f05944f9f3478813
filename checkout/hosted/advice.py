"""What may help after an attempt that took nothing: four advices, one table. The exact code is for the merchant.

Card testers read declines. So no advice is given for one reason alone that only a real card can have: that money or a
limit does not suffice is told by the same words as a plain no, and a wrong date by those of a wrong code.
"""

from enum import StrEnum


class Advice(StrEnum):
    """All that a payer may learn of why."""

    CHECK = "check"
    """Check the details."""
    OTHER = "other"
    """Another card, or another way to pay."""
    CALL = "call"
    """Call the bank, or ask whoever said no."""
    LATER = "later"
    """Try later: nobody refused it for good."""


ADVICE = {
    "expired_card": Advice.CHECK,
    "incorrect_cvc": Advice.CHECK,
    "incorrect_number": Advice.CHECK,
    "invalid_upi_id": Advice.CHECK,
    "test_card_required": Advice.CHECK,
    "test_upi_required": Advice.CHECK,
    "card_declined": Advice.OTHER,
    "insufficient_funds": Advice.OTHER,
    "limit_exceeded": Advice.OTHER,
    "authentication_failed": Advice.OTHER,
    "order_refused": Advice.OTHER,
    "not_supported": Advice.OTHER,
    "payment_declined": Advice.CALL,
    "processing_error": Advice.LATER,
    "not_taken": Advice.LATER,
    "not_received": Advice.LATER,
    "left": Advice.LATER,
    "not_completed": Advice.LATER,
    "cancelled": Advice.LATER,
}
"""Every code that a gateway's table or Till itself gives a failed attempt."""


def advice_for(error_code: str) -> Advice:
    """A gateway's word that stands in no table may mean anything: another card or way is never wrong."""
    return ADVICE.get(error_code, Advice.OTHER)
