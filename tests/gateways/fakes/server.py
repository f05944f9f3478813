"""A small HTTP server for pretend gateways: what it is told to do wrong it does wrong, the rest a subclass decides."""

import contextlib
import json
import re
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

PATIENCE_S = 2.0
"""How long tests' clients wait for an answer."""
NO = {"type": "invalid_request_error", "code": "BAD_REQUEST_ERROR", "message": "No.", "description": "No."}
"""An error in the shapes of all gateways at once."""
HANG_S = 3 * PATIENCE_S


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    query_text: str = ""

    @property
    def json(self) -> dict:
        return json.loads(self.body or b"{}")

    @property
    def form(self) -> dict[str, str]:
        return {name: values[-1] for name, values in parse_qs(self.body.decode(), keep_blank_values=True).items()}


@dataclass(frozen=True)
class Answered:
    status: int
    body: bytes
    kind: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    pause_s: float = 0
    """Before each of ten pieces of the body."""

    @classmethod
    def of(cls, told: object, status: int = 200, **headers: str) -> "Answered":
        return cls(status, json.dumps(told).encode(), headers=headers)

    @classmethod
    def page(cls, html: str, status: int = 200) -> "Answered":
        return cls(status, f"<!DOCTYPE html>{html}".encode(), "text/html; charset=utf-8")


@dataclass
class Fault:
    """What goes wrong with the next request that fits: `before` and `after` are time-outs on either side of the act,
    `reset` and `reset_after` a connection torn down, `error_before` and `error` a 500, `nonsense` a page where JSON is
    due, `drip` the truth bit by bit, `flood` the truth and two megabytes, `answer` something else than the truth,
    a number like `409` a no with this status.
    """

    method: str
    path: str
    kind: str
    answer: Answered | None = None


@dataclass
class FakeServer:
    """Serves in threads of its own until `stop`. `asked` is every request it got, in order.

    `bend` may put something else into each JSON that is answered.
    """

    asked: list[Asked] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    bend: Callable[[object], object] | None = None

    def __post_init__(self) -> None:
        self.lock = threading.RLock()
        self._stopped = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_for(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def stop(self) -> None:
        """Hang up on everybody. Twice is harmless."""
        self._stopped.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def pause(self, seconds: float) -> None:
        """Wait, unless everybody is hung up on."""
        self._stopped.wait(seconds)

    def act(self, asked: Asked) -> Answered:
        """Do what a request asks for."""
        raise NotImplementedError

    def break_down(self, asked: Asked) -> Answered:
        """The error of a server that fell over, before or after it acted."""
        return Answered.of({"error": {"code": "SERVER_ERROR", "description": "We are having a moment."}}, 500)

    def answer(self, asked: Asked) -> Answered | None:
        """The answer to a request; None to hang up without one."""
        with self.lock:
            self.asked.append(asked)
            fault = next((f for f in self.faults if f.method == asked.method and re.search(f.path, asked.path)), None)
            if fault is not None:
                self.faults.remove(fault)
            kind = fault.kind if fault else ""
            answer = (
                self.act(asked) if kind in ("", "after", "reset_after", "error", "nonsense", "drip", "flood") else None
            )
            if kind in ("error", "error_before"):
                return self.break_down(asked)
        if kind in ("before", "after"):
            self._stopped.wait(HANG_S)
            return None
        if kind == "reset_after":
            return None
        if kind == "nonsense":
            return Answered.page("<h1>Bad gateway</h1>", 200)
        if kind.isdigit():
            return Answered.of({"error": NO}, int(kind))
        if kind == "drip":
            return replace(answer, pause_s=PATIENCE_S / 3)
        if kind == "flood":
            return replace(answer, body=answer.body + b" " * 2 * 1024 * 1024)
        if self.bend and answer is not None and answer.kind == "application/json":
            return replace(answer, body=json.dumps(self.bend(json.loads(answer.body))).encode())
        return fault.answer if kind == "answer" else answer


def _handler_for(server: FakeServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        wbufsize = -1  # head and body in one piece, or the other side waits 40 ms for the second

        def handle(self) -> None:
            with contextlib.suppress(ConnectionError):  # whoever asked need not stay for all of it
                super().handle()

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = server.answer(Asked(self.command, parts.path, query, headers, body, parts.query))
            if answer is None:
                self._reset()
                return
            self.send_response(answer.status)
            self.send_header("content-type", answer.kind)
            self.send_header("content-length", str(len(answer.body)))
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            if answer.pause_s:
                self._drip(answer)
            else:
                self.wfile.write(answer.body)

        def _drip(self, answer: Answered) -> None:
            size = len(answer.body) // 10 + 1
            for start in range(0, len(answer.body), size):
                self.wfile.flush()
                server.pause(answer.pause_s)
                self.wfile.write(answer.body[start : start + size])

        do_POST = do_GET  # noqa: N815  (the base class calls it so)

        def _reset(self) -> None:
            """Tear the connection down, so that the other side reads no end but an error."""
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Tests are quiet."""

    return Handler
