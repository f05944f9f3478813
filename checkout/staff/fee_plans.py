"""Fee plans: what a merchant pays for captures from now on. Payments keep the fee they were captured with."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import NON_FIELD_ERRORS, PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_protect

from checkout.amounts import format_money
from checkout.staff.base import StaffAdmin, at_field
from checkout.staff.merchant_form import minor_of
from checkout.staff.proofs import proved
from checkout.staff.reasons import ReasonedAdmin, ReasonField, ReasonForm
from payments.errors import BadInput
from payments.fees import fee_of
from payments.models import FeePlan, Merchant
from payments.money import EXPONENT, MAX_MINOR, Money
from payments.states import Method

TAKEN = "This merchant has a plan for that method and currency already: change that one."

if TYPE_CHECKING:
    FeePlanModelForm = forms.ModelForm[FeePlan]
else:
    FeePlanModelForm = forms.ModelForm


def percent_field(label: str, help_text: str) -> forms.DecimalField:
    """A percentage with two decimals, so that it is a whole number of hundredths."""
    return forms.DecimalField(
        label=label, min_value=0, max_value=100, max_digits=5, decimal_places=2, help_text=help_text
    )


class FeePlanForm(FeePlanModelForm):
    """A plan as people say it: percentages with two decimals, the fixed part in major units."""

    merchant = forms.ModelChoiceField(Merchant.objects.order_by("name"))
    method = forms.ChoiceField(
        required=False,
        choices=[("", "all methods without a plan of their own"), *((word.value, word.value) for word in Method)],
    )
    currency = forms.ChoiceField(choices=[(code, code) for code in sorted(EXPONENT)], initial="INR")
    percent = percent_field("Percent", "Of the captured amount, like 2.00; 0 for none.")
    fixed = forms.DecimalField(
        min_value=0, max_value=MAX_MINOR, initial=0, help_text="Added for every payment, in the currency, like 3.00."
    )
    tax = percent_field("Tax percent", "On percentage and fixed part together, like 18.00; 0 for none.")
    reason = ReasonField()

    class Meta:
        model = FeePlan
        fields = ("merchant", "method", "currency")
        error_messages = {NON_FIELD_ERRORS: {"unique_together": TAKEN}}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        plan = self.instance
        if plan.pk is not None:
            self.initial["percent"] = Decimal(plan.percent_bps).scaleb(-2)
            self.initial["fixed"] = Money(plan.fixed_minor, plan.currency).as_major()
            self.initial["tax"] = Decimal(plan.tax_bps).scaleb(-2)

    def clean(self) -> dict[str, Any]:
        """Turn what was typed into the plan's whole numbers; nothing is rounded."""
        cleaned = super().clean() or self.cleaned_data
        for name, column in (("percent", "percent_bps"), ("tax", "tax_bps")):
            if cleaned.get(name) is not None:
                setattr(self.instance, column, int(cleaned[name].scaleb(2)))
        currency = cleaned.get("currency") or self.instance.currency
        if cleaned.get("fixed") is not None:
            try:
                self.instance.fixed_minor = minor_of(cleaned["fixed"], currency)
            except BadInput as refusal:
                self.add_error("fixed", at_field(refusal))
        return cleaned


def example_of(plan: FeePlan) -> str:
    """What a round payment costs under a plan."""
    amount = 1_000 * 10 ** EXPONENT[plan.currency]
    fee, tax = fee_of(amount, percent_bps=plan.percent_bps, fixed_minor=plan.fixed_minor, tax_bps=plan.tax_bps)
    told = [format_money(minor, plan.currency) for minor in (amount, fee, tax)]
    return "a payment of {} costs {} + {} tax".format(*told)


@admin.register(FeePlan)
class FeePlanAdmin(ReasonedAdmin, StaffAdmin):
    form = FeePlanForm
    change_form_template = "staff/fee_plan.html"
    audit_type = "fee_plan"
    list_display = (
        "plan",
        "merchant",
        "method_words",
        "currency",
        "percent_words",
        "fixed_words",
        "tax_words",
        "example",
    )
    list_filter = ("method", "merchant")
    list_select_related = ("merchant",)
    search_fields = ("merchant__name__icontains",)
    search_help_text = "Part of the merchant's name."
    KEY = ("merchant", "method", "currency")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("payments.delete_feeplan")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """A plan stays its merchant's, method's and currency's: another one is another row."""
        return (*self.KEY, "method_words", "example") if obj else ()

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        rates: tuple[str, ...] = ("percent", "fixed", "tax")
        if obj is None:
            own = (*self.KEY, *rates)
        else:
            if not self.has_change_permission(request, obj):
                rates = ("percent_words", "fixed_words", "tax_words")
            own = ("merchant", "method_words", "currency", *rates, "example")
        return [(None, {"fields": own}), *super().get_fieldsets(request, obj)[1:]]

    @admin.display(description="plan")
    def plan(self, plan: FeePlan) -> str:
        return f"#{plan.pk}"

    @admin.display(description="method")
    def method_words(self, plan: FeePlan) -> str:
        return plan.method or "all others"

    @admin.display(description="percent")
    def percent_words(self, plan: FeePlan) -> str:
        return f"{Decimal(plan.percent_bps).scaleb(-2)} %"

    @admin.display(description="fixed")
    def fixed_words(self, plan: FeePlan) -> str:
        return format_money(plan.fixed_minor, plan.currency)

    @admin.display(description="tax")
    def tax_words(self, plan: FeePlan) -> str:
        return f"{Decimal(plan.tax_bps).scaleb(-2)} %"

    @admin.display(description="example")
    def example(self, plan: FeePlan) -> str:
        return example_of(plan)

    def save_model(self, request: HttpRequest, obj: FeePlan, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        words = f"From the next capture on, {example_of(obj)}. Payments that were captured keep their fee."
        self.message_user(request, words, messages.INFO)

    @method_decorator(csrf_protect)
    @proved
    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Remove a plan after a page that says what follows and asks why."""
        with transaction.atomic():
            plan = self.get_object(request, unquote(object_id))
            if not self.has_delete_permission(request, plan):
                raise PermissionDenied
            if plan is None:
                return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined,no-any-return]
            form = ReasonForm(request.POST if request.method == "POST" else None)
            if form.is_valid():
                return self._remove(request, plan, form.cleaned_data["reason"])
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": plan,
            "title": "Remove this fee plan",
            "example": example_of(plan),
            "form": form,
        }
        return TemplateResponse(request, "staff/fee_plan_remove.html", context)

    def _remove(self, request: HttpRequest, plan: FeePlan, reason: str) -> HttpResponse:
        rule = {"percent_bps": plan.percent_bps, "fixed_minor": plan.fixed_minor, "tax_bps": plan.tax_bps}
        self.record(request, plan, "fee_plan.remove", reason, {name: [was, None] for name, was in rule.items()})
        self.log_deletions(request, FeePlan.objects.filter(pk=plan.pk))
        plan.delete()
        self.message_user(request, "The plan is removed. Payments that were captured keep their fee.", messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:payments_feeplan_changelist"))
