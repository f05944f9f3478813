"""Canaries: whatever somebody logs, these never come out."""

import io
import json
import logging

import pytest

from checkout.logs import JsonFormatter, MaskFilter, TextFormatter, mask, request_id

SESSION = "sess_AbCdEfGhIjKlMnOpQrStUvWxYz012345"
PAN = "4242424242424242"
SECRETS = {
    "a card number": (PAN, "4242"),
    "a card number with spaces": ("4242 4242 4242 4242", "4242"),
    "a card number with dashes": ("4242-4242-4242-4242", "4242"),
    "a card number of 15 digits": ("378282246310005", "378282"),
    "a card number under its name": ("card_number=4242 4242 4242 4242", "4242"),
    "a card number of a form": ("number: 4242 4242 4242 4242;", "4242"),
    "a card number in json": ('{"card_number": "4242 4242 4242 4242"}', "4242"),
    "a card number before its expiry": ("4242424242424242 12/27", "4242"),
    "a card number before its code": ("4242 4242 4242 4242 123", "4242"),
    "a card number after a count": ("1 4242424242424242", "4242"),
    "a security code": ("cvc=9871", "9871"),
    "a security code of a repr": ("Card(cvc='9871')", "9871"),
    "a security code of json": ('{"cvv": 9871}', "9871"),
    "a security code by its form name": ("cc-csc=9871&x=1", "9871"),
    "a one-time code": ("otp: 123987", "123987"),
    "a session id": (SESSION, "fGhIjKlM"),
    "a session id in a path": (f"GET /checkout/{SESSION}/pay 200", "fGhIjKlM"),
    "a session id in an escaped address": (f"next=%2Fcheckout%2F{SESSION}", "fGhIjKlM"),
    "a test secret": ("till_test_AbC-dEf_0123", "dEf_0123"),
    "a live secret": ("till_live_AbC-dEf_0123", "dEf_0123"),
    "a secret in an escaped body": ("client%3Dtill_test_AbC-dEf_0123", "dEf_0123"),
    "a gateway's key": ("rk_live_51AbCdEf0123", "51AbCdEf"),
    "a webhook secret": ("whsec_AbC+dEf/0123==", "dEf"),
    "a secret header": ("x-client-secret: geheim-1", "geheim-1"),
    "basic authorization": ("Authorization: Basic Z2VoZWltOmdlaGVpbQ==", "Z2VoZWlt"),
    "a bearer token": ("authorization='Bearer geheim-1'", "geheim-1"),
    "a password": ("{'password': 'geheim-1'}", "geheim-1"),
    "a form token": ("form_token=geheim-1&method=card", "geheim-1"),
    "a second cookie": ("Cookie: a=1; sid=geheim-1", "geheim-1"),
    "a cookie in an environment": ("'HTTP_COOKIE': 'sid=geheim-1'", "geheim-1"),
    "a digest": ('Authorization: Digest username="x", response="geheim-1"', "geheim-1"),
    "a token scheme": ("Authorization: Token geheim-1", "geheim-1"),
    "a password with a space": ("{'password': 'offen geheim-1'}", "geheim-1"),
    "a security code by its long name": ("security_code: 9871", "9871"),
    "an escaped secret": ("client_secret%3Dgeheim-1&x=1", "geheim-1"),
    "a cookie": ("Cookie: sid=geheim-1", "geheim-1"),
}


class _Log:
    """A logger of its own through the filter and formatter of the settings."""

    def __init__(self, formatter):
        self.out = io.StringIO()
        handler = logging.StreamHandler(self.out)
        handler.addFilter(MaskFilter())
        handler.setFormatter(formatter)
        self.logger = logging.Logger("test")
        self.logger.addHandler(handler)

    @property
    def text(self):
        return self.out.getvalue()


@pytest.fixture(params=[TextFormatter, JsonFormatter], ids=["text", "json"])
def log(request):
    return _Log(request.param())


def _say(log, way, secret):
    if way == "message":
        log.logger.warning("before " + secret.replace("%", "%%") + " after")
    elif way == "args":
        log.logger.warning("before %s after %r", secret, {"given": secret})
    else:
        try:
            {}[secret]
        except KeyError:
            log.logger.exception("before after")


@pytest.mark.parametrize("way", ["message", "args", "traceback"])
@pytest.mark.parametrize(("secret", "canary"), SECRETS.values(), ids=SECRETS)
def test_a_secret_never_comes_out(log, way, secret, canary):
    _say(log, way, secret)
    assert "before" in log.text
    assert canary not in log.text


def test_a_pair_of_args_that_is_a_card_number_only_together_is_masked(log):
    log.logger.warning("card %s %s", "4242 4242", "4242 4242")
    assert "4242" not in log.text


@pytest.mark.parametrize(
    "text",
    ["order order_0123456789abcdefghjkmnpqrs paid", "took 123 ms", "pay_00000000000000000000000000",
     "2026-11-29 12:00:00", "amount 1000000000000", "key_test_0123456789abcdef01234567"],
)  # fmt: skip
def test_what_operators_need_is_left_alone(text):
    assert mask(text) == text


def test_a_masked_session_can_still_be_told_from_others():
    assert mask(SESSION) == "sess_Ab…"


def test_a_broken_log_call_does_not_break_the_caller(log, monkeypatch):
    """A wrong placeholder must not turn a payment into an error page; logging's own rule is to go on."""
    monkeypatch.setattr(logging, "raiseExceptions", False)
    log.logger.warning("took %d ms", "no number")
    log.logger.warning("still here")
    assert "still here" in log.text


def test_a_traceback_that_another_handler_printed_first_is_masked_too(log):
    first = logging.StreamHandler(io.StringIO())
    log.logger.handlers.insert(0, first)
    _say(log, "traceback", SESSION)
    assert "fGhIjKlM" not in log.text


def test_each_line_carries_its_request(log):
    token = request_id.set("req-1")
    log.logger.info("hello")
    request_id.reset(token)
    assert "req-1" in log.text


def test_a_json_line_is_one_object_with_the_traceback_inside():
    log = _Log(JsonFormatter())
    _say(log, "traceback", "broken")
    line = json.loads(log.text)
    assert (line["level"], line["logger"], line["message"]) == ("error", "test", "before after")
    assert "KeyError: 'broken'" in line["traceback"]
    assert log.text.count("\n") == 1


def test_a_visitor_cannot_write_log_lines_of_their_own(log):
    log.logger.info("GET %s 404", "/\nFAKE line\x1b[31m\u2028x")
    assert log.text.count("\n") == 1
    assert "\x1b" not in log.text
    assert "FAKE line" in log.text
    _say(log, "traceback", "x\x1b[31m")
    assert "\x1b" not in log.text


def test_a_huge_message_is_cut_before_it_is_searched(log):
    log.logger.info("1 " * 500_000)
    assert len(log.text) < 40_000


@pytest.mark.parametrize(
    "path", ["/callbacks/simulator/return/order_a1-00ff-17.sIgN_a-ture", "/simulator/12.sIgN_a-ture"]
)
def test_a_signed_address_that_acts_for_a_customer_is_never_written_whole(path):
    masked = mask(f"GET {path}?x=1 303 5 ms")
    assert "sIgN" not in masked
    assert masked.endswith("…?x=1 303 5 ms")


def test_an_address_without_a_signature_is_written_whole():
    assert mask("POST /callbacks/simulator/events 200") == "POST /callbacks/simulator/events 200"
