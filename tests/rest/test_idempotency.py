"""The same write twice is done once, whatever it is."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from django.db import connection

from payments import clock, outgoing
from payments.gateways.simulator.models import SimulatedPayment
from payments.models import IdempotencyKey, Order, Refund
from payments.services import idempotency
from tests.factories import fresh, held, paid
from tests.proof import crash
from tests.rest.conftest import LEAST, refused

KEY = {"x-idempotency-key": "k-1"}


def test_the_same_order_again_gives_the_same_bytes(caller):
    first, second = caller.create(headers=KEY), caller.create(headers=KEY)
    assert first.content == second.content
    assert (first["x-idempotency-replayed"], second["x-idempotency-replayed"]) == ("false", "true")
    assert second["x-idempotency-key"] == "k-1"
    assert Order.objects.count() == 1


def test_the_drafts_header_is_the_same_key(caller):
    caller.create(headers=KEY)
    assert caller.create(headers={"idempotency-key": "k-1"})["x-idempotency-replayed"] == "true"


def test_another_body_or_address_under_a_used_key_is_refused(caller):
    order = caller.order()
    caller.create(headers=KEY)
    told = refused(caller.create(headers=KEY, order_amount=1), 422, "request_invalid", "idempotency_error")
    assert told["type"] == "idempotency_error"
    address = f"/orders/{order.order_id}"
    refused(caller("PATCH", address, {"order_status": "TERMINATED"}, headers=KEY), 422, "request_invalid")
    assert fresh(order).status == "created"


def test_a_refusal_is_kept_too(caller):
    order = caller.order()
    first = caller.create(headers=KEY, order_id=order.order_id)
    refused(first, 409, "order_already_exists")
    second = caller.create(headers=KEY, order_id=order.order_id)
    assert (second.status_code, second.content) == (409, first.content)
    assert second["x-idempotency-replayed"] == "true"


@pytest.mark.parametrize("key", ["", "k" * 256, "ä", "a b"])
def test_an_odd_key_is_refused(caller, key):
    answer = caller.create(headers={"x-idempotency-key": key})
    refused(answer, 400, "x-idempotency-key_invalid", "printable")
    assert not Order.objects.exists()


def test_a_key_belongs_to_one_merchant(caller, stranger):
    assert caller.create(headers=KEY).json()["order_id"] != stranger.create(headers=KEY).json()["order_id"]


def test_a_key_on_a_read_is_ignored(caller):
    order = caller.order()
    assert caller("GET", f"/orders/{order.order_id}", headers=KEY).status_code == 200
    assert not IdempotencyKey.objects.exists()


def test_the_same_refund_again_is_one_refund(caller):
    order = caller.order()
    paid(order)
    address, body = f"/orders/{order.order_id}/refunds", {"refund_amount": 100}
    first, second = caller("POST", address, body, headers=KEY), caller("POST", address, body, headers=KEY)
    assert first.content == second.content
    assert Refund.objects.count() == 1


def test_the_same_capture_again_is_one_capture(caller):
    order = caller.order(till={"capture_method": "manual"})
    held(order)
    address, body = f"/orders/{order.order_id}/authorization", {"action": "CAPTURE", "amount": 100}
    first, second = caller("POST", address, body, headers=KEY), caller("POST", address, body, headers=KEY)
    assert first.status_code == 200
    assert first.content == second.content
    assert SimulatedPayment.objects.get().captured_minor == 10_000


@pytest.mark.django_db(transaction=True)
def test_a_capture_whose_answer_was_lost_is_finished_by_the_same_request(caller):
    """We die between the row and the gateway's answer: a minute later the same request goes on, and takes once."""
    order = caller.order(till={"capture_method": "manual"})
    held(order)
    address, body = f"/orders/{order.order_id}/authorization", {"action": "CAPTURE", "amount": 100}
    assert crash("action.after_t1", lambda: caller("POST", address, body, headers=KEY))
    refused(caller("POST", address, body, headers=KEY), 409, "request_running")
    with time_machine.travel(clock.now() + timedelta(seconds=61)):
        told = caller("POST", address, body, headers=KEY)
    assert told.json()["authorization"]["status"] == "SUCCESS"
    assert SimulatedPayment.objects.get().captured_minor == 10_000
    assert caller("POST", address, body, headers=KEY).content == told.content


@pytest.mark.django_db(transaction=True)
def test_twenty_at_once_make_one_order(merchant_and_caller):
    merchant, caller = merchant_and_caller

    def create(_):
        try:
            return caller("POST", "/orders", headers=KEY, raw=json.dumps(LEAST)).content
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(create, range(20)))
    assert len(answers) == 1
    assert merchant.orders.count() == 1


def test_a_refusal_while_the_same_request_runs_elsewhere_claims_no_success(caller, monkeypatch):
    """Ours was undone, and before its refusal was kept the same request came again and has no answer yet."""
    keep_refusal = idempotency._keep_refusal

    def overtaken(request, answer, *, at):
        idempotency._insert(request, at=at)
        return keep_refusal(request, answer, at=at)

    monkeypatch.setattr(idempotency, "_keep_refusal", overtaken)
    address = f"/orders/{caller.order().order_id}/authorization"
    refused(caller("POST", address, {"action": "VOID"}, headers=KEY), 409, "request_running")


def test_of_two_that_finish_the_same_request_both_tell_the_first_answer(caller, monkeypatch):
    order = caller.order(till={"capture_method": "manual"})
    held(order)
    first = b'{"told":"first"}'
    monkeypatch.setattr(
        "checkout.rest.orders.send_action", lambda *_, **__: IdempotencyKey.objects.update(answer=first)
    )
    answer = caller("POST", f"/orders/{order.order_id}/authorization", {"action": "VOID"}, headers=KEY)
    assert (answer.content, answer["x-idempotency-replayed"]) == (first, "true")


@pytest.mark.django_db(transaction=True)
def test_no_name_server_is_asked_inside_a_transaction(caller, monkeypatch):
    """It is the merchant's own and may be slow: on SQLite everybody's writes would wait for it."""
    asked = []
    monkeypatch.setattr(outgoing, "judge", lambda url, **_: asked.append((url, connection.in_atomic_block)))
    url = "https://shop.example.com/hook"
    assert caller.create(headers=KEY, order_meta={"notify_url": url}).status_code == 200
    answer = caller("POST", "/webhooks/endpoints", {"url": url}, headers={"x-idempotency-key": "k-2"})
    assert answer.status_code == 200
    rpc = {
        "customer_name": "Alice", "customer_email": "alice@example.com", "customer_phone": "9999999999",
        "order_amount": 1, "notify_url": url,
    }  # fmt: skip
    headers = {**caller.headers, "x-idempotency-key": "k-3"}
    address = "/payment.v1.PaymentService/CreateOrder"
    made = caller.http.post(address, json.dumps(rpc), content_type="application/json", headers=headers)
    assert made.status_code == 200
    assert asked == [(url, False)] * 3
