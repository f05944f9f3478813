"""Values out of gateways' answers and events. Each is checked for what it is before anything of it is kept."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any


def word(told: Mapping[str, Any], name: str) -> str:
    """A text that can be stored; nothing where there is none. Raises ValueError for what no text of theirs can be."""
    text = told.get(name)
    if text is None:
        return ""
    if not isinstance(text, str) or "\x00" in text:
        raise ValueError(name)
    return text.encode().decode()  # a lone surrogate raises UnicodeEncodeError, which is a ValueError


def wanted(told: Mapping[str, Any], name: str) -> str:
    """A text that has to be there. Raises ValueError."""
    text = word(told, name)
    if not text:
        raise ValueError(name)
    return text


def whole(told: Mapping[str, Any], name: str) -> int:
    """A number of units: never rounded, never more than a column holds. Raises ValueError."""
    number = told.get(name)
    if type(number) is not int or not 0 <= number < 2**63:
        raise ValueError(name)
    return number


def moment(told: Mapping[str, Any], name: str) -> datetime | None:
    """A time, from seconds since 1970; None where there is none. Raises ValueError."""
    if told.get(name) is None:
        return None
    seconds = whole(told, name)
    if seconds >= 2**33:
        raise ValueError(name)
    return datetime.fromtimestamp(seconds, UTC)
