"""What the admin's classes share: rows that nobody may change here, lists that stay fast, errors at their field."""

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.contrib.admin import ShowFacets
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html

from checkout.staff.facts import Panel, Table
from checkout.staff.pages import KeysetList
from payments.errors import BadInput

if TYPE_CHECKING:
    AnyAdmin = admin.ModelAdmin[Any]
else:
    AnyAdmin = admin.ModelAdmin


class StaffAdmin(AnyAdmin):
    """A model staff can look at. Rows are never deleted, and lists never count or walk through a whole table."""

    actions: Any = None
    change_list_template = "staff/list.html"
    ordering: ClassVar[Any] = ("-pk",)
    sortable_by = ()
    list_per_page = 50
    show_full_result_count = False
    show_facets = ShowFacets.NEVER

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[KeysetList]:
        return KeysetList

    @admin.display(description="merchant")
    def seller(self, row: Any) -> str:
        """Whose a row is, and in which mode: one column of a list."""
        return format_html('{} <span class="till-mode">{}</span>', row.merchant, row.mode)


class ReadOnlyAdmin(StaffAdmin):
    """A model nobody changes here, superusers included: its page shows facts, and has no form."""

    change_form_template = "staff/facts.html"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """Nothing: the page is drawn from panels and tables."""
        return []

    def panels(self, request: HttpRequest, row: Any) -> list[Panel]:
        """What the row's page says of it."""
        raise NotImplementedError

    def tables(self, request: HttpRequest, row: Any) -> list[Table]:
        """Rows that belong to it, as far as this person may see them."""
        return []

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        row = context["original"]
        context |= {"panels": self.panels(request, row), "tables": self.tables(request, row)}
        return super().render_change_form(request, context, *args, **kwargs)


def at_field(refusal: BadInput) -> ValidationError:
    """A refusal of the services as a form's error: it stands at its field, so it need not name it."""
    text = refusal.text.removeprefix(f"{refusal.field}: ")
    return ValidationError(text[:1].upper() + text[1:])
