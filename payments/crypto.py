"""Secrets at rest: encrypted where they must be read again, keyed hashes where they need only be compared."""

import hashlib
import hmac
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

_NONCE_BYTES = 12


class Undecryptable(Exception):
    """No key in FIELD_ENCRYPTION_KEYS opens this ciphertext, or it belongs to another row."""


def encrypt(plain: str, *, context: str) -> bytes:
    """AES-256-GCM under the newest key, bound to `context` (table and row id), so ciphertexts cannot be swapped."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    sealed = AESGCM(settings.FIELD_ENCRYPTION_KEYS[0]).encrypt(nonce, plain.encode(), context.encode())
    return nonce + sealed


def decrypt(ciphertext: bytes | memoryview, *, context: str) -> str:
    """Open what `encrypt` sealed with any key still listed. Raises Undecryptable."""
    for key in settings.FIELD_ENCRYPTION_KEYS:
        plain = _opened(key, ciphertext, context)
        if plain is not None:
            return plain
    raise Undecryptable(f"No key opens {context}: is an old key missing from FIELD_ENCRYPTION_KEYS?")


def is_newest(ciphertext: bytes | memoryview, *, context: str) -> bool:
    """Whether the newest key opens it, so that no other is needed."""
    return _opened(settings.FIELD_ENCRYPTION_KEYS[0], ciphertext, context) is not None


def _opened(key: bytes, ciphertext: bytes | memoryview, context: str) -> str | None:
    nonce, sealed = bytes(ciphertext[:_NONCE_BYTES]), bytes(ciphertext[_NONCE_BYTES:])
    try:
        return AESGCM(key).decrypt(nonce, sealed, context.encode()).decode()
    except (InvalidTag, ValueError):  # changed, another's, or too short to be one of ours
        return None


def peppered(secret: bytes) -> bytes:
    """HMAC-SHA-256 of an API secret under the server's pepper: useless without the server."""
    return hmac.new(settings.API_KEY_PEPPER.encode(), secret, hashlib.sha256).digest()


def same(left: bytes, right: bytes) -> bool:
    """Compare in constant time. Bytes only: compare_digest on text raises for non-ASCII."""
    return hmac.compare_digest(left, right)
