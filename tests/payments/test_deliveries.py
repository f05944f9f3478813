"""What merchants' servers are told, when, how often, and what their answers bring about."""

import base64
import hashlib
import hmac
import json
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from standardwebhooks import Webhook

from checkout.worker.rounds import SENDERS
from payments import clock, ids, outgoing, signatures, webhooks
from payments.gateways.base import RefundFact
from payments.jobs import run_job
from payments.models import Delivery, DeliveryTry, Endpoint, Event, ParkedOrigin, Payment, Refund
from payments.money import Money
from payments.outgoing import Answer, Blocked, Unanswered
from payments.selectors import AT_ONCE_PER_MERCHANT, due_jobs
from payments.services import deliveries
from payments.services.deliveries import SCHEDULE, deliver, switch_off
from payments.services.facts import apply_gateway_fact
from payments.services.merchants import issue_key, revoke_key
from payments.services.payments import start_payment
from payments.services.refunds import NewRefund, apply_refund_fact, reserve_refund
from payments.states import Mode
from tests.factories import (
    APPROVED,
    DECLINED,
    OrderFactory,
    PaymentFactory,
    card_request,
    fact_for,
    make_merchant_with_key,
)

pytestmark = pytest.mark.django_db
HOOK = "https://shop.example.com/hook?a=1"
OTHER = "https://other.example.com/hook"
SUCCESS, FAILED, DROPPED = "PAYMENT_SUCCESS_WEBHOOK", "PAYMENT_FAILED_WEBHOOK", "PAYMENT_USER_DROPPED_WEBHOOK"
REFUND, AUTO = "REFUND_STATUS_WEBHOOK", "AUTO_REFUND_STATUS_WEBHOOK"


@pytest.fixture
def shop():
    """A merchant whose key we know: (merchant, secret)."""
    merchant, _, secret = make_merchant_with_key()
    return merchant, secret


@pytest.fixture
def order(shop):
    return OrderFactory(merchant=shop[0], notify_url=HOOK, tags={"name": "Zoë ₹"})


@pytest.fixture
def endpoint(shop):
    return _endpoint(shop[0])


@pytest.fixture
def answers(monkeypatch):
    """What merchants' servers answer, one after the other, the last for ever; and what they were sent."""
    told, sent = [Answer(200, b"ok", "")], []

    def post(url, body, headers, *, allow_private):
        sent.append((url, body, headers))
        said = told.pop(0) if len(told) > 1 else told[0]
        if isinstance(said, Exception):
            raise said
        return said

    monkeypatch.setattr(outgoing, "post", post)
    return lambda *says: (told.__setitem__(slice(None), says or told), sent)[1]


def _endpoint(merchant, url=OTHER, **columns):
    known = {"uid": ids.new_endpoint_id(), "mode": Mode.TEST, "made_at": clock.now()}
    return Endpoint.objects.create(merchant=merchant, url=url, **{**known, **columns})


def _pay(order, number=APPROVED):
    return start_payment(order.pk, card_request(number), at=clock.now())


def _told():
    return sorted(Delivery.objects.values_list("kind", "url"))


def _apply(trait, status, order, **columns):
    """Let the gateway say something of an attempt in this state."""
    payment = PaymentFactory(order=order, **({trait: True} if trait else {}), **columns)
    type(order).objects.filter(pk=order.pk).update(status=payment.order.status if not trait else order.status)
    apply_gateway_fact(payment, fact_for(payment, status), cause="test", at=clock.now())
    return payment


def _run(at=None, minutes=0):
    """Do the deliveries that are due then."""
    with clock.shifted(timedelta(minutes=minutes)):
        jobs = [job for job in due_jobs(at=clock.now()) if job[0] == "delivery"]
        for job in jobs:
            run_job(*job, at=clock.now())
    return len(jobs)


# --- who is told what ---


def test_a_payment_is_told_to_the_orders_address_and_the_merchants_endpoint(order, endpoint):
    _pay(order)
    assert _told() == [(SUCCESS, OTHER), (SUCCESS, HOOK)]
    assert Delivery.objects.values("body").distinct().count() == 1
    assert Delivery.objects.values("uid").distinct().count() == 2


def test_a_decline_is_told(order):
    _pay(order, DECLINED)
    assert _told() == [(FAILED, HOOK)]


