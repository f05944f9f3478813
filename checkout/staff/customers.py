"""Customers: who buys, by the specification's names."""

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from checkout.staff.base import ReadOnlyAdmin
from checkout.staff.facts import Panel, facts_of, link_for, may_view, moment, short_moment
from checkout.staff.ranges import Period
from checkout.staff.search import FindsByTerm, customers_by
from payments.models import Customer, Order


@admin.register(Customer)
class CustomerAdmin(FindsByTerm, ReadOnlyAdmin):
    finds = customers_by
    list_display = ("id", "name", "email", "phone", "reference", "created", "seller")
    list_filter = (("created_at", Period), "mode", "merchant")
    list_select_related = ("merchant",)
    search_help_text = (
        "Whole, not a part: a customer id, the merchant's reference of the customer, an e-mail address or a phone "
        "number."
    )

    @admin.display(description="created (UTC)")
    def created(self, customer: Customer) -> str:
        return short_moment(customer.created_at)

    def panels(self, request: HttpRequest, row: Customer) -> list[Panel]:
        details = {
            "customer_id": row.pk,
            "org_id": row.merchant_id,
            "customer_name": row.name,
            "customer_email": row.email,
            "customer_phone": row.phone,
        }
        own = {
            "mode": row.mode,
            "merchant": link_for(request, row.merchant, row.merchant.name),
            "the merchant's reference": row.reference,
            "created": moment(row.created_at),
        }
        if may_view(request, Order):
            where = f"{reverse('admin:payments_order_changelist')}?customer__id__exact={row.pk}"
            own["orders"] = format_html('<a href="{}">all orders of this customer</a>', where)
        return [Panel("Customer", facts_of(details)), Panel("In Till", facts_of(own))]
