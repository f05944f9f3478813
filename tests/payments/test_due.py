"""What merchants are owed and when it is paid out: beside the rules of settlements, and beside the ledger."""

import re
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from payments import clock
from payments.due import Due, settlement_due
from payments.figures import Period, Scope
from payments.models import GatewayAccount, LedgerAccount, Settlement, Transfer
from payments.services.disputes import post_adjustment
from payments.services.payouts import fail_payout, send_payout
from payments.services.settlement_lines import Group
from payments.services.settlements import discard_settlement, open_settlement
from payments.states import Collects, Mode
from tests.factories import act, late, refund
from tests.payments.last_year import much_of_last_year, plan_of
from tests.settling import FAILS, RETURNED, bounce, close, pay_out, sell, seller, settle

pytestmark = pytest.mark.django_db

INDIA = ZoneInfo("Asia/Kolkata")
TEST = Scope(Mode.TEST)
FEE = 236
"""Of ₹100.00, with the tax on it."""


def noon(day):
    """Of a day in November 2026, in India; the 19th is a Thursday."""
    return time_machine.travel(datetime(2026, 11, day, 6, 30, tzinfo=UTC))


@pytest.fixture(autouse=True)
def _sunday():
    with noon(22):
        yield


@pytest.fixture
def merchant():
    return seller()


def due(scope=TEST):
    return settlement_due(scope, Period.ending_today(30, INDIA, at=clock.now()))


def sold_on(day, merchant, minor=10_000, **columns):
    with noon(day):
        return sell(merchant, amount_minor=minor, **columns)


def balance(currency="INR"):
    """What the ledger says merchants are owed: credits minus debits."""
    owed = LedgerAccount.objects.filter(kind="merchant_payable", currency=currency)
    given = sum(row.amount_minor for row in Transfer.objects.filter(credit__in=owed))
    return given - sum(row.amount_minor for row in Transfer.objects.filter(debit__in=owed))


def agrees(rows=None):
    """Whether what is due is the ledger's word."""
    return sum(row.net for row in (due() if rows is None else rows)) == balance()


# --- Before any settlement ---


def test_nothing_is_due_where_nothing_was_taken():
    assert due() == []


def test_days_are_paid_out_by_the_merchants_rule(merchant):
    for day in (19, 20, 21, 22):
        sold_on(day, merchant)
    on = {"taken": 10_000, "fees": -FEE}
    assert due() == [
        Due("INR", date(2026, 11, 23), first=date(2026, 11, 19), last=date(2026, 11, 19), **on),
        Due("INR", date(2026, 11, 24), first=date(2026, 11, 20), last=date(2026, 11, 20), **on),
        Due("INR", date(2026, 11, 25), first=date(2026, 11, 21), last=date(2026, 11, 22), taken=20_000, fees=-2 * FEE),
    ]
    assert agrees()


def test_what_should_have_been_paid_out_is_due_today_or_when_banks_open(merchant):
    sold_on(2, merchant)
    assert [(row.pay_out_on, row.first) for row in due()] == [(date(2026, 11, 23), date(2026, 11, 2))]
    with noon(20):
        assert [row.pay_out_on for row in due()] == [date(2026, 11, 20)]


def test_merchants_have_rules_of_their_own(merchant):
    sold_on(20, merchant)
    sold_on(20, seller(settlement_days=5))
    sold_on(20, seller(settlement_days=None))
    assert [row.pay_out_on for row in due()] == [date(2026, 11, 24), date(2026, 11, 27), None]
    assert agrees()


def test_a_refund_goes_with_its_payment_and_never_into_todays_settlement(merchant):
    recent, old = sold_on(19, merchant), sold_on(2, merchant)
    with noon(20):
        refund(recent, 1_000)
        refund(old, 2_000)
        assert [(row.pay_out_on.day, row.taken, row.refunds) for row in due()] == [
            (20, 10_000, 0),
            (23, 10_000, -3_000),
        ]
    assert agrees()


def test_a_refund_that_failed_is_owed_again(merchant):
    payment = sold_on(20, merchant, 50_000)
    refund(payment, FAILS)
    assert [row.refunds for row in due()] == [0]
    assert agrees()


def test_a_correction_is_due_on_the_next_working_day(merchant):
    post_adjustment(merchant, -700, "INR", mode="test", by=act("finn"), at=clock.now())
    assert due() == [Due("INR", date(2026, 11, 23), adjustments=-700)]
    assert agrees()


def test_money_that_goes_back_by_itself_is_nobodys_due(merchant):
    late(merchant=merchant)
    assert due() == []
    assert balance() == 0


