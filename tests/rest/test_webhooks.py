"""Webhooks by API: endpoints, the log of every try, test messages and sending again."""

from datetime import timedelta

import pytest

from payments import clock
from payments.models import Delivery, Endpoint
from payments.services.deliveries import deliver
from payments.services.merchants import revoke_key
from payments.states import DeliveryStatus
from tests.factories import paid
from tests.payments.receiver import OK, answer, receiving
from tests.rest.conftest import refused
from tests.settling import close, pay_out, sell, settle

HOOK = "https://8.8.8.8/hook"


@pytest.fixture
def endpoint(caller):
    return caller("POST", "/webhooks/endpoints", {"url": HOOK}).json()


@pytest.fixture
def receiver(settings):
    settings.WEBHOOK_ALLOW_PRIVATE = True
    with receiving(answer(500), OK) as receiver:
        yield receiver


def send(webhook_id):
    deliver(Delivery.objects.get(uid=webhook_id).pk, at=clock.now())


def test_an_endpoint_is_made_changed_and_switched_off(caller, endpoint):
    assert endpoint["status"] == "live"
    assert endpoint["kinds"] == []
    address = f"/webhooks/endpoints/{endpoint['endpoint_id']}"
    changed = caller("PATCH", address, {"kinds": ["REFUND_STATUS_WEBHOOK"]}).json()
    assert changed["kinds"] == ["REFUND_STATUS_WEBHOOK"]
    assert caller("GET", address).json() == changed
    assert caller("GET", "/webhooks/endpoints").json() == [changed]
    off = caller("DELETE", address).json()
    assert (off["status"], off["disabled_at"] is not None) == ("off", True)
    refused(caller("PATCH", address, {"kinds": []}), 409, "endpoint_off")
    refused(caller("POST", f"{address}/test"), 409, "endpoint_off")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "url_missing"),
        ({"url": 7}, "url_invalid"),
        ({"url": "https://127.0.0.1/"}, "url_invalid"),
        ({"url": "https://169.254.169.254/latest"}, "url_invalid"),
        ({"url": "ftp://example.com"}, "url_invalid"),
        ({"url": HOOK, "kinds": ["NO_SUCH"]}, "kinds_invalid"),
        ({"url": HOOK, "kinds": "REFUND_STATUS_WEBHOOK"}, "kinds_invalid"),
        ({"url": HOOK, "secret": "x"}, "secret_invalid"),
    ],
)
def test_a_bad_endpoint_is_refused(caller, body, code):
    refused(caller("POST", "/webhooks/endpoints", body), 400, code)
    assert not Endpoint.objects.exists()


def test_a_misspelt_field_of_an_endpoint_is_told_its_name(caller):
    answer = caller("POST", "/webhooks/endpoints", {"url": HOOK, "kind": []})
    refused(answer, 400, "kind_invalid", "did you mean kinds?")


def test_one_live_endpoint_per_url(caller, endpoint):
    refused(caller("POST", "/webhooks/endpoints", {"url": HOOK}), 409, "endpoint_already_exists")


def test_another_merchant_sees_none_of_it(caller, stranger, endpoint):
    address = f"/webhooks/endpoints/{endpoint['endpoint_id']}"
    message = caller("POST", f"{address}/test").json()
    for verb, path, body in [
        ("GET", address, None), ("PATCH", address, {"kinds": []}), ("DELETE", address, None),
        ("POST", f"{address}/test", None),
        ("POST", f"{address}/replay", {"since": "2026-01-01T00:00:00Z", "until": "2026-01-31T00:00:00Z"}),
        ("GET", f"/webhooks/deliveries?endpoint_id={endpoint['endpoint_id']}", None),
    ]:  # fmt: skip
        refused(stranger(verb, path, body), 404, "endpoint_not_found")
    for verb, path in [("GET", ""), ("POST", "/replay")]:
        refused(stranger(verb, f"/webhooks/deliveries/{message['webhook_id']}{path}"), 404, "delivery_not_found")
    assert stranger("GET", "/webhooks/deliveries").json()["data"] == []
    refused(stranger("GET", f"/webhooks/deliveries?cursor={message['webhook_id']}"), 400, "cursor_invalid")


def test_a_test_message_its_log_and_once_more(caller, receiver):
    made = caller("POST", "/webhooks/endpoints", {"url": f"{receiver.origin}/hook"}).json()
    message = caller("POST", f"/webhooks/endpoints/{made['endpoint_id']}/test").json()
    assert (message["type"], message["status"], message["order_id"]) == ("TEST_WEBHOOK", "due", None)
    send(message["webhook_id"])
    told = caller("GET", f"/webhooks/deliveries/{message['webhook_id']}").json()
    [first] = told["log"]
    assert (first["number"], first["status"]) == (1, 500)
    assert first["duration_ms"] >= 0
    assert '"test":true' in told["body"]
    assert caller("POST", f"/webhooks/deliveries/{message['webhook_id']}/replay").json()["status"] == "due"
    send(message["webhook_id"])
    told = caller("GET", f"/webhooks/deliveries/{message['webhook_id']}").json()
    assert (told["status"], [made["status"] for made in told["log"]]) == ("delivered", [200, 500])
    assert {headers["webhook-id"] for _, headers, _ in receiver.requests} == {message["webhook_id"]}


