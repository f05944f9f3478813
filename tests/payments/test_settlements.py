"""Settlements: what is in them, once, and what becomes of them."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from payments import books, clock
from payments.errors import NothingToSettle, NotSettled, SamePerson, StaleRow
from payments.models import (
    GatewayAccount,
    Merchant,
    Payment,
    Refund,
    Settlement,
    SettlementLine,
    SettlementSchedule,
    Transfer,
)
from payments.services.disputes import post_adjustment
from payments.services.payouts import confirm_payout, fail_payout, send_payout
from payments.services.refunds import cancel_refund
from payments.services.settlement_lines import Group, build_settlement
from payments.services.settlement_runs import groups_of, run_schedule
from payments.services.settlements import close_settlement, discard_settlement, open_settlement, set_collects
from payments.states import Collects, LineKind, PayoutStatus, RefundStatus, SettlementStatus
from tests.factories import (
    MerchantFactory,
    OrderFactory,
    act,
    late,
    refund,
    requested,
)
from tests.settling import FAILS, RETURNED, bounce, close, pay_out, sell, seller, settle

pytestmark = pytest.mark.django_db


@pytest.fixture
def merchant():
    return seller()


def lines(settlement):
    return [(line.kind, line.net_minor) for line in settlement.lines.order_by("pk")]


def in_order():
    assert list(books.differences()) == []


def test_i12_a_settlement_holds_captures_and_their_refunds_with_fees(merchant):
    payment = sell(merchant)
    refund(payment, 10_000)

    settlement = settle(merchant)

    assert lines(settlement) == [("payment", 29_999 - 600 - 108), ("refund", -10_000)]
    assert (settlement.gross_minor, settlement.refunds_minor) == (29_999, 10_000)
    assert (settlement.fees_minor, settlement.tax_minor) == (600, 108)
    assert settlement.net_minor == 19_291
    assert (settlement.payments, settlement.refunds) == (1, 1)
    assert settlement.payment_from == settlement.payment_till == payment.completed_at
    in_order()


def test_i12_nothing_is_settled_twice_and_what_comes_later_is_in_the_next(merchant):
    sell(merchant)
    first = close(settle(merchant))
    sell(merchant)

    second = settle(merchant)

    assert (first.payments, second.payments) == (1, 1)
    assert second.previous == first
    assert SettlementLine.objects.count() == 2
    with pytest.raises(NothingToSettle):
        settle(MerchantFactory())
    in_order()


def test_only_what_was_captured_before_the_cutoff_is_in_it(merchant):
    sell(merchant)
    with pytest.raises(NothingToSettle):
        settle(merchant, cutoff_at=clock.now() - timedelta(minutes=1))


def test_a_payment_that_was_committed_late_is_found_by_the_next_settlement(merchant):
    """I12: by what has no line, not by when it was seen."""
    early, hidden = sell(merchant), sell(merchant)
    type(hidden).objects.filter(pk=hidden.pk).update(capture_kind="late", fee_minor=0, fee_tax_minor=0)
    first = close(settle(merchant))
    type(hidden).objects.filter(pk=hidden.pk).update(capture_kind="normal", fee_minor=600, fee_tax_minor=108)

    second = settle(merchant)

    assert list(first.lines.values_list("payment", flat=True)) == [early.pk]
    assert list(second.lines.values_list("payment", flat=True)) == [hidden.pk]


def test_late_money_and_its_refund_are_never_settled(merchant):
    late(OrderFactory(merchant=merchant))
    with pytest.raises(NothingToSettle):
        settle(merchant)


def test_a_refund_that_waits_for_approval_or_was_cancelled_needs_no_line(merchant):
    requested(sell(merchant))
    assert lines(settle(merchant)) == [("payment", 29_291)]


def test_a_refund_is_never_settled_before_its_payment(merchant):
    payment = sell(merchant)
    cutoff_at = clock.now() - timedelta(hours=1)
    refund(payment, 10_000)
    with pytest.raises(NothingToSettle):
        settle(merchant, cutoff_at=cutoff_at)


def test_a_refund_that_fails_after_its_line_is_reversed_in_the_next_one(merchant):
    back = refund(sell(merchant), RETURNED)
    first = close(settle(merchant))
    bounce(back)

    second = settle(merchant)

    assert lines(first)[1] == ("refund", -RETURNED)
    assert lines(second) == [("reversal", RETURNED)]
    assert second.adjustments_minor == second.net_minor == RETURNED
    in_order()


def test_a_refund_that_failed_before_it_had_a_line_needs_none(merchant):
    assert refund(sell(merchant), FAILS).status == RefundStatus.FAILED
    bounce(refund(sell(merchant), RETURNED))

    assert lines(settle(merchant)) == [("payment", 29_291)] * 2
    in_order()


def test_corrections_have_their_line(merchant):
    payment = sell(merchant)
    post_adjustment(merchant, -5_000, "INR", mode="test", by=act(), at=clock.now(), payment=payment)

    settlement = settle(merchant)

    assert lines(settlement) == [("payment", 29_291), ("adjustment", -5_000)]
    assert settlement.adjustments_minor == -5_000
    in_order()


def test_debt_is_carried_into_the_next_settlement_and_money_is_not(merchant):
    payment = sell(merchant)
    first = close(settle(merchant))
    refund(payment, 29_999)
    second = close(settle(merchant))
    sell(merchant)
    third = close(settle(merchant))
    sell(merchant)
    fourth = settle(merchant)

    assert (first.net_minor, first.carried_in_minor) == (29_291, 0)
    assert (second.net_minor, second.carried_in_minor) == (-29_999, 0)
    assert (third.net_minor, third.carried_in_minor) == (29_291 - 29_999, -29_999)
    assert (fourth.net_minor, fourth.carried_in_minor) == (29_291 - 708, -708)
    assert second.is_final
    assert not first.is_final
    in_order()


def test_debt_that_was_paid_in_is_not_asked_for_again(merchant):
    payment = sell(merchant)
    close(settle(merchant))
    refund(payment, 29_999)
    close(settle(merchant))
    post_adjustment(merchant, 29_999, "INR", mode="test", by=act(), at=clock.now(), is_paid_in=True)

    assert settle(merchant).net_minor == 0
    assert books.balances()["bank", "INR"] == 29_999
    in_order()


def test_merchants_modes_and_currencies_are_apart(merchant):
    sell(merchant)
    sell(merchant, currency="USD")
    sell(MerchantFactory())

    rupees, dollars = settle(merchant), settle(merchant, currency="USD")

    assert (rupees.payments, dollars.payments) == (1, 1)
    assert {rupees.currency, dollars.currency} == {"INR", "USD"}
    with pytest.raises(NothingToSettle):
        open_settlement(Group(merchant, "live", "INR"), cutoff_at=clock.now(), at=clock.now())


def test_there_is_one_open_settlement_of_a_kind(merchant):
    sell(merchant)
    first = settle(merchant)
    again = open_settlement(Group(merchant, "test", "INR"), cutoff_at=clock.now(), at=clock.now())
    assert again == first
    with pytest.raises(IntegrityError), transaction.atomic():
        Settlement.objects.create(
            uid="settle_other", merchant=merchant, mode="test", currency="INR", collects="operator",
            cutoff_at=clock.now(), opened_at=clock.now(), previous=first,
        )  # fmt: skip


# --- Closing ---


def test_whoever_opened_it_cannot_close_it(merchant):
    """I19 for settlements: the database says so too."""
    sell(merchant)
    settlement = settle(merchant, by=act("asha"))
    with pytest.raises(SamePerson):
        close(settlement, "asha")
    with pytest.raises(IntegrityError), transaction.atomic():
        Settlement.objects.filter(pk=settlement.pk).update(closed_by=settlement.opened_by, closed_at=clock.now())
    assert close(settlement, "meera").status == SettlementStatus.CLOSED


def test_a_settlement_is_closed_as_it_was_seen_and_once(merchant):
    sell(merchant)
    settlement = settle(merchant)
    with pytest.raises(StaleRow):
        close_settlement(settlement.pk, net_minor=settlement.net_minor + 1, by=act(), at=clock.now())
    close(settlement)
    with pytest.raises(NotSettled, match="closed already"):
        close(settlement)


def test_a_settlement_that_is_not_put_together_cannot_be_closed(merchant):
    sell(merchant)
    settlement = open_settlement(Group(merchant, "test", "INR"), cutoff_at=clock.now(), at=clock.now())
    with pytest.raises(NotSettled, match="put together"):
        close(settlement)


@pytest.mark.parametrize(
    "change",
    [
        lambda s: Settlement.objects.filter(pk=s.pk).update(net_minor=1, gross_minor=1),
        lambda s: Settlement.objects.filter(pk=s.pk).delete(),
        lambda s: SettlementLine.objects.filter(settlement=s).update(amount_minor=1),
        lambda s: SettlementLine.objects.filter(settlement=s).delete(),
        lambda s: SettlementLine.objects.create(
            settlement=s, kind="refund", refund=Refund.objects.get(), amount_minor=-1, at=clock.now()
        ),
        lambda s: s.events.update(kind="other"),
    ],
)
def test_a_closed_settlement_stands_whoever_asks_the_database(merchant, change):
    settlement = close(settle_with_a_later_refund(merchant))
    with pytest.raises(IntegrityError), transaction.atomic():
        change(settlement)
    in_order()


def settle_with_a_later_refund(merchant):
    payment = sell(merchant)
    settlement = settle(merchant)
    refund(payment, 100)
    return settlement


def test_an_open_settlement_can_be_discarded_and_everything_waits_for_the_next(merchant):
    sell(merchant)
    settlement = settle(merchant, by=act("asha"))

    discard_settlement(settlement.pk, by=act("asha"), at=clock.now())

    assert not Settlement.objects.exists()
    again = close(settle(merchant))
    assert again.payments == 1
    with pytest.raises(NotSettled, match="closed"):
        discard_settlement(again.pk, by=act(), at=clock.now())


def test_who_made_a_correction_that_is_in_it_cannot_close_it(merchant):
    """I19 once more: money owed by one person's word is not paid out on the same word."""
    sell(merchant)
    post_adjustment(merchant, 5_000_000, "INR", mode="test", by=act("asha"), at=clock.now(), is_paid_in=True)
    settlement = settle(merchant)
    with pytest.raises(SamePerson):
        close(settlement, "asha")
    assert close(settlement, "meera").status == SettlementStatus.CLOSED


