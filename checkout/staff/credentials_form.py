"""What staff write about accounts at gateways: whose they are, and what they sign in with. Secrets go in, never out."""

from datetime import datetime
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError

from checkout.staff.reasons import ReasonField, ReasonForm
from checkout.staff.replays import TickField
from payments.gateways.base import EVENT_SECRETS, CredentialField
from payments.gateways.registry import GATEWAYS, gateway_named, is_open
from payments.models import GatewayAccount, Merchant
from payments.services.accounts import LONGEST
from payments.states import Collects, Mode


class AccountForm(forms.Form):
    """A new account, and why there is one."""

    merchant = forms.ModelChoiceField(Merchant.objects.order_by("name"))
    mode = forms.ChoiceField(choices=[(mode.value, mode.value) for mode in Mode], initial=Mode.TEST)
    gateway = forms.ChoiceField()
    collects = forms.ChoiceField(
        label="Paid out to",
        choices=[(word.value, word.value) for word in Collects],
        initial=Collects.OPERATOR,
        help_text="Whom the gateway pays: you, who settle with the merchant then, or the merchant itself.",
    )
    reason = ReasonField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = sorted(name for name in GATEWAYS if is_open(name))
        self.fields["gateway"] = forms.ChoiceField(choices=[(name, name) for name in names])

    def clean_mode(self) -> str:
        mode: str = self.cleaned_data["mode"]
        if mode == Mode.LIVE and not settings.HTTPS:
            raise ValidationError("Live accounts need PUBLIC_URL to be https://: customers come back to it.")
        return mode


def hints_of_previous(account: GatewayAccount) -> list[str]:
    """What people may see of the event secrets that were replaced and still count, the newest first."""
    return [account.credential_hints[name] for name in EVENT_SECRETS[1:] if name in account.credential_hints]


class CredentialsForm(ReasonForm):
    """A field for each value that the account's gateway asks for. What is left empty stays as it is."""

    def __init__(self, account: GatewayAccount, data: Any = None) -> None:
        super().__init__(data)
        self.account = account
        gateway_fields = gateway_named(account.gateway).credential_fields
        self.names = [field.name for field in gateway_fields]
        for field in gateway_fields:
            self.fields[field.name] = _field(field, account.credential_hints.get(field.name, ""))
        previous = hints_of_previous(account)
        if previous:
            what = f"the {len(previous)} event secrets" if len(previous) > 1 else "the event secret"
            self.fields["forget_previous"] = TickField(
                label=f"Remove {what} before this one ({' and '.join(previous)})",
                help_text="Once the gateway sends nothing any more that an old one signed: that takes up to a month.",
            )
        seen = account.credentials_set_at
        self.fields["seen"] = forms.CharField(
            required=False, widget=forms.HiddenInput, initial=seen.isoformat() if seen else ""
        )
        self.order_fields([*self.names, "forget_previous", "reason"])

    @property
    def given(self) -> dict[str, str]:
        return {name: self.cleaned_data[name] for name in self.names if self.cleaned_data[name]}

    @property
    def seen(self) -> datetime | None:
        """When the credentials had last changed as the form was drawn. Raises ValueError for nonsense."""
        text = self.cleaned_data["seen"]
        return datetime.fromisoformat(text) if text else None


def _field(field: CredentialField, hint: str) -> forms.CharField:
    attrs = {"class": "vLargeTextField", "autocomplete": "off", "spellcheck": "false", "dir": "ltr"}
    # Never drawn with a value: what was typed into the wrong field may be a secret, too.
    widget = forms.PasswordInput(attrs=attrs)
    if field.is_secret:
        # A browser must neither fill in nor offer to keep what is somebody else's secret.
        widget.attrs["autocomplete"] = "new-password"
    else:
        widget.input_type = "text"
    kept = f"Now {hint}: leave this empty to keep it." if hint else ""
    return forms.CharField(
        label=field.label,
        required=not hint and not field.is_optional,
        max_length=LONGEST,
        help_text=f"{field.help} {kept}".strip(),
        widget=widget,
    )
