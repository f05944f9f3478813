"""`manage.py demo`: the sample merchant and a staff user, made once."""

import json
import os
import secrets
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

from payments import clock, urls
from payments.errors import BadInput
from payments.logos import reencoded
from payments.models import Merchant
from payments.services.merchants import NewMerchant, authenticate, create_merchant, register_return_origin, set_logo
from payments.states import Mode

STAFF = "staff"
SHOP_HOOK, SHOP_TERMS = "/shop/webhooks", "/shop/terms"
LOGO = settings.BASE_DIR / "static" / "shop" / "logo.png"


class Command(BaseCommand):
    help = "Make the demo merchant Patang and a staff user once, keep their credentials in var/demo.json, print them."

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.HTTPS:
            raise CommandError("The demo is for http:// on your own machine; PUBLIC_URL is https.")
        known = read_demo()
        merchant = _merchant_of(known)
        made = known if merchant else _make_merchant()
        merchant = merchant or Merchant.objects.get(pk=made["org_id"])
        register_return_origin(merchant, settings.PUBLIC_URL)
        merchant.return_url = f"{settings.PUBLIC_URL}/shop/return"
        if not merchant.notify_url or merchant.notify_url.endswith(SHOP_HOOK):  # else it is somebody's own choice
            merchant.notify_url = settings.PUBLIC_URL + SHOP_HOOK
        if merchant.terms_url.endswith(SHOP_TERMS):
            merchant.terms_url = _shop_terms()
        merchant.save(update_fields=["return_url", "notify_url", "terms_url"])
        made |= _staff(made)
        base = settings.PUBLIC_URL
        made |= {"base_url": base, "shop_url": f"{base}/shop", "admin_url": f"{base}/admin/"}
        write_demo(made)
        self.stdout.write(_told(made))


def read_demo() -> dict[str, Any]:
    """What an earlier start kept, or nothing."""
    try:
        found = json.loads(settings.DEMO_FILE.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def write_demo(made: dict[str, Any]) -> None:
    """Keep the credentials for their owner's eyes only, whole or not at all."""
    settings.DEMO_FILE.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = settings.DEMO_FILE.with_suffix(".new")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(made, file, indent=2)
    fresh.replace(settings.DEMO_FILE)


def _merchant_of(known: dict[str, Any]) -> Merchant | None:
    """The merchant of kept credentials, if they still open this database."""
    key = authenticate(str(known.get("client_id", "")), str(known.get("client_secret", "")), at=clock.now())
    return key.merchant if key and key.revoked_at is None else None


def _make_merchant() -> dict[str, Any]:
    new = NewMerchant(
        name="Patang Paper Goods",
        return_url=f"{settings.PUBLIC_URL}/shop/return",
        support_email="hello@patang.example",
        support_phone="+912255550142",
        terms_url=_shop_terms(),
        accent="#7a1f57",
    )
    merchant, issued = create_merchant(new, mode=Mode.TEST, at=clock.now())
    set_logo(merchant, reencoded(LOGO.read_bytes()))
    return {
        "org_id": merchant.org_id,
        "client_id": issued.key.client_id,
        "client_secret": issued.client_secret,
        "mode": str(Mode.TEST),
    }


def _shop_terms() -> str:
    """Where the shop's terms are, if that may be linked: by https, or on this very machine."""
    try:
        return urls.terms_url(settings.PUBLIC_URL + SHOP_TERMS, live=False)
    except BadInput:
        return ""


def _staff(made: dict[str, Any]) -> dict[str, str]:
    """The staff user's name and password; a new password if the kept one no longer opens the account."""
    users = get_user_model().objects
    user = users.filter(username=STAFF).first()
    password = str(made.get("staff_password", ""))
    if user is None or not password or not user.check_password(password):
        password = secrets.token_urlsafe(12)
        user = user or users.create_superuser(STAFF)
        user.set_password(password)
        user.save()
    return {"staff_username": STAFF, "staff_password": password}


def _told(made: dict[str, Any]) -> str:
    return "\n".join(
        [
            "",
            f"  Sample shop   {made['shop_url']}",
            f"  Admin         {made['admin_url']}   {made['staff_username']} / {made['staff_password']}",
            f"  API           {made['base_url']}",
            f"    client id     {made['client_id']}",
            f"    client secret {made['client_secret']}",
            "  Pay with card 4242 4242 4242 4242, any later date, any 3-digit code.",
            "  (kept in var/demo.json)",
            "",
        ]
    )
