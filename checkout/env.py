"""Readers of environment variables that refuse an odd value with a sentence that says what to write."""

import base64
import binascii
import ipaddress
import re
from email.utils import parseaddr
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.validators import validate_email

KEY_BYTES = 32
LOG_MAIL = "checkout.mail.LogBackend"
MAIL_PORTS = {"smtp": 25, "smtp+tls": 587, "smtp+ssl": 465}
"""Plain, STARTTLS, and TLS from the first byte. Not "smtps", which libraries understand in two ways."""


def strict_bool(env: environ.Env, name: str, *, default: bool) -> bool:
    """Read True or False. django-environ reads any unknown word as False; a payment service must not."""
    raw = str(env.str(name, default=str(default)))
    if raw not in ("True", "False"):
        raise ImproperlyConfigured(f"{name}={raw!r}: write True or False.")
    return raw == "True"


def integer(env: environ.Env, name: str, *, default: int, at_least: int, at_most: int) -> int:
    """Read a whole number within bounds, both included."""
    raw = env.str(name, default=str(default))
    if not re.fullmatch(r"[0-9]{1,9}", raw) or not at_least <= int(raw) <= at_most:
        raise ImproperlyConfigured(f"{name}={raw!r}: write a whole number from {at_least} to {at_most}.")
    return int(raw)


def one_of(env: environ.Env, name: str, *, choices: tuple[str, ...], default: str) -> str:
    """Read one word out of a closed list."""
    raw = str(env.str(name, default=default))
    if raw not in choices:
        raise ImproperlyConfigured(f"{name}={raw!r}: write one of {', '.join(choices)}.")
    return raw


def secret(env: environ.Env, name: str, *, at_least: int) -> str:
    """Read a secret of a minimum length in characters. The message never repeats the value."""
    raw = str(env.str(name, default=""))
    if len(raw) < at_least:
        raise ImproperlyConfigured(
            f"{name} is missing or shorter than {at_least} characters: put a random one in .env. "
            "`make run` writes a whole .env once; or use "
            "python3 -c 'import secrets; print(secrets.token_urlsafe(48))'"
        )
    return raw


def encryption_keys(env: environ.Env, name: str) -> list[bytes]:
    """Read a comma list of 32-byte keys in urlsafe base64: the first encrypts, all decrypt."""
    keys = []
    for raw in env.str(name, default="").split(","):
        try:
            key = base64.b64decode(raw.strip(), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if len(key) != KEY_BYTES:
            raise ImproperlyConfigured(
                f"{name}: write a comma list of keys of 32 bytes in urlsafe base64, the newest first. "
                "A new key: python3 -c 'import base64, secrets; "
                "print(base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())'"
            )
        keys.append(key)
    return keys


def origin(env: environ.Env, name: str, *, default: str) -> str:
    """Read an http or https origin: scheme, host and port only."""
    raw = env.str(name, default=default) or default
    found = re.fullmatch(r"(https?)://([a-z0-9.-]+|\[[0-9a-f:]+\])(:[0-9]{1,5})?/?", raw, flags=re.IGNORECASE)
    if found is None or not 0 < int((found[3] or ":1")[1:]) <= 65535:
        raise ImproperlyConfigured(f"{name}={raw!r}: write an origin like https://pay.example.com, without a path.")
    return raw.rstrip("/").lower()


def networks(env: environ.Env, name: str) -> list[str]:
    """Read a comma list of IP addresses of proxies whose forwarded headers may be believed."""
    raw = [word.strip() for word in env.str(name, default="").split(",") if word.strip()]
    for word in raw:
        try:
            ipaddress.ip_network(word)
        except ValueError:
            raise ImproperlyConfigured(
                f"{name}: {word!r} is not an IP address or network like 10.0.0.5 or 10.0.0.0/8."
            ) from None
    return raw


def mail_server(env: environ.Env, name: str) -> dict[str, Any]:
    """Read an SMTP server as Django's settings of mail; without one, mail is written to the log.

    The message never repeats the value, which holds a password.
    """
    raw = env.str(name, default="")
    if not raw:
        return {"EMAIL_BACKEND": LOG_MAIL}
    scheme = raw.partition("://")[0]
    try:
        found = environ.Env.email_url_config(raw)
    except (ImproperlyConfigured, ValueError):
        found = {}
    if scheme not in MAIL_PORTS or not found.get("EMAIL_HOST") or found["EMAIL_FILE_PATH"] or "OPTIONS" in found:
        raise ImproperlyConfigured(
            f"{name}: write smtp+tls://user:password@mail.example.com:587 with every odd character of user name and "
            "password percent-encoded; smtp+ssl:// for TLS from the first byte, smtp:// for none."
        )
    return {
        "EMAIL_BACKEND": found["EMAIL_BACKEND"],
        "EMAIL_HOST": found["EMAIL_HOST"],
        "EMAIL_PORT": found["EMAIL_PORT"] or MAIL_PORTS[scheme],
        "EMAIL_HOST_USER": found["EMAIL_HOST_USER"] or "",
        "EMAIL_HOST_PASSWORD": found["EMAIL_HOST_PASSWORD"] or "",
        "EMAIL_USE_TLS": scheme == "smtp+tls",
        "EMAIL_USE_SSL": scheme == "smtp+ssl",
    }


def mail_sender(env: environ.Env, name: str, *, default: str) -> str:
    """Read who our mail is from: an address, or a name with one as in `Till <till@example.com>`."""
    raw = str(env.str(name, default=""))
    if raw and not _is_mail_address(parseaddr(raw)[1]):
        raise ImproperlyConfigured(f"{name}={raw!r}: write an address like Till <till@pay.example.com>.")
    return raw or default


def mail_addresses(env: environ.Env, name: str) -> list[str]:
    """Read a comma list of mail addresses."""
    raw = [word.strip() for word in env.str(name, default="").split(",") if word.strip()]
    for word in raw:
        if not _is_mail_address(word):
            raise ImproperlyConfigured(f"{name}: {word!r} is no address like desk@example.com.")
    return raw


def _is_mail_address(word: str) -> bool:
    try:
        validate_email(word)
    except ValidationError:
        return False
    return True
