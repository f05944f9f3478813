"""The staff's page that explains signatures: who may see it, what it says, and what it never shows or keeps."""

import base64
import html
import json
import logging

import pytest

from payments import clock, outgoing
from payments.models import Delivery
from payments.outgoing import Answer
from payments.services.deliveries import deliver
from tests.factories import OrderFactory, make_merchant_with_key, paid
from tests.staff.conftest import make_staff, signed_in

PAGE = "/admin/signature-debugger/"


@pytest.fixture
def sent(db, monkeypatch):
    """A webhook that went out: (merchant, secret, headers as a log has them, body)."""
    merchant, _, secret = make_merchant_with_key()
    seen = []
    monkeypatch.setattr(
        outgoing, "post", lambda url, body, headers, **_: seen.append((headers, body)) or Answer(200, b"", "")
    )
    paid(OrderFactory(merchant=merchant, notify_url="https://shop.example.com/hook"))
    assert deliver(Delivery.objects.get().pk, at=clock.now())
    headers, body = seen[0]
    return merchant, secret, "\r\n".join(f"{name}: {value}" for name, value in headers.items()), body


def ask(client, headers, body=b"", **fields):
    given = {"headers": headers, "body": body.decode(), "mode": "test", **fields}
    return html.unescape(client.post(PAGE, given).content.decode())


@pytest.mark.parametrize("permission", ["view_delivery", "change_delivery", "view_apikey"])
def test_who_looks_after_webhooks_or_keys_finds_it_in_the_list(db, permission):
    client = signed_in(make_staff("desk", permission))
    for path in ("/admin/", "/admin/payments/"):
        assert f'<a href="{PAGE}">Signature debugger</a>' in client.get(path).content.decode()
    page = client.get(PAGE)
    assert page.status_code == 200
    assert page["Cache-Control"].find("no-store") >= 0


@pytest.mark.parametrize("permissions", [(), ("view_order", "view_merchant")])
def test_others_do_not(db, permissions):
    client = signed_in(make_staff("desk", *permissions))
    assert PAGE not in client.get("/admin/").content.decode()
    assert client.get(PAGE).status_code == client.post(PAGE).status_code == 403


def test_strangers_are_sent_to_the_login(client, db):
    assert client.get(PAGE)["Location"].startswith("/admin/login/")


def test_nothing_is_shown_before_something_is_posted(chief, sent):
    assert "verdict" not in chief.get(f"{PAGE}?headers=x&secret=y").content.decode()


def test_a_merchants_webhook_verifies(chief, sent):
    merchant, _, headers, body = sent
    page = ask(chief, headers, body, merchant=merchant.pk)
    assert "The signature verifies: Standard Webhooks with active key" in page
    assert "It is, byte for byte, the one we sent." in page


def test_a_mistake_is_named(chief, sent):
    merchant, _, headers, body = sent
    page = ask(chief, headers, json.dumps(json.loads(body), sort_keys=True).encode(), merchant=merchant.pk)
    assert "The signature does not verify." in page
    assert "body-reserialised (key order, spacing)" in page
    assert "First difference from the body we sent" in page


def test_line_ends_of_the_text_field_are_no_mistake_of_the_merchant(chief, sent):
    _, secret, headers, body = sent
    pretty = json.dumps(json.loads(body), indent=1).replace("\n", "\r\n").encode()
    assert "body-crlf" not in ask(chief, headers, pretty, secret=secret)


def test_base64_keeps_every_byte(chief, sent):
    _, secret, headers, body = sent
    exact = base64.b64encode(b"\xef\xbb\xbf" + body).decode()
    assert "body-bom" in ask(chief, headers, body_base64=exact[:76] + "\r\n" + exact[76:], secret=secret)


def test_a_typed_secret_is_used_and_never_shown_kept_or_logged(chief, sent, caplog):
    _, secret, headers, body = sent
    with caplog.at_level(logging.DEBUG):
        page = ask(chief, headers, body, secret=secret)
    assert "with the secret you typed" in page
    for kept in (page, caplog.text, repr(dict(chief.session))):
        assert secret not in kept
    signature = headers.split("x-webhook-signature: ")[1].split("\r\n")[0]
    assert page.count(signature) == 1  # in the field it was typed into


def test_a_secret_typed_with_a_blank_is_named(chief, sent):
    _, secret, headers, body = sent
    assert "secret-whitespace" in ask(chief, headers, body, secret=f"{secret} ")


def test_who_may_not_see_webhooks_learns_nothing_of_what_we_sent(sent):
    merchant, _, headers, body = sent
    client = signed_in(make_staff("keys", "view_apikey"))
    page = ask(client, headers, body.replace(b"299.99", b"1.00"), merchant=merchant.pk)
    assert "unexplained" in page
    assert "299.99" not in page


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"headers": ""}, "This field is required."),
        ({"headers": "nonsense", "secret": "x"}, "Line 1 of the headers is no header"),
        ({"headers": '{"webhook-id": "\\u0000"}', "merchant": "MERCHANT"}, "a character that no header can hold"),
        ({"headers": '{"x-webhook-signature": "\\ud800"}', "secret": "x"}, "a character that no header can hold"),
        ({}, "Choose a merchant or type a secret: one of the two."),
        ({"secret": "x", "merchant": "MERCHANT"}, "Choose a merchant or type a secret: one of the two."),
        ({"secret": "x", "body": "{}", "body_base64": "e30="}, "Give the body as text or as base64, not both."),
        ({"secret": "x", "body_base64": "%%%"}, "This is no base64."),
        ({"merchant": "99999999"}, "Select a valid choice."),
        ({"secret": "x", "mode": "both"}, "Select a valid choice."),
    ],
)
def test_what_cannot_be_is_said_at_its_field(chief, sent, fields, words):
    given = {name: str(sent[0].pk) if value == "MERCHANT" else value for name, value in fields.items()}
    given = {"headers": "webhook-id: x", "mode": "test", **given}
    page = html.unescape(chief.post(PAGE, given).content.decode())
    assert words in page
    assert "Error:" in page.split("</title>")[0]
    assert "verdict" not in page


def test_an_empty_body_may_be_checked(chief, sent):
    _, secret, headers, _ = sent
    assert "unexplained" in ask(chief, headers, secret=secret)


def test_it_keeps_to_the_strict_content_policy(chief, sent):
    merchant, _, headers, body = sent
    page = ask(chief, headers, body, merchant=merchant.pk)
    own = page.split('id="content-main"')[1].split("</form>")[0]
    for banned in ("<script", "<style", " style=", " onclick"):
        assert banned not in own