def test_opening_beside_somebody_who_discards_is_refused_with_a_word(merchant, monkeypatch):
    sell(merchant)

    def taken(**columns):
        raise IntegrityError

    monkeypatch.setattr(Settlement.objects, "create", taken)
    with pytest.raises(NothingToSettle):
        settle(merchant)


# --- Pay-outs ---


def test_a_payout_brings_the_net_and_the_ledger_follows(merchant):
    sell(merchant)
    settlement = close(settle(merchant))

    payout = pay_out(settlement)

    settlement.refresh_from_db()
    payout.refresh_from_db()
    assert settlement.status == SettlementStatus.PAID_OUT
    assert (payout.status, payout.utr, payout.amount_minor) == (PayoutStatus.PAID, "HDFC0001", 29_291)
    assert books.balances()["merchant_payable", "INR"] == 0
    assert [event.kind for event in settlement.events.order_by("sequence")] == [
        "settlement.closed", "payout.sent", "settlement.paid_out",
    ]  # fmt: skip
    in_order()


def test_a_payout_that_came_back_is_owed_again_and_tried_again(merchant):
    sell(merchant)
    settlement = close(settle(merchant))
    first = pay_out(settlement)

    fail_payout(first.pk, message="The account is closed.", by=act(), at=clock.now())
    settlement.refresh_from_db()
    assert settlement.status == SettlementStatus.FAILED
    assert books.balances()["merchant_payable", "INR"] == -29_291
    in_order()

    second = send_payout(settlement.pk, net_minor=29_291, by=act(), at=clock.now())
    settlement.refresh_from_db()
    assert settlement.status == SettlementStatus.CLOSED
    confirm_payout(second.pk, utr="HDFC0002", value_date=clock.now().date(), by=act(), at=clock.now())
    assert Transfer.objects.filter(source_type="payout").count() == 3
    in_order()


