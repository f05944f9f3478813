"""What staff do with money: a form, a page that says it again in words, and only then the deed.

Every deed is a page of its own below the row it is about. A GET and the form's own POST change nothing: they lead to a
page that repeats everything and carries it, signed, together with the figures it was based on. Its button does the
deed, unless those figures are not true any more, and the row's page tells what really came of it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, ClassVar, Generic, TypeVar

from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_http_methods

from checkout.amounts import format_money
from checkout.staff.base import ReadOnlyAdmin, StaffAdmin
from checkout.staff.facts import Panel, facts_of
from checkout.staff.proofs import ask_again
from checkout.staff.reasons import ReasonForm, act_of
from payments import clock
from payments.errors import BadInput, PaymentsError, StaleRow
from payments.money import Money
from payments.services.audit import Act
from payments.services.orders import lock_order

Row = TypeVar("Row", bound=Model)
Figures = dict[str, int | str]
"""What a decision was based on. Plain values: they travel through a signed field of a page."""

SALT = "till.staff.deed"
CONFIRM_WITHIN_S = 3_600
TOO_OLD = "The page you confirmed is too old, or was not made for you: check everything again."
MEANWHILE = "Nothing was changed: something else happened after you saw that page, perhaps this form was sent twice."


@dataclass(frozen=True, slots=True)
class Told:
    """How things really stand after a deed: a level of Django's messages, words, and where to read on."""

    level: int
    text: str
    url: str = ""
    """Empty: the page of the row it was done to."""


class Deed(Generic[Row]):
    """One thing that staff may do to a row, with its words."""

    name: ClassVar[str]
    """Last part of its address."""
    label: ClassVar[str]
    """What its button says."""
    title: ClassVar[str]
    permission: ClassVar[str]
    asks_again: ClassVar[bool] = True
    """Whether whoever does it must have proved within minutes who they are, as for all that moves money."""

    def why_not(self, row: Row, user_id: int) -> str:
        """Why it cannot be done now, or nothing."""
        raise NotImplementedError

    def form(self, row: Row, data: dict[str, Any] | None = None) -> ReasonForm:
        """Empty but for what can be guessed, or with what somebody wrote."""
        return ReasonForm(data)

    def figures(self, row: Row) -> Figures:
        """What a decision is based on: if it changes, the decision has to be made again."""
        raise NotImplementedError

    def standing(self, row: Row) -> str:
        """The figure people look at, in words, as it is now."""
        return ""

    def facts(self, row: Row, *, request: HttpRequest) -> dict[str, Any]:
        """What is shown of the row beside the form, and again on the page that asks to confirm."""
        raise NotImplementedError

    def outlook(self, row: Row) -> str:
        """What it does, before anything is written in the form."""
        raise NotImplementedError

    def consequences(self, row: Row, asked: dict[str, Any]) -> list[str]:
        """What will happen with exactly these values."""
        raise NotImplementedError

    def summary(self, row: Row, asked: dict[str, Any]) -> str:
        """What the button that does it says."""
        return self.title

    def do(self, row: Row, asked: dict[str, Any], *, seen: Figures, by: Act, at: datetime) -> Told:
        """Do it, and tell how things stand. Raises PaymentsError if nothing was changed."""
        raise NotImplementedError


@contextmanager
def unchanged(deed: Deed[Row], row: Row, *, order_pk: int, seen: Figures) -> Iterator[None]:
    """Hold the order, and go on only if the row still is what somebody saw. Raises StaleRow."""
    with transaction.atomic():
        lock_order(order_pk)
        row.refresh_from_db()
        if deed.figures(row) != seen:
            raise StaleRow(row)
        yield


