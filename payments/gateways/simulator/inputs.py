"""What the simulator answers to: the one table behind the engine, the page of test inputs and the documentation."""

from dataclasses import dataclass
from enum import StrEnum

from payments.states import Method

OTP = "123456"
MAX_WRONG_CODES = 3
SETTLES_AFTER_S = 10
"""From when on an inquiry about `pending@sim` finds it paid."""


HOLD_DAYS = 7


class RefundScenario(StrEnum):
    """What a simulated refund does."""

    DONE = "done"
    FAIL = "fail"
    HOLD = "hold"
    SETTLE = "settle"
    RETURN = "return"
    LOSE_ANSWER = "lose_answer"


REFUNDS = {
    91: (RefundScenario.FAIL, "Fails at once"),
    92: (RefundScenario.HOLD, "On hold at the gateway until the next inquiry, then done"),
    93: (RefundScenario.SETTLE, "Pending until the next inquiry, then done"),
    94: (RefundScenario.RETURN, "Done, and returned by the bank a minute later"),
    95: (RefundScenario.LOSE_ANSWER, "Done, but the answer is lost: the next inquiry says done"),
}
"""By the last two digits of the refund's minor units, like 10.91; every other amount is done at once."""


def refund_scenario(amount_minor: int) -> RefundScenario:
    """What the simulator does with a refund of this amount."""
    return REFUNDS[amount_minor % 100][0] if amount_minor % 100 in REFUNDS else RefundScenario.DONE


class Scenario(StrEnum):
    """What a simulated payment does."""

    APPROVE = "approve"
    DECLINE = "decline"
    CHALLENGE = "challenge"
    LOSE_ANSWER = "lose_answer"
    DECLINE_LATER = "decline_later"
    SETTLE = "settle"
    LATE = "late"
    PAGE = "page"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class TestInput:
    """A documented input: what to type or choose, and what comes of it in words for people."""

    __test__ = False  # its name starts with Test, but it is none

    method: Method
    value: str
    scenario: Scenario
    outcome: str
    error_code: str = ""


CARDS = {
    number: TestInput(Method.CARD, number, scenario, outcome, error_code)
    for number, scenario, outcome, error_code in (
        ("4242424242424242", Scenario.APPROVE, "Approved at once", ""),
        (
            "4000000000003220",
            Scenario.CHALLENGE,
            "The bank asks for a code: 123456 approves, the third wrong one declines, Leave drops the payment",
            "",
        ),
        ("4000000000000002", Scenario.DECLINE, "Declined without a reason", "card_declined"),
        ("4000000000009995", Scenario.DECLINE, "Declined: not enough money", "insufficient_funds"),
        ("4000000000000069", Scenario.DECLINE, "Declined: expired card", "expired_card"),
        ("4000000000000127", Scenario.DECLINE, "Declined: wrong security code", "incorrect_cvc"),
        ("4000000000000119", Scenario.LOSE_ANSWER, "Taken, but the answer is lost: the next inquiry says paid", ""),
        ("4000000000000259", Scenario.DECLINE_LATER, "Pending: the next inquiry says declined", "card_declined"),
    )
}
UPI_IDS = {
    upi_id: TestInput(Method.UPI, upi_id, scenario, outcome, error_code)
    for upi_id, scenario, outcome, error_code in (
        ("success@sim", Scenario.APPROVE, "Approved at once", ""),
        ("failure@sim", Scenario.DECLINE, "Declined at once", "payment_declined"),
        ("pending@sim", Scenario.SETTLE, "Pending: paid at the first inquiry 10 seconds after the start", ""),
        (
            "late@sim",
            Scenario.LATE,
            "Not taken until the time of attempt and order is up; then a server event says paid. Can’t be cancelled",
            "",
        ),
    )
}
PAGES = (
    TestInput(Method.UPI, "app link or QR code", Scenario.CODE, "Opens a pretend UPI app: Approve, Decline or Leave"),
    TestInput(Method.NETBANKING, "any bank", Scenario.PAGE, "Opens a pretend bank: Approve, Decline or Leave"),
    TestInput(Method.WALLET, "any wallet", Scenario.PAGE, "Opens a pretend wallet: Approve, Decline or Leave"),
)
UNKNOWN_CARD = TestInput(
    Method.CARD, "any other card number", Scenario.DECLINE, "Refused: only test cards work", "test_card_required"
)
UNKNOWN_UPI_ID = TestInput(
    Method.UPI, "any other UPI ID", Scenario.DECLINE, "Refused: only test UPI IDs work", "test_upi_required"
)
INPUTS = (*CARDS.values(), UNKNOWN_CARD, *UPI_IDS.values(), UNKNOWN_UPI_ID, *PAGES)

MESSAGES = {
    "card_declined": "The bank declined the card without a reason.",
    "insufficient_funds": "Not enough money available.",
    "expired_card": "The card has expired.",
    "incorrect_cvc": "The security code is wrong.",
    "test_card_required": "Refused: only test cards work here.",
    "test_upi_required": "Refused: only test UPI IDs work here.",
    "payment_declined": "The bank declined the payment.",
    "authentication_failed": "The bank's code was wrong too often.",
    "left": "The customer left before paying.",
    "not_completed": "Nobody completed this attempt in time.",
    "cancelled": "Cancelled before it was paid.",
}
