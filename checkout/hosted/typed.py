"""Reading what people type and paste: digits of any script, spaces and dashes of any kind, marks that nobody sees."""

import re
import unicodedata

from payments.cards import find_card_numbers

_BETWEEN_DIGITS = re.compile(r"[\s\-–./,_·•]")
_BETWEEN = r"[/\\|.,:\-\s]+"
_EXPIRIES = (
    re.compile(rf"(?P<month>\d{{1,2}}){_BETWEEN}(?P<year>\d{{4}}|\d{{2}})"),
    re.compile(rf"(?P<year>20\d\d){_BETWEEN}(?P<month>\d{{1,2}})(?:{_BETWEEN}\d{{1,2}})?"),
    re.compile(r"(?P<year>20\d\d)(?P<month>0[1-9]|1[0-2])"),
    re.compile(r"(?P<month>\d{1,2})(?P<year>20\d\d)"),
    re.compile(r"(?P<month>\d{1,2})(?P<year>\d\d)"),
)
"""08/29, 8-2029; 2029-08, 2029-08-31; 202908; 082029; 0829, 829: as people, browsers and password managers write."""
_ALIKE = str.maketrans({"−": "-", "⁄": "/", "∕": "/", "⧸": "/"})


def without_marks(text: str) -> str:
    """Text without invisible characters, such as the direction marks that come along with a copied number."""
    return "".join(char for char in text if unicodedata.category(char) != "Cf" and not "\ufe00" <= char <= "\ufe0f")


def plain(text: str) -> str:
    """Wide and narrow forms, digits of any script, spaces, dashes and slashes as the plain ones; no marks."""
    return "".join(map(_plain_sign, without_marks(unicodedata.normalize("NFKC", text)).translate(_ALIKE))).strip()


def _plain_sign(char: str) -> str:
    if char.isdigit():
        return str(unicodedata.digit(char))
    if unicodedata.category(char) == "Pd":
        return "-"
    return " " if char.isspace() else char


def joined_digits(text: str) -> str:
    """Digits as ASCII, without the spaces, dashes and dots that people put between them."""
    return _BETWEEN_DIGITS.sub("", plain(text))


def card_number(text: str) -> str:
    """The digits of a card number; where other text was pasted along with it, those of the one number in it."""
    digits, clear = joined_digits(text), plain(text)
    if digits.isdecimal() or len(found := find_card_numbers(clear)) != 1:
        return digits
    return joined_digits(clear[slice(*found[0])])


def read_expiry(text: str) -> tuple[int, int] | None:
    """Month and year as they are typed, with four digits for the year; words around them don't count."""
    told = re.sub(r"^\D+|\D+$", "", plain(text))
    found = next(filter(None, (shape.fullmatch(told) for shape in _EXPIRIES)), None)
    if found is None:
        return None
    year = int(found["year"])
    return int(found["month"]), year + 2000 if year < 100 else year


def holds_card_number(text: str) -> bool:
    """Whether a card number stands in a text, in any script and however it is spaced."""
    return bool(find_card_numbers(plain(text)))
