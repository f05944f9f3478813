"""What staff write when they do something with money: an amount read exactly, a note, and the reason."""

import re
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminTextInputWidget
from django.core.exceptions import ValidationError

from checkout.amounts import format_money
from checkout.staff.base import at_field
from checkout.staff.reasons import ReasonForm
from payments import fields
from payments.errors import BadInput
from payments.money import Money

NOTE_LENGTH = 100
PLAIN_NUMBER = re.compile(r"[0-9]{1,15}(\.[0-9]{1,10})?")
"""No sign, no separators and no exponent: "1,50" means two amounts to two people."""


class NoteField(forms.CharField):
    """A word to the merchant, by the rules that merchants' own texts obey."""

    def __init__(self, **kwargs: Any) -> None:
        widget = AdminTextInputWidget(attrs={"class": "vLargeTextField", "autocomplete": "off"})
        text = f"Goes with the refund: the merchant can read it. At most {NOTE_LENGTH} characters."
        super().__init__(max_length=NOTE_LENGTH, required=False, help_text=text, widget=widget, **kwargs)

    def clean(self, value: Any) -> str:
        try:
            return fields.line("note", super().clean(value), at_most=NOTE_LENGTH)
        except BadInput as refusal:
            raise at_field(refusal) from None


class AmountField(forms.CharField):
    """An amount in major units of one currency, like 299.99. It becomes Money; nothing is ever rounded."""

    def __init__(self, currency: str, **kwargs: Any) -> None:
        self.currency = currency
        widget = AdminTextInputWidget(attrs={"inputmode": "decimal", "autocomplete": "off", "dir": "ltr"})
        super().__init__(max_length=30, widget=widget, **kwargs)

    def clean(self, value: Any) -> Money:
        text = super().clean(value)
        if not PLAIN_NUMBER.fullmatch(text):
            raise ValidationError(f"Write {self.currency} as a plain number like 1299.50: no sign, comma or currency.")
        try:
            return Money.parse(Decimal(text), self.currency)
        except BadInput as refusal:
            raise at_field(refusal) from None


class AmountForm(ReasonForm):
    """How much, and why. `most` is the largest amount there is."""

    field_order = ["amount", "note", "reason"]

    def __init__(self, *args: Any, most: Money, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.most = most
        at_most = f"At most {format_money(most.minor, most.currency)}."
        self.fields["amount"] = AmountField(most.currency, label=f"Amount in {most.currency}", help_text=at_most)
        self.order_fields(self.field_order)

    def clean_amount(self) -> Money:
        amount: Money = self.cleaned_data["amount"]
        if amount.minor > self.most.minor:
            raise ValidationError(f"That is too much: {format_money(self.most.minor, self.most.currency)} is left.")
        return amount


class RefundForm(AmountForm):
    """How much goes back, and why: once for the merchant, once for our own records."""

    note = NoteField()
