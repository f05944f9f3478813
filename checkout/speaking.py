"""Which language a customer reads: the one asked for, else the order's, the merchant's, the browser's, else English.

The one asked for, `?lang=`, stays in every address of the journey, so that it outlives scripts and cookies.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.core.exceptions import TooManyFieldsSent
from django.http import HttpRequest
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation.trans_real import parse_accept_lang_header

from checkout.languages import ENGLISH, known
from payments.models import Order

PARAMETER = "lang"
_asked: ContextVar[str] = ContextVar("asked_language", default="")


@contextmanager
def speaking_to(request: HttpRequest) -> Iterator[None]:
    """Speak the language that the address asks for, or the browser's: all that is known before there is an order."""
    try:
        asked = known(request.GET.get(PARAMETER, ""))
    except TooManyFieldsSent:  # the refusal that follows is spoken in the browser's language
        asked = ""
    token = _asked.set(asked)
    try:
        with translation.override(asked or _of_browser(request) or ENGLISH):
            yield
    finally:
        _asked.reset(token)


def _of_browser(request: HttpRequest) -> str:
    """The first language in the browser's own order that we speak."""
    tags = (tag for tag, weight in parse_accept_lang_header(request.headers.get("accept-language", "")) if weight)
    return next(filter(None, map(known, tags)), "")


def asked_language() -> str:
    """What `?lang=` asked for in this request, if we speak it."""
    return _asked.get()


def turn_to(order: Order) -> None:
    """Once the order is known, go on in its language, unless the address asks for another."""
    code = language_of(order)
    if code and not asked_language():
        translation.activate(code)  # till `speaking_to` puts back what was before


def language_of(order: Order) -> str:
    """The order's language, else its merchant's; nothing where neither has one that we speak."""
    return known(order.language) or known(order.merchant.language)


def labelled(label: object, value: object) -> str:
    """A value after what it is: "Order: PTG-1042", with the colon and the space that the language writes."""
    return _("%(label)s: %(value)s") % {"label": label, "value": value}


def isolated(name: str) -> str:
    """A name inside a sentence, kept in one piece ("Kite & Sons (P) Ltd.") where that is read from right to left."""
    return f"\u2068{name}\u2069" if translation.get_language_bidi() else name


def now_spoken() -> str:
    """The code of the language spoken now."""
    return known(translation.get_language() or "") or ENGLISH
