"""How amounts are printed for people. Words and signs only: arithmetic lives in payments.money."""

from dataclasses import dataclass

from payments.money import EXPONENT, Money

SIGNS = {
    "INR": "₹", "USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "AUD": "A$", "CAD": "C$", "NZD": "NZ$", "HKD": "HK$",
    "SGD": "S$", "ILS": "₪", "KRW": "₩", "NGN": "₦", "PHP": "₱", "VND": "₫", "BRL": "R$", "MXN": "MX$", "TRY": "₺",
    "UAH": "₴",
}  # fmt: skip
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


def _grouped(digits: str, currency: str) -> str:
    """Group an integer: by lakh and crore for rupees, by thousands elsewhere."""
    if currency != "INR" or len(digits) <= 3:
        return f"{int(digits):,}"
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
    return Amount(sign, _grouped(whole, money.currency), fraction)


def format_money(minor: int, currency: str) -> str:
    """₹1,12,500.00 for 11250000 INR."""
    return amount_of(Money(minor, currency)).text
