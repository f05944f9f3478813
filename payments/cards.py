"""Card numbers: checked and described, never kept."""

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


def network_of(digits: str) -> str:
    """The card scheme by its leading digits, or an empty string."""
    for network, prefixes in _NETWORKS:
        if digits.startswith(prefixes):
            return network
    return ""


def security_code_length(digits: str) -> int:
    """How many digits the security code of such a card has."""
    return 4 if network_of(digits) == "amex" else 3
