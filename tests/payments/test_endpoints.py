"""Endpoints by people's wish, test messages, and what is sent again: same id, same bytes, and never by accident."""

import json
from datetime import timedelta

import pytest
from standardwebhooks import Webhook

from payments import clock, outgoing, signatures, webhooks
from payments.errors import BadInput, EndpointLimitReached, EndpointOff, EndpointTaken, NoLiveKey, NotFound
from payments.models import AuditEntry, Delivery, DeliveryTry, Endpoint, Event, Payment
from payments.outgoing import Answer
from payments.selectors import deliveries_of, due_jobs, tries_of
from payments.services import endpoints
from payments.services.deliveries import SCHEDULE, deliver, switch_off
from payments.services.endpoints import (
    MOST_ENDPOINTS,
    add_endpoint,
    change_endpoint,
    count_range,
    disable_endpoint,
    replay_delivery,
    replay_range,
    send_test,
)
from payments.services.merchants import revoke_key
from payments.services.payments import start_payment
from payments.states import Mode
from tests.factories import DECLINED, OrderFactory, act, card_request, make_merchant_with_key
from tests.proof import run_together

pytestmark = pytest.mark.django_db
URL, OTHER, NOTIFY = "https://shop.example.com/hook", "https://other.example.com/hook", "https://own.example.com/hook"
SUCCESS, FAILED, REFUND = "PAYMENT_SUCCESS_WEBHOOK", "PAYMENT_FAILED_WEBHOOK", "REFUND_STATUS_WEBHOOK"


@pytest.fixture
def shop():
    """A merchant whose key we know: (merchant, secret)."""
    merchant, _, secret = make_merchant_with_key()
    return merchant, secret


@pytest.fixture
def merchant(shop):
    return shop[0]


@pytest.fixture
def endpoint(merchant):
    return _add(merchant)


@pytest.fixture
def answers(monkeypatch):
    """What merchants' servers answer, one after the other, the last for ever; and what they were sent."""
    told, sent = [Answer(200, b"ok", "")], []

    def post(url, body, headers, *, allow_private):
        sent.append((url, body, headers))
        return told.pop(0) if len(told) > 1 else told[0]

    monkeypatch.setattr(outgoing, "post", post)
    return lambda *says: (told.__setitem__(slice(None), says or told), sent)[1]


def _add(merchant, url=URL, kinds=(), mode=Mode.TEST, **over):
    return add_endpoint(merchant, mode, url, kinds, at=clock.now(), **over)


def _pay(merchant, number="4242424242424242", **columns):
    order = OrderFactory(merchant=merchant, **columns)
    start_payment(order.pk, card_request(number), at=clock.now())
    return order


def _send(delivery, at=None):
    """Try it now, or when it is due if that is later."""
    delivery.refresh_from_db()
    assert deliver(delivery.pk, at=at or max(clock.now(), delivery.due_at))
    delivery.refresh_from_db()
    return delivery


def _give_up(delivery):
    Delivery.objects.filter(pk=delivery.pk).update(
        status="abandoned", due_at=None, completed_at=clock.now(), tries=10, leased_until=None
    )


def _hour():
    """A range around everything that a test makes."""
    return {"since": clock.now() - timedelta(hours=1), "until": clock.now() + timedelta(hours=1)}


def _replay(merchant, **over):
    return replay_range(merchant.pk, "test", **{**_hour(), "at": clock.now(), **over})


def _count(merchant, **over):
    return count_range(merchant.pk, "test", **{**_hour(), "at": clock.now(), "at_most": 100, **over})


# --- endpoints ---


def test_an_endpoint_gets_what_it_chose_from_the_next_event_on(merchant):
    made = _add(merchant, kinds=[REFUND, FAILED, FAILED])
    assert made.kinds == [FAILED, REFUND]
    assert made.uid.startswith("we_")
    _pay(merchant)
    assert not Delivery.objects.exists()
    change_endpoint(made.pk, [SUCCESS], at=clock.now())
    _pay(merchant)
    assert Delivery.objects.get().kind == SUCCESS


