"""Who sells: the merchant, its API keys and its accounts at gateways."""

from datetime import datetime

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import CheckConstraint, F, Index, Q, UniqueConstraint
from django.db.models.functions import Length
from django.db.models.lookups import GreaterThan, LessThanOrEqual

from payments.fields import ACCENT_HINT, ACCENT_PATTERN
from payments.ids import UINT32_MAX
from payments.logos import DIGEST_LENGTH, MAX_BYTES
from payments.models.checks import choices, one_of
from payments.money import Money
from payments.states import MAX_EXTENSIONS, Collects, Method, Mode


class Merchant(models.Model):
    """An organisation that takes payments. Its key is `org_id` on the wire."""

    name = models.CharField(max_length=100)
    currency = models.CharField(max_length=3, default="INR", help_text="Used where a request names none.")
    region = models.CharField(max_length=2, default="IN", help_text="For phone numbers written without a country.")
    time_zone = models.CharField(max_length=64, default="Asia/Kolkata", help_text="In which customers read times.")
    language = models.CharField(
        max_length=8,
        blank=True,
        default="",
        db_default="",
        help_text="Language of customers, unless they or an order say otherwise. Empty: their browser's.",
    )
    return_url = models.CharField(max_length=250, help_text="Where customers go after paying, unless an order says.")
    notify_url = models.CharField(max_length=250, blank=True)
    return_origins = models.JSONField(default=list, help_text="Origins a return URL may have.")
    support_email = models.EmailField(blank=True, help_text="Shown to customers who need help.")
    accent = models.CharField(
        max_length=7,
        blank=True,
        help_text="Colour of the main button, like #7a1f57.",
        validators=[RegexValidator(rf"^{ACCENT_PATTERN}\Z", ACCENT_HINT.capitalize())],
    )
    terms_url = models.CharField(
        max_length=250,
        blank=True,
        default="",
        db_default="",
        help_text="Your terms of sale, linked at the foot of the payment page, like https://shop.example.com/terms.",
    )
    support_phone = models.CharField(
        max_length=20,
        blank=True,
        default="",
        db_default="",
        help_text="Shown to customers who need help. Without a country code it is read as one of the region.",
    )
    logo_digest = models.CharField(max_length=DIGEST_LENGTH, blank=True, default="", db_default="", editable=False)
    order_expiry_s = models.PositiveIntegerField(default=86_400, help_text="How long an order is payable, in seconds.")
    accept_late_s = models.PositiveIntegerField(
        default=0, help_text="How long after an order's end late money still pays it, in seconds; 0 returns it."
    )
    extensions = models.PositiveSmallIntegerField(
        default=2, help_text="How often customers may add 15 minutes to the time to pay; 0: never."
    )
    manual_capture = models.BooleanField(
        default=False, help_text="Orders hold the customer's money until somebody captures it, unless an order says."
    )
    one_person_refund_minor = models.BigIntegerField(
        default=500_000, help_text="Refunds by staff above this many minor units need a second person."
    )
    settlement_days = models.PositiveSmallIntegerField(
        default=2,
        null=True,
        blank=True,
        help_text="Working days after the payment's day on which it is settled. Empty: settled by hand only.",
    )
    mail_receipts = models.BooleanField(
        default=True,
        db_default=True,
        help_text="Customers get an e-mail when an order is paid, and when money goes back to them.",
    )
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            CheckConstraint(
                condition=Q(settlement_days=None) | Q(settlement_days__lte=30), name="settled_within_30_days"
            ),
            CheckConstraint(condition=Q(id__lte=UINT32_MAX), name="merchant_id_is_uint32"),
            CheckConstraint(condition=Q(one_person_refund_minor__gte=0), name="one_person_refund_not_negative"),
            CheckConstraint(condition=Q(extensions__range=(0, MAX_EXTENSIONS)), name="merchant_allows_10_extensions"),
            CheckConstraint(condition=Q(order_expiry_s__range=(300, 2_592_000)), name="merchant_expiry_5min_to_30days"),
            CheckConstraint(
                condition=Q(terms_url="") | Q(terms_url__startswith="https://") | Q(terms_url__startswith="http://"),
                name="merchant_terms_on_the_web",
            ),
            CheckConstraint(
                condition=Q(support_phone="") | Q(support_phone__startswith="+"), name="merchant_support_phone_is_e164"
            ),
        ]
        indexes = [
            # A style sheet with a logo names the digest alone.
            Index(fields=["logo_digest"], condition=~Q(logo_digest=""), name="merchant_by_logo"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def org_id(self) -> int:
        return self.pk


class MerchantLogo(models.Model):
    """A merchant's logo as we drew it. Apart, so that nobody who reads merchants carries it."""

    merchant = models.OneToOneField(Merchant, on_delete=models.PROTECT, primary_key=True, related_name="logo")
    picture = models.BinaryField(max_length=MAX_BYTES, help_text="A WebP, on white.")

    class Meta:
        constraints = [
            CheckConstraint(
                condition=LessThanOrEqual(Length("picture"), MAX_BYTES) & GreaterThan(Length("picture"), 0),
                name="logo_is_small",
            ),
        ]

    def __str__(self) -> str:
        return f"logo of {self.merchant_id}"


class ApiKey(models.Model):
    """A pair of client id and secret. The secret is kept as a peppered hash and as ciphertext, never in clear."""

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="api_keys")
    mode = models.CharField(max_length=4, choices=choices(Mode))
    client_id = models.CharField(max_length=40, unique=True)
    secret_hash = models.BinaryField(max_length=32)
    secret_ciphertext = models.BinaryField(max_length=200)
    secret_last4 = models.CharField(max_length=4)
    slot = models.PositiveSmallIntegerField(help_text="1 or 2: a merchant has at most two live keys a mode.")
    rate_per_minute = models.PositiveIntegerField(null=True, blank=True, help_text="Empty: the server's default.")
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, help_text="To the hour.")
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "API key"
        constraints = [
            one_of("mode", Mode, name="api_key_mode_known"),
            CheckConstraint(condition=Q(slot__in=[1, 2]), name="api_key_slot_1_or_2"),
            UniqueConstraint(
                fields=["merchant", "mode", "slot"], condition=Q(revoked_at=None), name="two_live_keys_per_mode"
            ),
        ]

    def __str__(self) -> str:
        return self.client_id

    @property
    def secret_context(self) -> str:
        """What the ciphertext is bound to: table and row."""
        return f"api_key:{self.client_id}"


