"""What gateways told us: readable, and in nobody's hand."""

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from checkout.staff.payments import without_token
from payments import clock
from payments.services.payments import start_payment
from tests.factories import CHALLENGED, OrderFactory, PaymentFactory, card_request
from tests.staff import ADMIN
from tests.staff.conftest import make_gateway_event, make_staff, signed_in

EVENTS = f"{ADMIN}/gatewayevent/"
XSS = "<script>alert(1)</script>"


def _page(client, row):
    return client.get(f"{ADMIN}/{row._meta.model_name}/{row.pk}/change/").content.decode()


def _listed(client, query=""):
    return [row.pk for row in client.get(f"{EVENTS}?{query}").context["cl"].result_list]


def test_a_body_is_laid_out_to_be_read(viewer, paid):
    event = make_gateway_event(paid, body='{"id":"evt_9","payment":{"amount_minor":29999,"name":"आशा"}}')
    page = _page(viewer, event)
    assert (
        "  &quot;payment&quot;: {\n    &quot;amount_minor&quot;: 29999,\n    &quot;name&quot;: &quot;आशा&quot;" in page
    )
    assert "{&quot;id&quot;:&quot;evt_9&quot;," in page  # and as it came
    assert f'<a href="{ADMIN}/payment/{paid.pk}/change/">{paid.uid}</a>' in page


@pytest.mark.parametrize(
    "body",
    [
        "",
        "no JSON",
        "{",
        "[" * 30_000,
        '{"n": ' + "9" * 5_000 + "}",
        '{"name": "\\ud800"}',
        '{"n": 1e999, "x": NaN}',
        "\ufffd",
    ],
)
@pytest.mark.django_db
def test_a_body_of_any_kind_is_shown(viewer, body):
    event = make_gateway_event(body=body)
    answer = viewer.get(f"{EVENTS}{event.pk}/change/")
    assert answer.status_code == 200
    assert body.replace('"', "&quot;") in answer.content.decode()


@pytest.mark.django_db
def test_numbers_can_be_read_as_they_came(viewer):
    """Laying out a body reads its numbers; the kept text shows them to the last digit."""
    event = make_gateway_event(body='{"amount": 299.10}')
    assert "299.10" in _page(viewer, event)


@pytest.mark.parametrize("body", [XSS, json.dumps({XSS: XSS}), json.dumps("</pre>" + XSS)])
@pytest.mark.django_db
def test_what_gateways_write_is_escaped(chief, body):
    payment = PaymentFactory()
    event = make_gateway_event(payment, body=body, kind=XSS, event_id=XSS)
    for page in (_page(chief, event), chief.get(EVENTS).content.decode(), _page(chief, payment)):
        assert XSS not in page
        assert "&lt;script&gt;" in page


@pytest.mark.django_db
def test_events_that_fit_no_payment_have_a_filter(viewer, paid):
    stray, fitting = make_gateway_event(), make_gateway_event(paid)
    assert _listed(viewer, "fits=none") == [stray.pk]
    assert _listed(viewer, "fits=one") == [fitting.pk]
    assert _listed(viewer) == [fitting.pk, stray.pk]
    assert "fits no payment of ours" in _page(viewer, stray)
    assert "fits none" in viewer.get(EVENTS).content.decode()


@pytest.mark.django_db
def test_an_event_names_the_account_it_came_for(chief, paid):
    event = make_gateway_event(paid, account=paid.account)
    link = f'<a href="{ADMIN}/gatewayaccount/{paid.account_id}/change/">{paid.account}</a>'
    assert link in _page(chief, event)
    assert link not in _page(chief, make_gateway_event(paid))


@pytest.mark.django_db
def test_events_are_found_by_their_own_id_or_their_payments(viewer, paid):
    make_gateway_event()
    event = make_gateway_event(paid, event_id="evt_77")
    for query in ("q=evt_77", f"q={paid.uid}", f"payment__id__exact={paid.pk}"):
        assert _listed(viewer, query) == [event.pk]
    assert _listed(viewer, "q=evt_7") == []
    assert len(_listed(viewer, "q=")) == 2


@pytest.mark.parametrize("by_payment", [True, False])
def test_a_search_walks_through_no_table(viewer, paid, by_payment):
    event = make_gateway_event(paid)
    with CaptureQueriesContext(connection) as seen:
        assert _listed(viewer, f"q={paid.uid if by_payment else event.event_id}") == [event.pk]
    searches = [query["sql"] for query in seen if '"event_id" =' in query["sql"]]
    assert searches
    if connection.vendor == "sqlite":  # PostgreSQL rightly scans a table of one row
        with connection.cursor() as cursor:
            for sql in searches:
                cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
                assert not [step for *_, step in cursor.fetchall() if step.startswith("SCAN payments_")]


