"""`python -m checkout.simulator.docs`: write the tables of docs/simulator.md anew. Its head is written by hand."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from checkout.simulator.listing import InputGroup, fault_group, method_groups, refund_rows
from payments.gateways.simulator.inputs import HOLD_DAYS, INPUTS, MAX_WRONG_CODES, OTP, RefundScenario, Scenario
from payments.states import PaymentStatus, RefundStatus

PAGE = Path(__file__).resolve().parents[2] / "docs" / "simulator.md"
MARK = "<!-- Below this line `make docs` writes. -->\n"
_S, _R = PaymentStatus, RefundStatus


@dataclass(frozen=True, slots=True)
class Course:
    """An attempt's status at once, when asked about 10 s after its start, and when its time is over.

    Nobody presses anything at the pretend bank meanwhile.
    """

    at_once: PaymentStatus
    asked: PaymentStatus
    over: PaymentStatus


@dataclass(frozen=True, slots=True)
class RefundCourse:
    """A refund's status at once, when asked about 10 s after it was sent, and 2 minutes after that with all events."""

    at_once: RefundStatus
    asked: RefundStatus
    later: RefundStatus


_PAID = Course(_S.SUCCESS, _S.SUCCESS, _S.SUCCESS)
_DECLINED = Course(_S.FAILED, _S.FAILED, _S.FAILED)
_UNTOUCHED = Course(_S.PENDING, _S.PENDING, _S.USER_DROPPED)
_PAID_WHEN_ASKED = Course(_S.PENDING, _S.SUCCESS, _S.SUCCESS)

COURSES = {
    Scenario.APPROVE: _PAID,
    Scenario.DECLINE: _DECLINED,
    Scenario.CHALLENGE: _UNTOUCHED,
    Scenario.LOSE_ANSWER: _PAID_WHEN_ASKED,
    Scenario.DECLINE_LATER: Course(_S.PENDING, _S.FAILED, _S.FAILED),
    Scenario.SETTLE: _PAID_WHEN_ASKED,
    Scenario.LATE: _UNTOUCHED,
    Scenario.PAGE: _UNTOUCHED,
    Scenario.CODE: _UNTOUCHED,
}
FAULT_COURSES = {
    "timeout_before": Course(_S.PENDING, _S.PENDING, _S.FAILED),
    "timeout_after": _PAID_WHEN_ASKED,
    "error_after": _PAID_WHEN_ASKED,
    "duplicate_event": _PAID,
    "reorder_events": _PAID,
    "lose_event": _PAID,
}
"""With the card that is approved at once."""
ANSWERS = (
    (f"Approve, with the code {OTP} where the bank asks for one", _S.SUCCESS),
    ("Decline, where the bank asks for no code", _S.FAILED),
    (f"Approve with a wrong code, {MAX_WRONG_CODES} times", _S.FAILED),
    ("Leave without paying", _S.USER_DROPPED),
)
HOLDS = (
    ("The customer’s bank says yes", _S.AUTHORIZED),
    ("All of it is captured, or a part: the rest is released", _S.SUCCESS),
    ("It is released, or its order is terminated", _S.VOID),
    (f"Nobody does anything for {HOLD_DAYS} days", _S.VOID),
)
REFUND_COURSES = {
    RefundScenario.DONE: RefundCourse(_R.SUCCESS, _R.SUCCESS, _R.SUCCESS),
    RefundScenario.FAIL: RefundCourse(_R.FAILED, _R.FAILED, _R.FAILED),
    RefundScenario.HOLD: RefundCourse(_R.ONHOLD, _R.SUCCESS, _R.SUCCESS),
    RefundScenario.SETTLE: RefundCourse(_R.PENDING, _R.SUCCESS, _R.SUCCESS),
    RefundScenario.RETURN: RefundCourse(_R.SUCCESS, _R.SUCCESS, _R.FAILED),
    RefundScenario.LOSE_ANSWER: RefundCourse(_R.PENDING, _R.SUCCESS, _R.SUCCESS),
}
VERDICTS = {
    _S.PENDING: "pending",
    _S.AUTHORIZED: "authorized",
    _S.SUCCESS: "success",
    _S.FAILED: "failed",
    _S.USER_DROPPED: "failed",
    _S.VOID: "terminated",
}
"""What VerifyPayment says of an order whose only attempt has this status, before the order's own time is over."""


def tables() -> str:
    """All that is generated."""
    scenarios = {entry.value: entry.scenario for entry in INPUTS}
    courses = {value: COURSES[scenario] for value, scenario in scenarios.items()}
    parts = [
        *(_section(group, group.note, courses) for group in method_groups()),
        _answers(),
        _section(fault_group(), "With the card that is approved at once:", FAULT_COURSES),
        _holds(),
        _refunds(),
        _verdicts(),
    ]
    return "\n".join(parts)


def _section(group: InputGroup, note: str, courses: dict[str, Course]) -> str:
    rows = []
    for row in group.rows:
        course = courses[row.key]
        value = f"`{row.value}`" if row.is_typed else row.value
        rows.append((value, row.outcome, *map(str, (course.at_once, course.asked, course.over))))
    head = (group.column.lower(), "what happens", "at once", "asked after 10 s", "when its time is over")
    name = f"`{group.name}`" if "." in group.name else group.name
    return "\n".join([f"## {name}\n", *([f"{note}\n"] if note else []), _table(head, rows)])


def _answers() -> str:
    return "## What is pressed at the pretend bank, wallet or UPI app\n\n" + _table(("press", "payment"), ANSWERS)


def _holds() -> str:
    note = (
        "An order with `capture_method` `manual` (or of a merchant that captures by hand) holds the money. "
        "It is offered cards and UPI: here, banks and wallets cannot hold.\n\n"
    )
    return "## Held money\n\n" + note + _table(("what happens", "payment"), HOLDS)


def _refunds() -> str:
    rows = []
    for row in refund_rows():
        course = REFUND_COURSES[row.scenario]
        rows.append((row.ending, row.outcome, *map(str, (course.at_once, course.asked, course.later))))
    head = ("amount ends in", "what happens", "at once", "asked after 10 s", "2 minutes later")
    note = "By the last two digits of the refund’s amount in minor units (paise, cents), whoever asks for it.\n\n"
    return "## Refunds\n\n" + note + _table(head, rows)


def _verdicts() -> str:
    rows = [(f"`{status}`", f"`{verdict}`") for status, verdict in VERDICTS.items()]
    note = "While the order’s own time lasts; after it, an order that is neither paid nor held is `expired`.\n\n"
    return "## What VerifyPayment says\n\n" + note + _table(("payment", "`status`"), rows)


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def regenerated(page: str) -> str:
    """The page with its hand-written head kept and its tables as they are today. Raises ValueError without the mark."""
    head, mark, _ = page.partition(MARK)
    if not mark:
        raise ValueError(f"{PAGE.name} has lost the line {MARK.strip()!r}.")
    return f"{head}{mark}\n{tables()}"


if __name__ == "__main__":
    PAGE.write_text(regenerated(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    sys.stdout.write(f"Wrote {PAGE.name}.\n")
