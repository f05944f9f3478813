"""Settling a merchant by hand: opening a settlement of what is due, and noting what the merchant paid in."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Max
from django.http import HttpRequest
from django.urls import reverse

from checkout.amounts import format_money, signed
from checkout.staff.deed_forms import AmountField
from checkout.staff.deeds import Deed, Figures, Told
from checkout.staff.facts import link_for, status_mark
from checkout.staff.reasons import ReasonForm
from payments import clock
from payments.models import Merchant, Settlement
from payments.money import EXPONENT
from payments.services.audit import Act
from payments.services.disputes import post_adjustment
from payments.services.settlement_lines import Group, is_due
from payments.services.settlement_runs import groups_of
from payments.services.settlements import open_settlement
from payments.settlement_days import end_of, last_day_due
from payments.states import Collects, SettlementStatus

NOTHING_EVER = "This merchant was never owed anything: there is nothing to settle."


class GroupField(forms.TypedChoiceField):
    """One of a merchant's groups: what is settled together. It becomes a Group."""

    def __init__(self, groups: Iterable[Group], **options: Any) -> None:
        by_key = {f"{group.mode} {group.currency} {group.collects}": group for group in groups}
        choices = [(key, str(group)) for key, group in by_key.items()]
        super().__init__(choices=choices, coerce=by_key.__getitem__, **options)


class DayField(forms.DateField):
    """A day, chosen by the browser's own means."""

    def __init__(self, **options: Any) -> None:
        widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
        super().__init__(widget=widget, input_formats=["%Y-%m-%d"], **options)


def today_of(merchant: Merchant, at: datetime) -> date:
    """The merchant's day at that moment."""
    return at.astimezone(ZoneInfo(merchant.time_zone)).date()


class _OfMerchant(Deed[Merchant]):
    def why_not(self, row: Merchant, user_id: int) -> str:
        return "" if any(groups_of(row)) else NOTHING_EVER

    def facts(self, row: Merchant, *, request: HttpRequest) -> dict[str, Any]:
        newest = {str(group): _newest(request, group) for group in groups_of(row)}
        return {"merchant": link_for(request, row, row.name), "newest settlements": newest or "none"}


def _newest(request: HttpRequest, group: Group) -> str:
    """How the newest settlement of a group stands."""
    settlement = group.settlements().first()
    if settlement is None:
        return "none yet"
    net = "" if settlement.build_at else f": {signed(settlement.net_minor, settlement.currency)}"
    return f"{settlement.uid}, {settlement.get_status_display()}{net}"


# --- Settle now ---


