"""The shop as a receiver of webhooks: it takes Till's own, once, and shows them beside VerifyPayment."""

import html
import json
import sqlite3
import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client

from checkout.shop import inbox
from checkout.shop import orders as book
from checkout.shop.receiver import is_tills
from payments import clock, signatures
from tests.shop.conftest import SECRET
from tests.shop.test_views import buy, text_of

pytestmark = pytest.mark.django_db
HOOK = "/shop/webhooks"


@pytest.fixture
def order_id(client, till, demo):
    """An order this visitor made."""
    buy(client, till)
    till.verifies("success", "Payment successful")
    return client.session[book.KEY][0]["id"]


def body_of(order_id, kind="PAYMENT_SUCCESS_WEBHOOK"):
    told = {"data": {"order": {"order_id": order_id}}, "type": kind, "till": {"sequence": 2, "order_id": order_id}}
    return json.dumps(told, ensure_ascii=False).encode()


def send(body, *, message_id="msg_1", secrets=(SECRET,), attempt=1, at=None, **over):
    """A webhook as Till sends it, from somebody without a cookie; the status of the answer."""
    headers = signatures.headers(body, message_id=message_id, secrets=secrets, attempt=attempt, at=at or clock.now())
    headers = {name: value for name, value in (headers | over).items() if value is not None}
    strict = Client(enforce_csrf_checks=True)
    return strict.post(HOOK, data=body, content_type="application/json", headers=headers).status_code


def arrived(client):
    return text_of(client.get("/shop/orders")).split("<h3>Webhooks</h3>")[1].split("</li>\n    </ul>")[0]


def test_a_webhook_is_taken_and_shown_beside_the_answer(client, order_id):
    assert send(body_of(order_id), attempt=2) == 204
    page = text_of(client.get("/shop/orders"))
    for words in (
        "PAYMENT_SUCCESS_WEBHOOK",
        "try 2, signature verified",
        "<code>success</code>, code <code>200</code>",
    ):
        assert words in page
    page = text_of(client.get(f"/shop/orders/{order_id}"))
    assert "PAYMENT_SUCCESS_WEBHOOK" in page
    assert "What Till’s webhooks told us" in page
    assert 'href="/shop/orders"' in page


def test_before_any_came_the_page_says_so(client, order_id):
    assert "None has arrived yet." in arrived(client)
    assert "None has arrived yet." in text_of(client.get(f"/shop/return?order_id={order_id}"))


def test_the_same_one_again_is_answered_and_set_aside(client, order_id):
    assert [send(body_of(order_id), attempt=attempt) for attempt in (1, 2, 3)] == [204] * 3
    page = arrived(client)
    assert page.count("PAYMENT_SUCCESS_WEBHOOK") == 1
    assert "try 1, signature verified; came again 2 times and was set aside" in page


def test_while_keys_rotate_either_signature_will_do(client, order_id):
    assert send(body_of(order_id), secrets=("newer", SECRET)) == 204


REFUSED = {
    "of another key": {"secrets": ("other",)},
    "without a signature": {"webhook-signature": None},
    "of another version": {"webhook-signature": "v2,AAAA"},
    "with an odd signature": {"webhook-signature": "v1,é"},
    "of another message": {"webhook-id": "msg_2"},
    "without a time": {"webhook-timestamp": None},
    "with an odd time": {"webhook-timestamp": "²"},
    "with a huge time": {"webhook-timestamp": "9" * 5000},
    "of long ago": {"at": timedelta(minutes=-6)},
    "of tomorrow": {"at": timedelta(days=1)},
}


@pytest.mark.parametrize("how", REFUSED)
def test_a_forged_or_old_one_is_refused_and_kept_nowhere(client, order_id, how):
    over = dict(REFUSED[how])
    if "at" in over:
        over["at"] = clock.now() + over["at"]
    assert send(body_of(order_id), **over) == 401
    assert "None has arrived yet." in arrived(client)


