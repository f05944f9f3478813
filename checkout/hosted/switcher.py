"""The links of the language fold, the same on every page that stays at its own address."""

from functools import lru_cache

from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from checkout.languages import LANGUAGES


def language_links(address: str, current: str, *, stays: bool) -> SafeString:
    """A link to each language, in its own name; an empty address stays where the page is, as it is."""
    if address:
        return _links(f"{address}?lang=", current)
    return _links_here("?stay=1&lang=" if stays else "?lang=", current)


def _links(start: str, current: str) -> SafeString:
    rows = (
        (start, each.code, each.code, each.code, " aria-current=true" if each.code == current else "", each.own_name)
        for each in LANGUAGES.values()
    )
    return format_html_join("\n", '<li><a href="{}{}" lang="{}" hreflang="{}"{}>{}</a></li>', rows)


_links_here = lru_cache(_links)