@pytest.mark.parametrize("status", ["user_dropped", "cancelled"])
def test_a_customer_who_left_is_told(order, status):
    order.status = "pending"
    order.save()
    _apply("", status, order)
    assert _told() == [(DROPPED, HOOK)]


@pytest.mark.parametrize(("status", "end"), [("expired", "late"), ("terminated", "late"), ("paid", "surplus")])
def test_late_and_surplus_money_is_never_called_a_success(order, endpoint, status, end):
    order.status = status
    order.save()
    payment = _apply("failed", "success", order)
    assert payment.capture_kind == end
    assert _told() == []
    refund = Refund.objects.get()
    apply_refund_fact(refund, _refund_fact(refund, "success"), cause="test", at=clock.now())
    assert _told() == [(AUTO, OTHER)]
    body = json.loads(Delivery.objects.get().body)
    assert body["data"]["auto_refund"]["refund_type"] == "PAYMENT_AUTO_REFUND"
    assert body["data"]["auto_refund"]["refund_reason"] == end
    assert "refund_id" not in body["data"]["auto_refund"]


def _refund_fact(refund, status):
    return RefundFact(status=status, key=refund.gateway_key, amount=refund.amount, gateway_refund_id="rf_1")


@pytest.mark.parametrize(("end", "word"), [("success", "SUCCESS"), ("failed", "CANCELLED"), ("cancelled", "CANCELLED")])
def test_the_end_of_a_refund_is_told_to_endpoints_alone(order, endpoint, end, word):
    payment = _pay(order)
    Delivery.objects.all().delete()
    refund = reserve_refund(payment.pk, NewRefund(Money(10_050, "INR"), refund_id="r_1"), at=clock.now())
    assert _told() == []
    apply_refund_fact(refund, _refund_fact(refund, end), cause="test", at=clock.now())
    assert _told() == [(REFUND, OTHER)]
    told = json.loads(Delivery.objects.get().body)["data"]["refund"]
    assert (told["refund_status"], told["refund_amount"], told["refund_id"]) == (word, 100.5, "r_1")


def test_held_money_and_moves_of_orders_are_told_to_nobody(order, endpoint):
    order.manual_capture = True
    order.status = "pending"
    order.save()
    _apply("", "authorized", order)
    assert _told() == []


@pytest.mark.parametrize("columns", [{"kinds": [REFUND]}, {"mode": "live"}, {"disabled_at": clock.now()}])
def test_an_endpoint_that_did_not_choose_the_event_is_not_told(shop, order, columns):
    _endpoint(shop[0], **columns)
    _pay(order)
    assert _told() == [(SUCCESS, HOOK)]


def test_another_merchants_endpoint_is_not_told(order):
    _endpoint(make_merchant_with_key()[0])
    _pay(order)
    assert _told() == [(SUCCESS, HOOK)]


def test_without_any_address_nothing_is_queued(shop):
    _pay(OrderFactory(merchant=shop[0]))
    assert _told() == []


def test_where_there_is_no_address_paying_asks_nothing_about_webhooks(shop):
    order = OrderFactory(merchant=shop[0])
    with CaptureQueriesContext(connection) as statements:
        _pay(order)
    asked = [s["sql"] for s in statements if 'FROM "payments_order"' not in s["sql"]]
    assert not [sql for sql in asked if "payments_endpoint" in sql or "payments_delivery" in sql]


def test_event_and_delivery_live_and_die_in_one_transaction(order):
    before = Event.objects.count()
    order.status = "pending"
    order.save()
    with transaction.atomic():
        _apply("", "success", order)
        assert Delivery.objects.exists()
        transaction.set_rollback(True)
    assert (Event.objects.count(), Delivery.objects.count()) == (before, 0)


# --- the body ---


