"""Times in words, with a zone: "4:30 pm today (India time)"."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils import dateformat
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

ZONE_WORDS = {"Asia/Kolkata": "India", "UTC": "UTC"}


def zone_words(zone: str) -> str:
    """How people call a time zone: its country's or city's time."""
    if zone == "UTC":
        return "UTC"
    return _("%(place)s time") % {"place": ZONE_WORDS.get(zone, zone.rpartition("/")[2].replace("_", " "))}


def clock_time(moment: datetime, zone: str) -> str:
    """4:30 pm"""
    local = moment.astimezone(ZoneInfo(zone))
    half = _("am") if local.hour < 12 else _("pm")
    return f"{dateformat.format(local, 'g:i')}\u00a0{half}"


def date(moment: datetime, zone: str) -> str:
    """22 November 2026"""
    return dateformat.format(moment.astimezone(ZoneInfo(zone)), "j F Y")


def short_date(moment: datetime, zone: str) -> str:
    """22 Nov 2026"""
    return dateformat.format(moment.astimezone(ZoneInfo(zone)), "j M Y")


def stamp(moment: datetime, zone: str) -> str:
    """22 Nov 2026, 4:03 pm"""
    return f"{short_date(moment, zone)}, {clock_time(moment, zone)}"


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
