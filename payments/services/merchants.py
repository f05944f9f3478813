"""Merchants, their API keys, and who a key belongs to."""

import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q

from payments import crypto, fields, logos, urls
from payments.errors import CurrencyNotSupported, KeyLimitReached
from payments.gateways.registry import SIMULATOR
from payments.models import ApiKey, GatewayAccount, Merchant, MerchantLogo, SettlementSchedule
from payments.money import EXPONENT
from payments.settlement_days import next_run
from payments.states import Mode

SLOTS = (1, 2)
_LAST_USED_PRECISION = timedelta(hours=1)
_CLIENT_ID = re.compile(r"[A-Za-z0-9_]{1,40}")
_UNKNOWN_KEY_HASH = bytes(32)

TIME_ZONES = {
    # One zone of each region with a single one; others are set in the admin.
    "AE": "Asia/Dubai", "BD": "Asia/Dhaka", "GB": "Europe/London", "IN": "Asia/Kolkata", "IQ": "Asia/Baghdad",
    "JP": "Asia/Tokyo", "KR": "Asia/Seoul", "KW": "Asia/Kuwait", "LK": "Asia/Colombo", "NP": "Asia/Kathmandu",
    "SG": "Asia/Singapore",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class NewMerchant:
    """A merchant to be made. The return URL's origin is registered by itself."""

    name: str
    return_url: str
    notify_url: str = ""
    origins: list[str] = field(default_factory=list)
    currency: str = "INR"
    region: str = "IN"
    time_zone: str = ""
    language: str = ""
    support_email: str = ""
    accent: str = ""
    terms_url: str = ""
    support_phone: str = ""


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A key just made: the only moment its secret can be read."""

    key: ApiKey
    client_secret: str = field(repr=False)


def create_merchant(new: NewMerchant, *, mode: Mode, at: datetime) -> tuple[Merchant, IssuedKey]:
    """Make a merchant with a first key. In test mode it can take payments at once, through the simulator.

    Raises BadInput.
    """
    if new.currency not in EXPONENT:
        raise CurrencyNotSupported()
    support_email = fields.email(new.support_email, field="support_email") if new.support_email else ""
    origins = [urls.origin_of("return_url", new.return_url)]
    origins += [urls.origin_of("origin", origin) for origin in new.origins]
    if new.notify_url:
        urls.check_notify_url(new.notify_url, live=mode == Mode.LIVE)
    urls.check_return_url(new.return_url, origins=origins, live=mode == Mode.LIVE)
    region = fields.region(new.region)
    phone = fields.phone(new.support_phone, region=region, field="support_phone") if new.support_phone else ""
    with transaction.atomic():
        merchant = Merchant.objects.create(
            name=fields.line("name", new.name, at_most=100, required=True),
            currency=new.currency,
            region=region,
            time_zone=fields.time_zone(new.time_zone) if new.time_zone else TIME_ZONES.get(new.region, "UTC"),
            language=fields.line("language", new.language, at_most=8),
            return_url=new.return_url,
            notify_url=new.notify_url,
            return_origins=sorted(set(origins)),
            support_email=support_email,
            accent=fields.accent(new.accent) if new.accent else "",
            terms_url=urls.terms_url(new.terms_url, live=mode == Mode.LIVE) if new.terms_url else "",
            support_phone=phone,
            created_at=at,
        )
        if mode == Mode.TEST:
            GatewayAccount.objects.create(merchant=merchant, mode=mode, gateway=SIMULATOR)
        SettlementSchedule.objects.create(merchant=merchant, due_at=next_run(at, merchant.time_zone))
        issued = issue_key(merchant, mode=mode, at=at)
    return merchant, issued


@transaction.atomic
def set_logo(merchant: Merchant, picture: bytes) -> None:
    """Show this logo, drawn by `logos.reencoded`, or none."""
    if picture:
        MerchantLogo.objects.update_or_create(merchant=merchant, defaults={"picture": picture})
    else:
        MerchantLogo.objects.filter(merchant=merchant).delete()
    merchant.logo_digest = logos.digest_of(picture)
    merchant.save(update_fields=["logo_digest"])


def register_return_origin(merchant: Merchant, origin: str) -> None:
    """Allow return URLs of one more origin. Raises BadInput."""
    origin = urls.origin_of("origin", origin)
    if origin not in merchant.return_origins:
        merchant.return_origins = sorted({*merchant.return_origins, origin})
        merchant.save(update_fields=["return_origins"])


def issue_key(merchant: Merchant, *, mode: Mode, at: datetime) -> IssuedKey:
    """Make an API key. Raises KeyLimitReached if the merchant holds two live ones in this mode already."""
    client_secret = f"till_{mode}_{secrets.token_urlsafe(32)}"
    key = ApiKey(
        merchant=merchant,
        mode=mode,
        client_id=f"key_{mode}_{secrets.token_hex(12)}",
        secret_hash=crypto.peppered(client_secret.encode()),
        secret_last4=client_secret[-4:],
        created_at=at,
    )
    key.secret_ciphertext = crypto.encrypt(client_secret, context=key.secret_context)
    for slot in SLOTS:
        key.slot = slot
        try:
            with transaction.atomic():
                key.save(force_insert=True)
        except IntegrityError:
            key.pk = None
            continue
        return IssuedKey(key, client_secret)
    raise KeyLimitReached(f"{merchant} has two active {mode} keys: revoke one first.")


def revoke_key(key: ApiKey, *, at: datetime) -> None:
    """End a key at once and for good. Safe to call twice."""
    if ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=at):
        key.revoked_at = at


def authenticate(client_id: str, client_secret: str, *, at: datetime) -> ApiKey | None:
    """The key this pair belongs to, revoked or not, or None. An unknown id costs the same work as a wrong secret."""
    known = ApiKey.objects.select_related("merchant")
    key = known.filter(client_id=client_id).first() if _CLIENT_ID.fullmatch(client_id) else None
    # What a header holds may be no Unicode: half characters must not stop the comparison.
    given = crypto.peppered(client_secret.encode("utf-8", "surrogatepass"))
    held = bytes(key.secret_hash) if key else _UNKNOWN_KEY_HASH
    if not crypto.same(given, held) or key is None:
        return None
    _note_use(key, at=at)
    return key


def _note_use(key: ApiKey, *, at: datetime) -> None:
    """Remember when a key was last used, to the hour: not a write on every request."""
    if key.last_used_at is None or key.last_used_at <= at - _LAST_USED_PRECISION:
        stale = Q(last_used_at=None) | Q(last_used_at__lte=at - _LAST_USED_PRECISION)
        ApiKey.objects.filter(stale, pk=key.pk).update(last_used_at=at)
