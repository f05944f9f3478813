"""The simulator's own book: the other side's record, which ours must agree with, and the events it sends."""

from django.db import models
from django.db.models import CheckConstraint, Index, Q, UniqueConstraint

from payments.money import Money


class SimulatedPayment(models.Model):
    """One payment as the simulated gateway knows it, found by the merchant side's key."""

    OPEN, HELD, CAPTURED, RELEASED = "open", "held", "captured", "released"
    DECLINED, CANCELLED, DROPPED = "declined", "cancelled", "dropped"
    STATUSES = [(word, word) for word in (OPEN, HELD, CAPTURED, RELEASED, DECLINED, CANCELLED, DROPPED)]

    key = models.CharField(max_length=40)
    account_id = models.BigIntegerField()
    amount_minor = models.BigIntegerField()
    captured_minor = models.BigIntegerField(default=0)
    currency = models.CharField(max_length=3, blank=True)
    method = models.CharField(max_length=10, blank=True)
    details = models.JSONField(default=dict, help_text="What the customer chose: a bank, a wallet, a UPI ID.")
    payee = models.CharField(max_length=100, blank=True)
    card_network = models.CharField(max_length=12, blank=True)
    card_last4 = models.CharField(max_length=4, blank=True)
    scenario = models.CharField(max_length=20, blank=True, help_text="What it does while it is open.")
    holds = models.BooleanField(default=False, help_text="A yes holds the money instead of taking it.")
    fault = models.CharField(max_length=20, blank=True, help_text="What is to go wrong with it, once.")
    status = models.CharField(max_length=10, choices=STATUSES)
    error_code = models.CharField(max_length=40, blank=True)
    wrong_codes = models.PositiveSmallIntegerField(default=0)
    return_url = models.CharField(max_length=500, blank=True)
    event_url = models.CharField(max_length=500, blank=True)
    made_at = models.DateTimeField()
    deadline_at = models.DateTimeField(null=True)
    approve_by = models.DateTimeField(null=True, help_text="When held money is released by itself.")
    decide_at = models.DateTimeField(null=True, help_text="When it is taken without anybody asking.")

    class Meta:
        constraints = [
            UniqueConstraint(fields=["account_id", "key"], name="one_simulated_payment_per_key"),
            CheckConstraint(
                condition=Q(status__in=["open", "held", "captured", "released", "declined", "cancelled", "dropped"]),
                name="simulated_status_known",
            ),
            CheckConstraint(
                condition=Q(status="captured", captured_minor__gt=0) | ~Q(status="captured") & Q(captured_minor=0),
                name="simulated_money_on_capture_only",
            ),
        ]
        indexes = [Index(fields=["decide_at"], condition=Q(status="open"), name="simulated_by_decision")]

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

    @property
    def captured(self) -> Money:
        return Money(self.captured_minor, self.currency)


class SimulatedRefund(models.Model):
    """One refund as the simulated gateway knows it."""

    PENDING, ONHOLD, DONE, FAILED = "pending", "onhold", "done", "failed"
    STATUSES = [(word, word) for word in (PENDING, ONHOLD, DONE, FAILED)]

    key = models.CharField(max_length=40, unique=True)
    payment = models.ForeignKey(SimulatedPayment, on_delete=models.PROTECT, related_name="refunds")
    amount_minor = models.BigIntegerField()
    status = models.CharField(max_length=10, choices=STATUSES)
    made_at = models.DateTimeField()
    return_at = models.DateTimeField(null=True, help_text="When the bank sends it back.")

    class Meta:
        constraints = [CheckConstraint(condition=Q(amount_minor__gt=0), name="simulated_refund_above_zero")]
        indexes = [Index(fields=["return_at"], condition=Q(return_at__isnull=False), name="simulated_refund_by_return")]

    def __str__(self) -> str:
        return self.gateway_refund_id

    @property
    def gateway_refund_id(self) -> str:
        return f"simref_{self.pk:012d}"

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.payment.currency)


class Simulation(models.Model):
    """What a merchant's own test decided about a payment, instead of somebody at the pretend bank."""

    uid = models.CharField(max_length=40, unique=True)
    payment = models.ForeignKey(SimulatedPayment, on_delete=models.PROTECT, related_name="simulations")
    payment_status = models.CharField(max_length=12, help_text="The wire's word, as it was asked for.")
    payment_error_code = models.CharField(max_length=60, blank=True, help_text="As it was asked for.")
    made_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.uid


class SimulatedEvent(models.Model):
    """A server event on its way to us, written in the transaction of what it tells."""

    event_id = models.CharField(max_length=40, unique=True)
    payment = models.ForeignKey(SimulatedPayment, on_delete=models.PROTECT, related_name="events")
    kind = models.CharField(max_length=40)
    body = models.TextField()
    due_at = models.DateTimeField(null=True, help_text="None: sent, lost on purpose, or given up.")
    sent_at = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0)

    class Meta:
        indexes = [Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="simulated_event_by_due")]

    def __str__(self) -> str:
        return self.event_id
