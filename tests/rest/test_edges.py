"""Whatever is wrong with a request, the answer is the wire's JSON and nothing changed."""

import base64
import json

import pytest
from django.db import OperationalError
from django.test import Client

from payments import clock
from payments.models import Order
from payments.services.merchants import revoke_key
from tests.rest.conftest import LEAST, refused


def test_no_key_is_told_how_to_send_one(caller):
    answer = caller.http.get("/pg/orders/any")
    told = refused(answer, 401, "request_failed", "x-client-id")
    assert told["type"] == "authentication_error"
    assert answer["www-authenticate"].startswith("Basic")


@pytest.mark.parametrize("secret", ["wrong", "ä", "\x7f"])
def test_a_wrong_secret_is_refused(caller, secret):
    headers = {"x-client-secret": secret}
    refused(caller("GET", "/orders/any", headers=headers), 401, "request_failed", "authentication_failed")


def test_a_revoked_key_is_refused(merchant_and_caller):
    merchant, caller = merchant_and_caller
    revoke_key(merchant.api_keys.get(), at=clock.now())
    refused(caller("GET", "/orders/any"), 401, "request_failed", "key_revoked")


def test_http_basic_is_taken(caller):
    order = caller.order()
    pair = base64.b64encode(":".join(list(caller.headers.values())[:2]).encode()).decode()
    answer = caller.http.get(f"/pg/orders/{order.order_id}", headers={"authorization": f"Basic {pair}"})
    assert answer.status_code == 200


def test_too_many_wrong_keys_have_to_wait(caller, frozen_minute):
    for _ in range(20):
        caller("GET", "/orders/any", headers={"x-client-secret": "wrong"})
    answer = caller("GET", "/orders/any", headers={"x-client-secret": "wrong"})
    told = refused(answer, 429, "request_failed")
    assert told["type"] == "rate_limit_error"
    assert answer["retry-after"] == answer["x-ratelimit-retry"] == "60"


@pytest.mark.parametrize(
    ("raw", "word"),
    [
        ("{", "invalid_json"),
        ("[]", "invalid_json"),
        ('{"order_amount": NaN}', "invalid_json"),
        ('{"order_amount": 1e9999999999999999999}', "too large"),
        ('{"order_amount": 1e-9999999999999999999}', "too small"),
        ('{"order_amount": 1, "order_amount": 999}', "duplicate_key"),
        ('{"order_note": "\\ud800"}', "surrogate"),
        ("{}trailing", "invalid_json"),
        ("\ufeff{}", "invalid_json"),
        ('{"a":' * 50 + "1" + "}" * 50, "invalid_json"),
    ],
)
def test_a_body_that_is_no_json_object(caller, raw, word):
    refused(caller("POST", "/orders", raw=raw), 400, "request_failed", word)
    assert not Order.objects.exists()


def test_no_body_at_all(caller):
    refused(caller("POST", "/orders"), 400, "request_missing", "required")


def test_another_content_type(caller):
    raw = json.dumps(LEAST)
    refused(caller("POST", "/orders", raw=raw, content_type="text/plain"), 415, "request_failed", "application/json")
    assert not Order.objects.exists()


def test_a_body_in_chunks(caller):
    answer = caller.http.post(
        "/pg/orders", headers={**caller.headers, "transfer-encoding": "chunked"}, content_type="application/json",
        CONTENT_LENGTH="",
    )  # fmt: skip
    refused(answer, 411, "request_failed", "content-length")


def test_a_body_that_is_too_large(caller):
    raw = json.dumps({**LEAST, "order_note": "x" * 70_000})
    refused(caller("POST", "/orders", raw=raw), 413, "request_failed", "65536")


@pytest.mark.parametrize("path", ["/", "/nothing", "/orders/a/b/c", "/orders/", "//orders", "/orders/a%2Fb"])
def test_an_unknown_address(caller, path):
    refused(caller("GET", path), 404, "request_failed", "/pg/docs")


@pytest.mark.parametrize("verb", ["GET", "HEAD", "POST", "PATCH"])
@pytest.mark.parametrize("path", ["/pg", "/pg/"])
def test_the_base_address_itself(path, verb):
    answer = Client(enforce_csrf_checks=True).generic(verb, path)
    assert (answer.status_code, answer["content-type"]) == (404, "application/json")


@pytest.mark.parametrize("path", ["/pg/docs", "/pg/openapi.json"])
def test_the_reference_is_only_read(path):
    answer = Client(enforce_csrf_checks=True).post(path)
    refused(answer, 405, "request_failed", "method")


