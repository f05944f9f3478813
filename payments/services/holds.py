"""Held money: what is asked of the gateway about it, and how that ended. Callers hold the order."""

from datetime import datetime, timedelta
from typing import Any

from payments.gateways.base import PaymentFact
from payments.models import Authorization, Payment
from payments.services.attempts import flag_for_review
from payments.states import AuthorizationAction, AuthorizationStatus, PaymentStatus

TRY_AGAIN = timedelta(hours=1)
"""After a refusal; the hold is released when its time is up, so this is only how soon we look again."""


def write_authorization(payment: Payment, *, is_new: bool, **columns: Any) -> None:
    """Insert the payment's authorisation, or bring the one it has up to date."""
    if is_new or not Authorization.objects.filter(payment=payment).update(**columns):
        Authorization.objects.create(payment=payment, **columns)


def ask_for(payment: Payment, action: AuthorizationAction, *, at: datetime, amount_minor: int = 0) -> None:
    """Put a capture or void in flight, due at once; one that is in flight already stays."""
    in_flight = Authorization.objects.filter(payment=payment, status=AuthorizationStatus.PENDING).exists()
    if not in_flight:
        write_authorization(
            payment,
            is_new=False,
            action=action,
            status=AuthorizationStatus.PENDING,
            requested_minor=amount_minor,
            message="",
            start_time=at,
            end_time=None,
        )
    Payment.objects.filter(pk=payment.pk).update(inquire_at=at, leased_until=None)
    payment.inquire_at = at


def refuse_action(payment: Payment, fact: PaymentFact, *, at: datetime) -> None:
    """The gateway did not capture or release it: the money stays held, and people have to look."""
    authorization = Authorization.objects.get(payment=payment)
    in_flight = Authorization.objects.filter(pk=authorization.pk, status=AuthorizationStatus.PENDING)
    message = fact.message[:200] or "The gateway refused it."
    if in_flight.update(status=AuthorizationStatus.FAILED, message=message, end_time=at) == 1:
        later = at + TRY_AGAIN
        is_over_here = payment.status == PaymentStatus.VOID
        again = later if is_over_here else max(authorization.approve_by or later, later)
        Payment.objects.filter(pk=payment.pk).update(inquire_at=again, leased_until=None)
        flag_for_review(payment, f"The {authorization.action} was refused: {message}")


def shorten_hold(payment: Payment, *, until: datetime) -> None:
    """The bank lets held money go earlier than we were told at first: an event that knows it better came later."""
    longer = Authorization.objects.filter(payment=payment, approve_by__gt=until)
    if longer.update(approve_by=until):
        Payment.objects.filter(pk=payment.pk, inquire_at__gt=until).update(inquire_at=until)


def settle_void(payment: Payment, fact: PaymentFact, *, at: datetime) -> None:
    """The gateway released the hold of a payment that was void here before."""
    in_flight = Authorization.objects.filter(payment=payment, status=AuthorizationStatus.PENDING)
    in_flight.update(
        status=AuthorizationStatus.SUCCESS,
        end_time=at,
        action_reference=payment.gateway_payment_id,
        action_time=fact.happened_at or at,
    )
    Payment.objects.filter(pk=payment.pk).update(inquire_at=None, leased_until=None)
