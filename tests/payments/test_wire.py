"""The specification's field names, written out: clients depend on every one of them."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from payments.models import Authorization
from payments.wire import authorization_facts, order_facts, payment_facts
from tests.factories import OrderFactory, PaymentFactory

ORDER = {
    "id", "order_id", "order_amount", "order_currency", "customer_details", "order_meta", "order_expiry_time",
    "order_note", "order_status", "order_tags", "order_created", "payment_session_id",
}  # fmt: skip
CUSTOMER_DETAILS = {"customer_id", "org_id", "customer_name", "customer_email", "customer_phone"}
ORDER_META = {"return_url", "notify_url", "payment_methods"}
PAYMENT = {
    "id", "order_id", "entity", "payment_currency", "error_details", "order_amount", "is_captured", "payment_group",
    "authorization", "payment_method", "payment_amount", "payment_time", "payment_completion_time", "payment_status",
    "payment_message", "bank_reference", "auth_id",
}  # fmt: skip
AUTHORIZATION = {
    "action", "status", "captured_amount", "start_time", "end_time", "approve_by", "action_reference", "action_time",
}  # fmt: skip
NOON = datetime(2026, 11, 29, 12, 0, 0, 123_456, tzinfo=UTC)


def test_an_order_has_exactly_the_specifications_fields(order):
    facts = order_facts(order)
    assert set(facts) == ORDER
    assert set(facts["customer_details"]) == CUSTOMER_DETAILS
    assert set(facts["order_meta"]) == ORDER_META


def test_a_payment_has_exactly_the_specifications_fields(payment):
    assert set(payment_facts(payment)) == PAYMENT


def test_an_authorisation_has_exactly_the_specifications_fields(payment):
    Authorization.objects.create(payment=payment)
    assert set(payment_facts(payment)["authorization"]) == AUTHORIZATION


def test_a_payment_without_authorisation_says_so(payment):
    assert payment_facts(payment)["authorization"] is None
    assert authorization_facts(None) is None


@pytest.mark.parametrize(
    ("minor", "currency", "text"), [(29_999, "INR", "299.99"), (100, "JPY", "100"), (1_234, "KWD", "1.234")]
)
def test_amounts_are_exact_decimals_of_major_units(db, minor, currency, text):
    amount = order_facts(OrderFactory(amount_minor=minor, currency=currency))["order_amount"]
    assert (type(amount), str(amount)) == (Decimal, text)


def test_order_values_are_the_rows(db):
    order = OrderFactory(
        created_at=NOON, note="Gift", tags={"name": "Retail", "age": "New"}, payment_methods=["upi"], order_id="INV-1"
    )
    facts = order_facts(order)
    assert (facts["id"], facts["order_id"], facts["order_status"]) == (order.uid, "INV-1", "created")
    assert (facts["order_created"], facts["order_expiry_time"]) == (
        "2026-11-29T12:00:00+00:00",
        "2026-11-30T12:00:00+00:00",
    )
    assert (facts["order_note"], facts["order_tags"]) == ("Gift", {"name": "Retail", "age": "New"})
    assert facts["order_meta"]["payment_methods"] == ["upi"]
    assert facts["customer_details"]["org_id"] == order.merchant_id
    assert facts["customer_details"]["customer_id"] == order.customer_id


@pytest.mark.parametrize(
    ("trait", "status", "captured", "amount"),
    [
        ("failed", "failed", False, "0"),
        ("success", "success", True, "299.99"),
        ("authorized", "authorized", False, "0"),
    ],
)
def test_a_payment_tells_what_was_taken_and_not_what_was_asked(db, trait, status, captured, amount):
    facts = payment_facts(PaymentFactory(**{trait: True}))
    assert (facts["payment_status"], facts["is_captured"]) == (status, captured)
    assert facts["payment_amount"] == Decimal(amount)
    assert facts["order_amount"] == Decimal("299.99")


def test_a_payments_method_is_a_list_of_maps(db):
    payment = PaymentFactory(method_details={"card_network": "visa", "card_last4": "4242"})
    assert payment_facts(payment)["payment_method"] == [
        {"method": "card"},
        {"card_network": "visa", "card_last4": "4242"},
    ]


def test_error_details_are_lists_of_strings(db):
    payment = PaymentFactory(failed=True, error_details={"code": ["card_declined"]})
    assert payment_facts(payment)["error_details"] == {"code": ["card_declined"]}


def test_an_authorisations_times_and_amount_are_printed(payment):
    row = Authorization.objects.create(
        payment=payment, action="capture", status="success", captured_minor=29_999, action_time=NOON
    )
    facts = authorization_facts(row)
    assert (facts["captured_amount"], facts["action_time"]) == (Decimal("299.99"), "2026-11-29T12:00:00+00:00")
    assert facts["approve_by"] is None
