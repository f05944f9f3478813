"""What customers type and choose: one form a way to pay. Any script's digits are read, nothing dangerous is echoed."""

import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django import forms
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from checkout.hosted.typed import card_number, holds_card_number, joined_digits, plain, read_expiry
from payments.banks import BANKS, WALLETS, Bank, other_banks, popular_banks
from payments.cards import passes_luhn, security_code_length
from payments.gateways.base import Card
from payments.states import Method

_UPI_ID = re.compile(r"[a-z0-9._-]{2,256}@[a-z][a-z0-9]{1,63}")

BY_APP, BY_QR, BY_REQUEST = "link", "qrcode", "collect"
UPI_FLOWS = {"app": BY_APP, "qr": BY_QR, "collect": BY_REQUEST}
"""The UPI drawer's buttons, and the channel each stands for."""

ROOMY = 200
"""Characters a card's field takes: whatever is pasted fits whole, with the spaces, marks and words around it."""
MOST = 330
"""Characters any field takes: a UPI ID with all that may stand around it."""
MOST_OF_A_DATE = 8
"""Digits of 2029-08-31."""


def _unreadable(words: Any) -> dict[str, Any]:
    """Our words for what Django would refuse in its own."""
    return dict.fromkeys(("max_length", "null_characters_not_allowed"), words)


def _is_no_name(holder: str) -> bool:
    """Whether it looks like a number or code: a name may have a few digits, but no four on end and not only digits."""
    digits = sum(char.isdigit() for char in holder)
    return bool(re.search(r"\d{4}", holder)) or digits >= 6 or (digits >= 3 and digits == len(joined_digits(holder)))


def _may_be_echoed(name: str, text: str) -> bool:
    """Whether a page may show again what was typed into a field, the right one or not."""
    # What is too long is not even looked through: that takes time, and anybody may send it.
    if name in ("number", "cvc") or len(text) > MOST or holds_card_number(text):
        return False
    if name == "expiry":
        return len(joined_digits(text)) <= MOST_OF_A_DATE
    return name != "holder" or not _is_no_name(text)


class Echo(forms.BoundField):
    """A field of a page: never with a card's number or code in it, wherever that was typed."""

    def value(self) -> Any:
        value = super().value()
        return "" if isinstance(value, str) and not _may_be_echoed(self.name, value) else value


class MethodForm(forms.Form):
    """A method's drawer. `at` is when it was posted. Without data it is only shown, with `initial` what was typed."""

    method: ClassVar[Method]
    bound_field_class = Echo

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        at: datetime,
        zone: str,
        initial: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(data, auto_id="%s", initial=dict(initial or {}))
        self.at = at
        self.zone = zone

    def card(self) -> Card | None:
        """The card of a valid form, where there is one."""
        return None

    def details(self) -> dict[str, str]:
        """What a valid form says of the attempt: kept with it and sent to the gateway."""
        return {}


class CardForm(MethodForm):
    """The card drawer: a card lasts to the end of its month in the merchant's zone."""

    method = Method.CARD

    number = forms.CharField(
        label=_("Card number"),
        max_length=ROOMY,
        error_messages={"required": _("Type the long number on the front of the card.")}
        | _unreadable(_("A card number has digits only. Check it against the card.")),
    )
    expiry = forms.CharField(
        label=_("Expiry date"),
        help_text=_("Month and year, like 08/29"),
        max_length=ROOMY,
        error_messages={"required": _("Type the month and year on the card, like 08/29.")}
        | _unreadable(_("Type the month and year on the card, like 08/29.")),
    )
    cvc = forms.CharField(
        label=_("Security code"),
        help_text=_("3 digits on the back; 4 on the front of an Amex"),
        max_length=ROOMY,
        error_messages={"required": _("Type the security code: 3 digits on the back, 4 on the front of an Amex.")}
        | _unreadable(_("The code has 3 digits, on the back of the card; on an Amex it has 4, on the front.")),
    )
    holder = forms.CharField(
        label=_("Name on card"),
        max_length=ROOMY,
        required=False,
        error_messages=_unreadable(_("Type the name as it stands on the card, without numbers.")),
    )

    def clean_number(self) -> str:
        digits = card_number(self.cleaned_data["number"])
        if not re.fullmatch(r"[0-9]+", digits):
            raise forms.ValidationError(_("A card number has digits only. Check it against the card."))
        if not 12 <= len(digits) <= 19:
            raise forms.ValidationError(_("This number is too short or too long. Check it against the card."))
        if not passes_luhn(digits):
            raise forms.ValidationError(_("A digit of this number is not right. Check it against the card."))
        return digits

    def clean_expiry(self) -> tuple[int, int]:
        found = read_expiry(self.cleaned_data["expiry"])
        if found is None:
            raise forms.ValidationError(_("Type the month and year on the card, like 08/29."))
        month, year = found
        if not 1 <= month <= 12:
            raise forms.ValidationError(_("The month is a number from 01 to 12."))
        now = self.at.astimezone(ZoneInfo(self.zone))
        if (year, month) < (now.year, now.month):
            raise forms.ValidationError(_("This card’s date has passed. Check it, or use another card."))
        if year > now.year + 30:
            raise forms.ValidationError(_("This year is too far away. Check the date on the card."))
        return month, year

    def clean_cvc(self) -> str:
        digits = joined_digits(self.cleaned_data["cvc"])
        number = self.cleaned_data.get("number", "")
        lengths = (security_code_length(number),) if number else (3, 4)
        if not re.fullmatch(r"[0-9]+", digits) or len(digits) not in lengths:
            raise forms.ValidationError(
                _("The code has 3 digits, on the back of the card; on an Amex it has 4, on the front.")
            )
        return digits

    def clean_holder(self) -> str:
        holder: str = self.cleaned_data["holder"]
        if _is_no_name(holder):
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


