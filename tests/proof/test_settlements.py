"""Settlements killed at every point, raced by payments and by each other: everything on one line, once."""

import os
import signal
import subprocess
import sys
from datetime import timedelta

import pytest
from django.db import connection

from payments import clock, faults
from payments.books import differences
from payments.errors import NothingToSettle, NotSettled, PaymentsError, SamePerson
from payments.gateways.simulator.events import return_refund
from payments.gateways.simulator.models import SimulatedRefund
from payments.models import (
    AuditEntry,
    GatewayAccount,
    Payment,
    Payout,
    Settlement,
    SettlementEvent,
    SettlementLine,
    SettlementSchedule,
    Transfer,
)
from payments.services import settlement_lines
from payments.services.audit import broken_links
from payments.services.disputes import post_adjustment
from payments.services.payments import start_payment
from payments.services.payouts import confirm_payout, fail_payout, send_payout
from payments.services.settlement_lines import Group, build_settlement
from payments.services.settlement_runs import run_schedule
from payments.services.settlements import close_settlement, discard_settlement, open_settlement
from payments.states import Collects
from tests.factories import OrderFactory, act, card_request, deliver, refund
from tests.proof import crash, recover, run_together
from tests.proof.processes import ROOT, environment, wait_for
from tests.settling import RETURNED, close, pay_out, sell, seller, settle, settle_all

pytestmark = pytest.mark.django_db(transaction=True)

SOON = [timedelta(0), timedelta(seconds=61), timedelta(seconds=122)]
FIGURES = (
    "payments", "refunds", "gross_minor", "refunds_minor", "fees_minor", "tax_minor", "adjustments_minor",
    "paid_directly_minor", "carried_in_minor", "net_minor", "payment_from", "payment_till",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch):
    monkeypatch.setattr(settlement_lines, "CHUNK", 2)


def shop(collects=Collects.OPERATOR):
    """A merchant with debt from before, and five payments, refunds, a reversal and a correction to settle."""
    merchant = seller()
    GatewayAccount.objects.filter(merchant=merchant).update(collects=collects)
    first = sell(merchant)
    returned = refund(first, RETURNED)
    settle_all(Group(merchant, "test", "INR", collects))
    row = SimulatedRefund.objects.get(key=returned.gateway_key)
    return_refund(row.pk, at=clock.now() + timedelta(hours=1))
    deliver("refund")
    refund(first, 25_000)
    settle_all(Group(merchant, "test", "INR", collects))
    payments = [sell(merchant) for _ in range(5)]
    for payment in payments[:3]:
        refund(payment, 1_000)
    post_adjustment(merchant, -500, "INR", mode="test", by=act(), at=clock.now(), payment=payments[4])
    return Group(merchant, "test", "INR", collects)


def newest():
    return Settlement.objects.order_by("pk").last()


def figures(settlement):
    return {name: getattr(settlement, name) for name in FIGURES}


def all_is_well():
    assert [str(difference) for difference in differences()] == []
    assert list(broken_links()) == []
    for settlement in Settlement.objects.all():
        numbers = settlement.events.order_by("sequence").values_list("sequence", flat=True)
        assert list(numbers) == list(range(1, settlement.last_sequence + 1))


# --- Killed ---


def _open(group, at):
    return lambda: open_settlement(group, cutoff_at=at, at=at, by=act("asha"))


def _build(group, at):
    settlement = _open(group, at)()
    return lambda: build_settlement(settlement.pk, at=at)


def _schedule(group, at):
    row = SettlementSchedule.objects.create(merchant=group.merchant, due_at=at)
    Payment.objects.update(completed_at=at - timedelta(days=9))
    return lambda: run_schedule(row.pk, at=at)


def _close(group, at):
    _build(group, at)()
    return lambda: close_settlement(newest().pk, net_minor=newest().net_minor, by=act("ben"), at=clock.now())


def _discard(group, at):
    _build(group, at)()
    return lambda: discard_settlement(newest().pk, by=act(), at=clock.now())


def _send(group, at):
    _close(group, at)()
    return lambda: send_payout(newest().pk, net_minor=newest().net_minor, by=act(), at=clock.now())


def _confirm(group, at):
    payout = _send(group, at)()
    return lambda: confirm_payout(payout.pk, utr="UTR1", value_date=at.date(), by=act(), at=clock.now())


def _fail(group, at):
    _confirm(group, at)()
    return lambda: fail_payout(Payout.objects.get().pk, message="Returned.", by=act(), at=clock.now())


