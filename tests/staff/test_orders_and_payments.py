"""What an order's and a payment's page say, and how their lists are searched."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from payments.models import Event
from payments.services.endpoints import add_endpoint, send_test
from payments.services.merchants import issue_key
from payments.states import Mode, OrderStatus
from tests.factories import CustomerFactory, OrderFactory, PaymentFactory
from tests.settling import close, pay_out, sell, settle
from tests.staff import ADMIN, MODELS
from tests.staff.conftest import make_gateway_event, make_refund, make_staff, signed_in

ORDER_FIELDS = set(
    """id order_id order_amount order_currency customer_details order_meta order_expiry_time order_note
order_status order_tags order_created payment_session_id payments refunds settlements customer_id org_id customer_name
customer_email customer_phone return_url notify_url payment_methods name age""".split()  # noqa: SIM905
)
PAYMENT_FIELDS = set(
    """id order_id entity payment_currency error_details order_amount is_captured payment_group
authorization payment_method payment_amount payment_time payment_completion_time payment_status payment_message
bank_reference auth_id action status captured_amount start_time end_time approve_by action_reference
action_time""".split()  # noqa: SIM905
)
XSS = "<script>alert(1)</script>"


def _page(client, row):
    return client.get(f"{ADMIN}/{row._meta.model_name}/{row.pk}/change/").content.decode()


def _facts(page):
    """Names and values of a page, marked-up values by their text."""
    found = re.findall(r"<dt>([^<]*)</dt>\s*<dd>(?!\s*<dl)(.*?)</dd>", page, re.DOTALL)
    return {name: " ".join(re.sub(r"<[^>]+>", " ", value).split()) for name, value in found}


def _listed(client, model, query=""):
    """How many rows a list shows for a query."""
    page = client.get(f"{ADMIN}/{model}/?{query}")
    assert page.status_code == 200
    return [row.pk for row in page.context["cl"].result_list]


def test_every_field_of_the_specification_is_on_the_orders_page(viewer, paid):
    page = _page(viewer, paid.order)
    assert set(re.findall(r"<dt>(.*?)</dt>", page)) >= ORDER_FIELDS
    facts = _facts(page)
    assert facts["order_amount"] == "₹299.99"
    assert facts["customer_name"] == "Asha Rao"
    assert facts["payment_methods"] == "card, upi"
    assert facts["order_note"] == "Two kites"
    assert facts["age"] == "New"
    assert facts["payments"] == "1 payment"


def test_every_field_of_the_specification_is_on_the_payments_page(viewer, paid):
    page = _page(viewer, paid)
    assert set(re.findall(r"<dt>(.*?)</dt>", page)) >= PAYMENT_FIELDS
    facts = _facts(page)
    assert facts["entity"] == "simulator"
    assert facts["is_captured"] == "yes"
    assert facts["payment_amount"] == facts["captured_amount"] == "₹299.99"
    assert facts["action"] == "capture"
    assert facts["card_last4"] == "4242"
    assert facts["cvc"] == "was asked for twice"
    assert facts["bank_reference"] == "412345678901"
    assert facts["capture kind"] == "normal"


def test_a_payment_without_authorisation_still_names_its_fields(viewer, payment):
    page = _page(viewer, payment)
    assert set(re.findall(r"<dt>(.*?)</dt>", page)) >= PAYMENT_FIELDS
    assert _facts(page)["action"] == "—"


def test_the_session_is_nowhere_whole(chief, rows):
    session_id = rows["order"].session_id
    for model in MODELS:
        pages = chief.get(f"{ADMIN}/{model}/").content.decode() + _page(chief, rows[model])
        assert session_id not in pages
        assert session_id[5:] not in pages
    assert _facts(_page(chief, rows["order"]))["payment_session_id"] == f"{session_id[:7]}…"
    assert _listed(chief, "order", f"q={session_id}") == []


def test_an_order_lists_its_payments_and_events_with_links(viewer, paid):
    page = _page(viewer, paid.order)
    assert f'<a href="{ADMIN}/payment/{paid.pk}/change/">{paid.uid}</a>' in page
    assert f'<a href="{ADMIN}/event/{paid.events.get().pk}/change/">#1</a>' in page
    assert f'<a href="{ADMIN}/order/{paid.order.pk}/change/">' in _page(viewer, paid)


def test_what_somebody_may_not_see_is_not_on_another_page_either(paid):
    client = signed_in(make_staff("orders_only", "view_order"))
    page = _page(client, paid.order)
    assert paid.uid not in page
    assert "payment.success" not in page
    assert f"{ADMIN}/merchant/" not in page
    assert f"{ADMIN}/customer/" not in page
    assert f"{ADMIN}/payment/" not in page


def test_an_overdue_order_reads_expired_before_any_sweep(viewer, now):
    order = OrderFactory(created_at=now - timedelta(days=2), status=OrderStatus.CREATED)
    waiting = PaymentFactory(order__created_at=now - timedelta(days=2)).order
    fresh = OrderFactory()
    facts = _facts(_page(viewer, order))
    assert facts["order_status"] == "expired"
    assert facts["stored status"].startswith("created")
    assert "stored status" not in _facts(_page(viewer, fresh))
    statuses = re.findall(r'till-status till-\w+">(\w+)<', viewer.get(f"{ADMIN}/order/").content.decode())
    assert statuses == ["created", "pending", "expired"]
    assert _listed(viewer, "order", "status=expired") == [order.pk]
    assert _listed(viewer, "order", "status=created") == [fresh.pk]
    assert _listed(viewer, "order", "status=pending") == [waiting.pk]


def test_what_merchants_and_gateways_write_is_escaped(chief, now):
    customer = CustomerFactory(name=XSS, email=XSS, reference="")
    payment = PaymentFactory(
        failed=True,
        message=XSS,
        bank_reference=XSS,
        review_reason=XSS,
        method_details={XSS: XSS},
        error_details={XSS: [XSS]},
        order__customer=customer,
        order__merchant=customer.merchant,
        order__note=XSS,
        order__order_id=XSS,
        order__tags={XSS: XSS, "start_time": "not a time"},
    )
    customer.merchant.name = XSS
    customer.merchant.save()
    Event.objects.create(order=payment.order, payment=payment, sequence=1, kind=XSS, new="x", cause=XSS, at=now)
    for row in (payment, payment.order, customer, customer.merchant, payment.events.get()):
        model = row._meta.model_name
        pages = _page(chief, row) + chief.get(f"{ADMIN}/{model}/").content.decode()
        assert XSS not in pages
        assert "&lt;script&gt;" in pages


@pytest.mark.parametrize("field", ["uid", "gateway_payment_id", "bank_reference", "gateway_key"])
def test_payments_are_found(viewer, paid, field):
    PaymentFactory()
    assert _listed(viewer, "payment", f"q={getattr(paid, field)}") == [paid.pk]
    assert _listed(viewer, "payment", f"q={paid.order.order_id}") == [paid.pk]
    assert _listed(viewer, "payment", f"order__id__exact={paid.order_id}") == [paid.pk]


@pytest.mark.parametrize("term", ["{0.pk}", "{0.reference}", "{0.email}", "RAVI@Example.com", "098123-45678"])
def test_customers_are_found(viewer, term):
    customer = CustomerFactory(pk=4_294_967_000, reference="r_77", email="ravi@example.com", phone="+919812345678")
    CustomerFactory()
    assert _listed(viewer, "customer", f"q={term.format(customer)}") == [customer.pk]


def test_payments_that_need_a_person_have_a_filter(viewer, paid):
    odd = PaymentFactory(review_reason="The amount differs.")
    assert _listed(viewer, "payment", "review=needed") == [odd.pk]
    assert _listed(viewer, "payment", "review=none") == [paid.pk]
    assert _facts(_page(viewer, odd))["needs review"] == "The amount differs."


def test_lists_filter_by_state_mode_and_merchant(viewer, paid, payment):
    merchant = payment.merchant_id
    assert _listed(viewer, "payment", "status__exact=success") == [paid.pk]
    assert _listed(viewer, "payment", "mode__exact=live") == []
    assert _listed(viewer, "payment", f"merchant__id__exact={merchant}") == [payment.pk]
    assert _listed(viewer, "order", f"merchant__id__exact={merchant}") == [payment.order_id]
    assert _listed(viewer, "order", "status=paid") == [paid.order_id]
    assert _listed(viewer, "order", f"customer__id__exact={paid.order.customer_id}") == [paid.order_id]
    assert _listed(viewer, "event", "kind=payment.success") == [paid.events.get().pk]


def test_newest_come_first(viewer):
    first, second = OrderFactory(), OrderFactory()
    assert _listed(viewer, "order") == [second.pk, first.pk]


@pytest.mark.parametrize("model", MODELS)
def test_a_list_costs_as_many_queries_for_many_rows_as_for_few(chief, rows, now, model):
    def cost():
        with CaptureQueriesContext(connection) as seen:
            shown = len(_listed(chief, model))
        return len(seen), shown

    PaymentFactory()
    few, _ = cost()
    for _ in range(6):
        payment = PaymentFactory()
        Event.objects.create(order=payment.order, payment=payment, sequence=1, kind="x", new="y", cause="z", at=now)
        issue_key(payment.merchant, mode=Mode.TEST, at=now)
        make_gateway_event(payment)
        make_refund(PaymentFactory(success=True))
        endpoint = add_endpoint(payment.merchant, Mode.TEST, "https://8.8.8.8/hook", [], at=now)
        send_test(endpoint.pk, at=now)
        sell(payment.merchant)
        pay_out(close(settle(payment.merchant)))
    many, shown = cost()
    assert many == few
    assert shown >= 6
