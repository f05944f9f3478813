"""A stand-in for Till: a real HTTP server on loopback, so that the shop's client is tested with its time-outs."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from checkout.shop import client

SECRET = "never-show-this-secret"


@dataclass
class Seen:
    """One request as it arrived."""

    path: str
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> dict:
        return json.loads(self.raw)


@dataclass
class FakeTill:
    """What the stand-in answers next, and what it was asked."""

    status: int = 200
    raw: bytes = b"{}"
    location: str = ""
    seen: list[Seen] = field(default_factory=list)
    before_answer: Callable[[], object] = lambda: None
    url: str = ""

    def says(self, answer: object, status: int = 200) -> None:
        self.status, self.raw = status, json.dumps(answer).encode()

    def verifies(self, status: str, message: str = "Payment something", code: str = "200") -> None:
        self.says({"message": message, "code": code, "status": status})


def _handler(till: FakeTill) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["content-length"]))
            till.seen.append(Seen(self.path, {k.lower(): v for k, v in self.headers.items()}, raw))
            till.before_answer()
            self.send_response(till.status)
            self.send_header("content-length", str(len(till.raw)))
            if till.location:
                self.send_header("location", till.location)
            self.end_headers()
            self.wfile.write(till.raw)

        def log_message(self, *args: object) -> None:
            """Keep quiet."""

    return Handler


class Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """The shop hangs up on a slow answer; that is no error of the stand-in."""


@pytest.fixture
def till() -> Iterator[FakeTill]:
    fake = FakeTill()
    server = Server(("127.0.0.1", 0), _handler(fake))
    fake.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield fake
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def demo(till, settings, tmp_path) -> client.Demo:
    """The demo merchant's file, pointing at the stand-in."""
    settings.DEMO_FILE = tmp_path / "demo.json"
    settings.DEMO_FILE.write_text(
        json.dumps({"base_url": till.url + "/", "org_id": "org_1", "client_id": "cid", "client_secret": SECRET})
    )
    return client.read_demo()
