"""CreateOrder by HTTP: what it takes, and what it says to what it does not."""

import json
from datetime import timedelta
from itertools import combinations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from payments import clock
from payments.gateways.registry import GATEWAYS, gateway_named
from payments.models import Customer, Event, Order
from tests.factories import GatewayAccountFactory, RoutingRuleFactory
from tests.hosted.customer import Customer as Browser
from tests.rpc.conftest import LITERAL

pytestmark = pytest.mark.django_db


def refused(response, *words, status=400, code="invalid_argument"):
    """The call was refused with these words, and nothing was made."""
    body = response.json()
    assert (response.status_code, body["code"]) == (status, code), body
    assert all(word in body["message"] for word in words), body
    assert not Order.objects.exists()
    assert not Customer.objects.exists()
    return True


def test_the_literal_request_gets_the_literal_answer(caller):
    response = caller.raw("CreateOrder", json.dumps(LITERAL))
    body = response.json()
    assert response.status_code == 200
    assert set(body) == {"payment_session_id", "return_url", "order_id"}
    order = Order.objects.get()
    assert body == {"payment_session_id": order.session_id, "return_url": order.return_url, "order_id": order.order_id}
    assert (order.amount_minor, order.currency, order.status, order.mode) == (29_999, "INR", "created", "test")
    assert order.customer_phone == "+919999999999"
    assert order.expires_at - order.created_at == timedelta(hours=24)
    assert list(Event.objects.values_list("kind", "sequence")) == [("order.created", 1)]


def test_the_session_opens_the_hosted_page(caller):
    caller.create()
    assert Browser(Order.objects.get()).open().status_code == 200


@pytest.mark.parametrize("gateways", combinations(GATEWAYS, 2))
def test_a_merchant_with_accounts_at_two_gateways_sells(merchant_and_caller, gateways):
    """Whatever accounts staff open beside the one that serves, orders go on being made."""
    merchant, caller = merchant_and_caller
    merchant.gateway_accounts.all().delete()
    for gateway in gateways:
        hints = {field.name: "…1234" for field in gateway_named(gateway).credential_fields}
        GatewayAccountFactory(merchant=merchant, gateway=gateway, credential_hints=hints)
    assert caller.create().status_code == 200
    assert Browser(Order.objects.get()).open().status_code == 200


def test_an_amount_that_no_gateway_takes_is_named_and_not_the_methods(merchant_and_caller):
    merchant, caller = merchant_and_caller
    RoutingRuleFactory(account=merchant.gateway_accounts.get(), currency="INR", min_minor=10_000)
    assert refused(caller.create(order_amount=99.99), "order_amount: no gateway", "99.99 INR", "rules")
    assert refused(caller.create(order_amount=99.99, payment_methods=["upi"]), "payment_methods: no gateway")


def test_every_optional_field_is_kept(caller):
    expiry = (clock.now() + timedelta(hours=1)).isoformat(timespec="seconds")
    response = caller.create(
        order_currency="INR",
        order_id="PTG-1042",
        return_url="https://shop.example.com/done/{order_id}",
        notify_url="https://shop.example.com/notify",
        payment_methods=["card", "upi"],
        order_expiry_time=expiry,
        order_note="Monsoon notebook × 2",
        order_tags={"name": "Retail", "age": "New"},
        customer_reference="cust-7",
        capture_method="manual",
    )
    assert response.json()["order_id"] == "PTG-1042"
    order = Order.objects.get()
    assert (order.order_id, order.note, order.tags) == (
        "PTG-1042",
        "Monsoon notebook × 2",
        {"name": "Retail", "age": "New"},
    )
    assert order.payment_methods == ["card", "upi"]
    assert order.expires_at.isoformat(timespec="seconds") == expiry
    assert order.customer.reference == "cust-7"
    assert order.manual_capture


@pytest.mark.parametrize("by_default", [False, True])
@pytest.mark.parametrize(
    ("fields", "held"),
    [
        ({}, None),
        ({"capture_method": ""}, None),
        ({"capture_method": "automatic"}, False),
        ({"capture_method": "manual"}, True),
    ],
)
def test_an_order_is_captured_as_it_says_or_as_the_merchant_does(merchant_and_caller, fields, held, by_default):
    merchant, caller = merchant_and_caller
    merchant.manual_capture = by_default
    merchant.save()
    assert caller.create(**fields).status_code == 200
    assert Order.objects.get().manual_capture is (by_default if held is None else held)


