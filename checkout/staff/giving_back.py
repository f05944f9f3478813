"""Asking for a refund of a payment, and how a refund stands in words."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.db.models import Max
from django.http import HttpRequest

from checkout.amounts import format_money
from checkout.staff.captures import about, money
from checkout.staff.deed_forms import RefundForm
from checkout.staff.deeds import Deed, Figures, Told
from checkout.staff.reasons import ReasonForm
from payments.models import Payment, Refund
from payments.money import Money
from payments.services.audit import Act
from payments.services.refunds import NewRefund
from payments.services.sending import refund_payment
from payments.states import PaymentStatus, RefundStatus

DISPUTED = "This payment is disputed: the bank decides, so nothing is refunded meanwhile."


class AskForRefund(Deed[Payment]):
    """Give captured money back, all or part; above the merchant's limit, ask a second person to."""

    name, label, title = "refund", "Refund…", "Refund this payment"
    permission = "payments.add_refund"

    def why_not(self, row: Payment, user_id: int) -> str:
        if row.status != PaymentStatus.SUCCESS:
            return "This payment took no money, so there is nothing to give back."
        if row.disputed_at is not None:
            return DISPUTED
        return "" if row.refundable.minor > 0 else "Nothing is left to refund: all of it went back or is on its way."

    def form(self, row: Payment, data: dict[str, Any] | None = None) -> ReasonForm:
        left = row.refundable
        return RefundForm(data, most=left, initial={"amount": str(left.as_major())})

    def figures(self, row: Payment) -> Figures:
        """What is left; and the newest refund, so that one which came and failed meanwhile is noticed too."""
        return {"left": row.refundable.minor, "newest": row.refunds.aggregate(newest=Max("pk"))["newest"] or 0}

    def standing(self, row: Payment) -> str:
        return f"{money(row.refundable.minor, row)} is left to refund now."

    def facts(self, row: Payment, *, request: HttpRequest) -> dict[str, Any]:
        return {
            "captured": money(row.captured_minor, row),
            "refunded or on its way": money(row.refund_reserved_minor, row),
            "left to refund": money(row.refundable.minor, row),
            **about(row, request=request),
        }

    def outlook(self, row: Payment) -> str:
        limit = money(row.merchant.one_person_refund_minor, row)
        return (
            f"The money goes back the way it came. Up to {limit} it is sent at once; above that a second person has to "
            "approve it first, and until then it is only set aside."
        )

    def consequences(self, row: Payment, asked: dict[str, Any]) -> list[str]:
        amount = asked["amount"].minor
        if amount > row.merchant.one_person_refund_minor:
            first = [
                f"{money(amount, row)} is set aside for {row.order.payer}. Nothing is sent yet: it is above "
                f"{money(row.merchant.one_person_refund_minor, row)}, so a second person has to approve it.",
            ]
        else:
            first = [f"{money(amount, row)} goes back to {row.order.payer} at once. This cannot be undone."]
        rest = row.refundable.minor - amount
        return [
            *first,
            f"{money(rest, row)} stays to be refunded later." if rest else "Nothing more is left to refund.",
        ]

    def summary(self, row: Payment, asked: dict[str, Any]) -> str:
        amount = asked["amount"].minor
        needs_two = amount > row.merchant.one_person_refund_minor
        return f"Ask to refund {money(amount, row)}" if needs_two else f"Refund {money(amount, row)}"

    def do(self, row: Payment, asked: dict[str, Any], *, seen: Figures, by: Act, at: datetime) -> Told:
        left = Money(int(seen["left"]), row.currency)
        new = NewRefund(asked["amount"], note=asked["note"], available=left)
        return standing_of(refund_payment(row.pk, new, at=at, by=by))


def standing_of(refund: Refund) -> Told:
    """How a refund really stands, for whoever just did something about it."""
    refund.refresh_from_db()
    amount = format_money(refund.amount_minor, refund.currency)
    if refund.status == RefundStatus.REQUESTED:
        return Told(messages.WARNING, f"{amount} waits for a second person to approve it. Nothing was sent yet.")
    if refund.status == RefundStatus.SUCCESS:
        return Told(messages.SUCCESS, f"Refunded: {amount} went back to the customer.")
    if refund.status == RefundStatus.ONHOLD:
        return Told(messages.WARNING, f"The gateway has the refund of {amount} and holds it for now.")
    if refund.status == RefundStatus.PENDING and refund.gateway_refund_id:
        return Told(messages.WARNING, f"The gateway has the refund of {amount} and has not decided it yet.")
    if refund.status == RefundStatus.PENDING:
        return Told(
            messages.WARNING,
            f"The refund of {amount} was sent, but the gateway has not answered yet. It is asked again by itself; do "
            "not ask for another one. Look at this page again in a few minutes.",
        )
    why = f" {refund.message}" if refund.message else ""
    return Told(messages.ERROR, f"The refund of {amount} {refund.status}.{why} Nothing went back to the customer.")
