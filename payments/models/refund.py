"""What goes back to the customer."""

from django.conf import settings
from django.db import models
from django.db.models import CheckConstraint, F, Index, Q, UniqueConstraint

from payments.models.checks import choices, one_of
from payments.models.merchant import Merchant
from payments.models.order import Order
from payments.models.payment import Payment
from payments.money import Money
from payments.states import Mode, RefundStatus


class Refund(models.Model):
    """One refund of a payment, all or part. Its amount is reserved on the payment before anything is sent.

    `refund_id` is the merchant's own id, or ours where it gave none. `requested_by` is empty for a merchant's request
    by API and for money that goes back by itself.
    """

    uid = models.CharField(max_length=40, unique=True)
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="refunds")
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="refunds")
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="refunds")
    mode = models.CharField(max_length=4, choices=choices(Mode))
    refund_id = models.CharField(max_length=40)
    gateway_key = models.CharField(max_length=40, unique=True, help_text="Our reference and idempotency key there.")
    gateway_refund_id = models.CharField(max_length=100, blank=True)
    bank_reference = models.CharField(max_length=40, blank=True, help_text="The bank's own, to trace it.")
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=9, choices=choices(RefundStatus), default=RefundStatus.REQUESTED)
    is_automatic = models.BooleanField(default=False, help_text="Late or surplus money, which goes back by itself.")
    note = models.CharField(max_length=100, blank=True, help_text="Why, for staff and merchant.")
    message = models.CharField(max_length=200, blank=True)
    error_code = models.CharField(max_length=40, blank=True)
    version = models.PositiveIntegerField(default=1, help_text="Counts changes, so that an approval names what it saw.")
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="refunds_requested"
    )
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="refunds_approved"
    )
    requested_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, help_text="When it first became pending.")
    completed_at = models.DateTimeField(null=True)
    inquiries = models.PositiveIntegerField(default=0)
    inquire_at = models.DateTimeField(null=True)
    leased_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            one_of("mode", Mode, name="refund_mode_known"),
            one_of("status", RefundStatus, name="refund_status_known"),
            CheckConstraint(condition=Q(amount_minor__gt=0), name="refund_amount_above_zero"),
            CheckConstraint(
                condition=Q(approved_by=None) | ~Q(approved_by=F("requested_by")), name="maker_is_not_checker"
            ),
            UniqueConstraint(fields=["order", "refund_id"], name="one_refund_per_refund_id"),
        ]
        indexes = [
            Index(fields=["inquire_at"], condition=Q(inquire_at__isnull=False), name="refund_by_inquiry"),
            Index(fields=["requested_at"], condition=Q(status="requested"), name="refund_waiting_by_time"),
            Index(fields=["mode", "completed_at"], name="refund_by_completion"),  # while undecided, there is no time
            # By what staff have in hand when they look for a refund.
            Index(fields=["refund_id"], name="refund_by_refund_id"),
            Index(fields=["gateway_refund_id"], condition=~Q(gateway_refund_id=""), name="refund_by_gateway_refund_id"),
            Index(fields=["bank_reference"], condition=~Q(bank_reference=""), name="refund_by_bank_reference"),
            Index(fields=["amount_minor", "currency", "id"], name="refund_by_amount"),
        ]

    def __str__(self) -> str:
        return self.uid

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)
