"""What is the same for both RPCs: who may call, in which formats, and how faults read."""

from unittest import mock

import pytest
from django.db import OperationalError
from django.test import Client
from google.protobuf.message import Message

from checkout.rpc.payment_pb2 import (
    DESCRIPTOR,
    CreateOrderRequest,
    CreateOrderResponse,
    VerifyPaymentRequest,
    VerifyPaymentResponse,
)
from payments import clock
from payments.models import ApiKey, Order
from payments.services.merchants import revoke_key
from tests.factories import PaymentFactory
from tests.rpc.conftest import LITERAL, SERVICE

pytestmark = pytest.mark.django_db


# --- Who ---


def test_the_header_pair_and_basic_both_open(caller):
    assert caller.create().status_code == 200
    assert caller.raw("VerifyPayment", "{}", headers=caller.basic).json()["code"] == "not_found"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-client-id": "key_test_x"},
        {"x-client-secret": "s"},
        {"authorization": "Bearer"},
        {"authorization": "Bearer abc"},
        {"authorization": "Basic"},
        {"authorization": "Basic !!!"},
        {"authorization": "Basic Og=="},
        {"cookie": "sid=1"},
    ],
)
def test_no_credentials_are_401_with_a_challenge(caller, headers):
    response = caller.raw("CreateOrder", "not even json", headers=headers)
    assert (response.status_code, response.json()["code"]) == (401, "unauthenticated")
    assert response["WWW-Authenticate"].startswith("Basic")
    assert "authentication_required" in response.json()["message"]


def test_a_wrong_secret_reads_like_an_unknown_id(caller):
    wrong = caller.raw("CreateOrder", "{}", headers={**caller.headers, "x-client-secret": "till_test_wrong"})
    unknown = caller.raw("CreateOrder", "{}", headers={**caller.headers, "x-client-id": "key_test_unknown"})
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json() == unknown.json()


@pytest.mark.parametrize("value", ["kéy", "\x7f", "x" * 5_000, "a b", "'; --", "\u00ff\u00fe"])
def test_odd_bytes_in_credentials_are_401(caller, value):
    for name in ("x-client-id", "x-client-secret"):
        assert caller.raw("CreateOrder", "{}", headers={**caller.headers, name: value}).status_code == 401


def test_a_revoked_key_is_401_and_says_so(caller):
    revoke_key(ApiKey.objects.get(), at=clock.now())
    response = caller.create()
    assert response.status_code == 401
    assert "key_revoked" in response.json()["message"]


def test_a_live_key_does_not_work_over_plain_http(caller):
    ApiKey.objects.update(mode="live")
    assert "https_required" in caller.create().json()["message"]


def test_an_api_call_over_http_is_refused_where_we_are_https(caller, settings):
    settings.HTTPS = True
    response = caller.create()
    assert response.status_code == 403
    assert "https_required" in response.json()["message"]


def test_a_key_over_its_limit_waits(caller, frozen_minute):
    ApiKey.objects.update(rate_per_minute=3)
    statuses = [caller.verify("x").status_code for _ in range(5)]
    assert statuses[:3] == [404] * 3
    assert statuses[-1] == 429


def test_guessing_keys_is_slowed_down(caller, frozen_minute):
    wrong = {**caller.headers, "x-client-secret": "till_test_wrong"}
    statuses = [caller.raw("VerifyPayment", "{}", headers=wrong).status_code for _ in range(22)]
    assert statuses[0] == 401
    assert statuses[-1] == 429


def test_a_guesser_behind_the_same_address_does_not_lock_a_right_key_out(caller, frozen_minute):
    wrong = {**caller.headers, "x-client-secret": "till_test_wrong"}
    for _ in range(25):
        caller.raw("VerifyPayment", "{}", headers=wrong)
    assert caller.create().status_code == 200


def test_the_last_use_of_a_key_is_noted(caller):
    caller.create()
    assert ApiKey.objects.get().last_used_at is not None


# --- How ---


def test_only_post_is_served(caller):
    response = caller.http.get(f"{SERVICE}/CreateOrder", headers=caller.headers)
    assert (response.status_code, response["Allow"]) == (405, "POST")


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "text/html"])
def test_other_content_types_are_415(caller, content_type):
    assert caller.raw("CreateOrder", "{}", content_type=content_type).status_code == 415


@pytest.mark.parametrize("length", ["x", "-1", "1.5", "1e3", "２", "1 2", "0x10"])
def test_a_length_that_is_no_number_is_refused(caller, length):
    response = caller.raw("VerifyPayment", "{}", headers={**caller.headers, "content-length": length})
    assert (response.status_code, response.json()["code"]) == (400, "invalid_argument")


def test_a_length_of_a_thousand_digits_is_too_large(caller):
    response = caller.raw("VerifyPayment", "{}", headers={**caller.headers, "content-length": "9" * 5000})
    assert (response.status_code, response.json()["code"]) == (413, "resource_exhausted")


