"""What endpoints are told of settlements: each move once, as it was, and nothing that did not happen."""

import json
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from payments import clock, webhooks
from payments.errors import SamePerson
from payments.jobs import run_job
from payments.models import Delivery, DeliveryTry, GatewayAccount, SettlementEvent
from payments.services.endpoints import (
    add_endpoint,
    change_endpoint,
    count_range,
    replay_delivery,
    replay_range,
    send_test,
)
from payments.services.payouts import confirm_payout, fail_payout, send_payout
from payments.services.settlements import close_settlement
from payments.states import Collects
from tests.factories import act, make_merchant_with_key, refund
from tests.settling import close, pay_out, sell, settle

pytestmark = pytest.mark.django_db
INITIATED, SUCCESS = "SETTLEMENT_INITIATED", "SETTLEMENT_SUCCESS"
FAILED, REVERSED = "SETTLEMENT_FAILED", "SETTLEMENT_REVERSED"


@pytest.fixture
def merchant():
    return make_merchant_with_key()[0]


def add(merchant, *kinds, url="https://shop.example.com/hook", mode="test"):
    return add_endpoint(merchant, mode, url, kinds, at=clock.now())


@pytest.fixture
def endpoint(merchant):
    return add(merchant, *(kind for kind in webhooks.KINDS if kind.startswith("SETTLEMENT_")))


@pytest.fixture
def settlement(merchant, endpoint):
    sell(merchant)
    return close(settle(merchant))


def send(settlement, **over):
    settlement.refresh_from_db()
    return send_payout(settlement.pk, net_minor=settlement.net_minor, by=act(), at=clock.now(), **over)


def confirm(payout, utr="HDFC0001"):
    return confirm_payout(payout.pk, utr=utr, value_date=clock.now().date(), by=None, at=clock.now())


def fail(payout):
    return fail_payout(payout.pk, message="The account is closed.", by=None, at=clock.now())


def told():
    return [(row.kind, json.loads(row.body)["data"]["settlement"]["status"]) for row in Delivery.objects.order_by("pk")]


def test_the_whole_life_of_a_settlement_is_told_once_each(settlement):
    assert told() == []  # closed, and the transfer is not made yet
    first = send(settlement, utr="UTR1")
    fail(first)
    fail(first)
    second = send(settlement)
    confirm(second)
    confirm(second)
    fail(second)

    assert told() == [
        (INITIATED, "INITIATED"), (FAILED, "FAILED"),
        (INITIATED, "INITIATED"), (SUCCESS, "SUCCESS"), (REVERSED, "REVERSED"),
    ]  # fmt: skip
    assert len(set(Delivery.objects.values_list("settlement_event", flat=True))) == 5


def test_the_body_of_a_success(settlement, merchant):
    payout = pay_out(settlement)

    delivery = Delivery.objects.get(kind=SUCCESS)
    body = json.loads(delivery.body)

    event = settlement.events.get(kind="settlement.paid_out")
    assert body["type"] == SUCCESS
    assert body["event_time"].endswith("+05:30")
    assert body["till"] == {
        "sequence": event.sequence, "order_id": None, "settlement_id": settlement.uid, "event": "settlement.paid_out",
    }  # fmt: skip
    told = body["data"]["settlement"]
    assert (told["settlement_id"], told["utr"]) == (settlement.uid, "HDFC0001")
    assert (told["payment_amount"], told["adjustment"], told["amount_settled"]) == (299.99, 0, 299.99)
    assert (told["service_charge"], told["settlement_amount"], told["settlement_type"]) == (0, 299.99, "STANDARD")
    assert len(told["payment_from"]) == len("2026-11-29 16:30:00")
    assert told["settled_on"].endswith("+05:30")
    assert (told["reason"], told["remarks"]) == (None, None)
    assert (delivery.event, delivery.merchant, delivery.mode) == (None, merchant, "test")
    assert delivery.settlement_event == event
    assert payout.settlement == settlement


def test_a_failure_says_why_and_when_it_was_not_settled(settlement):
    fail(send(settlement))
    told = json.loads(Delivery.objects.get(kind=FAILED).body)["data"]["settlement"]
    assert (told["reason"], told["settled_on"]) == ("The account is closed.", None)


def test_nothing_to_pay_out_is_a_success_when_it_is_closed(settlement, merchant):
    refund(settlement.lines.get().payment, 29_999)
    close(settle(merchant))
    [row] = Delivery.objects.all()
    told = json.loads(row.body)["data"]["settlement"]
    assert (row.kind, told["utr"], told["amount_settled"]) == (SUCCESS, None, -299.99)
    assert told["remarks"] == "There is nothing to pay out."


def test_what_the_gateway_paid_directly_is_a_success_too(merchant, endpoint):
    GatewayAccount.objects.filter(merchant=merchant).update(collects=Collects.MERCHANT)
    sell(merchant)
    close(settle(merchant, collects=Collects.MERCHANT))
    assert told() == [(SUCCESS, "SUCCESS")]


