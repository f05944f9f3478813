import pytest

from payments.states import (
    LIVE,
    MAX_DECLINES,
    OPEN,
    ORDER_MOVES,
    PAYABLE,
    PAYMENT_MOVES,
    REFUND_MOVES,
    REFUND_RESERVES,
    REFUND_SENT,
    OrderStatus,
    PaymentStatus,
    RefundStatus,
)

# The design's section 3, written out by hand: the code must agree with it edge for edge.
ORDER_TABLE = {
    "created": "pending expired terminated",
    "pending": "paid failed expired terminated",
    "failed": "pending paid expired terminated",
    "expired": "paid",
    "terminated": "paid",
    "paid": "",
}
PAYMENT_TABLE = {
    "pending": "authorized success failed user_dropped cancelled",
    "authorized": "success void",
    "failed": "success authorized void",
    "user_dropped": "success authorized void",
    "cancelled": "success authorized void",
    "void": "success",
    "success": "",
}
REFUND_TABLE = {
    "requested": "pending cancelled",
    "pending": "success failed cancelled onhold",
    "onhold": "success failed cancelled",
    "success": "failed",
    "failed": "",
    "cancelled": "",
}


def _as_words(moves):
    return {str(old): {str(new) for new in news} for old, news in moves.items()}


@pytest.mark.parametrize(
    ("moves", "table"),
    [(ORDER_MOVES, ORDER_TABLE), (PAYMENT_MOVES, PAYMENT_TABLE), (REFUND_MOVES, REFUND_TABLE)],
    ids=["order", "payment", "refund"],
)
def test_moves_are_the_tables_of_the_design(moves, table):
    assert _as_words(moves) == {old: set(news.split()) for old, news in table.items()}


@pytest.mark.parametrize(
    ("moves", "statuses"),
    [(ORDER_MOVES, OrderStatus), (PAYMENT_MOVES, PaymentStatus), (REFUND_MOVES, RefundStatus)],
)
def test_every_status_has_a_row(moves, statuses):
    assert set(moves) == set(statuses)


@pytest.mark.parametrize(
    ("moves", "start"), [(ORDER_MOVES, "created"), (PAYMENT_MOVES, "pending"), (REFUND_MOVES, "requested")]
)
def test_every_status_can_be_reached(moves, start):
    reached = {start}
    for _ in moves:
        reached |= {new for old in reached for new in moves[old]}
    assert reached == set(moves)


@pytest.mark.parametrize("moves", [ORDER_MOVES, PAYMENT_MOVES, REFUND_MOVES], ids=["order", "payment", "refund"])
def test_no_status_moves_to_itself(moves):
    assert not [old for old, news in moves.items() if old in news]


def test_no_captured_payment_and_no_paid_order_ever_goes_back():
    assert PAYMENT_MOVES[PaymentStatus.SUCCESS] == frozenset()
    assert ORDER_MOVES[OrderStatus.PAID] == frozenset()


def test_every_way_a_payment_can_end_without_money_may_still_turn_out_captured():
    assert all("success" in PAYMENT_MOVES[old] for old in PaymentStatus if old != PaymentStatus.SUCCESS)


def test_payable_orders_are_those_that_may_become_pending():
    assert {old for old, news in ORDER_MOVES.items() if OrderStatus.PENDING in news} == PAYABLE
    assert PAYABLE | {OrderStatus.PENDING} == OPEN


def test_live_attempts_are_those_that_hold_or_decide():
    assert set(LIVE) == {"pending", "authorized"}


def test_an_order_takes_five_declines():
    assert MAX_DECLINES == 5


def test_a_refunds_amount_is_reserved_until_it_is_known_not_to_go():
    assert set(REFUND_SENT) == {"pending", "onhold"}
    assert set(RefundStatus) - REFUND_RESERVES == {"failed", "cancelled"}
