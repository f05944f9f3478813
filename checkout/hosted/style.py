"""One style sheet a merchant: ours, its accent and its logo, under a name that changes with each, kept for ever.

The logo stands in it as a data: URI, so that it costs the page no request. The page names the logo by its digest alone
and reads no picture; who asks for a sheet needs to know that digest, and learns nothing but the picture.
"""

import hashlib
import re
from base64 import b64encode
from functools import lru_cache
from pathlib import Path

from django.contrib.staticfiles import finders
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

from checkout.hosted.accent import accent_css
from payments.logos import DIGEST_LENGTH, digest_of
from payments.selectors import find_logo

LOGO_RULE = ".logo{background:#fff url(data:image/webp;base64,%s) center/100%%;font-size:0}"
SHEETS = ("hosted/tokens.css", "hosted/checkout.css")
_NAME = re.compile(rf"([0-9a-f]{{6}}|ink)-([0-9a-f]{{10}})(?:-([0-9a-f]{{{DIGEST_LENGTH}}}))?")


def _read(name: str) -> str:
    """A sheet of ours, from the source tree."""
    path = finders.find(name)
    if not isinstance(path, str):
        raise FileNotFoundError(name)
    return Path(path).read_text(encoding="utf-8")


def _squeezed(css: str) -> str:
    """Comments and spaces cost bytes on every customer's phone."""
    css = re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)
    css = re.sub(r"\s*([{};,])\s*", r"\1", css.strip())
    return re.sub(r":\s+", ":", css).replace(";}", "}")


@lru_cache(maxsize=256)
def _sheet(colour: str) -> tuple[str, str]:
    """The sheet for an accent colour like #7a1f57, and its digest."""
    css = "\n".join([*(_squeezed(_read(name)) for name in SHEETS), accent_css(colour)])
    return css, hashlib.sha256(f"{css}{LOGO_RULE}".encode()).hexdigest()[:10]


def base_sheet(colour: str) -> str:
    """The sheet for an accent colour, without any logo."""
    return _sheet(colour)[0]


def logo_css(picture: bytes) -> str:
    """The rule that puts a logo in place of the merchant's initial; nothing for no logo."""
    if not picture:
        return ""
    image = b64encode(picture).decode()
    return LOGO_RULE % image


def stylesheet_url(accent: str, logo: str = "") -> str:
    """Where the sheet of an accent and of a logo's digest is; no accent means ink."""
    _, digest = _sheet(accent)
    parts = [accent.lstrip("#") or "ink", digest, *([logo] if logo else [])]
    return reverse("hosted:stylesheet", args=["-".join(parts)])


@require_safe
@gzip_page
def stylesheet(request: HttpRequest, name: str) -> HttpResponse:
    """Serve a sheet. Any accent is computed; an old digest gets today's sheet, and one of no logo the initial."""
    found = _NAME.fullmatch(name)
    if found is None:
        raise Http404
    css, digest = _sheet("" if found[1] == "ink" else f"#{found[1]}")
    logo = find_logo(found[3]) if found[3] else b""
    response = HttpResponse("\n".join(filter(None, [css, logo_css(logo)])), content_type="text/css; charset=utf-8")
    is_current = found[2] == digest and (found[3] or "") == digest_of(logo)
    response["Cache-Control"] = "public, max-age=31536000, immutable" if is_current else "no-store"
    return response