def test_the_body_is_the_wires(order):
    payment = _pay(order)
    payment.refresh_from_db()
    raw = Delivery.objects.get().body
    body = json.loads(raw)
    assert set(body) == {"data", "event_time", "type", "till"}
    assert body["type"] == SUCCESS
    event = Event.objects.get(kind="payment.success")
    assert body["till"] == {"sequence": event.sequence, "order_id": order.order_id, "event": "payment.success"}
    data = body["data"]
    assert set(data) == {
        "order", "payment", "customer_details", "error_details", "payment_gateway_details", "payment_offers",
    }  # fmt: skip
    assert data["order"] == {
        "order_id": order.order_id, "order_amount": 299.99, "order_currency": "INR", "order_tags": {"name": "Zoë ₹"},
    }  # fmt: skip
    assert '"order_amount":299.99,' in raw
    assert "Zoë ₹" in raw
    assert data["payment"]["payment_status"] == "SUCCESS"
    assert data["payment"]["payment_amount"] == 299.99
    assert data["payment"]["cf_payment_id"] == payment.uid
    assert set(data["payment"]["payment_method"]) == {"card"}
    assert data["payment"]["payment_method"]["card"]["card_number"] == "XXXXXXXXXXXX4242"
    assert data["customer_details"]["customer_id"] == f"cust_{order.customer_id:08d}"
    assert data["error_details"] is None
    assert data["payment_gateway_details"]["gateway_name"] == "simulator"


def test_a_customer_goes_by_the_merchants_own_reference(order):
    type(order.customer).objects.update(reference="cust-7")
    _pay(order)
    assert json.loads(Delivery.objects.get().body)["data"]["customer_details"]["customer_id"] == "cust-7"


def test_a_decline_says_why(order):
    _pay(order, DECLINED)
    data = json.loads(Delivery.objects.get().body)["data"]
    assert data["payment"]["payment_status"] == "FAILED"
    assert data["error_details"]["error_reason"] == "card_declined"


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (100, "JPY", "100.0"),
        (1, "INR", "0.01"),
        (1_234, "KWD", "1.234"),
        (999_999_999_999_999, "INR", "9999999999999.99"),
    ],
)
def test_amounts_are_numbers_that_keep_every_digit(shop, minor, currency, text):
    order = OrderFactory(merchant=shop[0], notify_url=HOOK, amount_minor=minor, currency=currency)
    _pay(order)
    assert f'"order_amount":{text},' in Delivery.objects.get().body


# --- signatures ---


def test_both_schemes_verify_with_their_own_tools(order, shop, answers):
    _pay(order)
    sent = answers()
    _run()
    url, body, headers = sent[0]
    assert url == HOOK
    assert Webhook(signatures.standard_secret(shop[1])).verify(body, headers)["type"] == SUCCESS
    # As the wire's clients do it: the time, then the raw text, nothing between.
    message = bytes(headers["x-webhook-timestamp"] + body.decode(), "utf-8")
    mac = hmac.new(bytes(shop[1], "utf-8"), message, digestmod=hashlib.sha256).digest()
    assert headers["x-webhook-signature"] == str(base64.b64encode(mac), encoding="utf8")
    assert headers["x-webhook-timestamp"][:10] == headers["webhook-timestamp"]
    assert headers["x-webhook-attempt"] == "1"
    assert headers["x-idempotency-key"] == headers["webhook-id"] == Delivery.objects.get().uid


def test_while_two_keys_live_both_sign_and_a_revoked_one_does_not(order, shop, answers):
    merchant, old = shop
    new = issue_key(merchant, mode=Mode.TEST, at=clock.now())
    _pay(order)
    sent = answers()
    _run()
    _, body, headers = sent[0]
    assert len(headers["webhook-signature"].split()) == 2
    for secret in (old, new.client_secret):
        assert Webhook(signatures.standard_secret(secret)).verify(body, headers)
    assert headers["x-webhook-signature"] == signatures.wire(body, headers["x-webhook-timestamp"], new.client_secret)
    revoke_key(merchant.api_keys.exclude(pk=new.key.pk).get(), at=clock.now())
    _pay(OrderFactory(merchant=merchant, notify_url=HOOK))
    _run()
    assert len(sent[1][2]["webhook-signature"].split()) == 1


def test_without_a_key_nothing_is_sent_and_the_log_says_why(order, shop, answers):
    _pay(order)
    revoke_key(shop[0].api_keys.get(), at=clock.now())
    sent = answers()
    _run()
    assert (sent, Delivery.objects.get().status) == ([], "abandoned")
    assert "no live API key" in DeliveryTry.objects.get().error


