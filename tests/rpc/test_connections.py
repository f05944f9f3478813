"""Open connections and the web server's threads: whatever gRPC clients do or leave undone, no page waits for it."""

import signal
import socket
import time
import urllib.error
import urllib.request
from contextlib import ExitStack, contextmanager, suppress

import grpc
import h2.config
import h2.connection
import h2.events
import h2.settings
import pytest

from tests.proof.processes import children_of, gunicorn, wait_for
from tests.rpc.clients import by_grpcio
from tests.rpc.conftest import SERVICE

pytestmark = pytest.mark.django_db(transaction=True)

THREADS = 4
TOO_MANY = 2 * THREADS + 1
FAST_S = 2
ONE_PROCESS = {"WEB_CONCURRENCY": "1", "WEB_THREADS": str(THREADS)}
REQUEST = [(":method", "GET"), (":path", "/readyz"), (":scheme", "http"), (":authority", "127.0.0.1")]
NO_ERROR, ENHANCE_YOUR_CALM = 0, 11


class Http2:
    """A client of HTTP/2 that does no more than it is told."""

    def __init__(self, url, **settings):
        host, _, port = url.removeprefix("http://").partition(":")
        self.socket = socket.create_connection((host, int(port)))
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
        self.h2.local_settings = h2.settings.Settings(client=True, initial_values=settings.get("values"))
        self.h2.initiate_connection()
        self.flush()

    def flush(self):
        self.socket.sendall(self.h2.data_to_send())

    def request(self, *, is_whole):
        self.h2.send_headers(1, REQUEST, end_stream=is_whole)
        self.flush()

    def ping(self):
        self.h2.ping(b"12345678")
        self.flush()

    def wait_until_read(self):
        """Until the server has read all that we sent: it answers a ping behind it."""
        self.ping()
        while data := self.receive():
            if any(isinstance(event, h2.events.PingAckReceived) for event in self.h2.receive_data(data)):
                return

    def receive(self, timeout_s=20):
        self.socket.settimeout(timeout_s)
        return self.socket.recv(65_536)

    def end(self, timeout_s=20):
        """The code of the server's good-bye, once it has closed the connection."""
        codes = []
        while data := self.receive(timeout_s):
            events = self.h2.receive_data(data)
            codes += [event.error_code for event in events if isinstance(event, h2.events.ConnectionTerminated)]
        return codes[0]


@contextmanager
def many(number, url, then=lambda client: None, **settings):
    """So many clients that open HTTP/2 and then do one thing."""
    with ExitStack() as stack:
        clients = [Http2(url, **settings) for _ in range(number)]
        for client in clients:
            stack.callback(client.socket.close)
            then(client)
        yield clients


@contextmanager
def warm_gunicorn(options=""):
    """One process that has answered its first call, which takes longer than others."""
    with gunicorn(**ONE_PROCESS, GUNICORN_CMD_ARGS=options) as (url, process):
        ask(f"{url}{SERVICE}/VerifyPayment", b"{}")
        yield url, process


