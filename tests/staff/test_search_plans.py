"""How the database finds what staff look for: by an index, whatever they have in hand, and in whichever list."""

import json
import re
from itertools import product

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from payments import ids
from payments.models import Customer, Order, Payment, Refund
from tests.factories import CustomerFactory, OrderFactory, PaymentFactory, RefundFactory
from tests.staff import ADMIN

TABLES = ("payments_order", "payments_payment", "payments_refund", "payments_customer")
MANY = 3_000


def _walks(sql):
    """The tables that a statement walks through as a whole, by the database's own account of its plan."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
            return re.findall(rf"SCAN ({'|'.join(TABLES)})", "\n".join(row[3] for row in cursor.fetchall()))
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}")
        plan = cursor.fetchone()[0]
    return list(_walked(json.loads(plan) if isinstance(plan, str) else plan))


def _walked(node):
    if isinstance(node, list):
        for each in node:
            yield from _walked(each)
    elif isinstance(node, dict):
        kind, table = node.get("Node Type", ""), node.get("Relation Name")
        is_whole = kind == "Seq Scan" or (kind.startswith("Index") and "Index Cond" not in node)
        if table in TABLES and is_whole:
            yield table
        yield from _walked(list(node.values()))


def _copies(row, count, **columns):
    """Rows like this one, with columns of their own."""
    names = [field.attname for field in row._meta.concrete_fields if not field.primary_key]
    shared = {name: getattr(row, name) for name in names}
    return [type(row)(**{**shared, **{name: make(n) for name, make in columns.items()}}) for n in range(count)]


@pytest.fixture
def many(db):
    """One payment with its refund among thousands of others."""
    payment = PaymentFactory(
        success=True,
        bank_reference="412345678901",
        order__order_id="SHOP-2290",
        order__amount_minor=229_000,
        order__customer__reference="asha-7",
        order__customer__email="Asha.Rao@Example.com",
        order__customer__phone="+919876543210",
    )
    refund = RefundFactory(payment=payment, refund_id="back-1", bank_reference="ARN-1", gateway_refund_id="rfnd_1")
    seller = payment.merchant
    one = CustomerFactory(merchant=seller)
    Customer.objects.bulk_create(
        _copies(
            one, MANY, reference=lambda n: f"c-{n}", email=lambda n: f"c{n}@example.com", phone=lambda n: f"+9180{n}"
        )
    )
    customers = list(Customer.objects.exclude(pk__in=[one.pk, payment.order.customer_id]).values_list("pk", flat=True))
    other = OrderFactory(merchant=seller, customer=one)
    Order.objects.bulk_create(
        _copies(
            other, MANY,
            uid=lambda n: ids.new_order_id(), order_id=lambda n: f"o-{n}", session_id=lambda n: ids.new_session_id(),
            customer_email=lambda n: f"c{n}@example.com", customer_phone=lambda n: f"+9180{n}",
            customer_id=lambda n: customers[n], amount_minor=lambda n: 1_000 + n,
        )
    )  # fmt: skip
    tried = PaymentFactory(failed=True, order=other)
    orders = list(Order.objects.exclude(pk__in=[other.pk, payment.order_id]).values_list("pk", flat=True))
    Payment.objects.bulk_create(
        _copies(
            tried, MANY,
            uid=lambda n: ids.new_payment_id(), gateway_key=lambda n: ids.new_gateway_key(),
            order_id=lambda n: orders[n], gateway_payment_id=lambda n: f"gw-other-{n}",
            bank_reference=lambda n: f"bank-{n}", amount_minor=lambda n: n + 1,
        )
    )  # fmt: skip
    payments = list(Payment.objects.exclude(pk__in=[payment.pk, tried.pk]).values_list("pk", "order_id"))
    Refund.objects.bulk_create(
        _copies(
            refund, MANY,
            uid=lambda n: ids.new_refund_id(), refund_id=lambda n: f"r-{n}", gateway_key=lambda n: ids.new_refund_key(),
            payment_id=lambda n: payments[n][0], order_id=lambda n: payments[n][1],
            bank_reference=lambda n: f"arn-{n}", gateway_refund_id=lambda n: f"g-{n}", amount_minor=lambda n: 500 + n,
        )
    )  # fmt: skip
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"ANALYZE {', '.join(TABLES)}")
    return refund


TERMS = {
    "our order id": "{0.order.uid}",
    "the merchant's order id": "SHOP-2290",
    "payment id": "{0.payment.uid}",
    "the gateway's payment id": "{0.payment.gateway_payment_id}",
    "our key at the gateway": "{0.payment.gateway_key}",
    "the bank's reference": "412345678901",
    "the merchant's refund id": "back-1",
    "our refund id": "{0.uid}",
    "the bank's reference of a refund": "ARN-1",
    "customer reference": "asha-7",
    "e-mail": "ASHA.RAO@example.com",
    "phone": "098765 43210",
    "amount": "2,290.00",
    "amount and currency": "INR 2290",
    "nothing there is": "nothing-there-is",
}


LISTS = (
    "order", "payment", "refund", "customer", "event", "transfer", "adjustment", "delivery", "auditentry",
    "gatewayevent",
)  # fmt: skip


def test_no_search_walks_through_a_table(chief, many):
    for model, words in product(LISTS, TERMS):
        with CaptureQueriesContext(connection) as seen:
            answer = chief.get(f"{ADMIN}/{model}/", {"q": TERMS[words].format(many)})
        assert answer.status_code == 200
        asked = [each["sql"] for each in seen if any(f'FROM "{table}"' in each["sql"] for table in TABLES)]
        assert asked or model not in ("order", "payment", "refund")
        walked = {sql: _walks(sql) for sql in asked}
        assert not [(model, words, tables, sql) for sql, tables in walked.items() if tables]


def test_the_plan_of_a_walk_is_told_from_that_of_a_search(many):
    assert _walks("SELECT id FROM payments_order WHERE note = 'x'") == ["payments_order"]
    assert _walks(f"SELECT id FROM payments_order WHERE uid = '{many.order.uid}'") == []  # noqa: S608
