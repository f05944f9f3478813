"""What a merchant gets: settlements with a line for each thing they hold, and the pay-outs that try to bring it."""

from django.conf import settings
from django.db import models
from django.db.models import CheckConstraint, F, Index, Q, UniqueConstraint

from payments.models.checks import choices, one_of
from payments.models.ledger import Adjustment
from payments.models.merchant import Merchant
from payments.models.payment import Payment
from payments.models.refund import Refund
from payments.money import Money
from payments.states import Collects, LineKind, Mode, PayoutStatus, SettlementStatus


class SettlementSchedule(models.Model):
    """When a merchant's settlements are put together next."""

    merchant = models.OneToOneField(Merchant, on_delete=models.PROTECT, related_name="settlement_schedule")
    due_at = models.DateTimeField()

    class Meta:
        indexes = [Index(fields=["due_at"], name="settlement_schedule_by_due")]

    def __str__(self) -> str:
        return f"settlements of {self.merchant_id}"


class Settlement(models.Model):
    """What a merchant is owed for captured payments, less what went back: frozen once it is closed.

    Payments captured before `cutoff_at` are in it, refunds sent and corrections made before `opened_at`. While
    `build_at` is set it is being put together, and its figures say nothing yet.
    """

    uid = models.CharField(max_length=40, unique=True)
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="settlements")
    mode = models.CharField(max_length=4, choices=choices(Mode))
    currency = models.CharField(max_length=3)
    collects = models.CharField(max_length=8, choices=choices(Collects), help_text="Whom the gateway paid.")
    status = models.CharField(max_length=8, choices=choices(SettlementStatus), default=SettlementStatus.OPEN)
    previous = models.OneToOneField("self", on_delete=models.PROTECT, null=True, related_name="next")
    cutoff_at = models.DateTimeField()
    opened_at = models.DateTimeField()
    opened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", help_text="Empty: by itself."
    )
    closed_at = models.DateTimeField(null=True)
    closed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    build_at = models.DateTimeField(null=True)
    leased_until = models.DateTimeField(null=True)
    payments = models.PositiveIntegerField(default=0, help_text="How many of them it has.")
    refunds = models.PositiveIntegerField(default=0)
    payment_from = models.DateTimeField(null=True, help_text="When the first of its payments was taken.")
    payment_till = models.DateTimeField(null=True)
    gross_minor = models.BigIntegerField(default=0, help_text="Sum of its payments.")
    refunds_minor = models.BigIntegerField(default=0)
    fees_minor = models.BigIntegerField(default=0)
    tax_minor = models.BigIntegerField(default=0)
    adjustments_minor = models.BigIntegerField(default=0, help_text="Corrections, and refunds that did not arrive.")
    paid_directly_minor = models.BigIntegerField(default=0, help_text="What the gateway paid the merchant itself.")
    carried_in_minor = models.BigIntegerField(default=0, help_text="What was left from the one before.")
    net_minor = models.BigIntegerField(default=0)
    last_sequence = models.PositiveIntegerField(default=0, help_text="Number of its newest event.")

    class Meta:
        constraints = [
            one_of("mode", Mode, name="settlement_mode_known"),
            one_of("collects", Collects, name="settlement_collects_known"),
            one_of("status", SettlementStatus, name="settlement_status_known"),
            CheckConstraint(
                condition=Q(
                    net_minor=F("gross_minor")
                    - F("refunds_minor")
                    - F("fees_minor")
                    - F("tax_minor")
                    + F("adjustments_minor")
                    - F("paid_directly_minor")
                    + F("carried_in_minor")
                ),
                name="settlement_net_adds_up",
            ),
            CheckConstraint(condition=Q(carried_in_minor__lte=0) | Q(collects="merchant"), name="only_debt_is_carried"),
            CheckConstraint(
                condition=Q(collects="merchant") | Q(paid_directly_minor=0), name="paid_directly_by_gateway_only"
            ),
            CheckConstraint(
                condition=Q(status="open", closed_at=None)
                | ~Q(status="open") & Q(closed_at__isnull=False, build_at=None),
                name="only_a_whole_settlement_is_closed",
            ),
            CheckConstraint(
                condition=Q(closed_by=None) | Q(opened_by=None) | ~Q(closed_by=F("opened_by")),
                name="opener_is_not_closer",
            ),
            CheckConstraint(
                condition=Q(status__in=["open", "closed"]) | Q(collects="operator", net_minor__gt=0),
                name="only_what_is_owed_is_paid_out",
            ),
            UniqueConstraint(
                fields=["merchant", "mode", "currency", "collects"],
                condition=Q(status="open"),
                name="one_open_settlement",
            ),
            UniqueConstraint(
                fields=["merchant", "mode", "currency", "collects"],
                condition=Q(previous=None),
                name="one_first_settlement",
            ),
        ]
        indexes = [
            Index(fields=["build_at"], condition=Q(build_at__isnull=False), name="settlement_by_build"),
            Index(fields=["merchant", "mode", "id"], name="settlement_by_merchant"),
            Index(fields=["mode"], condition=~Q(status="paid_out"), name="settlement_not_paid_out"),
        ]

    def __str__(self) -> str:
        return self.uid

    @property
    def net(self) -> Money:
        return Money(self.net_minor, self.currency)

    @property
    def is_to_pay_out(self) -> bool:
        """Whether there is something in it that we owe the merchant; otherwise it is final once it is closed."""
        return self.collects == Collects.OPERATOR and self.net_minor > 0

    @property
    def carried_out_minor(self) -> int:
        """What the next one carries in: a debt, and where there are no pay-outs also what we owe the merchant."""
        return self.net_minor if self.collects == Collects.MERCHANT else min(self.net_minor, 0)

    @property
    def is_final(self) -> bool:
        """Whether nothing more happens to it."""
        closed = self.status == SettlementStatus.CLOSED
        return self.status == SettlementStatus.PAID_OUT or (closed and not self.is_to_pay_out)


