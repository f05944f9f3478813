"""How it is paid: one row per attempt."""

from datetime import datetime

from django.db import models
from django.db.models import CheckConstraint, F, Index, Q, UniqueConstraint

from payments.models.checks import choices, one_of
from payments.models.merchant import GatewayAccount, Merchant, RoutingRule
from payments.models.order import Order
from payments.money import Money
from payments.states import (
    LIVE,
    AuthorizationAction,
    AuthorizationStatus,
    CaptureKind,
    Method,
    Mode,
    PaymentStatus,
)

TAKEN_OTHERWISE = Q(captured_minor__gt=0) & ~Q(captured_minor=F("amount_minor"))
"""Captures of another amount than was asked for: there are few, so an index of them costs next to nothing."""


class PaymentQuerySet(models.QuerySet["Payment"]):
    def live(self) -> "PaymentQuerySet":
        """Attempts that may still take, or hold, money."""
        return self.filter(status__in=LIVE)

    def on_gateway_order(self, gateway: str, account_id: int | None, gateway_order_id: str) -> "PaymentQuerySet":
        """Attempts on one order at a gateway, newest first; a second capture there is no attempt."""
        same = self.filter(gateway=gateway, account_id=account_id, gateway_order_id=gateway_order_id)
        return same.exclude(capture_kind=CaptureKind.SURPLUS).select_related("order").order_by("-pk")

    def due_for_inquiry(self, *, at: datetime) -> "PaymentQuerySet":
        """Payments whose gateway should be asked, or told, something now, and that nobody else is busy with."""
        return self.filter(inquire_at__lte=at).filter(Q(leased_until=None) | Q(leased_until__lte=at))


