"""Endpoints of merchants: added, changed, tried out and switched off by staff."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminTextInputWidget
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_protect

from checkout.staff.base import at_field
from checkout.staff.deeds import Deed, DeedsAdmin, Figures, Told
from checkout.staff.deliveries import deliveries_table
from checkout.staff.facts import Panel, Table, facts_of, link_for, may_view, moment, short_moment
from checkout.staff.reasons import ReasonForm, act_of
from checkout.staff.replays import TickField
from payments import clock, urls
from payments.errors import BadInput, PaymentsError
from payments.models import ApiKey, AuditEntry, Delivery, Endpoint, Merchant
from payments.services.audit import Act
from payments.services.deliveries import FAILED_FOR_DAYS, SAID_GONE
from payments.services.endpoints import add_endpoint, change_endpoint, disable_endpoint, send_test
from payments.states import DeliveryStatus, Mode
from payments.webhooks import KINDS, TEST

BY_ITSELF = (SAID_GONE, FAILED_FOR_DAYS)
TOLD_FOR = timedelta(days=14)
"""How long the list speaks of an endpoint that was switched off by itself and not added again."""
SIGNED_BY = "the client secrets of the merchant’s active {} API keys; an endpoint has no secret of its own"


class KindsForm(ReasonForm):
    """Which events an endpoint gets: a tick for each kind."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for kind in KINDS:
            self.fields[kind] = TickField(label=kind)
        self.fields[KINDS[-1]].help_text = "No tick at all means every kind, also those that are new one day."
        self.order_fields(["merchant", "mode", "url", *KINDS, "reason"])

    @property
    def kinds(self) -> list[str]:
        return [kind for kind in KINDS if self.cleaned_data[kind]]


class EndpointForm(KindsForm):
    """A new endpoint, and why."""

    merchant = forms.ModelChoiceField(Merchant.objects.order_by("name"))
    mode = forms.ChoiceField(choices=[(mode.value, mode.value) for mode in Mode], initial=Mode.TEST)
    url = forms.CharField(
        label="URL",
        max_length=urls.MAX_LENGTH,
        help_text="Where we POST to, like https://shop.example.com/webhooks. Only public addresses, by https.",
        widget=AdminTextInputWidget(attrs={"class": "vLargeTextField", "autocomplete": "off", "dir": "ltr"}),
    )


def kinds_in_words(kinds: list[str]) -> str:
    return ", ".join(kinds) or "all"


# --- Deeds ---


class _OfLiveEndpoint(Deed[Endpoint]):
    permission = "payments.change_endpoint"
    asks_again = False

    def why_not(self, row: Endpoint, user_id: int) -> str:
        return "This endpoint is switched off, for good: add it again." if row.disabled_at else ""

    def facts(self, row: Endpoint, *, request: HttpRequest) -> dict[str, Any]:
        return {
            "URL": row.url,
            "merchant": link_for(request, row.merchant, row.merchant.name),
            "mode": row.mode,
            "kinds": kinds_in_words(row.kinds),
            "failing since": moment(row.failing_since),
        }


class SendTest(_OfLiveEndpoint):
    """Send a message about nothing, to see whether it arrives and is understood."""

    name, label, title = "test", "Send a test message…", "Send a test message"
    permission = "payments.change_delivery"

    def why_not(self, row: Endpoint, user_id: int) -> str:
        if not ApiKey.objects.filter(merchant=row.merchant_id, mode=row.mode, revoked_at=None).exists():
            return f"The merchant has no active {row.mode} key, and its secret signs: make one first."
        return super().why_not(row, user_id)

    def figures(self, row: Endpoint) -> Figures:
        """The newest test: a page that is sent twice makes one."""
        newest = row.deliveries.filter(kind=TEST).order_by("-pk").values_list("pk", flat=True).first()
        return {"newest": newest or 0}

    def outlook(self, row: Endpoint) -> str:
        return (
            f"A {TEST} is signed, sent and tried again like any other webhook, whatever kinds the endpoint gets. How "
            "it goes counts for nothing else: it never switches the endpoint off, nor clears its failures."
        )

    def consequences(self, row: Endpoint, asked: dict[str, Any]) -> list[str]:
        return [f"One test message is sent to {row.url}."]

    def do(self, row: Endpoint, asked: dict[str, Any], *, seen: Figures, by: Act, at: datetime) -> Told:
        sent = send_test(row.pk, at=at, by=by)
        return Told(messages.SUCCESS, f"The test message {sent.uid} is due: the worker sends it within seconds.")


