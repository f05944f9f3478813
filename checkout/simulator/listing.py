"""The simulator's inputs in the order and words in which people read them: on its page and in its documentation."""

from dataclasses import dataclass

from payments.gateways.registry import TEST_FAULT_TAG, TEST_FAULTS
from payments.gateways.simulator.inputs import CARDS, INPUTS, REFUNDS, UPI_IDS, RefundScenario, TestInput
from payments.states import Method

_NAMES = {
    Method.CARD: ("Cards", "Any expiry date to come, any code of 3 digits, any name."),
    Method.UPI: ("UPI", ""),
    Method.NETBANKING: ("Netbanking", ""),
    Method.WALLET: ("Wallets", ""),
}
_FAULTS = "For your own tests: put one of these in an order when you create it, and that order goes wrong on purpose."


@dataclass(frozen=True, slots=True)
class InputRow:
    """One input: what to type, or what to choose in words, and what comes of it. `key` finds it in the tables."""

    key: str
    outcome: str
    is_typed: bool

    @property
    def value(self) -> str:
        """As people read it: a card number in fours."""
        key = self.key
        return " ".join(key[i : i + 4] for i in range(0, len(key), 4)) if key.isdigit() else key


@dataclass(frozen=True, slots=True)
class RefundRow:
    """One kind of refund: how its amount ends, what the simulator does then, and that in words."""

    ending: str
    scenario: RefundScenario
    outcome: str


@dataclass(frozen=True, slots=True)
class InputGroup:
    """The inputs of one way to pay, or the faults. `column` heads what to type."""

    name: str
    note: str
    column: str
    rows: list[InputRow]


def method_groups() -> list[InputGroup]:
    """What customers type and choose, by way to pay."""
    return [
        InputGroup(name, note, "Type or choose", [_row(entry) for entry in INPUTS if entry.method == method])
        for method, (name, note) in _NAMES.items()
    ]


def fault_group() -> InputGroup:
    """What merchants' own tests can ask for."""
    rows = [InputRow(value, outcome, is_typed=True) for value, outcome in TEST_FAULTS.items()]
    return InputGroup(f"order_tags.{TEST_FAULT_TAG}", _FAULTS, "Value", rows)


def refund_rows() -> list[RefundRow]:
    """The amounts that steer a refund, then all others."""
    steered = [RefundRow(f"`{ending}`, like 10.{ending}", *what) for ending, what in sorted(REFUNDS.items())]
    return [*steered, RefundRow("anything else", RefundScenario.DONE, "Done at once")]


def _row(entry: TestInput) -> InputRow:
    return InputRow(entry.value, entry.outcome, is_typed=entry.value in {*CARDS, *UPI_IDS})
