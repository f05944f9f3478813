"""What staff write to make a payment link: checked by the rules that merchants' own orders obey."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.admin.widgets import AdminTextInputWidget

from checkout.languages import CHOICES
from checkout.staff.base import at_field
from checkout.staff.deed_forms import PLAIN_NUMBER
from checkout.staff.reasons import ReasonField
from payments import fields, ids
from payments.errors import BadInput
from payments.models import Merchant
from payments.money import EXPONENT, Money
from payments.selectors import sellers
from payments.services.orders import NewOrder
from payments.states import Mode

EXPIRIES = [
    ("", "the merchant’s own time"),
    ("3600", "1 hour"),
    ("86400", "1 day"),
    ("259200", "3 days"),
    ("604800", "7 days"),
    ("2592000", "30 days"),
]
CAPTURES = [("", "as the merchant’s settings say"), ("automatic", "taken at once"), ("manual", "held first")]
HELD = {"": None, "automatic": False, "manual": True}


def _text(*, wide: bool = True, **attrs: str) -> AdminTextInputWidget:
    kind = {"class": "vLargeTextField"} if wide else {}
    return AdminTextInputWidget(attrs={**kind, "autocomplete": "off", **attrs})


class LinkForm(forms.Form):
    """One order. Its fields have the core's names, so that each refusal of the core finds its place."""

    seller = forms.ChoiceField(label="Merchant and mode", help_text="Only those with an open gateway are listed.")
    order_amount = forms.CharField(
        label="Amount",
        max_length=30,
        widget=_text(wide=False, inputmode="decimal", dir="ltr"),
        help_text="Like 1299.50.",
    )
    order_currency = forms.ChoiceField(
        label="Currency",
        required=False,
        choices=[("", "the merchant’s own"), *((code, code) for code in sorted(EXPONENT))],
    )
    order_note = forms.CharField(
        label="What it is for",
        required=False,
        widget=_text(),
        help_text="The customer reads it. At most 200 characters.",
    )
    customer_name = forms.CharField(label="Customer’s name", required=False, widget=_text())
    customer_phone = forms.CharField(
        label="Customer’s phone",
        widget=_text(inputmode="tel", dir="ltr"),
        help_text="Without a country code: the merchant’s.",
    )
    customer_email = forms.CharField(
        label="Customer’s e-mail",
        required=False,
        widget=_text(inputmode="email", dir="ltr"),
        help_text="Needed if the link is to be e-mailed. Nothing is sent yet.",
    )
    language = forms.ChoiceField(
        label="Language of the page and mail",
        required=False,
        choices=[("", "the merchant’s, or the browser’s"), *CHOICES],
        help_text="The customer may choose another.",
    )
    order_id = forms.CharField(
        label="Order id", required=False, widget=_text(dir="ltr"), help_text="The merchant’s own; empty makes one."
    )
    order_expiry_time = forms.ChoiceField(label="Payable for", required=False, choices=EXPIRIES)
    capture = forms.ChoiceField(label="Money is", required=False, choices=CAPTURES)
    reason = ReasonField()
    link_id = forms.CharField(required=False, widget=forms.HiddenInput)
    """The order id where none is written: a form that is sent twice makes one order."""

    def __init__(self, *args: Any, merchant: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sellers: dict[str, tuple[Merchant, Mode]] = {
            f"{seller.pk}:{mode}": (seller, mode) for seller, mode in sellers() if mode == Mode.TEST or settings.HTTPS
        }
        words = [(key, f"{seller.name} (org_id {seller.pk}), {mode}") for key, (seller, mode) in self.sellers.items()]
        mine = [key for key in self.sellers if key.partition(":")[0] == merchant]
        self.fields["seller"].choices = [("", "Choose one"), *words]  # type: ignore[attr-defined]
        self.initial = {"link_id": ids.new_link_id(), "seller": mine[0] if len(mine) == 1 else ""}

    def clean_link_id(self) -> str:
        """Whatever else stands there makes an id anew."""
        given: str = self.cleaned_data["link_id"]
        return given if re.fullmatch(r"link_[0-9a-z]{26}", given) else ids.new_link_id()

    def clean(self) -> dict[str, Any]:
        """Judge every field by the core's own rules, so that all that is wrong is said at once."""
        cleaned = super().clean() or self.cleaned_data
        seller = self.sellers.get(cleaned.get("seller", ""))
        rules: dict[str, Callable[[str], Any]] = {
            "customer_name": partial(fields.line, "customer_name", at_most=100),
            "customer_email": fields.email,
            "order_note": partial(fields.line, "order_note", at_most=200),
            "order_id": fields.order_id,
        }
        if seller is not None:
            merchant, _ = seller
            rules["customer_phone"] = partial(fields.phone, region=merchant.region)
            rules["order_amount"] = partial(_amount, currency=cleaned.get("order_currency") or merchant.currency)
        for name, rule in rules.items():
            if cleaned.get(name):
                self._judge(name, rule)
        return cleaned

    def _judge(self, name: str, rule: Callable[[str], Any]) -> None:
        try:
            self.cleaned_data[name] = rule(self.cleaned_data[name])
        except BadInput as refusal:
            self.add_error(name, at_field(refusal))

    def refuse(self, refusal: BadInput) -> None:
        """Say what the core refuses at its field; of what this form does not ask for, on top and with its name."""
        is_asked = refusal.field in self.fields
        self.add_error(refusal.field if is_asked else None, at_field(refusal) if is_asked else refusal.text)

    def merchant_and_mode(self) -> tuple[Merchant, Mode]:
        return self.sellers[self.cleaned_data["seller"]]

    def new_order(self, *, at: datetime) -> NewOrder:
        """What to make of it."""
        asked = self.cleaned_data
        lifetime = asked["order_expiry_time"]
        return NewOrder(
            amount=asked["order_amount"],
            customer_name=asked["customer_name"],
            customer_email=asked["customer_email"],
            customer_phone=asked["customer_phone"],
            order_id=asked["order_id"] or asked["link_id"],
            expiry_time=(at + timedelta(seconds=int(lifetime))).isoformat() if lifetime else "",
            note=asked["order_note"],
            language=asked["language"],
            manual_capture=HELD[asked["capture"]],
            may_be_nameless=True,
        )


def _amount(text: str, *, currency: str) -> Money:
    """An amount as people write it, exactly. Raises BadInput."""
    if not PLAIN_NUMBER.fullmatch(text):
        told = f"order_amount: write {currency} as a plain number like 1299.50: no sign, comma or currency."
        raise BadInput("order_amount", "invalid", told)
    return Money.parse(Decimal(text), currency)
