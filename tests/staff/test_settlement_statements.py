"""Statements: every line, amounts that add up to the settlement, nothing a spreadsheet computes, nothing held whole."""

import csv
import tracemalloc
from decimal import Decimal
from io import StringIO

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from checkout.staff.settlement_statements import HEAD
from payments import clock
from payments.models import AuditEntry, Customer, GatewayAccount, Order, Payment, Refund, Settlement
from payments.money import Money
from payments.services.disputes import post_adjustment
from payments.services.settlement_lines import build_settlement
from payments.states import Collects
from tests.factories import CustomerFactory, PaymentFactory, act, refund
from tests.settling import RETURNED, bounce, close, pay_out, sell, seller, settle
from tests.staff.conftest import make_staff, signed_in
from tests.staff.deeds import door

pytestmark = pytest.mark.django_db
WHY = "The merchant asked for it"
FIGURES = ("gross", "refund", "fee", "tax", "adjustment", "net")


@pytest.fixture
def merchant():
    return seller()


def _take(client, settlement, kind="csv"):
    return client.post(door(settlement, "statement"), {"reason": WHY, kind: "x"})


def rows_in(answer):
    assert answer.status_code == 200
    text = b"".join(answer.streaming_content).decode()
    head, *rows = csv.reader(StringIO(text, newline=""))
    assert head == HEAD
    return [dict(zip(head, row, strict=True)) for row in rows]


def _sums(rows):
    return {name: sum(Decimal(row[name]) for row in rows) for name in FIGURES}


def _held(settlement):
    minors = (
        settlement.gross_minor, settlement.refunds_minor, settlement.fees_minor, settlement.tax_minor,
        settlement.adjustments_minor, settlement.net_minor,
    )  # fmt: skip
    return dict(zip(FIGURES, (Money(minor, settlement.currency).as_major() for minor in minors), strict=True))


def _eventful(merchant):
    """Two settlements before this one: a debt to carry in, a refund to reverse, and a correction."""
    payment, other = sell(merchant), sell(merchant)
    back = refund(other, RETURNED)
    close(settle(merchant))
    refund(payment, 29_999)
    close(settle(merchant))
    bounce(back)
    customer = CustomerFactory(merchant=merchant, reference="=cmd()")
    last = sell(merchant, customer=customer)
    refund(last, 5_000)
    post_adjustment(merchant, -1_234, "INR", mode="test", by=act(), at=clock.now())
    return settle(merchant)


def test_the_columns_add_up_to_the_settlements_figures(chief, merchant):
    settlement = _eventful(merchant)
    rows = rows_in(_take(chief, settlement))
    assert settlement.carried_in_minor < 0
    assert _sums(rows) == _held(settlement)
    assert [row["kind"] for row in rows] == ["payment", "refund", "reversal", "adjustment", "carried in"]
    assert Decimal(rows[-1]["net"]) == Money(settlement.carried_in_minor, "INR").as_major()


def test_what_the_gateway_paid_itself_is_taken_off(chief, merchant):
    GatewayAccount.objects.filter(merchant=merchant).update(collects=Collects.MERCHANT)
    sell(merchant)
    settlement = close(settle(merchant, collects=Collects.MERCHANT))
    rows = rows_in(_take(chief, settlement))
    assert _sums(rows) == _held(settlement)
    assert [(row["kind"], row["net"]) for row in rows] == [("payment", "292.91"), ("paid directly", "-299.99")]


def test_a_line_says_all_an_accountant_asks_for(chief, merchant):
    settlement = _eventful(merchant)
    first, second, third, fourth, _ = rows_in(_take(chief, settlement))
    payment, back = Payment.objects.latest("pk"), Refund.objects.latest("pk")
    assert first == {
        "settlement": settlement.uid, "line": first["line"], "kind": "payment", "at": first["at"],
        "order_id": payment.order.order_id, "payment_id": payment.uid, "refund_id": "", "gateway": "simulator",
        "gateway_reference": payment.gateway_payment_id, "bank_reference": payment.bank_reference, "method": "card",
        "customer_reference": "'=cmd()", "gross": "299.99", "refund": "0.00", "fee": "6.00", "tax": "1.08",
        "adjustment": "0.00", "net": "292.91", "currency": "INR",
    }  # fmt: skip
    assert first["at"].endswith("+05:30")
    assert (second["refund_id"], second["gateway_reference"]) == (back.refund_id, back.gateway_refund_id)
    assert (second["refund"], second["net"]) == ("50.00", "-50.00")
    assert (third["adjustment"], third["net"]) == ("100.94", "100.94")
    assert (fourth["order_id"], fourth["adjustment"], fourth["net"]) == ("", "-12.34", "-12.34")


@pytest.mark.parametrize("currency", ["JPY", "KWD"])
def test_amounts_have_their_currencys_decimals(chief, merchant, currency):
    sell(merchant, currency=currency)
    settlement = close(settle(merchant, currency=currency))
    (row,) = rows_in(_take(chief, settlement))
    assert row["gross"] == {"JPY": "29999", "KWD": "29.999"}[currency]


@pytest.mark.parametrize("evil", ["=1+1", "+1", "-1+cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", "\r=1", "\uff1d1"])
def test_nothing_that_somebody_wrote_is_computed(chief, merchant, evil):
    payment = sell(merchant)
    Order.objects.filter(pk=payment.order_id).update(order_id=evil)
    Customer.objects.filter(pk=payment.order.customer_id).update(reference=evil)
    Payment.objects.filter(pk=payment.pk).update(bank_reference=evil, gateway_payment_id=evil)
    (row,) = rows_in(_take(chief, close(settle(merchant))))
    for name in ("order_id", "customer_reference", "bank_reference", "gateway_reference"):
        assert row[name] == f"'{evil}"
    assert not [cell for name, cell in row.items() if name not in FIGURES and cell[:1] in tuple("=+-@\t\r")]