BUILD_POINTS = ["settle.before_chunk_commit", "settle.after_chunk", "settle.before_build_commit", "settle.after_build"]
KILLED = [
    (_open, "settle.before_open_commit"),
    *((_build, point) for point in BUILD_POINTS),
    (_schedule, "schedule.before_commit"),
    (_close, "settle.before_close_commit"),
    (_send, "payout.before_commit"),
    (_confirm, "payout.before_commit"),
    (_fail, "payout.before_commit"),
]


def _counts():
    models = (Settlement, SettlementLine, SettlementEvent, Payout, Transfer, AuditEntry)
    return {model: model.objects.count() for model in models}


@pytest.mark.parametrize("collects", Collects)
@pytest.mark.parametrize(("prepare", "point"), KILLED, ids=lambda case: getattr(case, "__name__", case))
def test_i12_killed_anywhere_it_ends_with_the_same_figures(prepare, point, collects):
    """I8, I10 and I11 as well: a move is with its event and its transfers, or not at all."""
    if collects == Collects.MERCHANT and prepare in (_send, _confirm, _fail):
        with pytest.raises(NotSettled):
            _send(shop(collects), clock.now())()
        return
    group = shop(collects)
    action = prepare(group, clock.now())
    before = _counts()

    assert crash(point, action)

    if point.endswith("_commit") and prepare is not _build:
        assert _counts() == before, "half of it was written"
    all_is_well()
    recover(SOON)
    if prepare is not _build:
        action()
    recover(SOON)
    all_is_well()
    settlement = newest()
    assert settlement.build_at is None
    assert figures(settlement) == expected(collects, settlement)
    assert not action_is_left(group)


def expected(collects, settlement):
    """What five payments of 299.99, three refunds of 10.00 and a correction of 5.00 come to, with the debt before."""
    assert settlement.carried_in_minor < 0
    direct = 5 * 29_999 - 3_000 if collects == Collects.MERCHANT else 0
    own = 5 * 29_999 - 3_000 - 5 * 708 - 500 - direct
    return figures(settlement) | {
        "payments": 5, "refunds": 3, "gross_minor": 149_995, "refunds_minor": 3_000, "fees_minor": 3_000,
        "tax_minor": 540, "adjustments_minor": -500, "paid_directly_minor": direct,
        "net_minor": own + settlement.carried_in_minor,
    }  # fmt: skip


def action_is_left(group):
    """Whether anything of the group is in no settlement."""
    due = settlement_lines.unsettled(group, cutoff_at=clock.now(), at=clock.now())
    return any(rows.exists() for rows in due.values())


def test_a_discarded_settlement_is_gone_whole_or_not_at_all():
    group = shop()
    action = _discard(group, clock.now())
    before = _counts()
    with pytest.raises(RuntimeError), connection.execute_wrapper(_refuse_the_last_delete):
        action()
    assert _counts() == before
    action()
    assert action_is_left(group)
    all_is_well()


def _refuse_the_last_delete(execute, sql, params, many, context):
    if sql.startswith("DELETE") and 'payments_settlement"' in sql:
        raise RuntimeError
    return execute(sql, params, many, context)


SLOW_BUILDER = """
import django, time
django.setup()
from payments import clock, faults
from payments.services import settlement_lines
settlement_lines.CHUNK = 2
def slowly(name):
    if name == "settle.after_chunk":
        time.sleep(0.3)
with faults.handled_by(slowly):
    settlement_lines.build_settlement({pk}, at=clock.now())
"""


def test_i12_a_worker_killed_with_sigkill_leaves_a_settlement_that_another_ends_with_the_same_totals():
    merchant = seller()
    for _ in range(6):
        sell(merchant)
    settlement = open_settlement(Group(merchant, "test", "INR"), cutoff_at=clock.now(), at=clock.now())
    env = environment(DJANGO_SETTINGS_MODULE="checkout.settings")
    process = subprocess.Popen([sys.executable, "-c", SLOW_BUILDER.format(pk=settlement.pk)], cwd=ROOT, env=env)
    try:
        wait_for(lambda: SettlementLine.objects.exists(), "the first lines")
        os.kill(process.pid, signal.SIGKILL)
    finally:
        process.kill()
        process.wait()
    assert 0 < SettlementLine.objects.count() < 6
    assert not build_settlement(settlement.pk, at=clock.now()), "its lease still holds"

    recover([timedelta(seconds=61)])

    settlement.refresh_from_db()
    assert (settlement.payments, settlement.gross_minor, settlement.net_minor) == (6, 6 * 29_999, 6 * 29_291)
    all_is_well()


