"""verify_books finds nothing where all is well, and names whatever was tampered with."""

from contextlib import nullcontext
from datetime import timedelta
from io import StringIO
from operator import attrgetter

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.models import F

from payments import append_only, books, clock, entries
from payments.books import Difference, differences, figures
from payments.gateways.simulator.models import SimulatedEvent, SimulatedPayment, SimulatedRefund
from payments.jobs import run_job
from payments.models import Adjustment, FeePlan, LedgerAccount, Order, Payment, Refund, Transfer
from payments.services.disputes import post_adjustment
from tests.factories import MerchantFactory, OrderFactory, PaymentFactory, act, held, late, paid, refund, requested

pytestmark = pytest.mark.django_db


class Shop:
    """A day's business: one of each thing that can happen to money."""

    def __init__(self):
        self.order = OrderFactory()
        FeePlan.objects.create(merchant=self.order.merchant, percent_bps=200, tax_bps=1_800)
        self.paid = paid(self.order)
        self.refund = refund(self.paid, 10_000)
        self.failed = refund(self.paid, 5_091)
        self.waiting = requested(self.paid, 100)
        self.on_its_way = refund(self.paid, 193)
        self.late = late()
        self.held = held()
        self.adjustment = post_adjustment(
            self.order.merchant, -500, "INR", mode="test", by=act(), at=clock.now(), payment=self.paid
        )


@pytest.fixture
def shop(db):
    return Shop()


def _verify(*, status):
    """What `verify_books` prints when it ends with this exit status."""
    out = StringIO()
    with pytest.raises(SystemExit, match="1") if status else nullcontext():
        call_command("verify_books", stdout=out)
    return out.getvalue()


def test_where_all_is_well_there_is_nothing_to_name(shop):
    assert _verify(status=0) == f"{figures()}: 0 differences\n"
    assert figures() == "3 orders, 3 payments, 5 refunds, 11 transfers, 9 accounts, 0 settlements, 0 pay-outs"


def test_an_empty_house_agrees(db):
    assert _verify(status=0).endswith(": 0 differences\n")


# --- tampering ---


def _transfers(row, kind):
    return Transfer.objects.filter(source_type=type(row).__name__.lower(), source_id=row.pk, kind=kind)


def _set(row, **columns):
    type(row).objects.filter(pk=row.pk).update(**columns)


def _drop(row, kind):
    _transfers(row, kind)._raw_delete("default")


def _account(row, kind, merchant=None):
    of = {"merchant": merchant or row.merchant, "mode": row.mode, "currency": row.currency, "kind": kind}
    return LedgerAccount.objects.get_or_create(**of)[0]


def _elsewhere(shop):
    """Both accounts are the right kind, and another merchant's."""
    other = MerchantFactory()
    sides = {
        side: _account(shop.paid, kind, other)
        for side, kind in (("debit", "gateway_receivable"), ("credit", "merchant_payable"))
    }
    _transfers(shop.paid, "capture").update(**sides)


def _stray(shop):
    _transfers(shop.paid, "capture").update(source_id=shop.paid.pk + 1_000)


def _simulated(payment):
    return SimulatedPayment.objects.get(key=payment.gateway_key)


def _simulated_refund(row):
    return SimulatedRefund.objects.get(key=row.gateway_key)


def _surprise(shop):
    _set(_simulated(shop.paid), key="att_of_nobody")


def _unknown_refund(shop):
    _set(_simulated_refund(shop.refund), key="ref_of_nobody")


def _other_order(shop):
    _set(shop.paid, order=OrderFactory(merchant=shop.order.merchant))


