"""Accounts at gateways: opened, given their credentials and tried out by staff. Nobody reads a credential again."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST

from checkout.callbacks.links import event_url
from checkout.staff import sessions
from checkout.staff.base import at_field
from checkout.staff.collects import WORDS, SetCollects
from checkout.staff.credentials_form import AccountForm, CredentialsForm, hints_of_previous
from checkout.staff.deeds import DeedsAdmin
from checkout.staff.facts import Panel, Table, facts_of, link_for, link_to, may_view, moment
from checkout.staff.proofs import PASSWORD, ask_again, proved
from checkout.staff.reasons import act_of
from checkout.staff.routing_rules import currency_and_amounts, methods_in_words
from payments import clock
from payments.errors import BadInput, PaymentsError
from payments.gateways.base import BadCredentials, NotSupported, Unanswered
from payments.gateways.registry import GATEWAYS, gateway_named
from payments.models import GatewayAccount, RoutingRule
from payments.routing import missing_credentials
from payments.services.accounts import check_connection, open_account, set_credentials
from payments.states import Collects, Mode

MAY_CHANGE = "payments.change_gatewayaccount"
MEANWHILE = "Somebody changed these credentials after this form was opened, or it was sent twice: look at them first."


@admin.register(GatewayAccount)
class GatewayAccountAdmin(DeedsAdmin):
    deeds = (SetCollects(),)
    change_form_template = "staff/gateway_account.html"
    list_display = ("__str__", "gateway", "mode", "merchant", "signs_in", "health")
    list_filter = ("gateway", "mode", "merchant")
    list_select_related = ("merchant",)
    search_fields = ("merchant__name__icontains",)
    search_help_text = "Part of the merchant's name."

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("payments.add_gatewayaccount")

    def get_urls(self) -> list[URLPattern]:
        doors = [
            path(f"<path:object_id>/{name}/", self.admin_site.admin_view(view), name=f"payments_gatewayaccount_{name}")
            for name, view in (("credentials", self.credentials_view), ("check", self.check_view))
        ]
        return [*doors, *super().get_urls()]

    @admin.display(description="credentials")
    def signs_in(self, account: GatewayAccount) -> str:
        if account.gateway not in GATEWAYS:
            return "no such gateway"
        if not gateway_named(account.gateway).credential_fields:
            return "needs none"
        return "missing" if missing_credentials(account) else "kept"

    @admin.display(description="attempts")
    def health(self, account: GatewayAccount) -> str:
        if account.rests(at=clock.now()):
            return f"rests until {moment(account.rests_until)}"
        return f"{account.failures} failed in a row" if account.failures else "no failure"

    def panels(self, request: HttpRequest, row: GatewayAccount) -> list[Panel]:
        is_known = row.gateway in GATEWAYS
        facts = {
            "merchant": link_for(request, row.merchant, row.merchant.name),
            "mode": row.mode,
            "gateway": row.gateway,
            "it pays": WORDS[Collects(row.collects)],
            "takes server events at": event_url(row) if is_known else "",
        }
        health = {
            "attempts": self.health(row),
            "in a row it did not take": row.failures,
            "the last of them": moment(row.failed_at),
            "others are tried first until": moment(row.rests_until) if row.rests(at=clock.now()) else "",
        }
        panels = [Panel("Gateway account", facts_of(facts)), Panel("Whether it takes attempts", facts_of(health))]
        if is_known and gateway_named(row.gateway).credential_fields:
            panels.insert(1, Panel("What it signs in with", facts_of(_credentials(row))))
        return panels

    def tables(self, request: HttpRequest, row: GatewayAccount) -> list[Table]:
        if not may_view(request, RoutingRule):
            return []
        rules = [
            [link_to(rule, str(rule)), methods_in_words(rule), currency_and_amounts(rule), _yes_no(rule.is_enabled)]
            for rule in row.rules.order_by("position", "pk")
        ]
        empty = "No rule names this account. Without any rule a merchant's oldest account that can takes a payment."
        return [Table("rules", "Routing rules", ["rule", "methods", "amounts", "enabled"], rules, empty)]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        row = context["original"]
        may_change = request.user.has_perm(MAY_CHANGE) and row.gateway in GATEWAYS
        context["may_check"] = may_change
        context["may_enter"] = may_change and bool(gateway_named(row.gateway).credential_fields)
        return super().render_change_form(request, context, *args, **kwargs)

    @method_decorator(csrf_protect)
    @proved
    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = AccountForm(request.POST or None, initial={"merchant": request.GET.get("merchant"), "mode": Mode.TEST})
        if request.method == "POST" and form.is_valid():
            asked = form.cleaned_data
            by = act_of(request, asked["reason"])
            whose = {name: asked[name] for name in ("merchant", "mode", "gateway", "collects")}
            try:
                made = open_account(**whose, by=by, at=clock.now())
            except PaymentsError as refusal:
                _put(form, refusal)
            else:
                self.message_user(request, "The account is here. Enter what it signs in with next, if it asks for it.")
                return self._back(made)
        return self._form_page(request, "staff/gateway_account_add.html", "Add gateway account", form=form)

    @method_decorator([csrf_protect, require_http_methods(["GET", "HEAD", "POST"]), sensitive_post_parameters()])
    @sensitive_variables()
    def credentials_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Take credentials in. The form never holds one: it is empty when it is drawn again, too."""
        row = self._row(request, object_id)
        if row is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined,no-any-return]
        asked = _ask_before_typing(request)
        if asked is not None:
            return asked
        form = CredentialsForm(row, request.POST if request.method == "POST" else None)
        if request.method == "POST" and form.is_valid() and self._keep(request, row, form):
            self.message_user(request, "The credentials are kept. Check the connection now.", messages.SUCCESS)
            return self._back(row)
        return self._form_page(request, "staff/credentials.html", "Enter credentials", form=form, original=row)

    @sensitive_variables()
    def _keep(self, request: HttpRequest, row: GatewayAccount, form: CredentialsForm) -> bool:
        """Keep them; false if they were refused, with the refusal at its field."""
        by, forget = act_of(request, form.cleaned_data["reason"]), bool(form.cleaned_data.get("forget_previous"))
        try:
            set_credentials(row.pk, form.given, by=by, at=clock.now(), seen=form.seen, forget_previous=forget)
        except BadInput as refusal:
            _put(form, refusal)
        except (PaymentsError, ValueError):
            form.add_error(None, MEANWHILE)
        return form.is_valid()

    @method_decorator([csrf_protect, require_POST])
    def check_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Sign in at the gateway and say whether that works."""
        row = self._row(request, object_id)
        if row is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined,no-any-return]
        missing = missing_credentials(row)
        if missing:
            self.message_user(request, f"Enter these first: {', '.join(missing)}.", messages.ERROR)
            return self._back(row)
        try:
            check_connection(row)
        except BadCredentials as refusal:
            self.message_user(request, f"{row.gateway} refuses these credentials. {refusal}".strip(), messages.ERROR)
        except (Unanswered, NotSupported):
            words = f"{row.gateway} did not answer, so nobody knows whether these work: try again in a minute."
            self.message_user(request, words, messages.WARNING)
        else:
            self.message_user(request, f"{row.gateway} answers, and takes these credentials.", messages.SUCCESS)
        return self._back(row)

    def _row(self, request: HttpRequest, object_id: str) -> GatewayAccount | None:
        """The account, for who may change it. Raises PermissionDenied."""
        if not request.user.has_perm(MAY_CHANGE):
            raise PermissionDenied
        row: GatewayAccount | None = self.get_object(request, unquote(object_id))
        return row if row is not None and row.gateway in GATEWAYS else None

    def _back(self, row: GatewayAccount) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:payments_gatewayaccount_change", args=[row.pk]))

    def _form_page(
        self, request: HttpRequest, template: str, title: str, *, form: Any, **words: Any
    ) -> TemplateResponse:
        context = {**self.admin_site.each_context(request), "opts": self.opts, "title": title, "form": form, **words}
        return TemplateResponse(request, template, context, status=400 if form.errors else 200)


def _ask_before_typing(request: HttpRequest) -> HttpResponse | None:
    """Ask who this is before the form opens: asked afterwards, the question's page would carry what was typed."""
    is_typed = request.method == "POST" and PASSWORD not in request.POST
    if is_typed and not sessions.is_fresh(request, at=clock.now()):
        return HttpResponseRedirect(request.path)
    return ask_again(request)


def _credentials(account: GatewayAccount) -> dict[str, str]:
    """Each credential by its label, with what people may see of it."""
    hints = account.credential_hints
    told = {field.label: hints.get(field.name, "") for field in gateway_named(account.gateway).credential_fields}
    shown = {label: f"ends in {hint[1:]}" if hint[:1] == "…" else hint for label, hint in told.items()}
    facts = {label: hint or "not entered" for label, hint in shown.items()}
    previous = hints_of_previous(account)
    if previous:
        facts["event secret before"] = f"{' and '.join(previous)}, still valid"
    return {**facts, "entered": moment(account.credentials_set_at)}


def _put(form: Any, refusal: PaymentsError) -> None:
    """A refusal at its field, or above the form."""
    if isinstance(refusal, BadInput) and refusal.field in form.fields:
        form.add_error(refusal.field, at_field(refusal))
    else:
        form.add_error(None, refusal.message)


def _yes_no(value: bool) -> str:
    return "yes" if value else "no"
