"""The ledger as staff read it: accounts with their balances, transfers, and what corrected them. Nobody edits it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Case, F, OuterRef, Q, QuerySet, Subquery, Sum, Value, When
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from checkout.amounts import format_money, signed
from checkout.staff.audit import link_to_person
from checkout.staff.base import ReadOnlyAdmin
from checkout.staff.facts import Panel, facts_of, link_for, link_to, moment, short_moment
from checkout.staff.ranges import Period
from checkout.staff.search import FindsByTerm, adjustments_by, any_of, order_ids
from checkout.staff.settled import lines_of, settlement_links
from checkout.staff.terms import Term
from payments.models import Adjustment, GatewaySettlement, LedgerAccount, Payment, Payout, Refund, Transfer
from payments.money import EXPONENT


def kind_words(kind: str) -> str:
    """merchant payable, for merchant_payable."""
    return kind.replace("_", " ")


# --- Accounts ---


@dataclass(slots=True)
class Sums:
    """What was debited and credited, in minor units."""

    debit: int = 0
    credit: int = 0

    @property
    def balance(self) -> int:
        return self.debit - self.credit

    def add(self, other: "Sums") -> None:
        self.debit += other.debit
        self.credit += other.credit


@dataclass(frozen=True, slots=True)
class Total:
    """The sums of all accounts listed of one mode and currency, in words."""

    mode: str
    currency: str
    debit: str
    credit: str
    balance: str


def sums_of(accounts: QuerySet[LedgerAccount]) -> dict[int, Sums]:
    """Debits and credits of each account that has any, in one grouped statement."""
    mine = accounts.order_by().values("pk")

    def side(name: str, debit: Any, credit: Any) -> Any:
        rows = Transfer.objects.filter(**{f"{name}__in": mine}).order_by().values(account=F(f"{name}_id"))
        return rows.annotate(debited=debit, credited=credit)

    debited = side("debit", Sum("amount_minor"), Sum(Value(0)))
    credited = side("credit", Sum(Value(0)), Sum("amount_minor"))
    found: dict[int, Sums] = {}
    for row in debited.union(credited, all=True):
        found.setdefault(row["account"], Sums()).add(Sums(row["debited"], row["credited"]))
    return found


def totals_of(accounts: Iterable[tuple[int, str, str]], sums: dict[int, Sums]) -> list[Total]:
    """The sums of accounts, given as (pk, mode, currency), by mode and currency: they are never added across those."""
    found: dict[tuple[str, str], Sums] = {}
    for pk, mode, currency in accounts:
        found.setdefault((mode, currency), Sums()).add(sums.get(pk, Sums()))
    return [
        Total(mode, currency, *(signed(minor, currency) for minor in (of.debit, of.credit, of.balance)))
        for (mode, currency), of in sorted(found.items())
    ]


class CurrencyFilter(admin.SimpleListFilter):
    """By currency; the choices are those that merchants have accounts in."""

    title = "currency"
    parameter_name = "currency"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        known = LedgerAccount.objects.order_by("currency").values_list("currency", flat=True).distinct()
        return [(currency, currency) for currency in known]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(currency=self.value()) if self.value() in EXPONENT else queryset


@admin.register(LedgerAccount)
class LedgerAccountAdmin(ReadOnlyAdmin):
    change_list_template = "staff/ledger_accounts.html"
    list_display = ("account", "merchant", "mode", "currency", "debit", "credit", "balance")
    list_filter = ("kind", "mode", CurrencyFilter, "merchant")
    list_select_related = ("merchant",)
    search_fields = ("merchant__name__icontains",)
    search_help_text = "Part of the merchant's name."

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """By whose they are; accounts have no time of their own."""
        return ("merchant", "mode", "currency", "pk")

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        """The list with each row's sums, and the totals of all rows it could show."""
        listed: Any = super().get_changelist_instance(request)
        sums = sums_of(listed.queryset)
        listed.result_list = list(listed.result_list)
        for account in listed.result_list:
            account.sums = sums.get(account.pk, Sums())
        listed.totals = totals_of(listed.queryset.order_by().values_list("pk", "mode", "currency"), sums)
        return listed  # type: ignore[no-any-return]

    @admin.display(description="account")
    def account(self, account: LedgerAccount) -> str:
        return kind_words(account.kind)

    @admin.display(description="debit")
    def debit(self, account: Any) -> str:
        return signed(account.sums.debit, account.currency)

    @admin.display(description="credit")
    def credit(self, account: Any) -> str:
        return signed(account.sums.credit, account.currency)

    @admin.display(description="balance")
    def balance(self, account: Any) -> str:
        return signed(account.sums.balance, account.currency)

    def panels(self, request: HttpRequest, row: LedgerAccount) -> list[Panel]:
        of = sums_of(LedgerAccount.objects.filter(pk=row.pk)).get(row.pk, Sums())
        where = f"{reverse('admin:payments_transfer_changelist')}?account={row.pk}"
        facts = {
            "account": kind_words(row.kind),
            "merchant": link_for(request, row.merchant, row.merchant.name),
            "mode": row.mode,
            "currency": row.currency,
            "debit": signed(of.debit, row.currency),
            "credit": signed(of.credit, row.currency),
            "balance": f"{signed(of.balance, row.currency)} (debits minus credits)",
            "transfers": format_html('<a href="{}">all transfers of this account</a>', where),
        }
        return [Panel("Ledger account", facts_of(facts))]


