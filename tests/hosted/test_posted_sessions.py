"""The page for shops that post the session, and the script shops load: open to every origin, and to nothing else."""

import pytest
from django.core.cache import cache
from django.test import Client

from checkout.middleware import PAGE_CSP
from payments import clock
from payments.services.payments import terminate_order
from tests.hosted.customer import text_of

pytestmark = pytest.mark.django_db
POSTED = "/pg/view/sessions/checkout"
FROM_A_SHOP = {"origin": "https://shop.example.com", "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}


@pytest.fixture(autouse=True)
def _fresh_counts():
    cache.clear()


def post(session_id, client=None, **more):
    fields = {"payment_session_id": session_id, **more}
    return (client or Client(enforce_csrf_checks=True)).post(POSTED, fields, headers=FROM_A_SHOP)


def test_a_posted_session_leads_to_its_page_without_a_cookie(order):
    answer = post(order.session_id)
    assert (answer.status_code, answer["Location"]) == (303, f"/checkout/{order.session_id}")
    assert not answer.cookies
    assert answer["Cache-Control"] == "no-store"


def test_what_else_a_form_brings_is_ignored(order):
    answer = post(order.session_id, platform="web", return_url="https://evil.example", next="https://evil.example")
    assert (answer.status_code, answer["Location"]) == (303, f"/checkout/{order.session_id}")


def test_an_order_that_is_over_has_its_page_too(order):
    terminate_order(order.pk, cause="merchant", at=clock.now())
    assert post(order.session_id).status_code == 303


@pytest.mark.parametrize("session_id", ["", "nonsense", "sess_" + "x" * 32, "sess_\x00", "../admin/", "x" * 5_000])
def test_an_unknown_session_is_the_same_page_as_a_wrong_link(client, session_id):
    answer, wrong_link = post(session_id), client.get("/checkout/nonsense")
    assert answer.status_code == wrong_link.status_code == 404
    assert answer.content == wrong_link.content
    assert answer["Content-Type"].startswith("text/html")


def test_no_session_at_all_is_that_page_too(client):
    assert client.post(POSTED).status_code == 404
    assert client.post(POSTED, data='{"payment_session_id": 1}', content_type="application/json").status_code == 404


def test_an_order_id_opens_nothing(order):
    assert post(order.order_id).status_code == 404


def test_guesses_are_counted_together_with_wrong_links(client, order, frozen_minute):
    for n in range(30):
        assert client.get(f"/checkout/guess-{n}").status_code == 404
    assert post("guess").status_code == 429
    assert post(order.session_id).status_code == 303


@pytest.mark.parametrize("method", ["get", "head", "put", "options"])
def test_only_a_post_opens_it(client, method):
    answer = getattr(client, method)(POSTED)
    assert (answer.status_code, answer["Allow"]) == (405, "POST")
    assert answer["Content-Type"].startswith("text/html")
    assert not answer.cookies


def test_its_answers_are_pages_with_a_pages_headers(client, order):
    for answer in (client.get(POSTED), post("nonsense"), post(order.session_id), client.get("/pg/view/nothing")):
        assert f"script-src {PAGE_CSP['script-src']}" in answer["Content-Security-Policy"]
        assert answer["X-Frame-Options"] == "DENY"
        assert answer["Content-Type"].startswith("text/html")
    assert "open the link your shop gave you" in text_of(client.get(POSTED))


def test_its_neighbours_still_answer_in_json(client):
    assert client.get("/pg/views").json()["type"] == "invalid_request_error"


def test_a_form_that_is_too_large_is_a_page(client):
    answer = client.post(POSTED, {"payment_session_id": "x" * 70_000})
    assert answer.status_code == 400
    assert answer["Content-Type"].startswith("text/html")


# --- The script ---


def test_the_script_may_be_loaded_from_everywhere(client):
    answer = client.get("/till.js")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/javascript; charset=utf-8"
    assert answer["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert answer["Cache-Control"] == "public, max-age=300"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert not answer.cookies
    assert "Vary" not in answer or "Cookie" not in answer["Vary"]
    assert len(answer.content) < 3_000


def test_it_brings_nothing_that_a_strict_policy_stops(client):
    text = client.get("/till.js").content.decode()
    for word in ("eval(", "innerHTML", "createElement", "fetch(", "document.write", "https://", "Function("):
        assert word not in text


def test_an_unchanged_script_is_not_sent_twice(client):
    first = client.get("/till.js")
    again = client.get("/till.js", headers={"if-none-match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    for name in ("ETag", "Cache-Control", "Cross-Origin-Resource-Policy"):
        assert again[name] == first[name]
    assert client.get("/till.js", headers={"if-none-match": '"other"'}).status_code == 200


def test_the_script_is_only_read(client):
    assert client.head("/till.js").status_code == 200
    assert client.post("/till.js").status_code == 405


@pytest.mark.parametrize("path", ["/", "/checkout/nonsense", "/pg/orders", "/static/hosted/checkout.js"])
def test_nothing_else_may_be_loaded_from_other_origins(client, path):
    assert client.get(path)["Cross-Origin-Resource-Policy"] == "same-origin"
