"""Ways to break what the database promises of settlements, by the name of the promise."""

from payments import clock, ids
from payments.models import (
    Adjustment,
    GatewayAccount,
    Payout,
    Settlement,
    SettlementEvent,
    SettlementLine,
)
from payments.services.disputes import post_adjustment
from tests.factories import GatewayAccountFactory, MerchantFactory, PaymentFactory, RefundFactory, act


def _settlement(**columns):
    now = clock.now()
    known = {"uid": ids.new_settlement_id(), "mode": "test", "currency": "INR", "collects": "operator"}
    known |= {"cutoff_at": now, "opened_at": now} | columns
    merchant = known.pop("merchant", None) or MerchantFactory()
    return Settlement.objects.create(merchant=merchant, **known)


def _closed(**columns):
    """100 to pay out."""
    known = {"status": "closed", "closed_at": clock.now(), "gross_minor": 100, "net_minor": 100}
    return _settlement(**known | columns)


def _second_open():
    first = _settlement()
    _settlement(merchant=first.merchant, previous=_closed())


def _two_first():
    first = _closed()
    _closed(merchant=first.merchant)


def _line(kind="payment", **columns):
    known = {"amount_minor": 100, "at": clock.now(), "settlement": columns.pop("settlement", None) or _settlement()}
    return SettlementLine.objects.create(kind=kind, **known | columns)


def _about(kind, **columns):
    """A line about a row that fits its kind."""
    row = {"payment": lambda: PaymentFactory(success=True), "refund": RefundFactory, "adjustment": _adjustment}
    of = "refund" if kind == "reversal" else kind
    return _line(kind, **{of: row[of](), **columns})


def _adjustment(**columns):
    row = post_adjustment(MerchantFactory(), 100, "INR", mode="test", by=act(), at=clock.now())
    Adjustment.objects.filter(pk=row.pk).update(**columns) if columns else None
    return row


def _twice(**about):
    settlement = _settlement()
    for _ in range(2):
        _line(settlement=settlement, **about)


def _payout(settlement=None, **columns):
    known = {"uid": ids.new_payout_id(), "amount_minor": 100, "sent_at": clock.now(), "sent_by_id": act().user_id}
    return Payout.objects.create(settlement=settlement or _closed(), **known | columns)


def _two_live_payouts():
    settlement = _closed()
    _payout(settlement)
    _payout(settlement, status="paid", utr="UTR1")


def _two_events_of_a_number():
    settlement = _settlement()
    for _ in range(2):
        SettlementEvent.objects.create(settlement=settlement, sequence=1, kind="k", cause="c", at=clock.now())


def _closed_by_its_opener():
    person = act().user_id
    _closed(opened_by_id=person, closed_by_id=person)


SETTLEMENT_BREAKS = {
    "settled_within_30_days": [lambda: MerchantFactory(settlement_days=31)],
    "gateway_account_collects_known": [
        lambda: GatewayAccount.objects.filter(pk=GatewayAccountFactory().pk).update(collects="nobody")
    ],
    "adjustment_collects_known": [lambda: _adjustment(collects="nobody")],
    "paid_in_is_above_zero": [lambda: _adjustment(is_paid_in=True, amount_minor=-1)],
    "settlement_mode_known": [lambda: _settlement(mode="demo")],
    "settlement_collects_known": [lambda: _settlement(collects="nobody")],
    "settlement_status_known": [lambda: _closed(status="lost")],
    "settlement_net_adds_up": [
        lambda: _settlement(net_minor=1),
        lambda: _settlement(gross_minor=100, refunds_minor=100, net_minor=100),
        lambda: _settlement(fees_minor=1),
        lambda: _settlement(tax_minor=1),
        lambda: _settlement(adjustments_minor=1),
        lambda: _settlement(collects="merchant", paid_directly_minor=1),
        lambda: _settlement(carried_in_minor=-1),
    ],
    "only_debt_is_carried": [lambda: _settlement(carried_in_minor=1, net_minor=1)],
    "paid_directly_by_gateway_only": [lambda: _settlement(paid_directly_minor=1, net_minor=-1)],
    "only_a_whole_settlement_is_closed": [
        lambda: _settlement(closed_at=clock.now()),
        lambda: _closed(closed_at=None),
        lambda: _closed(build_at=clock.now()),
    ],
    "opener_is_not_closer": [_closed_by_its_opener],
    "only_what_is_owed_is_paid_out": [
        lambda: _closed(status="paid_out", gross_minor=0, net_minor=0),
        lambda: _closed(status="failed", gross_minor=0, fees_minor=1, net_minor=-1),
        lambda: _closed(status="paid_out", collects="merchant"),
    ],
    "one_open_settlement": [_second_open],
    "one_first_settlement": [_two_first],
    "settlement_line_is_about_one_thing": [
        lambda: _line("gift"),
        _line,
        lambda: _about("payment", amount_minor=0),
        lambda: _about("refund"),
        lambda: _about("reversal", amount_minor=-100),
        lambda: _about("adjustment", refund=RefundFactory()),
        lambda: _about("payment", refund=RefundFactory()),
    ],
    "fees_only_on_payment_lines": [
        lambda: _about("payment", fee_minor=-1),
        lambda: _about("payment", tax_minor=-1),
        lambda: _about("refund", amount_minor=-100, fee_minor=1),
    ],
    "one_line_per_payment": [lambda: _twice(kind="payment", payment=PaymentFactory(success=True))],
    "one_line_per_refund_and_kind": [
        lambda: _twice(kind="refund", refund=RefundFactory(), amount_minor=-100),
        lambda: _twice(kind="reversal", refund=RefundFactory()),
    ],
    "one_line_per_adjustment": [lambda: _twice(kind="adjustment", adjustment=_adjustment())],
    "payout_status_known": [lambda: _payout(status="lost")],
    "payout_above_zero": [lambda: _payout(amount_minor=0)],
    "paid_payout_has_a_reference": [lambda: _payout(status="paid")],
    "one_live_payout_per_settlement": [_two_live_payouts],
    "one_settlement_event_per_number": [_two_events_of_a_number],
}