def test_only_endpoints_that_chose_them_and_never_a_notify_url(merchant):
    add(merchant, FAILED)
    everything = add(merchant, url="https://all.example.com/hook")
    add(make_merchant_with_key(name="Somebody else")[0])
    sell(merchant, notify_url="https://own.example.com/hook")
    pay_out(close(settle(merchant)))
    rows = Delivery.objects.filter(kind__startswith="SETTLEMENT_")
    assert {(row.kind, row.endpoint) for row in rows} == {(INITIATED, everything), (SUCCESS, everything)}


def test_a_rollback_tells_nobody(settlement):
    with transaction.atomic():
        send(settlement)
        assert told() == [(INITIATED, "INITIATED")]
        transaction.set_rollback(True)
    assert told() == []
    assert not settlement.events.filter(kind="payout.sent").exists()


def test_a_refused_closing_tells_nobody(merchant, endpoint):
    refund(sell(merchant), 29_999)
    settlement = settle(merchant, by=act("asha"))
    with pytest.raises(SamePerson):
        close_settlement(settlement.pk, net_minor=settlement.net_minor, by=act("asha"), at=clock.now())
    assert told() == []


@pytest.mark.parametrize("also", [{"event": True}, {"endpoint": None}])
def test_a_delivery_is_about_one_event_and_those_of_settlements_go_to_endpoints(settlement, also):
    send(settlement)
    row = Delivery.objects.get()
    sell(settlement.merchant)
    if "event" in also:
        also = {"event": settlement.lines.get().payment.order.events.first()}
    with pytest.raises(IntegrityError), transaction.atomic():
        Delivery.objects.filter(pk=row.pk).update(**also)


def test_one_delivery_per_event_and_endpoint(settlement):
    send(settlement)
    row = Delivery.objects.get()
    row.pk, row.uid = None, "msg_again"
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save()


# --- Sending again ---


def _span():
    return {"since": clock.now() - timedelta(hours=1), "until": clock.now() + timedelta(hours=1)}


def _all(merchant, endpoint):
    return {**_span(), "endpoint": endpoint, "only_failed": False, "at": clock.now()}


def _end(status="delivered", **over):
    Delivery.objects.update(**{"status": status, "due_at": None, "completed_at": clock.now(), **over})


def test_one_is_sent_again_with_the_same_bytes(settlement):
    send(settlement)
    row = Delivery.objects.get()
    _end()
    again = replay_delivery(row.pk, at=clock.now(), by=act())
    assert (again.status, again.uid, again.body) == ("due", row.uid, row.body)


def test_a_range_sends_them_again_and_leaves_test_messages_out(settlement, merchant, endpoint):
    send(settlement)
    send_test(endpoint.pk, at=clock.now())
    _end("abandoned", completed_at=clock.now() - timedelta(minutes=1))
    assert replay_range(merchant.pk, "test", **_span(), at=clock.now()) == 1
    assert Delivery.objects.get(status="due").kind == INITIATED


def test_an_endpoint_is_told_what_it_missed_with_bodies_made_anew(settlement, merchant, endpoint):
    first = send(settlement)
    fail(first)
    confirm(send(settlement, utr="HDFC0001"))
    old = dict(Delivery.objects.filter(endpoint=endpoint).values_list("settlement_event", "body"))
    new = add(merchant, INITIATED, FAILED, SUCCESS, url="https://new.example.com/hook")

    told = _all(merchant, new)
    assert count_range(merchant.pk, "test", **told, at_most=100) == 4
    assert replay_range(merchant.pk, "test", **told) == 4
    assert replay_range(merchant.pk, "test", **_all(merchant, new)) == 0

    rows = Delivery.objects.filter(endpoint=new)
    assert {row.settlement_event_id: row.body for row in rows} == old
    change_endpoint(new.pk, [REVERSED], at=clock.now())
    assert count_range(merchant.pk, "test", **_all(merchant, new), at_most=100) == 0


def test_a_body_made_anew_after_pruning_tells_of_its_own_move(settlement, merchant, endpoint):
    payout = send(settlement)
    confirm(payout)
    _end(completed_at=clock.now() - timedelta(days=31))
    run_job("prune", 0, at=clock.now())
    assert not Delivery.objects.exists()
    assert SettlementEvent.objects.count() == 3
    fail(payout)
    Delivery.objects.all().delete()

    assert replay_range(merchant.pk, "test", **_all(merchant, endpoint)) == 3

    assert told() == [(INITIATED, "INITIATED"), (SUCCESS, "SUCCESS"), (REVERSED, "REVERSED")]
    done = json.loads(Delivery.objects.get(kind=SUCCESS).body)["data"]["settlement"]
    assert (done["utr"], done["reason"]) == ("HDFC0001", None)
    assert not DeliveryTry.objects.exists()
