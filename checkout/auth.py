"""Who calls the API: an id and secret in two headers or as HTTP Basic, for RPC and REST alike."""

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime

from django.conf import settings

from checkout import rates
from payments.models import ApiKey
from payments.services.merchants import authenticate
from payments.states import Mode

BAD_KEYS_PER_MINUTE = 20
CHALLENGE = 'Basic realm="Till API"'


class AuthenticationFailed(Exception):
    """Nobody we know, or a key that is over. The text says what to do."""


class RateExceeded(Exception):
    """Too many calls in this minute."""

    retry_after_s = 60

    def __init__(self, message: str, *, counted: str = "app_id") -> None:
        super().__init__(message)
        self.counted = counted
        """By what the calls were counted, in the wire's word: app_id, or ip."""


def credentials(headers: Mapping[str, str]) -> tuple[str, str] | None:
    """Client id and secret as sent, if both are there. Header names are lower case."""
    pair = headers.get("x-client-id", ""), headers.get("x-client-secret", "")
    if all(pair):
        return pair
    scheme, _, encoded = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client_id, colon, secret = base64.b64decode(encoded.strip(), validate=True).decode("latin-1").partition(":")
    except (binascii.Error, ValueError):
        return None
    return (client_id, secret) if client_id and colon and secret else None


def identify(headers: Mapping[str, str], *, address: str, at: datetime) -> ApiKey:
    """The key a request is made with, its merchant loaded. Raises AuthenticationFailed, RateExceeded."""
    pair = credentials(headers)
    if pair is None:
        raise AuthenticationFailed(
            "authentication_required: send the headers x-client-id and x-client-secret, or HTTP Basic with the pair."
        )
    client_id, secret = pair
    key = authenticate(client_id, secret, at=at)
    if key is None:
        # Only wrong keys wait: a stranger behind the same address must not lock a merchant out.
        if rates.count(f"bad-keys:{address}", at=at) > BAD_KEYS_PER_MINUTE:
            raise RateExceeded("Too many wrong keys from this address: wait a minute.", counted="ip")
        raise AuthenticationFailed("authentication_failed: no key has this client id and secret; check both.")
    if key.revoked_at is not None:
        raise AuthenticationFailed("key_revoked: this key was revoked; use the merchant's newer one.")
    if key.mode == Mode.LIVE and not settings.HTTPS:
        raise AuthenticationFailed("https_required: live keys work only where PUBLIC_URL is https.")
    if rates.count(f"key:{key.pk}", at=at) > (key.rate_per_minute or settings.API_RATE_PER_MINUTE):
        raise RateExceeded("Too many calls with this key: wait a minute, or ask for a higher limit.")
    return key
