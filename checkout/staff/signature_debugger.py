"""A page that says why a webhook's signature does, or does not, verify. It keeps nothing of what is typed there."""

import base64
import binascii
from dataclasses import replace
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods

from checkout import signature_words
from checkout.staff.facts import Panel, facts_of, may_view
from payments import clock
from payments.models import ApiKey, Delivery, Merchant
from payments.signature_debugger import BadHeaders, debug, message_id_of, read_headers
from payments.signature_evidence import Evidence, evidence
from payments.signature_mistakes import Clues, Secret
from payments.states import Mode

TITLE = "Signature debugger"
LONGEST = 60_000


def may_debug(request: HttpRequest) -> bool:
    """For those who look after webhooks or keys."""
    return may_view(request, Delivery) or may_view(request, ApiKey)


def _area(rows: int) -> forms.Textarea:
    return forms.Textarea(
        attrs={"rows": rows, "class": "vLargeTextField till-code", "spellcheck": "false", "autocomplete": "off"}
    )


class SignatureForm(forms.Form):
    """A request as it came, and whose secret should fit: a merchant's keys that we keep, or one typed here."""

    headers = forms.CharField(widget=_area(7), max_length=LONGEST, help_text=signature_words.HEADERS_HELP)
    body = forms.CharField(
        label="Body as text",
        widget=_area(8),
        max_length=LONGEST,
        strip=False,
        required=False,
        help_text="For a body on one line, as we send it. A browser rewrites line ends in this field, so they are all "
        "taken as LF, and it cannot hold bytes that are no UTF-8.",
    )
    body_base64 = forms.CharField(
        label="Body as base64",
        widget=_area(4),
        max_length=LONGEST,
        required=False,
        help_text="Instead, for exactly the bytes your server got: base64 -w0 body.json",
    )
    merchant = forms.ModelChoiceField(
        Merchant.objects.order_by("name"),
        required=False,
        help_text="Tries the keys we keep of this merchant, revoked ones too, and compares with the webhook we sent.",
    )
    mode = forms.ChoiceField(choices=[(mode.value, mode.value) for mode in Mode], initial=Mode.TEST)
    secret = forms.CharField(
        label="Or a client secret",
        required=False,
        strip=False,
        max_length=500,
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "class": "vTextField"}),
        help_text="Used for this answer, then forgotten: type it anew each time.",
    )

    def clean_headers(self) -> dict[str, str]:
        try:
            return read_headers(self.cleaned_data["headers"])
        except BadHeaders as refusal:
            raise ValidationError(str(refusal)) from None

    def clean_body_base64(self) -> bytes:
        text = "".join(self.cleaned_data["body_base64"].split())
        try:
            return base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            raise ValidationError("This is no base64.") from None

    def clean(self) -> dict[str, Any]:
        asked = self.cleaned_data
        if asked.get("body") and asked.get("body_base64"):
            self.add_error("body_base64", "Give the body as text or as base64, not both.")
        if bool(asked.get("merchant")) == bool(asked.get("secret")) and not self.errors.keys() & {"merchant", "secret"}:
            self.add_error("secret", "Choose a merchant or type a secret: one of the two.")
        return asked

    @property
    def raw_body(self) -> bytes:
        text: str = self.cleaned_data["body"].replace("\r\n", "\n")
        return self.cleaned_data["body_base64"] or text.encode()


@method_decorator(sensitive_post_parameters(), name="__call__")
class SignatureDebugger:
    """The page, on one admin site."""

    def __init__(self, site: admin.AdminSite) -> None:
        self.site = site

    @method_decorator(require_http_methods(["GET", "HEAD", "POST"]))
    @sensitive_variables()
    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Show the form; a POST shows the report above it. The secret is not written back."""
        if not may_debug(request):
            raise PermissionDenied
        form = SignatureForm(request.POST if request.method == "POST" else None)
        context = {**self.site.each_context(request), "title": TITLE, "form": form}
        if form.is_valid():
            known = _known(request, form.cleaned_data)
            found = debug(form.cleaned_data["headers"], form.raw_body, known.secrets, at=clock.now(), clues=known.clues)
            context["verdict"] = signature_words.verdict(found)
            context["panels"] = [Panel(title, facts_of(facts)) for title, facts in signature_words.sections(found)]
        return TemplateResponse(request, "staff/signature_debugger.html", context)


@sensitive_variables()
def _known(request: HttpRequest, asked: dict[str, Any]) -> Evidence:
    """The secrets to try. What we sent is compared with only for those who may see it."""
    if not asked["merchant"]:
        return Evidence((Secret("the secret you typed", asked["secret"]),), Clues())
    known = evidence(asked["merchant"], Mode(asked["mode"]), message_id_of(asked["headers"]))
    if may_view(request, Delivery):
        return known
    return replace(known, clues=Clues(secrets=known.clues.secrets))
