"""Files of banks and gateways: imported by finance, and shown with where each line stands beside the books."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, QuerySet, Sum
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.views.decorators.csrf import csrf_protect

from checkout.amounts import signed
from checkout.staff.base import ReadOnlyAdmin, at_field
from checkout.staff.facts import Panel, facts_of, link_for, link_to, moment
from checkout.staff.ledger import CurrencyFilter
from checkout.staff.left_again import is_of_failed
from checkout.staff.proofs import ask_again
from checkout.staff.ranges import Period
from checkout.staff.reasons import ReasonForm, act_of
from checkout.staff.settling import DayField
from payments import clock
from payments.errors import BadInput, PaymentsError
from payments.models import GatewayAccount, GatewaySettlement, StatementFile, StatementLine
from payments.services.statements import LONGEST_PERIOD, NewStatement, import_statement
from payments.statement_csv import COLUMNS, MAX_BYTES, MAX_LINES
from payments.states import Bucket, Collects, Mode, StatementKind

KINDS = {StatementKind.BANK: "the bank’s statement", StatementKind.GATEWAY: "a gateway’s settlement file"}
SUMS = {
    Bucket.FEE: "cost_minor",
    Bucket.TIMING: "timing_minor",
    Bucket.SHORT: "short_minor",
    Bucket.MISSING: "missing_minor",
    Bucket.DUPLICATE: "duplicate_minor",
}
MEANINGS = {
    Bucket.MATCHED: "as the books have it",
    Bucket.FEE: "what the gateway kept, of whatever line",
    Bucket.TIMING: "belongs to other days, or may still come",
    Bucket.SHORT: "another amount than in the books",
    Bucket.MISSING: "only in the file, or only in the books",
    Bucket.DUPLICATE: "came before, in this file or another",
}
PAID_AFTER_ALL = (
    "The books have this pay-out as failed, and here its money leaves. Order no other transfer before the bank has "
    "said what became of this one."
)


class AccountField(forms.ModelChoiceField):  # type: ignore[type-arg]  # generic only in the stubs
    def label_from_instance(self, obj: GatewayAccount) -> str:
        return account_words(obj)


def account_words(account: GatewayAccount) -> str:
    """Whose account it is, and where."""
    return f"{account.merchant.name}: {account.gateway} ({account.mode})"


class StatementForm(ReasonForm):
    """A file, whose it is, of which days, and why."""

    field_order = ["kind", "account", "mode", "period_from", "period_to", "file", "reason"]
    kind = forms.ChoiceField(label="What it is", choices=[("", "Choose…"), *((k.value, w) for k, w in KINDS.items())])
    account = AccountField(
        GatewayAccount.objects.filter(collects=Collects.OPERATOR)
        .select_related("merchant")
        .order_by("merchant__name", "pk"),
        label="Gateway account",
        required=False,
        empty_label="none: it is the bank’s",
    )
    mode = forms.ChoiceField(
        choices=[(mode.value, mode.value) for mode in Mode],
        initial=Mode.TEST,
        help_text="Of the bank’s pay-outs; a gateway account has its own.",
    )
    period_from = DayField(label="First day", help_text="Of what the file is about.")
    period_to = DayField(label="Last day", help_text=f"{LONGEST_PERIOD.days} days at most.")
    file = forms.FileField(
        label="CSV file", help_text=f"UTF-8, at most {MAX_LINES:,} lines and {MAX_BYTES // 1_000_000} MB."
    )

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > MAX_BYTES:
            raise forms.ValidationError(f"This file is too large: at most {MAX_BYTES:,} bytes; split it.")
        return file

    def statement(self) -> NewStatement:
        told = self.cleaned_data
        account = told["account"] if told["kind"] == StatementKind.GATEWAY else None
        return NewStatement(
            kind=StatementKind(told["kind"]),
            mode=account.mode if account else told["mode"],
            account=account,
            period_from=told["period_from"],
            period_to=told["period_to"],
            name=told["file"].name,
        )


@dataclass(frozen=True, slots=True)
class BucketRow:
    """One bucket of a file in one currency, in words."""

    name: str
    meaning: str
    lines: int
    amount: str
    where: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """A file beside the books in one currency: the buckets come to the difference."""

    currency: str
    buckets: list[BucketRow]
    file: str
    books: str
    difference: str


def comparisons(file: StatementFile) -> list[Comparison]:
    """The buckets of a file by currency, each with its sum and how many lines it has."""
    sums = {name: Sum(name) for name in ("net_minor", "expected_minor", *SUMS.values())}
    counts = {f"n_{bucket.value}": Count("pk", filter=Q(bucket=bucket)) for bucket in Bucket}
    told = file.lines.order_by("currency").values("currency").annotate(**sums, **counts)
    return [_comparison(file, row) for row in told]


def _comparison(file: StatementFile, row: Mapping[str, Any]) -> Comparison:
    currency = row["currency"]
    where = f"{reverse('admin:payments_statementline_changelist')}?file={file.pk}&currency={currency}&bucket="
    buckets = [
        BucketRow(
            bucket.value,
            MEANINGS[bucket],
            row[f"n_{bucket.value}"],
            signed(row[SUMS[bucket]] if bucket in SUMS else 0, currency),
            f"{where}{bucket.value}",
        )
        for bucket in Bucket
    ]
    said, booked = row["net_minor"], row["expected_minor"]
    told = (signed(minor, currency) for minor in (said, booked, said - booked))
    return Comparison(currency, buckets, *told)


@admin.register(StatementFile)
class StatementFileAdmin(ReadOnlyAdmin):
    change_form_template = "staff/statement.html"
    list_display = (
        "name",
        "kind",
        "account",
        "mode",
        "period_from",
        "period_to",
        "line_count",
        "differing",
        "imported",
    )
    list_filter = ("kind", "mode", ("imported_at", Period))
    list_select_related = ("account", "imported_by")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("payments.add_statementfile")

    def get_queryset(self, request: HttpRequest) -> QuerySet[StatementFile]:
        open_ones = Count("lines", filter=~Q(lines__bucket__in=[Bucket.MATCHED, Bucket.FEE]) & Q(lines__isnull=False))
        files: QuerySet[StatementFile] = super().get_queryset(request)
        return files.annotate(differing=open_ones)

    @admin.display(description="lines that differ")
    def differing(self, file: Any) -> int:
        return int(file.differing)

    @admin.display(description="imported (UTC)")
    def imported(self, file: StatementFile) -> str:
        return f"{moment(file.imported_at)} by {file.imported_by}"

    def panels(self, request: HttpRequest, row: StatementFile) -> list[Panel]:
        every = f"{reverse('admin:payments_statementline_changelist')}?file={row.pk}"
        facts = {
            "file": row.name,
            "what it is": KINDS[StatementKind(row.kind)],
            "gateway account": account_words(row.account) if row.account else "",
            "mode": row.mode,
            "days": f"{row.period_from} to {row.period_to}",
            "lines": format_html('<a href="{}">{} of the file, and the books’ alone</a>', every, row.line_count),
            "SHA-256": row.sha256,
            "imported": f"{moment(row.imported_at)} by {row.imported_by}",
        }
        return [Panel("Statement", facts_of(facts))]

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        context |= {"comparisons": comparisons(context["original"])}
        return super().render_change_form(request, context, *args, **kwargs)

    @method_decorator(csrf_protect)
    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        asked = ask_again(request)  # before the form too: a file cannot be carried through the question
        if asked is not None:
            return asked
        week = {"period_from": clock.now().date() - timedelta(days=7), "period_to": clock.now().date()}
        form = StatementForm(request.POST or None, request.FILES or None, initial=week)
        if request.method == "POST" and form.is_valid():
            file = self._import(request, form)
            if file is not None:
                self.message_user(request, f"Imported, with all its lines: {file.line_count:,}.", messages.SUCCESS)
                return HttpResponseRedirect(reverse("admin:payments_statementfile_change", args=[file.pk]))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Import a file",
            "form": form,
            "columns": [(KINDS[kind], ",".join(names)) for kind, names in COLUMNS.items()],
        }
        return TemplateResponse(request, "staff/statement_add.html", context, status=400 if form.errors else 200)

    def _import(self, request: HttpRequest, form: StatementForm) -> StatementFile | None:
        """Import it; None if it was refused, with the refusal at its field."""
        asked = form.cleaned_data
        by = act_of(request, asked["reason"])
        try:
            return import_statement(asked["file"].file, form.statement(), by=by, at=clock.now())
        except BadInput as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, at_field(refusal))
        except PaymentsError as refusal:
            form.add_error("file", refusal.message)
        return None


class FileFilter(admin.SimpleListFilter):
    """Lines of one file, reached from its page."""

    title = "file"
    parameter_name = "file"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        asked = request.GET.get(self.parameter_name, "")
        return [(asked, f"file {asked}")] if asked.isascii() and asked.isdecimal() and len(asked) <= 18 else []

    def queryset(self, request: HttpRequest, queryset: QuerySet[StatementLine]) -> QuerySet[StatementLine]:
        asked = self.value()
        return queryset.filter(file=int(asked)) if asked else queryset


class BucketFilter(admin.SimpleListFilter):
    title = "bucket"
    parameter_name = "bucket"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(bucket.value, bucket.value) for bucket in Bucket]

    def queryset(self, request: HttpRequest, queryset: QuerySet[StatementLine]) -> QuerySet[StatementLine]:
        return queryset.filter(bucket=self.value()) if self.value() in set(Bucket) else queryset


@admin.register(StatementLine)
class StatementLineAdmin(ReadOnlyAdmin):
    list_display = ("where", "date", "type", "reference", "net", "expected", "difference", "fee", "bucket", "of")
    list_filter = (BucketFilter, FileFilter, CurrencyFilter)
    list_select_related = ("file", "payment", "refund", "payout")
    search_fields = ("reference__exact",)
    search_help_text = "A whole reference, as the file has it."

    @admin.display(description="line")
    def where(self, line: StatementLine) -> str:
        return f"{line.number}" if line.number else "books only"

    @admin.display(description="in the file")
    def net(self, line: StatementLine) -> str:
        return signed(line.net_minor, line.currency)

    @admin.display(description="in the books")
    def expected(self, line: StatementLine) -> str:
        return signed(line.expected_minor, line.currency)

    @admin.display(description="difference")
    def difference(self, line: StatementLine) -> str:
        return signed(line.net_minor - line.expected_minor, line.currency)

    @admin.display(description="of which fee")
    def fee(self, line: StatementLine) -> str:
        return signed(line.cost_minor, line.currency)

    @admin.display(description="about", empty_value="")
    def of(self, line: StatementLine) -> str:
        row = line.payment or line.refund
        return link_to(row, row.uid) if row else (line.payout.uid if line.payout else "")

    def panels(self, request: HttpRequest, row: StatementLine) -> list[Panel]:
        about = row.payment or row.refund
        facts = {
            "file": link_for(request, row.file, row.file.name),
            "line": row.number or "none: only the books have it",
            "type": row.type,
            "reference": row.reference,
            "narration": row.narration,
            "date": str(row.date),
            "gross": signed(row.gross_minor, row.currency),
            "fee": signed(row.fee_minor, row.currency),
            "tax": signed(row.tax_minor, row.currency),
            "in the file": signed(row.net_minor, row.currency),
            "in the books, of these days": signed(row.expected_minor, row.currency),
            **{bucket.value: signed(getattr(row, name), row.currency) for bucket, name in SUMS.items()},
            "bucket": f"{row.bucket}: {MEANINGS[Bucket(row.bucket)]}",
            "look": PAID_AFTER_ALL if is_of_failed(row) else "",
            "about": link_for(request, about, about.uid) if about else (row.payout.uid if row.payout else ""),
        }
        return [Panel("Line of a statement", facts_of(facts))]


@admin.register(GatewaySettlement)
class GatewaySettlementAdmin(ReadOnlyAdmin):
    list_display = ("reference", "utr", "account", "date", "total", "file")
    list_filter = (CurrencyFilter, ("date", admin.DateFieldListFilter))
    list_select_related = ("account", "file")
    search_fields = ("reference__exact", "utr__exact")
    search_help_text = "The gateway's whole id of it, or the bank's reference."

    @admin.display(description="to the bank")
    def total(self, row: GatewaySettlement) -> str:
        return signed(row.total_minor, row.currency)

    def panels(self, request: HttpRequest, row: GatewaySettlement) -> list[Panel]:
        facts = {
            "the gateway’s id": row.reference,
            "UTR": row.utr,
            "gateway account": str(row.account),
            "date": str(row.date),
            "to the bank": signed(row.total_minor, row.currency),
            "for payments and refunds of ours": signed(row.paid_minor, row.currency),
            "kept by the gateway": signed(row.cost_minor, row.currency),
            "file": link_for(request, row.file, row.file.name),
        }
        return [Panel("Settlement of a gateway", facts_of(facts))]