def test_a_body_over_64_kib_is_413(caller):
    response = caller.raw("CreateOrder", b"{" + b" " * 70_000 + b"}")
    assert (response.status_code, response.json()["code"]) == (413, "resource_exhausted")


def test_garbled_compression_is_the_callers_fault(caller):
    response = caller.raw("CreateOrder", b"no gzip", headers={**caller.headers, "content-encoding": "gzip"})
    assert 400 <= response.status_code < 500


def test_an_unknown_call_is_404_in_json(caller):
    strict = Client(enforce_csrf_checks=True)
    for path in ("DeleteEverything", "CreateOrder/"):
        response = strict.post(f"{SERVICE}/{path}", data="{}", content_type="application/json", headers=caller.headers)
        assert (response.status_code, response.json()["code"]) == (404, "unimplemented")


def call_in_protobuf(caller, method, request: Message, answer: type[Message]):
    response = caller.raw(method, request.SerializeToString(), content_type="application/proto")
    assert response["Content-Type"] == "application/proto"
    return answer.FromString(response.content)


def test_both_calls_work_in_protobuf(caller):
    made = call_in_protobuf(caller, "CreateOrder", CreateOrderRequest(**LITERAL), CreateOrderResponse)
    assert made.order_id == Order.objects.get().order_id
    verdict = call_in_protobuf(
        caller, "VerifyPayment", VerifyPaymentRequest(order_id=made.order_id), VerifyPaymentResponse
    )
    assert (verdict.code, verdict.status) == ("202", "created")


def test_a_native_grpc_answer_ends_with_trailers_and_states_no_length(caller):
    """nginx forgets the trailers, and so the verdict, of an answer with a length."""
    trailers = []
    message = VerifyPaymentRequest(order_id="nothing").SerializeToString()
    response = caller.http.post(
        f"{SERVICE}/VerifyPayment",
        data=b"\0" + len(message).to_bytes(4) + message,
        content_type="application/grpc",
        headers=caller.headers,
        **{"gunicorn.http2.send_trailers": trailers.extend},
    )
    assert dict(trailers)["grpc-status"] == "5"
    assert not response.has_header("Content-Length")


@pytest.mark.parametrize("amount", [float("nan"), float("inf"), -1.0, 0.0, 10.005])
def test_odd_doubles_in_protobuf_are_refused(caller, amount):
    body = CreateOrderRequest(**{**LITERAL, "order_amount": amount}).SerializeToString()
    response = caller.raw("CreateOrder", body, content_type="application/proto")
    assert (response.status_code, response.json()["code"]) == (400, "invalid_argument")


def test_bytes_that_are_no_protobuf_are_refused(caller):
    response = caller.raw("CreateOrder", b"\xff\xff\xff", content_type="application/proto")
    assert (response.status_code, response.json()["code"]) == (400, "invalid_argument")


def test_every_field_keeps_its_name_in_json():
    for message in DESCRIPTOR.message_types_by_name.values():
        assert [field.json_name for field in message.fields] == [field.name for field in message.fields]


# --- Whose, and what when ---


def test_unknown_foreign_and_malformed_orders_are_the_same_404(caller, stranger):
    """I17: a merchant never sees another's orders."""
    foreign = stranger.create().json()["order_id"]
    asked = ["order_unknown", foreign, "", "x" * 10_000, "\u0000", "../../etc", "order;--", "ордер"]
    answers = [caller.verify(order_id) for order_id in asked]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    assert answers[0].json()["code"] == "not_found"


def test_a_test_key_does_not_see_a_live_order(caller):
    """I20: test and live never mix."""
    order_id = caller.create().json()["order_id"]
    Order.objects.update(mode="live")
    assert caller.verify(order_id).status_code == 404


def test_a_paid_order_verifies_with_the_literal_body(merchant_and_caller):
    merchant, caller = merchant_and_caller
    paid = PaymentFactory(success=True, order__merchant=merchant)
    response = caller.verify(paid.order.order_id)
    assert response.status_code == 200
    assert response.json() == {"message": "Payment successful", "code": "200", "status": "success"}


def test_a_database_that_is_away_is_503_and_says_try_again(caller):
    with mock.patch("checkout.rpc.servicer.create_order", side_effect=OperationalError("database is locked")):
        response = caller.create()
    assert (response.status_code, response.json()["code"]) == (503, "unavailable")
    assert "locked" not in response.content.decode()


def test_a_fault_of_ours_tells_no_details(caller):
    with mock.patch("checkout.rpc.servicer.create_order", side_effect=RuntimeError("secret detail")):
        response = caller.create()
    assert (response.status_code, response.json()["code"]) == (500, "internal")
    assert "detail" not in response.content.decode()


def test_a_fault_while_we_look_who_calls_tells_no_details(caller):
    with mock.patch("checkout.rpc.servicer.identify", side_effect=RuntimeError("secret detail")):
        response = caller.create()
    assert (response.status_code, response.json()["code"]) == (500, "internal")
    assert "detail" not in response.content.decode()
