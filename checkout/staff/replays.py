"""Sending the webhooks of some time again, after a page that says how many they are."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest

from checkout.staff.deeds import Deed, Figures, Told
from checkout.staff.facts import link_for, moment
from checkout.staff.reasons import ReasonForm
from payments import clock
from payments.models import AuditEntry, Endpoint, Merchant
from payments.services.audit import Act
from payments.services.endpoints import AT_ONCE, LONGEST_SPAN, count_range, replay_range
from payments.states import Mode


class TickField(forms.BooleanField):
    """A tick that reads as a word where it is set and as nothing where it is not."""

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, **options)

    def clean(self, value: Any) -> str:
        return "yes" if super().clean(value) else ""


class MomentField(forms.DateTimeField):
    """A minute of UTC, chosen by the browser's own means."""

    def __init__(self, **options: Any) -> None:
        widget = forms.DateTimeInput(format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local"})
        super().__init__(widget=widget, **options)


class EndpointField(forms.ModelChoiceField):  # type: ignore[type-arg]  # generic only in the stubs
    def label_from_instance(self, obj: Endpoint) -> str:
        return f"{obj.url} ({obj.mode})"


class RangeForm(ReasonForm):
    """Which of a merchant's webhooks."""

    field_order = ["mode", "endpoint", "since", "until", "only_failed", "reason"]
    mode = forms.ChoiceField(choices=[(mode.value, mode.value) for mode in Mode])
    since = MomentField(label="From (UTC)", help_text="Made at this minute or later.")
    until = MomentField(label="Until (UTC)", help_text=f"Made before this minute; {LONGEST_SPAN.days} days at most.")
    only_failed = TickField(
        label="Only what failed",
        help_text=(
            "What was given up, and what failed so far and waits for a later try. Without this, everything is sent "
            "again, and to one endpoint also what it was never told of."
        ),
    )

    def __init__(self, *args: Any, merchant: Merchant, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.merchant = merchant
        live = merchant.endpoints.filter(disabled_at=None).order_by("mode", "url")
        self.fields["endpoint"] = EndpointField(live, required=False, empty_label="every address")
        self.order_fields(self.field_order)

    def clean(self) -> dict[str, Any]:
        """Count what is asked for: nothing, or too much for one request, is refused here."""
        asked = super().clean() or self.cleaned_data
        since, until, endpoint = asked.get("since"), asked.get("until"), asked.get("endpoint")
        if endpoint is not None and endpoint.mode != asked.get("mode"):
            self.add_error("endpoint", f"This endpoint is for {endpoint.mode} orders: choose that mode.")
        if since and until and not timedelta() < until - since <= LONGEST_SPAN:
            self.add_error("until", f"Write a time after the first one, {LONGEST_SPAN.days} days later at most.")
        if self.errors:
            return asked
        count = count_range(self.merchant.pk, asked["mode"], **_span(asked), at=clock.now(), at_most=AT_ONCE)
        if count > AT_ONCE:
            self.add_error("until", f"These are more than {AT_ONCE:,} webhooks: choose a shorter time.")
        if count == 0:
            self.add_error(None, "There is nothing to send again: no webhook made in that time is as you ask.")
        return asked | {"count": count}


def _span(asked: dict[str, Any]) -> dict[str, Any]:
    """What was asked for, as the services take it."""
    told = {name: asked[name] for name in ("since", "until", "endpoint")}
    return told | {"only_failed": bool(asked["only_failed"])}


class SendRangeAgain(Deed[Merchant]):
    """Send a merchant's webhooks of some time again, after its server was down or lost them."""

    name, label, title = "replay", "Send webhooks again…", "Send webhooks again"
    permission = "payments.change_delivery"
    asks_again = False

    def why_not(self, row: Merchant, user_id: int) -> str:
        if row.api_keys.filter(revoked_at=None).exists():
            return ""
        return "The merchant has no active API key, and its secret signs: make one first."

    def form(self, row: Merchant, data: dict[str, Any] | None = None) -> ReasonForm:
        at = clock.now().replace(second=0, microsecond=0)
        initial = {"mode": Mode.LIVE, "since": at - timedelta(days=1), "until": at, "only_failed": True}
        if not row.api_keys.filter(revoked_at=None, mode=Mode.LIVE).exists():
            initial["mode"] = Mode.TEST
        return RangeForm(data, merchant=row, initial=initial)

    def figures(self, row: Merchant) -> Figures:
        """How often this was done: a page that is sent twice does it once."""
        done = AuditEntry.objects.filter(object_type="merchant", object_id=str(row.pk), act="delivery.replay_range")
        return {"done": done.count()}

    def facts(self, row: Merchant, *, request: HttpRequest) -> dict[str, Any]:
        live = row.endpoints.filter(disabled_at=None).order_by("mode", "url")
        return {
            "merchant": link_for(request, row, row.name),
            "endpoints": {str(number): f"{each.url} ({each.mode})" for number, each in enumerate(live, 1)} or "none",
        }

    def outlook(self, row: Merchant) -> str:
        return (
            "Each goes out under its old webhook-id and with its old bytes, on a schedule that starts anew. What went "
            "to endpoints that are switched off, and test messages, are left out."
        )

    def consequences(self, row: Merchant, asked: dict[str, Any]) -> list[str]:
        where = asked["endpoint"].url if asked["endpoint"] else "every address of the merchant"
        which = "that failed" if asked["only_failed"] else "whether they failed or not"
        told = [
            f"{_webhooks(asked['count'])} made from {moment(asked['since'])} until {moment(asked['until'])}, {which}: "
            f"sent again to {where}, two at a time.",
        ]
        if not asked["only_failed"]:
            told.append("Many of them were taken before: whether the receiver acts again is up to it.")
            if asked["endpoint"]:
                told.append("Of these, events that this endpoint was never told of get a new webhook-id.")
        return told

    def summary(self, row: Merchant, asked: dict[str, Any]) -> str:
        return f"Send {_webhooks(asked['count'])} again"

    def do(self, row: Merchant, asked: dict[str, Any], *, seen: Figures, by: Act, at: datetime) -> Told:
        count = replay_range(row.pk, asked["mode"], **_span(asked), at=at, by=by)
        return Told(messages.SUCCESS, f"{_webhooks(count)} due now: the worker sends them as fast as they are taken.")


def _webhooks(count: int) -> str:
    return "1 webhook" if count == 1 else f"{count:,} webhooks"
