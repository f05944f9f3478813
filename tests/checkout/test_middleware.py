"""What every answer carries, whatever it is; and the rules of transport."""

import base64
import os
import subprocess
import sys
from unittest import mock

import pytest
from django.core.exceptions import SuspiciousOperation
from django.db import OperationalError
from django.test import Client

from checkout.middleware import API_CSP, PAGE_CSP, client_address
from tests.hosted.customer import text_of

pytestmark = pytest.mark.django_db

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
SERVICE = "/payment.v1.PaymentService"
PATHS = [
    "/", "/checkout/nonsense", "/simulator", "/checkout/style/ink-0123456789.css", "/shop", "/shop/orders",
    "/admin/", "/admin/login/", "/nowhere", "/pg/orders", f"{SERVICE}/CreateOrder", f"{SERVICE}/Nothing", "/csp-report",
    "/healthz", "/readyz", "/static/nothing.css",
]  # fmt: skip


def carries_headers(response):
    assert {name: response.headers.get(name) for name in HEADERS} == HEADERS
    assert "default-src 'none'" in response["Content-Security-Policy"]
    assert "unsafe" not in response["Content-Security-Policy"]
    assert "payment=(self)" in response["Permissions-Policy"]
    assert "Cache-Control" in response
    assert response["x-request-id"]
    assert "Access-Control-Allow-Origin" not in response
    return True


@pytest.mark.parametrize("method", ["get", "post", "head", "options", "put"])
@pytest.mark.parametrize("path", PATHS)
def test_every_answer_carries_the_security_headers(client, path, method):
    assert carries_headers(getattr(client, method)(path))


def test_a_404_and_a_bad_host_carry_them_too(client, settings):
    settings.ALLOWED_HOSTS = ["pay.example.com"]
    response = client.get("/", headers={"host": "evil.example"})
    assert response.status_code == 400
    assert carries_headers(response)


def broken(fault):
    return mock.patch("checkout.hosted.views.find_order_by_session", side_effect=fault)


SESSION = "/checkout/sess_" + "x" * 32


def test_a_fault_of_ours_is_a_page_that_claims_nothing_about_money():
    client = Client(raise_request_exception=False)
    with broken(RuntimeError("detail")):
        response = client.get(SESSION)
    assert response.status_code == 500
    assert carries_headers(response)
    assert "detail" not in text_of(response)
    assert "taken" not in text_of(response)


def test_a_database_that_is_away_is_503_with_retry_after_and_no_word_about_money(client):
    with broken(OperationalError("could not connect")):
        response = client.get(SESSION)
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert carries_headers(response)
    assert "taken" not in text_of(response)
    assert "Please don’t pay again before." in text_of(response)


def test_a_suspicious_request_is_a_400_page(client):
    with broken(SuspiciousOperation("odd")):
        assert client.get(SESSION).status_code == 400


def test_pages_are_never_cached_and_style_sheets_for_ever(client, order):
    page = client.get(f"/checkout/{order.session_id}")
    assert page["Cache-Control"] == "no-store"
    sheet = page.content.decode().split('rel="stylesheet" href="')[1].split('"')[0]
    assert "immutable" in client.get(sheet)["Cache-Control"]
    assert client.get("/checkout/style/ink-0000000000.css")["Cache-Control"] == "no-store"


def test_the_two_policies_let_nothing_in_from_elsewhere():
    for policy in (PAGE_CSP, API_CSP):
        assert policy["default-src"] == "'none'"
        assert policy["frame-ancestors"] == "'none'"
        assert not any("http" in value or "*" in value for value in policy.values())


def test_a_request_id_is_echoed_if_it_is_one(client):
    assert client.get("/healthz", headers={"x-request-id": "abc-12345"})["x-request-id"] == "abc-12345"
    assert client.get("/healthz", headers={"x-request-id": "<script>"})["x-request-id"] != "<script>"


def test_the_access_log_never_holds_a_whole_session_id(client, order, caplog):
    from checkout.logs import MaskFilter

    caplog.handler.addFilter(MaskFilter())
    with caplog.at_level("INFO", logger="till.access"):
        client.get(f"/checkout/{order.session_id}")
    assert f"/checkout/{order.session_id[:7]}…" in caplog.text
    assert order.session_id not in caplog.text


def test_pages_move_to_https_and_calls_are_refused(settings):
    settings.HTTPS = True
    settings.SECURE_HSTS_SECONDS = 63_072_000
    settings.SECURE_SSL_REDIRECT = True
    client = Client()  # middleware reads the switch when it is built
    assert client.get("/simulator").status_code == 301
    assert client.post(f"{SERVICE}/CreateOrder", data="{}", content_type="application/json").status_code == 403
    secure = client.get("/simulator", secure=True)
    assert secure.status_code == 200
    assert secure["Strict-Transport-Security"].startswith("max-age=63072000")


def test_csp_reports_are_logged_masked_and_cut(client, caplog):
    with caplog.at_level("WARNING", logger="till.csp"):
        response = client.post("/csp-report", data=b"x" * 9_000, content_type="application/csp-report")
    assert response.status_code == 204
    assert len(caplog.records[0].getMessage()) < 4_200


def test_the_language_of_a_link_is_kept_out_of_cookies(client):
    response = client.get("/simulator?lang=xx")
    assert response["Content-Language"] == "en"
    assert not response.cookies


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "address"),
    [
        ("203.0.113.9", "", "203.0.113.9"),
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),  # not our proxy: what it forwards is its own word
        ("10.0.0.5", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.5", "1.2.3.4, 198.51.100.1", "198.51.100.1"),  # the customer wrote the first one
        ("10.0.0.5", "198.51.100.1, 10.0.0.6", "198.51.100.1"),
        ("10.0.0.5", "nonsense", "nonsense"),
        ("10.0.0.5", "", "10.0.0.5"),
    ],
)
def test_forwarded_addresses_are_believed_from_our_proxies_alone(settings, peer, forwarded_for, address):
    settings.TRUSTED_PROXIES = ["10.0.0.0/24"]
    assert client_address(peer, forwarded_for) == address


def test_a_form_without_its_cookie_gets_our_page(settings):
    strict = Client(enforce_csrf_checks=True)
    response = strict.post("/shop/buy", {"item": "notebook"})
    assert response.status_code == 403
    assert "your browser refused our cookie" in text_of(response)
    assert b"<style" not in response.content


def test_under_https_cookies_are_host_bound_and_secure():
    """Settings are read when the process starts, so this asks a process of its own."""
    keys = base64.urlsafe_b64encode(b"k" * 32).decode()
    env = {
        "PATH": os.environ["PATH"], "ENV_FILE": os.devnull, "PUBLIC_URL": "https://pay.example.com",
        "SECRET_KEY": "s" * 60, "API_KEY_PEPPER": "p" * 40, "FIELD_ENCRYPTION_KEYS": keys,
    }  # fmt: skip
    asked = "SESSION_COOKIE_NAME CSRF_COOKIE_NAME SESSION_COOKIE_SECURE CSRF_COOKIE_SECURE SECURE_SSL_REDIRECT"
    code = f"from checkout import settings as s; print(*[getattr(s, n) for n in '{asked}'.split()])"
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["__Host-sid", "__Host-csrf", "True", "True", "True"]