def test_there_is_one_live_payout_and_only_of_what_is_owed(merchant):
    payment = sell(merchant)
    settlement = settle(merchant)
    with pytest.raises(NotSettled, match="only a closed one"):
        pay_out(settlement)
    close(settlement)
    with pytest.raises(StaleRow):
        send_payout(settlement.pk, net_minor=1, by=act(), at=clock.now())
    send_payout(settlement.pk, net_minor=29_291, by=act(), at=clock.now())
    with pytest.raises(NotSettled, match="on its way"):
        send_payout(settlement.pk, net_minor=29_291, by=act(), at=clock.now())
    refund(payment, 29_999)
    debt = close(settle(merchant))
    with pytest.raises(NotSettled, match="nothing"):
        send_payout(debt.pk, net_minor=debt.net_minor, by=act(), at=clock.now())


@pytest.mark.parametrize("utr", ["HDFC4242424242424242", "4242424242424242", "N0042424242424242"])
def test_a_banks_reference_may_look_like_a_card_number(merchant, utr):
    sell(merchant)
    settlement = close(settle(merchant))
    payout = send_payout(settlement.pk, net_minor=settlement.net_minor, by=act(), at=clock.now(), utr=utr)
    assert payout.utr == utr
    assert confirm_payout(payout.pk, utr=utr, value_date=clock.now().date(), by=act(), at=clock.now()).utr == utr