class Payment(models.Model):
    """One attempt to pay an order at one gateway.

    `amount_minor` is what was asked for, `captured_minor` what was taken (the specification's payment_amount).
    """

    uid = models.CharField(max_length=40, unique=True)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="payments")
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="payments")
    mode = models.CharField(max_length=4, choices=choices(Mode))
    gateway = models.CharField(max_length=20, help_text="The specification's entity.")
    account = models.ForeignKey(GatewayAccount, on_delete=models.PROTECT, related_name="payments")
    rule = models.ForeignKey(RoutingRule, on_delete=models.PROTECT, null=True, related_name="payments", db_index=False)
    route = models.CharField(
        max_length=100,
        blank=True,
        default="",
        db_default="",
        help_text="Why it went to this account, as it was at the start.",
    )
    gateway_key = models.CharField(max_length=40, unique=True, help_text="Our reference and idempotency key there.")
    gateway_payment_id = models.CharField(max_length=100, blank=True)
    gateway_order_id = models.CharField(max_length=100, blank=True)
    form_nonce = models.CharField(max_length=32, help_text="Of the form that started it: a second submit finds it.")
    method = models.CharField(max_length=10, choices=choices(Method))
    method_details = models.JSONField(default=dict, help_text="Free data on the method; never a number or code.")
    next_action = models.JSONField(
        default=dict,
        help_text="What the customer has to do next, while it is pending: a page to visit, a code to scan.",
    )
    payment_group = models.CharField(max_length=20, blank=True)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    captured_minor = models.BigIntegerField(default=0)
    refund_reserved_minor = models.BigIntegerField(default=0)
    refunded_minor = models.BigIntegerField(default=0, help_text="Sum of the refunds that reached the customer.")
    fee_minor = models.BigIntegerField(default=0, help_text="Our fee, as the plan said at the capture.")
    fee_tax_minor = models.BigIntegerField(default=0)
    fee_rule = models.CharField(max_length=100, blank=True, help_text="The plan in words, as it was at the capture.")
    disputed_at = models.DateTimeField(null=True, help_text="While set, nothing is refunded.")
    status = models.CharField(max_length=12, choices=choices(PaymentStatus), default=PaymentStatus.PENDING)
    capture_kind = models.CharField(max_length=7, choices=choices(CaptureKind), blank=True)
    message = models.CharField(max_length=200, blank=True)
    error_code = models.CharField(max_length=40, blank=True)
    error_details = models.JSONField(default=dict)
    bank_reference = models.CharField(max_length=40, blank=True)
    auth_id = models.CharField(max_length=40, blank=True)
    started_at = models.DateTimeField()
    start_answered_at = models.DateTimeField(null=True, help_text="When the gateway answered our start.")
    deadline_at = models.DateTimeField()
    completed_at = models.DateTimeField(null=True)
    inquiries = models.PositiveIntegerField(default=0)
    inquire_at = models.DateTimeField(null=True)
    leased_until = models.DateTimeField(null=True)
    money_unclear = models.BooleanField(
        default=False, help_text="Money may have moved in a way that does not fit: nobody may call it untaken."
    )
    review_reason = models.CharField(max_length=200, blank=True, help_text="Why a person should look at it.")

    objects = PaymentQuerySet.as_manager()

    class Meta:
        constraints = [
            one_of("mode", Mode, name="payment_mode_known"),
            one_of("status", PaymentStatus, name="payment_status_known"),
            one_of("method", Method, name="payment_method_known"),
            one_of("capture_kind", CaptureKind, name="payment_capture_kind_known", blank=True),
            CheckConstraint(condition=Q(amount_minor__gt=0), name="payment_amount_above_zero"),
            CheckConstraint(
                condition=Q(status="success", captured_minor__gt=0) & ~Q(capture_kind="")
                | ~Q(status="success") & Q(captured_minor=0, capture_kind=""),
                name="captured_only_on_success",
            ),
            CheckConstraint(
                condition=Q(refund_reserved_minor__gte=0, refund_reserved_minor__lte=F("captured_minor")),
                name="refunds_within_capture",
            ),
            CheckConstraint(
                condition=Q(fee_minor__gte=0, fee_tax_minor__gte=0)
                & (Q(status="success", capture_kind="normal") | Q(fee_minor=0, fee_tax_minor=0)),
                name="fees_only_on_normal_captures",
            ),
            CheckConstraint(
                condition=Q(captured_minor__lte=F("amount_minor")) | Q(capture_kind="surplus"),
                name="captured_within_amount",
            ),
            CheckConstraint(
                condition=Q(refunded_minor__gte=0, refunded_minor__lte=F("refund_reserved_minor")),
                name="refunded_within_reserved",
            ),
            UniqueConstraint(fields=["order"], condition=Q(status__in=sorted(LIVE)), name="one_live_attempt_per_order"),
            UniqueConstraint(
                fields=["order"],
                condition=Q(status="success", capture_kind="normal"),
                name="one_normal_capture_per_order",
            ),
            UniqueConstraint(fields=["order", "form_nonce"], name="one_attempt_per_form"),
            UniqueConstraint(
                fields=["gateway", "account", "gateway_payment_id"],
                condition=~Q(gateway_payment_id=""),
                name="one_row_per_gateway_payment",
            ),
        ]
        indexes = [
            Index(fields=["inquire_at"], condition=Q(inquire_at__isnull=False), name="payment_by_inquiry"),
            Index(
                fields=["merchant", "mode", "currency", "id"],
                condition=Q(capture_kind="normal"),
                name="payment_to_settle",
            ),
            # For figures over a period, and for what is open however long ago it began.
            Index(fields=["mode", "started_at"], name="payment_by_start"),
            Index(fields=["mode", "completed_at"], condition=Q(capture_kind="normal"), name="payment_taken_by_time"),
            Index(
                fields=["mode", "started_at"],
                condition=Q(status="pending") | ~Q(review_reason=""),
                name="payment_not_known_by_start",
            ),
            Index(fields=["id"], condition=~Q(review_reason=""), name="payment_to_review"),
            # By what staff have in hand when they look for a payment.
            Index(
                fields=["gateway_payment_id"], condition=~Q(gateway_payment_id=""), name="payment_by_gateway_payment_id"
            ),
            Index(fields=["bank_reference"], condition=~Q(bank_reference=""), name="payment_by_bank_reference"),
            Index(fields=["amount_minor", "currency", "id"], name="payment_by_amount"),
            Index(fields=["captured_minor", "currency", "id"], condition=TAKEN_OTHERWISE, name="payment_by_taken"),
        ]

    def __str__(self) -> str:
        return self.uid

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)

    @property
    def captured(self) -> Money:
        return Money(self.captured_minor, self.currency)

    @property
    def is_captured(self) -> bool:
        return self.captured_minor > 0

    @property
    def refundable(self) -> Money:
        """What is captured and neither refunded nor reserved for a refund: refund_amount_available on the wire."""
        return Money(self.captured_minor - self.refund_reserved_minor, self.currency)


class Authorization(models.Model):
    """The capture or void of one payment: what was asked, what became of it, and when it really happened."""

    payment = models.OneToOneField(Payment, on_delete=models.PROTECT, related_name="authorization")
    action = models.CharField(max_length=7, choices=choices(AuthorizationAction), blank=True)
    status = models.CharField(max_length=7, choices=choices(AuthorizationStatus), blank=True)
    requested_minor = models.BigIntegerField(default=0, help_text="What a capture asks for.")
    captured_minor = models.BigIntegerField(default=0)
    message = models.CharField(max_length=200, blank=True, help_text="Why the gateway refused it.")
    start_time = models.DateTimeField(null=True)
    end_time = models.DateTimeField(null=True)
    approve_by = models.DateTimeField(null=True, help_text="When held money is released by itself.")
    action_reference = models.CharField(max_length=100, blank=True)
    action_time = models.DateTimeField(null=True, help_text="When it happened at the gateway.")

    class Meta:
        constraints = [
            one_of("action", AuthorizationAction, name="authorization_action_known", blank=True),
            one_of("status", AuthorizationStatus, name="authorization_status_known", blank=True),
            CheckConstraint(condition=Q(captured_minor__gte=0), name="authorization_capture_not_negative"),
        ]

    def __str__(self) -> str:
        return f"authorisation of payment {self.payment_id}"
