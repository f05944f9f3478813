"""The links of the language fold, the same on every page that stays at its own address."""

from functools import lru_cache

from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from checkout.languages import LANGUAGES


def language_links(address: str, current: str) -> SafeString:
    """A link to each language, in its own name; an empty address stays where the page is."""
    return _links_here(current) if not address else _links(address, current)


def _links(address: str, current: str) -> SafeString:
    rows = (
        (address, each.code, each.code, each.code, " aria-current=true" if each.code == current else "", each.own_name)
        for each in LANGUAGES.values()
    )
    return format_html_join("\n", '<li><a href="{}?lang={}" lang="{}" hreflang="{}"{}>{}</a></li>', rows)


@lru_cache
def _links_here(current: str) -> SafeString:
    return _links("", current)
