"""Settlements that open by themselves, as each merchant's day begins."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from payments import faults
from payments.errors import NothingToSettle
from payments.models import Adjustment, GatewayAccount, LedgerAccount, Merchant, Settlement, SettlementSchedule
from payments.services.settlement_lines import Group
from payments.services.settlements import open_settlement
from payments.settlement_days import cutoff, next_run
from payments.states import AccountKind, Collects


def run_schedule(schedule_pk: int, *, at: datetime) -> bool:
    """Open what is due for a merchant, and wait for its next day; false if somebody else did so first.

    A settlement that is still open is left as it is: what came since is in the one after it.
    """
    schedule = SettlementSchedule.objects.select_related("merchant").get(pk=schedule_pk)
    merchant = schedule.merchant
    with transaction.atomic():
        mine = SettlementSchedule.objects.filter(pk=schedule.pk, due_at=schedule.due_at, due_at__lte=at)
        if mine.update(due_at=next_run(at, merchant.time_zone)) != 1:
            return False
        if merchant.settlement_days is not None:
            cutoff_at = cutoff(at, merchant.settlement_days, merchant.time_zone)
            for group in groups_of(merchant):
                with suppress(NothingToSettle):
                    open_settlement(group, cutoff_at=cutoff_at, at=at)
        faults.point("schedule.before_commit")
    return True


def groups_of(merchant: Merchant) -> Iterator[Group]:
    """All that may have to be settled for a merchant: what it was ever owed, by whom its gateways pay or once paid.

    A series of settlements whose gateways pay otherwise by now may still have a debt that is paid in.
    """
    owed = LedgerAccount.objects.filter(merchant=merchant, kind=AccountKind.MERCHANT_PAYABLE)
    directly = Q(merchant=merchant, collects=Collects.MERCHANT)
    accounts = GatewayAccount.objects.filter(directly)
    direct = set(accounts.values_list("mode", flat=True))
    once = {
        pair
        for model in (Settlement, Adjustment)
        for pair in model.objects.filter(directly).values_list("mode", "currency")
    }
    for mode, currency in owed.order_by("mode", "currency").values_list("mode", "currency"):
        yield Group(merchant, mode, currency)
        if mode in direct or (mode, currency) in once:
            yield Group(merchant, mode, currency, Collects.MERCHANT)
