"""Held money: taken or let go by staff."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest

from checkout.amounts import format_money
from checkout.staff.deed_forms import AmountForm
from checkout.staff.deeds import Deed, Figures, Told
from checkout.staff.facts import link_for, moment
from checkout.staff.reasons import ReasonForm
from payments.models import Authorization, Payment
from payments.services.audit import Act
from payments.services.sending import capture_payment, void_payment
from payments.states import AuthorizationStatus, OrderStatus, PaymentStatus

NOT_ANSWERED = (
    "The gateway has not answered yet. It may have acted or not, so nobody can ask for anything else now: it is asked "
    "again by itself until it says, within minutes as a rule. Look at this page again."
)


def money(minor: int, payment: Payment) -> str:
    return format_money(minor, payment.currency)


def about(payment: Payment, *, request: HttpRequest) -> dict[str, Any]:
    """Enough of a payment to know it is the right one."""
    order = payment.order
    return {
        "customer": f"{order.payer} ({order.customer_email})",
        "order": link_for(request, order, order.order_id),
        "merchant": link_for(request, payment.merchant, payment.merchant.name),
        "payment": payment.uid,
        "mode": f"{payment.mode} (real money)" if payment.mode == "live" else payment.mode,
    }


def held_by(payment: Payment) -> Authorization | None:
    """The payment's authorisation, if it has one."""
    return getattr(payment, "authorization", None)


class _OfHeldMoney(Deed[Payment]):
    permission = "payments.change_authorization"

    def why_not(self, row: Payment, user_id: int) -> str:
        if row.status != PaymentStatus.AUTHORIZED:
            return f"This payment is not held: it is {row.status.replace('_', ' ')}."
        authorization = held_by(row)
        if authorization is None or authorization.status == AuthorizationStatus.PENDING:
            action = authorization.action if authorization else "authorisation"
            return f"Its {action} is on its way: wait for what the gateway says."
        return ""

    def figures(self, row: Payment) -> Figures:
        authorization = held_by(row)
        asked = f"{authorization.action} {authorization.status} {authorization.start_time}" if authorization else ""
        return {"status": row.status, "held": row.amount_minor, "asked": asked}

    def facts(self, row: Payment, *, request: HttpRequest) -> dict[str, Any]:
        authorization = held_by(row)
        until = moment(authorization.approve_by) if authorization else ""
        return {"held": money(row.amount_minor, row), "held until": until, **about(row, request=request)}


class Capture(_OfHeldMoney):
    """Take held money, all or part."""

    name, label, title = "capture", "Capture…", "Capture this payment"

    def form(self, row: Payment, data: dict[str, Any] | None = None) -> ReasonForm:
        return AmountForm(data, most=row.amount, initial={"amount": str(row.amount.as_major())})

    def outlook(self, row: Payment) -> str:
        return (
            "Capturing takes the held money, and the order is paid. It can be done once: if you take a part, the rest "
            "is released to the customer and cannot be taken later."
        )

    def consequences(self, row: Payment, asked: dict[str, Any]) -> list[str]:
        amount = asked["amount"]
        told = [
            f"{money(amount.minor, row)} is taken from {row.order.payer}, and order {row.order.order_id} is "
            "paid. Giving it back later takes a refund."
        ]
        if amount.minor < row.amount_minor:
            rest = money(row.amount_minor - amount.minor, row)
            told.append(f"{rest} is released to the customer and cannot be taken later.")
        return told

    def summary(self, row: Payment, asked: dict[str, Any]) -> str:
        return f"Capture {money(asked['amount'].minor, row)}"

    def do(self, row: Payment, asked: dict[str, Any], *, seen: Figures, by: Act, at: datetime) -> Told:
        capture_payment(row.pk, asked["amount"], cause="staff", at=at, by=by)
        return _told(row.pk, wanted=PaymentStatus.SUCCESS, action="capture")


class Void(_OfHeldMoney):
    """Let held money go."""

    name, label, title = "void", "Void…", "Void this payment"

    def outlook(self, row: Payment) -> str:
        return "Voiding releases all of the held money to the customer and ends the order. It cannot be undone."

    def consequences(self, row: Payment, asked: dict[str, Any]) -> list[str]:
        return [
            f"{money(row.amount_minor, row)} is released to {row.order.payer}: nothing is taken.",
            f"Order {row.order.order_id} is terminated: nobody can pay it any more. This cannot be undone.",
        ]

    def summary(self, row: Payment, asked: dict[str, Any]) -> str:
        return f"Release {money(row.amount_minor, row)}"

    def do(self, row: Payment, asked: dict[str, Any], *, seen: Figures, by: Act, at: datetime) -> Told:
        void_payment(row.pk, cause="staff", at=at, by=by)
        return _told(row.pk, wanted=PaymentStatus.VOID, action="void")


def _told(payment_pk: int, *, wanted: PaymentStatus, action: str) -> Told:
    """How a payment stands after its capture or void was sent, whatever was asked for."""
    payment = Payment.objects.select_related("order").get(pk=payment_pk)
    order = f"Order {payment.order.order_id} is {OrderStatus(payment.order.status)}."
    if payment.status == PaymentStatus.SUCCESS:
        level = messages.SUCCESS if wanted == payment.status else messages.ERROR
        return Told(level, f"Captured: {money(payment.captured_minor, payment)} was taken. {order}")
    if payment.status == PaymentStatus.VOID:
        level = messages.SUCCESS if wanted == payment.status else messages.ERROR
        return Told(level, f"Released: nothing was taken, the customer has the money. {order}")
    authorization = held_by(payment)
    if authorization is not None and authorization.status == AuthorizationStatus.FAILED:
        return Told(
            messages.ERROR, f"The gateway refused the {action}: {authorization.message} The money is still held."
        )
    return Told(messages.WARNING, f"The {action} was sent. {NOT_ANSWERED}")