# what is done behind the services' backs, and whose name verify_books has to say
MUTANTS = {
    "capture taken out": (lambda s: _drop(s.paid, "capture"), "paid"),
    "fee taken out": (lambda s: _drop(s.paid, "fee"), "paid"),
    "fee changed": (lambda s: _set(s.paid, fee_minor=599), "paid"),
    "transfer of another amount": (lambda s: _transfers(s.paid, "tax").update(amount_minor=107), "paid"),
    "another account": (
        lambda s: _transfers(s.paid, "capture").update(credit=_account(s.paid, "suspense")),
        "paid",
    ),
    "debit and credit swapped": (
        lambda s: _transfers(s.paid, "capture").update(debit=F("credit"), credit=F("debit")),
        "paid",
    ),
    "another merchant's accounts": (_elsewhere, "paid"),
    "an account of another merchant": (
        lambda s: _transfers(s.paid, "capture").update(credit=_account(s.paid, "merchant_payable", MerchantFactory())),
        "transfer",
    ),
    "transfer in another currency": (lambda s: _transfers(s.paid, "capture").update(currency="JPY"), "transfer"),
    "transfer without its source": (_stray, "paid"),
    "capture changed": (lambda s: _set(s.paid, captured_minor=29_998), "paid"),
    "capture called late": (lambda s: _set(s.paid, capture_kind="late", fee_minor=0, fee_tax_minor=0), "order"),
    "paid order called failed": (lambda s: _set(s.order, status="failed"), "order"),
    "unpaid order called paid": (lambda s: _set(s.held.order, status="paid"), "held.order"),
    "order's amount changed": (lambda s: _set(s.order, amount_minor=200_000), "order"),
    "payment of another order": (_other_order, "order"),
    "reservation lost": (lambda s: _set(s.paid, refund_reserved_minor=F("refund_reserved_minor") - 1), "paid"),
    "refund sum wrong": (lambda s: _set(s.paid, refunded_minor=9_999), "paid"),
    "refund taken out of the ledger": (lambda s: _drop(s.refund, "refund_done"), "refund"),
    "failed refund not reversed": (lambda s: _drop(s.failed, "refund_failed"), "failed"),
    "refund called done": (lambda s: _set(s.on_its_way, status="success"), "on_its_way"),
    "refund called failed": (lambda s: _set(s.refund, status="failed"), "refund"),
    "refund's amount changed": (lambda s: _set(s.refund, amount_minor=9_000), "refund"),
    "waiting refund was posted": (
        lambda s: _transfers(s.on_its_way, "refund_sent").update(source_id=s.waiting.pk),
        "waiting",
    ),
    "late money not on its way back": (
        lambda s: (_set(s.late, refund_reserved_minor=0), _set(s.late.refunds.get(), status="cancelled")),
        "late",
    ),
    "adjustment changed": (lambda s: _set(s.adjustment, amount_minor=-499), "adjustment"),
    "adjustment turned round": (lambda s: _set(s.adjustment, amount_minor=500), "adjustment"),
    "simulator took less": (lambda s: _set(_simulated(s.paid), captured_minor=1), "paid"),
    "simulator took nothing": (lambda s: _set(_simulated(s.paid), status="released", captured_minor=0), "paid"),
    "simulator gave another amount": (lambda s: _set(_simulated_refund(s.refund), amount_minor=1), "refund"),
    "simulator gave nothing": (lambda s: _set(_simulated_refund(s.refund), status="failed"), "refund"),
    "simulator gave what failed": (lambda s: _set(_simulated_refund(s.failed), status="done"), "failed"),
    "simulator took from nobody": (_surprise, "simulator"),
    "simulator gave to nobody": (_unknown_refund, "simulator"),
}


@pytest.mark.parametrize(("tamper", "whose"), MUTANTS.values(), ids=MUTANTS)
def test_i11_what_was_tampered_with_is_named(shop, tamper, whose):
    connection.check_constraints()
    append_only.remove()
    tamper(shop)
    named = whose if whose in ("transfer", "simulator") else str(attrgetter(whose)(shop))
    said = [str(difference) for difference in differences()]
    assert any(line.startswith(named) for line in said), said
    assert all(line in _verify(status=1) for line in said)


def test_at_least_ten_mutants_are_killed():
    assert len(MUTANTS) >= 10


# --- beside the shop's business ---


def test_what_is_gone_at_the_second_look_is_no_difference(monkeypatch):
    passing, real = Difference("pay_1", "captured between two questions"), Difference("pay_2", "wrong")
    looks = iter([[passing, real], [real]])
    monkeypatch.setattr(books, "_look", lambda: next(looks))
    assert list(differences()) == [real]


def test_a_refund_that_the_bank_returned_is_no_difference_while_its_event_is_on_its_way(db):
    row = refund(paid(), 10_094)
    run_job("simulator_refund", _simulated_refund(row).pk, at=clock.now() + timedelta(minutes=2))
    assert list(differences()) == []
    SimulatedEvent.objects.update(due_at=None)  # lost, and nobody will ever tell us
    assert [difference.row for difference in differences()] == [row.uid]


def test_attempts_in_flight_and_money_in_review_are_no_difference(db):
    payment = PaymentFactory()
    SimulatedPayment.objects.create(
        key=payment.gateway_key, account_id=payment.account_id, amount_minor=29_999, captured_minor=29_999,
        currency="INR", status="captured", made_at=payment.started_at,
    )  # fmt: skip
    assert list(differences()) == []
    Payment.objects.update(status="failed", money_unclear=True)
    assert list(differences()) == []
    Payment.objects.update(money_unclear=False)
    assert [difference.row for difference in differences()] == [payment.uid]


def test_every_row_is_looked_at_however_many_there_are(shop, monkeypatch):
    monkeypatch.setattr(entries, "CHUNK", 1)
    assert list(differences()) == []
    Payment.objects.filter(pk=shop.late.pk).update(refunded_minor=1)
    assert [difference.row for difference in differences()] == [shop.late.uid]
    assert (Order.objects.count(), Refund.objects.count(), Adjustment.objects.count()) == (3, 5, 1)
