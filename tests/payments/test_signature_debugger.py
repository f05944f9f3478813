"""Each common mistake is made as a merchant's code makes it, and must be called by its name."""

import base64
import hashlib
import hmac
import html
import json
import re
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import which
from urllib.parse import unquote_plus

import pytest

from payments import signature_mistakes, signatures
from payments.signature_debugger import ADVICE, BadHeaders, debug, read_headers
from payments.signature_mistakes import Clues, Secret

AT = datetime(2026, 11, 22, 16, 3, 9, 120_000, tzinfo=UTC)
SECRET, OLDER = "till_test_q7Jv-x2M_0aLrTz9cVbNwE4sKdPfGhYu", "till_test_OLD-zzzzzzzzzzzzzzzzzzzzzzzzzzz"
ID, OTHER_ID = "msg_2b7f0c5b0e3a4d7f8a", "msg_11111111111111111a"
KEY = SECRET.encode()
CLIENT_ID = "key_test_0123456789abcdef01234567"
BODY = json.dumps(
    {
        "data": {"order": {"order_id": "PTG-1", "order_amount": 170.0, "order_tags": {"name": "Zoë ₹ & Söhne"}}},
        "event_time": "2026-11-22T16:03:05+00:00",
        "type": "PAYMENT_SUCCESS_WEBHOOK",
        "till": {"sequence": 3, "fee": 1.5, "order_id": "a/b", "event": "payment.success"},
    },
    ensure_ascii=False,
    separators=(",", ":"),
).encode()
SENT = signatures.headers(BODY, message_id=ID, secrets=[SECRET], attempt=1, at=AT)
SECONDS, MILLISECONDS = SENT["webhook-timestamp"], SENT["x-webhook-timestamp"]
STANDARD, WIRE = "webhook-signature", "x-webhook-signature"


def b64(raw):
    return base64.b64encode(raw).decode()


def hmac256(key, signed):
    return hmac.new(key, signed, hashlib.sha256).digest()


def check(headers, body=BODY, *, secret=SECRET, at=AT, **clues):
    return debug(headers, body, [Secret("the first secret", secret)], at=at, clues=Clues(**clues))


def mistakes(report):
    return {scheme.scheme: scheme.mistake for scheme in report.schemes}


def computed(header, signature):
    """The headers of one scheme alone, with the signature that a merchant's code came to."""
    prefix = header.removesuffix("signature")
    alone = {name: value for name, value in SENT.items() if name.startswith(prefix)}
    return {**alone, header: signature}


def standard(body=BODY, *, key=KEY, signed=None):
    """What a receiver of Standard Webhooks computes, told a mistake."""
    told = f"{ID}.{SECONDS}.".encode() + body if signed is None else signed
    return computed(STANDARD, f"v1,{b64(hmac256(key, told))}")


def wire(body=BODY, *, key=KEY, signed=None):
    return computed(WIRE, b64(hmac256(key, MILLISECONDS.encode() + body if signed is None else signed)))


def explained(headers, word, body=BODY, **told):
    """Whether every scheme given fails by this mistake, and has advice for it."""
    report = check(headers, body, **told)
    return (
        not report.verified and {s.mistake for s in report.schemes} == {word} and all(s.advice for s in report.schemes)
    )


# --- What is right ---


def test_what_we_send_verifies_in_both_schemes_and_is_laid_open():
    report = check(SENT, at=AT + timedelta(seconds=12))
    assert [(s.name, s.verified, s.secret, s.mistake) for s in report.schemes] == [
        ("Standard Webhooks", True, "the first secret", ""),
        ("x-webhook headers", True, "the first secret", ""),
    ]
    assert report.verified
    first, second = report.schemes
    assert first.signed.startswith(f'{ID}.{SECONDS}.{{"data":')
    assert first.signed_length == len(f"{ID}.{SECONDS}.") + len(BODY)
    assert second.signed.startswith(MILLISECONDS + '{"data":')
    assert {s.skew for s in report.schemes} == {"Signed 12 seconds before now: near enough."}


def test_the_key_that_matched_is_named_while_two_are_active():
    sent = signatures.headers(BODY, message_id=ID, secrets=[OLDER], attempt=1, at=AT)
    report = debug(sent, BODY, [Secret("newest", SECRET), Secret("older", OLDER)], at=AT)
    assert [s.secret for s in report.schemes] == ["older", "older"]


def test_each_of_two_signatures_of_a_rotation_verifies():
    sent = signatures.headers(BODY, message_id=ID, secrets=[SECRET, OLDER], attempt=1, at=AT)
    assert [check(sent, secret=each).schemes[0].verified for each in (SECRET, OLDER)] == [True, True]


