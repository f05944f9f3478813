"""A reason beside every decision about access or money: asked for by the form, kept in the chain of acts."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AdminTextInputWidget
from django.db.models import Model
from django.http import HttpRequest

from checkout.staff.base import at_field
from checkout.staff.proofs import proved
from payments import clock, fields
from payments.errors import BadInput
from payments.services.audit import Act, record_act

REASON_LENGTH = 200

if TYPE_CHECKING:
    AnyAdmin = admin.ModelAdmin[Any]
else:
    AnyAdmin = object


class ReasonField(forms.CharField):
    """Why somebody does something; one line that can be kept for good."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("label", "Reason")
        options.setdefault(
            "help_text", f"Why you do this: kept for good beside your name; at most {REASON_LENGTH} characters."
        )
        options.setdefault("max_length", REASON_LENGTH)
        widget = AdminTextInputWidget(attrs={"class": "vLargeTextField", "autocomplete": "off"})
        super().__init__(widget=widget, **options)

    def clean(self, value: Any) -> str:
        text: str = super().clean(value)
        try:
            return fields.line("reason", text, at_most=REASON_LENGTH, required=True)
        except BadInput as refusal:
            raise at_field(refusal) from None


class ReasonForm(forms.Form):
    """Nothing but the reason."""

    reason = ReasonField()


def act_of(request: HttpRequest, reason: str) -> Act:
    """This person, and why."""
    if request.user.pk is None:
        raise ValueError("nobody is signed in")
    return Act(request.user.pk, reason)


def moves_of(form: Any) -> dict[str, Any]:
    """What a form changed, as {field: [before, after]} in words; a password is never among them."""
    moves = {}
    for name in form.changed_data:
        if name != "reason" and "password" not in name:
            moves[name] = [_told(form.initial.get(name)), _told(form.cleaned_data.get(name))]
    return moves


def _told(value: Any) -> Any:
    """A value as it can be kept: numbers and flags as they are, rows by their names."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return value
    if hasattr(value, "__iter__"):
        return sorted(str(item) for item in value)
    return str(value)


class ReasonedAdmin(AnyAdmin):
    """A model whose every change in its form needs a reason, recorded in the transaction of the change.

    Whoever sends it must have proved within minutes who they are.

    The form declares `reason`. Who may only look is not asked for one.
    """

    audit_type = ""
    """What the audit entries call a row of this model."""

    @proved
    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        return super().changeform_view(request, object_id, form_url, extra_context)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fieldsets = [
            (title, options | {"fields": [name for name in options["fields"] if name != "reason"]})
            for title, options in super().get_fieldsets(request, obj)
        ]
        if self.has_change_permission(request, obj) if obj else self.has_add_permission(request):
            fieldsets.append(("Why", {"fields": ["reason"]}))
        return fieldsets

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        moves = moves_of(form)
        if change and not moves:
            return
        act = f"{self.audit_type}.{'change' if change else 'add'}"
        self.record(request, form.instance, act, form.cleaned_data["reason"], moves)

    def record(self, request: HttpRequest, row: Model, act: str, reason: str, moves: dict[str, Any]) -> None:
        """Append what was done to the chain of acts, in the transaction it is called in."""
        named = str(row)[:150]
        record_act(
            act,
            act_of(request, reason),
            object_type=self.audit_type,
            object_id=str(row.pk),
            at=clock.now(),
            name=named,
            moves=moves,
        )
