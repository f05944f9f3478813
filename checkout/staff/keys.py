"""API keys: made here, shown once, revoked here, never changed or deleted."""

from datetime import datetime
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin import helpers
from django.core.exceptions import BadRequest, PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Max, Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_variables

from checkout.staff.base import ReadOnlyAdmin
from checkout.staff.facts import Panel, facts_of, link_for, moment, short_moment
from checkout.staff.filters import KeyState
from checkout.staff.proofs import proved
from checkout.staff.reasons import ReasonField, ReasonForm, act_of
from payments import clock
from payments.errors import KeyLimitReached
from payments.models import ApiKey, Merchant
from payments.services.audit import record_act
from payments.services.merchants import IssuedKey, issue_key, revoke_key
from payments.states import Mode


class SentTwice(Exception):
    """The merchant got a key after this form was opened: by this very form, or from somebody else."""


class KeyForm(forms.Form):
    """For whom the key is, whether its money is real, and why there is one more."""

    merchant = forms.ModelChoiceField(Merchant.objects.order_by("name"))
    mode = forms.ChoiceField(choices=[(mode.value, mode.value) for mode in Mode], initial=Mode.TEST)
    reason = ReasonField()

    def clean_mode(self) -> str:
        mode: str = self.cleaned_data["mode"]
        if mode == Mode.LIVE and not settings.HTTPS:
            raise ValidationError("Live keys need PUBLIC_URL to be https://: they must not travel in clear.")
        return mode


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    actions = ("revoke",)
    change_form_template = "staff/key.html"
    list_display = ("client_id", "state", "secret", "mode", "merchant", "created", "last_used")
    list_filter = (KeyState, "mode", "merchant")
    list_select_related = ("merchant",)
    search_fields = ("client_id__startswith", "merchant__name__icontains")
    search_help_text = "The start of a client id, or part of the merchant's name."

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("payments.add_apikey")

    def has_revoke_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Revoking is the one change a key knows."""
        return request.user.has_perm("payments.change_apikey")

    @admin.display(description="secret")
    def secret(self, key: ApiKey) -> str:
        return f"…{key.secret_last4}"

    @admin.display(description="created (UTC)")
    def created(self, key: ApiKey) -> str:
        return short_moment(key.created_at)

    @admin.display(description="last used (UTC)")
    def last_used(self, key: ApiKey) -> str:
        return short_moment(key.last_used_at) or "never"

    @admin.display(description="state")
    def state(self, key: ApiKey) -> str:
        return "revoked" if key.revoked_at else "active"

    def panels(self, request: HttpRequest, row: ApiKey) -> list[Panel]:
        facts = {
            "client id": row.client_id,
            "secret": f"ends in {row.secret_last4}; nobody can read it again",
            "merchant": link_for(request, row.merchant, row.merchant.name),
            "mode": row.mode,
            "state": self.state(row),
            "created": moment(row.created_at),
            "last used": moment(row.last_used_at) or "never",
            "revoked": moment(row.revoked_at),
            "calls a minute": row.rate_per_minute or f"{settings.API_RATE_PER_MINUTE} (the server's default)",
        }
        return [Panel("API key", facts_of(facts))]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        context["may_revoke"] = context["original"].revoked_at is None and self.has_revoke_permission(request)
        return super().render_change_form(request, context, *args, **kwargs)

    @method_decorator(csrf_protect)
    @proved
    @sensitive_variables()
    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Ask for whom; answer the POST itself with the secret. A redirect would have to keep it somewhere."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = KeyForm(request.POST or None, initial={"merchant": request.GET.get("merchant"), "mode": Mode.TEST})
        if request.method == "POST" and form.is_valid():
            try:
                issued = self._issue(request, form.cleaned_data)
            except KeyLimitReached as refusal:
                form.add_error(None, refusal.message)
            except SentTwice:
                form.add_error(
                    None,
                    "This merchant got a key after this form was opened, perhaps by sending it twice: look at the list "
                    "first. A key whose secret nobody has should be revoked. To make one more, send this form again.",
                )
            else:
                return self._page(request, "staff/key_made.html", "API key made", issued=issued)
        newest = ApiKey.objects.aggregate(newest=Max("pk"))["newest"] or 0
        return self._page(request, "staff/key_add.html", "Add API key", form=form, newest=newest)

    def response_action(self, request: HttpRequest, queryset: Any, *args: Any, **kwargs: Any) -> HttpResponse | None:
        """Refuse a selection that names no rows: Django would hand it to the database as it is."""
        if not all(_is_number(text) for text in request.POST.getlist(helpers.ACTION_CHECKBOX_NAME)):
            raise BadRequest("Selected keys are numbers.")
        return super().response_action(request, queryset, *args, **kwargs)

    @admin.action(description="Revoke selected API keys", permissions=["revoke"])
    @proved
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> HttpResponse | None:
        """End keys for good, after a page that says so. Rows stay: they say who could call us, and until when."""
        live = list(queryset.filter(revoked_at=None))
        if not live:
            self.message_user(request, "These keys are revoked already.", messages.WARNING)
            return None
        form = ReasonForm(request.POST if request.POST.get("confirmed") == "yes" else None)
        if not form.is_valid():
            words = {"keys": live, "checkbox": helpers.ACTION_CHECKBOX_NAME, "form": form}
            return self._page(request, "staff/key_revoke.html", "Revoke API keys", **words)
        with transaction.atomic():
            for key in live:
                self._end(request, key, form.cleaned_data["reason"])
        self.message_user(request, f"Revoked: {', '.join(key.client_id for key in live)}.", messages.SUCCESS)
        return None

    def _issue(self, request: HttpRequest, asked: dict[str, Any]) -> IssuedKey:
        """Make a key, unless the merchant got one since. The row lock makes a double click wait for its first half.

        Raises SentTwice, KeyLimitReached.
        """
        merchant, at = asked["merchant"], clock.now()
        with transaction.atomic():
            Merchant.objects.select_for_update(no_key=True).get(pk=merchant.pk)
            if ApiKey.objects.filter(merchant=merchant, pk__gt=_newest_seen(request)).exists():
                raise SentTwice
            issued = issue_key(merchant, mode=Mode(asked["mode"]), at=at)
            self._record(request, issued.key, "key.add", asked["reason"], at=at)
            self.log_addition(request, issued.key, [{"added": {}}])
        return issued

    def _end(self, request: HttpRequest, key: ApiKey, reason: str) -> None:
        """Revoke one key, with its entries."""
        at = clock.now()
        revoke_key(key, at=at)
        self._record(request, key, "key.revoke", reason, at=at)
        self.log_change(request, key, f"Revoked. Reason: {reason}")

    def _record(self, request: HttpRequest, key: ApiKey, act: str, reason: str, *, at: datetime) -> None:
        record_act(
            act,
            act_of(request, reason),
            object_type="api_key",
            object_id=key.client_id,
            at=at,
            merchant=key.merchant_id,
            mode=str(key.mode),
        )

    def _page(self, request: HttpRequest, template: str, title: str, **words: Any) -> TemplateResponse:
        context = {**self.admin_site.each_context(request), "opts": self.opts, "title": title, **words}
        return TemplateResponse(request, template, context)


def _newest_seen(request: HttpRequest) -> int:
    """The newest key there was when the form was drawn; 0 if the form does not say."""
    given = request.POST.get("newest", "")
    return int(given) if _is_number(given) else 0


def _is_number(text: str) -> bool:
    """Whether this could be a row's key, so that nonsense never reaches the database."""
    return text.isascii() and text.isdecimal() and len(text) <= 18
