"""What merchants' servers are told: endpoints, messages on their way, and every try."""

from django.db import models
from django.db.models import CheckConstraint, Index, Q, UniqueConstraint

from payments.models.checks import choices, one_of
from payments.models.event import Event
from payments.models.merchant import Merchant
from payments.models.settlement import SettlementEvent
from payments.states import DeliveryStatus, Mode


class Endpoint(models.Model):
    """An address of a merchant that gets events of all its orders and settlements, of the kinds it chose."""

    uid = models.CharField(max_length=40, unique=True)
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="endpoints")
    mode = models.CharField(max_length=4, choices=choices(Mode))
    url = models.CharField(max_length=250)
    kinds = models.JSONField(default=list, help_text="Wire names of the events it gets; empty means all.")
    made_at = models.DateTimeField()
    failing_since = models.DateTimeField(null=True, help_text="Since when nothing but failures came.")
    disabled_at = models.DateTimeField(null=True)
    disabled_reason = models.CharField(max_length=200, blank=True)
    notice_due_at = models.DateTimeField(
        null=True, help_text="When staff are told next that it was switched off; empty once they are."
    )

    class Meta:
        constraints = [
            one_of("mode", Mode, name="endpoint_mode_known"),
            UniqueConstraint(
                fields=["merchant", "mode", "url"], condition=Q(disabled_at=None), name="one_live_endpoint_per_url"
            ),
        ]
        indexes = [
            Index(fields=["notice_due_at"], condition=Q(notice_due_at__isnull=False), name="endpoint_by_notice"),
        ]

    def __str__(self) -> str:
        return self.uid


class Delivery(models.Model):
    """One event on its way to one address, in bytes that never change. `uid` is its webhook-id in every try.

    `endpoint` is empty where the address is the order's own notify_url. Of `event` and `settlement_event` one is set,
    and neither for a test message.
    """

    uid = models.CharField(max_length=40, unique=True)
    event = models.ForeignKey(Event, on_delete=models.PROTECT, null=True, related_name="deliveries")
    settlement_event = models.ForeignKey(
        SettlementEvent, on_delete=models.PROTECT, null=True, related_name="deliveries", db_index=False
    )  # its unique constraint is an index already
    endpoint = models.ForeignKey(Endpoint, on_delete=models.PROTECT, null=True, related_name="deliveries")
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="deliveries")
    mode = models.CharField(max_length=4, choices=choices(Mode))
    kind = models.CharField(max_length=40, help_text="The wire's name of the event.")
    url = models.CharField(max_length=250)
    origin = models.CharField(max_length=250, help_text="Scheme, host and port: one of them never delays another.")
    body = models.TextField()
    status = models.CharField(max_length=9, choices=choices(DeliveryStatus), default=DeliveryStatus.DUE)
    made_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True)
    leased_until = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0)
    tries_before = models.PositiveSmallIntegerField(
        default=0, help_text="How many tries were made before the newest replay, which starts the schedule anew."
    )
    completed_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            one_of("mode", Mode, name="delivery_mode_known"),
            one_of("status", DeliveryStatus, name="delivery_status_known"),
            UniqueConstraint(
                fields=["event", "endpoint"],
                condition=Q(endpoint__isnull=False),
                name="one_delivery_per_event_and_endpoint",
            ),
            UniqueConstraint(fields=["event"], condition=Q(endpoint=None), name="one_delivery_per_event_and_order"),
            UniqueConstraint(
                fields=["settlement_event", "endpoint"], name="one_delivery_per_settlement_event_and_endpoint"
            ),
            CheckConstraint(
                condition=Q(settlement_event=None) | Q(event=None, endpoint__isnull=False),
                name="delivery_is_about_one_event",
            ),
            CheckConstraint(
                condition=Q(status="due", due_at__isnull=False) | ~Q(status="due") & Q(due_at=None),
                name="only_due_deliveries_have_a_time",
            ),
        ]
        indexes = [
            Index(fields=["due_at"], condition=Q(status="due"), name="delivery_by_due"),
            Index(fields=["merchant", "mode", "id"], name="delivery_by_merchant"),
            Index(
                fields=["merchant", "mode", "id"],
                condition=Q(status="abandoned"),
                name="delivery_abandoned_by_merchant",
            ),
            Index(fields=["merchant", "mode", "made_at"], name="delivery_by_merchant_and_time"),
            Index(fields=["completed_at"], condition=Q(completed_at__isnull=False), name="delivery_by_completion"),
        ]

    def __str__(self) -> str:
        return self.uid


class DeliveryTry(models.Model):
    """One try to deliver, as it went."""

    delivery = models.ForeignKey(Delivery, on_delete=models.PROTECT, related_name="log")
    number = models.PositiveSmallIntegerField()
    at = models.DateTimeField()
    duration_ms = models.PositiveIntegerField()
    status = models.PositiveSmallIntegerField(null=True, help_text="HTTP status; None where no answer came.")
    error = models.CharField(max_length=200, blank=True)
    answer = models.TextField(blank=True, help_text="The first kilobyte of what came back.")

    class Meta:
        verbose_name_plural = "delivery tries"
        constraints = [UniqueConstraint(fields=["delivery", "number"], name="one_row_per_try")]

    def __str__(self) -> str:
        return f"try {self.number} of {self.delivery_id}"


class ParkedOrigin(models.Model):
    """An origin that kept us waiting: nothing is sent there for a while, so that it holds nobody else up."""

    origin = models.CharField(max_length=250, unique=True)
    until = models.DateTimeField()

    def __str__(self) -> str:
        return self.origin