def test_neither_secrets_nor_whole_signatures_stand_in_a_report():
    reports = [check(SENT), check(standard(b"x")), check(wire(key=OLDER.encode()), secrets=[Secret("old", OLDER)])]
    text = repr(reports)
    for value in (SECRET, OLDER, SENT[STANDARD][3:], SENT[WIRE], SECRET[10:]):
        assert value not in text
    assert f"v1,{SENT[STANDARD][3:9]}…{SENT[STANDARD][-4:]}" in text


def test_the_signed_string_shows_the_first_200_bytes_with_nothing_invisible():
    report = check(standard(b"\xef\xbb\xbf{}\r\n" + b"x" * 500), b"\xef\xbb\xbf{}\r\n" + b"x" * 500)
    (scheme,) = report.schemes
    assert scheme.verified
    assert r".\ufeff{}\r\nxx" in scheme.signed
    assert scheme.signed.count("x") < 200 < scheme.signed_length


def test_only_the_scheme_whose_headers_came_is_judged():
    assert [s.scheme for s in check(wire()).schemes] == ["wire"]


def test_every_word_there_is_has_its_advice_and_a_test_that_makes_the_mistake():
    tested = set(re.findall(r'"([a-z0-9]+(?:-[a-z0-9]+)+)"', Path(__file__).read_text(encoding="utf-8")))
    assert len(ADVICE) >= 40
    assert set(ADVICE) - tested == {"unexplained"}


def test_every_word_is_in_the_documentation():
    page = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text(encoding="utf-8")
    assert [word for word in ADVICE if f"`{word}`" not in page] == []


# --- The body ---


def test_a_line_end_was_added_as_echo_and_editors_do():
    assert explained(standard() | wire(), "body-newline", BODY + b"\n")


def test_the_body_was_stripped_before_hashing():
    body = BODY + b"\n"
    assert explained(standard(body.strip()) | wire(body.strip()), "body-newline", body)


def test_line_ends_became_crlf_in_a_text_field():
    pretty = json.dumps(json.loads(BODY), indent=2).encode()
    assert explained(standard(pretty), "body-crlf", pretty.replace(b"\n", b"\r\n"))


def test_a_byte_order_mark_was_written_by_an_editor():
    assert explained(standard() | wire(), "body-bom", BODY.decode().encode("utf-8-sig"))


@pytest.mark.parametrize("charset", ["latin-1", "cp1252"])
def test_the_body_was_decoded_as_latin_1(charset):
    body = BODY.replace("₹".encode(), b"")
    text = body.decode(charset)
    assert explained(standard(text.encode()) | wire(text.encode()), "body-latin1", body)
    assert explained(standard(body) | wire(body), "body-latin1", text.encode())


def test_the_body_was_url_decoded_as_a_form_is():
    assert explained(standard(unquote_plus(BODY.decode()).encode()), "body-url-decoded")


def test_the_body_was_unescaped_by_a_filter():
    escaped = html.escape(BODY.decode()).encode()
    assert explained(standard(escaped) | wire(escaped), "body-html-unescaped")
    assert explained(standard(), "body-html-unescaped", escaped)


def test_the_stream_had_been_read_before():
    assert explained(standard(b"") | wire(b""), "body-empty")


