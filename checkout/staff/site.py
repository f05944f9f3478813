"""The staff site as a whole: what it is called, and pages that belong to no model."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from django.contrib import admin, auth
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, path, reverse

from payments import clock

View = TypeVar("View", bound=Callable[..., Any])


class StaffSite(admin.AdminSite):
    site_header = "Till"
    site_title = "Till"
    index_title = "Staff"

    # What needs the models is imported late: they load after this.

    def get_urls(self) -> list[URLPattern | URLResolver]:
        from checkout.staff.overview import Overview
        from checkout.staff.sign_in import SignIn
        from checkout.staff.signature_debugger import SignatureDebugger

        return [
            path("overview/", self.admin_view(Overview(self)), name="overview"),
            path("signature-debugger/", self.admin_view(SignatureDebugger(self)), name="signature_debugger"),
            path("logout/", self.logout, name="logout"),  # also for who is halfway in
            *SignIn(self).urls(self.guard),
            *super().get_urls(),
        ]

    def has_permission(self, request: HttpRequest) -> bool:
        """Whether somebody may see any page: staff, and past the second step where there is one."""
        from checkout.staff.sessions import second_step_due

        return super().has_permission(request) and not second_step_due(request)

    def admin_view(self, view: View, cacheable: bool = False) -> View:
        return self.guard(super().admin_view(view, cacheable))

    def guard(self, view: View) -> View:
        """A view that first ends a session nobody used for a while, or whose time is up."""
        from checkout.staff.proofs import to_login
        from checkout.staff.sessions import why_over

        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            because = why_over(request, at=clock.now()) if request.user.is_authenticated else ""
            if because:
                auth.logout(request)
                return to_login(request, because)
            return view(request, *args, **kwargs)

        return cast("View", guarded)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        from checkout.staff.sign_in import SignIn

        return SignIn(self).login(request)

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """One's own password: the stock view asks for the old one, but lets guess it for ever."""
        from checkout.staff.proofs import ask_again

        return ask_again(request) or super().password_change(request, extra_context)

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """The models' lists, with our pages for whom they are for: the overview first, the other with the payments."""
        from checkout.staff import overview
        from checkout.staff.signature_debugger import TITLE, may_debug

        apps = super().get_app_list(request, app_label)
        for app in apps:
            if app["app_label"] == "payments" and may_debug(request):
                row = self._row(TITLE, "SignatureDebugger", "signature_debugger")
                app["models"] = sorted([*app["models"], row], key=lambda m: m["name"])
        if app_label is None and overview.may_overview(request):
            row = self._row(overview.TITLE, "Overview", "overview")
            apps.insert(0, {"name": self.site_title, "app_label": "till", "app_url": row["admin_url"], "models": [row]})
        return apps

    def _row(self, title: str, name: str, view: str) -> dict[str, Any]:
        """A page of ours as a line of that list."""
        where = reverse(f"admin:{view}", current_app=self.name)
        return {
            "name": title, "object_name": name, "admin_url": where, "add_url": None, "view_only": True, "perms": {},
        }  # fmt: skip