@pytest.mark.parametrize(("written", "kept"), [("", ""), ("ta", "ta"), ("pt-BR", "pt"), ("en-IN", "en")])
def test_an_orders_language_is_kept_by_its_code(caller, written, kept):
    assert caller.create(language=written).status_code == 200
    assert Order.objects.get().language == kept


def test_held_money_is_refused_where_no_way_to_pay_can_hold(caller):
    assert refused(caller.create(capture_method="manual", payment_methods=["netbanking"]), "payment_methods")


def test_a_known_customer_is_used_again(caller):
    caller.create(customer_reference="cust-7")
    caller.create(customer_reference="cust-7")
    caller.create(customer_id=Customer.objects.get().pk)
    assert Customer.objects.count() == 1
    caller.create()
    assert Customer.objects.count() == 2


@pytest.mark.parametrize(
    ("amount", "minor"),
    [("299.99", 29_999), ("19.99", 1_999), ("0.29", 29), ("1.10", 110), ("5", 500), ("1e2", 10_000)],
)
def test_amounts_are_exact(caller, amount, minor):
    caller.raw("CreateOrder", json.dumps(LITERAL).replace("299.99", amount))
    assert Order.objects.get().amount_minor == minor


@pytest.mark.parametrize(
    ("currency", "amount", "minor"), [("JPY", 100, 100), ("KWD", 1.234, 1_234), ("USD", 9.99, 999)]
)
def test_each_currency_has_its_own_decimals(caller, currency, amount, minor):
    caller.create(order_currency=currency, order_amount=amount)
    assert Order.objects.get().amount_minor == minor


@pytest.mark.parametrize(
    "body",
    [
        "{", "[]", '"x"', "null", "1", "{}x", "\ufeff{}", '{"order_amount": NaN}', '{"order_amount": Infinity}',
        '{"order_amount": -Infinity}', '{"order_amount": 1, "order_amount": 999}', '{"a": {"b": 1, "b": 2}}',
        '{"order_amount": 1' + "0" * 5_000 + "}", '{"a":' * 2_000 + "1" + "}" * 2_000, '{"customer_name": "\\ud800"}',
        '{"order_amount": 01}', "{'order_amount': 1}",
    ],
)  # fmt: skip
def test_what_is_no_strict_json_object_is_refused(caller, body):
    assert refused(caller.raw("CreateOrder", body.encode("utf-8", "surrogatepass")))


def test_bytes_that_are_no_utf8_are_refused(caller):
    assert refused(caller.raw("CreateOrder", b'{"customer_name": "\xff"}'), "UTF-8")


@pytest.mark.parametrize("amount", ["true", '"299.99"', "[1]", "{}", "10.00000000000000000001", '"NaN"', "1e400"])
def test_an_amount_that_is_no_exact_number_is_refused(caller, amount):
    assert refused(caller.raw("CreateOrder", json.dumps(LITERAL).replace("299.99", amount)), "order_amount")


@pytest.mark.parametrize("amount", ["0", "-1", "-0", "null", "1e13", "10000000000.01"])
def test_an_amount_out_of_range_is_refused(caller, amount):
    assert refused(caller.raw("CreateOrder", json.dumps(LITERAL).replace("299.99", amount)), "order_amount", "above 0")


