"""How gateways' servers are called: an answer comes whole, in time and in bounds, or it is none."""

import itertools
import socket
import threading
import time

import pytest

from payments.gateways import transport
from payments.gateways.base import Unanswered

PATIENCE_S = 0.5
HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n"


@pytest.fixture
def served():
    """Start a server that sends these pieces to whoever calls, one each 0.1 s; its address."""
    over = threading.Event()
    threads = []

    def serve(pieces):
        listener = socket.create_server(("127.0.0.1", 0))

        def answer():
            with listener, listener.accept()[0] as caller:
                caller.recv(65_536)
                for piece in pieces:
                    try:
                        caller.sendall(piece)
                    except OSError:
                        return
                    if over.wait(0.1):
                        return

        threads.append(threading.Thread(target=answer))
        threads[-1].start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}/"

    yield serve
    over.set()
    for thread in threads:
        thread.join()


def call(url, patience_s=PATIENCE_S):
    with transport.session(patience_s, patience_s) as http:
        return http.get(url)


def test_a_whole_answer_is_handed_on(served):
    answer = call(served([HEAD, b"\r\n", b"{", b"}"]), patience_s=20)
    assert (answer.status_code, answer.json()) == (200, {})


@pytest.mark.parametrize(
    "pieces",
    [
        lambda: itertools.chain([b"HTTP/1.1 200 OK\r\n"], (b"x-%d: y\r\n" % n for n in itertools.count())),
        lambda: itertools.repeat(b"HTTP/1.1 100 Continue\r\n\r\n"),
        lambda: itertools.chain([b"HTTP/1.1 200 OK\r\n\r\n"], itertools.repeat(b" ")),
        lambda: itertools.chain(
            [b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"], itertools.repeat(b"1\r\nx\r\n")
        ),
    ],
    ids=["head", "continue", "body", "chunks"],
)
def test_whoever_drips_is_cut_off_in_time(served, pieces):
    url, begun = served(pieces()), time.monotonic()
    with pytest.raises(Unanswered):
        call(url)
    assert time.monotonic() - begun < 20 * PATIENCE_S


def test_an_answer_that_is_too_long_is_not_read_to_its_end(served):
    flood = [b"HTTP/1.1 200 OK\r\n\r\n", b" " * (transport.READ_AT_MOST + 1)]
    with pytest.raises(Unanswered, match="too long"):
        call(served(flood))


def test_nobody_is_followed_elsewhere(served):
    with pytest.raises(Unanswered, match="302"):
        call(served([b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:9/\r\ncontent-length: 0\r\n\r\n"]))


def test_where_nobody_is_nothing_was_sent():
    with pytest.raises(transport.NeverConnected):
        call("http://127.0.0.1:9/")
