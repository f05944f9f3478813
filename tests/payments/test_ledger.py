"""One row per transfer, written once: between accounts of one merchant, mode and currency."""

import sys
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.db.models import Model
from django.db.utils import DatabaseError

from checkout.checks import check_append_only
from payments import append_only, clock
from payments.books import balances
from payments.models import (
    AuditEntry,
    Event,
    GatewayEvent,
    GatewaySettlement,
    LedgerAccount,
    Refund,
    SettlementEvent,
    StatementFile,
    StatementLine,
    Transfer,
)
from payments.services.ledger import Posting, Source, post
from payments.services.sending import process_refund
from payments.states import AccountKind, TransferKind
from tests.factories import MerchantFactory, OrderFactory, act, deliver, late, paid, refund, requested
from tests.payments.test_statements import GATEWAY, account_of, bring, line_of
from tests.settling import close, settle

pytestmark = pytest.mark.django_db
A, T = AccountKind, TransferKind


def _source(merchant, currency="INR", pk=1, mode="test"):
    return Source(Transfer.PAYMENT, pk, merchant.pk, mode, currency)


def _posted(row):
    """Kind, debited and credited account and amount of a row's transfers, in order."""
    transfers = Transfer.objects.filter(source_type=type(row).__name__.lower(), source_id=row.pk).order_by("pk")
    return [(t.kind, t.debit.kind, t.credit.kind, t.amount_minor) for t in transfers.select_related("debit", "credit")]


# --- posting ---


def test_a_transfer_is_one_row_between_two_accounts(merchant, now):
    post(_source(merchant), [Posting(T.CAPTURE, A.GATEWAY_RECEIVABLE, A.MERCHANT_PAYABLE, 500)], at=now)
    row = Transfer.objects.get()
    assert (row.debit.kind, row.credit.kind, row.amount_minor, row.currency, row.at) == (
        "gateway_receivable",
        "merchant_payable",
        500,
        "INR",
        now,
    )
    assert {account.merchant for account in LedgerAccount.objects.all()} == {merchant}


def test_i11_the_same_cause_is_posted_once(merchant, now):
    posting = [Posting(T.CAPTURE, A.GATEWAY_RECEIVABLE, A.MERCHANT_PAYABLE, 500)]
    post(_source(merchant), posting, at=now)
    with pytest.raises(IntegrityError), transaction.atomic():
        post(_source(merchant), posting, at=now)
    post(_source(merchant, pk=2), posting, at=now)
    assert Transfer.objects.count() == 2


def test_nothing_is_posted_for_nothing(merchant, now):
    post(_source(merchant), [Posting(T.FEE, A.MERCHANT_PAYABLE, A.FEES, 0)], at=now)
    assert not Transfer.objects.exists()
    assert not LedgerAccount.objects.exists()


def test_each_merchant_mode_and_currency_has_accounts_of_its_own(merchant, now):
    posting = [Posting(T.CAPTURE, A.GATEWAY_RECEIVABLE, A.MERCHANT_PAYABLE, 1)]
    sources = [
        _source(merchant),
        _source(merchant, "JPY", pk=2),
        _source(merchant, mode="live", pk=3),
        _source(MerchantFactory(), pk=4),
    ]
    for source in sources:
        post(source, posting, at=now)
    assert LedgerAccount.objects.count() == 8
    post(_source(merchant, pk=5), posting, at=now)
    assert LedgerAccount.objects.count() == 8


# --- what each act posts (the design's section 5) ---


def test_late_money_stands_in_suspense_until_it_is_back(db):
    payment = late()
    row = payment.refunds.get()
    process_refund(row.pk, at=clock.now())
    assert _posted(payment) == [("capture", "gateway_receivable", "suspense", 29_999)]
    assert _posted(row) == [
        ("refund_sent", "suspense", "refunds_in_transit", 29_999),
        ("refund_done", "refunds_in_transit", "gateway_receivable", 29_999),
    ]
    assert set(balances().values()) == {0}


def test_a_refund_is_posted_when_it_is_sent_not_when_it_is_asked_for(db):
    row = requested()
    assert _posted(row) == []
    done = refund(paid(), 10_000)
    assert _posted(done) == [
        ("refund_sent", "merchant_payable", "refunds_in_transit", 10_000),
        ("refund_done", "refunds_in_transit", "gateway_receivable", 10_000),
    ]


def test_i10_debits_equal_credits_in_every_currency(db):
    refund(paid(OrderFactory(currency="JPY", amount_minor=500)), 100, currency="JPY")
    refund(paid(), 10_091)
    late()
    sums = {}
    for (_, currency), amount in balances().items():
        sums[currency] = sums.get(currency, 0) + amount
    assert sums == {"INR": 0, "JPY": 0}
    assert balances()["merchant_payable", "JPY"] == -400


# --- written once ---


@pytest.fixture
def written(db):
    """One row of each kind that is written once."""
    payment = paid()
    refund(payment, 100, by=act())
    deliver()
    close(settle(payment.merchant))
    bring(GATEWAY, [line_of(payment)], account=account_of(payment.merchant))
    once = (Transfer, Event, AuditEntry, GatewayEvent, SettlementEvent, StatementFile, StatementLine, GatewaySettlement)
    return {model._meta.db_table: model.objects.first() for model in once}


def _execute(sql):
    return lambda row: connection.cursor().execute(sql.format(row._meta.db_table))


WAYS = {
    "save": Model.save,
    "delete": lambda row: type(row).objects.filter(pk=row.pk)._raw_delete("default"),
    "update by SQL": _execute("UPDATE {} SET id = id"),
    "delete by SQL": _execute("DELETE FROM {}"),
}


@pytest.mark.parametrize("table", append_only.TABLES)
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_i10_the_database_refuses_to_change_or_delete_what_is_written_once(written, table, way):
    row = written[table]
    before = list(type(row).objects.values())
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        way(row)
    assert list(type(row).objects.values()) == before


def test_all_tables_have_their_triggers_and_installing_twice_is_harmless(db):
    assert append_only.missing() == []
    append_only.install()
    assert append_only.missing() == []


def test_migrating_brings_the_triggers_back_and_the_check_says_when_they_are_gone(db):
    append_only.remove()
    assert append_only.missing() == [guard.name for guard in append_only.GUARDS]
    assert [error.id for error in check_append_only(databases=["default"])] == ["till.E003"]
    assert check_append_only() == []
    with pytest.raises(SystemExit):
        call_command("verify_books", stdout=(said := StringIO()))
    assert "payments_transfer_no_update: this trigger is missing" in said.getvalue()
    call_command("migrate", verbosity=0, stdout=StringIO())
    assert append_only.missing() == []
    assert check_append_only(databases=["default"]) == []


def test_a_table_that_comes_with_the_next_migration_does_not_stop_it(db, monkeypatch):
    """Migrating asks the checks first."""
    monkeypatch.setattr(append_only, "GUARDS", (*append_only.GUARDS, append_only.Guard("payments_tomorrow", "update")))
    assert append_only.missing() == []
    assert check_append_only(databases=["default"]) == []


def test_migrating_is_not_stopped_by_what_it_mends(db, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["manage.py", "migrate"])
    append_only.remove()
    call_command("migrate", verbosity=0, skip_checks=False, stdout=StringIO())
    assert append_only.missing() == []


def test_a_refunds_own_row_may_move(db):
    assert Refund.objects.filter(pk=refund(paid(), 100).pk).update(note="x") == 1
