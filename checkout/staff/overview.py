"""The staff's overview: what is taken, what became of tries, what is open, what goes back and what is due.

Everything is one mode and one currency at a time. Its address is the question; whatever in it makes no sense counts as
not asked.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, QueryDict
from django.template.response import TemplateResponse
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_safe

from checkout.hosted.times import zone_words
from checkout.staff import overview_panels as panels
from checkout.staff.facts import may_view
from checkout.staff.overview_due import due_table
from payments import clock, figures
from payments.due import Due, settlement_due
from payments.figures import Period, Scope
from payments.models import Merchant, Payment, Refund, Settlement
from payments.money import EXPONENT
from payments.states import Mode

TITLE = "Overview"
PERIODS = {"today": ("Today", 1), "7": ("7 days", 7), "30": ("30 days", 30), "90": ("90 days", 90)}
DEFAULT_PERIOD = "30"


def may_overview(request: HttpRequest) -> bool:
    """Whether this person may see figures about payments."""
    return may_view(request, Payment)


@dataclass(frozen=True, slots=True)
class Seller:
    """What the page needs of a merchant."""

    pk: int
    name: str
    time_zone: str
    currency: str


@dataclass(frozen=True, slots=True)
class Question:
    """What the page is about. `merchant` None is all of them; `currency` may be empty until the figures are read."""

    period: str
    mode: Mode
    merchant: Seller | None
    currency: str

    @property
    def scope(self) -> Scope:
        return Scope(self.mode, self.merchant.pk if self.merchant else None)

    @property
    def values(self) -> dict[str, str]:
        """As the address says it."""
        told = {"period": self.period, "mode": self.mode.value, "currency": self.currency}
        return {name: value for name, value in told.items() if value} | (
            {"merchant": str(self.merchant.pk)} if self.merchant else {}
        )

    @property
    def url(self) -> str:
        return f"?{urlencode(self.values)}"


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the questions that differ from this one in one thing."""

    text: str
    url: str
    is_chosen: bool


def sellers() -> list[Seller]:
    """All merchants, by name."""
    rows = Merchant.objects.order_by("name", "pk").values_list("pk", "name", "time_zone", "currency")
    return [Seller(*row) for row in rows]


def read(asked: QueryDict, known: list[Seller]) -> Question:
    """What was asked, with the defaults for what was not: all merchants, real money once there is any, 30 days."""
    period = asked.get("period", "")
    currency = asked.get("currency", "")
    merchant = next((seller for seller in known if str(seller.pk) == asked.get("merchant")), None)
    mode = next((mode for mode in Mode if mode == asked.get("mode")), None)
    if mode is None:
        mode = Mode.LIVE if Payment.objects.filter(mode=Mode.LIVE).exists() else Mode.TEST
    return Question(
        period=period if period in PERIODS else DEFAULT_PERIOD,
        mode=mode,
        merchant=merchant,
        currency=currency if currency in EXPONENT else "",
    )


def zone_of(question: Question, known: Iterable[Seller]) -> str:
    """In whose days the page counts: the merchant's; of all merchants, those that most of them live by."""
    if question.merchant:
        return question.merchant.time_zone
    return _most_common((seller.time_zone for seller in known), "UTC")


def _most_common(words: Iterable[str], otherwise: str) -> str:
    """The one that comes most often, of equals the first in the alphabet."""
    counted = Counter(words)
    return min(counted, key=lambda word: (-counted[word], word), default=otherwise)


@dataclass(frozen=True, slots=True)
class Answer:
    """All figures of a mode, of every currency."""

    taken: list[figures.Taken]
    tries: figures.Tries
    not_known: figures.NotKnown
    refunds: dict[tuple[str, figures.RefundStage], figures.Refunded]
    due: list[Due]

    @property
    def currencies(self) -> set[str]:
        found = {row.currency for row in self.taken} | {row.currency for row in self.due}
        return found | {currency for currency, *_ in (*self.tries, *self.refunds)}

    def main_currency(self, known: list[Seller]) -> str:
        """The one in which most payments were taken or, failing that, tried; else the one that most merchants use."""
        taken: Counter[str] = Counter()
        for row in self.taken:
            taken[row.currency] += row.payments
        tried: Counter[str] = Counter()
        for (currency, *_), number in self.tries.items():
            tried[currency] += number
        counted = taken or tried or Counter(dict.fromkeys(self.currencies, 0))
        if counted:
            return min(counted, key=lambda currency: (-counted[currency], currency))
        return _most_common((seller.currency for seller in known), "INR")


def answer(scope: Scope, period: Period, *, sees_refunds: bool) -> Answer:
    """Ask the database: one statement for each kind of figure."""
    is_one_day = len(period.days) == 1
    return Answer(
        taken=figures.taken_by_hour(scope, period) if is_one_day else figures.taken_by_day(scope, period),
        tries=figures.tries(scope, period),
        not_known=figures.not_known(scope),
        refunds=figures.refunds(scope, period) if sees_refunds else {},
        due=settlement_due(scope, period),
    )


class Overview:
    """The page, on one admin site."""

    def __init__(self, site: admin.AdminSite) -> None:
        self.site = site

    @method_decorator(require_safe)
    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not may_overview(request):
            raise PermissionDenied
        context = self.site.each_context(request) | {"title": TITLE} | _context(request, at=clock.now())
        return TemplateResponse(request, "staff/overview.html", context)


def _context(request: HttpRequest, *, at: datetime) -> dict[str, Any]:
    known = sellers()
    question = read(request.GET, known)
    zone = zone_of(question, known)
    period = Period.ending_today(PERIODS[question.period][1], ZoneInfo(zone), at=at)
    sees_refunds = may_view(request, Refund)
    found = answer(question.scope, period, sees_refunds=sees_refunds)
    if not (found.currencies or found.not_known.payments) and not Payment.objects.exists():
        return {"is_new": True, "has_merchants": bool(known)}
    asked = question
    question = replace(question, currency=question.currency or found.main_currency(known))
    look = panels.Look(question.scope, period, question.currency, at)
    currencies = sorted(found.currencies | {question.currency})
    return {
        "question": question,
        "zone": f"{zone_words(zone)} ({zone})" if zone != "UTC" else zone,
        "periods": [
            Choice(text, replace(asked, period=key).url, key == question.period) for key, (text, _) in PERIODS.items()
        ],
        "modes": [
            Choice(mode.title(), replace(asked, mode=mode).url, mode == question.mode)
            for mode in (Mode.LIVE, Mode.TEST)
        ],
        "currencies": [
            Choice(currency, replace(question, currency=currency).url, currency == question.currency)
            for currency in currencies
        ],
        "merchants": known,
        "figures": panels.headlines(look, found.taken, found.tries, found.not_known, found.due, len(currencies) > 1),
        "taken": panels.taken_plot(look, found.taken),
        "methods": panels.methods_plot(look, found.tries),
        "refunds": panels.refunds_plot(look, found.refunds) if sees_refunds else None,
        "due": due_table(look, found.due, sees_settlements=may_view(request, Settlement)),
    }
