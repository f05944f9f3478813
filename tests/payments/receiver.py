"""A merchant's server for tests: real sockets on 127.0.0.1, which keep what comes in and answer as they are told."""

import http.client
import io
import socket
import threading
import time
from contextlib import contextmanager, suppress

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
HANG = "hang"


def answer(status, *headers, body=b""):
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def drip(first, piece, *, every=0.05, times=400):
    """An answer that never ends: some bytes at once, then a few at a time."""
    yield first
    for _ in range(times):
        time.sleep(every)
        yield piece


class Receiver:
    """Keeps each request as (path, headers, body). `answers` are sent one after the other, the last for ever."""

    def __init__(self, *answers, tls=None):
        self.answers, self.tls = list(answers) or [OK], tls
        self.requests, self.arrived, self.busiest, self._busy = [], [], 0, 0
        self._lock, self._over = threading.Lock(), threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def origin(self):
        return f"http{'s' if self.tls else ''}://127.0.0.1:{self.port}"

    def _accept(self):
        with suppress(OSError):
            while True:
                sock, _ = self.listener.accept()
                thread = threading.Thread(target=self._serve, args=[sock], daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self, sock):
        sock.settimeout(20)
        with suppress(OSError, IndexError), sock:  # they went away before they had said anything
            if self.tls:
                sock = self.tls.wrap_socket(sock, server_side=True)
            with sock:
                self._talk(sock)

    def _talk(self, sock):
        with sock.makefile("rb") as stream:
            path = stream.readline().decode().split(" ")[1]
            headers = http.client.parse_headers(stream)
            body = stream.read(int(headers.get("content-length", 0)))
        with self._lock:
            self._busy += 1
            self.busiest = max(self.busiest, self._busy)
            self.requests.append((path, {name.lower(): text for name, text in headers.items()}, body))
            self.arrived.append(time.monotonic())
            said = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        try:
            self._say(sock, said() if callable(said) else said)
        finally:
            with self._lock:
                self._busy -= 1

    def _say(self, sock, said):
        if said == HANG:
            self._over.wait(20)
            return
        for piece in io.BytesIO(said).readlines() if isinstance(said, bytes) else said:
            if self._over.is_set():
                return
            sock.sendall(piece)

    def close(self):
        self._over.set()
        with suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for thread in self._threads:
            thread.join(5)


@contextmanager
def receiving(*answers, tls=None):
    receiver = Receiver(*answers, tls=tls)
    try:
        yield receiver
    finally:
        receiver.close()
