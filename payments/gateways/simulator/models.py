"""The simulator's own book: the other side's record, which ours must agree with."""

from django.db import models
from django.db.models import CheckConstraint, Q, UniqueConstraint

from payments.money import Money


class SimulatedPayment(models.Model):
    """One payment as the simulated gateway knows it, found by the merchant side's key."""

    OPEN, CAPTURED, DECLINED, CANCELLED = "open", "captured", "declined", "cancelled"
    STATUSES = [(word, word) for word in (OPEN, CAPTURED, DECLINED, CANCELLED)]

    key = models.CharField(max_length=40)
    account_id = models.BigIntegerField()
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3, blank=True)
    card_network = models.CharField(max_length=12, blank=True)
    card_last4 = models.CharField(max_length=4, blank=True)
    status = models.CharField(max_length=10, choices=STATUSES)
    error_code = models.CharField(max_length=40, blank=True)
    made_at = models.DateTimeField()

    class Meta:
        constraints = [
            UniqueConstraint(fields=["account_id", "key"], name="one_simulated_payment_per_key"),
            CheckConstraint(
                condition=Q(status__in=["open", "captured", "declined", "cancelled"]), name="simulated_status_known"
            ),
        ]

    def __str__(self) -> str:
        return self.gateway_payment_id

    @property
    def gateway_payment_id(self) -> str:
        return f"sim_{self.pk:012d}"

    @property
    def bank_reference(self) -> str:
        """Twelve digits, like the retrieval reference number of ISO 8583."""
        return f"{632_744_000_000 + self.pk}"

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)