@pytest.mark.parametrize("kinds", [["PAYMENT_CHARGES_WEBHOOK"], [""], [webhooks.TEST], [1], [None], [[]]])
def test_unknown_kinds_are_refused(merchant, endpoint, kinds):
    for refused in (lambda: _add(merchant, OTHER, kinds), lambda: change_endpoint(endpoint.pk, kinds, at=clock.now())):
        with pytest.raises(BadInput) as refusal:
            refused()
        assert refusal.value.reason == "kinds_invalid"
        assert SUCCESS in refusal.value.text


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://127.0.0.1/hook", "url_not_allowed"),
        ("https://10.0.0.8/hook", "url_not_allowed"),
        ("https://169.254.169.254/latest/meta-data", "url_not_allowed"),
        ("https://[::1]/hook", "url_not_allowed"),
        ("https://2130706433/hook", "url_not_allowed"),
        ("https://localhost/hook", "url_not_allowed"),
        ("https://shop.example.com:22/hook", "url_not_allowed"),
        ("https://shop@evil.example.com/hook", "url_invalid"),
        ("gopher://shop.example.com/", "url_invalid"),
        ("https://shop.example.com/" + "a" * 250, "url_invalid"),
        ("https://shop.example.com/\nx", "url_invalid"),
        ("", "url_invalid"),
    ],
)
def test_an_address_that_we_would_not_call_is_refused_when_it_is_saved(merchant, url, reason):
    with pytest.raises(BadInput) as refusal:
        _add(merchant, url)
    assert (refusal.value.field, refusal.value.reason) == ("url", reason)
    assert not Endpoint.objects.exists()


def test_live_endpoints_need_https(merchant):
    with pytest.raises(BadInput, match="https"):
        _add(merchant, "http://shop.example.com/hook", mode=Mode.LIVE)
    assert _add(merchant, "http://shop.example.com/hook").mode == "test"


def test_one_live_endpoint_per_url_and_mode(merchant, endpoint):
    with pytest.raises(EndpointTaken):
        _add(merchant)
    _add(merchant, mode=Mode.LIVE)
    _add(make_merchant_with_key()[0])
    disable_endpoint(endpoint.pk, at=clock.now())
    assert _add(merchant).pk != endpoint.pk


def test_a_merchant_has_so_many_live_endpoints_in_a_mode_and_no_more(merchant):
    made = [_add(merchant, f"{URL}/{number}") for number in range(MOST_ENDPOINTS)]
    with pytest.raises(EndpointLimitReached, match="switch one off"):
        _add(merchant)
    _add(merchant, mode=Mode.LIVE)
    disable_endpoint(made[0].pk, at=clock.now())
    assert _add(merchant).disabled_at is None


@pytest.mark.django_db(transaction=True)
def test_two_at_once_make_one(merchant):
    at = clock.now()
    results = run_together(*[lambda: add_endpoint(merchant, "test", URL, [], at=at)] * 4)
    assert sorted(type(result).__name__ for result in results) == ["Endpoint", *["EndpointTaken"] * 3]


def test_what_staff_do_is_recorded_and_what_merchants_do_is_not(merchant, endpoint):
    at, by = clock.now(), act("asha", "The shop moved")
    change_endpoint(endpoint.pk, [SUCCESS], at=at)
    assert not AuditEntry.objects.exists()
    made = _add(merchant, OTHER, by=by)
    change_endpoint(made.pk, [SUCCESS], at=at, by=by)
    change_endpoint(made.pk, [SUCCESS], at=at, by=by)
    test = send_test(made.pk, at=at, by=by)
    disable_endpoint(made.pk, at=at, by=by)
    disable_endpoint(made.pk, at=at, by=by)
    told = ["endpoint.add", "endpoint.change", "endpoint.test", "endpoint.disable"]
    assert list(AuditEntry.objects.order_by("pk").values_list("act", flat=True)) == told
    assert set(AuditEntry.objects.values_list("object_type", "object_id", "reason", "actor__username")) == {
        ("endpoint", made.uid, "The shop moved", "asha")
    }
    assert AuditEntry.objects.get(act="endpoint.change").details["moves"] == {"kinds": [[], [SUCCESS]]}
    assert AuditEntry.objects.get(act="endpoint.test").details["message"] == test.uid


