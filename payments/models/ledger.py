"""Who owes whom: one row per transfer between two accounts, written once and never changed."""

from django.conf import settings
from django.db import models
from django.db.models import CheckConstraint, F, Index, Q, UniqueConstraint

from payments.models.checks import choices, one_of
from payments.models.merchant import Merchant
from payments.states import AccountKind, Collects, Mode, TransferKind


class LedgerAccount(models.Model):
    """One account of a merchant, in one mode and currency."""

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="ledger_accounts")
    mode = models.CharField(max_length=4, choices=choices(Mode))
    kind = models.CharField(max_length=20, choices=choices(AccountKind))
    currency = models.CharField(max_length=3)

    class Meta:
        constraints = [
            one_of("mode", Mode, name="ledger_account_mode_known"),
            one_of("kind", AccountKind, name="ledger_account_kind_known"),
            UniqueConstraint(fields=["merchant", "mode", "kind", "currency"], name="one_ledger_account_per_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.currency} ({self.mode}) of {self.merchant_id}"


class Transfer(models.Model):
    """An amount that moved from the credited account to the debited one, because of one source row."""

    PAYMENT, REFUND, ADJUSTMENT, PAYOUT = "payment", "refund", "adjustment", "payout"
    GATEWAY_SETTLEMENT = "gateway_settlement"
    SOURCES = [(word, word.replace("_", " ")) for word in (PAYMENT, REFUND, ADJUSTMENT, PAYOUT, GATEWAY_SETTLEMENT)]

    debit = models.ForeignKey(LedgerAccount, on_delete=models.PROTECT, related_name="debits")
    credit = models.ForeignKey(LedgerAccount, on_delete=models.PROTECT, related_name="credits")
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    source_type = models.CharField(max_length=20, choices=SOURCES)
    source_id = models.BigIntegerField()
    kind = models.CharField(max_length=20, choices=choices(TransferKind))
    at = models.DateTimeField()

    class Meta:
        constraints = [
            CheckConstraint(condition=Q(amount_minor__gt=0), name="transfer_amount_above_zero"),
            CheckConstraint(condition=~Q(debit=F("credit")), name="transfer_between_two_accounts"),
            one_of("kind", TransferKind, name="transfer_kind_known"),
            CheckConstraint(
                condition=Q(source_type__in=["payment", "refund", "adjustment", "payout", "gateway_settlement"]),
                name="transfer_source_known",
            ),
            UniqueConstraint(fields=["source_type", "source_id", "kind"], name="one_transfer_per_source_and_kind"),
        ]
        indexes = [Index(fields=["at"], name="transfer_by_time")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.source_type} {self.source_id}"


class Adjustment(models.Model):
    """What a person changed about what a merchant is owed, with the reason: the source of a transfer.

    It corrects something, or `is_paid_in`: the merchant paid us what it owed. `collects` names the settlements it
    belongs to, as those of its payment do.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="adjustments")
    payment = models.ForeignKey("payments.Payment", on_delete=models.PROTECT, null=True, related_name="adjustments")
    mode = models.CharField(max_length=4, choices=choices(Mode))
    amount_minor = models.BigIntegerField(help_text="Above zero to the merchant, below zero from the merchant.")
    currency = models.CharField(max_length=3)
    collects = models.CharField(max_length=8, choices=choices(Collects), default=Collects.OPERATOR)
    is_paid_in = models.BooleanField(default=False, help_text="The merchant paid this into our bank.")
    reason = models.CharField(max_length=200)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="adjustments")
    made_at = models.DateTimeField()

    class Meta:
        constraints = [
            one_of("mode", Mode, name="adjustment_mode_known"),
            one_of("collects", Collects, name="adjustment_collects_known"),
            CheckConstraint(condition=Q(is_paid_in=False) | Q(amount_minor__gt=0), name="paid_in_is_above_zero"),
            CheckConstraint(condition=~Q(amount_minor=0), name="adjustment_is_not_nothing"),
            CheckConstraint(condition=~Q(reason=""), name="adjustment_has_a_reason"),
        ]

    def __str__(self) -> str:
        return f"adjustment {self.pk} of {self.merchant_id}"
