"""Pay-outs as staff see them: tries to bring a settlement's net to the merchant's bank, and what became of each."""

from datetime import date, datetime
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse

from checkout.amounts import format_money
from checkout.staff.audit import link_to_person
from checkout.staff.base import at_field
from checkout.staff.closing import UtrField
from checkout.staff.deeds import Deed, DeedsAdmin, Figures, Told
from checkout.staff.facts import Panel, facts_of, link_for, link_to, moment, short_moment, status_mark
from checkout.staff.left_again import left_again
from checkout.staff.ranges import Period
from checkout.staff.reasons import ReasonForm
from checkout.staff.settling import DayField, settlement_facts, today_of
from payments import clock, fields
from payments.errors import BadInput
from payments.models import Payout
from payments.services.audit import Act
from payments.services.payouts import confirm_payout, fail_payout
from payments.states import PayoutStatus

MESSAGE_LENGTH = 200


def amount_of(payout: Payout) -> str:
    return format_money(payout.amount_minor, payout.currency)


class _OfPayout(Deed[Payout]):
    permission = "payments.change_payout"

    def figures(self, row: Payout) -> Figures:
        return {"status": row.status, "utr": row.utr}

    def standing(self, row: Payout) -> str:
        return f"This pay-out is {row.status}."

    def facts(self, row: Payout, *, request: HttpRequest) -> dict[str, Any]:
        own = {"amount": amount_of(row), "pay-out": row.uid, "sent": f"{moment(row.sent_at)} by {row.sent_by}"}
        of = settlement_facts(row.settlement, request=request)
        return own | {"bank reference (UTR)": row.utr} | of


class ConfirmForm(ReasonForm):
    """What the bank's statement says."""

    field_order = ["utr", "value_date", "reason"]
    utr = UtrField(help_text="As the bank’s statement has it.")
    value_date = DayField(label="Value date", help_text="The day the bank says.")

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today

    def clean_value_date(self) -> date:
        day: date = self.cleaned_data["value_date"]
        if day > self.today:
            raise ValidationError("Write a day that has come: confirm a pay-out when the bank has paid it.")
        return day


class Confirm(_OfPayout):
    """Note that the bank paid it."""

    name, label, title = "confirm", "Confirm pay-out…", "Confirm this pay-out"

    def why_not(self, row: Payout, user_id: int) -> str:
        return "" if row.status == PayoutStatus.SENT else f"This pay-out is {row.status} already."

    def form(self, row: Payout, data: dict[str, Any] | None = None) -> ReasonForm:
        today = today_of(row.settlement.merchant, clock.now())
        return ConfirmForm(data, today=today, initial={"utr": row.utr, "value_date": today})

    def outlook(self, row: Payout) -> str:
        return "Do this when the bank’s statement shows the transfer as paid."

    def consequences(self, row: Payout, asked: dict[str, Any]) -> list[str]:
        told = [
            f"{amount_of(row)} to {row.settlement.merchant.name} is paid, on {asked['value_date']:%-d %b %Y} under "
            f"{asked['utr']}, and the settlement is paid out."
        ]
        if row.utr and row.utr != asked["utr"]:
            told.append(f"It was sent under {row.utr}: that reference is replaced.")
        return told

    def summary(self, row: Payout, asked: dict[str, Any]) -> str:
        return f"Confirm {amount_of(row)}"

    def do(self, row: Payout, asked: dict[str, Any], *, seen: Figures, by: Act, at: datetime) -> Told:
        confirm_payout(row.pk, utr=asked["utr"], value_date=asked["value_date"], by=by, at=at)
        return Told(messages.SUCCESS, f"Confirmed: {amount_of(row)} is paid, and {row.settlement} is paid out.")


class FailForm(ReasonForm):
    """What the bank says, beside why it is noted."""

    field_order = ["message", "reason"]
    message = forms.CharField(
        label="What the bank says",
        max_length=MESSAGE_LENGTH,
        widget=forms.TextInput(attrs={"class": "vLargeTextField", "autocomplete": "off"}),
        help_text="Why it did not arrive or came back, as on the bank’s statement.",
    )

    def clean_message(self) -> str:
        try:
            return fields.line("message", self.cleaned_data["message"], at_most=MESSAGE_LENGTH, required=True)
        except BadInput as refusal:
            raise at_field(refusal) from None


