"""How staff prove who they are, besides a password: rows of the doors, not of money."""

from django.conf import settings
from django.db import models
from django.db.models import CheckConstraint, Index, Q, UniqueConstraint


class SecondFactor(models.Model):
    """The authenticator app of one account. The row outlives a reset, which says from when on sessions count."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, primary_key=True, related_name="second_factor"
    )
    secret = models.BinaryField(null=True, help_text="What the app shares with us, encrypted; empty without an app.")
    enrolled_at = models.DateTimeField(null=True)
    last_step = models.BigIntegerField(
        default=0, help_text="The newest 30 seconds whose code was used: no code of them, or of earlier ones, counts."
    )
    sessions_from = models.DateTimeField(null=True, help_text="Who signed in before is signed out.")

    class Meta:
        default_permissions = ()
        constraints = [
            CheckConstraint(
                condition=Q(secret__isnull=True, enrolled_at__isnull=True)
                | Q(secret__isnull=False, enrolled_at__isnull=False),
                name="second_factor_whole",
            )
        ]

    def __str__(self) -> str:
        return f"second factor of account {self.pk}"

    @property
    def secret_context(self) -> str:
        """What the ciphertext is bound to: table and row."""
        return f"payments_secondfactor:{self.pk}"


class RecoveryCode(models.Model):
    """A way in without the app, once. Only a keyed hash is kept."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="recovery_codes")
    digest = models.BinaryField(max_length=32, help_text="HMAC-SHA-256 under the pepper, over account and code.")
    made_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        constraints = [UniqueConstraint(fields=["user", "digest"], name="recovery_code_once")]

    def __str__(self) -> str:
        return f"recovery code {self.pk}"


class SignInTries(models.Model):
    """Wrong passwords and codes in a row, of one account or from one address."""

    subject = models.CharField(max_length=80, unique=True, help_text="A kind and an id; of a name, only a keyed hash.")
    failures = models.PositiveSmallIntegerField(default=0)
    last_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        indexes = [Index(fields=["last_at"], name="sign_in_tries_by_age")]

    def __str__(self) -> str:
        return f"tries {self.pk}"
