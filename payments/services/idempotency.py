"""The same request twice is done once: its key is a row, written in the transaction of its effect.

After the IETF draft "The Idempotency-Key HTTP Header Field": the merchant is part of the key, another body under the
same key is refused, and what was answered is answered again, byte for byte.
"""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from payments.errors import BadInput, IdempotencyMismatch, StillRunning
from payments.models import ApiKey, IdempotencyKey

BATCH = 1_000
"""Rows deleted in one statement: a long one would run into the database's time limit and hold writers up."""
TAKEN_OVER_AFTER = timedelta(seconds=60)
"""From when on a request without an answer counts as dead, so that the same again finishes what it began."""
_KEY = re.compile(r"[\x21-\x7e]{1,255}")


@dataclass(frozen=True, slots=True)
class Request:
    """One write: whose, under which key, and what exactly was asked."""

    api_key: ApiKey
    key: str
    call: str
    body: bytes

    @property
    def fingerprint(self) -> bytes:
        return hashlib.sha256(self.call.encode() + b"\n" + self.body).digest()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a write was answered. `code` is empty for a success; `resource` is the public id of what it made."""

    body: bytes
    code: str = ""
    resource: str = ""
    is_replay: bool = False


class Refused(Exception):
    """Thrown by an effect to undo what it did and still have its refusal kept as the answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.code)
        self.answer = answer


def check_key(key: str) -> None:
    """Refuse a key that is no printable ASCII of at most 255 characters. Raises BadInput."""
    if not _KEY.fullmatch(key):
        raise BadInput(
            "x-idempotency-key",
            "idempotency_key_invalid",
            "x-idempotency-key: write 1 to 255 printable ASCII characters without spaces.",
        )


def once(
    request: Request, effect: Callable[[], Answer], *, at: datetime, finish: Callable[[str], Answer] | None = None
) -> Answer:
    """Do the effect and keep its answer, or give the answer it had before.

    The key's row is the first write of the effect's transaction, so two requests at once queue up behind it and a
    crash leaves both or neither. Any other exception than Refused undoes everything and is not kept.
    `finish` is what cannot stand in that transaction, such as a call of a gateway: it gets the resource the effect
    made, gives the answer, and must be harmless when done twice.
    Raises BadInput for an odd key, IdempotencyMismatch for another request under a used key, StillRunning.
    """
    check_key(request.key)
    try:
        answer = _first(request, effect, at=at, is_whole=finish is None)
    except _SeenBefore:
        known = _again(request, at=at, finish=finish)
        return known or once(request, effect, at=at, finish=finish)  # forgotten in this very moment: it is new again
    except Refused as refusal:
        return _keep_refusal(request, refusal.answer, at=at)
    return answer if finish is None else _finish(request, answer.resource, finish)


class _SeenBefore(Exception):
    """The key has a row already."""


def _insert(request: Request, *, at: datetime) -> IdempotencyKey:
    try:
        with transaction.atomic():
            return IdempotencyKey.objects.create(
                merchant_id=request.api_key.merchant_id,
                mode=request.api_key.mode,
                key=request.key,
                fingerprint=request.fingerprint,
                created_at=at,
            )
    except IntegrityError:
        raise _SeenBefore from None


def _first(request: Request, effect: Callable[[], Answer], *, at: datetime, is_whole: bool) -> Answer:
    with transaction.atomic():
        row = _insert(request, at=at)
        answer = effect()
        kept = answer.body if is_whole else None
        IdempotencyKey.objects.filter(pk=row.pk).update(answer=kept, resource=answer.resource)
        return answer


def _mine(request: Request) -> QuerySet[IdempotencyKey]:
    api_key = request.api_key
    return IdempotencyKey.objects.filter(merchant_id=api_key.merchant_id, mode=api_key.mode, key=request.key)


def _finish(request: Request, resource: str, finish: Callable[[str], Answer]) -> Answer:
    answer = finish(resource)
    if _mine(request).filter(answer=None).update(answer=answer.body, code=answer.code) != 1:
        return _kept(_mine(request).first()) or answer  # somebody else finished it meanwhile: theirs was told first
    return answer


def _kept(row: IdempotencyKey | None) -> Answer | None:
    """What a write was answered, if it was yet."""
    if row is None or row.answer is None:
        return None
    return Answer(bytes(row.answer), row.code, row.resource, is_replay=True)


def _again(request: Request, *, at: datetime, finish: Callable[[str], Answer] | None) -> Answer | None:
    """The answer this key has, or nothing if it was just forgotten."""
    row = _mine(request).first()
    if row is None:
        return None
    if bytes(row.fingerprint) != request.fingerprint:
        raise IdempotencyMismatch(
            "idempotency_error: this x-idempotency-key was used for another request; take a new key for a new one."
        )
    kept = _kept(row)
    if kept is not None:
        return kept
    if finish is None or row.created_at > at - TAKEN_OVER_AFTER:
        raise StillRunning("request_running: the same request is being worked on; send it again in a minute.")
    return replace(_finish(request, row.resource, finish), is_replay=True)


def _keep_refusal(request: Request, answer: Answer, *, at: datetime) -> Answer:
    """Store a refusal after its effect was undone; if the same request came in between, its answer stands."""
    try:
        with transaction.atomic():
            row = _insert(request, at=at)
            IdempotencyKey.objects.filter(pk=row.pk).update(answer=answer.body, code=answer.code)
    except _SeenBefore:
        return _again(request, at=at, finish=None) or answer
    return answer


def forget_outdated_keys(*, at: datetime) -> int:
    """Delete the keys that are kept no longer, and say how many."""
    forgotten = 0
    while batch := list(IdempotencyKey.objects.outdated(at=at).values_list("pk", flat=True)[:BATCH]):
        forgotten += IdempotencyKey.objects.filter(pk__in=batch).delete()[0]
    return forgotten
