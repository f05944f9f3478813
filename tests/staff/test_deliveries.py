"""Webhooks in the admin: what was sent and what came back, one sent again, and many after a page that counts them."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from checkout.staff import deliveries as page_module
from checkout.staff import replays
from payments import clock
from payments.models import AuditEntry, Delivery, DeliveryTry
from payments.services.endpoints import add_endpoint, disable_endpoint, send_test
from payments.services.merchants import revoke_key
from payments.services.payments import start_payment
from tests.factories import DECLINED, OrderFactory, card_request, make_merchant_with_key
from tests.settling import close, pay_out, sell, settle
from tests.staff import ADMIN
from tests.staff.conftest import make_staff, signed_in
from tests.staff.deeds import WHY, acts, buttons, confirm, do, fill_in, page_of, problems, token_of

LIST = f"{ADMIN}/delivery/"
URL, NOTIFY = "https://shop.example.com/hook", "https://own.example.com/hook"
XSS = "<script>alert(1)</script>"
pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(merchant_with_key):
    return merchant_with_key[0]


@pytest.fixture
def endpoint(shop):
    return add_endpoint(shop, "test", URL, [], at=clock.now())


def _pay(shop, number="4242424242424242", **columns):
    order = OrderFactory(merchant=shop, **columns)
    start_payment(order.pk, card_request(number), at=clock.now())
    return Delivery.objects.latest("pk")


def _end(delivery, status="abandoned", tries=10):
    columns = {"status": status, "due_at": None, "completed_at": clock.now(), "tries": tries}
    Delivery.objects.filter(pk=delivery.pk).update(**columns)
    delivery.refresh_from_db()
    return delivery


@pytest.fixture
def given_up(shop, endpoint):
    return _end(_pay(shop))


def _found(client, query):
    page = client.get(f"{LIST}?{query}").content.decode()
    return {int(pk) for pk in re.findall(r"delivery/(\d+)/change", page.partition("result_list")[2])}


# --- looking ---


def test_a_page_tells_every_try_and_the_exact_body(chief, given_up):
    told = {"delivery": given_up, "at": clock.now(), "duration_ms": 35}
    DeliveryTry.objects.create(**told, number=1, error="it did not answer in time")
    DeliveryTry.objects.create(**told, number=2, status=500, answer=f"{XSS} oh no")
    page = chief.get(page_of(given_up)).content.decode()
    assert re.search(r"Try 1:\s+failed after 35 ms", page)
    assert re.search(r"Try 2:\s+answered 500 after 35 ms", page)
    assert page.index("Try 2:") < page.index("Try 1:")
    assert "it did not answer in time" in page
    assert XSS not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; oh no" in page
    assert given_up.body.replace('"', "&quot;").replace("'", "&#x27;") in page
    assert given_up.event.order.order_id in page


def test_of_many_tries_the_newest_are_shown(chief, given_up, monkeypatch):
    monkeypatch.setattr(page_module, "SHOWN_TRIES", 2)
    for number in range(1, 11):
        DeliveryTry.objects.create(delivery=given_up, number=number, at=clock.now(), duration_ms=1, status=500)
    page = chief.get(page_of(given_up)).content.decode()
    assert re.findall(r"Try (\d+):", page) == ["10", "9"]
    assert "8 older ones are left out" in page


def test_a_test_message_and_one_that_was_not_tried_have_pages_too(chief, endpoint):
    page = chief.get(page_of(send_test(endpoint.pk, at=clock.now()))).content.decode()
    assert "none: a test message" in page
    assert "Not tried yet." in page


def test_the_list_filters_and_searches(chief, shop, endpoint):
    good, bad = _end(_pay(shop), "delivered", 1), _pay(shop, DECLINED)
    test, foreign = send_test(endpoint.pk, at=clock.now()), make_merchant_with_key()[0]
    own = _pay(foreign, notify_url=NOTIFY)
    assert _found(chief, "") == {good.pk, bad.pk, test.pk, own.pk}
    assert _found(chief, "status__exact=delivered") == {good.pk}
    assert _found(chief, "kind=PAYMENT_FAILED_WEBHOOK") == {bad.pk}
    assert _found(chief, "kind=TEST_WEBHOOK") == {test.pk}
    assert _found(chief, f"merchant__id__exact={foreign.pk}") == {own.pk}
    assert _found(chief, f"endpoint={endpoint.uid}") == {good.pk, bad.pk, test.pk}
    assert _found(chief, "endpoint=none") == {own.pk}
    assert _found(chief, f"q={bad.uid}") == {bad.pk}
    assert _found(chief, f"q={good.event.order.order_id}") == {good.pk}
    assert _found(chief, "q=nothing") == set()
    assert f"endpoint={endpoint.uid}" in chief.get(f"{LIST}?merchant__id__exact={shop.pk}").content.decode()
    assert endpoint.uid not in chief.get(f"{LIST}?merchant__id__exact={foreign.pk}").content.decode()


def test_the_list_reads_no_bodies(chief, shop, endpoint):
    _pay(shop)
    with CaptureQueriesContext(connection) as statements:
        chief.get(LIST)
    asked = [s["sql"] for s in statements if '"payments_delivery"' in s["sql"]]
    assert asked
    assert not [sql for sql in asked if '"payments_delivery"."body"' in sql]


def test_many_rows_cost_no_more_statements_than_few(chief, shop, endpoint):
    def cost():
        with CaptureQueriesContext(connection) as statements:
            chief.get(LIST)
        return len(statements)

    _pay(shop)
    cost()
    few = cost()
    for _ in range(5):
        _pay(shop)
    assert cost() == few


def test_the_timeline_of_the_order_leads_to_the_webhook(chief, given_up):
    DeliveryTry.objects.create(delivery=given_up, number=1, at=clock.now(), duration_ms=9, status=200)
    assert f'href="{page_of(given_up)}"' in chief.get(page_of(given_up.event.order)).content.decode()


# --- one again ---


def test_one_is_sent_again_with_a_reason(chief, given_up):
    asked = fill_in(chief, given_up, "replay")
    assert f"is sent to {URL}, as {given_up.uid}." in asked.content.decode()
    confirm(chief, given_up, "replay", token_of(asked))
    body = given_up.body
    given_up.refresh_from_db()
    assert (given_up.status, given_up.tries_before, given_up.body) == ("due", 10, body)
    assert acts() == [("delivery.replay", "chief", WHY)]
    page = chief.get(page_of(given_up.event.order)).content.decode()
    assert "chief sent a webhook again." in page


def test_a_confirmation_sent_twice_sends_it_once(chief, given_up):
    token = token_of(fill_in(chief, given_up, "replay"))
    confirm(chief, given_up, "replay", token)
    again = confirm(chief, given_up, "replay", token)
    assert again.status_code == 302
    assert AuditEntry.objects.count() == 1


def test_what_came_meanwhile_is_said_before_it_is_sent_again(chief, given_up):
    token = token_of(fill_in(chief, given_up, "replay"))
    _end(given_up, "delivered", 11)
    answer = confirm(chief, given_up, "replay", token)
    assert answer.status_code == 400
    assert "It is delivered after 11 tries now." in problems(answer)
    given_up.refresh_from_db()
    assert given_up.status == "delivered"


def test_why_it_cannot_be_sent_again_now(chief, shop, endpoint, given_up):
    def refusal():
        assert buttons(chief, given_up) == []
        return chief.get(f"{LIST}{given_up.pk}/replay/").content.decode()

    do(chief, given_up, "replay")
    assert "It waits to be sent already" in refusal()
    Delivery.objects.update(leased_until=clock.now() + timedelta(minutes=1))
    assert "It is being sent right now" in refusal()
    _end(given_up)
    revoke_key(shop.api_keys.get(), at=clock.now())
    assert "no active test key" in refusal()
    disable_endpoint(endpoint.pk, at=clock.now())
    assert "Its endpoint is switched off" in refusal()
    answer = chief.post(f"{LIST}{given_up.pk}/replay/", {"reason": WHY})
    assert answer.status_code == 302
    given_up.refresh_from_db()
    assert given_up.status == "abandoned"


def test_one_that_waits_can_be_tried_now(chief, given_up):
    later = clock.now() + timedelta(hours=5)
    Delivery.objects.update(status="due", due_at=later, completed_at=None, tries=3)
    assert "made at once instead" in chief.get(f"{LIST}{given_up.pk}/replay/").content.decode()
    do(chief, given_up, "replay")
    given_up.refresh_from_db()
    assert given_up.due_at < later
    assert given_up.tries_before == 0


# --- a range again ---


def _ask(client, shop, **over):
    at = clock.now()
    typed = {
        "mode": "test", "endpoint": "", "since": f"{at - timedelta(hours=1):%Y-%m-%dT%H:%M}",
        "until": f"{at + timedelta(hours=1):%Y-%m-%dT%H:%M}", "only_failed": "on",
    }  # fmt: skip
    return fill_in(client, shop, "replay", **(typed | over))


def test_a_range_is_sent_again_after_a_page_that_says_how_many(chief, shop, endpoint):
    failed, taken = [_end(_pay(shop)) for _ in range(2)], _end(_pay(shop), "delivered", 1)
    asked = _ask(chief, shop)
    page = asked.content.decode()
    assert "2 webhooks made from" in page
    assert 'value="Send 2 webhooks again"' in page
    assert Delivery.objects.filter(status="due").count() == 0
    answer = confirm(chief, shop, "replay", token_of(asked))
    assert answer["Location"] == page_of(shop)
    assert set(Delivery.objects.filter(status="due")) == set(failed)
    assert acts() == [("delivery.replay_range", "chief", WHY)]
    taken.refresh_from_db()
    assert taken.status == "delivered"
    page = chief.get(page_of(AuditEntry.objects.get())).content.decode()
    assert page_of(shop) in page


def test_everything_of_one_endpoint_is_what_it_was_never_told_too(chief, shop, endpoint):
    _end(_pay(shop), "delivered", 1)
    late = add_endpoint(shop, "test", f"{URL}/late", [], at=clock.now())
    asked = _ask(chief, shop, endpoint=late.pk, only_failed="")
    page = asked.content.decode()
    assert 'value="Send 1 webhook again"' in page
    assert "get a new webhook-id" in page
    confirm(chief, shop, "replay", token_of(asked))
    assert Delivery.objects.get(status="due").endpoint == late


def test_a_range_confirmed_twice_is_sent_once(chief, shop, endpoint):
    delivery = _end(_pay(shop), "delivered", 1)
    token = token_of(_ask(chief, shop, only_failed=""))
    confirm(chief, shop, "replay", token)
    _end(delivery, "delivered", 2)
    again = confirm(chief, shop, "replay", token)
    assert again.status_code == 400
    delivery.refresh_from_db()
    assert delivery.status == "delivered"
    assert AuditEntry.objects.count() == 1


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"since": "2027-01-02T10:00", "until": "2027-01-02T10:00"}, "Write a time after the first one"),
        ({"since": "2026-01-02T10:00", "until": "2026-02-03T10:00"}, "31 days later at most"),
        ({"since": "yesterday"}, "valid date/time"),
        ({"since": "2026-01-02T10:00", "until": "2026-01-03T10:00"}, "nothing to send again"),
        ({"mode": "live"}, "nothing to send again"),
        ({"mode": "both"}, "valid choice"),
        ({"endpoint": "999"}, "valid choice"),
        ({"endpoint": "x"}, "valid choice"),
        ({"reason": " "}, "required"),
    ],
)
def test_a_range_that_makes_no_sense_is_refused_at_its_field(chief, shop, given_up, typed, words):
    answer = _ask(chief, shop, **typed)
    assert answer.status_code == 400
    assert words in problems(answer)
    given_up.refresh_from_db()
    assert given_up.status == "abandoned"


def test_a_range_of_too_many_is_refused(chief, shop, given_up, monkeypatch):
    _end(_pay(shop))
    monkeypatch.setattr(replays, "AT_ONCE", 1)
    assert "choose a shorter time" in problems(_ask(chief, shop))


def test_an_endpoint_of_the_other_mode_or_another_merchant_cannot_be_chosen(chief, shop, given_up):
    live = add_endpoint(shop, "live", URL, [], at=clock.now())
    foreign = add_endpoint(make_merchant_with_key()[0], "test", URL, [], at=clock.now())
    assert "choose that mode" in problems(_ask(chief, shop, endpoint=live.pk))
    assert "valid choice" in problems(_ask(chief, shop, endpoint=foreign.pk))


def test_without_a_key_to_sign_with_no_range_is_sent(chief, shop, given_up):
    revoke_key(shop.api_keys.get(), at=clock.now())
    assert "no active API key" in chief.get(f"{ADMIN}/merchant/{shop.pk}/replay/").content.decode()
    assert f"/merchant/{shop.pk}/replay/" not in chief.get(page_of(shop)).content.decode()


def test_who_may_only_look_finds_no_button(given_up):
    viewer = signed_in(make_staff("looker", "view_delivery", "view_merchant", "view_endpoint"))
    assert buttons(viewer, given_up) == []
    assert "replay" not in viewer.get(page_of(given_up.merchant)).content.decode()
    assert viewer.post(f"{LIST}{given_up.pk}/replay/", {"reason": WHY}).status_code == 403
    assert _ask(viewer, given_up.merchant).status_code == 403


# --- Settlements ---


def test_a_settlements_webhook_is_shown_found_and_sent_again(chief, shop, endpoint):
    sell(shop)
    settlement = close(settle(shop))
    pay_out(settlement)
    row = _end(Delivery.objects.get(kind="SETTLEMENT_SUCCESS"))

    page = chief.get(page_of(row)).content.decode()
    assert settlement.uid in page
    assert "settlement.paid_out" in page
    assert "a test message" not in page
    of_it = {Delivery.objects.get(kind="SETTLEMENT_INITIATED").pk, row.pk}
    assert _found(chief, f"q={settlement.uid}") == _found(chief, f"q={settlement.uid}&mode=test") == of_it
    assert settlement.uid in chief.get(LIST).content.decode()
    assert settlement.uid in chief.get(page_of(endpoint)).content.decode()
    do(chief, row, "replay")
    row.refresh_from_db()
    assert row.status == "due"
    assert AuditEntry.objects.get(act="delivery.replay").order is None
