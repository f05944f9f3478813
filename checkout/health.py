"""Probes: whether we live, whether we can serve, and whether somebody does the work behind."""

from collections.abc import Callable

from django.db import Error
from django.http import HttpRequest, HttpResponse

from payments import clock
from payments.services.workers import any_heard

Handler = Callable[[HttpRequest], HttpResponse]


class HealthMiddleware:
    """Answer probes before host check and redirect: they come by address. Strangers learn yes or no only."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path == "/healthz":
            return _answer("ok")
        if request.path == "/readyz":
            return readiness(needs_worker="worker" in request.GET)
        return self.get_response(request)


def readiness(*, needs_worker: bool) -> HttpResponse:
    """Ready while the database answers. A silent worker is said, but takes no web server off a balancer: they take
    payments without it. `needs_worker` is for monitors, who want to wake somebody.
    """
    try:
        is_heard = any_heard(at=clock.now())
    except Error:
        return _answer("not ready", status=503)
    said = f"ok\nworker: {'ok' if is_heard else 'silent'}\n"
    return _answer(said, status=503 if needs_worker and not is_heard else 200)


def _answer(text: str, *, status: int = 200) -> HttpResponse:
    return HttpResponse(text, status=status, content_type="text/plain")
