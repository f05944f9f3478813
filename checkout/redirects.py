"""Where to look after a POST."""

from django.conf import settings
from django.http import HttpResponseRedirect


class SeeOther(HttpResponseRedirect):
    """303: whatever was posted, look at this page with GET."""

    status_code = 303


def own_path(url: str) -> str:
    """An address on our own origin as a path, so that a browser stays on the host it uses; others unchanged."""
    path = url.removeprefix(settings.PUBLIC_URL)
    return path if is_own(path) else url


def is_own(path: str) -> bool:
    """Whether a browser that follows this stays on our origin."""
    return path.startswith("/") and not path.startswith("//")
