"""What a merchant's request was answered, so that the same request again gets the same answer and does nothing."""

from datetime import datetime, timedelta

from django.db import models
from django.db.models import Index, UniqueConstraint

from payments.models.checks import choices, one_of
from payments.models.merchant import Merchant
from payments.states import Mode

KEPT_FOR = timedelta(days=7)


class IdempotencyKeyQuerySet(models.QuerySet["IdempotencyKey"]):
    def outdated(self, *, at: datetime) -> "IdempotencyKeyQuerySet":
        """Keys that nobody may count on any more."""
        return self.filter(created_at__lt=at - KEPT_FOR)


class IdempotencyKey(models.Model):
    """One write under a key of the merchant's choosing. `code` is empty for a success, else the refusal's."""

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="idempotency_keys")
    mode = models.CharField(max_length=4, choices=choices(Mode))
    key = models.CharField(max_length=255)
    fingerprint = models.BinaryField(max_length=32, help_text="SHA-256 of the call and its body.")
    resource = models.CharField(max_length=45, blank=True, help_text="Public id of what the write made.")
    code = models.CharField(max_length=40, blank=True)
    answer = models.BinaryField(null=True, help_text="The answer's bytes; empty while it is not known.")
    created_at = models.DateTimeField()

    objects = IdempotencyKeyQuerySet.as_manager()

    class Meta:
        constraints = [
            one_of("mode", Mode, name="idempotency_mode_known"),
            UniqueConstraint(fields=["merchant", "mode", "key"], name="one_write_per_idempotency_key"),
        ]
        indexes = [Index(fields=["created_at"], name="idempotency_by_age")]

    def __str__(self) -> str:
        return f"idempotency key {self.pk}"
