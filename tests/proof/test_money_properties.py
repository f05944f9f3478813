"""Whatever people, banks and time do to money, in whatever order: in the end nothing is due and all books agree."""

from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from payments import clock
from payments.books import balances, differences
from payments.errors import PaymentsError
from payments.gateways.simulator import desk, events
from payments.gateways.simulator.models import SimulatedPayment, SimulatedRefund
from payments.models import (
    FeePlan,
    Merchant,
    Order,
    Payment,
    Payout,
    Refund,
    Settlement,
    SettlementLine,
    SettlementSchedule,
)
from payments.money import Money
from payments.services.answers import answer_challenge
from payments.services.audit import broken_links
from payments.services.cancels import cancel_attempt
from payments.services.disputes import close_dispute, open_dispute, post_adjustment
from payments.services.payments import terminate_order
from payments.services.payouts import confirm_payout, fail_payout, send_payout
from payments.services.reconcile import inquire_after_return
from payments.services.refunds import cancel_refund, change_refund
from payments.services.sending import approve_and_send, capture_payment, refund_payment, void_payment
from payments.services.settlement_lines import Group, build_settlement
from payments.services.settlements import close_settlement, discard_settlement, open_settlement
from tests.factories import (
    APPROVED,
    CHALLENGED,
    DECLINED,
    LOST_ANSWER,
    MerchantFactory,
    OrderFactory,
    act,
    bank_request,
    card_request,
    deliver,
    hand_over,
    new_refund,
    start,
    upi_request,
)
from tests.proof import assert_history_is_whole, assert_quiet, recover, work
from tests.proof.sentences import lies_of
from tests.settling import settle_all

pytestmark = pytest.mark.django_db

PEOPLE = ["asha", "ben", "carl"]
WAITS = [timedelta(seconds=6), timedelta(seconds=61), timedelta(minutes=20), timedelta(hours=25), timedelta(days=7)]
UNTIL_QUIET = [timedelta(seconds=s) for s in (0, 6, 16, 61, 125, 301, 901, 4_600)] + [
    timedelta(hours=h) for h in (25, 27, 24 * 7 + 1, 24 * 7 + 3, 24 * 14 + 1)
]


