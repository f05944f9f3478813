"""Settlements as staff see them: what waits for whom, and each one's figures, lines, pay-outs and history."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from checkout.amounts import format_money, signed
from checkout.staff.audit import link_to_person
from checkout.staff.closing import Close, Discard, SendPayout
from checkout.staff.collects import WORDS
from checkout.staff.deeds import DeedsAdmin
from checkout.staff.facts import (
    Fact,
    Panel,
    Table,
    facts_of,
    link_for,
    link_to,
    may_view,
    moment,
    short_moment,
    status_mark,
)
from checkout.staff.ledger import CurrencyFilter
from checkout.staff.left_again import left_again
from checkout.staff.ranges import Period
from checkout.staff.settled import lines_table
from checkout.staff.settlement_statements import StatementsAdmin, figures_of
from checkout.staff.settling import SettleNow
from checkout.staff.story import acts
from payments.models import AuditEntry, Merchant, Payout, Settlement, SettlementEvent, SettlementLine
from payments.services.settlements import HAS_PART, has_part_in
from payments.states import Collects, PayoutStatus, SettlementStatus

LINES_SHOWN = 50


class SettlementQueue(admin.SimpleListFilter):
    """Settlements by what they wait for."""

    title = "queue"
    parameter_name = "queue"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("closing", "waits to be closed"),
            ("paying", "waits to be paid out"),
            ("bank", "pay-out on its way"),
            ("over", "final"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Settlement]) -> QuerySet[Settlement]:
        sent = Exists(Payout.objects.filter(settlement=OuterRef("pk"), status=PayoutStatus.SENT))
        to_pay = Q(collects=Collects.OPERATOR, net_minor__gt=0)
        asked = self.value()
        if asked == "closing":
            return queryset.filter(status=SettlementStatus.OPEN)
        if asked == "paying":
            return queryset.filter(~sent, to_pay, status__in=[SettlementStatus.CLOSED, SettlementStatus.FAILED])
        if asked == "bank":
            return queryset.filter(sent)
        over = Q(status=SettlementStatus.PAID_OUT) | Q(~to_pay, status=SettlementStatus.CLOSED)
        return queryset.filter(over) if asked == "over" else queryset


class PaysFilter(admin.ChoicesFieldListFilter):
    """Settlements by whom the gateway pays."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = "whom the gateway pays"


@admin.register(Settlement)
class SettlementAdmin(StatementsAdmin, DeedsAdmin):
    deeds = (Close(), Discard(), SendPayout())
    change_list_template = "staff/settlement_list.html"
    change_form_template = "staff/settlement.html"
    list_display = ("uid", "shown_status", "amount", "merchant", "mode", "period", "payments", "opened", "pays")
    list_filter = (
        SettlementQueue,
        "status",
        "mode",
        CurrencyFilter,
        ("collects", PaysFilter),
        ("opened_at", Period),
        "merchant",
    )
    list_select_related = ("merchant", "opened_by", "closed_by", "previous")
    search_fields = ("uid__exact",)
    search_help_text = "A whole id of a settlement, pay-out, payment or refund, a bank reference (UTR), or an order id."

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Settlement], search_term: str
    ) -> tuple[QuerySet[Settlement], bool]:
        """By what has an index of its own, one after the other: never by a walk through the lines."""
        term = search_term.strip()
        return (queryset.filter(found_by(term)) if term else queryset), False

    @admin.display(description="status")
    def shown_status(self, settlement: Settlement) -> str:
        return status_mark(settlement.status)

    @admin.display(description="net")
    def amount(self, settlement: Settlement) -> str:
        return _net(settlement)

    @admin.display(description="payments of (UTC)")
    def period(self, settlement: Settlement) -> str:
        since, until = (short_moment(at)[:10] for at in (settlement.payment_from, settlement.payment_till))
        return since if since == until else f"{since} to {until}"

    @admin.display(description="opened (UTC)")
    def opened(self, settlement: Settlement) -> str:
        return short_moment(settlement.opened_at)

    @admin.display(description="gateway pays")
    def pays(self, settlement: Settlement) -> str:
        return settlement.get_collects_display()

    def get_urls(self) -> list[URLPattern]:
        door = self.admin_site.admin_view(self.choose_view)
        return [path("settle/", door, name="payments_settlement_settle"), *super().get_urls()]

    def choose_view(self, request: HttpRequest) -> HttpResponse:
        """Ask whose; go on to the merchant's own page for it."""
        if not request.user.has_perm(SettleNow.permission) or not may_view(request, Merchant):
            raise PermissionDenied
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        form = MerchantChoice(request.GET if "merchant" in request.GET else None)
        if form.is_valid():
            merchant = form.cleaned_data["merchant"]
            return HttpResponseRedirect(reverse("admin:payments_merchant_settle", args=[merchant.pk]))
        context = {**self.admin_site.each_context(request), "opts": self.opts, "title": SettleNow.title, "form": form}
        status = 400 if form.is_bound else 200
        return TemplateResponse(request, "staff/settle_choose.html", context, status=status)

    def doors(self, request: HttpRequest, row: Settlement) -> list[dict[str, str]]:
        """Its own, its statement's, and those of its newest pay-out."""
        doors = super().doors(request, row)
        payout = row.payouts.order_by("-pk").first()
        if payout is not None and may_view(request, Payout):
            payouts: Any = self.admin_site.get_model_admin(Payout)
            doors += payouts.doors(request, payout)
        if row.build_at is None and may_view(request, SettlementLine):
            where = reverse("admin:payments_settlement_statement", args=[row.pk])
            doors.append({"label": "Statement…", "url": where})
        return doors

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        row: Settlement = context["original"]
        may_close = row.status == SettlementStatus.OPEN and request.user.has_perm(Close.permission)
        has_part = may_close and has_part_in(row, int(request.user.pk or 0))
        context["note"] = HAS_PART if has_part else left_again(row)
        context["is_building"] = row.build_at is not None
        context["figures"] = figures_of(row)
        context["net"] = signed(row.net_minor, row.currency)
        return super().render_change_form(request, context, *args, **kwargs)

    def panels(self, request: HttpRequest, row: Settlement) -> list[Panel]:
        return [Panel("Settlement", _own(request, row)), Panel("People", _people(request, row))]

    def tables(self, request: HttpRequest, row: Settlement) -> list[Table]:
        tables = []
        if may_view(request, Payout):
            tables.append(_payouts_table(request, row))
        if may_view(request, SettlementLine) and row.build_at is None:
            all_at = reverse("admin:payments_settlement_statement", args=[row.pk])
            tables.append(lines_table(request, row, at_most=LINES_SHOWN, all_at=all_at))
        if may_view(request, SettlementEvent):
            tables.append(_events_table(request, row))
        return [*tables, *acts(request, _acts(row), row.uid)]


