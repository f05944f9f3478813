"""Secrets at rest move under the newest key, so that an older one may be forgotten."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import models, transaction

from payments import crypto
from payments.models import ApiKey, GatewayAccount, SecondFactor

SEALED: dict[type[models.Model], tuple[str, str]] = {
    ApiKey: ("secret_ciphertext", "secret_context"),
    GatewayAccount: ("credentials_ciphertext", "credentials_context"),
    SecondFactor: ("secret", "secret_context"),
}
"""Every column that `crypto.encrypt` fills, by its table, and the property that names what it is bound to."""


@dataclass(slots=True)
class Rotated:
    """What became of one table's secrets."""

    model: type[models.Model]
    moved: int = 0
    newest_already: int = 0
    unreadable: int = 0


def rotate_field_keys() -> Iterator[Rotated | crypto.Undecryptable]:
    """Seal every secret with the newest key that another one opens: each table's count, and before it what none opens.

    Each row is a transaction of its own under its lock, so the work may be cut off at any point and done again, while
    staff enter credentials and payments go on.
    """
    for model in SEALED:
        done = Rotated(model)
        for pk in list(model._default_manager.order_by("pk").values_list("pk", flat=True)):
            try:
                is_moved = _rotate(model, pk)
            except crypto.Undecryptable as closed:
                done.unreadable += 1
                yield closed
            else:
                done.moved += is_moved is True
                done.newest_already += is_moved is False
        yield done


def _rotate(model: type[models.Model], pk: int) -> bool | None:
    """Whether the row's secret had to move; None where it has none. Raises Undecryptable."""
    column, bound_to = SEALED[model]
    with transaction.atomic():
        row = model._default_manager.select_for_update(no_key=True).filter(pk=pk).first()
        ciphertext = getattr(row, column, None)
        if ciphertext is None:
            return None
        context = getattr(row, bound_to)
        if crypto.is_newest(ciphertext, context=context):
            return False
        sealed = crypto.encrypt(crypto.decrypt(ciphertext, context=context), context=context)
        model._default_manager.filter(pk=pk).update(**{column: sealed})
    return True
