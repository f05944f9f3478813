"""The script shops load from us: one address that never changes, so it is kept only briefly and asked after by ETag."""

import hashlib
from functools import lru_cache
from pathlib import Path

from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import condition, require_safe

MAX_AGE_S = 300


@lru_cache(maxsize=1)
def _script() -> tuple[str, str]:
    """The script, and its ETag."""
    path = finders.find("till.js")
    if not isinstance(path, str):
        raise FileNotFoundError("till.js")
    text = Path(path).read_text(encoding="utf-8")
    return text, f'"{hashlib.sha256(text.encode()).hexdigest()[:20]}"'


def _etag(request: HttpRequest) -> str:
    return _script()[1]


@condition(etag_func=_etag)
def _answer(request: HttpRequest) -> HttpResponse:
    return HttpResponse(_script()[0], content_type="text/javascript; charset=utf-8")


@require_safe
def shop_script(request: HttpRequest) -> HttpResponse:
    """The one answer of ours that pages of other origins may load, isolated ones too.

    A 304 says so again: browsers overwrite what they kept with its headers.
    """
    response = _answer(request)
    response["Cache-Control"] = f"public, max-age={MAX_AGE_S}"
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response
