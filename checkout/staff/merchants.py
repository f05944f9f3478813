"""Merchants, whose settings staff may change."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from checkout.amounts import format_money
from checkout.staff.deeds import DoorsAdmin
from checkout.staff.facts import moment, short_moment
from checkout.staff.merchant_form import MerchantForm
from checkout.staff.reasons import ReasonedAdmin
from checkout.staff.replays import SendRangeAgain
from checkout.staff.settling import PaidIn, SettleNow
from payments.models import Merchant


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
    readonly_fields = ("org_id", "made", "limit")
    fieldsets = (
        (None, {"fields": ("org_id", "name", "support_email", "accent", "made")}),
        ("Addresses", {"fields": ("return_url", "return_origins", "notify_url")}),
        ("Where it sells", {"fields": ("currency", "region", "time_zone")}),
        ("Time limits", {"fields": ("order_expiry_s", "extensions", "accept_late_s")}),
        ("Mail to customers", {"fields": ("mail_receipts",)}),
        ("Money", {"fields": ("manual_capture", "one_person_refund", "settlement_days")}),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        """A merchant is made with its first key, by `manage.py create_merchant`."""
        return False

    @admin.display(description="id (org_id)")
    def org_id(self, merchant: Merchant) -> int:
        return merchant.org_id

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Who may only look reads the limit as text: a field that is not the model's has no value there."""
        sets = super().get_fieldsets(request, obj)
        if self.has_change_permission(request, obj):
            return sets
        limit = {"fields": ("manual_capture", "limit", "settlement_days")}
        return [(title, limit if title == "Money" else options) for title, options in sets]

    @admin.display(description="one person refunds up to")
    def limit(self, merchant: Merchant) -> str:
        return format_money(merchant.one_person_refund_minor, merchant.currency)

    @admin.display(description="created (UTC)")
    def created(self, merchant: Merchant) -> str:
        return short_moment(merchant.created_at)

    @admin.display(description="created")
    def made(self, merchant: Merchant) -> str:
        return moment(merchant.created_at)
