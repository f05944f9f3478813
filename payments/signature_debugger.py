"""Does a webhook's signature verify, in which scheme and with which secret; and if not, which mistake explains it?

Pure: values in, a report out. No secret and no whole signature ever stands in the report.
"""

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from payments import signature_mistakes
from payments.signature_mistakes import STANDARD, WIRE, Clues, Recipe, Secret

NAMES = {STANDARD: "Standard Webhooks", WIRE: "x-webhook headers"}
ID, AT, SIGNATURE = {STANDARD: "webhook-id"}, {STANDARD: "webhook-timestamp"}, {STANDARD: "webhook-signature"}
AT[WIRE], SIGNATURE[WIRE] = "x-webhook-timestamp", "x-webhook-signature"
TOLERANCE_S = 300
SHOWN_BYTES = 200
BODY_AT_MOST = 65_536
MOST_SIGNATURES = 4
"""Signatures of one header that are explained: each of them costs a hundred thousand hashes and more."""
_BEFORE, _AFTER = 20, 40
_CLIENT_ID = re.compile(r"key_(?:test|live)_[0-9a-f]{24}")
_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*:[ \t]*(.*)")
_UNWRITABLE = re.compile("[\x00\ud800-\udfff]")
"""No header holds these, but JSON can: databases and encoders choke on them."""
_SKIPPED = re.compile(r"(?:[A-Z]+ \S+ HTTP/[\d.]+|HTTP/[\d.]+ \d{3}.*)?")

UNEXPLAINED = "unexplained"
ADVICE = signature_mistakes.ADVICE | {
    "header-missing": "A header of this scheme is not there. Does a proxy or framework drop or rename it?",
    "timestamp-not-a-number": "The timestamp is not a plain number.",
    UNEXPLAINED: (
        "No mistake that we know explains this signature. The secret may be another key's: let the merchant's own keys "
        "be tried, by --merchant and --mode or by the form's fields. Else compare the body byte by byte."
    ),
}


class BadHeaders(ValueError):
    """The text is no list of HTTP headers; the message says what to write."""


@dataclass(frozen=True, slots=True)
class SchemeReport:
    """How one scheme came out. `secret` names the one that matched; `mistake` is empty where one did.

    `signed` is escaped and cut; `expected` (with the first secret) and `received` are shortened.
    """

    scheme: str
    verified: bool = False
    secret: str = ""
    missing: tuple[str, ...] = ()
    signed: str = ""
    signed_length: int = 0
    expected: str = ""
    received: str = ""
    skew: str = ""
    mistake: str = ""
    detail: str = ""

    @property
    def name(self) -> str:
        return NAMES[self.scheme]

    @property
    def advice(self) -> str:
        return ADVICE.get(self.mistake, "")


@dataclass(frozen=True, slots=True)
class Difference:
    """Where the body given and the body we sent part: the offset in bytes, and what stands there, escaped."""

    offset: int
    given: str
    given_length: int
    stored: str
    stored_length: int


@dataclass(frozen=True, slots=True)
class Report:
    """Both schemes as far as their headers are there, and the first difference from the body we sent, if any."""

    schemes: tuple[SchemeReport, ...]
    difference: Difference | None = None
    is_stored: bool = False
    """Whether a delivery of this webhook-id was there to compare with."""

    @property
    def verified(self) -> bool:
        return any(scheme.verified for scheme in self.schemes)


def read_headers(text: str) -> dict[str, str]:
    """Headers from lines `Name: value` as curl and logs print them, or from a JSON object; names in lower case.

    Names as in PHP and WSGI (HTTP_X_WEBHOOK_SIGNATURE) are understood. Raises BadHeaders.
    """
    text = text.strip().removeprefix("\ufeff")
    found = _from_json(text) if text.startswith("{") else _from_lines(text)
    if any(_UNWRITABLE.search(value) for value in found.values()):
        raise BadHeaders("A header's value holds a character that no header can hold.")
    return found