def test_what_became_of_a_payout_is_said_once(merchant):
    sell(merchant)
    payout = pay_out(close(settle(merchant)))
    confirm_payout(payout.pk, utr="HDFC0001", value_date=clock.now().date(), by=act(), at=clock.now())
    with pytest.raises(NotSettled, match="paid already"):
        confirm_payout(payout.pk, utr="OTHER", value_date=clock.now().date(), by=act(), at=clock.now())
    fail_payout(payout.pk, message="Returned.", by=act(), at=clock.now())
    fail_payout(payout.pk, message="Returned.", by=act(), at=clock.now())
    with pytest.raises(NotSettled, match="failed already"):
        confirm_payout(payout.pk, utr="HDFC0001", value_date=clock.now().date(), by=act(), at=clock.now())
    in_order()


# --- Gateways that pay the merchant itself ---


@pytest.fixture
def direct(merchant):
    GatewayAccount.objects.filter(merchant=merchant).update(collects=Collects.MERCHANT)
    return merchant


def test_what_the_gateway_paid_the_merchant_leaves_our_fees_as_its_debt(direct):
    payment = sell(direct)
    refund(payment, 10_000)

    settlement = close(settle(direct, collects=Collects.MERCHANT))

    assert settlement.paid_directly_minor == 19_999
    assert settlement.net_minor == -708
    assert settlement.is_final
    balances = books.balances()
    assert balances["gateway_receivable", "INR"] == 0
    assert balances["merchant_payable", "INR"] == 708
    in_order()


def test_a_reversal_there_is_paid_directly_too_and_the_debt_is_carried(direct):
    back = refund(sell(direct), RETURNED)
    close(settle(direct, collects=Collects.MERCHANT))
    bounce(back)
    second = close(settle(direct, collects=Collects.MERCHANT))

    assert lines(second) == [(LineKind.REVERSAL, RETURNED)]
    assert (second.paid_directly_minor, second.carried_in_minor, second.net_minor) == (RETURNED, -708, -708)
    in_order()


