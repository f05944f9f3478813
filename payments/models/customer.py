"""Who buys."""

from django.db import models
from django.db.models import CheckConstraint, Index, Q, UniqueConstraint
from django.db.models.functions import Lower

from payments.ids import UINT32_MAX
from payments.models.checks import choices, one_of
from payments.models.merchant import Merchant
from payments.states import Mode


class Customer(models.Model):
    """A customer of one merchant in one mode. Its key is `customer_id` (uint32) of the specification."""

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="customers")
    mode = models.CharField(max_length=4, choices=choices(Mode))
    reference = models.CharField(max_length=50, blank=True, help_text="The merchant's own id of this customer.")
    name = models.CharField(max_length=100)
    email = models.CharField(max_length=100)
    phone = models.CharField(max_length=20, help_text="In E.164.")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            one_of("mode", Mode, name="customer_mode_known"),
            CheckConstraint(condition=Q(id__lte=UINT32_MAX), name="customer_id_is_uint32"),
            UniqueConstraint(
                fields=["merchant", "mode", "reference"], condition=~Q(reference=""), name="one_customer_per_reference"
            ),
        ]
        indexes = [
            Index(fields=["reference"], condition=~Q(reference=""), name="customer_by_reference"),
            Index(Lower("email"), condition=~Q(email=""), name="customer_by_email"),
            Index(fields=["phone"], name="customer_by_phone"),
        ]

    def __str__(self) -> str:
        return f"{self.pk} ({self.reference})" if self.reference else str(self.pk)
