"""Staff accounts: only a superuser makes or changes them, so that nobody can widen their own rights."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import Model
from django.http import HttpRequest

if TYPE_CHECKING:
    AnyUserAdmin = UserAdmin[User]
else:
    AnyUserAdmin = UserAdmin

admin.site.unregister(User)
admin.site.unregister(Group)


class SuperusersOnly:
    """Django lets anybody with change_user make themselves a superuser. Accounts are switched off, never deleted."""

    actions: Any = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(getattr(request.user, "is_superuser", False))

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return bool(getattr(request.user, "is_superuser", False))

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(User)
class PersonAdmin(SuperusersOnly, AnyUserAdmin):
    """Who works here."""


@admin.register(Group)
class RoleAdmin(SuperusersOnly, GroupAdmin):
    """What a group of them may do."""
