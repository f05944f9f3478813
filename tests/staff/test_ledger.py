"""The ledger's pages: balances that add up, transfers that are found."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from checkout.amounts import MINUS, signed
from checkout.staff.ledger import sums_of
from payments import clock
from payments.models import FeePlan, LedgerAccount, Transfer
from payments.money import Money
from payments.services.audit import Act
from payments.services.disputes import post_adjustment
from payments.services.ledger import Posting, Source, post
from payments.services.refunds import NewRefund, reserve_refund
from payments.states import AccountKind, TransferKind
from tests.factories import MerchantFactory
from tests.staff import ADMIN
from tests.staff.conftest import make_staff, signed_in
from tests.staff.deeds import pay

A = AccountKind
pytestmark = pytest.mark.django_db


@pytest.fixture
def reader(db):
    names = ("ledgeraccount", "transfer", "adjustment", "payment", "refund", "merchant")
    return signed_in(make_staff("reader", *(f"view_{name}" for name in names)))


@pytest.fixture
def sold(merchant):
    """₹1,000.00 taken at 2 % and 18 % tax, ₹300.00 of it on its way back, ₹50.00 taken for a dispute."""
    FeePlan.objects.create(merchant=merchant, percent_bps=200, tax_bps=1_800)
    payment = pay(merchant, 100_000)
    refund = reserve_refund(payment.pk, NewRefund(Money(30_000, "INR")), at=clock.now())
    by = Act(make_staff("asha").pk, "The bank took it")
    adjustment = post_adjustment(merchant, -5_000, "INR", mode="test", by=by, at=clock.now(), payment=payment)
    return payment, refund, adjustment


def _list(client, model, query=""):
    page = client.get(f"{ADMIN}/{model}/?{query}")
    assert page.status_code == 200
    return page


def _cells(page, *fields):
    """Columns of a list's rows, as text."""
    html = page.content.decode()
    columns = [re.findall(rf'<t[hd] class="field-{field}[^"]*">(.*?)</t[hd]>', html) for field in fields]
    return [tuple(re.sub(r"<[^>]+>", "", cell) for cell in row) for row in zip(*columns, strict=True)]


def _pks(page):
    return [row.pk for row in page.context["cl"].result_list]


def test_accounts_show_their_balances(reader, sold):
    rows = _cells(_list(reader, "ledgeraccount"), "account", "debit", "credit", "balance")
    assert {row[0]: row[1:] for row in rows} == {
        "gateway receivable": ("₹1,000.00", "₹0.00", "₹1,000.00"),
        "merchant payable": ("₹373.60", "₹1,000.00", f"{MINUS}₹626.40"),
        "fees": ("₹0.00", "₹20.00", f"{MINUS}₹20.00"),
        "tax on fees": ("₹0.00", "₹3.60", f"{MINUS}₹3.60"),
        "refunds in transit": ("₹0.00", "₹300.00", f"{MINUS}₹300.00"),
        "adjustments": ("₹0.00", "₹50.00", f"{MINUS}₹50.00"),
    }


def test_totals_are_of_everything_that_matches_and_never_across_currencies(reader, sold):
    merchant = sold[0].merchant
    other = Source("payment", 999_999, merchant.pk, "test", "JPY")
    post(other, [Posting(TransferKind.CAPTURE, A.GATEWAY_RECEIVABLE, A.MERCHANT_PAYABLE, 700)], at=clock.now())
    page = _list(reader, "ledgeraccount")
    totals = [(t.mode, t.currency, t.debit, t.credit, t.balance) for t in page.context["cl"].totals]
    assert totals == [
        ("test", "INR", "₹1,373.60", "₹1,373.60", "₹0.00"),
        ("test", "JPY", "¥700", "¥700", "¥0"),
    ]
    assert "till-total" in page.content.decode()
    (total,) = _list(reader, "ledgeraccount", "kind__exact=merchant_payable&currency=INR").context["cl"].totals
    assert total.balance == f"{MINUS}₹626.40"


def test_balances_are_one_statement_however_many_accounts(reader, sold):
    def cost():
        with CaptureQueriesContext(connection) as seen:
            _list(reader, "ledgeraccount")
        return len(seen)

    few = cost()
    for number in range(4):
        merchant = MerchantFactory()
        source = Source("payment", 1_000_000 + number, merchant.pk, "test", "INR")
        post(source, [Posting(TransferKind.CAPTURE, A.GATEWAY_RECEIVABLE, A.MERCHANT_PAYABLE, 5)], at=clock.now())
    assert cost() == few
    with CaptureQueriesContext(connection) as seen:
        sums_of(LedgerAccount.objects.all())
    assert len(seen) == 1