def test_without_a_reason_staff_change_nothing(merchant, endpoint):
    by = act(reason=" ")
    _pay(merchant)
    delivery = Delivery.objects.get()
    _give_up(delivery)
    before = list(Endpoint.objects.values()), list(Delivery.objects.values())
    for deed in (
        lambda: _add(merchant, OTHER, by=by),
        lambda: change_endpoint(endpoint.pk, [SUCCESS], at=clock.now(), by=by),
        lambda: disable_endpoint(endpoint.pk, at=clock.now(), by=by),
        lambda: send_test(endpoint.pk, at=clock.now(), by=by),
        lambda: replay_delivery(delivery.pk, at=clock.now(), by=by),
        lambda: _replay(merchant, by=by),
    ):
        with pytest.raises(BadInput, match="reason"):
            deed()
    assert (list(Endpoint.objects.values()), list(Delivery.objects.values())) == before


def test_switching_off_ends_what_waits_and_asks_for_no_notice(merchant, endpoint):
    _pay(merchant)
    off = disable_endpoint(endpoint.pk, at=clock.now())
    assert (off.disabled_reason, off.notice_due_at) == ("The merchant switched it off.", None)
    assert Delivery.objects.get().status == "abandoned"
    by_staff = disable_endpoint(_add(merchant, OTHER).pk, at=clock.now(), by=act())
    assert by_staff.disabled_reason == "Staff switched it off."


def test_an_endpoint_that_falls_by_itself_asks_for_a_notice(merchant, endpoint, answers):
    answers(Answer(410, b"", ""))
    _pay(merchant)
    _send(Delivery.objects.get())
    endpoint.refresh_from_db()
    assert endpoint.notice_due_at == endpoint.disabled_at is not None
    failing = _add(merchant, OTHER)
    Endpoint.objects.filter(pk=failing.pk).update(failing_since=clock.now() - timedelta(days=5, minutes=1))
    answers(Answer(500, b"", ""))
    _pay(merchant)
    _send(Delivery.objects.get(endpoint=failing))
    failing.refresh_from_db()
    assert failing.notice_due_at == failing.disabled_at is not None


def test_a_switched_off_endpoint_is_neither_changed_nor_tested(endpoint):
    disable_endpoint(endpoint.pk, at=clock.now())
    with pytest.raises(EndpointOff):
        change_endpoint(endpoint.pk, [SUCCESS], at=clock.now())
    with pytest.raises(EndpointOff):
        send_test(endpoint.pk, at=clock.now())
    assert not Delivery.objects.exists()


def test_rows_that_are_not_there_are_refused_by_name(db):
    for deed in (
        lambda: change_endpoint(9, [], at=clock.now()),
        lambda: disable_endpoint(9, at=clock.now()),
        lambda: send_test(9, at=clock.now()),
        lambda: replay_delivery(9, at=clock.now()),
    ):
        with pytest.raises(NotFound):
            deed()


# --- test messages ---


def test_a_test_message_is_signed_and_sent_like_all_others(merchant, shop, answers):
    endpoint = _add(merchant, kinds=[REFUND])
    delivery = send_test(endpoint.pk, at=clock.now())
    sent = answers()
    _send(delivery)
    ((url, body, headers),) = sent
    assert url == URL
    told = Webhook(signatures.standard_secret(shop[1])).verify(body, headers)
    assert set(told) == {"data", "event_time", "type", "till"}
    assert (told["type"], told["data"]["test"]) == ("TEST_WEBHOOK", True)
    assert told["till"] == {"sequence": 0, "order_id": None, "event": "test"}
    assert headers["webhook-id"] == delivery.uid
    assert (delivery.status, delivery.event, delivery.log.get().status) == ("delivered", None, 200)


@pytest.mark.parametrize("status", [200, 410, 500])
def test_how_a_test_goes_says_nothing_about_the_endpoint(endpoint, answers, status):
    since = clock.now() - timedelta(days=6)
    Endpoint.objects.update(failing_since=since)
    answers(Answer(status, b"", ""))
    _send(send_test(endpoint.pk, at=clock.now()))
    endpoint.refresh_from_db()
    assert (endpoint.failing_since, endpoint.disabled_at) == (since, None)


