"""What gateways' servers told us, each message once."""

from django.db import models
from django.db.models import Index, Q, UniqueConstraint

from payments.models.merchant import GatewayAccount
from payments.models.payment import Payment


class GatewayEvent(models.Model):
    """A verified server event as it came. `payment` is None where it fits none of ours: kept for staff.

    `account` is the one at whose address it arrived, None at the one address of a gateway that has no more. Merchants
    may share an account at a gateway, which then tells each of our addresses, under one id.
    """

    gateway = models.CharField(max_length=20)
    account = models.ForeignKey(GatewayAccount, on_delete=models.PROTECT, null=True, related_name="gateway_events")
    event_id = models.CharField(max_length=100, help_text="The gateway's own.")
    kind = models.CharField(max_length=40)
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, null=True, related_name="gateway_events")
    body = models.TextField()
    received_at = models.DateTimeField()

    class Meta:
        constraints = [
            UniqueConstraint(
                fields=["gateway", "event_id"], condition=Q(account=None), name="one_row_per_gateway_event"
            ),
            UniqueConstraint(fields=["gateway", "event_id", "account"], name="one_row_per_event_of_an_account"),
        ]
        indexes = [Index(fields=["received_at"], name="gateway_event_by_time")]

    def __str__(self) -> str:
        return f"{self.kind} {self.event_id}"