class SettlementLine(models.Model):
    """One thing in a settlement: amounts to the merchant are above zero, from it below, fees and tax as they are."""

    settlement = models.ForeignKey(Settlement, on_delete=models.PROTECT, related_name="lines", db_index=False)
    kind = models.CharField(max_length=10, choices=choices(LineKind))
    # Their unique constraints are indexes already.
    payment = models.ForeignKey(
        Payment, on_delete=models.PROTECT, null=True, related_name="settlement_lines", db_index=False
    )
    refund = models.ForeignKey(
        Refund, on_delete=models.PROTECT, null=True, related_name="settlement_lines", db_index=False
    )
    adjustment = models.ForeignKey(
        Adjustment, on_delete=models.PROTECT, null=True, related_name="settlement_lines", db_index=False
    )
    amount_minor = models.BigIntegerField()
    fee_minor = models.BigIntegerField(default=0)
    tax_minor = models.BigIntegerField(default=0)
    at = models.DateTimeField(help_text="When it happened.")

    class Meta:
        constraints = [
            CheckConstraint(
                condition=Q(kind="payment", payment__isnull=False, refund=None, adjustment=None, amount_minor__gt=0)
                | Q(kind="refund", payment=None, refund__isnull=False, adjustment=None, amount_minor__lt=0)
                | Q(kind="reversal", payment=None, refund__isnull=False, adjustment=None, amount_minor__gt=0)
                | Q(kind="adjustment", payment=None, refund=None, adjustment__isnull=False),
                name="settlement_line_is_about_one_thing",
            ),
            CheckConstraint(
                condition=Q(kind="payment", fee_minor__gte=0, tax_minor__gte=0) | Q(fee_minor=0, tax_minor=0),
                name="fees_only_on_payment_lines",
            ),
            UniqueConstraint(fields=["payment"], name="one_line_per_payment"),
            UniqueConstraint(fields=["refund", "kind"], name="one_line_per_refund_and_kind"),
            UniqueConstraint(fields=["adjustment"], name="one_line_per_adjustment"),
        ]
        indexes = [Index(fields=["settlement", "id"], name="settlement_line_in_order")]

    def __str__(self) -> str:
        return f"{self.kind} in settlement {self.settlement_id}"

    @property
    def net_minor(self) -> int:
        """What the line adds to the settlement."""
        return self.amount_minor - self.fee_minor - self.tax_minor


class Payout(models.Model):
    """One try to bring a settlement's net to the merchant's bank."""

    uid = models.CharField(max_length=40, unique=True)
    settlement = models.ForeignKey(Settlement, on_delete=models.PROTECT, related_name="payouts")
    amount_minor = models.BigIntegerField()
    status = models.CharField(max_length=6, choices=choices(PayoutStatus), default=PayoutStatus.SENT)
    utr = models.CharField(max_length=40, blank=True, help_text="The bank's unique transaction reference.")
    value_date = models.DateField(null=True, help_text="The day the bank says.")
    message = models.CharField(max_length=200, blank=True, help_text="Why it failed.")
    sent_at = models.DateTimeField()
    sent_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    paid_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "pay-out"
        constraints = [
            one_of("status", PayoutStatus, name="payout_status_known"),
            CheckConstraint(condition=Q(amount_minor__gt=0), name="payout_above_zero"),
            CheckConstraint(condition=~Q(status="paid") | ~Q(utr=""), name="paid_payout_has_a_reference"),
            UniqueConstraint(
                fields=["settlement"], condition=Q(status__in=["sent", "paid"]), name="one_live_payout_per_settlement"
            ),
        ]
        indexes = [Index(fields=["utr"], condition=~Q(utr=""), name="payout_by_utr")]

    def __str__(self) -> str:
        return self.uid

    @property
    def merchant_id(self) -> int:
        return self.settlement.merchant_id

    @property
    def mode(self) -> str:
        return self.settlement.mode

    @property
    def currency(self) -> str:
        return self.settlement.currency

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)


class SettlementEvent(models.Model):
    """A move of a settlement or of a pay-out of it, written in the transaction of the move."""

    settlement = models.ForeignKey(Settlement, on_delete=models.PROTECT, related_name="events")
    payout = models.ForeignKey(Payout, on_delete=models.PROTECT, null=True, related_name="events")
    sequence = models.PositiveIntegerField()
    kind = models.CharField(max_length=40, help_text="What moved and to where, like settlement.closed.")
    cause = models.CharField(max_length=40, help_text="Who or what brought it about.")
    at = models.DateTimeField()

    class Meta:
        constraints = [UniqueConstraint(fields=["settlement", "sequence"], name="one_settlement_event_per_number")]
        indexes = [Index(fields=["at"], name="settlement_event_by_time")]

    def __str__(self) -> str:
        return f"{self.kind} #{self.sequence} of {self.settlement_id}"