def test_without_a_key_no_test_is_queued(merchant, endpoint):
    revoke_key(merchant.api_keys.get(), at=clock.now())
    with pytest.raises(NoLiveKey, match="make one first"):
        send_test(endpoint.pk, at=clock.now())
    assert not Delivery.objects.exists()


# --- times ---


def test_times_carry_indias_offset(merchant, endpoint):
    _pay(merchant)
    told = json.loads(Delivery.objects.get().body)
    at = Event.objects.get(kind="payment.success").at
    assert told["event_time"].endswith("+05:30")
    assert told["data"]["payment"]["payment_time"].endswith("+05:30")
    assert told["event_time"] == (at + timedelta(hours=5, minutes=30)).strftime("%Y-%m-%dT%H:%M:%S+05:30")


# --- one again ---


def test_a_replay_has_the_same_id_and_bytes_and_ten_tries_of_its_own(merchant, endpoint, answers):
    _pay(merchant)
    delivery = Delivery.objects.get()
    sent = answers(Answer(500, b"", ""))
    for _ in range(len(SCHEDULE) + 1):
        _send(delivery)
    assert (delivery.status, delivery.tries) == ("abandoned", 10)
    again = replay_delivery(delivery.pk, at=clock.now())
    assert (again.status, again.tries_before, again.completed_at) == ("due", 10, None)
    _send(delivery)
    assert 4 < (delivery.due_at - clock.now()).total_seconds() < 6
    for _ in range(len(SCHEDULE)):
        _send(delivery)
    assert (delivery.status, delivery.tries) == ("abandoned", 20)
    assert len({(body, headers["webhook-id"]) for _, body, headers in sent}) == 1
    assert [headers["x-webhook-attempt"] for _, _, headers in sent] == [str(n) for n in range(1, 21)]
    assert list(tries_of(delivery).values_list("number", flat=True)) == list(range(20, 0, -1))


def test_a_delivered_one_is_sent_again_and_a_second_wish_changes_nothing(merchant, endpoint, answers):
    _pay(merchant)
    sent = answers()
    delivery = _send(Delivery.objects.get())
    at = clock.now()
    for _ in range(2):
        again = replay_delivery(delivery.pk, at=at, by=act(reason="They lost it"))
        assert (again.status, again.due_at, again.tries_before) == ("due", at, 1)
    entry = AuditEntry.objects.get()
    assert (entry.act, entry.object_id, entry.order) == ("delivery.replay", delivery.uid, delivery.event.order)
    _send(delivery)
    assert (delivery.status, len(sent), DeliveryTry.objects.count()) == ("delivered", 2, 2)


def test_one_that_waits_is_brought_forward_and_one_under_way_is_left_alone(merchant, endpoint, answers):
    _pay(merchant)
    answers(Answer(500, b"", ""))
    delivery = _send(_send(Delivery.objects.get()))
    at = clock.now()
    assert delivery.due_at > at + timedelta(minutes=4)
    Delivery.objects.update(leased_until=at + timedelta(seconds=30))
    assert replay_delivery(delivery.pk, at=at).due_at == delivery.due_at
    Delivery.objects.update(leased_until=None)
    again = replay_delivery(delivery.pk, at=at)
    assert (again.due_at, again.tries, again.tries_before) == (at, 2, 0)


def test_a_replay_that_could_not_arrive_is_refused(merchant, endpoint):
    _pay(merchant, notify_url=NOTIFY)
    for delivery in Delivery.objects.all():
        _give_up(delivery)
    switch_off(endpoint.pk, "Gone.", at=clock.now())
    with pytest.raises(EndpointOff, match="Add it again"):
        replay_delivery(Delivery.objects.get(endpoint=endpoint).pk, at=clock.now())
    own = Delivery.objects.get(endpoint=None)
    assert replay_delivery(own.pk, at=clock.now()).status == "due"
    _give_up(own)
    revoke_key(merchant.api_keys.get(), at=clock.now())
    with pytest.raises(NoLiveKey):
        replay_delivery(own.pk, at=clock.now())
    assert set(Delivery.objects.values_list("status", flat=True)) == {"abandoned"}


