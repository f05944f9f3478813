"""The mistakes people make with signatures, each tried by making it: the one that gives the signature is the one made.

A mistake may sit in what was received (a body written anew by a framework) or in the code that computes the signature
(hex for base64). The same trial finds both: what is given, altered in one way, must give the signature that came.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from payments import signature_bodies, signatures

STANDARD, WIRE = "standard", "wire"
LAYOUTS = {STANDARD: ("id", ".", "at", ".", "body"), WIRE: ("at", "body")}
PLAIN_HASH = "plain sha256"
_SHORTEST_TRUNCATED = 8
_BEFORE_SENDING = timedelta(seconds=5)
_AFTER_SENDING = timedelta(milliseconds=50)
"""A try was signed when it began, as far as clocks of two kinds agree: this much before and after."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A client secret under a name that may be shown; the secret itself is never.

    `mistake` is the word for using this one; empty for a secret that is right.
    """

    name: str
    value: str = field(repr=False)
    client_id: str = ""
    mistake: str = ""


@dataclass(frozen=True, slots=True)
class Clues:
    """What is known besides: wrong secrets, other deliveries (id to body), tries (when each ended, how long it took),
    and the body we stored.
    """

    secrets: Sequence[Secret] = ()
    deliveries: Mapping[str, bytes] = field(default_factory=dict)
    tries: Sequence[tuple[datetime, timedelta]] = ()
    stored: bytes | None = None


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a signature is computed."""

    scheme: str
    message_id: str
    timestamp: str
    body: bytes
    key: bytes = field(repr=False)
    layout: tuple[str, ...]
    digest: str = "sha256"

    @property
    def signed(self) -> bytes:
        """The bytes the signature is over."""
        parts = {"id": self.message_id.encode(), "at": self.timestamp.encode(), "body": self.body}
        return b"".join(parts.get(part, part.encode()) for part in self.layout)

    def mac(self) -> bytes:
        if self.digest == PLAIN_HASH:
            return hashlib.sha256(self.signed).digest()
        return hmac.new(self.key, self.signed, self.digest).digest()


def proper(scheme: str, *, message_id: str, timestamp: str, body: bytes, secret: str) -> Recipe:
    """The right way to compute a signature."""
    return Recipe(scheme, message_id, timestamp, body, secret.encode(), LAYOUTS[scheme])


ADVICE = {
    "body-newline": "A line end was added to or taken from the end of the body. Check the bytes as they came.",
    "body-crlf": "Line ends of the body were changed. Read it as bytes, not as text.",
    "body-bom": "A byte order mark (EF BB BF) was put before the body or taken off. Check the bytes as they came.",
    "body-latin1": "The body was decoded in another character set than UTF-8. Check the bytes as they came.",
    "body-url-decoded": "The body was URL-decoded, as if it were a form: “+” became a space. Read the raw body.",
    "body-html-unescaped": "HTML entities in the body were escaped or unescaped. Read the raw body, before any filter.",
    "body-empty": "The signature is over an empty body: something had read the stream before. Keep the raw body first.",
    "body-key-order": "The body was parsed and written anew with its keys in another order. Check the raw body.",
    "body-spacing": "The body was parsed and written anew with other spaces or line breaks. Check the raw body.",
    "body-escapes": "The body was parsed and written anew with other escapes, like \\u20b9 or \\/. Check the raw body.",
    "body-numbers": "Numbers of the body were written anew: 170.0 is not 170 or 170.00. Check the raw body.",
    signature_bodies.REWRITTEN: "The body was parsed and written anew as JSON. Check the raw body, before any parser.",
    "timestamp-seconds": "x-webhook-timestamp is in milliseconds and is signed as it is; seconds were used.",
    "timestamp-milliseconds": "webhook-timestamp is in seconds and is signed as it is; milliseconds were used.",
    "timestamp-missing": "The timestamp was left out of what is signed.",
    "timestamp-after-body": "The timestamp was put behind the body; it stands before it.",
    "timestamp-of-another-try": "The timestamp is that of another try: only id and body are the same in every try.",
    "separator-added": "Timestamp and body stand directly beside each other in this scheme, with no dot or line end.",
    "separator-missing": "Id, timestamp and body are joined by dots in this scheme.",
    "id-missing": "webhook-id and a dot stand before the timestamp in this scheme; they were left out.",
    "id-of-another-delivery": "The webhook-id is that of another delivery. Each delivery has its own, in every try.",
    "signature-of-another-delivery": "The signature belongs to another delivery's body. Do not mix up requests.",
    "signature-of-the-other-scheme": "This is the other scheme's signature: webhook-* and x-webhook-* do not mix.",
    "signature-hex": "The signature was written in hexadecimal; it is base64 of the raw 32 bytes.",
    "signature-base64-of-hex": "The hexadecimal text was written in base64; it is base64 of the raw 32 bytes "
    "(in PHP, pass true to hash_hmac).",
    "signature-base64url": "The signature was written in base64url (- and _); it is plain base64 (+ and /).",
    "signature-padding": "The = at the end of the base64 is missing.",
    "signature-version": "In webhook-signature each signature is preceded by “v1,”; in x-webhook-signature none is.",
    "signature-whitespace": "There are quotes or blanks around the signature. Compare it without them.",
    "signature-truncated": "Only the beginning of the signature is there: a column, a log or a proxy cut it off.",
    "hash-sha1": "SHA-1 was used; it is SHA-256.",
    "hash-sha512": "SHA-512 was used; it is SHA-256.",
    "hash-without-key": "SHA-256 alone was used; it is HMAC-SHA-256 with the secret as the key.",
    "secret-whsec": "whsec_ and base64 are only the form in which libraries for Standard Webhooks take the client "
    "secret. They decode it; code of your own takes the client secret as it is.",
    "secret-decoded": "The client secret was base64-decoded. It is the key as it is; a library for Standard Webhooks "
    "needs it as whsec_ and its base64.",
    "secret-whitespace": "There is a line end, a blank or a quote around the secret. Trim what you read it from.",
    "secret-is-client-id": "The client id was used as the key; it is the client secret.",
    "key-old": "The key of this secret was revoked. We sign with the keys that are active.",
    "key-not-newest": "x-webhook-signature is made with the newest API key alone, and this is the older one. Take the "
    "newer one, or check webhook-signature, which has a signature of each.",
    "key-of-other-mode": "This is the secret of the other mode: test and live keys sign their own orders only.",
    "key-of-other-merchant": "This is the secret of another merchant.",
}
"""Every mistake that is known, and what to do about it."""