def test_currencies_modes_and_merchants_are_kept_apart(merchant):
    sold_on(20, merchant)
    other = seller()
    sold_on(20, other, 900, currency="USD")
    assert [(row.currency, row.taken) for row in due()] == [("INR", 10_000), ("USD", 900)]
    assert [row.currency for row in due(Scope(Mode.TEST, other.pk))] == ["USD"]
    assert due(Scope(Mode.LIVE)) == []


def test_what_gateways_pay_to_merchants_themselves_is_not_ours_to_pay_out(merchant):
    sold_on(20, merchant)
    GatewayAccount.objects.update(collects=Collects.MERCHANT)
    assert due() == []


# --- With settlements ---


def test_a_settlement_is_due_now_until_its_pay_out_is_on_its_way(merchant):
    sold_on(2, merchant)
    settlement = settle(merchant)
    assert due() == [Due("INR", None, 1, to_close=1, taken=10_000, fees=-FEE)]
    close(settlement)
    now = [Due("INR", None, 1, to_pay=1, taken=10_000, fees=-FEE)]
    assert due() == now
    assert agrees()
    payout = send_payout(settlement.pk, net_minor=settlement.net_minor, by=act(), at=clock.now())
    assert due() == []
    assert agrees()
    fail_payout(payout.pk, message="Account closed", by=act(), at=clock.now())
    assert due() == now
    assert agrees()


def test_what_was_paid_out_is_not_due_and_what_came_since_is(merchant):
    sold_on(2, merchant)
    with noon(5):
        settlement = settle(merchant)
        close(settlement)
        settlement.refresh_from_db()
        pay_out(settlement)
    sold_on(20, merchant, 30_000)
    assert [(row.pay_out_on, row.taken) for row in due()] == [(date(2026, 11, 24), 30_000)]
    assert agrees()


def test_while_a_settlement_is_put_together_all_of_it_counts_as_unsettled(merchant):
    sold_on(2, merchant)
    open_settlement(Group(merchant, "test", "INR"), cutoff_at=clock.now(), at=clock.now())
    assert [(row.settlements, row.taken) for row in due()] == [(0, 10_000)]
    settle(merchant)
    Settlement.objects.update(build_at=clock.now())
    assert [(row.settlements, row.taken) for row in due()] == [(0, 10_000)]


def test_a_discarded_settlement_gives_everything_back(merchant):
    sold_on(2, merchant)
    discard_settlement(settle(merchant).pk, by=act(), at=clock.now())
    assert [(row.settlements, row.taken) for row in due()] == [(0, 10_000)]
    assert agrees()


def test_debt_is_carried_once(merchant):
    payment = sold_on(2, merchant)
    with noon(5):
        settlement = settle(merchant)
        close(settlement)
        settlement.refresh_from_db()
        pay_out(settlement)
    with noon(9):
        refund(payment, 10_000)
        close(settle(merchant))
    assert [row.net for row in due()] == [-10_000]
    assert agrees()
    sold_on(20, merchant, 50_000)
    settle(merchant)
    assert [(row.settlements, row.adjustments, row.taken) for row in due()] == [(1, -10_000, 50_000)]
    assert agrees()


def test_a_refund_that_bounces_after_its_settlement_is_owed_again(merchant):
    sent = refund(sold_on(2, merchant, 50_000), RETURNED)
    close(settle(merchant))
    bounce(sent)
    assert sum(row.adjustments for row in due()) == RETURNED
    assert agrees()


def test_a_merchant_that_was_never_settled_is_not_lost_beside_one_that_was(merchant):
    sold_on(2, merchant)
    never = seller()
    with noon(1):
        sell(never, amount_minor=70_000)
    close(settle(merchant))
    assert sum(row.taken for row in due()) == 80_000
    assert agrees()


# --- What the database reads ---


def test_it_is_two_statements_and_reads_nothing_from_before_the_last_settlement(merchant):
    much_of_last_year(taken_on=datetime(2025, 11, 3, 6, 30, tzinfo=UTC), merchant=merchant)
    sold_on(2, merchant)
    close(settle(merchant))
    sold_on(22, merchant)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE payments_payment, payments_refund, payments_settlementline, payments_settlement")
    with CaptureQueriesContext(connection) as seen:
        due()
    assert len(seen) == 2
    plan = plan_of(seen[1]["sql"])
    assert "payment_taken_by_time" in plan, plan
    assert "refund_by_completion" in plan, plan
    for table in ("payment", "refund"):
        assert not re.search(rf"(?:SCAN|Seq Scan on) payments_{table}\b", plan), plan