def test_messages_of_an_order_by_state_and_page_by_page(caller, endpoint):
    orders = [caller.order() for _ in range(3)]
    for order in orders:
        paid(order)
    first = caller("GET", "/webhooks/deliveries?limit=2").json()
    assert [row["order_id"] for row in first["data"]] == [orders[2].order_id, orders[1].order_id]
    rest = caller("GET", f"/webhooks/deliveries?limit=2&cursor={first['cursor']}").json()
    assert ([row["order_id"] for row in rest["data"]], rest["cursor"]) == ([orders[0].order_id], None)
    only = caller("GET", f"/webhooks/deliveries?order_id={orders[1].order_id}&status=due").json()["data"]
    assert [row["type"] for row in only] == ["PAYMENT_SUCCESS_WEBHOOK"]
    assert caller("GET", "/webhooks/deliveries?status=delivered").json()["data"] == []


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "status=lost", "cursor=nonsense", "color=red"])
def test_an_odd_question_is_refused(caller, query):
    name = query.partition("=")[0]
    refused(caller("GET", f"/webhooks/deliveries?{query}"), 400, f"{name}_invalid", name)


def test_a_span_is_sent_again(caller, endpoint):
    paid(caller.order())
    Delivery.objects.update(status=DeliveryStatus.ABANDONED, due_at=None, completed_at=clock.now())
    now = clock.now()
    span = {"since": (now - timedelta(hours=1)).isoformat(), "until": (now + timedelta(hours=1)).isoformat()}
    address = f"/webhooks/endpoints/{endpoint['endpoint_id']}/replay"
    assert caller("POST", address, span).json() == {"queued": 1}
    assert Delivery.objects.get().status == DeliveryStatus.DUE
    refused(caller("POST", address, {**span, "until": span["since"]}), 400, "until_invalid", "after")
    months_ago = (now - timedelta(days=32)).isoformat()
    refused(caller("POST", address, {**span, "since": months_ago}), 400, "until_invalid", "31 days")
    refused(caller("POST", address, {**span, "since": "yesterday"}), 400, "since_invalid", "RFC 3339")


def test_a_span_under_one_key_is_sent_once(caller, endpoint):
    paid(caller.order())
    Delivery.objects.update(status=DeliveryStatus.ABANDONED, due_at=None, completed_at=clock.now())
    now = clock.now()
    span = {"since": (now - timedelta(hours=1)).isoformat(), "until": (now + timedelta(hours=1)).isoformat()}
    address, key = f"/webhooks/endpoints/{endpoint['endpoint_id']}/replay", {"x-idempotency-key": "again-1"}
    first = caller("POST", address, span, headers=key)
    Delivery.objects.update(status=DeliveryStatus.DELIVERED, due_at=None, completed_at=clock.now())
    assert caller("POST", address, span, headers=key).content == first.content
    assert Delivery.objects.get().status == DeliveryStatus.DELIVERED


def test_no_live_key_no_message(merchant_and_caller, endpoint, monkeypatch):
    merchant, caller = merchant_and_caller
    uid = endpoint["endpoint_id"]
    monkeypatch.setattr("checkout.rest.access.identify", lambda *_, **__: merchant.api_keys.get())
    revoke_key(merchant.api_keys.get(), at=clock.now())
    refused(caller("POST", f"/webhooks/endpoints/{uid}/test"), 409, "no_live_key")


def test_the_events_of_an_order_in_order(caller, stranger):
    order = caller.order()
    payment = paid(order)
    told = caller("GET", f"/orders/{order.order_id}/events").json()
    assert [event["sequence"] for event in told] == list(range(1, len(told) + 1))
    assert told[0]["event"] == "order.created"
    [success] = [event for event in told if event["type"] == "PAYMENT_SUCCESS_WEBHOOK"]
    assert success["cf_payment_id"] == payment.uid
    refused(stranger("GET", f"/orders/{order.order_id}/events"), 404, "order_not_found")


def test_a_settlements_message_in_the_log(caller, merchant, endpoint):
    sell(merchant)
    settlement = close(settle(merchant))
    pay_out(settlement)
    [row] = caller("GET", "/webhooks/deliveries?type=SETTLEMENT_SUCCESS").json()["data"]
    assert (row["settlement_id"], row["order_id"]) == (settlement.uid, None)
    whole = caller("GET", f"/webhooks/deliveries/{row['webhook_id']}").json()
    assert '"utr":"HDFC0001"' in whole["body"]
    other = caller("GET", "/webhooks/deliveries?type=PAYMENT_SUCCESS_WEBHOOK").json()["data"][0]
    assert other["settlement_id"] is None


def test_an_endpoint_chooses_settlements_alone(caller, merchant):
    made = caller("POST", "/webhooks/endpoints", {"url": HOOK, "kinds": ["SETTLEMENT_FAILED"]}).json()
    assert made["kinds"] == ["SETTLEMENT_FAILED"]
    sell(merchant)
    pay_out(close(settle(merchant)))
    assert not Delivery.objects.exists()