def ask(url, body=None):
    """The status by HTTP/1.1."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, {"content-type": "application/json"})) as answer:
            return answer.status
    except urllib.error.HTTPError as refusal:
        return refusal.code


def assert_pages_are_fast(url):
    for _ in range(3):
        for path, body, status in (("/readyz", None, 200), (f"{SERVICE}/VerifyPayment", b"{}", 401)):
            began = time.monotonic()
            assert ask(url + path, body) == status
            assert time.monotonic() - began < FAST_S


def grpc_code(url, caller):
    return by_grpcio(url, "VerifyPayment", {"order_id": "nothing"}, caller.headers).code


def assert_grpc_answers(url, caller):
    assert grpc_code(url, caller) == "not_found"


def test_silent_clients_keep_nobody_waiting_and_are_closed_when_idle(caller):
    with warm_gunicorn("--keep-alive 3 --timeout 6") as (url, process):
        workers = children_of(process.pid)
        with many(TOO_MANY, url) as silent:
            assert_pages_are_fast(url)
            assert_grpc_answers(url, caller)
            assert [client.end() for client in silent] == [NO_ERROR] * TOO_MANY
        assert_grpc_answers(url, caller)
        assert_pages_are_fast(url)
        assert children_of(process.pid) == workers  # none was killed for being slow


def test_pings_do_not_keep_a_connection_that_makes_no_calls(caller):
    with warm_gunicorn("--keep-alive 1") as (url, _), many(1, url) as (client,):

        def is_closed():
            try:
                client.ping()
            except OSError:
                return True
            return False

        wait_for(is_closed, "the end of a connection that only pings", timeout_s=8)


def test_clients_that_never_finish_a_request_keep_nobody_waiting(caller):
    with (
        warm_gunicorn() as (url, _),
        many(TOO_MANY, url, lambda client: client.request(is_whole=False)),
    ):
        assert_pages_are_fast(url)
        assert_grpc_answers(url, caller)


def test_clients_that_take_no_answer_keep_no_page_waiting(caller):
    """They do hold the threads for HTTP/2, for twenty seconds each."""
    no_window = {h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 0}
    with (
        warm_gunicorn() as (url, _),
        many(TOO_MANY, url, lambda client: client.request(is_whole=True), values=no_window),
    ):
        time.sleep(1)
        assert_pages_are_fast(url)


def test_clients_that_say_nothing_at_all_keep_nobody_waiting(caller):
    """Browsers open such connections on suspicion."""
    with warm_gunicorn() as (url, _), ExitStack() as stack:
        host, _, port = url.removeprefix("http://").partition(":")
        for _ in range(TOO_MANY):
            stack.enter_context(socket.create_connection((host, int(port))))
        assert_pages_are_fast(url)
        assert_grpc_answers(url, caller)


def test_the_most_idle_of_a_hundred_makes_room_for_another(caller):
    with warm_gunicorn("--keep-alive 60") as (url, _), many(100, url) as silent:
        assert_grpc_answers(url, caller)
        assert_pages_are_fast(url)
        ended = []
        for client in silent:
            with suppress(TimeoutError):
                ended.append(client.end(timeout_s=0.02))
        assert ended == [NO_ERROR]


def test_while_a_hundred_are_at_it_another_is_turned_away(caller):
    with warm_gunicorn() as (url, _), many(100, url, lambda client: client.request(is_whole=False)) as busy:
        for client in busy:
            client.wait_until_read()
        with many(1, url) as (another,):
            assert another.end() == ENHANCE_YOUR_CALM
        assert_pages_are_fast(url)
        for client in busy[:50]:
            client.socket.close()
        wait_for(lambda: grpc_code(url, caller) == "not_found", "room")


@pytest.mark.slow
def test_a_call_is_served_on_a_channel_that_was_idle_for_long(caller):
    with (
        warm_gunicorn("--keep-alive 1") as (url, _),
        grpc.insecure_channel(url.removeprefix("http://")) as channel,
    ):
        stub = channel.unary_unary(f"{SERVICE}/VerifyPayment")
        for pause_s in (0, 0.99, 1, 1.01, 1.5, 2, 2.5):  # around the moment when the server closes it
            time.sleep(pause_s)
            with pytest.raises(grpc.RpcError) as refused:
                stub(b"", timeout=10)
            assert refused.value.code() == grpc.StatusCode.UNAUTHENTICATED


def test_a_stopping_server_says_good_bye_and_is_gone_soon(caller):
    with warm_gunicorn("--keep-alive 60") as (url, process), many(TOO_MANY, url) as silent:
        assert_grpc_answers(url, caller)
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert [client.end() for client in silent] == [NO_ERROR] * TOO_MANY
        assert process.wait(timeout=20) == 0
        assert time.monotonic() - began < 6


def test_an_upgrade_from_http_1_is_declined():
    """A proxy that relays it for strangers would open a tunnel past its own rules."""
    asked = (
        b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n"
    )
    with warm_gunicorn() as (url, _):
        host, _, port = url.removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port)), timeout=5) as client:
            client.sendall(asked)
            assert client.recv(65_536).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    ("proxies", "expected"),
    [
        ("", {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED}),
        ("10.9.8.7", {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED}),
        ("127.0.0.1", {grpc.StatusCode.UNAUTHENTICATED}),
    ],
)
def test_behind_https_only_trusted_proxies_speak_http_2(proxies, expected):
    over = {"PUBLIC_URL": "https://pay.example.com", "ALLOWED_HOSTS": "127.0.0.1", "TRUSTED_PROXIES": proxies}
    with gunicorn(**ONE_PROCESS, **over) as (url, _), grpc.insecure_channel(url.removeprefix("http://")) as channel:
        stub = channel.unary_unary(f"{SERVICE}/VerifyPayment")
        with pytest.raises(grpc.RpcError) as refused:
            stub(b"", timeout=5, metadata=(("x-forwarded-proto", "https"),))
    assert refused.value.code() in expected
