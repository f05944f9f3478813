"""The one way we send HTTP to addresses that merchants name: to the address that was judged, and never for long."""

import contextlib
import http.client
import ipaddress
import queue
import re
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

CONNECT_S = 5.0
"""For a name's addresses, and then for each connection."""
LOOKUP_AT_SAVE_S = 2.0
"""Somebody waits, and a request under an idempotency key holds a transaction open meanwhile."""
TOTAL_S = 15.0
"""From the lookup of the name to the last byte of the answer: however slowly it drips."""
READ_AT_MOST = 65_536
_TOO_LONG = f"it took longer than {TOTAL_S:.0f} seconds"
PORTS = frozenset({80, 443, 8443})
_NAME = re.compile(
    r"(?=.{1,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,62}", re.IGNORECASE | re.ASCII
)
_V6_INTERNET = ipaddress.ip_network("2000::/3")
"""All of IPv6 that is given out for the Internet: NAT64, mapped, compatible and site-local addresses lie outside."""
_V6_TUNNELS = [ipaddress.ip_network(text) for text in ("2002::/16", "2001::/32", "3fff::/20")]
"""6to4 and Teredo carry an IPv4 address inside, which our own network might unwrap; the last is for books."""


class Blocked(Exception):
    """The address is one we do not call: private, local, or not what an address of a web server looks like."""


class Unanswered(Exception):
    """No whole answer came: refused, reset, a bad certificate, or too slow. `is_late` if we stopped waiting."""

    def __init__(self, reason: str, *, is_late: bool = False) -> None:
        super().__init__(reason)
        self.is_late = is_late


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: at most 64 KiB are read."""

    status: int
    body: bytes
    retry_after: str


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public Internet."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped:
            ip = ip.ipv4_mapped
        elif ip.scope_id or ip not in _V6_INTERNET or any(ip in tunnel for tunnel in _V6_TUNNELS):
            return False
    return ip.is_global and not ip.is_multicast


def judge_form(url: str, *, allow_private: bool) -> None:
    """Refuse an address by how it is written, before any name is looked up. Raises Blocked."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise Blocked("it is no address of a web server") from None
    if parts.scheme not in ("http", "https") or "@" in parts.netloc or not host or port == 0:
        raise Blocked("write an address like https://shop.example.com/hook, without a user name")
    if allow_private:
        return
    if (port or {"http": 80, "https": 443}[parts.scheme]) not in PORTS:
        raise Blocked("the port must be 443, 8443 or, in test mode, 80")
    if not _NAME.fullmatch(host):
        _judge_literal(host)


def _judge_literal(host: str) -> None:
    """A host that is no name with a dot and a top level of letters may only be a public address, plainly written."""
    try:
        public = is_public(host)
    except ValueError:
        raise Blocked("the host must be a full name, like shop.example.com") from None
    if not public:
        raise Blocked("it leads into a private or local network")


def judge(url: str, *, allow_private: bool) -> None:
    """Refuse an address that we would not call now; a name that does not resolve yet passes. Raises Blocked."""
    judge_form(url, allow_private=allow_private)
    try:
        _addresses(url, allow_private=allow_private, within_s=LOOKUP_AT_SAVE_S)
    except Unanswered:
        return


def _addresses(url: str, *, allow_private: bool, within_s: float) -> list[str]:
    """Every address of the host, all of them judged: one bad one is enough. Raises Blocked, Unanswered."""
    parts = urlsplit(url)
    addresses = _looked_up(parts.hostname or "", parts.port or 0, within_s=within_s)
    if not allow_private and not all(map(is_public, addresses)):
        raise Blocked("it leads into a private or local network")
    return addresses


def _looked_up(host: str, port: int, *, within_s: float) -> list[str]:
    """The addresses of a name. Raises Unanswered.

    The system's lookup takes no time-out, and a name server that keeps it waiting is the merchant's own: so it runs in
    a thread that we leave behind when its time is up, and that ends when the system gives up.
    """
    found: queue.SimpleQueue[list[str]] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            entries = []
        found.put([str(entry[4][0]) for entry in entries])

    threading.Thread(target=look_up, daemon=True).start()
    try:
        addresses = found.get(timeout=within_s)
    except queue.Empty:
        raise Unanswered("its name servers did not answer in time", is_late=True) from None
    if not addresses:
        raise Unanswered("its name does not resolve")
    return addresses


