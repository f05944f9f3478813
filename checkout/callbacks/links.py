"""Addresses we give to gateways. The way back holds a signed state, never the session id, and needs no cookie."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.urls import reverse

from payments.gateways.registry import gateway_named
from payments.models import GatewayAccount

LIFETIME = timedelta(hours=24)


class BadState(Exception):
    """Missing, changed, too old, or made for another gateway."""


def _signer(gateway: str) -> Signer:
    return Signer(salt=f"till.return:{gateway}", sep=".")


def return_url(gateway: str, order_uid: str, nonce: str, *, at: datetime) -> str:
    """Where the gateway sends the customer's browser after the attempt that this form's nonce starts."""
    state = _signer(gateway).sign(f"{order_uid}-{nonce}-{int(at.timestamp())}")
    return settings.PUBLIC_URL + reverse("callbacks:return", args=[gateway, state])


def links_of(order_uid: str, *, at: datetime) -> Callable[[GatewayAccount, str], tuple[str, str]]:
    """For `start_payment`: where an attempt's gateway sends the customer back, and its server events."""

    def of(account: GatewayAccount, form_nonce: str) -> tuple[str, str]:
        return return_url(account.gateway, order_uid, form_nonce, at=at), event_url(account)

    return of


def event_url(account: GatewayAccount) -> str:
    """Where the gateway posts the server events of an account."""
    if gateway_named(account.gateway).has_one_event_address:
        return settings.PUBLIC_URL + reverse("callbacks:events", args=[account.gateway])
    return settings.PUBLIC_URL + reverse("callbacks:account-events", args=[account.gateway, account.pk])


def read_state(gateway: str, state: str, *, at: datetime) -> tuple[str, str]:
    """The order's uid and the form nonce of the one attempt that a state is for. Raises BadState."""
    try:
        value = _signer(gateway).unsign(state)
    except BadSignature:
        raise BadState from None
    found = re.fullmatch(r"(order_[0-9a-z]+)-([0-9a-f]{32})-([0-9]{1,12})", value)
    if found is None or not -60 <= at.timestamp() - int(found[3]) <= LIFETIME.total_seconds():
        raise BadState
    return found[1], found[2]