def test_a_changed_body_is_refused(order_id):
    headers = signatures.headers(body_of(order_id), message_id="m", secrets=[SECRET], attempt=1, at=clock.now())
    assert is_tills(body_of(order_id), headers, SECRET)
    assert not is_tills(body_of(order_id) + b" ", headers, SECRET)
    assert not is_tills(b"", headers, SECRET)


@pytest.mark.parametrize("body", [b"{}", b"[]", b'"x"', b'{"till": 7}', b'{"till": {"order_id": null}}'])
def test_one_that_is_about_no_order_is_taken_and_forgotten(client, order_id, body):
    assert send(body) == 204
    assert "None has arrived yet." in arrived(client)


def test_what_it_tells_is_escaped(client, order_id):
    assert send(body_of(order_id, kind="<script>x</script>")) == 204
    assert "<script" not in client.get("/shop/orders").content.decode()


@pytest.mark.parametrize("attempt", ["x", "", None, "²", "9" * 400])
def test_an_odd_attempt_reads_as_the_first(client, order_id, attempt):
    assert send(body_of(order_id), **{"x-webhook-attempt": attempt}) == 204
    assert "try 1," in arrived(client)


def test_webhooks_of_others_orders_are_not_shown(client, order_id):
    assert send(body_of("PTG-OTHER")) == 204
    assert "None has arrived yet." in arrived(client)


def test_only_the_newest_are_kept(client, order_id, monkeypatch):
    monkeypatch.setattr(inbox, "MOST_KEPT", 3)
    for number in range(5):
        send(body_of(order_id, kind=f"KIND_{number}"), message_id=f"msg_{number}")
    page = arrived(client)
    assert [kind for kind in range(5) if f"KIND_{kind}" in page] == [2, 3, 4]


def test_many_at_once_are_all_kept_and_one_is_new(order_id):
    new = []

    def keep(number):
        message = inbox.Webhook(f"msg_{number // 2}", "K", order_id, 1, clock.now())
        new.append(inbox.keep(message))
        connection.close()

    threads = [threading.Thread(target=keep, args=[number]) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(new), sum(new)) == (16, 8)
    assert sorted(one.times for one in inbox.of_orders([order_id])[order_id]) == [2] * 8


def test_a_settlements_message_is_taken_and_not_kept_as_an_orders(client, order_id):
    told = {
        "data": {"settlement": {"settlement_id": "settle_x", "status": "SUCCESS"}},
        "type": "SETTLEMENT_SUCCESS",
        "till": {"sequence": 2, "order_id": None, "settlement_id": "settle_x", "event": "settlement.paid_out"},
    }
    assert send(json.dumps(told).encode()) == 204
    assert inbox.of_orders([order_id])[order_id] == []
    assert "SETTLEMENT" not in client.get("/shop/orders").content.decode()


def test_a_store_that_cannot_be_used_asks_for_the_message_again(client, order_id, monkeypatch):
    def locked(*args, **kwargs):
        raise sqlite3.OperationalError("database is locked")

    monkeypatch.setattr(inbox.sqlite3, "connect", locked)
    assert send(body_of(order_id)) == 503
    assert client.get("/shop/orders").status_code == 200
    assert client.get(f"/shop/orders/{order_id}").status_code == 200


def test_only_a_post_is_taken(client, demo):
    assert client.get(HOOK).status_code == 405


def test_without_the_demo_nobody_takes_webhooks(client, settings, tmp_path):
    settings.DEMO_FILE = tmp_path / "missing.json"
    assert send(b"{}") == 404


def test_neither_secret_nor_session_is_written_into_the_store(client, order_id, settings):
    send(body_of(order_id))
    raw = settings.DEMO_FILE.with_name("shop-webhooks.sqlite3").read_bytes()
    assert order_id.encode() in raw
    assert SECRET.encode() not in raw
    assert b"sess_" not in raw


def test_the_history_keeps_to_the_strict_content_policy(client, order_id):
    send(body_of(order_id))
    page = html.unescape(client.get("/shop/orders").content.decode())
    for banned in ("<script", "<style", " style=", "data:", " onclick"):
        assert banned not in page
