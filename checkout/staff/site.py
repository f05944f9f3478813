"""The staff site as a whole: what it is called, and pages that belong to no model."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import URLPattern, URLResolver, path, reverse


class StaffSite(admin.AdminSite):
    site_header = "Till"
    site_title = "Till"
    index_title = "Staff"

    def get_urls(self) -> list[URLPattern | URLResolver]:
        from checkout.staff.overview import Overview  # these need the models, which load after this
        from checkout.staff.signature_debugger import SignatureDebugger

        return [
            path("overview/", self.admin_view(Overview(self)), name="overview"),
            path("signature-debugger/", self.admin_view(SignatureDebugger(self)), name="signature_debugger"),
            *super().get_urls(),
        ]

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