class DoorsAdmin(StaffAdmin):
    """Rows with buttons for what may be done about them: their page's template shows `deeds`."""

    deeds: tuple[Deed[Any], ...] = ()

    def get_urls(self) -> list[URLPattern]:
        doors = [
            path(
                f"<path:object_id>/{deed.name}/",
                self.admin_site.admin_view(partial(self.deed_view, deed=deed)),
                name=self._door(deed),
            )
            for deed in self.deeds
        ]
        return [*doors, *super().get_urls()]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        context["deeds"] = self.doors(request, context["original"])
        return super().render_change_form(request, context, *args, **kwargs)

    def doors(self, request: HttpRequest, row: Any) -> list[dict[str, str]]:
        """Labels and addresses of what this person may do to a row now."""
        return [
            {"label": deed.label, "url": self._url(deed, row)}
            for deed in (self.deeds if row else ())
            if request.user.has_perm(deed.permission) and not deed.why_not(row, _user_id(request))
        ]

    @method_decorator(require_http_methods(["GET", "HEAD", "POST"]))
    def deed_view(self, request: HttpRequest, object_id: str, deed: Deed[Any]) -> HttpResponse:
        """The pages of one deed; who may not see the row may not do anything to it either."""
        if not request.user.has_perm(deed.permission):
            raise PermissionDenied
        row = self.get_object(request, unquote(object_id))
        if row is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined,no-any-return]
        if not self.has_view_permission(request, row):
            raise PermissionDenied
        refusal = deed.why_not(row, _user_id(request))
        asked = ask_again(request) if deed.asks_again and not refusal else None
        if asked is not None:
            return asked
        if request.method != "POST":
            return self._ask(request, deed, row, deed.form(row), refusal=refusal)
        if refusal:
            return self._tell(request, row, Told(messages.ERROR, f"Nothing was changed. {refusal}"))
        if "confirmed" in request.POST:
            return self._confirmed(request, deed, row)
        form = deed.form(row, request.POST.dict())
        return self._repeat(request, deed, row, form) if form.is_valid() else self._ask(request, deed, row, form)

    def _confirmed(self, request: HttpRequest, deed: Deed[Any], row: Any) -> HttpResponse:
        """Do what a page of ours asked this person to confirm, if that page is still true."""
        token = _read(request.POST["confirmed"], _whose(request, deed, row))
        if not token or "again" in request.POST:
            form = deed.form(row)
            form.initial |= token.get("asked", {})
            return self._ask(request, deed, row, form, problem="" if token else TOO_OLD)
        form = deed.form(row, token["asked"])
        if token["seen"] != deed.figures(row):
            return self._ask(request, deed, row, form, problem=f"{MEANWHILE} {deed.standing(row)}".strip())
        if not form.is_valid():
            return self._ask(request, deed, row, form)
        by = act_of(request, form.cleaned_data["reason"])
        try:
            told = deed.do(row, form.cleaned_data, seen=token["seen"], by=by, at=clock.now())
        except PaymentsError as refusal:
            return self._refused(request, deed, row, token["asked"], refusal)
        return self._tell(request, row, told)

    def _refused(
        self, request: HttpRequest, deed: Deed[Any], row: Any, asked: dict[str, Any], refusal: PaymentsError
    ) -> HttpResponse:
        """Nothing was changed. Show the form again, with the figures of now, unless it has become pointless."""
        row = self.get_object(request, str(row.pk)) or row
        why_not = deed.why_not(row, _user_id(request))
        text = refusal.text if isinstance(refusal, BadInput) else refusal.message
        told = f"Nothing was changed. {why_not or text} {deed.standing(row)}".strip()
        if why_not:
            return self._tell(request, row, Told(messages.ERROR, told))
        return self._ask(request, deed, row, deed.form(row, asked), problem=told)

    def _ask(
        self,
        request: HttpRequest,
        deed: Deed[Any],
        row: Any,
        form: ReasonForm,
        *,
        refusal: str = "",
        problem: str = "",
    ) -> TemplateResponse:
        words = {"form": form, "refusal": refusal, "problem": problem, "outlook": deed.outlook(row)}
        facts = facts_of(deed.facts(row, request=request))
        status = 400 if form.is_bound or problem else 200
        return self._page(request, "staff/deed.html", deed, row, status=status, panels=[Panel("Now", facts)], **words)

    def _repeat(self, request: HttpRequest, deed: Deed[Any], row: Any, form: ReasonForm) -> TemplateResponse:
        asked = {name: form.data.get(name, "") for name in form.fields}
        token = {**_whose(request, deed, row), "asked": asked, "seen": deed.figures(row)}
        said = {
            str(form[name].label): _in_words(form.cleaned_data[name]) for name in form.fields if form.cleaned_data[name]
        }
        panels = [
            Panel("What you asked for", facts_of(said)),
            Panel("What it is about", facts_of(deed.facts(row, request=request))),
        ]
        words: dict[str, Any] = {
            "panels": panels,
            "consequences": deed.consequences(row, form.cleaned_data),
            "summary": deed.summary(row, form.cleaned_data),
            "token": signing.dumps(token, salt=SALT),
        }
        return self._page(request, "staff/deed_confirm.html", deed, row, **words)

    def _page(
        self, request: HttpRequest, template: str, deed: Deed[Any], row: Any, *, status: int = 200, **words: Any
    ) -> TemplateResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": row,
            "title": deed.title,
            "here": self._url(deed, row),
            **words,
        }
        return TemplateResponse(request, template, context, status=status)

    def _tell(self, request: HttpRequest, row: Any, told: Told) -> HttpResponse:
        self.message_user(request, told.text, told.level)
        own = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[row.pk])
        return HttpResponseRedirect(told.url or own)

    def _door(self, deed: Deed[Any]) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_{deed.name}"

    def _url(self, deed: Deed[Any], row: Any) -> str:
        return reverse(f"admin:{self._door(deed)}", args=[row.pk])


class DeedsAdmin(DoorsAdmin, ReadOnlyAdmin):
    """Rows nobody edits, with such buttons."""

    change_form_template = "staff/deeds.html"


def _in_words(value: Any) -> str:
    return format_money(value.minor, value.currency) if isinstance(value, Money) else str(value)


def _user_id(request: HttpRequest) -> int:
    return int(request.user.pk or 0)


def _whose(request: HttpRequest, deed: Deed[Any], row: Any) -> dict[str, Any]:
    """Whom a confirmation was shown to, and what for: it is good for nothing else."""
    return {"user": _user_id(request), "deed": deed.name, "row": row.pk, "model": row._meta.model_name}


def _read(token: str, whose: dict[str, Any]) -> dict[str, Any]:
    """What a confirmation carries, or nothing where it is forged, too old or somebody else's."""
    try:
        told: dict[str, Any] = signing.loads(token, salt=SALT, max_age=CONFIRM_WITHIN_S)
    except signing.BadSignature:
        return {}
    return told if whose.items() <= told.items() else {}
