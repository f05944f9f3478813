"""Public ids: a prefix that says what it is, then 128 random bits."""

import hashlib
import re
import secrets

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: nothing to misread on the phone
_LENGTH = 26  # 26 * 5 bits >= 128

UINT32_MAX = 4_294_967_295
"""The largest customer_id and org_id: both are uint32 on the wire."""

SESSION_PREFIX = "sess_"


def _random() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))


def new_order_id() -> str:
    """An order's id: it is read out to support, so no letter looks like a digit."""
    return f"order_{_random()}"


def new_link_id() -> str:
    """The order id of a payment link for which staff chose none."""
    return f"link_{_random()}"


def new_payment_id() -> str:
    return f"pay_{_random()}"


def new_session_id() -> str:
    """The key of the hosted page: whoever holds it can pay the order, so it is never logged whole."""
    return SESSION_PREFIX + secrets.token_urlsafe(24)


def new_gateway_key() -> str:
    """Our reference for one attempt at the gateway, and its idempotency key there."""
    return f"att_{_random()}"


def nonce_after(form_nonce: str, tries: int) -> str:
    """The nonce of the attempt that takes the place of a form's first, after so many that no gateway took."""
    return hashlib.sha256(f"{form_nonce}.{tries}".encode()).hexdigest()[:32] if tries else form_nonce


def new_refund_id() -> str:
    return f"refund_{_random()}"


def new_refund_key() -> str:
    """Our reference for one refund at the gateway, and its idempotency key there."""
    return f"ref_{_random()}"


def new_settlement_id() -> str:
    return f"settle_{_random()}"


def new_payout_id() -> str:
    return f"payout_{_random()}"


def new_simulation_id() -> str:
    return f"simulation_{_random()}"


def new_endpoint_id() -> str:
    return f"we_{_random()}"


def new_message_id() -> str:
    """A webhook's id: the same in every try, so that a receiver can tell a repetition."""
    return f"msg_{_random()}"


def looks_like_session_id(text: str) -> bool:
    """Whether this could be one of ours, so that nonsense never reaches the database."""
    return re.fullmatch(r"sess_[A-Za-z0-9_-]{32}", text) is not None


def mask_session_id(session_id: str) -> str:
    """What may be shown to staff and written to logs."""
    return f"{session_id[:7]}…"
