"""What people do with a settlement: closed by somebody who did not open it, or discarded; then paid out."""

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.widgets import AdminTextInputWidget
from django.http import HttpRequest
from django.urls import reverse

from checkout.amounts import format_money, signed
from checkout.staff.base import at_field
from checkout.staff.deeds import Deed, Figures, Told
from checkout.staff.left_again import left_again
from checkout.staff.reasons import ReasonForm
from checkout.staff.settling import settlement_facts
from payments import fields
from payments.errors import BadInput
from payments.models import Settlement
from payments.services.audit import Act
from payments.services.payouts import UTR_LENGTH, send_payout
from payments.services.settlements import HAS_PART, close_settlement, discard_settlement, has_part_in, in_words
from payments.states import Collects, PayoutStatus, SettlementStatus

BUILDING = "It is still being put together: look again in a moment."


class _OfSettlement(Deed[Settlement]):
    permission = "payments.change_settlement"

    def figures(self, row: Settlement) -> Figures:
        """Its net, and all that happened to it."""
        return {"net": row.net_minor, "status": row.status, "building": str(row.build_at), "events": row.last_sequence}

    def standing(self, row: Settlement) -> str:
        return f"This settlement is {in_words(row.status)}, and its net is {signed(row.net_minor, row.currency)} now."

    def facts(self, row: Settlement, *, request: HttpRequest) -> dict[str, Any]:
        return settlement_facts(row, request=request)


class _OfOpen(_OfSettlement):
    def why_not(self, row: Settlement, user_id: int) -> str:
        return "" if row.status == SettlementStatus.OPEN else f"This settlement is {in_words(row.status)}."

    def facts(self, row: Settlement, *, request: HttpRequest) -> dict[str, Any]:
        own = {
            "payments": f"{row.payments:,}: {signed(row.gross_minor, row.currency)}",
            "refunds": f"{row.refunds:,}: {signed(row.refunds_minor, row.currency)}",
            "opened by": str(row.opened_by or "the merchant’s schedule"),
        }
        return super().facts(row, request=request) | (own if row.build_at is None else {"figures": BUILDING})


class Close(_OfOpen):
    """Freeze a settlement that somebody else opened, or that opened by itself."""

    name, label, title = "close", "Close…", "Close this settlement"

    def why_not(self, row: Settlement, user_id: int) -> str:
        found = super().why_not(row, user_id)
        if found or row.build_at is not None:
            return found or BUILDING
        return HAS_PART if has_part_in(row, user_id) else ""

    def outlook(self, row: Settlement) -> str:
        return (
            "Closing freezes the lines and figures for good, and cannot be undone: what is wrong then is put right in "
            "the next one. Look at the statement first."
        )

    def consequences(self, row: Settlement, asked: dict[str, Any]) -> list[str]:
        net = signed(row.net_minor, row.currency)
        told = [f"The settlement is closed with a net of {net}. Nothing in it can be changed any more."]
        if row.is_to_pay_out:
            told.append(f"{row.merchant.name} is to get {net}: the transfer is made at your bank, by people.")
        elif row.net_minor < 0:
            owed = format_money(-row.net_minor, row.currency)
            told.append(f"Nothing is paid out: {row.merchant.name} owes {owed}, which the next settlement takes off.")
        else:
            told.append("Nothing is paid out.")
        if row.collects == Collects.MERCHANT:
            direct = signed(row.paid_directly_minor, row.currency)
            told.append(f"The books say from then on that the gateway paid {direct} to the merchant itself.")
        return told

    def summary(self, row: Settlement, asked: dict[str, Any]) -> str:
        return f"Close with a net of {signed(row.net_minor, row.currency)}"

    def do(self, row: Settlement, asked: dict[str, Any], *, seen: Figures, by: Act, at: datetime) -> Told:
        closed = close_settlement(row.pk, net_minor=int(seen["net"]), by=by, at=at)
        more = "It waits to be paid out." if closed.is_to_pay_out else "Nothing of it is paid out."
        return Told(messages.SUCCESS, f"Closed with a net of {signed(closed.net_minor, closed.currency)}. {more}")


