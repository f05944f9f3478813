"""How amounts are printed for people, in the language spoken now; arithmetic lives in payments.money.

The language says where the sign stands and which marks part the figures. The currency says how many decimals there are
and how figures are grouped. Digits are European in every language.
"""

import unicodedata
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache

from babel import Locale
from django.utils.translation import get_language_bidi

from checkout.languages import ENGLISH, LANGUAGES
from checkout.speaking import now_spoken
from payments.money import EXPONENT, Money

SIGNS = {
    "INR": "₹", "USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "AUD": "A$", "CAD": "C$", "NZD": "NZ$", "HKD": "HK$",
    "SGD": "S$", "ILS": "₪", "KRW": "₩", "NGN": "₦", "PHP": "₱", "VND": "₫", "BRL": "R$", "MXN": "MX$", "TRY": "₺",
    "UAH": "₴",
}  # fmt: skip
MINUS = "\u2212"
NO_BREAK = "\u00a0"
ISOLATE, END_OF_ISOLATE = "\u2066", "\u2069"
LONG_FROM = 13
"""Characters from which an amount is set smaller, so that it fits a phone of 320 px."""


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount in the parts a page sets in different sizes. `mark` stands before the decimals."""

    sign: str
    whole: str
    fraction: str
    mark: str = "."
    is_sign_last: bool = False

    @property
    def figures(self) -> str:
        return f"{self.whole}{self.mark}{self.fraction}" if self.fraction else self.whole

    @property
    def text(self) -> str:
        """As one piece that text from right to left does not take apart."""
        text = f"{self.figures}{self.sign}" if self.is_sign_last else f"{self.sign}{self.figures}"
        return f"{ISOLATE}{text}{END_OF_ISOLATE}" if get_language_bidi() else text

    @property
    def is_long(self) -> bool:
        return len(self.sign) + len(self.figures) >= LONG_FROM


def grouped(number: int, currency: str, mark: str = ",") -> str:
    """An integer, not negative, as those who count in that currency write it: rupees by lakh and crore."""
    digits = str(number)
    if currency != "INR" or len(digits) <= 3:
        return f"{number:,}".replace(",", mark)
    head, tail = digits[:-3], digits[-3:]
    pairs = [head[max(0, end - 2) : end] for end in range(len(head), 0, -2)]
    return mark.join([*reversed(pairs), tail])


def amount_of(money: Money) -> Amount:
    """Split an amount, not negative, for a page."""
    decimals = EXPONENT[money.currency]
    digits = str(money.minor).rjust(decimals + 1, "0")
    whole, fraction = (digits[:-decimals], digits[-decimals:]) if decimals else (digits, "")
    style = _style(now_spoken())
    sign = _sign(money.currency, style)
    number = grouped(int(whole), money.currency, style.group_mark)
    return Amount(sign, number, fraction, style.decimal_mark, style.is_sign_last)


@dataclass(frozen=True, slots=True)
class _Style:
    """How a language writes amounts."""

    code: str
    decimal_mark: str
    group_mark: str
    is_sign_last: bool
    gap: str
    """What always stands between sign and figure."""


@lru_cache
def _style(code: str) -> _Style:
    locale = Locale.parse(LANGUAGES[code].locale)
    marks = locale.number_symbols["latn"]
    pattern = str(locale.currency_formats["standard"].pattern).partition(";")[0]
    # An amount runs from left to right in every script, and its sign comes first for whom it runs against the text.
    is_sign_last = pattern.endswith("¤") and locale.text_direction == "ltr"
    gap = NO_BREAK if NO_BREAK in pattern and locale.text_direction == "ltr" else ""
    return _Style(code, marks["decimal"], marks["group"], is_sign_last, gap)


def _sign(currency: str, style: _Style) -> str:
    """A currency's sign with what parts it from the figure: a code, or a sign that ends in a letter, stands apart."""
    sign = _named(currency, style.code)
    beside = sign[0] if style.is_sign_last else sign[-1]
    gap = style.gap or (NO_BREAK if beside.isalpha() else "")
    return f"{gap}{sign}" if style.is_sign_last else f"{sign}{gap}"


@lru_cache(maxsize=1_024)
def _named(currency: str, code: str) -> str:
    """The sign that readers of a language know a currency by; ours where they have none, or none that runs our way."""
    ours = SIGNS.get(currency, currency)
    theirs = str(Locale.parse(LANGUAGES[code].locale).currency_symbols.get(currency, currency))
    runs_against = any(unicodedata.bidirectional(letter) in ("R", "AL") for letter in theirs)
    return ours if code == ENGLISH or theirs == currency or runs_against else theirs


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
    return (amount if amount.fraction.strip("0") else replace(amount, fraction="")).text
