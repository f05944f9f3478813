"""What customers type. Any script's digits are read, and nothing dangerous is echoed."""

import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext_lazy as _

from payments.cards import passes_luhn, security_code_length
from payments.gateways.base import Card

_JOINERS = re.compile(r"[\s\-‐-―.]")
_EXPIRY = re.compile(r"(?:(\d{1,2})[/\-. ]+(\d{4}|\d{2})|(\d{2})(\d{4}|\d{2})|(\d{4})[/\-.](\d{1,2}))")


def plain_digits(text: str) -> str:
    """Digits of any script as ASCII; invisible direction marks dropped."""
    kept = (char for char in text if unicodedata.category(char) != "Cf")
    return "".join(str(unicodedata.digit(char)) if char.isdigit() else char for char in kept).strip()


class CardForm(forms.Form):
    """The card drawer. `at` is when it was posted: a card lasts to the end of its month there."""

    number = forms.CharField(
        label=_("Card number"),
        max_length=60,
        error_messages={"required": _("Type the long number on the front of the card.")},
    )
    expiry = forms.CharField(
        label=_("Expiry date"),
        help_text=_("Month and year, like 08/29"),
        max_length=20,
        error_messages={"required": _("Type the month and year on the card, like 08/29.")},
    )
    cvc = forms.CharField(
        label=_("Security code"),
        help_text=_("3 digits on the back; 4 on the front of an Amex"),
        max_length=10,
        error_messages={"required": _("Type the security code: 3 digits on the back, 4 on the front of an Amex.")},
    )
    holder = forms.CharField(label=_("Name on card"), max_length=100, required=False)

    def __init__(self, data: Mapping[str, Any] | None = None, *, at: datetime, zone: str) -> None:
        super().__init__(data, auto_id="%s")
        self.at = at
        self.zone = zone

    def clean_number(self) -> str:
        digits = _JOINERS.sub("", plain_digits(self.cleaned_data["number"]))
        if not re.fullmatch(r"[0-9]+", digits):
            raise forms.ValidationError(_("A card number has digits only. Check it against the card."))
        if not 12 <= len(digits) <= 19:
            raise forms.ValidationError(_("This number is too short or too long. Check it against the card."))
        if not passes_luhn(digits):
            raise forms.ValidationError(_("A digit of this number is not right. Check it against the card."))
        return digits

    def clean_expiry(self) -> tuple[int, int]:
        found = _EXPIRY.fullmatch(plain_digits(self.cleaned_data["expiry"]))
        if found is None:
            raise forms.ValidationError(_("Type the month and year on the card, like 08/29."))
        month = int(found[1] or found[3] or found[6])
        year = int(found[2] or found[4] or found[5])
        year += 2000 if year < 100 else 0
        if not 1 <= month <= 12:
            raise forms.ValidationError(_("The month is a number from 01 to 12."))
        now = self.at.astimezone(ZoneInfo(self.zone))
        if (year, month) < (now.year, now.month):
            raise forms.ValidationError(_("This card’s date has passed. Check it, or use another card."))
        if year > now.year + 30:
            raise forms.ValidationError(_("This year is too far away. Check the date on the card."))
        return month, year

    def clean_cvc(self) -> str:
        digits = plain_digits(self.cleaned_data["cvc"])
        number = self.cleaned_data.get("number", "")
        lengths = (security_code_length(number),) if number else (3, 4)
        if not re.fullmatch(r"[0-9]+", digits) or len(digits) not in lengths:
            raise forms.ValidationError(
                _("The code has 3 digits, on the back of the card; on an Amex it has 4, on the front.")
            )
        return digits

    def clean_holder(self) -> str:
        holder: str = self.cleaned_data["holder"]
        if re.search(r"\d{4}", holder):
            raise forms.ValidationError(_("Type the name as it stands on the card, without numbers."))
        return holder

    def card(self) -> Card:
        """The card of a valid form."""
        month, year = self.cleaned_data["expiry"]
        return Card(
            number=self.cleaned_data["number"],
            expiry_month=month,
            expiry_year=year,
            cvc=self.cleaned_data["cvc"],
            holder=self.cleaned_data["holder"],
        )
