"""What happened: one row per move, written in the transaction of the move."""

from django.db import models
from django.db.models import Index, UniqueConstraint

from payments.models.order import Order
from payments.models.payment import Payment
from payments.models.refund import Refund


class Event(models.Model):
    """A move of an order, of one of its payments or refunds, numbered per order."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="events")
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, null=True, related_name="events")
    refund = models.ForeignKey(Refund, on_delete=models.PROTECT, null=True, related_name="events")
    sequence = models.PositiveIntegerField()
    kind = models.CharField(max_length=40, help_text="What moved and to where, like payment.success.")
    old = models.CharField(max_length=12, blank=True)
    new = models.CharField(max_length=12)
    cause = models.CharField(max_length=40, help_text="Who or what brought it about.")
    at = models.DateTimeField()

    class Meta:
        constraints = [UniqueConstraint(fields=["order", "sequence"], name="one_event_per_number")]
        indexes = [Index(fields=["at"], name="event_by_time")]

    def __str__(self) -> str:
        return f"{self.kind} #{self.sequence} of order {self.order_id}"