class Discard(_OfOpen):
    """Undo an open settlement."""

    name, label, title = "discard", "Discard…", "Discard this settlement"

    def outlook(self, row: Settlement) -> str:
        return "An open settlement can be undone: nothing was paid, and all that is in it waits for the next one."

    def consequences(self, row: Settlement, asked: dict[str, Any]) -> list[str]:
        return [
            "The settlement is gone. All that is in it is free again, for the next one.",
            "No money moves. That you discarded it, and why, is kept.",
        ]

    def summary(self, row: Settlement, asked: dict[str, Any]) -> str:
        return "Discard it"

    def do(self, row: Settlement, asked: dict[str, Any], *, seen: Figures, by: Act, at: datetime) -> Told:
        discard_settlement(row.pk, by=by, at=at)
        told = f"{row.uid} is discarded: all that was in it waits for the next settlement."
        return Told(messages.SUCCESS, told, reverse("admin:payments_settlement_changelist"))


# --- Paying out ---


class UtrField(forms.CharField):
    """The bank's reference of a transfer."""

    def __init__(self, **options: Any) -> None:
        widget = AdminTextInputWidget(attrs={"autocomplete": "off", "dir": "ltr", "spellcheck": "false"})
        super().__init__(label="Bank reference (UTR)", max_length=UTR_LENGTH, widget=widget, **options)

    def clean(self, value: Any) -> str:
        try:
            return fields.line("utr", super().clean(value), at_most=UTR_LENGTH, is_number=True)
        except BadInput as refusal:
            raise at_field(refusal) from None


class SendForm(ReasonForm):
    field_order = ["utr", "reason"]
    utr = UtrField(required=False, help_text="If the bank has named it already. It can be added when it is confirmed.")


class SendPayout(_OfSettlement):
    """Note that the transfer was ordered at the bank."""

    name, label, title = "pay-out", "Pay out…", "Pay this settlement out"
    permission = "payments.add_payout"

    def why_not(self, row: Settlement, user_id: int) -> str:
        if row.status not in (SettlementStatus.CLOSED, SettlementStatus.FAILED):
            return f"This settlement is {in_words(row.status)}: only a closed one is paid out."
        if not row.is_to_pay_out:
            return "There is nothing in this settlement to pay out."
        if row.payouts.exclude(status=PayoutStatus.FAILED).exists():
            return "A pay-out of it is on its way: say first what became of that."
        return ""

    def form(self, row: Settlement, data: dict[str, Any] | None = None) -> ReasonForm:
        return SendForm(data)

    def facts(self, row: Settlement, *, request: HttpRequest) -> dict[str, Any]:
        failed = row.payouts.filter(status=PayoutStatus.FAILED).order_by("pk")
        tries = {payout.uid: payout.message for payout in failed}
        return super().facts(row, request=request) | ({"failed so far": tries} if tries else {})

    def outlook(self, row: Settlement) -> str:
        return left_again(row) or (
            "Till moves no money at your bank. Order the transfer there, all of it in one, and note it here: then "
            "nobody pays it a second time."
        )

    def consequences(self, row: Settlement, asked: dict[str, Any]) -> list[str]:
        net, warning = signed(row.net_minor, row.currency), left_again(row)
        return [
            *([warning] if warning else []),
            f"A pay-out of {net} to {row.merchant.name} is noted as sent. In the books it is no longer owed.",
            "It is confirmed when the bank’s statement shows it, or noted as failed: then it is owed again.",
        ]

    def summary(self, row: Settlement, asked: dict[str, Any]) -> str:
        return f"Note {signed(row.net_minor, row.currency)} as sent"

    def do(self, row: Settlement, asked: dict[str, Any], *, seen: Figures, by: Act, at: datetime) -> Told:
        payout = send_payout(row.pk, net_minor=int(seen["net"]), by=by, at=at, utr=asked["utr"])
        amount = format_money(payout.amount_minor, payout.currency)
        return Told(
            messages.SUCCESS,
            f"Pay-out {payout} of {amount} is noted as sent. Confirm it when the bank says it is paid.",
        )