class ChangeKinds(_OfLiveEndpoint):
    """Let it get other events."""

    name, label, title = "kinds", "Change kinds…", "Change what this endpoint gets"

    def form(self, row: Endpoint, data: dict[str, Any] | None = None) -> ReasonForm:
        return KindsForm(data, initial=dict.fromkeys(row.kinds, True))

    def figures(self, row: Endpoint) -> Figures:
        return {"kinds": kinds_in_words(row.kinds)}

    def standing(self, row: Endpoint) -> str:
        return f"It gets: {kinds_in_words(row.kinds)}."

    def outlook(self, row: Endpoint) -> str:
        return "The choice counts for events from now on; what is on its way still arrives."

    def consequences(self, row: Endpoint, asked: dict[str, Any]) -> list[str]:
        return [f"From now on it gets: {kinds_in_words([kind for kind in KINDS if asked[kind]])}."]

    def do(self, row: Endpoint, asked: dict[str, Any], *, seen: Figures, by: Act, at: datetime) -> Told:
        changed = change_endpoint(row.pk, [kind for kind in KINDS if asked[kind]], at=at, by=by)
        return Told(messages.SUCCESS, f"From now on it gets: {kinds_in_words(changed.kinds)}.")


class SwitchOff(_OfLiveEndpoint):
    """Send nothing there any more."""

    name, label, title = "off", "Switch off…", "Switch this endpoint off"

    def figures(self, row: Endpoint) -> Figures:
        return {}

    def outlook(self, row: Endpoint) -> str:
        return "Nothing is sent there any more, and what waits for it is given up. The row stays, as switched off."

    def consequences(self, row: Endpoint, asked: dict[str, Any]) -> list[str]:
        waiting = row.deliveries.filter(status=DeliveryStatus.DUE)[:1_000].count()
        more = " or more" if waiting == 1_000 else ""
        return [
            f"{row.url} is told nothing from now on.",
            f"Webhooks on their way there that are given up: {waiting:,}{more}.",
            "It cannot be switched on again: the same URL can be added anew, and then be sent what it missed.",
        ]

    def do(self, row: Endpoint, asked: dict[str, Any], *, seen: Figures, by: Act, at: datetime) -> Told:
        disable_endpoint(row.pk, at=at, by=by)
        return Told(messages.SUCCESS, "The endpoint is switched off: nothing is sent there any more.")


# --- The admin ---


class StateFilter(admin.SimpleListFilter):
    """Endpoints by whether anything is sent there, and how that goes."""

    title = "state"
    parameter_name = "state"
    STATES = {
        "live": Q(disabled_at=None, failing_since=None),
        "failing": Q(disabled_at=None, failing_since__isnull=False),
        "off": Q(disabled_at__isnull=False),
        "off by itself": Q(disabled_reason__in=BY_ITSELF),
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(state, state) for state in self.STATES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Endpoint]) -> QuerySet[Endpoint]:
        wanted = self.STATES.get(self.value() or "")
        return queryset.filter(wanted) if wanted is not None else queryset


def fallen(*, at: datetime) -> QuerySet[Endpoint]:
    """Endpoints that were switched off by themselves lately and not added again, the newest first."""
    again = Endpoint.objects.filter(
        merchant=OuterRef("merchant"), mode=OuterRef("mode"), url=OuterRef("url"), disabled_at=None
    )
    lately = Endpoint.objects.filter(~Exists(again), disabled_at__gte=at - TOLD_FOR, disabled_reason__in=BY_ITSELF)
    return lately.select_related("merchant").order_by("-disabled_at")


