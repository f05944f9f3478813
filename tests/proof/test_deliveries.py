"""Webhooks by real threads, processes and crashes: at least once, same id and bytes, and nobody waits for others."""

import signal
import subprocess
import sys
import time
from datetime import timedelta

import pytest

from payments import clock, faults
from payments.jobs import run_job
from payments.models import Delivery, DeliveryTry, Event, Order
from payments.selectors import due_jobs
from payments.services.deliveries import deliver
from payments.services.endpoints import add_endpoint
from payments.services.payments import start_payment
from payments.services.payouts import send_payout
from tests.factories import OrderFactory, act, card_request, make_merchant_with_key
from tests.payments.receiver import HANG, answer, receiving
from tests.proof import crash, recover, run_together
from tests.proof.processes import ROOT, environment, wait_for
from tests.settling import close, sell, settle

pytestmark = pytest.mark.django_db(transaction=True)
POINTS = sorted(name for name in faults.POINTS if name.startswith("delivery."))


@pytest.fixture(autouse=True)
def _private_receivers(settings):
    settings.WEBHOOK_ALLOW_PRIVATE = True


@pytest.fixture
def merchant():
    return make_merchant_with_key()[0]


def _paid(merchant, url):
    order = OrderFactory(merchant=merchant, notify_url=url)
    start_payment(order.pk, card_request(nonce=order.uid[:32]), at=clock.now())
    return order


def _work():
    for name, pk in list(due_jobs(at=clock.now())):
        if name == "delivery":
            run_job(name, pk, at=clock.now())


@pytest.mark.parametrize("point", POINTS)
def test_a_crash_at_any_point_delivers_in_the_end_under_the_same_id_and_bytes(merchant, point):
    with receiving() as shop:
        _paid(merchant, shop.origin)
        assert crash(point, _work)
        assert Delivery.objects.get().status == "due"
        recover([timedelta(seconds=1)], work=_work)  # the dead one's lease lasts
        before = int(point != "delivery.after_claim")
        assert len(shop.requests) == before
        recover([timedelta(seconds=31)], work=_work)
        assert len(shop.requests) == before + 1
        sent = {(headers["webhook-id"], body) for _, headers, body in shop.requests}
    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.tries, DeliveryTry.objects.count()) == ("delivered", 1, 1)
    assert sent == {(delivery.uid, delivery.body.encode())}


@pytest.mark.parametrize("point", ["pay.before_t2_commit", "pay.after_t2"])
def test_a_crash_around_the_commit_of_a_payment_leaves_event_and_delivery_or_neither(merchant, point):
    order = OrderFactory(merchant=merchant, notify_url="https://shop.example.com/hook")
    assert crash(point, lambda: start_payment(order.pk, card_request(), at=clock.now()))
    survived = int(point == "pay.after_t2")
    assert Event.objects.filter(kind="payment.success").count() == survived
    assert Delivery.objects.count() == survived
    recover([timedelta(seconds=6)])
    assert Order.objects.get().status == "paid"
    assert Delivery.objects.count() == 1


def _settled(merchant, url):
    """A closed settlement of a merchant whose endpoint is told of transfers, and how its transfer is made."""
    add_endpoint(merchant, "test", url, ["SETTLEMENT_INITIATED"], at=clock.now())
    sell(merchant)
    settlement = close(settle(merchant))
    by = act()
    return lambda: send_payout(settlement.pk, net_minor=settlement.net_minor, by=by, at=clock.now())


@pytest.mark.parametrize("point", POINTS)
def test_a_settlements_webhook_outlives_a_crash_between_commit_and_send(merchant, point):
    with receiving() as shop:
        _settled(merchant, f"{shop.origin}/hook")()
        assert crash(point, _work)
        recover([timedelta(seconds=31)], work=_work)
        sent = {(headers["webhook-id"], body) for _, headers, body in shop.requests}
        assert len(shop.requests) == 1 + (point != "delivery.after_claim")
    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.kind) == ("delivered", "SETTLEMENT_INITIATED")
    assert sent == {(delivery.uid, delivery.body.encode())}


def test_a_crash_before_the_commit_of_a_transfer_leaves_no_webhook_of_it(merchant):
    transfer = _settled(merchant, "https://shop.example.com/hook")
    assert crash("payout.before_commit", transfer)
    assert not Delivery.objects.exists()
    transfer()
    assert Delivery.objects.get().settlement_event.kind == "payout.sent"


def test_two_workers_at_once_deliver_once(merchant):
    with receiving(lambda: (time.sleep(0.3), answer(200))[1]) as shop:
        _paid(merchant, shop.origin)
        pk, at = Delivery.objects.get().pk, clock.now()
        results = run_together(*[lambda: deliver(pk, at=at)] * 4)
        assert len(shop.requests) == 1
    assert sorted(map(str, results)) == ["False", "False", "False", "True"]


def _worker():
    quiet = subprocess.DEVNULL
    env = environment(WEBHOOK_ALLOW_PRIVATE="True")
    return subprocess.Popen([sys.executable, "manage.py", "worker"], cwd=ROOT, env=env, stdout=quiet, stderr=quiet)


def test_three_hanging_neighbours_delay_nobody(merchant):
    with receiving(HANG) as a, receiving(HANG) as b, receiving(HANG) as c, receiving() as good:
        for shop in (a, b, c) * 4:
            _paid(merchant, shop.origin)
        for _ in range(20):
            _paid(merchant, good.origin)
        worker = _worker()
        try:
            wait_for(lambda: a.requests and b.requests and c.requests and good.requests, "everybody's first webhook")
            wait_for(lambda: len(good.requests) == 20, "the good one's webhooks", timeout_s=10)
            assert good.arrived[-1] - good.arrived[0] < 10
            # A new one arrives while the others still hang.
            began = time.monotonic()
            _paid(merchant, good.origin)
            wait_for(lambda: len(good.requests) == 21, "a new webhook", timeout_s=10)
            assert time.monotonic() - began < 5
            assert max(shop.busiest for shop in (a, b, c)) <= 2
        finally:
            worker.kill()
            worker.wait()
    assert len({headers["webhook-id"] for _, headers, _ in good.requests}) == 21


def test_a_worker_killed_in_the_middle_of_a_send_leaves_it_to_the_next_one(merchant):
    with receiving(HANG, answer(200)) as shop:
        _paid(merchant, shop.origin)
        worker = _worker()
        try:
            wait_for(lambda: shop.requests, "the first try")
        finally:
            worker.send_signal(signal.SIGKILL)
            worker.wait()
        recover([timedelta(seconds=31)], work=_work)
        assert len({(headers["webhook-id"], body) for _, headers, body in shop.requests}) == 1
        assert len(shop.requests) == 2
    assert Delivery.objects.get().status == "delivered"
