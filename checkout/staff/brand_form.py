"""How a merchant looks to its customers: name, logo, colour, where they get help, and its terms."""

from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.admin.widgets import AdminTextInputWidget
from django.core import signing
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from checkout.staff.base import at_field
from payments import fields, logos, urls
from payments.errors import BadInput
from payments.models import ApiKey, Merchant
from payments.selectors import find_logo
from payments.states import Mode

LOGO = "logo"
KEPT, REMOVE = f"{LOGO}-kept", f"{LOGO}-remove"
SALT = "till.staff.logo"
KEPT_FOR_S = 3_600
BRAND = ("name", LOGO, "accent", "support_email", "support_phone", "terms_url")

if TYPE_CHECKING:
    MerchantModelForm = forms.ModelForm[Merchant]
else:
    MerchantModelForm = forms.ModelForm


@dataclass(frozen=True, slots=True)
class Logo:
    """A logo as we drew it, or none. In words, as acts are recorded, it is its digest."""

    picture: bytes = b""

    def __str__(self) -> str:
        return logos.digest_of(self.picture)


def keep_upload(request: HttpRequest) -> None:
    """Put our drawing of an uploaded logo, signed, in the place of the file.

    A file would be lost on the page that asks who somebody is, and where another field is refused. One that cannot be
    a logo stays, for the form to say why.
    """
    upload = request.FILES.get(LOGO)
    if upload is None:
        return
    try:
        picture = _drawn(upload)
    except BadInput:
        return
    sent = request.POST.copy()
    sent[KEPT] = signing.dumps(b64encode(picture).decode(), salt=SALT)
    request.POST = sent  # type: ignore[assignment]
    del request.FILES[LOGO]


def _drawn(upload: Any) -> bytes:
    """The upload as our own small picture; of a large file no more is read than shows that it is one."""
    return logos.reencoded(upload.read(logos.MAX_UPLOAD + 1))


class LogoInput(forms.FileInput):
    """A file, or what was kept of one, or the wish to have none."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        if data.get(REMOVE):
            return Logo()
        return files.get(name) or data.get(KEPT) or None

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return self.value_from_datadict(data, files, name) is None

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        context = {
            "input": super().render(name, value, attrs, renderer),
            "kept_name": KEPT,
            "kept": value if isinstance(value, str) and ":" in value else "",
            "remove_name": REMOVE,
            "has_one": bool(value),
            "is_removed": isinstance(value, Logo),
        }
        return render_to_string("staff/_logo.html", context)

    def format_value(self, value: Any) -> None:
        return None


class LogoField(forms.FileField):
    widget = LogoInput(attrs={"accept": "image/png,image/jpeg,image/webp"})

    def bound_data(self, data: Any, initial: Any) -> Any:
        return data if isinstance(data, str | Logo) else initial

    def clean(self, data: Any, initial: Any = None) -> Any:
        if data is None or isinstance(data, Logo):
            return data
        if isinstance(data, str):
            try:
                return Logo(b64decode(signing.loads(data, salt=SALT, max_age=KEPT_FOR_S)))
            except signing.BadSignature:
                raise forms.ValidationError("Choose the file again: it was chosen too long ago.") from None
        try:
            data.seek(0)
            return Logo(_drawn(data))
        except BadInput as refusal:
            raise at_field(refusal) from None


class BrandForm(MerchantModelForm):
    """What a preview shows before it is saved."""

    logo = LogoField(
        label="Logo",
        required=False,
        help_text="A PNG, JPEG or WebP of at most 1 MB, best a square mark of 400 by 400 pixels. "
        "We draw it anew on a white tile, without anything else the file holds.",
    )

    support_phone = forms.CharField(
        label="Support phone",
        required=False,
        max_length=30,
        help_text="Shown to customers who need help. Without a country code it is read as one of the region below.",
    )

    class Meta:
        model = Merchant
        fields: tuple[str, ...] = ("name", "accent", "support_email", "support_phone", "terms_url", "region")
        labels = {"terms_url": "Terms URL", "support_email": "Support e-mail"}
        widgets = {"terms_url": AdminTextInputWidget(attrs={"class": "vLargeTextField"})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial[LOGO] = self.instance.logo_digest
        if self.instance.support_phone:
            self.initial["support_phone"] = fields.phone_in_words(self.instance.support_phone)

    def clean_name(self) -> str:
        try:
            return fields.line("name", self.cleaned_data["name"], at_most=100, required=True)
        except BadInput as refusal:
            raise at_field(refusal) from None

    def clean_region(self) -> str:
        try:
            return fields.region(self.cleaned_data["region"])
        except BadInput as refusal:
            raise at_field(refusal) from None

    def clean_terms_url(self) -> str:
        url: str = self.cleaned_data["terms_url"]
        try:
            return urls.terms_url(url, live=self.sells_live()) if url else ""
        except BadInput as refusal:
            raise at_field(refusal) from None

    def clean(self) -> dict[str, Any]:
        """Read the phone number as one of the region in the same form."""
        cleaned = super().clean() or self.cleaned_data
        phone, region = cleaned.get("support_phone"), cleaned.get("region") or self.instance.region
        try:
            if phone:
                cleaned["support_phone"] = fields.phone(phone, region=region, field="support_phone")
        except BadInput as refusal:
            self.add_error("support_phone", at_field(refusal))
        return cleaned

    def picture(self) -> bytes:
        """The logo as it would be with what was sent."""
        logo = self.cleaned_data.get(LOGO) if self.is_bound else None
        return logo.picture if logo is not None else find_logo(self.instance.logo_digest)

    def sells_live(self) -> bool:
        """Whether live orders can be made, which need https everywhere."""
        return ApiKey.objects.filter(merchant=self.instance, mode=Mode.LIVE, revoked_at=None).exists()