# --- Transfers ---


class AccountFilter(admin.SimpleListFilter):
    """Transfers of one account, reached from its page: there are too many accounts to choose from here."""

    title = "account"
    parameter_name = "account"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        asked = request.GET.get(self.parameter_name, "")
        return [(asked, f"account {asked}")] if asked.isascii() and asked.isdecimal() and len(asked) <= 18 else []

    def queryset(self, request: HttpRequest, queryset: QuerySet[Transfer]) -> QuerySet[Transfer]:
        asked = self.value()
        return queryset.filter(Q(debit=asked) | Q(credit=asked)) if asked else queryset


def with_source(transfers: QuerySet[Transfer]) -> QuerySet[Transfer]:
    """Transfers with the public id of what moved the money, as `source_uid`."""

    def uid_of(model: Any) -> Subquery:
        return Subquery(model.objects.filter(pk=OuterRef("source_id")).values("uid"))

    return transfers.annotate(
        source_uid=Case(
            When(source_type=Transfer.PAYMENT, then=uid_of(Payment)),
            When(source_type=Transfer.REFUND, then=uid_of(Refund)),
            When(source_type=Transfer.PAYOUT, then=uid_of(Payout)),
        )
    )


SOURCES = {
    Transfer.PAYMENT: Payment,
    Transfer.REFUND: Refund,
    Transfer.ADJUSTMENT: Adjustment,
    Transfer.GATEWAY_SETTLEMENT: GatewaySettlement,
    Transfer.PAYOUT: Payout,
}


def source_words(transfer: Any) -> str:
    """pay_…, refund_… or adjustment 7."""
    return transfer.source_uid or f"{transfer.source_type} {transfer.source_id}"