def test_whom_a_gateway_pays_is_not_changed_while_something_is_unsettled(merchant):
    account = GatewayAccount.objects.get(merchant=merchant)
    sell(merchant)
    with pytest.raises(NotSettled):
        set_collects(account.pk, Collects.MERCHANT, by=act(), at=clock.now())
    close(settle(merchant))
    payment = Payment.objects.get()
    row = refund(payment, 1_000)
    with pytest.raises(NotSettled):  # we paid for it, so the merchant owes it to us
        set_collects(account.pk, Collects.MERCHANT, by=act(), at=clock.now())
    close(settle(merchant))
    waiting = requested(payment, 2_000)
    with pytest.raises(NotSettled):
        set_collects(account.pk, Collects.MERCHANT, by=act(), at=clock.now())
    cancel_refund(waiting.pk, at=clock.now())
    assert row.status == RefundStatus.SUCCESS
    set_collects(account.pk, Collects.MERCHANT, by=act(), at=clock.now())
    account.refresh_from_db()
    assert account.collects == Collects.MERCHANT


def test_a_refund_that_comes_back_after_the_switch_is_undone_where_it_was_done(merchant):
    back = refund(sell(merchant), RETURNED)
    close(settle(merchant))
    account = GatewayAccount.objects.get(merchant=merchant)
    set_collects(account.pk, Collects.MERCHANT, by=act(), at=clock.now())
    bounce(back)

    assert {group.collects for group in groups_of(merchant)} == {Collects.OPERATOR, Collects.MERCHANT}
    assert lines(settle(merchant)) == [(LineKind.REVERSAL, RETURNED)]
    with pytest.raises(NothingToSettle):
        settle(merchant, collects=Collects.MERCHANT)
    in_order()


def test_what_is_left_of_a_merchant_whose_gateway_pays_it_is_carried_whole(direct):
    sell(direct)
    close(settle(direct, collects=Collects.MERCHANT))
    post_adjustment(direct, 50_000, "INR", mode="test", by=act(), at=clock.now(), is_paid_in=True)
    credit = close(settle(direct, collects=Collects.MERCHANT))
    sell(direct)
    third = close(settle(direct, collects=Collects.MERCHANT))

    assert (credit.net_minor, third.carried_in_minor, third.net_minor) == (49_292, 49_292, 48_584)
    assert -books.balances()["merchant_payable", "INR"] == 48_584
    in_order()


def test_the_debt_of_a_series_that_ended_can_still_be_paid_in(direct):
    sell(direct)
    close(settle(direct, collects=Collects.MERCHANT))
    account = GatewayAccount.objects.get(merchant=direct)
    set_collects(account.pk, Collects.OPERATOR, by=act(), at=clock.now())
    series = Group(direct, "test", "INR", Collects.MERCHANT)
    assert series in set(groups_of(direct))

    post_adjustment(
        direct, 708, "INR", mode="test", by=act(), at=clock.now(), is_paid_in=True, collects=Collects.MERCHANT
    )

    assert settle(direct, collects=Collects.MERCHANT).net_minor == 0
    in_order()


# --- By themselves ---


def test_a_merchants_day_opens_what_is_due_and_waits_for_the_next(merchant):
    payment = sell(merchant)
    schedule = SettlementSchedule.objects.create(merchant=merchant, due_at=clock.now())
    assert run_schedule(schedule.pk, at=clock.now())
    assert not Settlement.objects.exists()  # two working days have not passed

    at = clock.now() + timedelta(days=7)
    assert run_schedule(schedule.pk, at=at)
    settlement = Settlement.objects.get()
    assert build_settlement(settlement.pk, at=at)
    assert list(settlement.lines.values_list("payment", flat=True)) == [payment.pk]
    assert settlement.opened_by is None
    schedule.refresh_from_db()
    assert schedule.due_at > at
    assert not run_schedule(schedule.pk, at=at)


def test_a_merchant_that_is_settled_by_hand_is_left_alone(merchant):
    sell(merchant)
    Merchant.objects.filter(pk=merchant.pk).update(settlement_days=None)
    schedule = SettlementSchedule.objects.create(merchant=merchant, due_at=clock.now())
    assert run_schedule(schedule.pk, at=clock.now() + timedelta(days=30))
    assert not Settlement.objects.exists()
