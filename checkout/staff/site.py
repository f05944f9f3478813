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
        from checkout.staff.signature_debugger import SignatureDebugger  # needs the models, which load after this

        page = self.admin_view(SignatureDebugger(self))
        return [path("signature-debugger/", page, name="signature_debugger"), *super().get_urls()]

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """The models' lists, with our page among those of the payments for whom it is for."""
        from checkout.staff.signature_debugger import TITLE, may_debug

        apps = super().get_app_list(request, app_label)
        for app in apps:
            if app["app_label"] == "payments" and may_debug(request):
                where = reverse("admin:signature_debugger", current_app=self.name)
                row = {"name": TITLE, "object_name": "SignatureDebugger", "admin_url": where, "add_url": None}
                app["models"] = sorted(
                    [*app["models"], {**row, "view_only": True, "perms": {}}], key=lambda m: m["name"]
                )
        return apps
