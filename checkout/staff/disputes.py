"""What people decide about money that a bank argues about, or that does not fit: disputes and adjustments."""

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Max
from django.http import HttpRequest

from checkout.staff.captures import about, money
from checkout.staff.deed_forms import AmountForm
from checkout.staff.deeds import Deed, Figures, Told, unchanged
from checkout.staff.facts import moment
from checkout.staff.reasons import ReasonForm
from payments.models import Payment
from payments.money import MAX_MINOR, Money
from payments.services.audit import Act
from payments.services.disputes import close_dispute, open_dispute, post_adjustment
from payments.states import PaymentStatus

TO_MERCHANT, FROM_MERCHANT, PAID_IN = "to the merchant", "from the merchant", "paid in by the merchant"


class _OfDispute(Deed[Payment]):
    permission = "payments.change_payment"

    def figures(self, row: Payment) -> Figures:
        return {"status": row.status, "disputed": str(row.disputed_at or "")}

    def facts(self, row: Payment, *, request: HttpRequest) -> dict[str, Any]:
        return {
            "captured": money(row.captured_minor, row),
            "refunded or on its way": money(row.refund_reserved_minor, row),
            "disputed since": moment(row.disputed_at) or "not disputed",
            **about(row, request=request),
        }


class OpenDispute(_OfDispute):
    """Note that the customer's bank wants the money back."""

    name, label, title = "dispute", "Mark as disputed…", "Mark this payment as disputed"

    def why_not(self, row: Payment, user_id: int) -> str:
        if row.status != PaymentStatus.SUCCESS:
            return "Only money that was taken can be disputed."
        return "This payment is marked as disputed already." if row.disputed_at is not None else ""

    def outlook(self, row: Payment) -> str:
        return (
            "Do this when the customer’s bank disputes the payment. While it is marked, nothing is refunded, so that "
            "the customer does not get the money twice. It moves no money by itself."
        )

    def consequences(self, row: Payment, asked: dict[str, Any]) -> list[str]:
        return [
            "Nobody can ask for or approve a refund of this payment until you say that the dispute is over.",
            "Refunds that were sent already go on. No money moves now: what the bank takes is posted as an adjustment.",
        ]

    def summary(self, row: Payment, asked: dict[str, Any]) -> str:
        return "Mark as disputed"

    def do(self, row: Payment, asked: dict[str, Any], *, seen: Figures, by: Act, at: datetime) -> Told:
        with unchanged(self, row, order_pk=row.order_id, seen=seen):
            open_dispute(row.pk, by=by, at=at)
        return Told(messages.SUCCESS, "This payment is marked as disputed: nothing of it is refunded meanwhile.")


class CloseDispute(_OfDispute):
    """Note that the bank has decided."""

    name, label, title = "dispute-over", "Dispute is over…", "This dispute is over"

    def why_not(self, row: Payment, user_id: int) -> str:
        return "" if row.disputed_at is not None else "This payment is not disputed."

    def outlook(self, row: Payment) -> str:
        return (
            "Do this when the bank has decided, however it did. Refunds become possible again. If the bank took money, "
            "post that as an adjustment first."
        )

    def consequences(self, row: Payment, asked: dict[str, Any]) -> list[str]:
        left = money(row.refundable.minor, row)
        return [
            f"{left} of this payment can be refunded again, and waiting refunds can be approved. No money moves now."
        ]

    def summary(self, row: Payment, asked: dict[str, Any]) -> str:
        return "The dispute is over"

    def do(self, row: Payment, asked: dict[str, Any], *, seen: Figures, by: Act, at: datetime) -> Told:
        with unchanged(self, row, order_pk=row.order_id, seen=seen):
            close_dispute(row.pk, by=by, at=at)
        return Told(messages.SUCCESS, "The dispute is over: what is left of this payment can be refunded again.")


class AdjustmentForm(AmountForm):
    """How much the merchant is owed more, or less. No sign: the direction is said in words."""

    field_order = ["direction", "amount", "reason"]
    direction = forms.ChoiceField(
        choices=[("", "Choose…"), *((way, way) for way in (TO_MERCHANT, FROM_MERCHANT, PAID_IN))]
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["amount"].help_text = "Without a sign: the direction says which way."


class PostAdjustment(Deed[Payment]):
    """Correct in the books what the merchant is owed."""

    name, label, title = "adjustment", "Post an adjustment…", "Post an adjustment"
    permission = "payments.add_adjustment"

    def why_not(self, row: Payment, user_id: int) -> str:
        took_money = row.status == PaymentStatus.SUCCESS or row.money_unclear
        return "" if took_money else "This payment took no money, so there is nothing to correct."

    def form(self, row: Payment, data: dict[str, Any] | None = None) -> ReasonForm:
        """Without a guess: what a bank took is not what is left of the payment."""
        return AdjustmentForm(data, most=Money(MAX_MINOR, row.currency))

    def figures(self, row: Payment) -> Figures:
        return {"newest": row.adjustments.aggregate(newest=Max("pk"))["newest"] or 0}

    def standing(self, row: Payment) -> str:
        return f"Adjustments of this payment so far: {row.adjustments.count()}."

    def facts(self, row: Payment, *, request: HttpRequest) -> dict[str, Any]:
        return {
            "captured": money(row.captured_minor, row),
            "refunded or on its way": money(row.refund_reserved_minor, row),
            "disputed since": moment(row.disputed_at) or "not disputed",
            "adjustments so far": row.adjustments.count(),
            **about(row, request=request),
        }

    def outlook(self, row: Payment) -> str:
        return (
            "An adjustment changes what the merchant is owed, in the books only: no customer, bank or gateway hears of "
            "it. It stays for good; a wrong one is put right by another in the opposite direction."
        )

    def consequences(self, row: Payment, asked: dict[str, Any]) -> list[str]:
        return [
            _became(row, asked),
            "No money moves now. The entry cannot be changed or deleted.",
        ]

    def summary(self, row: Payment, asked: dict[str, Any]) -> str:
        return f"Post {money(asked['amount'].minor, row)} {asked['direction']}"

    def do(self, row: Payment, asked: dict[str, Any], *, seen: Figures, by: Act, at: datetime) -> Told:
        minor, is_paid_in = asked["amount"].minor, asked["direction"] == PAID_IN
        if asked["direction"] == FROM_MERCHANT:
            minor = -minor
        own = {"mode": row.mode, "payment": row, "is_paid_in": is_paid_in}
        with unchanged(self, row, order_pk=row.order_id, seen=seen):
            post_adjustment(row.merchant, minor, row.currency, **own, by=by, at=at)
        return Told(messages.SUCCESS, f"Posted: {_became(row, asked)}")


def _became(row: Payment, asked: dict[str, Any]) -> str:
    """What the merchant is owed after an adjustment, beside before."""
    told = f"{row.merchant.name} is owed {money(asked['amount'].minor, row)}"
    if asked["direction"] == PAID_IN:
        return f"{told} more, for it paid that into your bank."
    return f"{told} {'more' if asked['direction'] == TO_MERCHANT else 'less'}."