def test_keys_were_sorted():
    sorted_keys = json.dumps(json.loads(BODY), sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
    assert explained(standard(sorted_keys) | wire(sorted_keys), "body-key-order")


@pytest.mark.parametrize("layout", [{}, {"indent": 2}, {"indent": 4}], ids=str)
def test_spaces_were_put_in(layout):
    spaced = json.dumps(json.loads(BODY), ensure_ascii=False, **layout).encode()
    assert explained(standard(spaced) | wire(spaced), "body-spacing")


def test_the_body_is_pretty_printed_and_the_signature_is_ours():
    pretty = json.dumps(json.loads(BODY), indent=2, ensure_ascii=False).encode()
    assert explained(SENT, "body-spacing", pretty)


def test_characters_were_escaped():
    ascii_only = json.dumps(json.loads(BODY), separators=(",", ":")).encode()
    assert explained(standard(ascii_only) | wire(ascii_only), "body-escapes")


@pytest.mark.parametrize("number", [b"170", b"170.00"])
def test_numbers_were_printed_anew(number):
    changed = BODY.replace(b"170.0", number)
    if number.endswith(b"00"):
        changed = changed.replace(b'"fee":1.5', b'"fee":1.50')
    assert explained(standard(changed) | wire(changed), "body-numbers")
    assert explained(SENT, "body-numbers", changed)


def test_python_wrote_the_body_anew():
    (scheme,) = check(standard(json.dumps(json.loads(BODY)).encode())).schemes
    assert (scheme.mistake, scheme.detail) == ("body-reserialised", "spacing, escapes")


@pytest.mark.skipif(which("node") is None, reason="needs node")
def test_javascript_wrote_the_body_anew():
    script = "process.stdout.write(JSON.stringify(JSON.parse(require('fs').readFileSync(0))))"
    written = subprocess.run(["node", "-e", script], input=BODY, capture_output=True, check=True).stdout
    assert explained(standard(written) | wire(written), "body-numbers")


def test_php_wrote_the_body_anew():
    escaped = json.dumps(json.loads(BODY), separators=(",", ":")).replace("/", "\\/").encode()
    assert explained(standard(escaped) | wire(escaped), "body-escapes")


def test_a_sorted_body_is_recognised_by_the_one_we_stored():
    sorted_keys = json.dumps(json.loads(BODY), sort_keys=True, separators=(",", ":")).encode()
    report = check(SENT, sorted_keys, stored=BODY)
    assert set(mistakes(report).values()) == {"body-reserialised"}
    assert {s.detail for s in report.schemes} == {"key order, escapes"}
    assert report.difference.offset == BODY.index(b"order_id") + len("order_")


# --- The timestamp, the id, and what stands between ---


def test_seconds_were_signed_where_milliseconds_are_due():
    assert explained(wire(signed=SECONDS.encode() + BODY), "timestamp-seconds")


def test_the_header_was_cut_to_seconds():
    assert explained({**wire(), "x-webhook-timestamp": SECONDS}, "timestamp-seconds")


def test_milliseconds_were_signed_where_seconds_are_due():
    assert explained(standard(signed=f"{ID}.{MILLISECONDS}.".encode() + BODY), "timestamp-milliseconds")


@pytest.mark.parametrize(
    "headers", [standard(signed=f"{ID}.".encode() + BODY), standard(signed=BODY), wire(signed=BODY)]
)
def test_the_timestamp_was_left_out(headers):
    assert explained(headers, "timestamp-missing")


def test_the_timestamp_was_put_behind_the_body():
    assert explained(wire(signed=BODY + MILLISECONDS.encode()), "timestamp-after-body")


def test_the_timestamp_is_a_date():
    headers = {**standard(), "webhook-timestamp": "2026-11-22T16:03:09Z"}
    assert explained(headers, "timestamp-not-a-number")


@pytest.mark.parametrize("header", [STANDARD, WIRE])
def test_the_signature_of_one_try_met_the_timestamp_of_another(header):
    again = AT + timedelta(seconds=5)
    second = signatures.headers(BODY, message_id=ID, secrets=[SECRET], attempt=2, at=again)
    mixed = computed(header, SENT[header])
    mixed |= {name: second[name] for name in mixed if name.endswith("timestamp")}
    tries = [(again + timedelta(milliseconds=40), timedelta(milliseconds=40))]
    tries += [(AT + timedelta(milliseconds=930), timedelta(milliseconds=900))]
    assert explained(mixed, "timestamp-of-another-try", tries=tries)


@pytest.mark.parametrize("mark", [".", "\n", ":"])
def test_a_separator_was_put_in_where_none_is_due(mark):
    assert explained(wire(signed=f"{MILLISECONDS}{mark}".encode() + BODY), "separator-added")


def test_the_dots_were_left_out():
    assert explained(standard(signed=f"{ID}{SECONDS}".encode() + BODY), "separator-missing")


def test_the_id_was_left_out():
    assert explained(standard(signed=f"{SECONDS}.".encode() + BODY), "id-missing")


def test_the_id_was_kept_from_another_delivery():
    headers = {**standard(), "webhook-id": OTHER_ID}
    assert explained(headers, "id-of-another-delivery", deliveries={ID: b"{}"})


def test_the_signature_is_another_deliverys():
    other = b'{"data":{}}'
    sent = signatures.headers(other, message_id=OTHER_ID, secrets=[SECRET], attempt=1, at=AT)
    mixed = {**SENT, STANDARD: sent[STANDARD], WIRE: sent[WIRE]}
    assert explained(mixed, "signature-of-another-delivery", deliveries={OTHER_ID: other})


def test_the_headers_of_the_schemes_were_mixed_up():
    mixed = {**SENT, STANDARD: f"v1,{SENT[WIRE]}", WIRE: SENT[STANDARD].removeprefix("v1,")}
    assert explained(mixed, "signature-of-the-other-scheme")


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_proxy_dropped_a_header(name):
    (scheme,) = check({key: value for key, value in standard().items() if key != name}).schemes
    assert (scheme.mistake, scheme.missing) == ("header-missing", (name,))


# --- How the signature is written ---


@pytest.mark.parametrize("mac", [standard()[STANDARD], wire()[WIRE]], ids=["standard", "wire"])
@pytest.mark.parametrize(
    ("word", "write"),
    [
        ("signature-hex", bytes.hex),
        ("signature-base64-of-hex", lambda raw: b64(raw.hex().encode())),  # base64_encode(hash_hmac("sha256", ...))
        ("signature-padding", lambda raw: b64(raw).rstrip("=")),
        ("signature-whitespace", lambda raw: f'"{b64(raw)}"'),
        ("signature-truncated", lambda raw: b64(raw)[:32]),
    ],
)
def test_the_signature_was_written_otherwise(mac, word, write):
    raw = base64.b64decode(mac.removeprefix("v1,"))
    header, version = (STANDARD, "v1,") if mac.startswith("v1,") else (WIRE, "")
    written = f'"{mac}"' if word == "signature-whitespace" else version + write(raw)
    assert explained(computed(header, written), word)
    if version and word == "signature-hex":  # code that compares hexdigest() has no version either
        assert explained(computed(header, write(raw)), word)


@pytest.mark.parametrize("make", [standard, wire])
def test_base64url_was_used(make):
    bodies = [BODY + str(number).encode() for number in range(99)]
    signed = [
        (body, next(value for name, value in make(body).items() if name.endswith("signature"))) for body in bodies
    ]
    body, signature = next((body, signature) for body, signature in signed if {"+", "/"} & set(signature))
    header = STANDARD if make is standard else WIRE
    url_safe = signature.replace("+", "-").replace("/", "_")
    assert explained(computed(header, url_safe), "signature-base64url", body)


def test_the_version_is_missing():
    assert explained(computed(STANDARD, SENT[STANDARD].removeprefix("v1,")), "signature-version")


def test_a_version_stands_where_none_is_due():
    assert explained(computed(WIRE, f"v1,{SENT[WIRE]}"), "signature-version")


# --- The hash ---


@pytest.mark.parametrize("digest", ["sha1", "sha512"])
def test_another_hash_was_used(digest):
    mac = hmac.new(SECRET.encode(), MILLISECONDS.encode() + BODY, digest).digest()
    assert explained(computed(WIRE, b64(mac)), {"sha1": "hash-sha1", "sha512": "hash-sha512"}[digest])


@pytest.mark.parametrize("key", [b"", SECRET.encode()])
def test_a_plain_hash_was_used(key):
    mac = hashlib.sha256(key + f"{ID}.{SECONDS}.".encode() + BODY).digest()
    assert explained(computed(STANDARD, f"v1,{b64(mac)}"), "hash-without-key")


# --- The secret ---


def test_the_prefix_was_kept_as_part_of_the_key():
    whsec = signatures.standard_secret(SECRET)
    assert explained(standard(key=whsec.encode()), "secret-whsec")
    assert explained(standard(key=whsec.removeprefix("whsec_").encode()), "secret-whsec")
    assert explained(SENT, "secret-whsec", secret=whsec)


@pytest.mark.parametrize("decode", [lambda s: base64.b64decode(s + "=="), lambda s: base64.urlsafe_b64decode(s + "==")])
def test_the_client_secret_was_base64_decoded(decode):
    assert explained(standard(key=decode(SECRET)) | wire(key=decode(SECRET)), "secret-decoded")


@pytest.mark.parametrize("end", ["\n", "\r\n", " ", '"'])
def test_the_secret_has_something_at_its_end(end):
    given = f'"{SECRET}"' if end == '"' else SECRET + end
    assert explained(SENT, "secret-whitespace", secret=given)
    assert explained(wire(key=given.encode()), "secret-whitespace")


def test_the_client_id_was_used_as_the_secret():
    secret = Secret("first", SECRET, client_id=CLIENT_ID)
    report = debug(wire(key=CLIENT_ID.encode()), BODY, [secret], at=AT)
    assert mistakes(report) == {"wire": "secret-is-client-id"}
    assert explained(SENT, "secret-is-client-id", secret=CLIENT_ID)


@pytest.mark.parametrize("word", ["key-old", "key-of-other-mode", "key-of-other-merchant"])
def test_another_key_was_used(word):
    other = Secret("another", OLDER, mistake=word)
    assert explained(standard(key=OLDER.encode()) | wire(key=OLDER.encode()), word, secrets=[other])


def test_the_older_of_two_keys_knows_only_the_standard_signature():
    sent = signatures.headers(BODY, message_id=ID, secrets=[SECRET, OLDER], attempt=1, at=AT)
    report = check(sent, secret=OLDER)
    assert mistakes(report) == {"standard": "", "wire": "key-not-newest"}
    assert report.verified


# --- What nothing explains ---


def test_without_an_explanation_the_first_difference_is_shown():
    forged = BODY.replace(b"PTG-1", b"PTG-2")
    report = check(SENT, forged, stored=BODY)
    assert set(mistakes(report).values()) == {"unexplained"}
    found = report.difference
    assert found.offset == BODY.index(b"PTG-1") + 4
    assert (found.given_length, found.stored_length) == (len(BODY), len(BODY))
    assert "PTG-2" in found.given
    assert "PTG-1" in found.stored


def test_a_body_that_was_cut_off_differs_where_it_ends():
    report = check(SENT, BODY[:50], stored=BODY)
    assert (report.difference.offset, report.difference.given) == (50, BODY[30:50].decode())


def test_the_same_body_has_no_difference():
    report = check(standard(signed=b"?"), stored=BODY)
    assert (report.is_stored, report.difference) == (True, None)


def test_without_any_secret_nothing_verifies_but_an_old_one_explains():
    report = debug(wire(), BODY, [], at=AT, clues=Clues(secrets=[Secret("old", SECRET, mistake="key-old")]))
    assert mistakes(report) == {"wire": "key-old"}


@pytest.mark.parametrize(
    "body", [b"", b"\xff\x00", b"[" * 5000, b"{", b'{"a":NaN}', b'{"a":"\\ud800"}', b"1" * 400], ids=repr
)
def test_no_body_is_too_odd_to_be_judged(body):
    assert explained(SENT, "unexplained", body) or body == b""
    assert check(standard(body), body).verified


# --- The clock ---


@pytest.mark.parametrize(
    ("later", "words"),
    [
        (timedelta(seconds=1), "Signed 1 second before now: near enough."),
        (timedelta(minutes=-2), "Signed 2 minutes after now: near enough."),
        (timedelta(hours=3), "Signed 3 hours before now: receivers that allow 5 minutes refuse it by now."),
        (timedelta(days=-1), "Signed 1 day after now: a clock is wrong, and receivers refuse it."),
    ],
)
def test_how_far_the_clocks_are_apart_is_said_in_words(later, words):
    report = check(SENT, at=AT + later)
    assert report.verified
    assert {s.skew for s in report.schemes} == {words}


def test_a_timestamp_of_the_wrong_unit_is_called_so():
    skews = [s.skew for s in check({**SENT, "webhook-timestamp": MILLISECONDS, "x-webhook-timestamp": SECONDS}).schemes]
    assert skews == [
        "The timestamp looks like milliseconds; seconds are due here.",
        "The timestamp looks like seconds; milliseconds are due here.",
    ]


# --- Headers as people have them ---


@pytest.mark.parametrize(
    "text",
    [
        "Webhook-Id: msg_1\nX-Webhook-Signature:  abc=  \n",
        "POST /hook HTTP/1.1\r\nWebhook-Id: msg_1\r\nX-Webhook-Signature: abc=\r\n\r\n",
        "> POST /hook HTTP/2\n> webhook-id: msg_1\n> x-webhook-signature: abc=\n>\n",
        "HTTP_WEBHOOK_ID: msg_1\nHTTP_X_WEBHOOK_SIGNATURE: abc=",
        '{"webhook-id": "msg_1", "X-Webhook-Signature": ["abc="]}',
    ],
)
def test_headers_are_read_as_logs_print_them(text):
    assert read_headers(text) == {"webhook-id": "msg_1", "x-webhook-signature": "abc="}


@pytest.mark.parametrize("text", ["nonsense", "a: b\nno colon here", "{", '{"a": {}}', '{"a": null}'])
def test_what_is_no_header_is_refused_in_one_sentence(text):
    with pytest.raises(BadHeaders) as refusal:
        read_headers(text)
    assert str(refusal.value).count(".") == 1


def test_of_a_header_with_many_signatures_a_few_are_explained(monkeypatch):
    tried = []
    monkeypatch.setattr(signature_mistakes, "explain", lambda received, *_, **__: tried.append(received) or ("", ""))
    told = {"x-webhook-timestamp": "1", "x-webhook-signature": " ".join(f"AAAA{number}" for number in range(300))}
    report = debug(told, b"{}", [Secret("mine", "s")], at=datetime(2026, 11, 23, tzinfo=UTC))
    assert report.schemes[0].mistake == "unexplained"
    assert len(tried) == 4
