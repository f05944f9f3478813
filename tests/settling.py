"""Settlements as staff and worker make them: sold, settled, closed, paid out."""

from contextlib import suppress
from datetime import timedelta

from payments import clock
from payments.errors import NothingToSettle
from payments.gateways.simulator.events import return_refund
from payments.gateways.simulator.models import SimulatedRefund
from payments.models import FeePlan, Settlement
from payments.services.payouts import confirm_payout, send_payout
from payments.services.settlement_lines import Group, build_settlement
from payments.services.settlements import close_settlement, open_settlement
from payments.states import Collects, RefundStatus
from tests.factories import MerchantFactory, OrderFactory, act, deliver, fresh, paid


def seller(**columns):
    """A merchant with a fee of 2 % and 18 % tax on it: 6.00 + 1.08 of 299.99."""
    merchant = MerchantFactory(**columns)
    FeePlan.objects.create(merchant=merchant, percent_bps=200, tax_bps=1_800)
    return merchant


def sell(merchant, **columns):
    """A captured payment of a new order."""
    return paid(OrderFactory(merchant=merchant, **columns))


def settle(merchant, *, currency="INR", collects=Collects.OPERATOR, by=None, cutoff_at=None):
    """A settlement of all there is, put together."""
    at = clock.now()
    group = Group(merchant, "test", currency, collects)
    settlement = open_settlement(group, cutoff_at=cutoff_at or at, at=at, by=by)
    assert build_settlement(settlement.pk, at=at)
    return Settlement.objects.get(pk=settlement.pk)


def close(settlement, name="meera"):
    return close_settlement(settlement.pk, net_minor=settlement.net_minor, by=act(name), at=clock.now())


def pay_out(settlement, **over):
    payout = send_payout(settlement.pk, net_minor=settlement.net_minor, by=act(), at=clock.now(), **over)
    confirm_payout(payout.pk, utr="HDFC0001", value_date=clock.now().date(), by=act(), at=clock.now())
    return payout


RETURNED, FAILS = 10_094, 10_091
"""Amounts of refunds that the simulator's bank returns after a while, and that fail at once."""


def bounce(refund):
    """The bank returns a refund that was done."""
    row = SimulatedRefund.objects.get(key=refund.gateway_key)
    return_refund(row.pk, at=clock.now() + timedelta(hours=1))
    deliver("refund")
    assert fresh(refund).status == RefundStatus.FAILED


def settle_all(group):
    """Close what is open and settle what is left, until nothing waits any more."""
    with suppress(NothingToSettle):
        while True:
            at = clock.now()
            settlement = open_settlement(group, cutoff_at=at, at=at)
            build_settlement(settlement.pk, at=at)
            settlement.refresh_from_db()
            close(settlement, "an outsider")