def test_an_unknown_host(caller):
    refused(caller("GET", "/orders/any", headers={"host": "evil.example"}), 400, "request_failed", "host")


@pytest.mark.parametrize(
    ("verb", "path"),
    [("GET", "/orders"), ("DELETE", "/orders/x"), ("POST", "/orders/x"), ("PUT", "/orders"), ("GET", "/settlements")],
)
def test_a_wrong_method(caller, verb, path):
    answer = caller(verb, path)
    refused(answer, 405, "request_failed", "method")
    assert answer["allow"]


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("GET", "/orders/x/extended"),
        ("PUT", "/orders/x/extended"),
        ("POST", "/orders/settlements"),
        ("POST", "/orders/sessions/authorize"),
        ("POST", "/simulate/settlement"),
    ],
)
def test_what_is_left_out_is_refused_by_name(caller, verb, path):
    refused(caller(verb, path, {}), 404, "not_supported", "not_supported")


def test_a_fault_of_ours_tells_nothing_of_us(caller, monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("secret detail")

    monkeypatch.setattr("checkout.rest.orders.create_order", broken)
    caller.http.raise_request_exception = False
    told = refused(caller.create(), 500, "internal_error")
    assert told["type"] == "api_error"
    assert "secret detail" not in told["message"]


def test_a_database_that_is_away(caller, monkeypatch):
    def away(*_, **__):
        raise OperationalError("no route")

    monkeypatch.setattr("checkout.rest.orders.create_order", away)
    answer = caller.create()
    refused(answer, 503, "internal_error")
    assert answer["retry-after"]


def test_plain_http_is_refused_where_we_are_https(caller, settings):
    settings.HTTPS = True
    refused(caller.create(), 403, "request_failed", "https_required", "replace the key")
    assert not Order.objects.exists()


def test_the_callers_version_and_request_id_come_back(caller):
    answer = caller.create(headers={"x-api-version": "2022-09-01", "x-request-id": "shop-42-abc"})
    assert (answer["x-api-version"], answer["x-request-id"]) == ("2022-09-01", "shop-42-abc")
    assert "x-api-version" not in caller.create(headers={"x-api-version": "nonsense\t"})


def test_answers_are_never_cached_or_framed(caller):
    answer = caller.create()
    assert answer["cache-control"] == "no-store"
    assert answer["x-content-type-options"] == "nosniff"
    assert answer["content-type"] == "application/json"
    assert "set-cookie" not in answer


# --- Settlements ---


def test_an_order_that_is_not_settled(caller, stranger):
    order = caller.order()
    refused(caller("GET", f"/orders/{order.order_id}/settlements"), 404, "settlement_not_found")
    refused(stranger("GET", f"/orders/{order.order_id}/settlements"), 404, "order_not_found")


@pytest.mark.parametrize("path", ["/settlements", "/settlement/recon", "/recon"])
def test_a_page_of_nothing(caller, path):
    span = {"start_date": "2026-01-01T00:00:00Z", "end_date": "2026-12-31T00:00:00Z"}
    told = caller("POST", path, {"pagination": {"limit": 10}, "filters": span})
    assert (told.status_code, told.json()) == (200, {"cursor": None, "limit": 10, "data": []})


@pytest.mark.parametrize("limit", [0, -1, 100_000, "10", True, 1.5])
def test_an_odd_limit(caller, limit):
    body = {"pagination": {"limit": limit}}
    refused(caller("POST", "/settlements", body), 400, "pagination.limit_invalid", "limit")


def test_a_cursor_we_never_gave(caller):
    body = {"pagination": {"limit": 10, "cursor": "eyJ4Ijo5fQ"}}
    refused(caller("POST", "/settlements", body), 400, "pagination.cursor_invalid")


def test_both_dates_of_recon(caller):
    body = {"pagination": {"limit": 10}, "filters": {"start_date": "2026-01-01T00:00:00Z"}}
    refused(caller("POST", "/recon", body), 400, "filters.end_date_missing")
    refused(caller("POST", "/recon", {"pagination": {"limit": 10}}), 400, "filters.start_date_missing")


@pytest.mark.parametrize("path", ["/settlements", "/settlement/recon", "/recon"])
@pytest.mark.parametrize("word", ["yesterday", "2026-13-01T00:00:00Z", "2026-01-01T00:00:00", "\x00"])
def test_a_date_that_is_none(caller, path, word):
    body = {"pagination": {"limit": 10}, "filters": {"start_date": "2026-01-01T00:00:00Z", "end_date": word}}
    refused(caller("POST", path, body), 400, "filters.end_date_invalid", "RFC 3339")