def explain(received: str, recipe: Recipe, *, secret: Secret, clues: Clues) -> tuple[str, str]:
    """The mistake that gives `received`, and a detail for people; two empty texts if none does.

    `received` has no version before it.
    """
    for word, other in _misused(secret, clues):
        if _is(received, replace(recipe, key=other)):
            return word, ""
    for word, encode in _ENCODINGS.items():
        if received == encode(recipe.mac()):
            return word, ""
    for word, altered in _altered(recipe, clues):
        if _is(received, altered):
            return signature_bodies.word_for(word, recipe.body, altered.body), _detail(recipe.body, altered.body)
    if clues.stored is not None and _is(received, replace(recipe, body=clues.stored)):
        return _change_of(clues.stored, recipe.body)
    shorter = received.rstrip("=")
    right = base64.b64encode(recipe.mac()).decode()
    if len(shorter) >= _SHORTEST_TRUNCATED and right.startswith(shorter):
        return "signature-truncated", f"{len(received)} of {len(right)} characters"
    return "", ""


def _is(received: str, recipe: Recipe) -> bool:
    return hmac.compare_digest(received.encode(), base64.b64encode(recipe.mac()))


def _change_of(stored: bytes, given: bytes) -> tuple[str, str]:
    """How the stored body, which is the signed one, became what is given: known words only."""
    for word, become in signature_bodies.changed(stored):
        if become == given:
            return signature_bodies.word_for(word, stored, given), _detail(stored, given)
    if signature_bodies.how_json_differs(stored, given):
        return signature_bodies.word_for(signature_bodies.REWRITTEN, stored, given), _detail(stored, given)
    return "", ""


def _detail(left: bytes, right: bytes) -> str:
    respects = signature_bodies.how_json_differs(left, right)
    return ", ".join(name.removeprefix("body-").replace("-", " ") for name in respects) if len(respects) > 1 else ""


# --- The secret ---


def _misused(secret: Secret, clues: Clues) -> Iterator[tuple[str, bytes]]:
    """Wrong keys, with the words for them: another's secret, or a right secret taken in a wrong form."""
    for other in clues.secrets:
        if other.value != secret.value:
            yield other.mistake, other.value.encode()
    for one in (secret, *clues.secrets):
        if one.client_id:
            yield "secret-is-client-id", one.client_id.encode()
    yield from _forms(secret.value)


