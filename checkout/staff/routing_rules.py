"""Routing rules: which of a merchant's accounts takes which payments, from the next attempt on."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest

from checkout.amounts import format_money
from checkout.staff.base import StaffAdmin, at_field
from checkout.staff.merchant_form import minor_of
from checkout.staff.reasons import ReasonedAdmin, ReasonField
from payments.errors import BadInput
from payments.gateways.registry import GATEWAYS, gateway_named
from payments.models import GatewayAccount, RoutingRule
from payments.money import EXPONENT, MAX_MINOR, Money
from payments.states import Method

if TYPE_CHECKING:
    RuleModelForm = forms.ModelForm[RoutingRule]
else:
    RuleModelForm = forms.ModelForm


class AccountField(forms.ModelChoiceField):  # type: ignore[type-arg]  # generic only in the stubs
    def label_from_instance(self, obj: GatewayAccount) -> str:
        return f"{obj.merchant.name}: {obj.gateway} ({obj.mode})"


def amount_field(label: str) -> forms.DecimalField:
    return forms.DecimalField(
        label=label, required=False, min_value=0, max_value=MAX_MINOR, help_text="In the currency; empty for no limit."
    )


class RoutingRuleForm(RuleModelForm):
    """A rule as people say it: amounts in major units."""

    account = AccountField(GatewayAccount.objects.select_related("merchant").order_by("merchant__name", "mode", "pk"))
    position = forms.IntegerField(
        min_value=1,
        max_value=30_000,
        initial=1,
        help_text="Of the rules that fit a payment, the lowest is tried first.",
    )
    methods = forms.MultipleChoiceField(
        required=False,
        choices=[(method.value, method.value) for method in Method],
        widget=forms.CheckboxSelectMultiple,
        help_text="None ticked means all that the gateway takes.",
    )
    currency = forms.ChoiceField(
        required=False, choices=[("", "all"), *((code, code) for code in sorted(EXPONENT))], initial=""
    )
    smallest = amount_field("Smallest amount")
    largest = amount_field("Largest amount")
    reason = ReasonField()

    class Meta:
        model = RoutingRule
        fields = ("account", "position", "methods", "currency", "is_enabled")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rule = self.instance
        for name, minor in (("smallest", rule.min_minor), ("largest", rule.max_minor)):
            if minor is not None:
                self.initial[name] = Money(minor, rule.currency).as_major()

    def clean(self) -> dict[str, Any]:
        """Turn amounts into minor units; nothing is rounded."""
        cleaned = super().clean() or self.cleaned_data
        limits = {name: self._minor(name, cleaned) for name in ("smallest", "largest")}
        self.instance.min_minor, self.instance.max_minor = limits["smallest"], limits["largest"]
        if not self.errors and None not in limits.values() and limits["largest"] < limits["smallest"]:  # type: ignore[operator]
            self.add_error("largest", "Write no less than the smallest amount.")
        if limits["largest"] == 0:
            self.add_error("largest", "Write more than 0, or nothing for no limit.")
        account = self.instance.account if self.instance.pk else cleaned.get("account")
        if account is not None and account.gateway in GATEWAYS:
            unserved = [
                word for word in cleaned.get("methods", []) if word not in gateway_named(account.gateway).methods
            ]
            if unserved:
                self.add_error("methods", f"{account.gateway} does not take: {', '.join(unserved)}.")
        return cleaned

    def _minor(self, name: str, cleaned: dict[str, Any]) -> int | None:
        amount, currency = cleaned.get(name), cleaned.get("currency") or ""
        if amount is None:
            return None
        if not currency:
            if not self.has_error("currency"):  # once, though both amounts lack it
                self.add_error("currency", "Choose the currency that the amounts are in.")
            return None
        try:
            return minor_of(amount, currency)
        except BadInput as refusal:
            self.add_error(name, at_field(refusal))
            return None


def methods_in_words(rule: RoutingRule) -> str:
    return ", ".join(rule.methods) or "all"


def currency_and_amounts(rule: RoutingRule) -> str:
    """INR from 100.00 to 5,000.00 or the like."""
    limits = ((" from ", rule.min_minor), (" up to ", rule.max_minor))
    told = "".join(f"{word}{format_money(minor, rule.currency)}" for word, minor in limits if minor is not None)
    return f"{rule.currency or 'all'}{told}"


@admin.register(RoutingRule)
class RoutingRuleAdmin(ReasonedAdmin, StaffAdmin):
    form = RoutingRuleForm
    change_form_template = "staff/routing_rule.html"
    audit_type = "routing_rule"
    ordering = ("account__merchant__name", "account__mode", "position", "pk")
    list_display = ("rule", "position", "merchant", "mode", "gateway", "methods_words", "amounts", "is_enabled")
    list_filter = ("is_enabled", "account__mode", "account__gateway", "account__merchant")
    list_select_related = ("account__merchant",)
    search_fields = ("account__merchant__name__icontains",)
    search_help_text = "Part of the merchant's name."
    fieldsets = (
        (None, {"fields": ("account", "position", "is_enabled")}),
        ("What it is about", {"fields": ("methods", "currency", "smallest", "largest")}),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """A rule stays its account's: payments say that it chose it."""
        if obj is None:
            return ()
        shown = () if self.has_change_permission(request, obj) else ("methods_words", "amounts")
        return ("account", *shown)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        sets = super().get_fieldsets(request, obj)
        if obj is None or self.has_change_permission(request, obj):
            return sets
        return [sets[0], ("What it is about", {"fields": ["methods_words", "amounts"]})]

    @admin.display(description="rule")
    def rule(self, rule: RoutingRule) -> str:
        return f"#{rule.pk}"

    @admin.display(description="merchant")
    def merchant(self, rule: RoutingRule) -> str:
        return rule.account.merchant.name

    @admin.display(description="mode")
    def mode(self, rule: RoutingRule) -> str:
        return rule.account.mode

    @admin.display(description="gateway")
    def gateway(self, rule: RoutingRule) -> str:
        return rule.account.gateway

    @admin.display(description="methods")
    def methods_words(self, rule: RoutingRule) -> str:
        return methods_in_words(rule)

    @admin.display(description="amounts")
    def amounts(self, rule: RoutingRule) -> str:
        return currency_and_amounts(rule)

    def save_model(self, request: HttpRequest, obj: RoutingRule, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        account = obj.account
        others = RoutingRule.objects.filter(account__merchant=account.merchant_id, account__mode=account.mode)
        words = (
            "From the next attempt on. Ways to pay that no enabled rule covers are not offered any more."
            if others.filter(is_enabled=True).exists()
            else "No rule is enabled: from the next attempt on the oldest account that can takes a payment."
        )
        self.message_user(request, words, messages.INFO)
