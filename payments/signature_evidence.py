"""What we keep that can explain a signature: secrets, the delivery, and what else was sent to that merchant."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from payments import crypto
from payments.models import ApiKey, Delivery, DeliveryTry, Merchant
from payments.signature_mistakes import Clues, Secret
from payments.states import Mode

_OTHER_KEYS = 200
_OTHER_DELIVERIES = 50
_TRIES = 20


@dataclass(frozen=True, slots=True)
class Evidence:
    """The secrets a signature of this merchant may be made with, the newest first, and what else is known."""

    secrets: tuple[Secret, ...]
    clues: Clues


def evidence(merchant: Merchant, mode: Mode, message_id: str) -> Evidence:
    """All that we keep about one merchant's signatures and the delivery of that id, if it is this merchant's."""
    own = ApiKey.objects.filter(merchant=merchant).order_by("-created_at", "-pk")
    current = tuple(_secrets(own.filter(mode=mode, revoked_at=None), "active key"))
    wrong = [
        *_secrets(own.filter(mode=mode, revoked_at__isnull=False), "revoked key", "key-old"),
        *_secrets(own.exclude(mode=mode), "key", "key-of-other-mode"),
        *_secrets(_of_others(merchant), "key", "key-of-other-merchant"),
    ]
    mine = Delivery.objects.filter(merchant=merchant, mode=mode)
    delivery = mine.filter(uid=message_id).first() if message_id else None
    others = mine.exclude(uid=message_id).order_by("-made_at")[:_OTHER_DELIVERIES]
    clues = Clues(
        secrets=wrong,
        deliveries={uid: body.encode() for uid, body in others.values_list("uid", "body")},
        tries=_tries(delivery) if delivery else [],
        stored=delivery.body.encode() if delivery else None,
    )
    return Evidence(current, clues)


def _of_others(merchant: Merchant) -> Iterable[ApiKey]:
    return (
        ApiKey.objects.exclude(merchant=merchant).filter(revoked_at=None).order_by("-created_at", "-pk")[:_OTHER_KEYS]
    )


def _secrets(keys: Iterable[ApiKey], kind: str, mistake: str = "") -> Iterator[Secret]:
    for key in keys:
        try:
            value = crypto.decrypt(key.secret_ciphertext, context=key.secret_context)
        except crypto.Undecryptable:
            continue  # such a key signs nothing either
        yield Secret(f"{kind} {key.client_id}", value, client_id=key.client_id, mistake=mistake)


def _tries(delivery: Delivery) -> list[tuple[datetime, timedelta]]:
    rows = DeliveryTry.objects.filter(delivery=delivery).order_by("-number")[:_TRIES]
    return [(row.at, timedelta(milliseconds=row.duration_ms)) for row in rows]