@pytest.mark.django_db
def test_events_filter_by_gateway(viewer):
    own, other = make_gateway_event(), make_gateway_event(gateway="elsewhere")
    assert _listed(viewer, "gateway=simulator") == [own.pk]
    assert _listed(viewer, "gateway=elsewhere") == [other.pk]


def test_newest_come_first_whatever_their_clocks_say(viewer, now, db):
    first = make_gateway_event(received_at=now)
    second = make_gateway_event(received_at=now - timedelta(hours=1))
    assert _listed(viewer) == [second.pk, first.pk]


def test_a_list_reads_no_bodies(chief, django_assert_max_num_queries, db):
    make_gateway_event(PaymentFactory(), body='{"long": "text"}')
    with django_assert_max_num_queries(20) as seen:
        assert chief.get(EVENTS).status_code == 200
    assert not [query["sql"] for query in seen.captured_queries if '"body"' in query["sql"]]


@pytest.mark.parametrize("permission", ["add", "change", "delete"])
def test_no_permission_makes_an_event_editable(permission, paid):
    event = make_gateway_event(paid)
    client = signed_in(make_staff("clerk", "view_gatewayevent", f"{permission}_gatewayevent"))
    assert client.get(f"{EVENTS}{event.pk}/change/").status_code == 200
    assert client.get(f"{EVENTS}add/").status_code == 403
    for path in (f"{EVENTS}add/", f"{EVENTS}{event.pk}/change/", f"{EVENTS}{event.pk}/delete/"):
        assert client.post(path, {"body": "{}", "kind": "x", "post": "yes"}).status_code == 403
    before = event.body
    event.refresh_from_db()
    assert event.body == before


def test_a_payment_shows_its_newest_events_and_where_the_rest_is(viewer, paid):
    make_gateway_event(PaymentFactory(), event_id="somebody_elses")
    events = [make_gateway_event(paid) for _ in range(21)]
    page = _page(viewer, paid)
    shown = [page.find(f">{event.event_id}</a>") for event in reversed(events)]
    assert shown[-1] == -1
    assert shown[:-1] == sorted(shown[:-1])
    assert -1 not in shown[:-1]
    assert f"{EVENTS}?q={paid.uid}" in page
    assert "somebody_elses" not in page


def test_a_payment_without_events_says_so(viewer, payment):
    page = _page(viewer, payment)
    assert "has told us anything of it" in page
    assert f"{EVENTS}?q=" not in page


def test_a_payments_events_are_for_those_who_may_see_events(paid):
    event = make_gateway_event(paid)
    client = signed_in(make_staff("clerk", "view_payment"))
    page = _page(client, paid)
    assert event.event_id not in page
    assert "Gateway events" not in page


def test_the_next_action_is_named_without_its_signed_address(chief, order):
    payment = start_payment(order.pk, card_request(CHALLENGED), at=clock.now())
    url = payment.next_action["url"]
    page = _page(chief, payment)
    assert url not in page
    assert url.rpartition("/")[2] not in page
    assert "challenge" in page
    assert "http://testserver/simulator/…" in page


@pytest.mark.parametrize(
    "action",
    [
        {"type": "post", "url": "https://bank.example/acs/s3cret", "fields": {"token": "s3cret"}},
        {"type": "code", "link": "upi://pay?pa=kite@bank&tr=s3cret"},
        {"type": "challenge", "prompt": "s3cret", "url": ""},
    ],
)
@pytest.mark.django_db
def test_neither_fields_nor_codes_are_shown(chief, action):
    payment = PaymentFactory(next_action=action)
    page = _page(chief, payment)
    assert "s3cret" not in page
    assert action["type"] in page


def test_an_action_nobody_can_take_any_more_says_so(chief, db):
    payment = PaymentFactory(failed=True, next_action={"type": "redirect", "url": "https://bank.example/pay/x1"})
    assert "no longer: the attempt is not pending" in _page(chief, payment)
    assert "no longer" not in _page(chief, PaymentFactory(order=OrderFactory(status="pending")))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://127.0.0.1:8000/simulator/17.aBc-dEf", "http://127.0.0.1:8000/simulator/…"),
        ("https://rzp.example/abcdefg", "https://rzp.example/…"),
        ("https://bank.example/A1b2/otp", "https://bank.example/…"),
        ("https://user:pass@bank.example/acs/x?t=1#f", "https://bank.example/acs/…"),
        ("upi://pay?pa=kite@bank", "upi://pay/…"),
        ("https://[broken", "…"),
        ("https://bank.example:port/x", "…"),
        ("s3cret", ""),
        ("", ""),
    ],
)
def test_an_address_is_cut_before_any_token(url, shown):
    assert without_token(url) == shown