# --- a range again ---


@pytest.fixture
def many(merchant, endpoint, answers):
    """One delivered, one given up, one that failed and waits, one not tried yet; and a stranger's given up."""
    stranger = make_merchant_with_key()[0]
    _add(stranger)
    for whose in (merchant, merchant, merchant, merchant, stranger):
        _pay(whose)
    rows = list(Delivery.objects.order_by("pk"))
    _send(rows[0])
    answers(Answer(500, b"", ""))
    _send(_send(rows[2]))
    for row in (rows[1], rows[4]):
        _give_up(row)
    return dict(zip(("delivered", "abandoned", "waiting", "fresh", "foreign"), rows, strict=True))


def _due(rows):
    """Which of them are due now."""
    now = set(Delivery.objects.filter(status="due", due_at__lte=clock.now()).values_list("pk", flat=True))
    return {name for name, row in rows.items() if row.pk in now}


def test_only_failed_means_given_up_or_failed_so_far(merchant, many):
    assert _count(merchant) == 2
    assert _replay(merchant) == 2
    assert _due(many) == {"abandoned", "waiting", "fresh"}
    assert (_count(merchant), _replay(merchant)) == (0, 0)
    replayed = Delivery.objects.get(pk=many["abandoned"].pk)
    assert (replayed.tries, replayed.tries_before, replayed.uid) == (10, 10, many["abandoned"].uid)


def test_without_that_everything_is_sent_and_a_call_that_was_stopped_goes_on_where_it_was(merchant, many, answers):
    at = clock.now()
    assert _count(merchant, only_failed=False) == 3
    assert _replay(merchant, only_failed=False, at=at) == 3
    assert _due(many) == {"delivered", "abandoned", "waiting", "fresh"}
    answers(Answer(200, b"", ""))
    _send(many["delivered"], at=clock.now())
    assert _replay(merchant, only_failed=False, at=at) == 0


def test_a_range_holds_its_first_moment_and_not_its_last(merchant, many):
    made = many["abandoned"].made_at
    assert _count(merchant, since=made, until=made) == 0
    assert _count(merchant, since=made, until=made + timedelta(microseconds=1)) == 1
    assert _replay(merchant, since=made - timedelta(hours=1), until=made) == 0
    assert _replay(merchant, since=made, until=made + timedelta(microseconds=1)) == 1


def test_a_long_range_goes_page_by_page(merchant, many, monkeypatch):
    monkeypatch.setattr(endpoints, "PAGE", 2)
    moment = many["delivered"].made_at
    Delivery.objects.update(made_at=moment)  # pages end between rows of one moment too
    assert _count(merchant, only_failed=False, at_most=2) == 3
    assert _count(merchant, only_failed=False, at_most=0) < 3
    assert _replay(merchant, only_failed=False) == 3
    assert _due(many) == {"delivered", "abandoned", "waiting", "fresh"}


def test_a_range_leaves_out_test_messages_and_switched_off_endpoints(merchant, endpoint, answers):
    _send(send_test(endpoint.pk, at=clock.now()))
    other = _add(merchant, OTHER)
    _pay(merchant, notify_url=NOTIFY)
    for row in Delivery.objects.exclude(event=None):
        _give_up(row)
    disable_endpoint(other.pk, at=clock.now())
    assert _replay(merchant, only_failed=False) == 2
    assert set(Delivery.objects.filter(status="due").values_list("url", flat=True)) == {URL, NOTIFY}


def test_a_range_of_one_endpoint_leaves_the_others_alone(merchant, endpoint):
    _add(merchant, OTHER)
    _pay(merchant, notify_url=NOTIFY)
    for row in Delivery.objects.all():
        _give_up(row)
    assert _replay(merchant, endpoint=endpoint) == 1
    assert Delivery.objects.get(status="due").url == URL


