"""What a fake of a gateway's REST server stands on: real sockets, and failures by script."""

import json
import re
import socket
import struct
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

ENDINGS = ("timeout", "timeout_after", "reset", "reset_after", "busy", "nonsense", "down", "error", "error_after")


def form_of(text):
    """Form fields with brackets as nested values: `a[b]=1` is {"a": {"b": "1"}}, `a[0]=1` and `a[]=1` lists."""
    nested = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        path = re.findall(r"[^\[\]]+|\[\]", name)
        place = nested
        for step in path[:-1]:
            place = place.setdefault(step, {})
        place[len(place) if path[-1] == "[]" else path[-1]] = value
    return _listed(nested)


def _listed(value):
    if not isinstance(value, dict):
        return value
    if value and all(str(name).isdigit() for name in value):
        return [_listed(value[name]) for name in sorted(value, key=int)]
    return {name: _listed(inner) for name, inner in value.items()}


class Api:
    """Answers `/v1/…` by `answer` and all else by `page`; `calls` are the requests, as (method, path, params, headers).

    `fail` puts the next requests to a path wrong: before it acts (timeout, reset, error), after (the same with
    `_after`), or without looking (busy, down, nonsense).
    """

    def __init__(self):
        self.calls, self._faults, self._over, self._lock = [], [], threading.Event(), threading.RLock()
        handler = type("Handler", (_Handler,), {"api": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.origin = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=[0.05], daemon=True)
        self._thread.start()

    def hurry(self):
        """Called before an answer is held back: whoever asks need not wait long."""

    def close(self):
        self._over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def fail(self, how, on, *, times=1):
        """The next requests like `POST /v1/refunds` (a pattern) end in this way."""
        assert how in ENDINGS
        if how.startswith("timeout"):
            self.hurry()
        self._faults += [(how, on)] * times

    def take_fault(self, method, path, *kinds):
        """The fault that is due for this request, if it is of these kinds; it is used up."""
        for fault in self._faults:
            if fault[0] in kinds and re.fullmatch(fault[1], f"{method} {path}"):
                self._faults.remove(fault)
                return fault[0]
        return ""

    def made(self, method, pattern):
        """Params of the requests that came in."""
        return [call[2] for call in self.calls if call[0] == method and re.fullmatch(pattern, call[1])]


class _Handler(BaseHTTPRequestHandler):
    protocol_version, timeout, api = "HTTP/1.1", 20, None

    def do_GET(self):
        self._serve()

    def do_POST(self):
        self._serve()

    def _serve(self):
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
        headers = {name.lower(): text for name, text in self.headers.items()}
        if not parts.path.startswith("/v1/"):
            with self.api._lock:
                status, more, text = self.api.page(self.command, parts.path, form_of(body))
            self._say(status, {"Content-Type": "text/html; charset=utf-8", **more}, text)
            return
        params = form_of(body or parts.query)
        self.api.calls.append((self.command, parts.path, params, headers))
        fault = self.api.take_fault(
            self.command, parts.path, "timeout", "timeout_after", "reset", "reset_after", "busy", "nonsense", "down"
        )
        if fault in ("", "timeout_after", "reset_after"):
            with self.api._lock:
                answer = self.api.answer(self.command, parts.path, params, headers)
        if fault in ("timeout", "timeout_after"):
            self.api._over.wait(5)
            self.close_connection = True
        elif fault in ("reset", "reset_after"):
            self._reset()
        elif fault == "busy":
            self._json(429, {}, {"error": {"type": "invalid_request_error", "code": "rate_limit", "message": "Slow."}})
        elif fault == "down":
            self._json(503, {}, {"error": {"type": "api_error", "message": "Down."}})
        elif fault == "nonsense":
            self._say(200, {"Content-Type": "text/html"}, "<html>It works!</html>")
        else:
            self._json(*answer)

    def _reset(self):
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def _json(self, status, headers, body):
        self._say(status, {"Content-Type": "application/json", "Request-Id": "req_fake", **headers}, json.dumps(body))

    def _say(self, status, headers, text):
        body = text.encode()
        with suppress(OSError):
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *told):
        """Say nothing: the calls are kept."""
