"""What gateways answer at once: to the start of an attempt, and to the code a customer typed."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from payments import clock, faults
from payments.gateways.base import (
    Challenge,
    Done,
    GoTo,
    NotSupported,
    Outcome,
    PaymentFact,
    PostTo,
    Unanswered,
    Wait,
)
from payments.gateways.registry import gateway_named
from payments.models import Payment
from payments.services.calls import account_values, call_gateway
from payments.services.facts import apply_gateway_fact
from payments.states import PaymentStatus

CHALLENGE = "challenge"
"""Type of the next action of a payment whose bank asks for a code."""


def answer_challenge(payment_pk: int, answer: Mapping[str, str], *, at: datetime) -> Payment:
    """Pass on what a customer answered to the bank's challenge: `otp`, or `leave`. Without an answer it stays pending.

    An attempt that is over, or waits for no code, is left as it is. The same answer twice is harmless.
    """
    payment = Payment.objects.get(pk=payment_pk)
    if payment.status != PaymentStatus.PENDING or payment.next_action.get("type") != CHALLENGE:
        return payment
    gateway = gateway_named(payment.gateway)
    try:
        outcome = call_gateway(lambda: gateway.resume(account_values(payment), payment.gateway_key, answer))
    except (Unanswered, NotSupported):
        Payment.objects.filter(pk=payment.pk, status=PaymentStatus.PENDING, inquire_at__gt=at).update(inquire_at=at)
        return payment
    apply_outcome(payment, outcome)
    faults.point("pay.after_t2")
    return payment


def apply_outcome(payment: Payment, outcome: Outcome, *, answers_start: bool = False) -> None:
    """Apply what a gateway answered: a fact, or what the customer has to do next."""
    if isinstance(outcome, Done):
        fact = outcome.fact
    else:
        order_id = outcome.gateway_order_id if isinstance(outcome, GoTo | PostTo) else ""
        fact = PaymentFact(PaymentStatus.PENDING, payment.gateway_key, gateway_order_id=order_id)
    apply_gateway_fact(
        payment,
        fact,
        cause="gateway answer",
        at=clock.now(),
        answers_start=answers_start,
        next_action=_next_action(outcome),
    )


def _next_action(outcome: Outcome) -> dict[str, Any]:
    """An outcome as the payment's row keeps it."""
    match outcome:
        case Challenge(prompt, url):
            return {"type": CHALLENGE, "prompt": prompt, "url": url}
        case GoTo(url):
            return {"type": "redirect", "url": url}
        case PostTo(url, fields):
            return {"type": "post", "url": url, "fields": dict(fields)}
        case Wait(link) if link:
            return {"type": "code", "link": link}
        case _:
            return {}
