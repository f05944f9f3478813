"""Addresses merchants give us: judged as raw characters first, because parsers repair what attackers write."""

import re
from urllib.parse import quote, urlsplit, urlunsplit

from django.conf import settings

from payments import outgoing
from payments.errors import BadInput

MAX_LENGTH = 250
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
PLACEHOLDER = "{order_id}"
_VISIBLE_ASCII = re.compile(r"[\x21-\x7e]+")
_AUTHORITY = re.compile(r"(https?)://([a-z0-9.-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?(?=[/?]|\Z)", re.IGNORECASE)
_DEFAULT_PORT = {"http": 80, "https": 443}


def origin_of(field: str, url: str) -> str:
    """Scheme, host and port of an absolute URL without user name, backslash or fragment. Raises BadInput.

    urlsplit drops tabs and newlines and browsers read a backslash as a slash, so both are refused before it sees them.
    """
    found = _AUTHORITY.match(url) if len(url) <= MAX_LENGTH and _VISIBLE_ASCII.fullmatch(url) else None
    if found is None or "\\" in url or "#" in url:
        raise BadInput(
            field,
            "url_invalid",
            f"{field}: write an absolute address like https://shop.example.com/return, at most {MAX_LENGTH} "
            "characters, without a user name, spaces, backslashes or a #fragment.",
        )
    scheme, host = found[1].lower(), found[2].lower()
    port = int(found[3][1:]) if found[3] else _DEFAULT_PORT[scheme]
    if not 0 < port <= 65535:
        raise BadInput(field, "url_invalid", f"{field}: write a port from 1 to 65535, or none.")
    return f"{scheme}://{host}" if port == _DEFAULT_PORT[scheme] else f"{scheme}://{host}:{port}"


def check_return_url(url: str, *, origins: list[str], live: bool) -> None:
    """Refuse a return URL whose origin the merchant has not registered. Raises BadInput."""
    origin = origin_of("return_url", url)
    if live and origin.startswith("http://"):
        raise BadInput("return_url", "return_url_not_allowed", "return_url: live orders need https.")
    if origin not in origins:
        raise BadInput(
            "return_url",
            "return_url_not_allowed",
            f"return_url: {origin} is not registered for this merchant; ask staff to add it to its return origins.",
        )


def terms_url(url: str, *, live: bool) -> str:
    """Where a merchant's terms stand: by https; in test mode also on one's own machine. Raises BadInput."""
    origin = origin_of("terms_url", url)
    is_own_machine = urlsplit(origin).hostname in LOOPBACK
    if origin.startswith("http://") and (live or not is_own_machine):
        raise BadInput("terms_url", "terms_url_not_allowed", "terms_url: write an address that starts with https://.")
    found = _AUTHORITY.match(url)
    return origin + url[found.end() if found else 0 :]


def may_be_private(*, live: bool) -> bool:
    """Whether webhooks may go into private networks: only those of test keys, and only where the operator says so."""
    return bool(settings.WEBHOOK_ALLOW_PRIVATE) and not live


def why_not_called(url: str, *, live: bool) -> str:
    """Why we may not send webhooks to an address; nothing if we may, or if its form is for others to refuse.

    It asks a name server, which is the merchant's own and may be slow: not for inside a transaction.
    """
    try:
        outgoing.judge(url, allow_private=may_be_private(live=live))
    except outgoing.Blocked as refusal:
        return str(refusal)
    return ""


def check_notify_url(
    url: str, *, live: bool, field: str = "notify_url", is_new: bool = True, why_not: str | None = None
) -> None:
    """Refuse an address of webhooks that we would not call. A name that does not resolve yet passes: each sending
    judges it again. One that is not new was judged when it was saved: no name is looked up. `why_not` is what
    `why_not_called` said before, where the caller is in a transaction. Raises BadInput.
    """
    if origin_of(field, url).startswith("http://") and live:
        raise BadInput(field, f"{field}_invalid", f"{field}: live orders need https.")
    if not is_new:
        return
    refusal = why_not_called(url, live=live) if why_not is None else why_not
    if refusal:
        raise BadInput(field, f"{field}_not_allowed", f"{field}: we cannot call this address: {refusal}.")
    if not may_be_private(live=live) and origin_of(field, url) == settings.PUBLIC_URL:
        raise BadInput(field, f"{field}_not_allowed", f"{field}: this is our own address; write your server's.")


def finished_return_url(url: str, order_id: str) -> str:
    """Where the browser goes: `{order_id}` filled in, else set in the query. Never the outcome, never a name."""
    quoted = quote(order_id, safe="")
    if PLACEHOLDER in url:
        return url.replace(PLACEHOLDER, quoted)
    parts = urlsplit(url)
    kept = [pair for pair in parts.query.split("&") if pair and pair.partition("=")[0] != "order_id"]
    return urlunsplit(parts._replace(query="&".join([*kept, f"order_id={quoted}"])))
