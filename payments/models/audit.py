"""Who did what, and why: one row per act of staff, chained so that a change to any of them shows."""

from django.conf import settings
from django.db import models
from django.db.models import CheckConstraint, Index, Q

from payments.models.order import Order


class AuditEntry(models.Model):
    """An act of a person in the admin, written in the transaction of the act.

    `digest` is a hash over the row and the digest before it: a row that is changed, or taken out, breaks the chain.
    """

    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    act = models.CharField(max_length=40, help_text="What was done, like refund.approve.")
    object_type = models.CharField(max_length=20)
    object_id = models.CharField(max_length=40, help_text="Public id of what it was done to.")
    order = models.ForeignKey(Order, on_delete=models.PROTECT, null=True, related_name="audit_entries")
    reason = models.CharField(max_length=200)
    details = models.JSONField(default=dict)
    at = models.DateTimeField()
    digest = models.CharField(max_length=64, unique=True)

    class Meta:
        verbose_name_plural = "audit entries"
        constraints = [CheckConstraint(condition=~Q(digest=""), name="audit_entry_is_chained")]
        indexes = [Index(fields=["object_type", "object_id"], name="audit_by_object")]

    def __str__(self) -> str:
        return f"{self.act} {self.object_id}"