class GatewayAccount(models.Model):
    """One merchant's account at one gateway in one mode: what it signs in with, and whether the gateway answers."""

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="gateway_accounts")
    mode = models.CharField(max_length=4, choices=choices(Mode))
    gateway = models.CharField(max_length=20)
    collects = models.CharField(
        max_length=8, choices=choices(Collects), default=Collects.OPERATOR, help_text="Whom the gateway pays."
    )
    credentials_ciphertext = models.BinaryField(max_length=10_000, null=True, help_text="All of them, as one JSON.")
    credential_hints = models.JSONField(default=dict, help_text="By name: the last four of a secret, the rest whole.")
    credentials_set_at = models.DateTimeField(null=True)
    failures = models.PositiveSmallIntegerField(default=0, help_text="Attempts in a row that it did not take.")
    failed_at = models.DateTimeField(null=True, help_text="When the last of them was.")
    rests_until = models.DateTimeField(null=True, help_text="Until then others are tried first.")

    class Meta:
        constraints = [
            one_of("mode", Mode, name="gateway_account_mode_known"),
            one_of("collects", Collects, name="gateway_account_collects_known"),
            UniqueConstraint(fields=["merchant", "mode", "gateway"], name="one_account_per_gateway_and_mode"),
            # The simulator must never be able to call real money taken.
            CheckConstraint(condition=~Q(gateway="simulator", mode="live"), name="simulator_is_test_only"),
        ]

    def __str__(self) -> str:
        return f"{self.gateway} ({self.mode}) of {self.merchant_id}"

    @property
    def credentials_context(self) -> str:
        """What the ciphertext is bound to: table and row."""
        return f"gateway_account:{self.pk}"

    def rests(self, *, at: datetime) -> bool:
        """Whether it failed so often just now that others are tried first."""
        return self.rests_until is not None and at < self.rests_until


class RoutingRule(models.Model):
    """Which payments an account serves, in order of `position`. Never deleted: payments say which rule chose."""

    account = models.ForeignKey(GatewayAccount, on_delete=models.PROTECT, related_name="rules")
    position = models.PositiveSmallIntegerField(default=1, help_text="The lowest that fits is tried first.")
    methods = models.JSONField(default=list, blank=True, help_text="Ways to pay; none means all.")
    currency = models.CharField(max_length=3, blank=True, help_text="Empty: all.")
    min_minor = models.BigIntegerField(null=True, blank=True, help_text="The smallest amount, in minor units.")
    max_minor = models.BigIntegerField(null=True, blank=True, help_text="The largest amount, in minor units.")
    is_enabled = models.BooleanField("enabled", default=True)

    class Meta:
        constraints = [
            CheckConstraint(condition=Q(position__gte=1), name="routing_position_from_one"),
            CheckConstraint(
                condition=Q(min_minor=None, max_minor=None) | ~Q(currency=""), name="routing_amounts_have_a_currency"
            ),
            CheckConstraint(
                condition=(Q(min_minor=None) | Q(min_minor__gte=0)) & (Q(max_minor=None) | Q(max_minor__gte=1)),
                name="routing_amounts_not_negative",
            ),
            CheckConstraint(
                condition=Q(min_minor=None) | Q(max_minor=None) | Q(max_minor__gte=F("min_minor")),
                name="routing_range_not_empty",
            ),
        ]

    def __str__(self) -> str:
        return f"rule {self.position} (#{self.pk})"

    def fits(self, amount: Money, method: str) -> bool:
        """Whether it is about such a payment."""
        return (
            (not self.methods or method in self.methods)
            and self.currency in ("", amount.currency)
            and (self.min_minor is None or amount.minor >= self.min_minor)
            and (self.max_minor is None or amount.minor <= self.max_minor)
        )


class FeePlan(models.Model):
    """What a merchant pays us for a captured payment: a percentage, a fixed part, and tax on both together."""

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="fee_plans")
    method = models.CharField(max_length=10, choices=choices(Method), blank=True, help_text="Empty: all other methods.")
    currency = models.CharField(max_length=3, default="INR")
    percent_bps = models.PositiveIntegerField(default=0, help_text="Hundredths of a percent: 200 is 2 %.")
    fixed_minor = models.BigIntegerField(default=0, help_text="Added to every payment, in minor units.")
    tax_bps = models.PositiveIntegerField(default=0, help_text="Tax on the fee in hundredths of a percent.")

    class Meta:
        constraints = [
            one_of("method", Method, name="fee_plan_method_known", blank=True),
            UniqueConstraint(fields=["merchant", "method", "currency"], name="one_fee_plan_per_method_and_currency"),
            CheckConstraint(
                condition=Q(percent_bps__lte=10_000, tax_bps__lte=10_000, fixed_minor__gte=0),
                name="fee_plan_within_bounds",
            ),
        ]

    def __str__(self) -> str:
        return f"fees of {self.method or 'all methods'} in {self.currency}"