def test_an_account_without_transfers_has_no_sums(reader, merchant):
    account = LedgerAccount.objects.create(merchant=merchant, mode="test", kind=A.BANK, currency="KWD")
    assert "KWD\u00a00.000" in _list(reader, "ledgeraccount").content.decode()
    assert reader.get(f"{ADMIN}/ledgeraccount/{account.pk}/change/").status_code == 200


def test_an_account_leads_to_its_transfers(reader, sold):
    account = LedgerAccount.objects.get(kind=A.FEES)
    page = reader.get(f"{ADMIN}/ledgeraccount/{account.pk}/change/").content.decode()
    where = f"{ADMIN}/transfer/?account={account.pk}"
    assert where in page
    assert _pks(reader.get(where)) == [Transfer.objects.get(kind="fee").pk]


def test_transfers_are_found_by_what_caused_them(reader, sold):
    payment, refund, _ = sold
    all_of_it = list(Transfer.objects.order_by("-pk").values_list("pk", flat=True))
    pay(payment.merchant)
    assert _pks(_list(reader, "transfer", f"q={payment.uid}")) == all_of_it
    assert _pks(_list(reader, "transfer", f"q={payment.order.order_id}")) == all_of_it
    assert _pks(_list(reader, "transfer", f"q={refund.uid}")) == [Transfer.objects.get(kind="refund_sent").pk]
    assert _pks(_list(reader, "transfer", "q=pay_unknown")) == []


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("kind__exact=fee", 1),
        ("debit__mode__exact=live", 0),
        ("currency=INR", 5),
        ("currency=JPY", 0),
        ("account=99999999", 0),
        ("account=abc", 5),
    ],
)
def test_transfers_filter(reader, sold, query, count):
    assert len(_pks(_list(reader, "transfer", query))) == count


def test_transfers_filter_by_merchant(reader, sold):
    merchant = sold[0].merchant_id
    assert len(_pks(_list(reader, "transfer", f"debit__merchant__id__exact={merchant}"))) == 5
    other = MerchantFactory()
    assert _pks(_list(reader, "transfer", f"debit__merchant__id__exact={other.pk}")) == []


def test_a_transfer_names_its_cause_and_costs_no_query_a_row(reader, sold):
    payment, refund, adjustment = sold
    rows = _cells(_list(reader, "transfer"), "kind_shown", "amount", "debited", "credited", "source")
    assert ("capture", "₹1,000.00", "gateway receivable", "merchant payable", payment.uid) in rows
    assert ("refund sent", "₹300.00", "merchant payable", "refunds in transit", refund.uid) in rows
    assert ("adjustment", "₹50.00", "merchant payable", "adjustments", f"adjustment {adjustment.pk}") in rows

    def cost():
        with CaptureQueriesContext(connection) as seen:
            _list(reader, "transfer")
        return len(seen)

    few = cost()
    for _ in range(3):
        pay(payment.merchant)
    assert cost() == few
    for transfer in Transfer.objects.all():
        assert reader.get(f"{ADMIN}/transfer/{transfer.pk}/change/").status_code == 200


def test_adjustments_read_with_sign_and_reason(reader, sold):
    _, _, adjustment = sold
    (row,) = _cells(_list(reader, "adjustment"), "amount", "reason", "made_by")
    assert row == (f"{MINUS}₹50.00", "The bank took it", "asha")
    page = reader.get(f"{ADMIN}/adjustment/{adjustment.pk}/change/").content.decode()
    assert f"{MINUS}₹50.00" in page
    assert sold[0].uid in page


@pytest.mark.parametrize("model", ["ledgeraccount", "transfer", "adjustment"])
@pytest.mark.parametrize("query", ["q=%00", "q=%22", "currency=%00", "kind=nonsense", "p=zzz", "o=9.9"])
def test_odd_questions_are_no_fault_of_ours(chief, sold, model, query):
    assert chief.get(f"{ADMIN}/{model}/?{query}").status_code in (200, 302)


def test_an_amount_below_zero_wears_a_minus_sign():
    assert signed(-11_250_000, "INR") == "\u2212₹1,12,500.00"
