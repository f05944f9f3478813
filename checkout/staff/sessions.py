"""What a session of staff remembers: since when it is there, when it was last used, and by what its owner is known."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme

from payments.models import SecondFactor
from payments.services.staff_access import factor_of

SIGNED_IN, SEEN, PROVED, FACTOR = "signed_in_at", "seen_at", "proved_at", "second_factor"
FRESH_FOR = timedelta(minutes=5)
"""How long a password or code that was typed lets people move money without asking again."""
SEEN_AGAIN = timedelta(seconds=10)
"""Requests nearer to each other than this are one: a page and what it loads need not each write the session."""


def begin(request: HttpRequest, *, at: datetime) -> None:
    """Somebody has just typed their password. Django has made the session's key anew."""
    for name in (SIGNED_IN, SEEN, PROVED):
        request.session[name] = at.timestamp()
    request.session.pop(FACTOR, None)


def pass_second_step(request: HttpRequest, *, at: datetime) -> None:
    """Somebody has shown their second factor as well: the session goes on under a new key."""
    forget_factor(request)
    factor = own_factor(request)
    request.session.cycle_key()
    request.session[FACTOR] = _mark(factor)
    request.session[PROVED] = at.timestamp()


def prove(request: HttpRequest, *, at: datetime) -> None:
    """Somebody has proved again who they are."""
    request.session.cycle_key()
    request.session[PROVED] = at.timestamp()


def is_fresh(request: HttpRequest, *, at: datetime) -> bool:
    """Whether the last proof is recent enough to move money by it."""
    proved = _time(request, PROVED)
    return proved is not None and timedelta(0) <= at - proved <= FRESH_FOR


def why_over(request: HttpRequest, *, at: datetime) -> str:
    """Why a session ends here, or nothing, and then it was used now: `idle`, `old`, or `reset`."""
    if _time(request, SIGNED_IN) is None:  # of a release that did not write this down
        request.session[SIGNED_IN] = at.timestamp()
    signed_in, seen = _time(request, SIGNED_IN) or at, _time(request, SEEN) or at
    if at - seen > timedelta(minutes=settings.STAFF_IDLE_MINUTES):
        return "idle"
    if at - signed_in > timedelta(seconds=settings.SESSION_COOKIE_AGE):
        return "old"
    factor = own_factor(request)
    if factor is not None and factor.sessions_from is not None and signed_in <= factor.sessions_from:
        return "reset"
    if SEEN not in request.session or at - seen >= SEEN_AGAIN:
        request.session[SEEN] = at.timestamp()
    return ""


def own_factor(request: HttpRequest) -> SecondFactor | None:
    """The second factor of whoever is signed in; read once a request."""
    known: dict[str, SecondFactor | None] = request.__dict__.setdefault("_till_factor", {})
    if "own" not in known:
        known["own"] = factor_of(request.user.pk or 0)
    return known["own"]


def forget_factor(request: HttpRequest) -> None:
    """It has changed: read it again."""
    request.__dict__.pop("_till_factor", None)


def is_enrolled(request: HttpRequest) -> bool:
    factor = own_factor(request)
    return factor is not None and factor.enrolled_at is not None


def second_step_due(request: HttpRequest) -> bool:
    """Whether this session may do nothing yet but show a second factor, or enrol one."""
    if is_enrolled(request):
        return request.session.get(FACTOR) != _mark(own_factor(request))
    return bool(settings.STAFF_SECOND_FACTOR)


def way_on(asked: str, home: str) -> str:
    """Where somebody wanted to go, if that is a page below `home`, else that: never another host's."""
    is_ours = asked.startswith(home) and url_has_allowed_host_and_scheme(asked, allowed_hosts=None)
    return asked if is_ours else home


def _mark(factor: SecondFactor | None) -> str:
    """Which app a session was opened with: another one opens it no more."""
    return factor.enrolled_at.isoformat() if factor and factor.enrolled_at else ""


def _time(request: HttpRequest, name: str) -> datetime | None:
    kept: Any = request.session.get(name)
    return datetime.fromtimestamp(kept, UTC) if isinstance(kept, int | float) else None
