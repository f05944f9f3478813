"""What is to be paid."""

from datetime import datetime

from django.apps import apps
from django.db import models
from django.db.models import CheckConstraint, Exists, Index, OuterRef, Q, UniqueConstraint
from django.db.models.functions import Lower

from payments.models.checks import choices, one_of
from payments.models.customer import Customer
from payments.models.merchant import Merchant
from payments.money import Money
from payments.states import LIVE, MAX_EXTENSIONS, OPEN, Method, Mode, OrderStatus

CHOICE_OF = {Method.NETBANKING: "netbanking_bank_code", Method.WALLET: "provider"}
"""What of a payment's details names the bank or wallet: a code of a list, never data of a card or account."""


class OrderQuerySet(models.QuerySet["Order"]):
    def open(self) -> "OrderQuerySet":
        """Orders that can still end in any way."""
        return self.filter(status__in=OPEN)

    def with_endpoints(self) -> "OrderQuerySet":
        """With `has_endpoints`: whether the merchant has a live endpoint, so that nobody looks where there is none."""
        endpoints = apps.get_model("payments", "Endpoint").objects.filter(
            merchant=OuterRef("merchant"), mode=OuterRef("mode"), disabled_at=None
        )
        return self.annotate(has_endpoints=Exists(endpoints))

    def lapsed(self, *, at: datetime) -> "OrderQuerySet":
        """Open orders whose time is up and that no attempt is still deciding."""
        return self.open().filter(expires_at__lte=at).exclude(payments__status__in=LIVE)


class Order(models.Model):
    """An amount a customer owes a merchant, payable on the hosted page until `expires_at`.

    `uid` is the specification's `id`, `order_id` the public one: the merchant's own, or ours where it gave none.
    """

    uid = models.CharField(max_length=40, unique=True)
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="orders")
    mode = models.CharField(max_length=4, choices=choices(Mode))
    order_id = models.CharField(max_length=45)
    session_id = models.CharField(max_length=40, unique=True)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="orders", db_index=False)
    # A snapshot: what the customer was called when the order was made.
    customer_name = models.CharField(max_length=100)
    customer_email = models.CharField(max_length=100)
    customer_phone = models.CharField(max_length=20)
    last_method = models.CharField(
        max_length=10,
        choices=choices(Method),
        blank=True,
        default="",
        db_default="",
        help_text="How the customer paid last when the order was made: it stands first on the payment page.",
    )
    last_choice = models.CharField(
        max_length=20, blank=True, default="", db_default="", help_text="Code of the bank or wallet used then."
    )
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=12, choices=choices(OrderStatus), default=OrderStatus.CREATED)
    return_url = models.CharField(max_length=250)
    notify_url = models.CharField(max_length=250, blank=True)
    language = models.CharField(
        max_length=8,
        blank=True,
        default="",
        db_default="",
        help_text="In which its customer reads. Empty: the merchant's, or the browser's.",
    )
    payment_methods = models.JSONField(default=list, help_text="As the merchant wrote them; empty means all.")
    manual_capture = models.BooleanField(default=False, help_text="Money is held until somebody captures it.")
    note = models.CharField(max_length=200, blank=True)
    tags = models.JSONField(default=dict)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    terminate_requested_at = models.DateTimeField(null=True)
    attempts_declined = models.PositiveSmallIntegerField(default=0)
    extensions_used = models.PositiveSmallIntegerField(
        default=0, help_text="How often the customer took more time to pay."
    )
    last_sequence = models.PositiveIntegerField(default=0, help_text="Number of this order's newest event.")
    mail_due_at = models.DateTimeField(
        null=True, help_text="When its customer is to be told something next; empty once nothing is left to tell."
    )
    mail_from = models.PositiveIntegerField(null=True, help_text="Number of the first event not told of, while due.")

    objects = OrderQuerySet.as_manager()

    class Meta:
        constraints = [
            one_of("mode", Mode, name="order_mode_known"),
            one_of("status", OrderStatus, name="order_status_known"),
            one_of("last_method", Method, name="order_last_method_known", blank=True),
            CheckConstraint(
                condition=Q(last_choice="") | Q(last_method__in=sorted(map(str, CHOICE_OF))),
                name="order_last_choice_fits",
            ),
            CheckConstraint(condition=Q(amount_minor__gt=0), name="order_amount_above_zero"),
            CheckConstraint(
                condition=Q(extensions_used__range=(0, MAX_EXTENSIONS)), name="order_extended_10_times_at_most"
            ),
            UniqueConstraint(fields=["merchant", "mode", "order_id"], name="one_order_per_order_id"),
        ]
        indexes = [
            Index(fields=["expires_at"], condition=Q(status__in=sorted(OPEN)), name="order_open_by_expiry"),
            Index(fields=["mail_due_at"], condition=Q(mail_due_at__isnull=False), name="order_by_mail"),
            Index(fields=["customer", "id"], name="order_by_customer"),
            # By what staff have in hand when they look for an order.
            Index(fields=["order_id"], name="order_by_order_id"),
            Index(Lower("customer_email"), condition=~Q(customer_email=""), name="order_by_email"),
            Index(fields=["customer_phone"], name="order_by_phone"),
            Index(fields=["amount_minor", "currency", "id"], name="order_by_amount"),
            Index(fields=["created_at"], name="order_by_time"),
        ]

    def __str__(self) -> str:
        return self.uid

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)

    @property
    def last_details(self) -> dict[str, str]:
        """The bank or wallet the customer used last, as payments keep it."""
        return {CHOICE_OF[Method(self.last_method)]: self.last_choice} if self.last_choice else {}

    @property
    def payer(self) -> str:
        """Whoever pays, as well as we know them."""
        return self.customer_name or self.customer_email or self.customer_phone
