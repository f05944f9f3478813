"""`manage.py debug_signature` as somebody runs it whose webhooks are refused."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from payments import clock, outgoing, signatures
from payments.models import Delivery
from payments.outgoing import Answer
from payments.services.deliveries import deliver
from payments.services.merchants import issue_key, revoke_key
from payments.states import Mode
from tests.factories import OrderFactory, make_merchant_with_key, paid

pytestmark = pytest.mark.django_db


@pytest.fixture
def sent(monkeypatch):
    """A webhook that went out: (merchant, secret, headers, body)."""
    merchant, _, secret = make_merchant_with_key()
    seen = []
    monkeypatch.setattr(
        outgoing, "post", lambda url, body, headers, **_: seen.append((headers, body)) or Answer(200, b"", "")
    )
    paid(OrderFactory(merchant=merchant, notify_url="https://shop.example.com/hook", tags={"name": "Zoë"}))
    assert deliver(Delivery.objects.get().pk, at=clock.now())
    return merchant, secret, *seen[0]


@pytest.fixture
def run(tmp_path):
    """Run the command on a request as files hold it: (exit status, what it printed)."""

    def call(headers, body, *args, secret=None):
        text = headers if isinstance(headers, str) else "".join(f"{name}: {value}\n" for name, value in headers.items())
        (tmp_path / "headers.txt").write_text(text)
        (tmp_path / "body.json").write_bytes(body)
        if secret is not None:
            (tmp_path / "secret.txt").write_bytes(secret if isinstance(secret, bytes) else secret.encode())
            args = (*args, "--secret-file", str(tmp_path / "secret.txt"))
        out, status = StringIO(), 0
        files = ["--headers", str(tmp_path / "headers.txt"), "--body", str(tmp_path / "body.json")]
        try:
            call_command("debug_signature", *files, *args, stdout=out)
        except SystemExit as end:
            status = end.code
        return status, out.getvalue()

    return call


def of(merchant, mode="test"):
    return "--merchant", str(merchant.org_id), "--mode", mode


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_secret_of_a_file_verifies_whatever_ends_its_line(run, sent, end):
    _, secret, headers, body = sent
    status, told = run(headers, body, secret=secret + end)
    assert status == 0
    assert told.endswith(
        "Standard Webhooks with the secret of secret.txt and x-webhook headers with the secret of secret.txt.\n"
    )
    assert secret not in told
    assert headers["x-webhook-signature"] not in told


def test_our_own_keys_verify_and_the_body_is_known(run, sent):
    merchant, _, headers, body = sent
    status, told = run(headers, body, *of(merchant))
    assert status == 0
    assert f"with active key {merchant.api_keys.get().client_id}" in told
    assert "It is, byte for byte, the one we sent." in told
    assert "before now: near enough" in told


def test_a_mistake_is_named_with_what_to_do(run, sent):
    _, secret, headers, body = sent
    status, told = run(headers, json.dumps(json.loads(body)).encode(), secret=secret)
    assert status == 1
    assert "body-reserialised (spacing, escapes)" in told
    assert "Check the raw body, before any parser." in told
    assert told.endswith("The signature does not verify.\n")


def test_a_body_with_its_keys_sorted_is_recognised_by_the_delivery_we_keep(run, sent):
    merchant, _, headers, body = sent
    status, told = run(headers, json.dumps(json.loads(body), sort_keys=True).encode(), *of(merchant))
    assert status == 1
    assert "body-reserialised (key order, spacing, escapes)" in told


def test_a_forged_body_is_shown_where_it_parts_from_what_we_sent(run, sent):
    merchant, _, headers, body = sent
    at = body.index(b"299.99")
    status, told = run(headers, body.replace(b"299.99", b"299.00"), *of(merchant))
    assert status == 1
    assert "unexplained" in told
    assert f"at byte            {at + 4}" in told


def test_a_revoked_key_is_still_recognised(run, sent):
    merchant, _, headers, body = sent
    old = merchant.api_keys.get()
    issue_key(merchant, mode=Mode.TEST, at=clock.now())
    revoke_key(old, at=clock.now())
    status, told = run(headers, body, *of(merchant))
    assert (status, told.count("key-old")) == (1, 2)


def test_a_merchant_with_nothing_but_revoked_keys_is_told_so_too(run, sent):
    merchant, _, headers, body = sent
    revoke_key(merchant.api_keys.get(), at=clock.now())
    assert run(headers, body, *of(merchant))[1].count("key-old") == 2


def test_anothers_key_and_the_other_modes_are_recognised(run, sent):
    merchant, _, headers, body = sent
    live = issue_key(merchant, mode=Mode.LIVE, at=clock.now())
    assert "key-of-other-mode" in run(headers, body, *of(merchant, "live"))[1]
    other = make_merchant_with_key()[0]
    assert "key-of-other-merchant" in run(headers, body, *of(other))[1]
    assert live.client_secret not in run(headers, body, *of(merchant))[1]


def test_the_timestamp_of_another_try_is_recognised_by_the_tries_we_keep(run, sent):
    merchant, secret, headers, body = sent
    later = clock.now() + timedelta(seconds=300)
    again = signatures.headers(body, message_id=headers["webhook-id"], secrets=[secret], attempt=2, at=later)
    names = ("webhook-timestamp", "x-webhook-timestamp")
    status, told = run(headers | {name: again[name] for name in names}, body, *of(merchant))
    assert (status, told.count("timestamp-of-another-try")) == (1, 2)


def test_the_id_of_another_delivery_is_recognised_by_those_we_keep(run, sent):
    merchant, _, headers, body = sent
    paid(OrderFactory(merchant=merchant, notify_url="https://shop.example.com/hook"))
    other = Delivery.objects.exclude(uid=headers["webhook-id"]).get()
    standard = {name: value for name, value in headers.items() if name.startswith("webhook-")}
    assert "id-of-another-delivery" in run(standard | {"webhook-id": other.uid}, body, *of(merchant))[1]


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--merchant", "999999", "--mode", "test"), "There is no merchant 999999."),
        (("--merchant", "x", "--mode", "test"), "There is no merchant x."),
        (("--merchant", "1"), "--merchant needs --mode test or --mode live."),
        (("--merchant", "1", "--mode", "both"), "invalid choice: 'both'"),
        ((), "one of the arguments --secret-file --merchant is required"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(run, args, words):
    with pytest.raises(CommandError, match=words):
        run("webhook-id: 1", b"{}", *args)


def test_odd_files_are_refused_in_one_sentence(run, tmp_path):
    with pytest.raises(CommandError, match="Line 1 of the headers is no header"):
        run("nonsense", b"{}", secret="x")
    with pytest.raises(CommandError, match=r"secret\.txt is empty"):
        run("a: b", b"{}", secret="\n")
    with pytest.raises(CommandError, match=r"secret\.txt is no text"):
        run("a: b", b"{}", secret=b"\xff\xfe")
    with pytest.raises(CommandError, match="--mode goes with --merchant"):
        run("a: b", b"{}", "--mode", "test", secret="x")
    with pytest.raises(CommandError, match=r"body\.json is longer than 65536 bytes"):
        run("a: b", b"x" * 65_537, secret="x")
    with pytest.raises(CommandError, match="Cannot read /nowhere: No such file"):
        call_command("debug_signature", "--headers", "/nowhere", "--body", "/nowhere", "--merchant", "1")


def test_a_secret_on_the_command_line_is_refused_and_never_repeated(run):
    for option in ("--secret", "--secret-file"):
        with pytest.raises(CommandError) as refusal:
            run("webhook-id: 1", b"{}", option, "till_test_hidden")
        assert "hidden" not in str(refusal.value)
