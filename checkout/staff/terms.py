"""What people type into a search box or an address, and the ways in which it can be read."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from checkout.amounts import SIGNS
from payments import fields
from payments.errors import BadInput, PaymentsError
from payments.models import Merchant
from payments.money import EXPONENT, Money

LONGEST = 100
"""Characters of the longest id or address that any column holds."""
_FIGURE = r"(?:\d{1,3}(?:,\d{2,3})*,\d{3}|\d+)(?:\.\d+)?"
_AMOUNT = re.compile(rf"(?P<before>\D{{1,3}}?)??\s*(?P<figure>{_FIGURE})\s*(?P<behind>[A-Za-z]{{3}})?", re.ASCII)
_BY_SIGN = {sign: currency for currency, sign in SIGNS.items()}


def key_of(text: str) -> int | None:
    """A row's key, or None for what cannot be one, so that nonsense never reaches the database."""
    is_key = text.isascii() and text.isdecimal() and len(text) <= 18
    return int(text) if is_key else None


@dataclass(frozen=True, slots=True)
class Figure:
    """An amount of major units, and the currencies it can be in."""

    number: Decimal
    currencies: tuple[str, ...]

    def monies(self) -> Iterable[tuple[int, list[str]]]:
        """The same in minor units, once for each number of decimals, with the currencies that have so many."""
        found: dict[int, list[str]] = {}
        for currency in self.currencies:
            try:
                found.setdefault(Money.parse(self.number, currency).minor, []).append(currency)
            except PaymentsError:
                continue
        return found.items()


def figure_of(text: str) -> Figure | None:
    """An amount as people write it: 2290, 2,290.00, ₹2,290, INR 2290. None for what is no amount."""
    match = _AMOUNT.fullmatch(text.strip().replace("\u00a0", " "))
    if match is None or len(text) > LONGEST:
        return None
    number = Decimal(match["figure"].replace(",", ""))
    named = [word.strip() for word in (match["before"], match["behind"]) if word and word.strip()]
    if not named:
        return Figure(number, tuple(EXPONENT))
    currency = _BY_SIGN.get(named[0], named[0].upper())
    is_known = currency in EXPONENT and len(named) == 1
    return Figure(number, (currency,)) if is_known else None


class Term:
    """What somebody looks for. It is rarely clear what it is: a run of digits may be five things at once."""

    def __init__(self, text: str) -> None:
        self.text = text.strip()

    @property
    def id(self) -> str:
        """As the id of something, whoever gave it; empty where no id is written so."""
        is_id = len(self.text) <= LONGEST and re.fullmatch(r"[\x21-\x7e]+", self.text) and "@" not in self.text
        return self.text if is_id else ""

    @property
    def key(self) -> int | None:
        return key_of(self.text)

    @property
    def email(self) -> str:
        is_address = len(self.text) <= LONGEST and re.fullmatch(r"[^\s@]+@[^\s@]+", self.text)
        return self.text if is_address else ""

    @cached_property
    def phones(self) -> list[str]:
        """As phone numbers in E.164: without a country code it may be one in each region that merchants are in."""
        if not re.fullmatch(r"[0-9+() .-]{4,30}", self.text):
            return []
        found = set()
        for region in Merchant.objects.order_by("region").values_list("region", flat=True).distinct():
            try:
                found.add(fields.phone(self.text, region=region))
            except BadInput:
                continue
        return sorted(found)

    @property
    def amount(self) -> Figure | None:
        return figure_of(self.text)
