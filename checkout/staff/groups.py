"""The groups staff are put into: what each may do, in words, and who is in it."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin
from django.contrib.auth.models import Group
from django.db.models import Count, QuerySet
from django.http import HttpRequest

from checkout.staff.people import SuperusersOnly
from checkout.staff.reasons import ReasonedAdmin, ReasonField

if TYPE_CHECKING:
    GroupModelForm = forms.ModelForm[Group]
else:
    GroupModelForm = forms.ModelForm

MAY = {
    "viewer": (
        "See merchants, customers, orders, payments, refunds, settlements, pay-outs, events, what gateways sent, "
        "accounts at gateways, routing rules, endpoints and webhooks. Change nothing."
    ),
    "support": (
        "What a viewer sees; make, show and e-mail payment links; terminate an order; send webhooks again and test "
        "messages."
    ),
    "refund maker": "What a viewer sees; ask for a refund, change or cancel one that waits.",
    "refund approver": "What a viewer sees; approve a refund that somebody else asked for.",
    "finance": (
        "What a viewer sees, the ledger and adjustments; capture or void held money, open and close disputes, "
        "post adjustments, set fee plans; settle merchants, close what somebody else opened, pay out; say whom a "
        "gateway pays; import the files of banks and gateways."
    ),
    "key admin": (
        "See merchants, endpoints and webhooks; make and revoke API keys, open accounts at gateways, enter and check "
        "what they sign in with, set routing rules, add, change and switch off endpoints, send webhooks again and test "
        "messages."
    ),
    "auditor": "What a viewer sees, the ledger, adjustments and the record of what staff did. Change nothing.",
}
"""The groups that Till comes with, as the migrations that make them mean them."""

admin.site.unregister(Group)


class RoleForm(GroupModelForm):
    """A group, and why it changes."""

    reason = ReasonField()

    class Meta:
        model = Group
        fields = ("name", "permissions")


@admin.register(Group)
class RoleAdmin(SuperusersOnly, ReasonedAdmin, GroupAdmin):
    """What a group of them may do."""

    form = RoleForm
    audit_type = "group"
    list_display = ("name", "may", "members")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Group]:
        groups: QuerySet[Group] = super().get_queryset(request)
        return groups.annotate(member_count=Count("user"))

    @admin.display(description="what it is for")
    def may(self, group: Group) -> str:
        return MAY.get(group.name, "")

    @admin.display(description="people in it")
    def members(self, group: Any) -> int:
        return int(group.member_count)
