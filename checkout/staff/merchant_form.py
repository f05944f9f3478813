"""A merchant's settings: checked by the rules its orders will be checked by, each message at its field."""

from decimal import Decimal
from functools import cache
from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminTextInputWidget
from django.core.exceptions import ValidationError

from checkout.languages import CHOICES
from checkout.staff.base import at_field
from checkout.staff.brand_form import BrandForm
from checkout.staff.reasons import ReasonField
from payments import fields, urls
from payments.errors import BadInput
from payments.money import EXPONENT, MAX_MINOR, Money
from payments.states import MAX_EXTENSIONS

MAX_ORIGINS = 50
MAX_SETTLEMENT_DAYS = 30
MIN_EXPIRY_S = int(fields.MIN_EXPIRY.total_seconds())
MAX_EXPIRY_S = int(fields.MAX_EXPIRY.total_seconds())


@cache
def time_zones() -> list[tuple[str, str]]:
    """Every time zone that a merchant may have, by name."""
    return [(zone, zone) for zone in fields.time_zones()]


def minor_of(amount: Decimal, currency: str) -> int:
    """An amount of major units, 0 allowed, in minor units. Raises BadInput where it has too many decimals."""
    return Money.parse(amount, currency).minor if amount else 0


class OriginsField(forms.CharField):
    """Origins, one a line; any address of an origin stands for it."""

    widget = forms.Textarea(attrs={"rows": 4, "cols": 60, "spellcheck": "false"})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        lines = value if isinstance(value, list) else (value or "").split()
        if len(lines) > MAX_ORIGINS:
            raise ValidationError(f"Write at most {MAX_ORIGINS} origins.")
        origins, refused = set(), []
        for line in lines:
            try:
                origins.add(urls.origin_of("return_origins", line))
            except BadInput:
                refused.append(line)
        if refused:
            raise ValidationError(
                [f"{line}: write an origin like https://shop.example.com, one a line." for line in refused]
            )
        return sorted(origins)


class MerchantForm(BrandForm):
    """What staff may change of a merchant."""

    return_origins = OriginsField(
        max_length=None,
        help_text="Where customers may be sent back to, one origin a line, like https://shop.example.com.",
    )
    currency = forms.ChoiceField(
        choices=[(code, code) for code in sorted(EXPONENT)], help_text="Used where a request names none."
    )
    time_zone = forms.ChoiceField(choices=time_zones, help_text="In which customers read times.")
    language = forms.ChoiceField(
        required=False,
        choices=[("", "that of their browser"), *CHOICES],
        help_text="Language of customers, unless they or an order say otherwise.",
    )
    order_expiry_s = forms.IntegerField(
        label="Order expiry (s)",
        min_value=MIN_EXPIRY_S,
        max_value=MAX_EXPIRY_S,
        help_text="How long an order is payable, in seconds: 300 (5 minutes) to 2592000 (30 days); a day is 86400.",
    )
    extensions = forms.IntegerField(
        label="Extensions by customers",
        min_value=0,
        max_value=MAX_EXTENSIONS,
        help_text="How often a customer may add 15 minutes to the time to pay an order, 0 to 10; 0: never.",
    )
    accept_late_s = forms.IntegerField(
        label="Accept late (s)",
        min_value=0,
        max_value=MAX_EXPIRY_S,
        help_text="How long after an order's end late money still pays it, in seconds, at most 30 days; 0 returns it.",
    )
    one_person_refund = forms.DecimalField(
        label="One person refunds up to",
        min_value=0,
        max_value=MAX_MINOR,
        help_text="In the currency above, like 5000.00. A refund by staff of more needs a second person; 0: every one.",
    )
    settlement_days = forms.IntegerField(
        label="Settlement days (T+N)",
        min_value=0,
        max_value=MAX_SETTLEMENT_DAYS,
        required=False,
        help_text="Working days after a payment's own on which it is settled, 0 to 30. Empty: by hand only.",
    )
    reason = ReasonField()

    class Meta(BrandForm.Meta):
        fields: tuple[str, ...] = (
            *BrandForm.Meta.fields,
            "return_url",
            "return_origins",
            "notify_url",
            "currency",
            "time_zone",
            "language",
            "order_expiry_s",
            "extensions",
            "accept_late_s",
            "manual_capture",
            "mail_receipts",
            "settlement_days",
        )
        labels = BrandForm.Meta.labels | {"return_url": "Return URL", "notify_url": "Notify URL"}
        widgets = dict.fromkeys(
            ("return_url", "notify_url", "terms_url"), AdminTextInputWidget(attrs={"class": "vLargeTextField"})
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        limit = Money(self.instance.one_person_refund_minor, self.instance.currency)
        self.initial["one_person_refund"] = limit.as_major()

    def clean_notify_url(self) -> str:
        url: str = self.cleaned_data["notify_url"]
        try:
            if url:
                urls.check_notify_url(url, live=self.sells_live())
        except BadInput as refusal:
            raise at_field(refusal) from None
        return url

    def clean(self) -> dict[str, Any]:
        """Judge the return URL beside the origins it must be one of."""
        cleaned = super().clean() or self.cleaned_data
        url, origins = cleaned.get("return_url"), cleaned.get("return_origins")
        try:
            origin = urls.origin_of("return_url", url) if url else None
            if origin and origins and origin not in origins:
                self.add_error("return_url", f"{origin} is not among the return origins: add it there first.")
            elif url and origins:
                urls.check_return_url(url, origins=origins, live=self.sells_live())
        except BadInput as refusal:
            self.add_error("return_url", at_field(refusal))
        self._read_limit(cleaned)
        return cleaned

    def _read_limit(self, cleaned: dict[str, Any]) -> None:
        """Keep the limit on refunds in minor units of the currency chosen in the same form."""
        limit, currency = cleaned.get("one_person_refund"), cleaned.get("currency")
        if limit is None or currency is None:
            return
        try:
            self.instance.one_person_refund_minor = minor_of(limit, currency)
        except BadInput as refusal:
            self.add_error("one_person_refund", at_field(refusal))
