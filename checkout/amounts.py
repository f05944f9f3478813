"""How amounts are printed for people. Words and signs only: arithmetic lives in payments.money."""

from dataclasses import dataclass
from decimal import Decimal

from payments.money import EXPONENT, Money

SIGNS = {
    "INR": "₹", "USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "AUD": "A$", "CAD": "C$", "NZD": "NZ$", "HKD": "HK$",
    "SGD": "S$", "ILS": "₪", "KRW": "₩", "NGN": "₦", "PHP": "₱", "VND": "₫", "BRL": "R$", "MXN": "MX$", "TRY": "₺",
    "UAH": "₴",
}  # fmt: skip
MINUS = "\u2212"
LONG_FROM = 13
"""Characters from which an amount is set smaller, so that it fits a phone of 320 px."""


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount in the three parts a page sets in different sizes."""

    sign: str
    whole: str
    fraction: str

    @property
    def text(self) -> str:
        return f"{self.sign}{self.whole}.{self.fraction}" if self.fraction else f"{self.sign}{self.whole}"

    @property
    def is_long(self) -> bool:
        return len(self.text) >= LONG_FROM


def grouped(number: int, currency: str) -> str:
    """An integer, not negative, as those who count in that currency write it: rupees by lakh and crore."""
    digits = str(number)
    if currency != "INR" or len(digits) <= 3:
        return f"{number:,}"
    head, tail = digits[:-3], digits[-3:]
    pairs = [head[max(0, end - 2) : end] for end in range(len(head), 0, -2)]
    return ",".join([*reversed(pairs), tail])


def amount_of(money: Money) -> Amount:
    """Split an amount, not negative, for a page."""
    decimals = EXPONENT[money.currency]
    digits = str(money.minor).rjust(decimals + 1, "0")
    whole, fraction = (digits[:-decimals], digits[-decimals:]) if decimals else (digits, "")
    # A code without a sign of its own stands before the figure with a no-break space.
    sign = SIGNS.get(money.currency, f"{money.currency}\u00a0")
    return Amount(sign, grouped(int(whole), money.currency), fraction)


def format_money(minor: int, currency: str) -> str:
    """₹1,12,500.00 for 11250000 INR."""
    return amount_of(Money(minor, currency)).text


def signed(minor: int, currency: str) -> str:
    """An amount with a minus sign, not a hyphen, where it is below zero."""
    return f"{MINUS if minor < 0 else ''}{format_money(abs(minor), currency)}"


def rounded(minor: int, currency: str) -> str:
    """An amount, not negative, for a label in a drawing: to whole units, halves up, once there are a thousand."""
    unit = unit_of(currency)
    if minor < 1_000 * unit:
        return _without_zeros(minor, currency)
    return _without_zeros((minor + unit // 2) // unit * unit, currency)


LARGE = {"INR": ((10_000_000, "crore"), (100_000, "lakh"))}
"""Words for many units, the largest first; elsewhere they are counted in millions."""


def on_scale(minor: int, currency: str) -> str:
    """A round amount, not negative, beside a scale: ₹2.5 lakh, $50,000, ¥3 million."""
    for size, word in LARGE.get(currency, ((1_000_000, "million"),)):
        many = size * unit_of(currency)
        if minor >= many:
            number = f"{Decimal(minor) / many:f}"
            return f"{amount_of(Money(0, currency)).sign}{number}\u00a0{word}"
    return _without_zeros(minor, currency)


def unit_of(currency: str) -> int:
    """How many minor units make one of the currency."""
    return int(10 ** EXPONENT[currency])


def _without_zeros(minor: int, currency: str) -> str:
    """The amount, without its decimals where they say nothing."""
    amount = amount_of(Money(minor, currency))
    return amount.text if amount.fraction.strip("0") else f"{amount.sign}{amount.whole}"