def _many(merchant, count):
    """A settlement of so many payments; no gateway knows of them."""
    like = PaymentFactory(success=True, order__merchant=merchant)
    order, at = Order.objects.get(pk=like.order_id), clock.now()
    columns = {
        field.attname: getattr(order, field.attname) for field in Order._meta.concrete_fields if not field.primary_key
    }
    own = [{"uid": f"order_{n}", "order_id": f"order_{n}", "session_id": f"sess_{n}"} for n in range(count - 1)]
    Order.objects.bulk_create([Order(**columns | ids) for ids in own], batch_size=500)
    columns = {
        field.attname: getattr(like, field.attname) for field in Payment._meta.concrete_fields if not field.primary_key
    }
    orders = Order.objects.filter(merchant=merchant).exclude(pk=order.pk).values_list("pk", flat=True)
    rows = [
        Payment(
            **columns | {"order_id": pk, "uid": f"pay_{pk}", "gateway_key": f"k_{pk}", "gateway_payment_id": f"gw_{pk}"}
        )
        for pk in orders
    ]
    Payment.objects.bulk_create(rows, batch_size=500)
    Payment.objects.filter(merchant=merchant).update(completed_at=at)
    settlement = Settlement.objects.create(
        uid="settle_many", merchant=merchant, mode="test", currency="INR", collects="operator",
        cutoff_at=clock.now(), opened_at=clock.now(), build_at=at,
    )  # fmt: skip
    assert build_settlement(settlement.pk, at=clock.now())
    settlement.refresh_from_db()
    assert settlement.payments == count
    return settlement


def test_ten_thousand_lines_are_streamed_in_pieces(chief, merchant):
    settlement = _many(merchant, 10_000)
    answer = _take(chief, settlement)
    assert answer.streaming
    with CaptureQueriesContext(connection) as seen:
        first = next(iter(answer.streaming_content))
    assert len(seen) <= 2  # no more than the first piece is read, and not before it was asked for
    assert first.count(b"\r\n") == 1_001
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    count, total = 1_000, Decimal(0)
    with CaptureQueriesContext(connection) as seen:
        for piece in answer.streaming_content:
            count += piece.count(b"\r\n")
            total += sum(Decimal(row[-2]) for row in csv.reader(StringIO(piece.decode(), newline="")))
    peak = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    assert count == 10_000
    assert total == 9_000 * Decimal("299.99")
    assert len(seen) <= 11
    assert peak < 40_000_000
    page = _take(chief, settlement, "page").content.decode()
    assert "These are the first 500 lines. The CSV has all of them." in page


def test_the_page_to_print_says_it_all_without_scripts(chief, merchant):
    sell(merchant)
    settlement = close(settle(merchant))
    payout = pay_out(settlement)
    page = _take(chief, settlement, "page").content.decode()
    for words in (merchant.name, settlement.uid, "₹299.99", "₹292.91", "HDFC0001", "Asia/Kolkata"):
        assert words in page
    payout.refresh_from_db()
    assert f"{payout.value_date:%-d %b %Y}" in page
    assert "<script" not in page
    assert " style=" not in page
    assert "Draft" not in page


def test_the_page_of_a_debt_or_a_draft_says_so(chief, merchant):
    payment = sell(merchant)
    close(settle(merchant))
    refund(payment, 29_999)
    draft = settle(merchant)
    page = _take(chief, draft, "page").content.decode()
    assert "Draft:" in page
    assert "what is owed is taken off the next settlement" in page


def test_taking_a_statement_is_recorded_with_its_reason(merchant):
    viewer = signed_in(make_staff("asha", "view_settlement", "view_settlementline"))
    sell(merchant)
    settlement = close(settle(merchant))
    rows_in(_take(viewer, settlement))
    _take(viewer, settlement, "page")
    found = AuditEntry.objects.filter(act="settlement.export").order_by("pk")
    assert [(e.actor.username, e.object_id, e.reason, e.details["kind"]) for e in found] == [
        ("asha", settlement.uid, WHY, "csv"), ("asha", settlement.uid, WHY, "page"),
    ]  # fmt: skip


def test_without_a_reason_or_by_a_get_nothing_is_given(chief, merchant):
    sell(merchant)
    settlement = close(settle(merchant))
    count = AuditEntry.objects.count()
    answer = chief.post(door(settlement, "statement"), {"csv": "x"})
    assert answer.status_code == 400
    assert "required" in answer.content.decode()
    for method in (chief.get, chief.head):
        assert method(f"{door(settlement, 'statement')}?reason=x&csv=x")["Content-Type"].startswith("text/html")
    assert chief.put(door(settlement, "statement")).status_code == 405
    assert AuditEntry.objects.count() == count


def test_who_may_not_see_lines_gets_no_statement(merchant):
    sell(merchant)
    settlement = close(settle(merchant))
    client = signed_in(make_staff("asha", "view_settlement"))
    assert client.get(door(settlement, "statement")).status_code == 403
    assert _take(client, settlement).status_code == 403
    assert "Statement" not in client.get(f"/admin/payments/settlement/{settlement.pk}/change/").content.decode()
