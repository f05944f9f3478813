"""How mail is set up, and what becomes of it without a server."""

import environ
import pytest
from django.core import mail
from django.core.exceptions import ImproperlyConfigured

from checkout import env as read
from checkout.checks import check_notices_reach_staff


@pytest.fixture
def env(monkeypatch):
    """Read NAME with any reader, set to this value."""

    def read_with(reader, value, **kwargs):
        monkeypatch.setenv("NAME", value)
        return reader(environ.Env(), "NAME", **kwargs)

    return read_with


@pytest.mark.parametrize(
    ("url", "port", "is_tls", "is_ssl"),
    [
        ("smtp+tls://till:p%40ss@mail.example.com:2587", 2587, True, False),
        ("smtp+tls://till:p%40ss@mail.example.com", 587, True, False),
        ("smtp+ssl://till:p%40ss@mail.example.com", 465, False, True),
        ("smtp://till:p%40ss@mail.example.com", 25, False, False),
    ],
)
def test_a_mail_server_is_read(env, url, port, is_tls, is_ssl):
    assert env(read.mail_server, url) == {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": "mail.example.com",
        "EMAIL_PORT": port,
        "EMAIL_HOST_USER": "till",
        "EMAIL_HOST_PASSWORD": "p@ss",
        "EMAIL_USE_TLS": is_tls,
        "EMAIL_USE_SSL": is_ssl,
    }


def test_a_mail_server_needs_no_password(env):
    found = env(read.mail_server, "smtp://127.0.0.1:1025")
    assert (found["EMAIL_HOST_USER"], found["EMAIL_HOST_PASSWORD"], found["EMAIL_PORT"]) == ("", "", 1025)


@pytest.mark.parametrize(
    "url",
    ["mail.example.com", "smtp://", "smtps://u:hunter2@mail.example.com", "http://u:hunter2@mail.example.com",
     "smtp://u:hunter2@mail.example.com:99999", "smtp://u:hunter2@mail.example.com:abc", "consolemail://",
     "smtp://u:hunter2@mail.example.com/folder", "smtp://u:hunter2@mail.example.com?timeout=1", "SMTP", " "],
)  # fmt: skip
def test_any_other_mail_server_stops_the_start_without_being_repeated(env, url):
    with pytest.raises(ImproperlyConfigured, match=r"NAME: write smtp\+tls://") as refused:
        env(read.mail_server, url)
    assert "hunter2" not in str(refused.value)


def test_who_sends_is_an_address_with_or_without_a_name(env):
    for told in ("Till <till@pay.example.com>", "till@pay.example.com"):
        assert env(read.mail_sender, told, default="d@example.com") == told
    assert env(read.mail_sender, "", default="d@example.com") == "d@example.com"


@pytest.mark.parametrize("told", ["Till", "till@", "Till <till>", "@example.com"])
def test_a_sender_that_is_no_address_stops_the_start(env, told):
    with pytest.raises(ImproperlyConfigured, match="NAME"):
        env(read.mail_sender, told, default="d@example.com")


def test_people_to_tell_are_a_comma_list(env):
    assert env(read.mail_addresses, "") == []
    assert env(read.mail_addresses, " desk@example.com,ops@example.com, ") == ["desk@example.com", "ops@example.com"]


@pytest.mark.parametrize("told", ["desk", "desk@example.com;ops@example.com", "Desk <desk@example.com>", "a@b.c, x"])
def test_one_that_is_no_address_stops_the_start(env, told):
    with pytest.raises(ImproperlyConfigured, match="NAME"):
        env(read.mail_addresses, told)


def test_without_a_server_mail_stands_in_the_log(settings, env, caplog):
    settings.EMAIL_BACKEND = env(read.mail_server, "")["EMAIL_BACKEND"]
    with caplog.at_level("WARNING", logger="till.mail"):
        assert mail.send_mail("Subject", "first\nsecond", None, ["desk@example.com"]) == 1
    assert "Subject: first" in caplog.text
    assert "second" in caplog.text


def test_named_staff_without_a_server_are_a_warning(settings):
    settings.STAFF_NOTICE_EMAILS = ["desk@example.com"]
    assert check_notices_reach_staff() == []
    settings.EMAIL_BACKEND = read.LOG_MAIL
    assert [message.id for message in check_notices_reach_staff()] == ["till.W003"]
    settings.STAFF_NOTICE_EMAILS = []
    assert check_notices_reach_staff() == []
