"""Whether a gateway takes attempts: one that does not, time and again, is tried after the others for a while.

It stands on the account's own row, which every payment reads anyhow: an attempt that is answered costs no statement.
"""

import logging
from datetime import datetime, timedelta

from django.db.models import Case, F, When

from payments.models import GatewayAccount

log = logging.getLogger(__name__)

FAILURES_IN_ROW = 5
"""Attempts that it did not take or did not answer, with none between them that it did."""
WITHIN = timedelta(minutes=5)
"""From one failure to the next: an older one is forgotten."""
REST = timedelta(minutes=1)
"""After that one attempt is let through; if it fails too, the rest begins again."""


def note_failure(account: GatewayAccount, *, at: datetime) -> None:
    """Count an attempt that the gateway did not take or did not answer."""
    mine = GatewayAccount.objects.filter(pk=account.pk)
    in_row = Case(When(failed_at__gt=at - WITHIN, failures__lt=1_000, then=F("failures") + 1), default=1)
    mine.update(failures=in_row, failed_at=at)
    if mine.filter(failures__gte=FAILURES_IN_ROW).update(rests_until=at + REST):
        log.warning("%s %s takes no attempts: it rests", account.gateway, account.pk)


def note_answer(account: GatewayAccount) -> None:
    """Forget the failures of a gateway that answered. `account` is as it was read before the attempt."""
    if account.failures:
        GatewayAccount.objects.filter(pk=account.pk).update(failures=0, failed_at=None, rests_until=None)


def is_next_to_try(account: GatewayAccount, *, at: datetime) -> bool:
    """Whether an attempt may go there before others: always, unless it failed too often.

    When its rest is over, one attempt finds out, and the rest begins again for all others until its answer.
    """
    if account.rests_until is None:
        return True
    rested = GatewayAccount.objects.filter(pk=account.pk, rests_until__lte=at)
    return rested.update(rests_until=at + REST) == 1
