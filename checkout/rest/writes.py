"""Writes that may be repeated: with an idempotency key the same request is done once and answered alike."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse

from checkout.rest.errors import on_refusal
from payments import clock
from payments.errors import PaymentsError
from payments.models import ApiKey
from payments.services import idempotency
from payments.wire import as_json

Told = tuple[str, dict[str, Any]]
"""The public id of what a write made or changed, and the entity to answer with."""


def answer(told: Any) -> HttpResponse:
    """What the wire answers: always 200, because its clients take no other success."""
    return HttpResponse(as_json(told), content_type="application/json")


def idempotency_key(request: HttpRequest) -> str | None:
    """The caller's own name of this write, if it has one: in the wire's header, or in the IETF draft's."""
    found: str | None = request.headers.get("x-idempotency-key", request.headers.get("idempotency-key"))
    return found


def under_key(response: HttpResponse, key: str, *, is_replay: bool) -> HttpResponse:
    """Say with an answer which write it is of, and whether that was done before."""
    response["x-idempotency-key"] = key
    response["x-idempotency-replayed"] = "true" if is_replay else "false"
    return response


def write(
    request: HttpRequest, effect: Callable[[], Told], *, finish: Callable[[str], dict[str, Any]] | None = None
) -> HttpResponse:
    """Do a write and answer with its entity, under the caller's idempotency key if there is one.

    `effect` runs in one transaction with the key's row; `finish` is what has to stand outside, and gives the entity.
    """
    key = idempotency_key(request)
    if key is None:
        resource, entity = effect()
        return answer(finish(resource) if finish else entity)
    return _write_once(request, key, effect, finish)


def _write_once(
    request: HttpRequest, key: str, effect: Callable[[], Told], finish: Callable[[str], dict[str, Any]] | None
) -> HttpResponse:
    def kept_effect() -> idempotency.Answer:
        try:
            resource, entity = effect()
        except PaymentsError as refusal:
            refused = on_refusal(request, refusal)
            raise idempotency.Refused(idempotency.Answer(refused.content, str(refused.status_code))) from None
        return idempotency.Answer(as_json(entity).encode(), resource=resource)

    def kept_finish(resource: str) -> idempotency.Answer:
        assert finish is not None  # noqa: S101  (given only where there is one)
        return idempotency.Answer(as_json(finish(resource)).encode(), resource=resource)

    api_key: ApiKey = request.auth  # type: ignore[attr-defined]
    asked = idempotency.Request(api_key, key, f"{request.method} {request.path}", request.body)
    known = idempotency.once(asked, kept_effect, at=clock.now(), finish=kept_finish if finish else None)
    response = HttpResponse(known.body, content_type="application/json", status=int(known.code or 200))
    response.is_wire_error = bool(known.code)  # type: ignore[attr-defined]
    return under_key(response, key, is_replay=known.is_replay)
