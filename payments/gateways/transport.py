"""HTTP to gateways' servers: an answer in whole and in time, or none. Imported only where a call is made."""

import http.client
import io
import socket
import time
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NewConnectionError

from payments.gateways.base import Unanswered

CONNECT_S, READ_S = 4.0, 15.0
"""To connect, and from then to the answer's last byte, however slowly it drips."""
READ_AT_MOST = 1024 * 1024
"""Bytes of an answer, unpacked; a list of a hundred objects is far from that."""
_PIECE = 64 * 1024


class NeverConnected(Unanswered):
    """No connection came about, so that nothing can have been sent."""


def session(connect_s: float | None = None, read_s: float | None = None) -> requests.Session:
    """A client of `requests` whose calls raise NeverConnected and Unanswered, and follow nobody elsewhere."""
    made = requests.Session()
    for scheme in ("https://", "http://"):
        made.mount(scheme, Transport(connect_s or CONNECT_S, read_s or READ_S))
    return made


class Transport(HTTPAdapter):
    """Sends once, with time limits of its own, and hands on nothing but a whole answer."""

    def __init__(self, connect_s: float, read_s: float) -> None:
        self.limits = connect_s, read_s
        super().__init__()

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _SecurePool}

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        options |= {"timeout": self.limits, "stream": True}
        try:
            response = super().send(request, *args, **options)
            body = _body_of(response)
        except requests.exceptions.ConnectionError as fault:
            if _was_never_connected(fault):
                raise NeverConnected("No connection came about.") from None
            raise Unanswered(type(fault).__name__) from None
        except requests.exceptions.RequestException as fault:
            raise Unanswered(type(fault).__name__) from None
        if 300 <= response.status_code < 400:
            raise Unanswered(f"{response.status_code} leads elsewhere")
        response._content = body  # what was read in pieces is what `requests` would have read at once
        return response


def _body_of(response: requests.Response) -> bytes:
    """All of it, read in pieces so that one that is too long is never held. Raises Unanswered."""
    body = bytearray()
    for piece in response.iter_content(_PIECE):
        body += piece
        if len(body) > READ_AT_MOST:
            response.close()
            raise Unanswered("The answer is too long.")
    return bytes(body)


def _was_never_connected(fault: requests.exceptions.ConnectionError) -> bool:
    reason = getattr(fault.args[0], "reason", None) if fault.args else None
    return isinstance(fault, requests.exceptions.ConnectTimeout) or isinstance(reason, NewConnectionError)


class _Until(io.RawIOBase):
    """A connection as it is read until a moment: time-outs for each read never end for one who drips."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, ends: float) -> None:
        self._raw, self._sock, self._ends = raw, sock, ends

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._ends - time.monotonic()
        if left <= 0:
            raise TimeoutError("The answer took too long.")
        self._sock.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Answer(http.client.HTTPResponse):
    """The time-out of its connection, meant for one read, counts for all of them together."""

    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        patience = sock.gettimeout()
        if patience is not None:
            self.fp = io.BufferedReader(_Until(self.fp.detach(), sock, time.monotonic() + patience))


class _Plain(HTTPConnection):
    response_class = _Answer


class _Secure(HTTPSConnection):
    response_class = _Answer


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _Secure
