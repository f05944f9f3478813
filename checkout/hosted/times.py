"""Times in words, with a zone, as the language spoken now has them: "4:30 pm today (India time)", "heute um 16:30"."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_time
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from checkout.languages import ENGLISH, LANGUAGES
from checkout.speaking import now_spoken

KNOWN_BY_COUNTRY = {"Asia/Kolkata": "IN", "Asia/Calcutta": "IN"}
"""Zones that people call by their country's name; all others are known by their city's."""


def _locale() -> Locale:
    return Locale.parse(LANGUAGES[now_spoken()].locale)


def zone_words(zone: str) -> str:
    """How people call a time zone: its country's or city's time."""
    return "UTC" if zone == "UTC" else _("%(place)s time") % {"place": _place(zone)}


def _place(zone: str) -> str:
    locale = _locale()
    if zone in KNOWN_BY_COUNTRY:
        return str(locale.territories[KNOWN_BY_COUNTRY[zone]])
    return str(locale.time_zones.get(zone, {}).get("city") or zone.rpartition("/")[2].replace("_", " "))


def clock_time(moment: datetime, zone: str) -> str:
    """4:30 pm, or 16:30 where the clock has 24 hours"""
    time = format_time(moment.astimezone(ZoneInfo(zone)), "short", locale=_locale())
    return "\u00a0".join(time.lower().split())


def date(moment: datetime, zone: str) -> str:
    """22 November 2026"""
    return _date(moment, zone, "d MMMM y", "long")


def short_date(moment: datetime, zone: str) -> str:
    """22 Nov 2026"""
    return _date(moment, zone, "d MMM y", "medium")


def _date(moment: datetime, zone: str, in_english: str, elsewhere: str) -> str:
    # Day before month also in our English, which is read far outside the United States.
    pattern = in_english if now_spoken() == ENGLISH else elsewhere
    return format_date(moment.astimezone(ZoneInfo(zone)), pattern, locale=_locale())


def stamp(moment: datetime, zone: str) -> str:
    """22 Nov 2026, 4:03 pm"""
    words = (clock_time(moment, zone), short_date(moment, zone))
    return str(_locale().datetime_formats["medium"]).format(*words)


def moment_words(moment: datetime, zone: str, *, at: datetime) -> str:
    """4:30 pm today, 4:30 pm tomorrow, or 4:30 pm on 29 November 2026."""
    day = moment.astimezone(ZoneInfo(zone)).date()
    today = at.astimezone(ZoneInfo(zone)).date()
    words = {"time": clock_time(moment, zone), "date": date(moment, zone)}
    if day == today:
        return _("%(time)s today") % words
    if day == today + timedelta(days=1):
        return _("%(time)s tomorrow") % words
    return _("%(time)s on %(date)s") % words


def with_moment(sentence: str, moment: datetime, zone: str, *, at: datetime, **words: str) -> SafeString:
    """Fill `{moment}`, emphasised, `{zone}` and further words, escaped, into a translated sentence."""
    strong = format_html("<strong>{}</strong>", moment_words(moment, zone, at=at))
    return format_html(sentence, moment=strong, zone=zone_words(zone), **words)


def with_date(sentence: str, moment: datetime, zone: str, **words: str) -> SafeString:
    """Fill `{date}`, emphasised, and further words, escaped, into a translated sentence."""
    return format_html(sentence, date=format_html("<strong>{}</strong>", date(moment, zone)), **words)