@pytest.mark.parametrize(("currency", "amount"), [("INR", 10.005), ("JPY", 100.5), ("KWD", 1.2345)])
def test_decimals_beyond_the_currency_are_refused_not_rounded(caller, currency, amount):
    assert refused(caller.create(order_currency=currency, order_amount=amount), "never rounded")


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("customer_name", ..., "required"),
        ("customer_name", "   ", "required"),
        ("customer_name", "x" * 10_000, "at most 100"),
        ("customer_name", "A\u0000b", "control"),
        ("customer_name", "4242 4242 4242 4242", "card number"),
        ("customer_name", 7, "a text in quotes"),
        ("customer_email", ..., "required"),
        ("customer_email", "a@b.com\r\nBcc: x@y", "control"),
        ("customer_email", "nobody", "like asha@example.com"),
        ("customer_email", "x" * 300 + "@example.com", "at most 100"),
        ("customer_phone", ..., "required"),
        ("customer_phone", "'; DROP", "like 9999999999"),
        ("customer_phone", "12", "like 9999999999"),
        ("order_currency", "inr", "ISO 4217"),
        ("order_currency", "XXX", "ISO 4217"),
        ("order_currency", "IN R", "ISO 4217"),
        ("order_currency", "ІNR", "ISO 4217"),
        ("order_currency", "US$", "ISO 4217"),
        ("order_id", "a b", "letters, digits"),
        ("order_id", "sessions", "letters, digits"),
        ("order_id", "x" * 46, "letters, digits"),
        ("return_url", "https://evil.example/x", "not registered"),
        ("return_url", "javascript:alert(1)", "absolute address"),
        ("return_url", "https://shop.example.com@evil.com", "absolute address"),
        ("return_url", "https://shop.example.com.evil.com", "not registered"),
        ("notify_url", "file:///etc/passwd", "absolute address"),
        ("payment_methods", ["cash"], "one word is unknown"),
        ("payment_methods", ["paypal"], "add card"),
        ("payment_methods", "card", "a list of texts"),
        ("order_expiry_time", "2026-11-29T16:30:00", "offset"),
        ("order_expiry_time", "tomorrow", "RFC 3339"),
        ("order_expiry_time", "2020-01-01T00:00:00Z", "5 minutes to 30 days"),
        ("order_expiry_time", "2099-01-01T00:00:00Z", "5 minutes to 30 days"),
        ("order_note", "x" * 201, "at most 200"),
        ("order_note", "card 4242-4242-4242-4242", "card number"),
        ("order_tags", {"a": 1}, "object of texts"),
        ("order_tags", {f"t{n}": "x" for n in range(11)}, "at most 10"),
        ("order_tags", {"name": "4242424242424242"}, "card number"),
        ("customer_id", -1, "0 to 4294967295"),
        ("customer_id", 4_294_967_296, "0 to 4294967295"),
        ("customer_id", 1.5, "0 to 4294967295"),
        ("customer_id", 77, "no such customer"),
        ("customer_reference", "a b@c", "letters, digits"),
        ("capture_method", "later", "write automatic or manual"),
        ("capture_method", "MANUAL", "write automatic or manual"),
        ("capture_method", True, "a text in quotes"),
        ("language", "sv", "write one of en, hi"),
        ("language", "हिन्दी", "pt-BR counts as pt"),
    ],
)  # fmt: skip
def test_a_bad_field_is_refused_by_name_with_what_to_write(caller, field, value, words):
    assert refused(caller.create(**{field: value}), field, words)


def test_refusals_never_repeat_a_card_number(caller):
    message = caller.create(order_note="4242424242424242").json()["message"]
    assert "4242" not in message


def test_upi_alone_is_refused_outside_rupees(caller):
    assert refused(caller.create(order_currency="USD", payment_methods=["upi"]), "payment_methods")


def test_unknown_fields_have_no_effect(caller):
    caller.create(order_status="paid", org_id=99, is_captured=True, merchant_id=99, mode="live")
    order = Order.objects.get()
    assert (order.status, order.mode) == ("created", "test")


def test_markup_in_a_note_is_taken_as_text(caller):
    assert caller.create(order_note="<script>alert(1)</script>").status_code == 200


def test_an_order_id_is_used_once_per_merchant(caller, stranger):
    assert caller.create(order_id="PTG-1").status_code == 200
    again = caller.create(order_id="PTG-1")
    assert (again.status_code, again.json()["code"]) == (409, "already_exists")
    assert stranger.create(order_id="PTG-1").status_code == 200
    assert Order.objects.count() == 2
    assert Customer.objects.count() == 2


def test_another_merchants_customer_is_unknown(caller, stranger):
    stranger.create(customer_reference="cust-7")
    response = caller.create(customer_id=Customer.objects.get().pk)
    assert response.status_code == 400
    assert Order.objects.count() == 1


def test_creating_takes_at_most_seven_statements(caller):
    caller.create()  # the key's first use of the hour is noted by a statement of its own
    with CaptureQueriesContext(connection) as statements:
        caller.create()
    counted = [s["sql"] for s in statements if not s["sql"].startswith(("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT"))]
    assert len(counted) <= 7
