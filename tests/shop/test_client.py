import json
import logging
import socket
import threading
import time
from decimal import Decimal

import pytest

from checkout.shop import client
from checkout.shop.catalogue import ITEMS, rows_of, total_of
from tests.payments.receiver import answer, receiving
from tests.shop.conftest import SECRET


def new_order(**over) -> client.NewOrder:
    values = {
        "order_id": "PTG-ABCD2345",
        "total_minor": 104_000,
        "note": "Monsoon notebook × 2",
        "customer_name": "Asha Rao",
        "customer_email": "asha@example.com",
        "customer_phone": "9999999999",
    }
    return client.NewOrder(**{**values, **over})


@pytest.fixture
def one_slot(monkeypatch):
    """The shop may hold one thread, so a slot that is not given back shows at once."""
    slots = threading.BoundedSemaphore(1)
    monkeypatch.setattr(client, "_slots", slots)
    monkeypatch.setattr(client, "SLOT_WAIT_S", 0.01)
    return slots


def is_free(slots) -> bool:
    return slots.acquire(blocking=False)


def test_create_order_asks_as_any_merchant_would(till, demo):
    till.says({"payment_session_id": "sess_abc-1", "return_url": "https://x", "order_id": "PTG-ABCD2345"})
    assert client.create_order(demo, new_order()) == "sess_abc-1"
    (seen,) = till.seen
    assert seen.path == "/payment.v1.PaymentService/CreateOrder"
    assert seen.headers["content-type"] == "application/json"
    assert (seen.headers["x-client-id"], seen.headers["x-client-secret"]) == ("cid", SECRET)
    assert seen.body == {
        "customer_name": "Asha Rao",
        "customer_email": "asha@example.com",
        "customer_phone": "9999999999",
        "order_amount": 1040,
        "order_id": "PTG-ABCD2345",
        "order_note": "Monsoon notebook × 2",
        "return_url": f"{till.url}/shop/return",
    }


@pytest.mark.parametrize(
    ("minor", "digits"),
    [(29_999, b"299.99"), (1, b"0.01"), (10, b"0.10"), (48_000, b"480.00"), (10**12, b"10000000000.00")],
)
def test_the_amount_goes_out_digit_for_digit(till, demo, minor, digits):
    till.says({"payment_session_id": "sess_1"})
    client.create_order(demo, new_order(total_minor=minor))
    assert b'{"order_amount": ' + digits + b", " in till.seen[0].raw


def test_every_amount_the_shop_can_charge_arrives_exactly(till, demo):
    till.says({"payment_session_id": "sess_1"})
    for item in ITEMS:
        for quantity in (1, 7, 20):
            minor = total_of(rows_of(item, quantity))
            client.create_order(demo, new_order(total_minor=minor))
            sent = json.loads(till.seen[-1].raw, parse_float=Decimal)
            assert sent["order_amount"] == Decimal(minor) / 100


@pytest.mark.parametrize("session_id", ["", None, 7, "../admin", "a b", "x?y=1", "sess\r\nx", "é" * 3])
def test_a_session_id_that_could_bend_the_address_is_not_used(till, demo, session_id):
    till.says({"payment_session_id": session_id})
    with pytest.raises(client.TillUnavailable):
        client.create_order(demo, new_order())


def test_verify_payment_returns_the_whole_answer(till, demo):
    till.says({"message": "Payment successful", "code": "200", "status": "success", "more": 1})
    answer = client.verify_payment(demo, "PTG-ABCD2345")
    assert answer == {"message": "Payment successful", "code": "200", "status": "success", "more": 1}
    assert till.seen[0].path == "/payment.v1.PaymentService/VerifyPayment"
    assert till.seen[0].body == {"order_id": "PTG-ABCD2345"}


def test_a_refusal_carries_tills_own_words(till, demo):
    till.says({"code": "invalid_argument", "message": "order_amount: too many decimals"}, status=400)
    with pytest.raises(client.TillRefused) as caught:
        client.create_order(demo, new_order())
    assert (caught.value.message, caught.value.code) == ("order_amount: too many decimals", "invalid_argument")


