"""One port, every protocol, the same answers: each client that merchants use, against gunicorn as operators run it."""

import json
import shutil
import subprocess

import pytest

from payments import clock
from payments.models import ApiKey, Order
from payments.services.merchants import revoke_key
from tests.hosted.customer import Customer
from tests.proof.processes import gunicorn
from tests.rpc.clients import CLIENTS
from tests.rpc.conftest import LITERAL, SERVICE

pytestmark = pytest.mark.django_db(transaction=True)
needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="no curl found: install it to run this test")


@pytest.fixture(scope="module")
def url(django_db_setup):
    """Where gunicorn answers, for all tests of this file."""
    with gunicorn(WEB_CONCURRENCY="1") as (url, _):
        yield url


@pytest.fixture(params=[pytest.param(call, id=name, marks=needs_curl) for name, call in CLIENTS.items()])
def call(request, url, caller):
    """Calls by one kind of client, with the merchant's credentials unless others are given."""

    def one(method, fields, headers=None):
        return request.param(url, method, fields, caller.headers if headers is None else headers)

    return one


@needs_curl
def test_the_four_literal_bodies_by_curl(url, caller):
    def curl(method, body):
        pair = f"{caller.headers['x-client-id']}:{caller.headers['x-client-secret']}"
        command = ["curl", "-s", "-u", pair, "-H", "content-type: application/json", f"{url}{SERVICE}/{method}"]
        done = subprocess.run([*command, "-d", body], capture_output=True, text=True, timeout=30, check=True)
        return json.loads(done.stdout)

    request = (
        '{"customer_name": "Alice", "customer_email": "alice@example.com", '
        '"customer_phone": "9999999999", "order_amount": 299.99}'
    )
    made = curl("CreateOrder", request)
    order = Order.objects.get()
    assert made == {
        "payment_session_id": order.session_id,
        "return_url": order.return_url,
        "order_id": order.order_id,
    }
    Customer(order).open_and_pay()
    verdict = curl("VerifyPayment", json.dumps({"order_id": made["order_id"]}))
    assert verdict == {"message": "Payment successful", "code": "200", "status": "success"}


def test_an_order_is_made_paid_and_verified(call):
    made = call("CreateOrder", {**LITERAL, "order_tags": {"name": "Retail"}, "capture_method": "automatic"})
    order = Order.objects.get()
    assert made.code == "ok"
    assert made.fields == {
        "payment_session_id": order.session_id,
        "return_url": order.return_url,
        "order_id": order.order_id,
    }
    assert (order.amount_minor, order.tags) == (29_999, {"name": "Retail"})
    assert call("VerifyPayment", {"order_id": order.order_id}).fields["status"] == "created"
    Customer(order).open_and_pay()
    verdict = call("VerifyPayment", {"order_id": order.order_id})
    assert verdict.fields == {"message": "Payment successful", "code": "200", "status": "success"}


def test_an_order_can_be_made_whose_money_is_held(call):
    order_id = call("CreateOrder", {**LITERAL, "capture_method": "manual"}).fields["order_id"]
    Customer(Order.objects.get()).open_and_pay()
    verdict = call("VerifyPayment", {"order_id": order_id})
    assert (verdict.fields["code"], verdict.fields["status"]) == ("202", "authorized")
    assert call("CreateOrder", {**LITERAL, "capture_method": "later"}).code == "invalid_argument"


@pytest.mark.parametrize(
    ("over", "word"),
    [({"order_amount": 10.005}, "too_many_decimals"), ({"order_amount": -1}, ""), ({"customer_phone": "1"}, "phone")],
)
def test_a_bad_field_is_an_invalid_argument(call, over, word):
    refusal = call("CreateOrder", {**LITERAL, **over})
    assert refusal.code == "invalid_argument"
    assert refusal.text
    assert word in refusal.text
    assert not Order.objects.exists()


def test_an_order_one_does_not_have_is_not_found(call, stranger):
    foreign = stranger.create().json()["order_id"]
    for order_id in ("nothing", "", foreign):
        refusal = call("VerifyPayment", {"order_id": order_id})
        assert (refusal.code, refusal.text.partition(":")[0]) == ("not_found", "order_not_found")


def test_an_order_id_is_used_once(call):
    assert call("CreateOrder", {**LITERAL, "order_id": "PTG-1"}).code == "ok"
    assert call("CreateOrder", {**LITERAL, "order_id": "PTG-1"}).code == "already_exists"


def test_strangers_are_unauthenticated(call, caller):
    wrong = {**caller.headers, "x-client-secret": "till_test_wrong"}
    for headers, word in (({}, "authentication_required"), (wrong, "authentication_failed")):
        refusal = call("VerifyPayment", {"order_id": "nothing"}, headers)
        assert refusal.code == "unauthenticated"
        assert word in refusal.text
    assert call("VerifyPayment", {"order_id": "nothing"}, caller.basic).code == "not_found"
    revoke_key(ApiKey.objects.get(), at=clock.now())
    assert "key_revoked" in call("VerifyPayment", {"order_id": "nothing"}).text


def test_a_key_over_its_limit_waits(call, caller):
    ApiKey.objects.update(rate_per_minute=1)
    codes = [call("VerifyPayment", {"order_id": "nothing"}).code for _ in range(4)]  # a new minute may begin among them
    assert set(codes) == {"not_found", "resource_exhausted"}


def test_a_repeated_request_is_answered_once(call, caller):
    headers = {**caller.headers, "x-idempotency-key": "k-1"}
    first, again = (call("CreateOrder", LITERAL, headers) for _ in range(2))
    assert first.code == "ok"
    assert first.fields == again.fields
    assert (first.replayed, again.replayed) == ("false", "true")
    other = call("CreateOrder", {**LITERAL, "order_amount": 1}, headers)
    assert other.code == "failed_precondition"
    assert "idempotency_error" in other.text
    assert Order.objects.count() == 1


def test_all_clients_share_one_answer_under_one_key(url, caller):
    headers = {**caller.headers, "x-idempotency-key": "k-1"}
    answers = [call(url, "CreateOrder", LITERAL, headers) for name, call in CLIENTS.items() if name != "curl"]
    assert len({answer.fields["order_id"] for answer in answers}) == 1
    assert Order.objects.count() == 1


@pytest.mark.parametrize("size", [70_000, 300_000])
def test_too_large_a_request_is_resource_exhausted(call, size):
    assert call("CreateOrder", {**LITERAL, "order_note": "x" * size}).code == "resource_exhausted"


def test_an_order_is_called_off(call):
    order_id = call("CreateOrder", LITERAL).fields["order_id"]
    for _ in range(2):
        assert call("TerminateOrder", {"order_id": order_id}).fields["status"] == "terminated"
    assert call("TerminateOrder", {"order_id": "nobody's"}).code == "not_found"
