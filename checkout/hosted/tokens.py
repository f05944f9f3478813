"""Form tokens instead of cookies: signed, for one session and page, good for 12 hours."""

import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.signing import BadSignature, Signer

LIFETIME = timedelta(hours=12)


class BadToken(Exception):
    """Missing, changed, or made for another order or page."""


@dataclass(frozen=True, slots=True)
class FormToken:
    """What a genuine token says. The nonce names the form: it starts one attempt at most."""

    nonce: str
    is_stale: bool


def _signer(session_id: str, page: str) -> Signer:
    return Signer(salt=f"till.form:{session_id}:{page}", sep=".")


def make_token(session_id: str, page: str, *, at: datetime) -> str:
    """A token for one form as it is shown now."""
    return _signer(session_id, page).sign(f"{int(at.timestamp())}-{secrets.token_hex(16)}")


def read_token(text: str, session_id: str, page: str, *, at: datetime) -> FormToken:
    """Check a posted token. Raises BadToken; one that is only too old comes back as stale."""
    try:
        value = _signer(session_id, page).unsign(text)
    except BadSignature:
        raise BadToken from None
    found = re.fullmatch(r"([0-9]{1,12})-([0-9a-f]{32})", value)
    if found is None:
        raise BadToken
    age_s = at.timestamp() - int(found[1])
    return FormToken(found[2], is_stale=not -60 <= age_s <= LIFETIME.total_seconds())