def test_the_python_of_the_docs_verifies_and_refuses(order, shop, answers):
    text = (Path(__file__).resolve().parents[2] / "docs/webhooks.md").read_text(encoding="utf-8")
    told = {}
    exec(text.partition("```python")[2].partition("```")[0], told)  # noqa: S102  (our own page)
    _pay(order)
    sent = answers()
    _run()
    _, body, headers = sent[0]
    assert told["is_ours"](body, headers, shop[1])
    assert not told["is_ours"](body + b" ", headers, shop[1])
    assert not told["is_ours"](body, headers, "other")
    assert not told["is_ours"](body, {**headers, "webhook-timestamp": "1"}, shop[1])


# --- tries ---


@pytest.fixture
def delivery(order, answers):
    _pay(order)
    return Delivery.objects.get()


def _try(delivery, *, after=timedelta()):
    delivery.refresh_from_db()
    with clock.shifted(after):
        assert deliver(delivery.pk, at=max(clock.now(), delivery.due_at))
        now = clock.now()
    delivery.refresh_from_db()
    return (delivery.due_at - now).total_seconds() if delivery.due_at else None


def test_taken_is_over(delivery, answers):
    answers(Answer(204, b"", ""))
    assert _try(delivery) is None
    assert (delivery.status, delivery.tries) == ("delivered", 1)
    assert delivery.completed_at
    assert not deliver(delivery.pk, at=clock.now())


def test_ten_tries_on_the_schedule_with_the_same_id_and_bytes_then_no_more(delivery, answers):
    sent = answers(Answer(500, b"no", ""))
    for wait in SCHEDULE:
        seconds = wait.total_seconds()
        assert 0.9 * seconds - 1 <= _try(delivery) <= 1.1 * seconds
    assert _try(delivery) is None
    assert (delivery.status, delivery.tries) == ("abandoned", 10)
    assert {(url, body, headers["webhook-id"]) for url, body, headers in sent} == {
        (HOOK, delivery.body.encode(), delivery.uid)
    }
    assert [headers["x-webhook-attempt"] for _, _, headers in sent] == [str(n) for n in range(1, 11)]
    assert list(delivery.log.order_by("number").values_list("number", "status")) == [(n, 500) for n in range(1, 11)]


def test_waits_are_spread(delivery):
    waits = {deliveries._wait(2, None, at=clock.now()) for _ in range(20)}
    assert len(waits) == 20


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 404, 500, 199])
def test_anything_but_2xx_is_a_failure(delivery, answers, status):
    answers(Answer(status, b"", "3600"))
    assert _try(delivery) < 6


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_retry_after_in_seconds_or_as_a_date_is_respected_and_capped(delivery, answers, status):
    date = format_datetime(clock.now() + timedelta(hours=2), usegmt=status % 2 == 0)
    answers(Answer(status, b"", "3600"), Answer(status, b"", date), Answer(status, b"", "99999999"))
    assert 3_595 < _try(delivery) <= 3_600
    assert 7_190 < _try(delivery) <= 7_200
    assert 86_395 < _try(delivery) <= 86_400


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-5",
        "soon",
        "1e9",
        "９",
        "Thu, 99 Foo 2026",
        "0",
        "Thu, 01 Jan 1970 00:00:00 GMT",
        "Mon, 20 Nov 99999999999999999999 19:12:08 +0000",
        "Mon, 20 Nov 2026 19:12:08 +9999999999999",
    ],
)
def test_an_odd_retry_after_changes_nothing(delivery, answers, text):
    answers(Answer(503, b"", text))
    assert 4 < _try(delivery) < 6


def test_the_log_keeps_the_first_kilobyte_of_the_answer_as_text(delivery, answers):
    answers(Answer(500, b"\x00\xff<script>" + b"x" * 5_000, ""))
    _try(delivery)
    kept = delivery.log.get().answer
    assert kept.startswith("�<script>xxx")
    assert len(kept) <= 1_024


def test_a_blocked_address_is_not_tried_again(delivery, answers):
    answers(Blocked("it leads into a private or local network"))
    assert _try(delivery) is None
    assert delivery.status == "abandoned"
    assert delivery.log.get().error.startswith("blocked:")


def test_an_address_that_became_private_is_blocked_at_send_in_live_mode_even_where_private_is_allowed(
    order, settings, monkeypatch
):
    settings.WEBHOOK_ALLOW_PRIVATE = True
    _pay(order)
    Delivery.objects.update(url="https://127.0.0.1/", mode="live")
    issue_key(order.merchant, mode=Mode.LIVE, at=clock.now())
    _run()
    assert Delivery.objects.get().status == "abandoned"
    assert DeliveryTry.objects.get().error.startswith("blocked:")


