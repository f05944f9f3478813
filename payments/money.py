"""Amounts of money: an integer of minor units and a currency together. A float cannot get in."""

from dataclasses import dataclass
from decimal import Context, Decimal, Inexact
from typing import Self

from payments.errors import BadAmount, CurrencyNotSupported, TooManyDecimals

EXPONENT = {
    # ISO 4217 minor units. Own table: babel and moneyed follow CLDR, which gives IQD 0 where ISO says 3.
    "AED": 2, "AUD": 2, "BDT": 2, "BHD": 3, "BRL": 2, "CAD": 2, "CHF": 2, "CLP": 0, "CNY": 2, "CZK": 2,
    "DKK": 2, "EGP": 2, "EUR": 2, "GBP": 2, "HKD": 2, "HUF": 2, "IDR": 2, "ILS": 2, "INR": 2, "IQD": 3,
    "ISK": 0, "JOD": 3, "JPY": 0, "KES": 2, "KRW": 0, "KWD": 3, "LKR": 2, "LYD": 3, "MXN": 2, "MYR": 2,
    "NGN": 2, "NOK": 2, "NPR": 2, "NZD": 2, "OMR": 3, "PHP": 2, "PKR": 2, "PLN": 2, "QAR": 2, "RON": 2,
    "SAR": 2, "SEK": 2, "SGD": 2, "THB": 2, "TND": 3, "TRY": 2, "TWD": 2, "UAH": 2, "UGX": 0, "USD": 2,
    "VND": 0, "ZAR": 2,
}  # fmt: skip

_EXACT = Context(prec=200, traps=[Inexact])
"""Where the default context would round a long fraction away, this one refuses."""

MAX_MINOR = 10**12
"""Largest amount of one order, in minor units."""


@dataclass(frozen=True, slots=True)
class Money:
    """`minor` minor units (paise, cents) of an ISO 4217 `currency`."""

    minor: int
    currency: str

    @classmethod
    def parse(cls, amount: Decimal, currency: str, *, at_most: int = MAX_MINOR) -> Self:
        """Read an amount of major units exactly, or refuse it: nothing is ever rounded.

        Raises CurrencyNotSupported, BadAmount (not finite, not above zero, too large) or TooManyDecimals.
        `at_most` is the largest in minor units.
        """
        if currency not in EXPONENT:
            raise CurrencyNotSupported()
        if not amount.is_finite() or not 0 < amount <= at_most:
            raise BadAmount()
        try:
            scaled = amount.scaleb(EXPONENT[currency], context=_EXACT)
            whole = int(scaled.quantize(Decimal(1), context=_EXACT))
        except Inexact:
            raise TooManyDecimals(currency, EXPONENT[currency]) from None
        if whole > at_most:
            raise BadAmount()
        return cls(whole, currency)

    def as_major(self) -> Decimal:
        """The same amount in major units, with exactly the currency's decimals."""
        return Decimal(self.minor).scaleb(-EXPONENT[self.currency])

    def __str__(self) -> str:
        """299.99 INR, for messages; of a currency we do not know, the minor units."""
        if self.currency not in EXPONENT:
            return f"{self.minor} minor units of {self.currency}"
        return f"{self.as_major()} {self.currency}"
