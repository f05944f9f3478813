"""Endpoints in the admin: with addresses we would call, tried out, changed and switched off, each with a reason."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User

from payments import clock
from payments.models import AuditEntry, Delivery, Endpoint
from payments.services.deliveries import FAILED_FOR_DAYS, SAID_GONE, switch_off
from payments.services.endpoints import MOST_ENDPOINTS, add_endpoint, send_test
from payments.services.merchants import revoke_key
from payments.webhooks import KINDS
from tests.staff import ADMIN
from tests.staff.conftest import make_staff, signed_in
from tests.staff.deeds import WHY, acts, buttons, confirm, do, fill_in, page_of, problems, token_of

ENDPOINTS = f"{ADMIN}/endpoint/"
URL = "https://shop.example.com/hook"
SUCCESS, REFUND = "PAYMENT_SUCCESS_WEBHOOK", "REFUND_STATUS_WEBHOOK"
pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(merchant_with_key):
    return merchant_with_key[0]


@pytest.fixture
def endpoint(shop):
    return add_endpoint(shop, "test", URL, [REFUND], at=clock.now())


def _add(client, shop, **over):
    typed = {"merchant": shop.pk, "mode": "test", "url": URL, "reason": WHY}
    return client.post(f"{ENDPOINTS}add/", typed | over)


def _list(client, query=""):
    return client.get(f"{ENDPOINTS}?{query}").content.decode()


def test_an_endpoint_is_added_with_its_kinds_and_a_reason(chief, shop):
    answer = _add(chief, shop, **{SUCCESS: "on", REFUND: "on"})
    made = Endpoint.objects.get()
    assert answer["Location"] == page_of(made)
    assert (made.merchant, made.mode, made.url, made.kinds) == (shop, "test", URL, [SUCCESS, REFUND])
    assert acts() == [("endpoint.add", "chief", WHY)]
    page = chief.get(page_of(made)).content.decode()
    assert "an endpoint has no secret of its own" in page
    assert f"{SUCCESS}, {REFUND}" in page


def test_no_tick_means_all_kinds(chief, shop):
    _add(chief, shop)
    made = Endpoint.objects.get()
    assert made.kinds == []
    assert "all" in chief.get(page_of(made)).content.decode()


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"url": "https://127.0.0.1/hook"}, "We cannot call this address"),
        ({"url": "https://169.254.169.254/latest"}, "We cannot call this address"),
        ({"url": "https://10.1.2.3/hook"}, "We cannot call this address"),
        ({"url": "https://shop.example.com:22/"}, "We cannot call this address"),
        ({"url": "https://me@shop.example.com/"}, "Write an absolute address"),
        ({"url": "javascript:alert(1)"}, "Write an absolute address"),
        ({"url": ""}, "required"),
        ({"url": "http://shop.example.com/", "mode": "live"}, "Live orders need https"),
        ({"mode": "both"}, "valid choice"),
        ({"merchant": 999}, "valid choice"),
        ({"reason": ""}, "required"),
        ({"reason": "4242 4242 4242 4242"}, "card number"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(chief, shop, typed, words):
    answer = _add(chief, shop, **typed)
    assert answer.status_code == 400
    assert words in problems(answer)
    assert not Endpoint.objects.exists()
    assert not AuditEntry.objects.exists()


def test_a_form_sent_twice_makes_one_endpoint_and_says_so(chief, shop):
    _add(chief, shop)
    again = _add(chief, shop)
    assert "has a test endpoint at this URL" in problems(again)
    assert Endpoint.objects.count() == 1


def test_too_many_endpoints_are_refused(chief, shop):
    for number in range(MOST_ENDPOINTS):
        add_endpoint(shop, "test", f"{URL}/{number}", [], at=clock.now())
    assert "switch one off first" in problems(_add(chief, shop))
    assert Endpoint.objects.count() == MOST_ENDPOINTS


def test_the_form_names_the_merchant_whose_page_led_here(chief, shop):
    page = chief.get(page_of(shop)).content.decode()
    assert f'{ENDPOINTS}add/?merchant={shop.pk}"' in page
    assert f'{ENDPOINTS}?merchant__id__exact={shop.pk}"' in page
    assert f'{ADMIN}/delivery/?merchant__id__exact={shop.pk}"' in page
    form = chief.get(f"{ENDPOINTS}add/?merchant={shop.pk}").content.decode()
    assert f'<option value="{shop.pk}" selected>' in form
    assert chief.get(f"{ENDPOINTS}add/?merchant=x").status_code == 200


def test_kinds_are_changed_after_a_page_that_repeats_them(chief, endpoint):
    asked = fill_in(chief, endpoint, "kinds", **{SUCCESS: "on"})
    assert f"From now on it gets: {SUCCESS}." in asked.content.decode()
    confirm(chief, endpoint, "kinds", token_of(asked))
    endpoint.refresh_from_db()
    assert endpoint.kinds == [SUCCESS]
    assert acts() == [("endpoint.change", "chief", WHY)]
    entry = chief.get(page_of(AuditEntry.objects.get())).content.decode()
    assert f"{REFUND} → {SUCCESS}" in entry
    assert page_of(endpoint) in entry


def test_the_form_shows_the_kinds_that_are_chosen(chief, endpoint):
    page = chief.get(f"{ENDPOINTS}{endpoint.pk}/kinds/").content.decode()
    ticked = re.findall(r'<input type="checkbox" name="([A-Z_]+)"[^>]* checked', page)
    assert ticked == [REFUND]
    assert len(re.findall(r'<input type="checkbox" name="[A-Z_]+"', page)) == len(KINDS)


def test_kinds_that_changed_meanwhile_are_asked_about_again(chief, endpoint):
    token = token_of(fill_in(chief, endpoint, "kinds", **{SUCCESS: "on"}))
    Endpoint.objects.update(kinds=[])
    answer = confirm(chief, endpoint, "kinds", token)
    assert answer.status_code == 400
    assert "It gets: all." in problems(answer)
    endpoint.refresh_from_db()
    assert endpoint.kinds == []


def test_switching_off_says_what_is_given_up_and_keeps_the_reason_for_those_who_may_read_it(chief, endpoint):
    for _ in range(2):
        send_test(endpoint.pk, at=clock.now())
    asked = fill_in(chief, endpoint, "off")
    assert "given up: 2." in asked.content.decode()
    confirm(chief, endpoint, "off", token_of(asked))
    endpoint.refresh_from_db()
    assert endpoint.disabled_reason == "Staff switched it off."
    assert set(Delivery.objects.values_list("status", flat=True)) == {"abandoned"}
    assert buttons(chief, endpoint) == []
    assert f"chief: {WHY}" in chief.get(page_of(endpoint)).content.decode()
    helper = signed_in(make_staff("helper", "view_endpoint"))
    page = helper.get(page_of(endpoint)).content.decode()
    assert "Staff switched it off." in page
    assert WHY not in page


def test_a_test_message_is_queued_once_however_often_the_page_is_sent(chief, endpoint):
    token = token_of(fill_in(chief, endpoint, "test"))
    confirm(chief, endpoint, "test", token)
    confirm(chief, endpoint, "test", token)
    delivery = Delivery.objects.get()
    assert (delivery.kind, delivery.event, delivery.endpoint) == ("TEST_WEBHOOK", None, endpoint)
    page = chief.get(page_of(endpoint)).content.decode()
    assert page_of(delivery) in page
    assert "is due" in do(chief, endpoint, "test")
    assert Delivery.objects.count() == 2


def test_without_a_key_to_sign_with_nothing_can_be_tried_out(chief, shop, endpoint):
    revoke_key(shop.api_keys.get(), at=clock.now())
    assert buttons(chief, endpoint) == ["kinds", "off"]
    assert "no active test key" in chief.get(f"{ENDPOINTS}{endpoint.pk}/test/").content.decode()


def test_buttons_are_those_of_a_persons_rights(endpoint):
    support = signed_in(make_staff("support", "view_endpoint", "view_delivery", "change_delivery"))
    viewer = signed_in(make_staff("looker", "view_endpoint"))
    assert buttons(support, endpoint) == ["test"]
    assert buttons(viewer, endpoint) == []
    assert "Webhooks</h2>" not in viewer.get(page_of(endpoint)).content.decode()
    assert signed_in(make_staff("sender", "change_delivery")).get(f"{ENDPOINTS}{endpoint.pk}/test/").status_code == 403


def test_what_fell_by_itself_stands_above_the_list_until_it_is_added_again(chief, shop, endpoint):
    assert "Switched off by themselves" not in _list(chief)
    at = clock.now()
    switch_off(endpoint.pk, SAID_GONE, at=at, notice_due_at=at)
    old = add_endpoint(shop, "test", f"{URL}/old", [], at=at)
    switch_off(old.pk, FAILED_FOR_DAYS, at=at - timedelta(days=15))
    wished = add_endpoint(shop, "test", f"{URL}/wished", [], at=at)
    switch_off(wished.pk, "Staff switched it off.", at=at)
    banner = _list(chief).partition("Switched off by themselves")[2].partition("</ul>")[0]
    assert "410 Gone" in banner
    assert page_of(endpoint) in banner
    assert "/old" not in banner
    assert "/wished" not in banner
    add_endpoint(shop, "test", URL, [], at=at)
    assert "Switched off by themselves" not in _list(chief)


def test_the_list_finds_endpoints_by_state(chief, shop, endpoint):
    at = clock.now()
    failing = add_endpoint(shop, "test", f"{URL}/failing", [], at=at)
    Endpoint.objects.filter(pk=failing.pk).update(failing_since=at)
    off = add_endpoint(shop, "test", f"{URL}/wished", [], at=at)
    switch_off(off.pk, "Staff switched it off.", at=at)
    gone = add_endpoint(shop, "test", f"{URL}/gone", [], at=at)
    switch_off(gone.pk, SAID_GONE, at=at)
    found = {
        state: set(re.findall(r"endpoint/(\d+)/change", _list(chief, f"state={state}").partition("result_list")[2]))
        for state in ("live", "failing", "off", "off+by+itself", "nonsense")
    }
    by_pk = {name: str(row.pk) for name, row in {"l": endpoint, "f": failing, "o": off, "g": gone}.items()}
    assert found == {
        "live": {by_pk["l"]}, "failing": {by_pk["f"]}, "off": {by_pk["o"], by_pk["g"]}, "off+by+itself": {by_pk["g"]},
        "nonsense": set(by_pk.values()),
    }  # fmt: skip


def test_a_url_that_holds_markup_is_text(chief, shop):
    made = add_endpoint(shop, "test", "https://shop.example.com/<script>alert(1)</script>", [], at=clock.now())
    switch_off(made.pk, SAID_GONE, at=clock.now())
    for page in (_list(chief), chief.get(page_of(made)).content.decode()):
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert" in page


def test_a_get_changes_nothing(chief, endpoint):
    before = list(Endpoint.objects.values())
    for deed in ("test", "kinds", "off"):
        assert chief.get(f"{ENDPOINTS}{endpoint.pk}/{deed}/?reason=x&confirmed=yes").status_code == 200
    assert list(Endpoint.objects.values()) == before
    assert not Delivery.objects.exists()
    assert User.objects.count() == 1