@pytest.mark.parametrize(
    ("status", "raw"),
    [
        (200, b"<html>not json</html>"),
        (200, b""),
        (200, b'["a list"]'),
        (200, b"\xff\xfe"),
        (500, b'{"code": "internal", "message": "something broke"}'),
        (503, b""),
        (429, b'{"code": "resource_exhausted", "message": "slow down"}'),
        (404, b"<h1>Not Found</h1>"),
        (400, b'{"message": "no code"}'),
        (200, b'{"pad": "' + b"x" * client.ANSWER_LIMIT + b'"}'),
    ],
)
def test_an_answer_that_says_nothing_is_no_answer(till, demo, one_slot, status, raw):
    till.status, till.raw = status, raw
    with pytest.raises(client.TillUnavailable):
        client.verify_payment(demo, "PTG-1")
    assert is_free(one_slot)


def test_redirects_are_not_followed(till, demo):
    till.says({"status": "success"}, status=307)
    till.location = f"{till.url}/elsewhere"
    with pytest.raises(client.TillUnavailable):
        client.verify_payment(demo, "PTG-1")
    assert len(till.seen) == 1


def test_a_slow_answer_is_given_up_once_and_for_all(till, demo, one_slot, monkeypatch):
    released = threading.Event()
    till.before_answer = lambda: released.wait(5)
    monkeypatch.setattr(client, "TIMEOUT_S", 0.1)
    with pytest.raises(client.TillUnavailable):
        client.verify_payment(demo, "PTG-1")
    released.set()
    assert len(till.seen) == 1, "a call must never be repeated on its own"
    assert is_free(one_slot)


def test_an_answer_that_drips_is_given_up_too(till, demo, monkeypatch):
    """Each drop comes in time; only the total is too long."""
    monkeypatch.setattr(client, "TIMEOUT_S", 0.3)
    answer = client.urllib3.HTTPResponse.read1

    def slowly(self, amount=None, **options):
        time.sleep(0.2)
        return answer(self, 1, **options)

    monkeypatch.setattr(client.urllib3.HTTPResponse, "read1", slowly)
    till.says({"message": "m", "code": "200", "status": "success"})
    began = time.monotonic()
    with pytest.raises(client.TillUnavailable, match="too long or too slow"):
        client.verify_payment(demo, "PTG-1")
    assert time.monotonic() - began < 2


def test_nobody_listening_is_no_answer(one_slot):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    gone = client.Demo(f"http://127.0.0.1:{port}", "cid", SECRET)
    with pytest.raises(client.TillUnavailable):
        client.verify_payment(gone, "PTG-1")
    assert is_free(one_slot)


def test_the_shop_never_takes_more_than_its_share_of_threads(till, demo, one_slot):
    one_slot.acquire()
    with pytest.raises(client.ShopBusy):
        client.verify_payment(demo, "PTG-1")
    assert till.seen == []


def test_the_share_is_half_of_the_servers_threads(settings):
    assert client._slots._initial_value == max(1, settings.WEB_THREADS // 2)


def test_without_a_file_there_is_no_demo(settings, tmp_path):
    settings.DEMO_FILE = tmp_path / "missing.json"
    with pytest.raises(client.DemoMissing):
        client.read_demo()


def test_the_file_is_read_afresh(demo, settings):
    raw = json.loads(settings.DEMO_FILE.read_text())
    settings.DEMO_FILE.write_text(json.dumps({**raw, "client_id": "another"}))
    assert client.read_demo().client_id == "another"


def test_the_secret_stays_out_of_reprs_errors_and_logs(till, demo, caplog):
    caplog.set_level(logging.DEBUG)
    till.status = 500
    with pytest.raises(client.TillUnavailable) as caught:
        client.create_order(demo, new_order())
    assert SECRET not in repr(demo) + repr(caught.value) + caplog.text


def test_calls_one_after_the_other_never_meet_a_connection_that_was_closed(demo):
    """A server may close a connection without having said that it would."""
    with receiving(answer(200, body=b'{"status": "success"}')) as till:
        mine = client.Demo(till.origin, demo.client_id, demo.client_secret)
        assert [client.verify_payment(mine, "PTG-1") for _ in range(30)] == [{"status": "success"}] * 30
