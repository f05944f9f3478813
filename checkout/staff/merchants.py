"""Merchants, whose settings staff may change."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.forms.widgets import Script
from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_http_methods

from checkout.amounts import format_money
from checkout.middleware import page_csp
from checkout.staff.brand_form import BRAND, LOGO, BrandForm, keep_upload
from checkout.staff.brand_preview import SCHEMES, previewed
from checkout.staff.deeds import DoorsAdmin
from checkout.staff.facts import moment, short_moment
from checkout.staff.merchant_form import MerchantForm
from checkout.staff.reasons import ReasonedAdmin
from checkout.staff.replays import SendRangeAgain
from checkout.staff.settling import PaidIn, SettleNow
from payments.models import Merchant
from payments.services.merchants import set_logo


@admin.register(Merchant)
class MerchantAdmin(ReasonedAdmin, DoorsAdmin):
    form = MerchantForm
    deeds = (SettleNow(), PaidIn(), SendRangeAgain())
    audit_type = "merchant"
    change_list_template = "staff/merchant_list.html"
    change_form_template = "staff/merchant_form.html"
    list_display = ("name", "org_id", "currency", "region", "return_url", "created")
    search_fields = ("name__icontains", "id__exact")
    search_help_text = "Part of a name, or an org_id."
    readonly_fields = ("org_id", "made", "limit", "preview", "shown")
    fieldsets = (
        (None, {"fields": ("org_id", "made")}),
        ("What customers see", {"fields": (*BRAND, "preview")}),
        ("Addresses", {"fields": ("return_url", "return_origins", "notify_url")}),
        ("Where it sells", {"fields": ("currency", "region", "time_zone", "language")}),
        ("Time limits", {"fields": ("order_expiry_s", "extensions", "accept_late_s")}),
        ("Mail to customers", {"fields": ("mail_receipts",)}),
        ("Money", {"fields": ("manual_capture", "one_person_refund", "settlement_days")}),
    )

    class Media:
        js = (Script("staff/preview.js", defer=True),)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """A merchant is made with its first key, by `manage.py create_merchant`."""
        return False

    @admin.display(description="id (org_id)")
    def org_id(self, merchant: Merchant) -> int:
        return merchant.org_id

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.preview_view)
        return [path("<path:object_id>/preview/", view, name="payments_merchant_preview"), *super().get_urls()]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Who may only look reads limit and logo in words: a field that is not the model's has no value there."""
        sets = super().get_fieldsets(request, obj)
        if self.has_change_permission(request, obj):
            return sets
        limit = {"fields": ("manual_capture", "limit", "settlement_days")}
        seen = {"fields": [*(name for name in BRAND if name != LOGO), "shown"]}
        shown = {"Money": limit, "What customers see": seen}
        return [(title, shown.get(title, options)) for title, options in sets]

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        if self.has_change_permission(request):
            keep_upload(request)
        response = super().changeform_view(request, object_id, form_url, extra_context)
        response["Content-Security-Policy"] = page_csp(frame_src="'self'")
        return response

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if LOGO in form.changed_data:
            set_logo(obj, form.cleaned_data[LOGO].picture)

    @method_decorator(require_http_methods(["GET", "HEAD", "POST"]))
    def preview_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The payment page as saved or, from who may change it, as typed. Nothing is written."""
        merchant = self.get_object(request, unquote(object_id))
        may = self.has_change_permission if request.method == "POST" else self.has_view_permission
        if not may(request, merchant):
            raise PermissionDenied
        if merchant is None:
            raise Http404
        sent = request.POST if request.method == "POST" else request.GET
        scheme = sent.get("preview-scheme", "")
        form = (
            BrandForm(request.POST, request.FILES, instance=merchant) if request.POST else BrandForm(instance=merchant)
        )
        return previewed(request, form, scheme if scheme in SCHEMES else SCHEMES[0])

    @admin.display(description="preview")
    def preview(self, merchant: Merchant) -> str:
        """The payment page in a frame, with a button that needs no scripts to show what is typed."""
        return self._frame(merchant, may_change=True)

    @admin.display(description="payment page")
    def shown(self, merchant: Merchant) -> str:
        return self._frame(merchant, may_change=False)

    def _frame(self, merchant: Merchant, *, may_change: bool) -> str:
        url = reverse("admin:payments_merchant_preview", args=[merchant.pk])
        return render_to_string("staff/_brand_frame.html", {"url": url, "may_change": may_change})

    @admin.display(description="one person refunds up to")
    def limit(self, merchant: Merchant) -> str:
        return format_money(merchant.one_person_refund_minor, merchant.currency)

    @admin.display(description="created (UTC)")
    def created(self, merchant: Merchant) -> str:
        return short_moment(merchant.created_at)

    @admin.display(description="created")
    def made(self, merchant: Merchant) -> str:
        return moment(merchant.created_at)
