"""One style sheet a merchant: ours with the accent after it, under a name that changes with either, kept for ever."""

import hashlib
import re
from functools import lru_cache
from pathlib import Path

from django.contrib.staticfiles import finders
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.gzip import gzip_page

from checkout.hosted.accent import accent_css

SHEETS = ("hosted/tokens.css", "hosted/checkout.css")
_NAME = re.compile(r"([0-9a-f]{6}|ink)-([0-9a-f]{10})")


def _read(name: str) -> str:
    """A sheet of ours, from the source tree."""
    path = finders.find(name)
    if not isinstance(path, str):
        raise FileNotFoundError(name)
    return Path(path).read_text(encoding="utf-8")


def _squeezed(css: str) -> str:
    """Comments and indentation cost bytes on every customer's phone."""
    css = re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)
    return "\n".join(line.strip() for line in css.splitlines() if line.strip())


@lru_cache(maxsize=256)
def _sheet(colour: str) -> tuple[str, str]:
    """The sheet for an accent colour like #7a1f57, and its digest."""
    css = "\n".join([*(_squeezed(_read(name)) for name in SHEETS), accent_css(colour)])
    return css, hashlib.sha256(css.encode()).hexdigest()[:10]


def stylesheet_url(accent: str) -> str:
    """Where the sheet of an accent is; no accent means ink."""
    _, digest = _sheet(accent)
    return reverse("hosted:stylesheet", args=[f"{accent.lstrip('#') or 'ink'}-{digest}"])


@gzip_page
def stylesheet(request: HttpRequest, name: str) -> HttpResponse:
    """Serve a sheet. Any accent is computed, so there is nothing to look up; an old digest gets today's sheet."""
    found = _NAME.fullmatch(name)
    if found is None:
        raise Http404
    css, digest = _sheet("" if found[1] == "ink" else f"#{found[1]}")
    response = HttpResponse(css, content_type="text/css; charset=utf-8")
    is_current = found[2] == digest
    response["Cache-Control"] = "public, max-age=31536000, immutable" if is_current else "no-store"
    return response
