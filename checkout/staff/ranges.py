"""Filters with two ends: a period in days, a range of amounts. An end that cannot be read is said, and ignored."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from checkout.staff.terms import Figure, figure_of
from payments import clock
from payments.money import EXPONENT, MAX_MINOR

DAY_HINT = "Write a day like 2026-11-29."
AMOUNT_HINT = "Write an amount like 2,290.00, with its currency if you like: INR 2290."
UPSIDE_DOWN = "It ends before it begins, so nothing fits."


class Ends(admin.FieldListFilter):
    """A column between two ends, both included; each may be left open."""

    template = "staff/ends.html"
    names: tuple[str, str]
    """Parameters of the address."""
    labels: tuple[str, str]
    called: str
    kind = "text"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = self.called

    def expected_parameters(self) -> list[str | None]:
        return list(self.names)

    def choices(self, changelist: Any) -> Iterator[Any]:
        """Ready-made ranges, which are links. The form below them keeps everything else that was chosen."""
        mine = (*self.names, "e")
        self.kept = [(name, value) for name, values in changelist.filter_params.items() for value in values]
        self.kept = [(name, value) for name, value in self.kept if name not in mine]
        asked = tuple(self.asked(name) for name in self.names)
        for words, ends in [("Any", ("", "")), *self.offers()]:
            link = changelist.get_query_string({n: end or None for n, end in zip(self.names, ends, strict=True)})
            yield {"selected": asked == ends, "query_string": link, "display": words}

    def offers(self) -> list[tuple[str, tuple[str, str]]]:
        """Ranges with their words."""
        return []

    def asked(self, name: str) -> str:
        """One end as it stands in the address."""
        given: Any = self.used_parameters.get(name)
        return str(given[-1]).strip() if given else ""

    @property
    def fields(self) -> list[dict[str, str]]:
        """The two inputs of the form."""
        pairs = zip(self.names, self.labels, strict=True)
        return [{"name": name, "label": label, "value": self.asked(name)} for name, label in pairs]

    @property
    def is_used(self) -> bool:
        return any(self.asked(name) for name in self.names)

    @property
    def words(self) -> str:
        """What was asked for, as one line."""
        first, last = (self.asked(name) for name in self.names)
        return f"{first or '…'} to {last or '…'}" if first != last else first


class Period(Ends):
    """Rows of some days, in UTC like the lists themselves."""

    called, kind = "period", "date"
    names, labels = ("from", "to"), ("First day (UTC)", "Last day (UTC)")

    def offers(self) -> list[tuple[str, tuple[str, str]]]:
        today = clock.now().astimezone(UTC).date()
        last_month = today.replace(day=1) - timedelta(days=1)
        return [
            ("Today", (str(today), "")),
            ("Yesterday", (str(today - timedelta(days=1)),) * 2),
            ("Past 7 days", (str(today - timedelta(days=6)), "")),
            ("This month", (str(today.replace(day=1)), "")),
            ("Last month", (str(last_month.replace(day=1)), str(last_month))),
        ]

    @property
    def complaint(self) -> str:
        days = [self._day(name) for name in self.names]
        if any(self.asked(name) and day is None for name, day in zip(self.names, days, strict=True)):
            return DAY_HINT
        return UPSIDE_DOWN if days[0] and days[1] and days[1] < days[0] else ""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        first, last = (self._day(name) for name in self.names)
        if first is not None:
            queryset = queryset.filter(**{f"{self.field_path}__gte": _midnight(first)})
        if last is not None:
            queryset = queryset.filter(**{f"{self.field_path}__lt": _midnight(last + timedelta(days=1))})
        return queryset

    def _day(self, name: str) -> date | None:
        text = self.asked(name)
        try:
            day = date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII) else None
        except ValueError:
            return None
        return day if day and 1970 <= day.year <= 9998 else None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


class AmountRange(Ends):
    """Rows of some amounts, in major units. Where no currency is named, in each row's own."""

    called = "amount"
    names, labels = ("at_least", "at_most"), ("At least", "At most")

    @property
    def complaint(self) -> str:
        figures = [self._figure(name) for name in self.names]
        if any(self.asked(name) and figure is None for name, figure in zip(self.names, figures, strict=True)):
            return AMOUNT_HINT
        low, high = figures
        return UPSIDE_DOWN if low and high and high.number < low.number else ""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        low, high = (self._figure(name) for name in self.names)
        if low is not None:
            queryset = queryset.filter(_bound(low, f"{self.field_path}__gte", ROUND_CEILING))
        if high is not None:
            queryset = queryset.filter(_bound(high, f"{self.field_path}__lte", ROUND_FLOOR))
        return queryset

    def _figure(self, name: str) -> Figure | None:
        figure = figure_of(self.asked(name))
        return figure if figure and figure.number <= MAX_MINOR else None


def _bound(figure: Figure, lookup: str, rounding: str) -> Q:
    """On one side of a figure, in the minor units of each currency it can be in."""
    found = Q()
    for exponent in {EXPONENT[currency] for currency in figure.currencies}:
        minor = int(figure.number.scaleb(exponent).to_integral_value(rounding))
        known = [currency for currency in figure.currencies if EXPONENT[currency] == exponent]
        found |= Q(**{lookup: minor}, currency__in=known)
    return found
