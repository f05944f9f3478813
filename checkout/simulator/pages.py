"""What the simulator's pages show: plain values for its templates."""

from dataclasses import dataclass, field
from datetime import datetime

from checkout.amounts import amount_of
from checkout.redirects import own_path
from checkout.simulator.listing import InputGroup, fault_group, method_groups
from payments.banks import WALLETS
from payments.gateways.simulator import desk as simulator
from payments.gateways.simulator.inputs import MAX_WRONG_CODES, OTP, Scenario
from payments.gateways.simulator.models import SimulatedPayment
from payments.states import Method

BACK = "Back to the payment page"
_TAKEN = "The money was taken, in pretence."
_UNTAKEN = "Nothing has been taken."
_ENDINGS = {
    SimulatedPayment.CAPTURED: ("approved", _TAKEN),
    SimulatedPayment.DECLINED: ("declined", _UNTAKEN),
    SimulatedPayment.DROPPED: ("left without paying", _UNTAKEN),
    SimulatedPayment.CANCELLED: ("cancelled on the payment page’s side", _UNTAKEN),
    SimulatedPayment.OPEN: ("too late", _UNTAKEN),
}
_LEADS: dict[str, str] = {
    Scenario.CHALLENGE: "A real bank would send a code by SMS; here it is printed below.",
    Scenario.PAGE: "A real one would ask you to sign in; here you only decide.",
    Scenario.CODE: (
        "A real app would ask for your PIN; here you only decide. "
        "If you came by a QR code, the shop’s page over there will know by itself."
    ),
}


@dataclass
class SimulatorPage:
    """Everything a simulator template may show. Empty means: leave it out."""

    title: str
    lead: str
    drawing: str = ""
    """What kind of page it is, in the corner of the drawing."""
    reference: str = ""
    rows: list[tuple[str, str]] = field(default_factory=list)
    sentence: str = ""
    asks_code: bool = False
    error: str = ""
    decisions: list[tuple[str, str]] = field(default_factory=list)
    """Value and label of each button, the first one filled: it is also what Enter presses."""
    answers: list[tuple[str, str]] = field(default_factory=list)
    """What each code or button does."""
    back_url: str = ""
    back_label: str = BACK
    groups: list[InputGroup] = field(default_factory=list)


# --- One payment ---


def desk_page(row: SimulatedPayment, *, at: datetime, error: str = "") -> SimulatorPage:
    """The page of one payment: to decide, or, when it is over, what became of it."""
    name = _desk_name(row)
    page = SimulatorPage(
        title=f"{name}: is it you?" if row.scenario == Scenario.CHALLENGE else f"{name}: approve this payment?",
        lead=f"Part of Till’s simulator. {_LEADS.get(row.scenario, '')}",
        drawing=_drawing(row),
        reference=row.gateway_payment_id,
        rows=_rows(row),
        sentence=_UNTAKEN,
        error=error,
    )
    if simulator.is_over(row, at=at):
        return _over(page, row, name)
    if row.scenario == Scenario.CHALLENGE:
        return _with_code(page, row)
    page.decisions = [("approve", "Approve"), ("decline", "Decline"), ("leave", "Leave without paying")]
    page.answers = [("Approve", "takes the money"), ("Decline", "says no"), ("Leave", "drops the payment")]
    return page


def _over(page: SimulatorPage, row: SimulatedPayment, name: str) -> SimulatorPage:
    is_late = row.error_code == "not_completed"
    ending, page.sentence = _ENDINGS[SimulatedPayment.OPEN if is_late else row.status]
    page.title = f"{name}: {ending}"
    page.lead = "There is nothing more to do here."
    if row.scenario == Scenario.CODE:
        page.lead += " If the shop’s page is open on another device, it will know by itself."
    page.error = ""
    page.back_url = own_path(row.return_url)
    return page


def _with_code(page: SimulatorPage, row: SimulatedPayment) -> SimulatorPage:
    left = MAX_WRONG_CODES - row.wrong_codes
    wrong = f"That code was wrong. {left} {'try' if left == 1 else 'tries'} left." if row.wrong_codes else ""
    page.asks_code = True
    page.error = page.error or wrong
    page.decisions = [("approve", "Approve"), ("leave", "Leave without paying")]
    page.answers = [
        (OTP, "approves"),
        ("any other code", f"is refused; the {_ordinal(MAX_WRONG_CODES)} one declines"),
        ("Leave", "drops the payment"),
    ]
    return page


def _ordinal(number: int) -> str:
    return {2: "second", 3: "third", 4: "fourth", 5: "fifth"}.get(number, f"{number}th")


def _desk_name(row: SimulatedPayment) -> str:
    if row.method == Method.NETBANKING:
        return f"Pretend {row.details.get('netbanking_bank_name', 'Bank')}"
    if row.method == Method.WALLET:
        return f"Pretend {WALLETS.get(row.details.get('provider', ''), 'wallet')}"
    return "Pretend UPI app" if row.method == Method.UPI else "Pretend Bank"


def _drawing(row: SimulatedPayment) -> str:
    names = {Method.NETBANKING: "Netbanking", Method.WALLET: "Wallet", Method.UPI: "UPI app"}
    return names.get(Method(row.method), "Card challenge")


def _rows(row: SimulatedPayment) -> list[tuple[str, str]]:
    card = [("Card", f"ends {row.card_last4}")] if row.card_last4 else []
    return [("Pay to", row.payee), ("Amount", amount_of(row.amount).text), *card]


# --- All inputs ---


def inputs_page(*, back_url: str = "") -> SimulatorPage:
    """All test inputs, by method, and the faults a merchant's own tests can ask for."""
    return SimulatorPage(
        title="Test cards and IDs",
        lead="What Till’s simulator answers to in test mode. One click selects a whole value.",
        groups=[*method_groups(), fault_group()],
        back_url=back_url,
    )


# --- No payment ---


def gone_page() -> SimulatorPage:
    return SimulatorPage("No such payment", "Check that the whole address was copied, or start again in the shop.")


def refused_page(url: str) -> SimulatorPage:
    """A form that another page sent. `url` is where the genuine one is."""
    lead = "It did not come from this page, so we did nothing with it."
    return SimulatorPage("This form can’t be used", lead, back_url=url, back_label="Open this payment’s page")