def _from_lines(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        line = line.strip().lstrip("<>* ")
        if _SKIPPED.fullmatch(line):
            continue
        header = _HEADER.fullmatch(line)
        if header is None:
            raise BadHeaders(f"Line {number} of the headers is no header: write one “Name: value” a line.")
        found[_name(header[1])] = header[2]
    return found


def _from_json(text: str) -> dict[str, str]:
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        raise BadHeaders("The headers begin like JSON, but are none.") from None
    if not all(isinstance(value, str | list | int) for value in told.values()):
        raise BadHeaders("A header's value must be a text.")
    return {_name(name): str(value[0] if isinstance(value, list) and value else value) for name, value in told.items()}


def _name(name: str) -> str:
    return name.lower().replace("_", "-").removeprefix("http-")


def message_id_of(headers: Mapping[str, str]) -> str:
    """The id of the delivery that headers belong to; empty if they name none."""
    return headers.get("webhook-id", "") or headers.get("x-idempotency-key", "")


def debug(
    headers: Mapping[str, str], body: bytes, secrets: Sequence[Secret], *, at: datetime, clues: Clues | None = None
) -> Report:
    """Try each scheme with each secret, the newest first; explain each that fails by the first mistake that fits.

    `headers` have names in lower case. A scheme none of whose own headers is there is left out, unless both are.
    With no secret at all nothing verifies, but a wrong one among the clues may still explain it.
    """
    clues = clues or Clues()
    told = [scheme for scheme in NAMES if {AT[scheme], SIGNATURE[scheme]} & headers.keys()]
    case = _Case(headers, body, tuple(secrets) or (Secret("no secret", ""),), at, clues)
    reports = [case.check(scheme) for scheme in told or NAMES]
    reports = [_judged_together(report, reports, case) for report in reports]
    return Report(tuple(reports), _difference(body, clues.stored), clues.stored is not None)


def _judged_together(report: SchemeReport, reports: Sequence[SchemeReport], case: "_Case") -> SchemeReport:
    """What only both schemes together tell: the wire's has room for the newest key alone."""
    if report.mistake != UNEXPLAINED:
        return report
    mistake = UNEXPLAINED
    if report.scheme == WIRE and any(other.verified for other in reports):
        mistake = "key-not-newest"
    elif any(_CLIENT_ID.fullmatch(secret.value.strip()) for secret in case.secrets):
        mistake = "secret-is-client-id"
    return replace(report, mistake=mistake)


@dataclass(frozen=True, slots=True)
class _Case:
    """One request to be judged."""

    headers: Mapping[str, str]
    body: bytes
    secrets: tuple[Secret, ...]
    at: datetime
    clues: Clues

    def check(self, scheme: str) -> SchemeReport:
        needed = [AT[scheme], SIGNATURE[scheme], *([ID[scheme]] if scheme == STANDARD else [])]
        missing = tuple(name for name in needed if not self.headers.get(name, "").strip())
        if missing:
            return SchemeReport(scheme, missing=missing, mistake="header-missing")
        first = self._recipe(scheme, self.secrets[0])
        given = self.headers[SIGNATURE[scheme]]
        verified = self._verifying(scheme, given)
        mistake, detail = ("", "") if verified else self._explain(scheme, given)
        return SchemeReport(
            scheme,
            verified=verified is not None,
            secret=verified.name if verified else "",
            signed=escaped(first.signed[:SHOWN_BYTES]),
            signed_length=len(first.signed),
            expected=_shortened(
                ("v1," if scheme == STANDARD else "") + _text(self._recipe(scheme, verified or self.secrets[0]))
            ),
            received=" ".join(map(_shortened, given.split()))[:200],
            skew=skew_words(scheme, self.headers[AT[scheme]], at=self.at),
            mistake=mistake,
            detail=detail,
        )

    def _recipe(self, scheme: str, secret: Secret) -> Recipe:
        return signature_mistakes.proper(
            scheme,
            message_id=self.headers.get(ID[STANDARD], "").strip(),
            timestamp=self.headers[AT[scheme]].strip(),
            body=self.body,
            secret=secret.value,
        )

    def _verifying(self, scheme: str, given: str) -> Secret | None:
        """The secret under which the header is exactly what a right receiver expects."""
        received = given.split() if scheme == STANDARD else [given]
        for secret in self.secrets:
            right = _text(self._recipe(scheme, secret))
            if (f"v1,{right}" if scheme == STANDARD else right) in received:
                return secret
        return None

    def _explain(self, scheme: str, given: str) -> tuple[str, str]:
        pieces = given.strip().strip("\"'").split()[:MOST_SIGNATURES]
        for secret in self.secrets:
            recipe = self._recipe(scheme, secret)
            for piece in pieces:
                word, detail = self._mistake_of(piece.strip("\"'"), given, recipe, secret)
                if word:
                    return word, detail
        timestamp = self.headers[AT[scheme]].strip()
        is_number = timestamp.isascii() and timestamp.isdigit()
        return (UNEXPLAINED if is_number else "timestamp-not-a-number"), ""

    def _mistake_of(self, piece: str, given: str, recipe: Recipe, secret: Secret) -> tuple[str, str]:
        received, right = piece.removeprefix("v1,"), _text(recipe)
        if received == right:
            has_version = piece != received
            wrong_version = has_version != (recipe.scheme == STANDARD)
            return ("signature-version" if wrong_version else "signature-whitespace"), ""
        if received == self._of_the_other_scheme(recipe, secret):
            return "signature-of-the-other-scheme", ""
        return signature_mistakes.explain(received, recipe, secret=secret, clues=self.clues)

    def _of_the_other_scheme(self, recipe: Recipe, secret: Secret) -> str:
        other = WIRE if recipe.scheme == STANDARD else STANDARD
        return _text(self._recipe(other, secret)) if self.headers.get(AT[other]) else ""


def _text(recipe: Recipe) -> str:
    return base64.b64encode(recipe.mac()).decode()


def _shortened(signature: str) -> str:
    """Enough to recognise a signature by, too little to use it."""
    version, comma, text = signature.rpartition(",")
    shown = f"{text[:6]}…{text[-4:]}" if len(text) > 12 else f"{text[:3]}…"
    return escaped(f"{version}{comma}".encode()[:10]) + shown.encode("unicode_escape").decode().replace("\\u2026", "…")


def escaped(raw: bytes) -> str:
    """Bytes as one line of text in which nothing is invisible: all but plain ASCII is written out."""
    return raw.decode("utf-8", "backslashreplace").encode("unicode_escape").decode()


def skew_words(scheme: str, timestamp: str, *, at: datetime) -> str:
    """How far the timestamp is from `at`, in words, and whether receivers will mind."""
    text = timestamp.strip()
    if not (text.isascii() and text.isdigit() and len(text) <= 16):
        return "The timestamp is not a number."
    unit = 1 if scheme == STANDARD else 1000
    seconds = round(at.timestamp() - int(text) / unit)
    if scheme == STANDARD and len(text) >= 12:
        return "The timestamp looks like milliseconds; seconds are due here."
    if scheme == WIRE and len(text) <= 11:
        return "The timestamp looks like seconds; milliseconds are due here."
    if abs(seconds) <= TOLERANCE_S:
        return f"Signed {_span(abs(seconds))} {'before' if seconds >= 0 else 'after'} now: near enough."
    if seconds < 0:
        return f"Signed {_span(-seconds)} after now: a clock is wrong, and receivers refuse it."
    return f"Signed {_span(seconds)} before now: receivers that allow 5 minutes refuse it by now."


def _span(seconds: int) -> str:
    for size, name in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            count = seconds // size
            return f"{count} {name}{'s' if count > 1 else ''}"
    return f"{seconds} second{'' if seconds == 1 else 's'}"


def _difference(given: bytes, stored: bytes | None) -> Difference | None:
    if stored is None or given == stored:
        return None
    shorter = min(len(given), len(stored))
    offset = next((i for i in range(shorter) if given[i] != stored[i]), shorter)
    excerpt = slice(max(0, offset - _BEFORE), offset + _AFTER)
    return Difference(offset, escaped(given[excerpt]), len(given), escaped(stored[excerpt]), len(stored))
