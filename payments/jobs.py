"""Background work: the name of a job and its function of one row id. Each claims its row, so twice is harmless."""

from collections.abc import Callable
from datetime import datetime

from payments.errors import NotYetExpired, StaleRow
from payments.gateways.simulator import events as simulator_events
from payments.services.deliveries import deliver
from payments.services.idempotency import forget_outdated_keys
from payments.services.letters import tell_customer
from payments.services.notices import tell_of_endpoint
from payments.services.payments import expire_order
from payments.services.pruning import prune
from payments.services.reconcile import inquire_payment
from payments.services.sending import process_refund
from payments.services.settlement_lines import build_settlement
from payments.services.settlement_runs import run_schedule


def _expire(order_pk: int, *, at: datetime) -> bool:
    try:
        expire_order(order_pk, at=at)
    except (NotYetExpired, StaleRow):
        return False  # somebody paid, extended or expired it first
    return True


def _send_simulator_event(event_pk: int, *, at: datetime) -> None:
    simulator_events.send(event_pk, at=at)


def _forget(_: int, *, at: datetime) -> None:
    forget_outdated_keys(at=at)


def _prune(_: int, *, at: datetime) -> None:
    prune(at=at)


JOBS: dict[str, Callable[..., bool | None]] = {
    "expire_order": _expire,
    "inquire_payment": inquire_payment,
    "forget_idempotency_keys": _forget,
    "simulator_event": _send_simulator_event,
    "simulator_payment": simulator_events.take_late,
    "simulator_refund": simulator_events.return_refund,
    "refund": process_refund,
    "delivery": deliver,
    "endpoint_notice": tell_of_endpoint,
    "customer_mail": tell_customer,
    "prune": _prune,
    "settlement_schedule": run_schedule,
    "settlement": build_settlement,
}


def run_job(name: str, row_id: int, *, at: datetime) -> bool:
    """Run one job; false if it was not ours to do any more. Raises KeyError for a name nobody knows."""
    return JOBS[name](row_id, at=at) is not False