def test_a_time_out_parks_the_origin_and_a_refused_connection_does_not(delivery, answers, shop):
    answers(Unanswered("the connection failed"))
    _try(delivery)
    assert not ParkedOrigin.objects.exists()
    answers(Unanswered("it did not answer in time", is_late=True))
    _try(delivery)
    assert ParkedOrigin.objects.get().origin == "https://shop.example.com"
    _pay(OrderFactory(merchant=shop[0], notify_url=HOOK))
    _pay(OrderFactory(merchant=shop[0], notify_url=OTHER))
    answers(Answer(200, b"", ""))
    assert _run() == 1
    assert _run(minutes=2) == 1


def test_of_one_origin_two_at_a_time_are_due_and_its_queue_hides_nobody(shop, order):
    _pay(order)
    first = Delivery.objects.get()
    event = first.event
    rows = [
        Delivery(uid=f"m{n}", event=event, endpoint=_endpoint(shop[0], f"{OTHER}{n}"), merchant=shop[0], mode="test",
                 url=OTHER, origin="https://other.example.com", body="{}", made_at=event.at,
                 due_at=event.at - timedelta(hours=1))
        for n in range(30)
    ]  # fmt: skip
    Delivery.objects.bulk_create(rows)
    due = [pk for name, pk in due_jobs(at=clock.now(), at_most=5) if name == "delivery"]
    assert len(due) == 3
    assert due[-1] == first.pk
    Delivery.objects.filter(pk=due[0]).update(leased_until=clock.now() + timedelta(seconds=30))
    assert len([pk for name, pk in due_jobs(at=clock.now()) if name == "delivery"]) == 2


def test_what_is_begun_while_a_round_looks_counts_for_its_origin(shop):
    at = clock.now()
    rows = [
        Delivery(uid=f"m{n}", event=None, merchant=shop[0], mode="test", url=OTHER, origin=OTHER, body="{}", made_at=at,
                 due_at=at - timedelta(seconds=9 - n))
        for n in range(4)
    ]  # fmt: skip
    Delivery.objects.bulk_create(rows)
    begun = []

    def begin(execute, sql, *more):
        """Let the first two be claimed, by the threads of the round before, after the first look at deliveries."""
        result = execute(sql, *more)
        if not begun and 'FROM "payments_delivery"' in sql:
            begun.append(sql)
            Delivery.objects.filter(uid__in=["m0", "m1"]).update(leased_until=at + timedelta(seconds=30))
        return result

    with connection.execute_wrapper(begin):
        due = [pk for name, pk in due_jobs(at=at) if name == "delivery"]
    assert begun
    assert not Delivery.objects.filter(uid__in=["m2", "m3"], pk__in=due).exists()


def test_a_merchant_whose_orders_name_many_origins_leaves_senders_to_the_others(shop, order):
    _pay(order)
    told = Delivery.objects.get()
    other, *_ = make_merchant_with_key()
    rows = [
        Delivery(uid=f"m{n}", event=None, merchant=other, mode="test", url=OTHER, origin=f"https://h{n}.example.com",
                 body="{}", made_at=told.made_at, due_at=told.due_at - timedelta(hours=1))
        for n in range(30)
    ]  # fmt: skip
    Delivery.objects.bulk_create(rows)
    due = [pk for name, pk in due_jobs(at=clock.now()) if name == "delivery"]
    assert len(due) == AT_ONCE_PER_MERCHANT + 1 <= SENDERS
    assert due[-1] == told.pk
    Delivery.objects.filter(pk__in=due[:-1]).update(leased_until=clock.now() + timedelta(seconds=30))
    assert [pk for name, pk in due_jobs(at=clock.now()) if name == "delivery"] == [told.pk]


def test_a_round_never_reads_what_waits_for_a_later_try(delivery):
    with CaptureQueriesContext(connection) as asked:
        assert ("delivery", delivery.pk) in due_jobs(at=clock.now())
    reads = [query["sql"] for query in asked if 'FROM "payments_delivery"' in query["sql"] and "'due'" in query["sql"]]
    reads = [sql for sql in reads if "completed_at" not in sql]
    assert len(reads) == 2
    assert all('"due_at" <= ' in sql for sql in reads)


