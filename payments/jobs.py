"""Background work: the name of a job and its function of one row id. Each claims its row, so twice is harmless."""

from collections.abc import Callable
from datetime import datetime

from payments.errors import NotYetExpired, StaleRow
from payments.services.idempotency import forget_outdated_keys
from payments.services.payments import expire_order
from payments.services.reconcile import inquire_payment


def _expire(order_pk: int, *, at: datetime) -> None:
    try:
        expire_order(order_pk, at=at)
    except (NotYetExpired, StaleRow):
        return  # somebody paid, extended or expired it first


def _inquire(payment_pk: int, *, at: datetime) -> None:
    inquire_payment(payment_pk, at=at)


def _forget(_: int, *, at: datetime) -> None:
    forget_outdated_keys(at=at)


JOBS: dict[str, Callable[..., None]] = {
    "expire_order": _expire,
    "inquire_payment": _inquire,
    "forget_idempotency_keys": _forget,
}


def run_job(name: str, row_id: int, *, at: datetime) -> None:
    """Run one job. Raises KeyError for a name nobody knows."""
    JOBS[name](row_id, at=at)