def test_a_new_endpoint_is_told_what_it_chose_of_what_it_missed(merchant, answers):
    _pay(merchant, DECLINED)
    _pay(merchant)
    stranger = make_merchant_with_key()[0]
    _pay(stranger)
    late = _add(merchant, kinds=[SUCCESS])
    assert _replay(merchant, endpoint=late) == 0
    assert _count(merchant, endpoint=late, only_failed=False) == 1
    at = clock.now()
    assert _replay(merchant, endpoint=late, only_failed=False, at=at) == 1
    made = Delivery.objects.get()
    assert (made.kind, made.due_at, made.made_at) == (SUCCESS, at, made.event.at)
    assert json.loads(made.body) == json.loads(webhooks.body_of(made.event, SUCCESS, order=made.event.order))
    assert _replay(merchant, endpoint=late, only_failed=False, at=at) == 0
    late = change_endpoint(late.pk, [], at=clock.now())
    assert _replay(merchant, endpoint=late, only_failed=False, at=at) == 1
    assert _send(Delivery.objects.latest("pk")).status == "delivered"


def test_a_body_made_anew_tells_of_its_own_move_and_not_of_todays_state(merchant, endpoint):
    _pay(merchant, DECLINED)
    old = json.loads(Delivery.objects.get().body)
    Delivery.objects.all().delete()
    Payment.objects.update(
        status="success",
        captured_minor=29_999,
        capture_kind="normal",
        error_code="",
        completed_at=clock.now(),
        inquire_at=None,
    )
    assert _replay(merchant, endpoint=endpoint, only_failed=False) == 1
    new = json.loads(Delivery.objects.get().body)
    assert new["type"] == old["type"] == FAILED
    assert new["data"]["payment"]["payment_status"] == "FAILED"
    assert new["till"] == old["till"]


@pytest.mark.django_db(transaction=True)
def test_the_same_range_twice_at_once_tells_everything_once(merchant):
    for _ in range(3):
        _pay(merchant)
    late, span, at = _add(merchant), _hour(), clock.now()

    def again():
        return replay_range(merchant.pk, "test", endpoint=late, only_failed=False, at=at, **span)

    assert all(isinstance(result, int) for result in run_together(*[again] * 3))
    assert Delivery.objects.filter(endpoint=late, status="due").count() == 3
    assert len([name for name, _ in due_jobs(at=clock.now()) if name == "delivery"]) == 2


def test_a_range_that_could_not_arrive_is_refused(merchant, endpoint):
    foreign = _add(make_merchant_with_key()[0])
    with pytest.raises(NotFound):
        _replay(merchant, endpoint=foreign)
    with pytest.raises(NotFound):
        _replay(merchant, endpoint=_add(merchant, mode=Mode.LIVE))
    disable_endpoint(endpoint.pk, at=clock.now())
    endpoint.refresh_from_db()
    with pytest.raises(EndpointOff):
        _replay(merchant, endpoint=endpoint)
    revoke_key(merchant.api_keys.get(), at=clock.now())
    with pytest.raises(NoLiveKey):
        _replay(merchant)


def test_a_range_by_staff_is_one_act(merchant, endpoint, many):
    _replay(merchant, endpoint=endpoint, by=act("asha", "Their server was down"))
    entry = AuditEntry.objects.get()
    assert (entry.act, entry.object_type, entry.object_id) == ("delivery.replay_range", "merchant", str(merchant.pk))
    assert entry.details["endpoint"] == endpoint.uid
    assert entry.details["only_failed"] is True


# --- reading ---


def test_webhooks_are_read_newest_first_and_by_what_they_are(merchant, endpoint, many):
    rows = list(deliveries_of(merchant.pk, "test"))
    assert [row.pk for row in rows] == sorted((row.pk for row in rows), reverse=True)
    assert len(rows) == 4
    assert not list(deliveries_of(merchant.pk, "live"))
    assert [row.pk for row in deliveries_of(merchant.pk, "test", below=rows[1].pk)] == [row.pk for row in rows[2:]]
    assert [row.pk for row in deliveries_of(merchant.pk, "test", status="abandoned")] == [many["abandoned"].pk]
    order_id = many["fresh"].event.order.order_id
    assert [row.pk for row in deliveries_of(merchant.pk, "test", order_id=order_id)] == [many["fresh"].pk]
    assert len(deliveries_of(merchant.pk, "test", endpoint=endpoint, kind=SUCCESS)) == 4
    assert not deliveries_of(merchant.pk, "test", kind=REFUND)