def test_a_leased_delivery_is_left_alone_till_its_lease_ends(delivery):
    at = clock.now()
    Delivery.objects.update(leased_until=at + timedelta(seconds=1))
    assert not deliver(delivery.pk, at=at)
    assert deliver(delivery.pk, at=at + timedelta(seconds=1))


# --- endpoints ---


@pytest.fixture
def to_endpoint(shop, endpoint, answers):
    _pay(OrderFactory(merchant=shop[0]))
    return Delivery.objects.get()


def test_410_switches_the_endpoint_off_and_ends_what_is_due(to_endpoint, endpoint, shop, answers):
    _pay(OrderFactory(merchant=shop[0]))
    answers(Answer(410, b"", ""))
    _try(to_endpoint)
    endpoint.refresh_from_db()
    assert "410" in endpoint.disabled_reason
    assert set(Delivery.objects.values_list("status", flat=True)) == {"abandoned"}
    assert {name for name, _ in due_jobs(at=clock.now())} == {"endpoint_notice", "customer_mail"}
    _pay(OrderFactory(merchant=shop[0]))
    assert Delivery.objects.count() == 2


def test_410_at_an_orders_own_address_ends_that_delivery_alone(delivery, answers, endpoint):
    answers(Answer(410, b"", ""))
    _try(delivery)
    endpoint.refresh_from_db()
    assert (delivery.status, endpoint.disabled_at) == ("abandoned", None)


def test_five_days_of_nothing_but_failures_switch_it_off_and_one_success_clears_the_slate(
    to_endpoint, endpoint, answers
):
    def age(days):
        Endpoint.objects.update(failing_since=clock.now() - timedelta(days=days))

    answers(Answer(500, b"", ""), Answer(500, b"", ""), Answer(200, b"", ""))
    _try(to_endpoint)
    endpoint.refresh_from_db()
    assert endpoint.failing_since
    age(4.9)
    _try(to_endpoint)
    _try(to_endpoint)
    endpoint.refresh_from_db()
    assert (endpoint.failing_since, endpoint.disabled_at) == (None, None)
    Delivery.objects.update(status="due", due_at=clock.now(), completed_at=None)
    answers(Answer(500, b"", ""))
    age(5.1)
    _try(to_endpoint)
    endpoint.refresh_from_db()
    assert "five days" in endpoint.disabled_reason
    assert to_endpoint.status == "abandoned"


def test_what_was_under_way_when_its_endpoint_went_may_still_arrive(to_endpoint, endpoint, answers):
    lease = clock.now() + timedelta(seconds=30)
    Delivery.objects.update(leased_until=lease)
    switch_off(endpoint.pk, "Staff switched it off.", at=clock.now())
    to_endpoint.refresh_from_db()
    assert to_endpoint.status == "due"
    sent = answers()
    assert deliver(to_endpoint.pk, at=lease)
    to_endpoint.refresh_from_db()
    assert (to_endpoint.status, sent) == ("abandoned", [])


@pytest.mark.parametrize(("status", "end"), [(200, "delivered"), (500, "abandoned")])
def test_an_endpoint_that_goes_amid_a_try_waits_for_no_other(to_endpoint, endpoint, monkeypatch, status, end):
    def post(*_, **__):
        switch_off(endpoint.pk, "Staff switched it off.", at=clock.now())
        return Answer(status, b"", "")

    monkeypatch.setattr(outgoing, "post", post)
    assert deliver(to_endpoint.pk, at=clock.now())
    to_endpoint.refresh_from_db()
    assert (to_endpoint.status, to_endpoint.tries) == (end, 1)


@pytest.mark.parametrize(("kind", "told"), [("late", AUTO), ("surplus", AUTO), ("normal", REFUND)])
def test_money_that_did_not_pay_the_order_goes_back_by_one_name_whoever_sends_it(kind, told):
    """After a failed automatic refund people try again: the merchant never heard of that payment otherwise."""
    refund = Refund(payment=Payment(capture_kind=kind), is_automatic=False)
    assert webhooks.kind_of(Event(kind="refund.success", new="success", refund=refund)) == told