def test_a_builder_that_stood_still_writes_nothing_after_another_took_over():
    group = shop()
    settlement = _open(group, clock.now())()
    taken_over = []

    def stall(name):
        if name == "settle.after_chunk" and not taken_over:
            taken_over.append(True)
            Settlement.objects.filter(pk=settlement.pk).update(leased_until=clock.now() - timedelta(seconds=1))
            assert build_settlement(settlement.pk, at=clock.now())
            close(Settlement.objects.get(pk=settlement.pk), "ben")

    with faults.handled_by(stall):
        assert not build_settlement(settlement.pk, at=clock.now())
    assert newest().payments == 5
    all_is_well()


# --- Raced ---


def test_i12_settlements_raced_by_payments_have_each_of_them_once():
    merchant = seller()
    group = Group(merchant, "test", "INR")
    for _ in range(5):
        sell(merchant)
    orders = [OrderFactory(merchant=merchant) for _ in range(8)]

    def buy(order):
        return lambda: start_payment(order.pk, card_request(nonce=order.uid[:32]), at=clock.now())

    def settle_once():
        at = clock.now()
        settlement = open_settlement(group, cutoff_at=at, at=at)
        build_settlement(settlement.pk, at=at)
        return settlement

    def close_once():
        open_ = Settlement.objects.filter(status="open").first()
        return close_settlement(open_.pk, net_minor=open_.net_minor, by=act("ben"), at=clock.now()) if open_ else None

    for part in (orders[:4], orders[4:]):
        outcomes = run_together(*[buy(order) for order in part], *[settle_once] * 3, *[close_once] * 3)
        assert all(not isinstance(o, Exception) or isinstance(o, PaymentsError) for o in outcomes), outcomes
    recover(SOON)
    settle_all(group)

    captured = Payment.objects.filter(capture_kind="normal").values_list("pk", flat=True)
    assert sorted(SettlementLine.objects.values_list("payment", flat=True)) == sorted(captured)
    assert len(captured) == 13
    assert sum(Settlement.objects.values_list("payments", flat=True)) == 13
    all_is_well()


def test_a_settlement_is_closed_once_and_paid_out_once_by_whoever_comes_first():
    merchant = seller()
    sell(merchant)
    settlement = settle(merchant, by=act("asha"))
    people = [act(name) for name in ("asha", "ben", "carl")] * 2

    closed = run_together(
        *[lambda by=by: close_settlement(settlement.pk, net_minor=29_291, by=by, at=clock.now()) for by in people]
    )
    assert sum(isinstance(outcome, Settlement) for outcome in closed) == 1, closed
    assert all(isinstance(o, (Settlement, NotSettled, SamePerson)) for o in closed), closed

    sent = run_together(
        *[lambda by=by: send_payout(settlement.pk, net_minor=29_291, by=by, at=clock.now()) for by in people]
    )
    assert sum(isinstance(outcome, Payout) for outcome in sent) == 1, sent
    assert all(isinstance(outcome, (Payout, NotSettled)) for outcome in sent), sent
    payout, today = Payout.objects.get(), clock.now().date()
    ends = [lambda: confirm_payout(payout.pk, utr="UTR1", value_date=today, by=act(), at=clock.now())] * 3
    ends += [lambda: fail_payout(payout.pk, message="No such account.", by=act(), at=clock.now())] * 3
    ended = run_together(*ends)
    assert all(isinstance(outcome, (Payout, NotSettled)) for outcome in ended), ended
    settlement.refresh_from_db()
    payout.refresh_from_db()
    assert (settlement.status, payout.status) in {("paid_out", "paid"), ("failed", "failed")}
    all_is_well()


def test_payments_are_taken_while_a_settlement_is_put_together():
    """The merchant's row is never locked for long: a sale in the middle of it goes through at once."""
    group = shop()
    settlement = _open(group, clock.now())()
    sold = []

    def sell_meanwhile(name):
        if name in ("settle.after_chunk", "settle.after_build"):
            sold.append(sell(group.merchant))

    with faults.handled_by(sell_meanwhile):
        assert build_settlement(settlement.pk, at=clock.now())
    assert len(sold) >= 4
    assert all(payment.status == "success" for payment in sold)
    assert newest().payments == 5
    close(newest(), "ben")
    pay_out(newest())
    assert settle(group.merchant).payments == len(sold)
    all_is_well()


def test_nothing_is_opened_where_nothing_waits():
    with pytest.raises(NothingToSettle):
        open_settlement(Group(seller(), "test", "INR"), cutoff_at=clock.now(), at=clock.now())
