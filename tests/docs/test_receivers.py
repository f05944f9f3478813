"""docs/receivers.md does what it says: its receivers take what Till sends, once, and nothing else."""

import re
import shutil
from datetime import timedelta

import pytest

from payments import clock, outgoing, signatures
from payments.models import Delivery
from payments.services.deliveries import deliver
from payments.states import DeliveryStatus
from tests.docs.receivers import KINDS, PAGE, files, receiver
from tests.factories import OrderFactory, make_merchant_with_key, paid
from tests.payments.receiver import answer, receiving

pytestmark = pytest.mark.django_db(transaction=True)
NO_NODE = pytest.mark.skipif(not (shutil.which("node") and shutil.which("npm")), reason="needs node and npm")


CASES = [pytest.param(kind, marks=[NO_NODE, pytest.mark.slow] if kind == "express" else []) for kind in KINDS]


@pytest.fixture(params=CASES)
def shop(request, live_server, settings, tmp_path):
    """A merchant's server made of the page's code: (merchant, secret, the running receiver)."""
    settings.WEBHOOK_ALLOW_PRIVATE = True
    merchant, client_id, secret = make_merchant_with_key()
    keys = {"client_id": client_id, "client_secret": secret}
    with receiver(request.param, folder=tmp_path, till=live_server.url, **keys) as running:
        yield merchant, secret, running


def pay(merchant, running):
    """An order paid and its webhook due: (order, delivery)."""
    order = paid(OrderFactory(merchant=merchant, notify_url=running.url, tags={"name": "Zoë ₹"})).order
    return order, Delivery.objects.get(event__order=order)


def post(running, secret, delivery, *, body=None, at=None, **over):
    """Send a delivery's message by our own code, with something changed about it; the status that came back."""
    sent = delivery.body.encode()
    headers = signatures.headers(sent, message_id=delivery.uid, secrets=[secret], attempt=1, at=at or clock.now())
    headers = {name: value for name, value in (headers | over).items() if value is not None}
    return outgoing.post(running.url, sent if body is None else body, headers, allow_private=True).status


def test_it_takes_what_till_sends_once_and_refuses_all_else(shop):
    merchant, secret, running = shop
    order, delivery = pay(merchant, running)

    refused = {
        "a forged signature": post(running, "not-the-secret", delivery),
        "no signature": post(running, secret, delivery, **{"webhook-signature": None}),
        "another version": post(running, secret, delivery, **{"webhook-signature": "v2,AAAA"}),
        "a changed body": post(running, secret, delivery, body=delivery.body.replace("success", "succeSS").encode()),
        "no body": post(running, secret, delivery, body=b""),
        "another id": post(running, secret, delivery, **{"webhook-id": "msg_other"}),
        "an old one": post(running, secret, delivery, at=clock.now() - timedelta(minutes=6)),
        "one from tomorrow": post(running, secret, delivery, at=clock.now() + timedelta(days=1)),
        "no time": post(running, secret, delivery, **{"webhook-timestamp": None}),
        "an odd time": post(running, secret, delivery, **{"webhook-timestamp": "9" * 400}),
    }
    assert refused == dict.fromkeys(refused, 401)

    assert deliver(delivery.pk, at=clock.now())
    delivery.refresh_from_db()
    assert delivery.status == DeliveryStatus.DELIVERED
    assert running.shipped(last=order.order_id) == [order.order_id]

    assert post(running, secret, delivery) == 204
    assert post(running, secret, delivery, at=clock.now() + timedelta(seconds=2)) == 204
    second, another = pay(merchant, running)
    assert deliver(another.pk, at=clock.now())
    assert running.shipped(last=second.order_id) == [order.order_id, second.order_id]


def test_it_ships_nothing_that_till_does_not_call_paid(shop):
    """A webhook with a right signature, but of an order that was never paid: the truth is asked for."""
    merchant, secret, running = shop
    unpaid = OrderFactory(merchant=merchant)
    order, delivery = pay(merchant, running)
    told = delivery.body.replace(order.order_id, unpaid.order_id)
    assert post(running, secret, Delivery(uid="msg_claim", body=told)) == 204
    assert deliver(delivery.pk, at=clock.now())
    assert running.shipped(last=order.order_id) == [order.order_id]


@pytest.mark.parametrize("kind", CASES)
def test_it_takes_webhooks_while_till_cannot_be_asked_and_ships_when_it_can(kind, live_server, settings, tmp_path):
    settings.WEBHOOK_ALLOW_PRIVATE = True
    merchant, client_id, secret = make_merchant_with_key()
    keys = {"client_id": client_id, "client_secret": secret}
    broken = answer(503, "Connection: close")
    with receiving(broken) as till, receiver(kind, folder=tmp_path, till=till.origin, **keys) as running:
        order, delivery = pay(merchant, running)
        assert post(running, secret, delivery) == 204
        running.work()
    with receiver(kind, folder=tmp_path, till=live_server.url, **keys) as running:
        assert running.shipped(last=order.order_id) == [order.order_id]


@pytest.mark.parametrize("name", ["hooks/models.py", "hooks/views.py", "hooks/jobs.py", "receiver.py", "receiver.mjs"])
def test_the_page_has_every_file(name):
    assert name in files()


def test_the_page_shows_a_receiver_in_php_too():
    (php,) = re.findall(r"```php\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    for piece in ("php://input", "hash_equals(", "> 300", "ON CONFLICT DO NOTHING", "'sha256'"):
        assert piece in php