def _forms(value: str) -> Iterator[tuple[str, bytes]]:
    trimmed = value.strip().strip("\"'")
    for text in (
        trimmed,
        f"{trimmed}\n",
        f"{trimmed}\r\n",
        f"{trimmed} ",
        f" {trimmed}",
        f'"{trimmed}"',
        f"'{trimmed}'",
    ):
        if text != value:
            yield "secret-whitespace", text.encode()
    whsec = signatures.standard_secret(value)
    yield "secret-whsec", whsec.encode()
    yield "secret-whsec", whsec.removeprefix("whsec_").encode()
    if value.startswith("whsec_"):
        yield from (("secret-whsec", key) for key in _decoded(value.removeprefix("whsec_")))
    yield from (("secret-decoded", key) for key in _decoded(value))


def _decoded(text: str) -> Iterator[bytes]:
    """What lenient decoders make of a text: they skip what is not of their alphabet, and do without padding."""
    for altchars in (b"+/", b"-_"):
        with suppress(binascii.Error, ValueError):
            yield base64.b64decode(text + "=" * (-len(text) % 4), altchars)
        kept = "".join(c for c in text if c.isalnum() or c.encode() in (altchars[:1], altchars[1:]))
        with suppress(binascii.Error, ValueError):
            yield base64.b64decode(kept + "=" * (-len(kept) % 4), altchars)


# --- How the signature is written ---


def _url_safe(mac: bytes) -> str:
    return base64.urlsafe_b64encode(mac).decode()


_ENCODINGS: dict[str, Callable[[bytes], str]] = {
    "signature-hex": bytes.hex,
    "signature-base64-of-hex": lambda mac: base64.b64encode(mac.hex().encode()).decode(),
    "signature-padding": lambda mac: base64.b64encode(mac).decode().rstrip("="),
    "signature-base64url": _url_safe,
}


# --- What is signed ---


def _altered(recipe: Recipe, clues: Clues) -> Iterator[tuple[str, Recipe]]:
    for digest, word in (("sha1", "hash-sha1"), ("sha512", "hash-sha512"), (PLAIN_HASH, "hash-without-key")):
        yield word, replace(recipe, digest=digest)
    yield "hash-without-key", replace(recipe, digest=PLAIN_HASH, layout=(recipe.key.decode(), *recipe.layout))
    for word, layout in _LAYOUT_MISTAKES[recipe.scheme]:
        yield word, replace(recipe, layout=layout)
    for word, timestamp in _timestamps(recipe):
        yield word, replace(recipe, timestamp=timestamp)
    for word, body in signature_bodies.changed(recipe.body):
        yield word, replace(recipe, body=body)
    yield from _elsewhere(recipe, clues)
    for timestamp in _of_other_tries(recipe.scheme, clues.tries):
        yield "timestamp-of-another-try", replace(recipe, timestamp=timestamp)


_LAYOUT_MISTAKES: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    STANDARD: (
        ("separator-missing", ("id", "at", "body")),
        ("id-missing", ("at", ".", "body")),
        ("timestamp-missing", ("id", ".", "body")),
        ("timestamp-missing", ("body",)),
        ("timestamp-after-body", ("id", ".", "body", ".", "at")),
    ),
    WIRE: (
        *(("separator-added", ("at", mark, "body")) for mark in (".", "\n", ":", "|", ",", " ", "-")),
        ("timestamp-missing", ("body",)),
        ("timestamp-after-body", ("body", "at")),
    ),
}


def _timestamps(recipe: Recipe) -> Iterator[tuple[str, str]]:
    """The timestamp in the other unit. Of seconds we cannot know the milliseconds, so all thousand are tried."""
    given = recipe.timestamp
    if not (given.isascii() and given.isdigit() and len(given) <= 16):
        return
    word = "timestamp-milliseconds" if recipe.scheme == STANDARD else "timestamp-seconds"
    yield word, given[:-3]
    for milliseconds in range(1000):
        yield word, f"{given}{milliseconds:03d}"


def _elsewhere(recipe: Recipe, clues: Clues) -> Iterator[tuple[str, Recipe]]:
    """What another delivery has in place of this one's."""
    for message_id, body in clues.deliveries.items():
        if message_id == recipe.message_id:
            continue
        if recipe.scheme == STANDARD:
            yield "id-of-another-delivery", replace(recipe, message_id=message_id)
            yield "signature-of-another-delivery", replace(recipe, message_id=message_id, body=body)
        yield "signature-of-another-delivery", replace(recipe, body=body)


def _of_other_tries(scheme: str, tries: Sequence[tuple[datetime, timedelta]]) -> Iterator[str]:
    """Timestamps that tries may have had: each is known to have ended at a time, after a while."""
    for at, took in tries:
        first, last = (at - took - _BEFORE_SENDING).timestamp(), (at - took + _AFTER_SENDING).timestamp()
        per_second = 1 if scheme == STANDARD else 1000
        yield from map(str, range(int(last * per_second), int(first * per_second) - 1, -1))
