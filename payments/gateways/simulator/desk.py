"""What the pretend bank, UPI app and wallet may do with a payment: find it by its page's address, and end it."""

from datetime import datetime

from django.conf import settings
from django.core.signing import BadSignature, Signer

from payments.gateways.simulator import book
from payments.gateways.simulator.models import SimulatedPayment

DECISIONS = {
    "approve": ("", ""),
    "decline": (SimulatedPayment.DECLINED, "payment_declined"),
    "leave": (SimulatedPayment.DROPPED, "left"),
}


def _signer() -> Signer:
    return Signer(salt="till.simulator.page", sep=".")


def page_url(row: SimulatedPayment) -> str:
    """The address of a payment's pretend page, on our own origin. Nobody can guess another payment's."""
    return f"{settings.PUBLIC_URL}/simulator/{_signer().sign(str(row.pk))}"


def find_by_token(token: str) -> SimulatedPayment | None:
    """The payment of a page's address."""
    try:
        pk = _signer().unsign(token)
    except BadSignature:
        return None
    return SimulatedPayment.objects.filter(pk=pk).first()


def is_over(row: SimulatedPayment, *, at: datetime) -> bool:
    """Whether nothing can be decided on its page any more."""
    return row.status != SimulatedPayment.OPEN or (row.deadline_at is not None and at >= row.deadline_at)


def decide(row: SimulatedPayment, decision: str, *, at: datetime, error_code: str = "") -> bool:
    """Do what the customer pressed: approve, decline or leave. False if it was over. Raises KeyError.

    `error_code` is the bank's reason to decline, if it has another than its page's.
    """
    status, usual_code = DECISIONS[decision]
    if row.deadline_at is not None and at >= row.deadline_at:
        return False
    if decision == "approve":
        return book.approve(row, at=at)
    return book.settle(row, status, at=at, error_code=error_code or usual_code)
