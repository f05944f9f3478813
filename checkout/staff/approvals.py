"""Refunds that wait for a second person: let go, changed, or given up."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest

from checkout.amounts import format_money
from checkout.staff.captures import about
from checkout.staff.deed_forms import RefundForm
from checkout.staff.deeds import Deed, Figures, Told, unchanged
from checkout.staff.facts import moment
from checkout.staff.giving_back import DISPUTED, standing_of
from checkout.staff.reasons import ReasonForm
from payments.models import Refund
from payments.money import Money
from payments.services.audit import Act
from payments.services.refunds import NewRefund, cancel_refund, change_refund
from payments.services.sending import approve_and_send
from payments.states import RefundStatus

SAME_PERSON = "You asked for this refund, so somebody else has to approve it."


def amount_of(refund: Refund) -> str:
    return format_money(refund.amount_minor, refund.currency)


class _OfWaitingRefund(Deed[Refund]):
    permission = "payments.add_refund"

    def why_not(self, row: Refund, user_id: int) -> str:
        return "" if row.status == RefundStatus.REQUESTED else f"This refund waits for nobody: it is {row.status}."

    def figures(self, row: Refund) -> Figures:
        return {"version": row.version, "status": row.status, "left": row.payment.refundable.minor}

    def standing(self, row: Refund) -> str:
        return f"This refund is {row.status}, and its amount is {amount_of(row)} now."

    def facts(self, row: Refund, *, request: HttpRequest) -> dict[str, Any]:
        left = row.payment.refundable
        return {
            "refund": row.uid,
            "amount": amount_of(row),
            "note": row.note,
            "asked for by": f"{row.requested_by or 'the merchant'}, {moment(row.requested_at)}",
            "version": row.version,
            "left to refund besides": format_money(left.minor, left.currency),
            **about(row.payment, request=request),
        }


class Approve(_OfWaitingRefund):
    """Let a refund go that somebody else asked for."""

    name, label, title = "approve", "Approve…", "Approve this refund"
    permission = "payments.change_refund"

    def why_not(self, row: Refund, user_id: int) -> str:
        waits_not = super().why_not(row, user_id)
        if waits_not:
            return waits_not
        if row.requested_by_id == user_id:
            return SAME_PERSON
        return DISPUTED if row.payment.disputed_at is not None else ""

    def figures(self, row: Refund) -> Figures:
        """The request alone: another refund of the same payment does not touch what is set aside for this one."""
        return {"version": row.version, "status": row.status}

    def outlook(self, row: Refund) -> str:
        return (
            f"{row.requested_by or 'Somebody'} asked for this refund. If you approve it, it is sent at once, and "
            "nobody can take it back then."
        )

    def consequences(self, row: Refund, asked: dict[str, Any]) -> list[str]:
        return [
            f"{amount_of(row)} goes back to {row.order.payer} at once. This cannot be undone.",
            f"You approve version {row.version} of the request: if it is changed before you confirm, nothing is sent.",
        ]

    def summary(self, row: Refund, asked: dict[str, Any]) -> str:
        return f"Approve and send {amount_of(row)}"

    def do(self, row: Refund, asked: dict[str, Any], *, seen: Figures, by: Act, at: datetime) -> Told:
        return standing_of(approve_and_send(row.pk, version=int(seen["version"]), by=by, at=at))


class Change(_OfWaitingRefund):
    """Ask for another amount, or with another note."""

    name, label, title = "rewrite", "Change…", "Change this refund"

    def why_not(self, row: Refund, user_id: int) -> str:
        waits_not = super().why_not(row, user_id)
        return waits_not or (DISPUTED if row.payment.disputed_at is not None else "")

    def form(self, row: Refund, data: dict[str, Any] | None = None) -> ReasonForm:
        most = Money(row.payment.refundable.minor + row.amount_minor, row.currency)
        return RefundForm(data, most=most, initial={"amount": str(row.amount.as_major()), "note": row.note})

    def outlook(self, row: Refund) -> str:
        return (
            "Whoever changes a refund is the one who asks for it from then on, so somebody else has to approve it. It "
            "waits for approval whatever its new amount is."
        )

    def consequences(self, row: Refund, asked: dict[str, Any]) -> list[str]:
        amount = format_money(asked["amount"].minor, row.currency)
        return [
            f"The request becomes {amount} (it was {amount_of(row)}), asked for by you. Nothing is sent.",
            "A page on which somebody was about to approve the old one is worth nothing any more.",
        ]

    def summary(self, row: Refund, asked: dict[str, Any]) -> str:
        return f"Change it to {format_money(asked['amount'].minor, row.currency)}"

    def do(self, row: Refund, asked: dict[str, Any], *, seen: Figures, by: Act, at: datetime) -> Told:
        with unchanged(self, row, order_pk=row.order_id, seen=seen):
            changed = change_refund(row.pk, NewRefund(asked["amount"], note=asked["note"]), by=by, at=at)
        told = f"Changed: {amount_of(changed)} waits for approval by somebody other than you. Nothing was sent."
        return Told(messages.SUCCESS, told)


class Cancel(_OfWaitingRefund):
    """Give a refund up before anything was sent."""

    name, label, title = "cancel", "Cancel…", "Cancel this refund"

    def outlook(self, row: Refund) -> str:
        return "Nothing was sent yet, so the refund can still be given up. It stays in the list, as cancelled."

    def consequences(self, row: Refund, asked: dict[str, Any]) -> list[str]:
        return [f"{amount_of(row)} is not sent back, and can be refunded again. The request itself cannot be revived."]

    def summary(self, row: Refund, asked: dict[str, Any]) -> str:
        return f"Cancel the refund of {amount_of(row)}"

    def do(self, row: Refund, asked: dict[str, Any], *, seen: Figures, by: Act, at: datetime) -> Told:
        with unchanged(self, row, order_pk=row.order_id, seen=seen):
            cancel_refund(row.pk, at=at, by=by)
        return Told(messages.SUCCESS, f"Cancelled: {amount_of(row)} is free again. Nothing was sent.")
