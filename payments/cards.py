"""Card numbers: checked and described, never kept."""

import re
import unicodedata

_SHORTEST, _LONGEST = 13, 19
_JOINERS = " \t\n\r\u00a0\u2009\u202f-\u2010\u2011\u2012\u2013\u2014\u2212./_+"
_WIDEST_GAP = 3

_NETWORKS: tuple[tuple[str, tuple[str, ...]], ...] = (
    # First match wins, so narrower ranges stand first.
    ("rupay", ("508", "6069", "607", "6081", "6521", "6522", "81", "82", "353", "356")),
    ("amex", ("34", "37")),
    ("diners", ("36", "38", "300", "301", "302", "303", "304", "305")),
    ("discover", ("6011", "644", "645", "646", "647", "648", "649", "65")),
    ("jcb", ("35",)),
    ("maestro", ("50", "56", "57", "58", "6")),
    ("mastercard", ("51", "52", "53", "54", "55", "22", "23", "24", "25", "26", "27")),
    ("visa", ("4",)),
)


def passes_luhn(digits: str) -> bool:
    """ISO/IEC 7812-1, annex B: the check digit of card numbers."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def find_card_numbers(text: str) -> list[tuple[int, int]]:
    """Where 13 to 19 digits that pass Luhn stand, however spaced: spans that begin and end with a group of digits.

    Whole groups only: any stretch within a longer number would be a false alarm every tenth time.
    """
    if not text.isascii():  # digits of any script, one for one
        text = "".join(str(unicodedata.digit(char)) if char.isdigit() else char for char in text)
    found: list[tuple[int, int]] = []
    groups = [match.span() for match in re.finditer(r"[0-9]+", text)]
    for first, (start, _) in enumerate(groups):
        if found and start < found[-1][1]:
            continue
        digits, last_end = "", start
        for begin, end in groups[first : first + _LONGEST]:
            between = text[last_end:begin]
            if len(between) > _WIDEST_GAP or between.strip(_JOINERS) or len(digits) + end - begin > _LONGEST:
                break
            digits, last_end = digits + text[begin:end], end
            if len(digits) >= _SHORTEST and passes_luhn(digits):
                found.append((start, end))
                break
    return found


def network_of(digits: str) -> str:
    """The card scheme by its leading digits, or an empty string."""
    for network, prefixes in _NETWORKS:
        if digits.startswith(prefixes):
            return network
    return ""


def security_code_length(digits: str) -> int:
    """How many digits the security code of such a card has."""
    return 4 if network_of(digits) == "amex" else 3