class SettleForm(ReasonForm):
    """What is settled, and up to which day."""

    field_order = ["group", "until", "reason"]

    def __init__(self, *args: Any, merchant: Merchant, at: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.merchant, self.at = merchant, at
        days = merchant.settlement_days
        due = today_of(merchant, at) - timedelta(days=1)
        if days is not None:
            due = last_day_due(at, days, merchant.time_zone)
        self.fields["group"] = GroupField(groups_of(merchant), label="What")
        self.fields["until"] = DayField(
            label="Payments up to and with",
            initial=due,
            help_text=(
                f"A day in the merchant’s time zone ({merchant.time_zone}). Refunds sent and corrections made until "
                "now are in it, whatever day this is."
            ),
        )
        self.order_fields(self.field_order)

    def clean_until(self) -> date:
        day: date = self.cleaned_data["until"]
        if day > today_of(self.merchant, self.at):
            raise ValidationError("Write a day that has come: nobody knows yet what is paid after today.")
        return day

    def clean(self) -> dict[str, Any]:
        """Refuse what would settle nothing, and a second settlement beside an open one."""
        asked = super().clean() or self.cleaned_data
        group, day = asked.get("group"), asked.get("until")
        if group is None or day is None:
            return asked
        found = group.settlements().filter(status=SettlementStatus.OPEN).first()
        if found is not None:
            self.add_error("group", f"{found} is open already: close or discard it first.")
        elif not is_due(group, cutoff_at=cutoff_of(group, day, self.at), at=self.at):
            self.add_error("until", f"Nothing of {group} waits to be settled up to that day.")
        return asked


def cutoff_of(group: Group, day: date, at: datetime) -> datetime:
    """Up to when payments are settled: the end of the merchant's day, or now while that day lasts."""
    return min(at, end_of(day, group.merchant.time_zone))


class SettleNow(_OfMerchant):
    """Open a settlement by hand."""

    name, label, title = "settle", "Settle now…", "Settle now"
    permission = "payments.add_settlement"

    def form(self, row: Merchant, data: dict[str, Any] | None = None) -> ReasonForm:
        return SettleForm(data, merchant=row, at=clock.now())

    def figures(self, row: Merchant) -> Figures:
        """The merchant's newest settlement: a page that is sent twice opens one."""
        return {"newest": row.settlements.aggregate(newest=Max("pk"))["newest"] or 0}

    def standing(self, row: Merchant) -> str:
        newest = row.settlements.order_by("-pk").first()
        return f"The newest settlement of {row.name} is {newest}, which is {newest.status}." if newest else ""

    def outlook(self, row: Merchant) -> str:
        days = row.settlement_days
        own = "This merchant is settled by hand only." if days is None else f"By itself it is settled at T+{days}."
        return (
            f"{own} A settlement takes all that waits: payments up to the day you choose, their refunds, and "
            "corrections. Somebody other than you closes it, and only then anything is paid out."
        )

    def consequences(self, row: Merchant, asked: dict[str, Any]) -> list[str]:
        return [
            f"A settlement of {asked['group']} is opened for {row.name}, with payments taken up to the end of "
            f"{asked['until']:%-d %b %Y} ({row.time_zone}).",
            "The worker puts it together, within seconds as a rule. No money moves.",
            "You cannot close it yourself; until somebody does, it can be discarded.",
        ]

    def summary(self, row: Merchant, asked: dict[str, Any]) -> str:
        return f"Settle {asked['group'].currency} of {row.name}"

    def do(self, row: Merchant, asked: dict[str, Any], *, seen: Figures, by: Act, at: datetime) -> Told:
        group: Group = asked["group"]
        settlement = open_settlement(group, cutoff_at=cutoff_of(group, asked["until"], at), at=at, by=by)
        url = reverse("admin:payments_settlement_change", args=[settlement.pk])
        if (settlement.opened_by_id, settlement.opened_at) != (by.user_id, at):
            return Told(messages.WARNING, "Somebody opened this one before you did.", url)
        return Told(messages.SUCCESS, f"Settlement {settlement} is opened: the worker puts it together now.", url)


# --- Paid in ---


class PaidInForm(ReasonForm):
    """How much the merchant paid, and of which debt."""

    field_order = ["group", "amount", "reason"]

    def __init__(self, *args: Any, merchant: Merchant, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["group"] = GroupField(groups_of(merchant), label="What it owed")
        asked = str(self.data.get("group", "")).split(" ")
        currency = asked[1] if len(asked) > 1 and asked[1] in EXPONENT else merchant.currency
        self.fields["amount"] = AmountField(currency, label="Amount", help_text="In that currency, like 1299.50.")
        self.order_fields(self.field_order)


class PaidIn(_OfMerchant):
    """Note that a merchant paid its debt into our bank."""

    name, label, title = "paid-in", "Merchant paid in…", "The merchant paid in"
    permission = "payments.add_adjustment"

    def form(self, row: Merchant, data: dict[str, Any] | None = None) -> ReasonForm:
        return PaidInForm(data, merchant=row)

    def figures(self, row: Merchant) -> Figures:
        return {"newest": row.adjustments.aggregate(newest=Max("pk"))["newest"] or 0}

    def standing(self, row: Merchant) -> str:
        return f"Adjustments of {row.name} so far: {row.adjustments.count()}."

    def outlook(self, row: Merchant) -> str:
        return (
            "Do this when the money has arrived at your bank: what refunds and fees came to beyond the merchant’s "
            "sales, or fees of payments that the gateway paid to the merchant itself. The entry stays for good."
        )

    def consequences(self, row: Merchant, asked: dict[str, Any]) -> list[str]:
        amount: Any = asked["amount"]
        return [
            f"{row.name} owes {format_money(amount.minor, amount.currency)} less ({asked['group']}).",
            "The next settlement has it as an adjustment.",
            "No money moves now. The entry cannot be changed or deleted.",
        ]

    def summary(self, row: Merchant, asked: dict[str, Any]) -> str:
        return f"Note {format_money(asked['amount'].minor, asked['amount'].currency)} as paid in"

    def do(self, row: Merchant, asked: dict[str, Any], *, seen: Figures, by: Act, at: datetime) -> Told:
        group, amount = asked["group"], asked["amount"]
        whose = {"mode": group.mode, "collects": Collects(group.collects)}
        post_adjustment(row, amount.minor, group.currency, **whose, is_paid_in=True, by=by, at=at)
        return Told(messages.SUCCESS, f"Noted: {row.name} paid in {format_money(amount.minor, amount.currency)}.")


def settlement_facts(row: Settlement, *, request: HttpRequest) -> dict[str, Any]:
    """Enough of a settlement to know it is the right one."""
    return {
        "net": signed(row.net_minor, row.currency),
        "settlement": row.uid,
        "status": status_mark(row.status),
        "merchant": link_for(request, row.merchant, row.merchant.name),
        "mode": f"{row.mode} (real money)" if row.mode == "live" else row.mode,
    }