@admin.register(Transfer)
class TransferAdmin(ReadOnlyAdmin):
    list_display = ("number", "happened", "kind_shown", "amount", "debited", "credited", "source", "merchant", "mode")
    list_filter = ("kind", "debit__mode", CurrencyFilter, AccountFilter, "debit__merchant")
    list_select_related = ("debit__merchant", "credit")
    search_fields = ("source_id__exact",)
    search_help_text = (
        "A whole payment id, refund id, pay-out id or order id: what was booked for it, its refunds and adjustments."
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Transfer]:
        return with_source(super().get_queryset(request))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Transfer], search_term: str
    ) -> tuple[QuerySet[Transfer], bool]:
        """By the public ids of what moved the money: transfers name their source by its number."""
        term = search_term.strip()
        return (queryset.filter(booked_for(term)) if term else queryset), False

    @admin.display(description="no.")
    def number(self, transfer: Transfer) -> str:
        return f"#{transfer.pk}"

    @admin.display(description="at (UTC)")
    def happened(self, transfer: Transfer) -> str:
        return short_moment(transfer.at)

    @admin.display(description="kind")
    def kind_shown(self, transfer: Transfer) -> str:
        return kind_words(transfer.kind)

    @admin.display(description="amount")
    def amount(self, transfer: Transfer) -> str:
        return format_money(transfer.amount_minor, transfer.currency)

    @admin.display(description="debit")
    def debited(self, transfer: Transfer) -> str:
        return kind_words(transfer.debit.kind)

    @admin.display(description="credit")
    def credited(self, transfer: Transfer) -> str:
        return kind_words(transfer.credit.kind)

    @admin.display(description="because of")
    def source(self, transfer: Any) -> str:
        row = SOURCES[transfer.source_type](pk=transfer.source_id)
        return link_to(row, source_words(transfer))

    @admin.display(description="merchant")
    def merchant(self, transfer: Transfer) -> str:
        return transfer.debit.merchant.name

    @admin.display(description="mode")
    def mode(self, transfer: Transfer) -> str:
        return transfer.debit.mode

    def panels(self, request: HttpRequest, row: Any) -> list[Panel]:
        source = SOURCES[row.source_type](pk=row.source_id)
        facts = {
            "kind": kind_words(row.kind),
            "amount": format_money(row.amount_minor, row.currency),
            "debit": link_for(request, row.debit, kind_words(row.debit.kind)),
            "credit": link_for(request, row.credit, kind_words(row.credit.kind)),
            "because of": link_for(request, source, source_words(row)),
            "merchant": link_for(request, row.debit.merchant, row.debit.merchant.name),
            "mode": row.debit.mode,
            "at": moment(row.at),
        }
        return [Panel("Transfer", facts_of(facts))]


def booked_for(term: str) -> Q:
    """Transfers because of a payment (with its refunds and adjustments), a refund, a pay-out, or all payments of an
    order.
    """
    payments = any_of(Payment.objects.all(), [Q(uid=term), *order_ids(Term(term), "order__")])
    paid = list(payments.values_list("pk", flat=True)[:200])
    refunds = Refund.objects.filter(Q(uid=term) | Q(payment__in=paid)).values("pk")
    adjustments = Adjustment.objects.filter(payment__in=paid).values("pk")
    return (
        Q(source_type=Transfer.PAYMENT, source_id__in=paid)
        | Q(source_type=Transfer.REFUND, source_id__in=refunds)
        | Q(source_type=Transfer.ADJUSTMENT, source_id__in=adjustments)
        | Q(source_type=Transfer.PAYOUT, source_id__in=Payout.objects.filter(uid=term).values("pk"))
    )


# --- Adjustments ---


@admin.register(Adjustment)
class AdjustmentAdmin(FindsByTerm, ReadOnlyAdmin):
    finds = adjustments_by
    list_display = ("number", "made", "amount", "of_payment", "made_by", "reason", "seller")
    list_filter = ("mode", CurrencyFilter, ("made_at", Period), "merchant")
    list_select_related = ("merchant", "payment", "made_by")
    search_help_text = "A whole payment id or order id."

    @admin.display(description="no.")
    def number(self, adjustment: Adjustment) -> str:
        return f"#{adjustment.pk}"

    @admin.display(description="at (UTC)")
    def made(self, adjustment: Adjustment) -> str:
        return short_moment(adjustment.made_at)

    @admin.display(description="to the merchant")
    def amount(self, adjustment: Adjustment) -> str:
        return signed(adjustment.amount_minor, adjustment.currency)

    @admin.display(description="payment", empty_value="")
    def of_payment(self, adjustment: Adjustment) -> str:
        return link_to(adjustment.payment, adjustment.payment.uid) if adjustment.payment else ""

    def panels(self, request: HttpRequest, row: Adjustment) -> list[Panel]:
        facts = {
            "to the merchant": signed(row.amount_minor, row.currency),
            "merchant": link_for(request, row.merchant, row.merchant.name),
            "mode": row.mode,
            "kind": "paid in by the merchant" if row.is_paid_in else "correction",
            "payment": link_for(request, row.payment, row.payment.uid) if row.payment else "",
            "order": link_for(request, row.payment.order, row.payment.order.order_id) if row.payment else "",
            "settlement": settlement_links(request, lines_of(adjustments=[row.pk])),
            "reason": row.reason,
            "made by": link_to_person(request, row.made_by),
            "at": moment(row.made_at),
        }
        return [Panel("Adjustment", facts_of(facts))]