class MerchantChoice(forms.Form):
    """Whose settlement it is to be."""

    merchant = forms.ModelChoiceField(Merchant.objects.order_by("name", "pk"), empty_label="Choose…")


def found_by(term: str) -> Q:
    """Settlements with that id, or with a pay-out, payment or refund that is called so, or of an order."""
    payouts = Payout.objects.filter(Q(uid=term) | Q(utr=term)).values_list("settlement", flat=True)
    found = set(payouts[:200])
    lines = SettlementLine.objects.values_list("settlement", flat=True)
    for way in ("payment__uid", "payment__order__order_id", "refund__uid"):
        found |= set(lines.filter(**{way: term})[:200])
    return Q(uid=term) | Q(pk__in=found)


def _net(settlement: Settlement) -> str:
    """Its net; while it is put together there is none."""
    return "being put together" if settlement.build_at else signed(settlement.net_minor, settlement.currency)


def _own(request: HttpRequest, row: Settlement) -> list[Fact]:
    following = Settlement.objects.filter(previous=row).first()
    return facts_of(
        {
            "status": status_mark(row.status),
            "what comes next": _next(row),
            "merchant": link_for(request, row.merchant, row.merchant.name),
            "mode": row.mode,
            "currency": row.currency,
            "the gateway pays": WORDS[Collects(row.collects)],
            "payments": "" if row.build_at else f"{row.payments:,}",
            "refunds": "" if row.build_at else f"{row.refunds:,}",
            "payments from": moment(row.payment_from),
            "payments until": moment(row.payment_till),
            "captured before": moment(row.cutoff_at),
            "refunds and corrections before": moment(row.opened_at),
            "previous": link_to(row.previous, row.previous.uid) if row.previous else "none: it is the first",
            "next": link_to(following, following.uid) if following else "none yet",
        }
    )


def _next(row: Settlement) -> str:
    """What has to happen to it, and by whom."""
    if row.status == SettlementStatus.OPEN:
        return "the worker puts it together" if row.build_at else "somebody other than who opened it closes it"
    if row.is_final:
        carried = row.status == SettlementStatus.CLOSED and row.net_minor < 0
        return "nothing: what the merchant owes is carried into the next one" if carried else "nothing: it is final"
    if row.payouts.filter(status=PayoutStatus.SENT).exists():
        return "the bank says that it paid, or that it did not"
    return "it is paid out at the bank, and that is noted here"


def _people(request: HttpRequest, row: Settlement) -> list[Fact]:
    return facts_of(
        {
            "opened": moment(row.opened_at),
            "opened by": link_to_person(request, row.opened_by) if row.opened_by else "the merchant’s schedule",
            "closed": moment(row.closed_at),
            "closed by": link_to_person(request, row.closed_by) if row.closed_by else "",
        }
    )


def _payouts_table(request: HttpRequest, settlement: Settlement) -> Table:
    rows = [
        [
            link_for(request, payout, payout.uid),
            status_mark(payout.status),
            format_money(payout.amount_minor, settlement.currency),
            payout.utr,
            str(payout.value_date or ""),
            f"{moment(payout.sent_at)} by {payout.sent_by}",
            payout.message,
        ]
        for payout in settlement.payouts.select_related("sent_by").order_by("-pk")
    ]
    head = ["pay-out", "status", "amount", "bank reference (UTR)", "value date", "sent", "what the bank said"]
    return Table("payouts", "Pay-outs", head, rows, "Nothing was paid out.")


def _events_table(request: HttpRequest, settlement: Settlement) -> Table:
    rows = [
        [
            f"#{event.sequence}",
            moment(event.at),
            event.kind,
            event.cause,
            link_for(request, event.payout, event.payout.uid) if event.payout else "",
        ]
        for event in settlement.events.select_related("payout").order_by("-sequence")
    ]
    return Table("events", "Events", ["no.", "at", "kind", "cause", "pay-out"], rows, "Nothing has happened yet.")


def _acts(row: Settlement) -> QuerySet[AuditEntry]:
    """What people did to it and to its pay-outs."""
    payouts = list(row.payouts.values_list("uid", flat=True))
    own = Q(object_type="settlement", object_id=row.uid) | Q(object_type="payout", object_id__in=payouts)
    return AuditEntry.objects.filter(own)
