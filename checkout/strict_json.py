"""The one JSON parser in front of every API: what it lets through has one meaning only.

Python's own reader keeps the last of two equal keys, takes NaN for a number and rounds 10.0000000000000000001.
"""

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any

MAX_DEPTH = 8
MAX_NUMBER_LENGTH = 40


class BadJson(Exception):
    """The body is not a JSON object we can take. `reason` is a stable word, the text says what to do."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise BadJson("duplicate_key", f"duplicate_key: {_named(key)} stands twice in one object; write it once.")
        found[key] = value
    return found


def _named(key: str) -> str:
    """A key as a message may repeat it: only what can be a field's name."""
    return repr(key) if re.fullmatch(r"[a-z_]{1,40}", key) else "a key"


def _number(literal: str) -> Decimal:
    if len(literal) > MAX_NUMBER_LENGTH:
        raise BadJson("invalid_json", "invalid_json: a number has too many digits.")
    try:
        return Decimal(literal)
    except InvalidOperation:  # an exponent beyond all bounds
        raise BadJson("invalid_json", "invalid_json: a number is too large or too small.") from None


def _integer(literal: str) -> int:
    return int(_number(literal))


def _constant(word: str) -> Any:
    raise BadJson("invalid_json", f"invalid_json: {word} is not JSON; write a number.")


def _check(value: Any, depth: int = 1) -> None:
    """Refuse what is nested too deep, and text that is no Unicode (a lone surrogate)."""
    if depth > MAX_DEPTH:
        raise BadJson("invalid_json", f"invalid_json: nested deeper than {MAX_DEPTH} levels.")
    if isinstance(value, str) and not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise BadJson("invalid_json", "invalid_json: a text holds half a character (a lone surrogate).") from None
    elif isinstance(value, dict):
        for key, inner in value.items():
            _check(key, depth)
            _check(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _check(inner, depth + 1)


def parse_object(data: bytes) -> dict[str, Any]:
    """Read a JSON object: whole numbers as int, others as Decimal, exactly as written. Raises BadJson."""
    try:
        parsed = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_pairs,
            parse_constant=_constant,
            parse_float=_number,
            parse_int=_integer,
        )
    except (ValueError, RecursionError):
        raise BadJson("invalid_json", "invalid_json: the body is not a JSON object in UTF-8; check it.") from None
    if not isinstance(parsed, dict):
        raise BadJson("invalid_json", "invalid_json: send one JSON object, like {...}.")
    _check(parsed)
    return parsed