class World:
    """Two orders of a merchant, one whose money is held, and everything that can be done to them."""

    def __init__(self, time):
        self.time, self.forms = time, 0
        merchant = MerchantFactory(one_person_refund_minor=5_000, accept_late_s=0)
        FeePlan.objects.create(merchant=merchant, percent_bps=200, fixed_minor=300, tax_bps=1_800)
        SettlementSchedule.objects.create(merchant=merchant, due_at=clock.now())
        self.group = Group(merchant, "test", "INR")
        self.orders = [OrderFactory(merchant=merchant, manual_capture=manual) for manual in (False, True)]

    @property
    def attempts(self):
        return list(Payment.objects.filter(order__in=self.orders).order_by("pk"))

    @property
    def refunds(self):
        return list(Refund.objects.filter(order__in=self.orders).order_by("pk"))

    @property
    def settlements(self):
        return list(Settlement.objects.order_by("pk"))

    @property
    def payouts(self):
        return list(Payout.objects.order_by("pk"))

    def pay(self, n, minor):
        self.forms += 1
        nonce, cards = f"n{self.forms}", (APPROVED, APPROVED, CHALLENGED, DECLINED, LOST_ANSWER)
        asks = [card_request(cards[minor % len(cards)], nonce=nonce), bank_request(nonce=nonce)]
        asks += [upi_request(f"{word}@sim", nonce=nonce) for word in ("success", "pending", "late")]
        start(self.orders[n % 2], asks[n % len(asks)])

    def decide(self, n, minor):
        for row in SimulatedPayment.objects.filter(status="open", deadline_at__isnull=False):
            desk.decide(row, ("approve", "approve", "decline", "leave")[n % 4], at=clock.now())

    def answer(self, n, minor):
        answer_challenge(_one(self.attempts, n).pk, {"otp": "123456" if n % 3 else "000000"}, at=clock.now())

    def come_back(self, n, minor):
        inquire_after_return(_one(self.attempts, n).pk, at=clock.now())

    def drop(self, n, minor):
        cancel_attempt(_one(self.attempts, n).pk, cause="customer", at=clock.now())

    def capture(self, n, minor):
        amount = None if n % 3 == 0 else Money(minor, "INR")
        capture_payment(_one(self.attempts, n).pk, amount, cause="test", at=clock.now(), by=act("asha"))

    def void(self, n, minor):
        void_payment(_one(self.attempts, n).pk, cause="test", at=clock.now())

    def terminate(self, n, minor):
        terminate_order(self.orders[n % 2].pk, cause="merchant", at=clock.now())

    def refund(self, n, minor):
        by = act(PEOPLE[n % 3]) if n % 2 else None
        refund_payment(_one(self.attempts, n).pk, new_refund(minor), at=clock.now(), by=by)

    def approve(self, n, minor):
        row = _one(self.refunds, n)
        approve_and_send(row.pk, version=row.version, by=act(PEOPLE[minor % 3]), at=clock.now())

    def change(self, n, minor):
        change_refund(_one(self.refunds, n).pk, new_refund(minor), by=act(PEOPLE[n % 3]), at=clock.now())

    def cancel(self, n, minor):
        cancel_refund(_one(self.refunds, n).pk, at=clock.now())

    def dispute(self, n, minor):
        mark = open_dispute if n % 2 else close_dispute
        mark(_one(self.attempts, n).pk, by=act(), at=clock.now())

    def correct(self, n, minor):
        amount = minor if n % 2 else -minor
        post_adjustment(self.orders[0].merchant, amount, "INR", mode="test", by=act(), at=clock.now())

    def settle(self, n, minor):
        at = clock.now()
        by = act(PEOPLE[n % 3]) if n % 2 else None
        settlement = open_settlement(self.group, cutoff_at=at - WAITS[n % 3], at=at, by=by)
        build_settlement(settlement.pk, at=at)

    def close(self, n, minor):
        row = _one(self.settlements, n)
        close_settlement(row.pk, net_minor=row.net_minor, by=act(PEOPLE[minor % 3]), at=clock.now())

    def discard(self, n, minor):
        discard_settlement(_one(self.settlements, n).pk, by=act(), at=clock.now())

    def pay_out(self, n, minor):
        row = _one(self.settlements, n)
        send_payout(row.pk, net_minor=row.net_minor, by=act(), at=clock.now())

    def confirm(self, n, minor):
        today = clock.now().date()
        confirm_payout(_one(self.payouts, n).pk, utr=f"UTR{minor}", value_date=today, by=act(), at=clock.now())

    def bounce(self, n, minor):
        fail_payout(_one(self.payouts, n).pk, message="Returned.", by=act(), at=clock.now())

    def pay_in(self, n, minor):
        merchant = self.group.merchant
        post_adjustment(merchant, minor, "INR", mode="test", by=act(), at=clock.now(), is_paid_in=True)

    def tell(self, n, minor):
        deliver(("", "payment", "refund")[n % 3])

    def wait(self, n, minor):
        self.time.enter_context(clock.shifted(WAITS[n % len(WAITS)]))

    def work(self, n, minor):
        work()


def _one(rows, n):
    """One of them, if there is any."""
    if not rows:
        raise PaymentsError("There is nothing to do that to yet.")
    return rows[n % len(rows)]


ACTS = sorted(name for name, act in vars(World).items() if not name.startswith("_") and callable(act))
MONEY_FIRST = ["pay", "pay", "capture", "refund", "refund", "approve", "tell", "work", "wait", "settle", "close"]
minors = st.sampled_from([1, 100, 5_000, 5_001, 10_091, 10_092, 10_093, 10_094, 10_095, 14_999, 29_999, 30_000])
steps = st.lists(st.tuples(st.sampled_from(ACTS + MONEY_FIRST), st.integers(0, 11), minors), min_size=3, max_size=25)