class UpiForm(MethodForm):
    """The UPI drawer: an app to open, a code to scan, or an ID to send a request to. No button means a request."""

    method = Method.UPI

    upi_id = forms.CharField(
        label=_("Your UPI ID"),
        help_text=_("Like name@bank. Your app gets a request."),
        max_length=MOST,
        error_messages={"required": _("Type your UPI ID, like asha@okbank, or use one of the other buttons here.")}
        | _unreadable(_("Type your UPI ID again, like asha@okbank.")),
    )

    def __init__(self, data: Mapping[str, Any] | None = None, **values: Any) -> None:
        super().__init__(data, **values)
        self.channel = UPI_FLOWS.get((data or {}).get("upi_flow", ""), BY_REQUEST)
        if self.channel != BY_REQUEST:
            del self.fields["upi_id"]  # whatever stands there was not sent on purpose

    def clean_upi_id(self) -> str:
        # Nothing but the ID's own signs counts: phones put a capital first and a space behind.
        upi_id = "".join(plain(self.cleaned_data["upi_id"]).split()).lower()
        if not _UPI_ID.fullmatch(upi_id) or holds_card_number(upi_id):
            raise forms.ValidationError(
                _("A UPI ID is a name or number, then @, then a short word for the bank or app, like asha@okbank.")
            )
        return upi_id

    def details(self) -> dict[str, str]:
        asked = {"upi_id": self.cleaned_data["upi_id"]} if self.channel == BY_REQUEST else {}
        return {"channel": self.channel, **asked}


@lru_cache(maxsize=1_024)
def _bank_options(popular: str, others: str, *, chosen: str) -> SafeString:
    """Written once for each language and choice: to write them takes longer than all else on the page."""
    groups = ((popular, popular_banks()), (others, other_banks()))
    return format_html_join(
        "\n", '<optgroup label="{}">\n{}\n</optgroup>', ((label, _options(banks, chosen)) for label, banks in groups)
    )


def _options(banks: list[Bank], chosen: str) -> SafeString:
    rows = ((bank.code, " selected" if bank.code == chosen else "", bank.name) for bank in banks)
    return format_html_join("\n", '<option value="{}"{}>{}</option>', rows)


class NetbankingForm(MethodForm):
    """The netbanking drawer: whose sign-in page comes next."""

    method = Method.NETBANKING

    bank = forms.ChoiceField(
        label=_("Your bank"),
        help_text=_("Popular banks first, then A to Z"),
        choices=[(bank.code, bank.name) for bank in BANKS.values()],
        error_messages=dict.fromkeys(("required", "invalid_choice"), _("Choose your bank from the list.")),
    )

    def options(self) -> SafeString:
        """The list as the page shows it."""
        chosen = self["bank"].value()
        labels = str(_("Popular banks")), str(_("All other banks"))
        return _bank_options(*labels, chosen=chosen if chosen in BANKS else "")

    def details(self) -> dict[str, str]:
        bank = BANKS[self.cleaned_data["bank"]]
        return {"channel": "link", "netbanking_bank_code": bank.code, "netbanking_bank_name": bank.name}


class WalletForm(MethodForm):
    """The wallet drawer: whose sign-in page comes next."""

    method = Method.WALLET

    wallet = forms.ChoiceField(
        label=_("Which wallet"),
        choices=list(WALLETS.items()),
        error_messages=dict.fromkeys(("required", "invalid_choice"), _("Choose one of the wallets.")),
    )

    def details(self) -> dict[str, str]:
        return {"channel": "link", "provider": self.cleaned_data["wallet"]}


def typed_before(details: Mapping[str, Any]) -> dict[str, Any]:
    """What of an attempt's details was typed or chosen in these forms. No field of a card is among them."""
    kept = {
        "upi_id": details.get("upi_id"),
        "bank": details.get("netbanking_bank_code"),
        "wallet": details.get("provider"),
    }
    return {name: value for name, value in kept.items() if value}


OWN_PAGE_FORMS: dict[Method, type[MethodForm]] = {
    method: type("OwnPageForm", (MethodForm,), {"method": method}) for method in Method
}
"""Drawers of gateways whose own page asks for everything: whatever else was posted is nobody's business."""
