"""Background work: the name of a job and its function of one row id. Each claims its row, so twice is harmless."""

from collections.abc import Callable
from datetime import datetime

from payments.errors import NotYetExpired, StaleRow
from payments.gateways.simulator import events as simulator_events
from payments.services.deliveries import deliver
from payments.services.idempotency import forget_outdated_keys
from payments.services.payments import expire_order
from payments.services.reconcile import inquire_payment
from payments.services.sending import process_refund


def _expire(order_pk: int, *, at: datetime) -> None:
    try:
        expire_order(order_pk, at=at)
    except (NotYetExpired, StaleRow):
        return  # somebody paid, extended or expired it first


def _inquire(payment_pk: int, *, at: datetime) -> None:
    inquire_payment(payment_pk, at=at)


def _deliver(delivery_pk: int, *, at: datetime) -> None:
    deliver(delivery_pk, at=at)


def _refund(refund_pk: int, *, at: datetime) -> None:
    process_refund(refund_pk, at=at)


def _send_simulator_event(event_pk: int, *, at: datetime) -> None:
    simulator_events.send(event_pk, at=at)


def _forget(_: int, *, at: datetime) -> None:
    forget_outdated_keys(at=at)


JOBS: dict[str, Callable[..., None]] = {
    "expire_order": _expire,
    "inquire_payment": _inquire,
    "forget_idempotency_keys": _forget,
    "simulator_event": _send_simulator_event,
    "simulator_payment": simulator_events.take_late,
    "simulator_refund": simulator_events.return_refund,
    "refund": _refund,
    "delivery": _deliver,
}


def run_job(name: str, row_id: int, *, at: datetime) -> None:
    """Run one job. Raises KeyError for a name nobody knows."""
    JOBS[name](row_id, at=at)