def post(url: str, body: bytes, headers: Mapping[str, str], *, allow_private: bool) -> Answer:
    """Send a POST to one of the addresses that were judged just now. Redirects are not followed.

    Raises Blocked, and Unanswered where no whole answer came within the time.
    """
    judge_form(url, allow_private=allow_private)
    deadline = _Deadline(TOTAL_S)
    addresses = _addresses(url, allow_private=allow_private, within_s=min(CONNECT_S, deadline.left))
    try:
        connection = _connected(url, addresses, deadline)
        answer = _exchange(connection, url, body, headers, deadline)
    except (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError, ValueError) as fault:
        raise Unanswered(_reason(fault, deadline), is_late=deadline.has_passed or _is_timeout(fault)) from None
    finally:
        deadline.stop()
    if deadline.has_passed:
        raise Unanswered(_TOO_LONG, is_late=True)
    return answer


def _connected(url: str, addresses: list[str], deadline: "_Deadline") -> HTTPConnection:
    """To the first of the judged addresses that can be reached at all."""
    for address in addresses[:-1]:
        connection = _connection(url, address, deadline)
        try:
            connection.connect()
        except (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError):
            continue
        return connection
    connection = _connection(url, addresses[-1], deadline)
    connection.connect()
    return connection


def _exchange(
    connection: HTTPConnection, url: str, body: bytes, headers: Mapping[str, str], deadline: "_Deadline"
) -> Answer:
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    told = {**headers, "host": parts.netloc, "connection": "close"}
    with contextlib.closing(connection):
        connection.timeout = deadline.left
        connection.request("POST", target, body=body, headers=told, preload_content=False, decode_content=False)
        with contextlib.closing(connection.getresponse()) as answer:
            return Answer(answer.status, answer.read(READ_AT_MOST), answer.headers.get("retry-after", ""))


def _connection(url: str, address: str, deadline: "_Deadline") -> HTTPConnection:
    """To the address that was judged, but for TLS and the certificate to the name."""
    parts = urlsplit(url)
    patience = min(CONNECT_S, deadline.left)
    if parts.scheme == "http":
        plain = _Plain(address, parts.port or 80, timeout=patience)
        plain.deadline = deadline
        return plain
    secure = _Secure(
        address,
        parts.port or 443,
        timeout=patience,
        server_hostname=parts.hostname,
        cert_reqs="CERT_REQUIRED",
        ssl_context=ssl.create_default_context(),
    )
    secure.deadline = deadline
    return secure


class _Deadline:
    """Cuts a connection off when its whole time is up: a time-out per read never ends for one who drips."""

    def __init__(self, seconds: float) -> None:
        self.ends = time.monotonic() + seconds
        self.timer: threading.Timer | None = None
        self.handle: socket.socket | None = None

    @property
    def left(self) -> float:
        return max(self.ends - time.monotonic(), 0.01)

    @property
    def has_passed(self) -> bool:
        return time.monotonic() >= self.ends

    def watch(self, sock: socket.socket) -> None:
        """Cut this connection in time, by a handle of our own: TLS takes the socket over and hides it."""
        self.handle = sock.dup()
        self.timer = threading.Timer(self.left, _cut, [self.handle])
        self.timer.daemon = True
        self.timer.start()

    def stop(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer.join()
        if self.handle is not None:
            self.handle.close()


def _cut(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


class _Watched:
    """Watches the connection from before the TLS handshake on, which can drip too."""

    deadline: _Deadline

    def _new_conn(self) -> socket.socket:
        sock: socket.socket = super()._new_conn()  # type: ignore[misc]
        self.deadline.watch(sock)
        return sock


class _Plain(_Watched, HTTPConnection):
    pass


class _Secure(_Watched, HTTPSConnection):
    pass


def _is_timeout(fault: Exception) -> bool:
    """Whether we were kept waiting; urllib3 counts a refused connection among its time-outs."""
    timeouts = (TimeoutError, urllib3.exceptions.TimeoutError)
    return isinstance(fault, timeouts) and not isinstance(fault, urllib3.exceptions.NewConnectionError)


def _reason(fault: Exception, deadline: _Deadline) -> str:
    """In words for a log that the merchant reads."""
    if deadline.has_passed:
        return _TOO_LONG
    if _is_timeout(fault):
        return "it did not answer in time"
    if isinstance(fault, (ssl.SSLError, urllib3.exceptions.SSLError)):
        return "its TLS certificate is not valid for that name"
    return "the connection failed"
