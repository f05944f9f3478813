import base64

import environ
import pytest
from django.core.exceptions import ImproperlyConfigured

from checkout import env as read

KEY_A, KEY_B = (base64.urlsafe_b64encode(letter * 32).decode() for letter in (b"\xff", b"b"))


@pytest.fixture
def env(monkeypatch):
    """Set NAME and read it with any reader."""

    def read_with(reader, value, **kwargs):
        if value is None:
            monkeypatch.delenv("NAME", raising=False)
        else:
            monkeypatch.setenv("NAME", value)
        return reader(environ.Env(), "NAME", **kwargs)

    return read_with


def _refused(env, reader, value, **kwargs):
    with pytest.raises(ImproperlyConfigured, match="NAME") as refused:
        env(reader, value, **kwargs)
    return str(refused.value)


@pytest.mark.parametrize(("value", "read_as"), [("True", True), ("False", False), (None, False)])
def test_true_and_false_are_read(env, value, read_as):
    assert env(read.strict_bool, value, default=False) is read_as


@pytest.mark.parametrize("value", ["ture", "true", "1", "yes", "", " True", "FALSE"])
def test_any_other_boolean_stops_the_start(env, value):
    assert "write True or False" in _refused(env, read.strict_bool, value, default=False)


@pytest.mark.parametrize(("value", "number"), [("1", 1), ("65535", 65_535), (None, 8_000), ("080", 80)])
def test_whole_numbers_within_bounds_are_read(env, value, number):
    assert env(read.integer, value, default=8_000, at_least=1, at_most=65_535) == number


@pytest.mark.parametrize("value", ["0", "65536", "-1", "1.5", "", "x", "1_0", "٣", "9" * 30])
def test_any_other_number_stops_the_start(env, value):
    assert "1 to 65535" in _refused(env, read.integer, value, default=8_000, at_least=1, at_most=65_535)


def test_words_come_from_a_closed_list(env):
    assert env(read.one_of, "json", choices=("text", "json"), default="text") == "json"
    assert env(read.one_of, None, choices=("text", "json"), default="text") == "text"
    assert "text, json" in _refused(env, read.one_of, "JSON", choices=("text", "json"), default="text")


def test_a_long_enough_secret_is_read(env):
    assert env(read.secret, "s" * 50, at_least=50) == "s" * 50


@pytest.mark.parametrize("value", [None, "", "hunter2hunter2"])
def test_a_missing_or_short_secret_stops_the_start_without_being_repeated(env, value):
    message = _refused(env, read.secret, value, at_least=50)
    assert "50" in message
    assert "hunter2" not in message


@pytest.mark.parametrize(
    ("value", "keys"),
    [(KEY_A, [b"\xff" * 32]), (f"{KEY_A}, {KEY_B}", [b"\xff" * 32, b"b" * 32])],
)
def test_encryption_keys_are_read_newest_first(env, value, keys):
    assert env(read.encryption_keys, value) == keys


@pytest.mark.parametrize(
    "value", [None, "", KEY_A[:-4], KEY_A + ",", f",{KEY_A}", "not base64!", KEY_A.rstrip("="), KEY_A + KEY_B, "é"]
)
def test_odd_encryption_keys_stop_the_start_without_being_repeated(env, value):
    message = _refused(env, read.encryption_keys, value)
    assert KEY_A[:20] not in message
    assert "32 bytes" in message


@pytest.mark.parametrize(
    ("value", "origin"),
    [
        (None, "http://127.0.0.1:8000"),
        ("", "http://127.0.0.1:8000"),
        ("https://Pay.Example.com", "https://pay.example.com"),
        ("https://pay.example.com/", "https://pay.example.com"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_our_own_address_is_an_origin(env, value, origin):
    assert env(read.origin, value, default="http://127.0.0.1:8000") == origin


@pytest.mark.parametrize(
    "value",
    ["pay.example.com", "https://", "https://x.com/path", "https://x.com?a=1", "https://x.com#f", "https://a@x.com",
     "ftp://x.com", "https://x.com:99999", "https://x.com:abc", "https://x.com:0", "http://[::1", "https://x y.com",
     "https://x.com\\evil"],
)  # fmt: skip
def test_any_other_address_stops_the_start(env, value):
    assert "origin" in _refused(env, read.origin, value, default="http://127.0.0.1:8000")


def test_proxies_are_addresses_or_networks(env):
    assert env(read.networks, "10.0.0.5, 10.0.0.0/8 ,::1") == ["10.0.0.5", "10.0.0.0/8", "::1"]
    assert env(read.networks, None) == []


@pytest.mark.parametrize("value", ["proxy.local", "10.0.0.1/8", "10.0.0", "*"])
def test_a_proxy_that_is_no_address_stops_the_start(env, value):
    assert "IP address" in _refused(env, read.networks, value)
