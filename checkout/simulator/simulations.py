"""A merchant's own test says how a payment ends, without a browser: the desk's deed, and the truth that follows."""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from payments import clock, ids
from payments.errors import NotFound, PaymentsError
from payments.gateways.base import PaymentFact
from payments.gateways.simulator import desk
from payments.gateways.simulator.inputs import CARDS, UPI_IDS
from payments.gateways.simulator.models import SimulatedPayment, Simulation
from payments.models import ApiKey, Payment
from payments.services.calls import ask_gateway
from payments.services.facts import apply_gateway_fact
from payments.states import PaymentStatus

DECISIONS: Mapping[str, str] = {"SUCCESS": "approve", "FAILED": "decline", "USER_DROPPED": "leave", "PENDING": ""}
"""The wire's words for how a payment is to end, and what somebody at the desk would press for it."""

_AGREES = {
    "SUCCESS": {SimulatedPayment.CAPTURED, SimulatedPayment.HELD},
    "FAILED": {SimulatedPayment.DECLINED},
    "USER_DROPPED": {SimulatedPayment.DROPPED},
    "PENDING": {SimulatedPayment.OPEN},
}
DECLINES = frozenset(entry.error_code for entry in (*CARDS.values(), *UPI_IDS.values()) if entry.error_code)
"""The reasons to decline that the simulator knows by name."""


class AlreadyDecided(PaymentsError):
    """The payment has ended otherwise, or nobody at the desk ever saw it."""


def find_own_payment(key: ApiKey, uid: str) -> Payment:
    """The caller's own simulated attempt. Raises NotFound."""
    known = uid.isascii() and "\x00" not in uid
    mine = Payment.objects.filter(merchant_id=key.merchant_id, mode=key.mode, gateway="simulator", uid=uid)
    payment = mine.first() if known else None
    if payment is None:
        raise NotFound("payment_not_found: you have no payment with this id in the simulator.")
    return payment


def find_own_simulation(key: ApiKey, uid: str) -> tuple[Simulation, Payment]:
    """What the caller's own test decided, and about which attempt. Raises NotFound."""
    known = uid.isascii() and "\x00" not in uid
    found = Simulation.objects.select_related("payment").filter(uid=uid).first() if known else None
    mine = Payment.objects.filter(merchant_id=key.merchant_id, mode=key.mode, gateway="simulator")
    payment = mine.filter(account_id=found.payment.account_id, gateway_key=found.payment.key).first() if found else None
    if found is None or payment is None:
        raise NotFound("simulation_not_found: you have no simulation with this id.")
    return found, payment


def simulate(payment: Payment, status: str, error_code: str, *, at: datetime) -> Simulation:
    """Press at the desk what a payment's wanted end calls for, and keep that it was asked for.

    A reason to decline that the simulator does not know declines without one of its own. What has ended that way
    already is left as it is. Only the simulator's book is written: `tell` brings the truth to our side.
    Raises AlreadyDecided, and KeyError for a status that the wire does not know.
    """
    decision = DECISIONS[status]
    with transaction.atomic():
        row = SimulatedPayment.objects.filter(account_id=payment.account_id, key=payment.gateway_key).first()
        if row is None:
            raise AlreadyDecided("invalid_state: the simulator never got this payment, so it decides nothing.")
        reason = error_code.lower() if error_code.lower() in DECLINES else ""
        if decision:
            desk.decide(row, decision, at=at, error_code=reason if decision == "decline" else "")
        if row.status not in _AGREES[status]:
            over = "its time is over" if row.status == SimulatedPayment.OPEN else f"it is {row.status} already"
            raise AlreadyDecided(f"invalid_state: this payment cannot be decided any more, {over}.")
        return Simulation.objects.create(
            uid=ids.new_simulation_id(), payment=row, payment_status=status, payment_error_code=error_code, made_at=at
        )


def tell(payment: Payment, simulation: Simulation) -> None:
    """Ask the simulator what became of a payment just decided, and apply its answer. Harmless when done twice.

    Its server event tells the same, but comes by the worker, and merchants' tests look at once. To ask about a payment
    that is to stay pending would decide some of them, so nobody asks.
    """
    if DECISIONS[simulation.payment_status] and payment.status == PaymentStatus.PENDING:
        answer = ask_gateway(payment)
        if isinstance(answer, PaymentFact):
            apply_gateway_fact(payment, answer, cause="inquiry", at=clock.now())
