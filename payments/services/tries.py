"""Wrong passwords and codes, counted by account and by address.

A try is charged before it is looked at and paid back if it was right, so that a thousand of them sent at once are five.
"""

import ipaddress
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from payments import crypto
from payments.errors import TooManyTries
from payments.models import SignInTries

MOST = 5
LOCKED_FOR = timedelta(minutes=30)


def account(username: str) -> str:
    """Whom a name stands for, known or not. A keyed hash: people type passwords into the wrong field."""
    return f"account:{crypto.peppered(f'sign-in {username}'.encode()).hex()}"


def address(text: str) -> str:
    """Where a try comes from. One customer of an IPv6 network has a whole /64 to come from."""
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return "address:unknown"
    if isinstance(found, ipaddress.IPv6Address):
        return f"address:{ipaddress.ip_network((found, 64), strict=False)}"
    return f"address:{found}"


def session_of(user_id: int) -> str:
    """Somebody who is signed in and asked again who they are."""
    return f"session:{user_id}"


def charge(*subjects: str, at: datetime) -> None:
    """Count one more failure of each, to be paid back if it was none. Raises TooManyTries and counts nothing."""
    SignInTries.objects.filter(last_at__lte=at - LOCKED_FOR).delete()
    with transaction.atomic():
        for subject in subjects:
            SignInTries.objects.get_or_create(subject=subject, defaults={"last_at": at})
            tries = SignInTries.objects.filter(subject=subject)
            if not tries.filter(failures__lt=MOST).update(failures=F("failures") + 1, last_at=at):
                newest = tries.values_list("last_at", flat=True).first() or at
                raise TooManyTries(newest + LOCKED_FOR)


def pay_back(*subjects: str) -> None:
    """The last try of each was right."""
    SignInTries.objects.filter(subject__in=subjects, failures__gt=0).update(failures=F("failures") - 1)


def forget(subject: str) -> None:
    """Start again from none."""
    SignInTries.objects.filter(subject=subject).delete()


def locked(*subjects: str) -> list[str]:
    """Those of them that were just tried once too often."""
    return list(
        SignInTries.objects.filter(subject__in=subjects, failures__gte=MOST)
        .order_by("subject")
        .values_list("subject", flat=True)
    )
