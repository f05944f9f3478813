"""The gallery and the pages in it. Without DEBUG there is no such address."""

from urllib.parse import urlencode

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

from checkout.gallery.states import GROUPS, STATES
from checkout.hosted.page import csp_over, respond
from checkout.middleware import page_csp
from checkout.speaking import now_spoken
from payments import clock

DIRECTIONS = {"ltr": "Left to right", "rtl": "Right to left"}


@require_safe
def gallery(request: HttpRequest) -> HttpResponse:
    """Every state in a frame of a phone's width, and a link to it alone. Frames run no scripts: the links do."""
    _only_with_debug()
    asked = _asked(request)
    query = f"?{urlencode(asked)}" if asked else ""
    groups = [
        (title, [(state, reverse("gallery:state", args=[state.name]) + query) for state in states])
        for title, states in GROUPS.items()
    ]
    switches = [
        _switch(asked, "lang", dict(settings.LANGUAGES), now_spoken()),
        _switch(asked, "dir", DIRECTIONS, asked.get("dir", "")),
    ]
    page = {"groups": groups, "switches": switches, "count": len(STATES)}
    response = render(request, "gallery/gallery.html", page)
    response["Content-Security-Policy"] = page_csp(frame_src="'self'")
    return response


@require_safe
@xframe_options_sameorigin
def show(request: HttpRequest, name: str) -> HttpResponse:
    """One state as a customer sees it, but that it never leads on by itself."""
    _only_with_debug()
    if name not in STATES:
        raise Http404
    page = STATES[name].make(clock.now())
    page.refresh = ""
    page.direction = _asked(request).get("dir", page.direction)
    response = respond(request, page)
    response["Content-Security-Policy"] = page_csp(**csp_over(page), frame_ancestors="'self'")
    return response


def _only_with_debug() -> None:
    if not settings.DEBUG:
        raise Http404


def _asked(request: HttpRequest) -> dict[str, str]:
    """The switches that are on."""
    known = {"lang": dict(settings.LANGUAGES), "dir": DIRECTIONS}
    return {name: request.GET[name] for name in known if request.GET.get(name) in known[name]}


def _switch(asked: dict[str, str], name: str, choices: dict[str, str], chosen: str) -> list[tuple[str, str, bool]]:
    """Links that turn one switch and leave the others: label, address, whether it is on."""
    return [(label, f"?{urlencode({**asked, name: value})}", value == chosen) for value, label in choices.items()]
