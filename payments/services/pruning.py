"""What is kept for a while only. Events, payments and the ledger are kept for ever."""

from datetime import datetime

from django.db import transaction

from payments.models import Delivery, DeliveryTry
from payments.selectors import outdated_deliveries, outdated_pauses

BATCH = 1_000
"""Rows deleted in one transaction: a long one would run into the database's time limit and hold writers up."""
BATCHES_A_RUN = 20
"""Then other work has its turn; the rest comes up again at once."""


def prune(*, at: datetime) -> int:
    """Delete deliveries that ended long ago, with their tries, and pauses long over; say how many deliveries."""
    outdated_pauses(at=at).delete()
    pruned = 0
    for _ in range(BATCHES_A_RUN):
        batch = _prune_batch(at=at)
        pruned += batch
        if batch < BATCH:
            break
    return pruned


def _prune_batch(*, at: datetime) -> int:
    with transaction.atomic():
        # Locked, so that none is replayed meanwhile; what another worker prunes is passed over.
        outdated = outdated_deliveries(at=at).select_for_update(skip_locked=True)
        batch = list(outdated.order_by("completed_at").values_list("pk", flat=True)[:BATCH])
        DeliveryTry.objects.filter(delivery__in=batch).delete()
        Delivery.objects.filter(pk__in=batch).delete()
    return len(batch)
