"""Files of banks and gateways about the money itself, line by line, beside what the books have."""

from django.conf import settings
from django.db import models
from django.db.models import CheckConstraint, F, Index, Q, UniqueConstraint

from payments.models.checks import choices, one_of
from payments.models.merchant import GatewayAccount
from payments.models.payment import Payment
from payments.models.refund import Refund
from payments.models.settlement import Payout
from payments.states import Bucket, LineType, Mode, StatementKind


class StatementFile(models.Model):
    """One file as it was imported, once. It is about what happened on some days, the last one included."""

    kind = models.CharField(max_length=7, choices=choices(StatementKind))
    mode = models.CharField(max_length=4, choices=choices(Mode))
    account = models.ForeignKey(
        GatewayAccount, on_delete=models.PROTECT, null=True, related_name="statements", help_text="Of gateways only."
    )
    period_from = models.DateField()
    period_to = models.DateField()
    name = models.CharField(max_length=100)
    sha256 = models.CharField(max_length=64, unique=True)
    line_count = models.PositiveIntegerField()
    imported_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    imported_at = models.DateTimeField()

    class Meta:
        constraints = [
            one_of("mode", Mode, name="statement_mode_known"),
            CheckConstraint(
                condition=Q(kind="gateway", account__isnull=False) | Q(kind="bank", account=None),
                name="gateway_statement_has_an_account",
            ),
            CheckConstraint(condition=Q(period_from__lte=F("period_to")), name="statement_period_in_order"),
        ]

    def __str__(self) -> str:
        return self.name


class GatewaySettlement(models.Model):
    """What a gateway says it paid for some lines of a file: the source of the transfers that book it.

    `total_minor` is what reaches the bank; of that `paid_minor` is for payments and refunds of ours, after
    `cost_minor`, which the gateway kept.
    """

    file = models.ForeignKey(StatementFile, on_delete=models.PROTECT, related_name="gateway_settlements")
    account = models.ForeignKey(GatewayAccount, on_delete=models.PROTECT, related_name="gateway_settlements")
    reference = models.CharField(max_length=100, help_text="The gateway's own id of it.")
    utr = models.CharField(max_length=40, blank=True)
    currency = models.CharField(max_length=3)
    date = models.DateField(help_text="Of its last line.")
    total_minor = models.BigIntegerField()
    paid_minor = models.BigIntegerField()
    cost_minor = models.BigIntegerField()

    class Meta:
        constraints = [
            UniqueConstraint(fields=["file", "reference", "utr", "currency"], name="one_gateway_settlement_per_file"),
        ]
        indexes = [Index(fields=["utr"], condition=~Q(utr=""), name="gateway_settlement_by_utr")]

    def __str__(self) -> str:
        return self.reference

    @property
    def merchant_id(self) -> int:
        return self.account.merchant_id

    @property
    def mode(self) -> str:
        return self.account.mode


_COUNTS = Q(number__isnull=False) & ~Q(bucket__in=["missing", "duplicate"])


class StatementLine(models.Model):
    """One line of a file, or, without a number, what only the books have.

    `net_minor` is what the file says, `expected_minor` what the books expect of the file's days. The difference is
    split without a remainder: `cost_minor` the gateway kept, `timing_minor` belongs to other days, `short_minor` is
    another amount, `missing_minor` is on one side only, `duplicate_minor` came before.
    """

    file = models.ForeignKey(StatementFile, on_delete=models.PROTECT, related_name="lines", db_index=False)
    number = models.PositiveIntegerField(null=True, help_text="In the file, its heading being line 1.")
    type = models.CharField(max_length=7, choices=choices(LineType))
    reference = models.CharField(max_length=100, blank=True)
    narration = models.CharField(max_length=200, blank=True)
    date = models.DateField()
    currency = models.CharField(max_length=3)
    gross_minor = models.BigIntegerField(default=0)
    fee_minor = models.BigIntegerField(default=0)
    tax_minor = models.BigIntegerField(default=0)
    net_minor = models.BigIntegerField(default=0)
    expected_minor = models.BigIntegerField(default=0)
    cost_minor = models.BigIntegerField(default=0)
    timing_minor = models.BigIntegerField(default=0)
    short_minor = models.BigIntegerField(default=0)
    missing_minor = models.BigIntegerField(default=0)
    duplicate_minor = models.BigIntegerField(default=0)
    bucket = models.CharField(max_length=9, choices=choices(Bucket))
    gateway_settlement = models.ForeignKey(GatewaySettlement, on_delete=models.PROTECT, null=True, related_name="lines")
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, null=True, related_name="statement_lines")
    refund = models.ForeignKey(Refund, on_delete=models.PROTECT, null=True, related_name="statement_lines")
    payout = models.ForeignKey(Payout, on_delete=models.PROTECT, null=True, related_name="statement_lines")

    class Meta:
        constraints = [
            CheckConstraint(
                condition=Q(net_minor=F("gross_minor") - F("fee_minor") - F("tax_minor")),
                name="statement_net_is_gross_less_cost",
            ),
            CheckConstraint(
                condition=Q(
                    net_minor=F("expected_minor")
                    + F("cost_minor")
                    + F("timing_minor")
                    + F("short_minor")
                    + F("missing_minor")
                    + F("duplicate_minor")
                ),
                name="statement_difference_is_explained",
            ),
            CheckConstraint(condition=Q(number__isnull=False) | Q(gross_minor=0), name="books_only_is_not_in_the_file"),
            one_of("bucket", Bucket, name="statement_bucket_known"),
            one_of("type", LineType, name="statement_type_known"),
            UniqueConstraint(fields=["file", "number"], name="one_row_per_statement_line"),
            UniqueConstraint(fields=["payment"], condition=_COUNTS, name="one_statement_line_per_payment"),
            UniqueConstraint(fields=["refund"], condition=_COUNTS, name="one_statement_line_per_refund"),
            UniqueConstraint(
                fields=["payout", "type"], condition=_COUNTS, name="one_statement_line_per_payout_and_type"
            ),
        ]
        indexes = [
            Index(fields=["file", "bucket", "id"], name="statement_line_by_bucket"),
            Index(fields=["reference"], condition=~Q(reference=""), name="statement_line_by_reference"),
        ]

    def __str__(self) -> str:
        return f"line {self.number} of {self.file_id}" if self.number else f"books only, in {self.file_id}"