@contextmanager
def forgotten():
    """The database as it was before, afterwards: one example knows nothing of another."""
    block = transaction.atomic()
    block._from_testcase = True  # gateways may be called in it
    with block:
        yield
        transaction.set_rollback(True)


def _run(story):
    with forgotten(), ExitStack() as time, pytest.MonkeyPatch.context() as patch:
        patch.setattr(events, "_post", hand_over)
        world = World(time)
        for name, n, minor in story:
            with suppress(PaymentsError):
                getattr(world, name)(n, minor)
            _assert_pages_are_true(world)
        recover(UNTIL_QUIET)
        recover(UNTIL_QUIET[-1:] * 3)
        _assert_all_is_well(world)
        _assert_pages_are_true(world)


def _assert_pages_are_true(world):
    """Each order's page has one sentence on its money, and neither ledger nor the gateway's book contradicts it."""
    for order in world.orders:
        assert lies_of(order) == []


def _assert_all_is_well(world):
    assert_quiet(UNTIL_QUIET[-1])
    assert [str(difference) for difference in differences()] == []
    assert list(broken_links()) == []
    for order in Order.objects.all():
        assert order.status in ("paid", "expired", "terminated")
        assert_history_is_whole(order)
    for payment in world.attempts:
        assert payment.refunded_minor <= payment.refund_reserved_minor <= payment.captured_minor
        assert payment.status == "success" or not payment.refunds.exists()
    taken = sum(SimulatedPayment.objects.values_list("captured_minor", flat=True))
    given = sum(SimulatedRefund.objects.filter(status="done").values_list("amount_minor", flat=True))
    assert balances().get(("gateway_receivable", "INR"), 0) == taken - given
    assert balances().get(("refunds_in_transit", "INR"), 0) == 0
    assert sum(balances().values()) == 0
    assert Merchant.objects.count() == 1
    _assert_everything_is_settled_once(world)


def _assert_everything_is_settled_once(world):
    """I12: once all is settled, what the merchant is still owed is what settlements say, less what was paid out."""
    settle_all(world.group)
    lines = SettlementLine.objects.all()
    captured = Payment.objects.filter(capture_kind="normal")
    assert set(lines.filter(kind="payment").values_list("payment", flat=True)) == {row.pk for row in captured}
    with_line = set(lines.filter(kind="refund").values_list("refund", flat=True))
    undone = ("failed", "cancelled")
    sent = Refund.objects.filter(payment__in=captured, sent_at__isnull=False)
    assert {row.pk for row in sent.exclude(status__in=undone)} <= with_line <= {row.pk for row in sent}
    reversed_ = set(lines.filter(kind="reversal").values_list("refund", flat=True))
    assert reversed_ == with_line & {row.pk for row in sent.filter(status__in=undone)}
    owed = sum(row.net_minor - row.carried_in_minor for row in world.settlements)
    paid_out = sum(row.amount_minor for row in world.payouts if row.status != "failed")
    assert -balances().get(("merchant_payable", "INR"), 0) == owed - paid_out
    assert [str(difference) for difference in differences()] == []


SETTINGS = {
    "deadline": None,
    "derandomize": True,
    "database": None,
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
}


@settings(max_examples=15, **SETTINGS)
@given(steps)
def test_whatever_is_done_to_money_the_books_agree(db, story):
    _run(story)


@pytest.mark.slow
@settings(max_examples=100, **SETTINGS)
@given(steps)
def test_whatever_is_done_to_money_the_books_agree_many_times(db, story):
    _run(story)


LIES = {
    "once, of what the gateway did not take": (APPROVED, {"status": "declined", "captured_minor": 0}),
    "nothing, of what it took": (DECLINED, {"status": "captured", "captured_minor": 29_999}),
    "nothing, of what it holds": (DECLINED, {"status": "held"}),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_page_that_says_what_the_book_does_not_is_found_out(db, lie):
    number, told = LIES[lie]
    payment = start(OrderFactory(), card_request(number))
    assert lies_of(payment.order) == []
    SimulatedPayment.objects.filter(key=payment.gateway_key).update(**told)
    assert lies_of(payment.order) != []
