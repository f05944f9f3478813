"""Staff accounts: only a superuser makes or changes them, with a reason, so that nobody can widen their own rights."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminPasswordChangeForm, AdminUserCreationForm, UserChangeForm
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters

from checkout.staff.deeds import DoorsAdmin
from checkout.staff.proofs import ask_again
from checkout.staff.reasons import ReasonedAdmin, ReasonField
from checkout.staff.second_factors import ResetSecondFactor

if TYPE_CHECKING:
    AnyUserAdmin = UserAdmin[User]
    ChangeForm = UserChangeForm[User]
    CreationForm = AdminUserCreationForm[User]
    PasswordChangeForm = AdminPasswordChangeForm[User]
else:
    AnyUserAdmin, ChangeForm = UserAdmin, UserChangeForm
    CreationForm, PasswordChangeForm = AdminUserCreationForm, AdminPasswordChangeForm

admin.site.unregister(User)


class SuperusersOnly:
    """Django lets anybody with change_user make themselves a superuser. Accounts are switched off, never deleted."""

    actions: Any = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(getattr(request.user, "is_superuser", False))

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return bool(getattr(request.user, "is_superuser", False))

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class PersonForm(ChangeForm):
    """An account, and why it changes."""

    reason = ReasonField()


class NewPersonForm(CreationForm):
    """A new account, and why there is one."""

    reason = ReasonField()


class PasswordForm(PasswordChangeForm):
    """A new password for somebody, and why they need one."""

    reason = ReasonField()


@admin.register(User)
class PersonAdmin(SuperusersOnly, ReasonedAdmin, AnyUserAdmin, DoorsAdmin):
    """Who works here."""

    deeds = (ResetSecondFactor(),)
    change_form_template = "staff/person.html"
    search_help_text = "Part of a user name, a name or an e-mail address."

    form = PersonForm
    add_form = NewPersonForm
    change_password_form = PasswordForm
    change_user_password_template = "staff/person_password.html"  # noqa: S105
    audit_type = "user"
    list_display = ("username", "email", "in_groups", "is_staff", "is_superuser", "is_active")

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """As for a new password: first who asks for it, then what it is."""
        return ask_again(request) or super().add_view(request, form_url, extra_context)

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("groups")

    @admin.display(description="groups")
    def in_groups(self, person: User) -> str:
        return ", ".join(sorted(group.name for group in person.groups.all()))

    @method_decorator(sensitive_post_parameters())
    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002
        """The stock view, with the new password, its log entry and the audit entry in one transaction.

        Who is asked again who they are is asked before they type a password, which nothing carries on.
        """
        asked = ask_again(request)
        if asked is not None:
            return asked
        with transaction.atomic():
            return super().user_change_password(request, id, form_url)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """The stock password view tells of its deed here alone; its form has asked for the reason by then."""
        match = request.resolver_match
        if match is not None and match.url_name == "auth_user_password_change":
            reason = ReasonField().clean(request.POST.get("reason", ""))
            self.record(request, obj, "user.password", reason, {})
        return super().log_change(request, obj, message)