@admin.register(Endpoint)
class EndpointAdmin(DeedsAdmin):
    change_form_template = "staff/endpoint.html"
    change_list_template = "staff/endpoint_list.html"
    deeds = (SendTest(), ChangeKinds(), SwitchOff())
    list_display = ("state", "url", "kinds_chosen", "failing", "why_off", "seller", "made")
    list_display_links = ("url",)
    list_filter = (StateFilter, "mode", "merchant")
    list_select_related = ("merchant",)
    search_fields = ("uid__exact", "url__icontains", "merchant__name__icontains")
    search_help_text = "A whole endpoint id, or part of a URL or of the merchant's name."

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("payments.add_endpoint")

    @admin.display(description="state")
    def state(self, endpoint: Endpoint) -> str:
        if endpoint.disabled_at:
            return "off by itself" if endpoint.disabled_reason in BY_ITSELF else "off"
        return "failing" if endpoint.failing_since else "live"

    @admin.display(description="kinds")
    def kinds_chosen(self, endpoint: Endpoint) -> str:
        return f"{len(endpoint.kinds)} of {len(KINDS)}" if endpoint.kinds else "all"

    @admin.display(description="failing since (UTC)", empty_value="")
    def failing(self, endpoint: Endpoint) -> str:
        return short_moment(endpoint.failing_since)

    @admin.display(description="why it is off", empty_value="")
    def why_off(self, endpoint: Endpoint) -> str:
        return endpoint.disabled_reason

    @admin.display(description="made (UTC)")
    def made(self, endpoint: Endpoint) -> str:
        return short_moment(endpoint.made_at)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        lately = [
            {"link": link_for(request, row, row.url), "row": row, "at": moment(row.disabled_at)}
            for row in fallen(at=clock.now())[:20]
        ]
        return super().changelist_view(request, {**(extra_context or {}), "fallen": lately})

    def panels(self, request: HttpRequest, row: Endpoint) -> list[Panel]:
        facts = {
            "endpoint id": row.uid,
            "URL": row.url,
            "merchant": link_for(request, row.merchant, row.merchant.name),
            "mode": row.mode,
            "state": self.state(row),
            "kinds": kinds_in_words(row.kinds),
            "signed with": SIGNED_BY.format(row.mode),
            "made": moment(row.made_at),
            "failing since": moment(row.failing_since),
        }
        if row.disabled_at:
            facts |= {"switched off": moment(row.disabled_at), "why": why_off(request, row)}
        return [Panel("Endpoint", facts_of(facts))]

    def tables(self, request: HttpRequest, row: Endpoint) -> list[Table]:
        if not may_view(request, Delivery):
            return []
        where = f"{reverse('admin:payments_delivery_changelist')}?endpoint={row.uid}"
        sent = Delivery.objects.filter(endpoint=row)
        return [deliveries_table(request, sent, all_at=where, empty="Nothing was sent there yet.")]

    @method_decorator(csrf_protect)
    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = EndpointForm(request.POST or None, initial={"merchant": request.GET.get("merchant"), "mode": Mode.TEST})
        if request.method == "POST" and form.is_valid():
            made = self._add(request, form)
            if made is not None:
                self.message_user(request, f"The endpoint is live: {made.url} gets events from now on.")
                return HttpResponseRedirect(reverse("admin:payments_endpoint_change", args=[made.pk]))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Add endpoint",
            "form": form,
            "may_be_private": settings.WEBHOOK_ALLOW_PRIVATE,
        }
        return TemplateResponse(request, "staff/endpoint_add.html", context, status=400 if form.errors else 200)

    def _add(self, request: HttpRequest, form: EndpointForm) -> Endpoint | None:
        """Make it; None if it was refused, with the refusal at its field."""
        asked = form.cleaned_data
        by = act_of(request, asked["reason"])
        try:
            return add_endpoint(asked["merchant"], asked["mode"], asked["url"], form.kinds, at=clock.now(), by=by)
        except BadInput as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, at_field(refusal))
        except PaymentsError as refusal:
            form.add_error(None, refusal.message)
        return None


def why_off(request: HttpRequest, endpoint: Endpoint) -> str:
    """Why it was switched off, with what staff said for those who may read what staff do."""
    if not may_view(request, AuditEntry):
        return endpoint.disabled_reason
    acts = AuditEntry.objects.filter(object_type="endpoint", object_id=endpoint.uid, act="endpoint.disable")
    entry = acts.select_related("actor").first()
    return f"{endpoint.disabled_reason} {entry.actor}: {entry.reason}" if entry else endpoint.disabled_reason