class Fail(_OfPayout):
    """Note that it did not arrive, or came back later."""

    name, label, title = "fail", "Pay-out failed or came back…", "This pay-out failed or came back"

    def why_not(self, row: Payout, user_id: int) -> str:
        return "This pay-out is failed already." if row.status == PayoutStatus.FAILED else ""

    def form(self, row: Payout, data: dict[str, Any] | None = None) -> ReasonForm:
        return FailForm(data)

    def outlook(self, row: Payout) -> str:
        return (
            "Do this when the bank refused the transfer, or when the money is back on your account, and never before: "
            "the merchant could get it twice."
        )

    def consequences(self, row: Payout, asked: dict[str, Any]) -> list[str]:
        back = "came back" if row.status == PayoutStatus.PAID else "did not arrive"
        return [
            f"The pay-out {back}: {row.settlement.merchant.name} is owed {amount_of(row)} again.",
            "The settlement is failed until it is paid out anew. This try stays in the record.",
        ]

    def summary(self, row: Payout, asked: dict[str, Any]) -> str:
        return f"{amount_of(row)} {'came back' if row.status == PayoutStatus.PAID else 'did not arrive'}"

    def do(self, row: Payout, asked: dict[str, Any], *, seen: Figures, by: Act, at: datetime) -> Told:
        fail_payout(row.pk, message=asked["message"], by=by, at=at)
        told = f"Failed: {row.settlement.merchant.name} is owed {amount_of(row)} again. Pay {row.settlement} out anew."
        return Told(messages.WARNING, told)


@admin.register(Payout)
class PayoutAdmin(DeedsAdmin):
    deeds = (Confirm(), Fail())
    list_display = ("uid", "shown_status", "amount", "utr", "value_date", "of_settlement", "merchant", "mode", "sent")
    list_filter = ("status", "settlement__mode", ("sent_at", Period), "settlement__merchant")
    list_select_related = ("settlement__merchant", "sent_by")
    search_fields = ("uid__exact", "utr__exact")
    search_help_text = "A whole pay-out id or bank reference (UTR)."

    @admin.display(description="status")
    def shown_status(self, payout: Payout) -> str:
        return status_mark(payout.status)

    @admin.display(description="amount")
    def amount(self, payout: Payout) -> str:
        return amount_of(payout)

    @admin.display(description="settlement")
    def of_settlement(self, payout: Payout) -> str:
        return link_to(payout.settlement, payout.settlement.uid)

    @admin.display(description="merchant")
    def merchant(self, payout: Payout) -> str:
        return payout.settlement.merchant.name

    @admin.display(description="mode")
    def mode(self, payout: Payout) -> str:
        return payout.mode

    @admin.display(description="sent (UTC)")
    def sent(self, payout: Payout) -> str:
        return short_moment(payout.sent_at)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        payout: Payout = context["original"]
        context["note"] = left_again(payout.settlement) if payout.status == PayoutStatus.FAILED else ""
        return super().render_change_form(request, context, *args, **kwargs)

    def panels(self, request: HttpRequest, row: Payout) -> list[Panel]:
        settlement = row.settlement
        facts = {
            "amount": amount_of(row),
            "status": status_mark(row.status),
            "settlement": link_for(request, settlement, settlement.uid),
            "merchant": link_for(request, settlement.merchant, settlement.merchant.name),
            "mode": row.mode,
            "bank reference (UTR)": row.utr,
            "value date": str(row.value_date or ""),
            "what the bank says": row.message,
            "sent": moment(row.sent_at),
            "sent by": link_to_person(request, row.sent_by),
            "confirmed": moment(row.paid_at),
            "failed": moment(row.failed_at),
        }
        return [Panel("Pay-out", facts_of(facts))]
