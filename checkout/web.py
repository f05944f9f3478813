"""gunicorn's threaded worker, with threads for requests alone: a connection that only waits holds none.

gunicorn itself gives an HTTP/2 connection a thread for as long as it is open, so a handful of silent gRPC clients would
stop the pages. Here HTTP/2 connections wait in the poller, as kept-alive HTTP/1.1 ones do, and there are threads apart
for their requests, once these have come whole: whatever such clients do or leave undone, no page waits for it.

This leans on inner parts of gunicorn 27; tests/rpc/test_connections.py holds what we need of them.
"""

import socket
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from selectors import EVENT_READ
from typing import Any

from gunicorn.http2.errors import HTTP2Error, HTTP2ErrorCode
from gunicorn.http2.request import HTTP2Request
from gunicorn.http2.stream import StreamState
from gunicorn.workers.gthread import TConn, ThreadWorker

# A process has this many HTTP/2 connections at most, so that they never use up `worker_connections`.
MOST_HTTP2 = 100
# A new connection says something within this time.
FIRST_BYTES_S = 5.0
# An HTTP/2 request comes whole, and its answer is taken, within this time.
STALL_S = 20.0
# A request may send so much before anybody reads it: HTTP/2's own 65,535 bytes are short of the largest call we take.
LARGEST_BYTES = 131_071
# All requests that arrive on one connection together.
HELD_BYTES = 1_048_576
# A closed connection is read for so long, lest the kernel's reset overtake our last words.
LINGER_S = 2.0


@dataclass(slots=True)
class Calls:
    """The requests of one HTTP/2 connection. Either the main thread has it, parked, or one of the HTTP/2 threads."""

    arriving: dict[HTTP2Request, float] = field(default_factory=dict)  # until when each must be whole
    last_served: int = 0

    def pop_ready(self) -> list[HTTP2Request]:
        """Requests that have come whole or were called off."""
        return self._pop(lambda r: r.stream.body_complete or r.stream.state is StreamState.CLOSED)

    def pop_too_large(self) -> list[HTTP2Request]:
        """Requests that have used up their window; or all, if together they hold too much memory."""
        is_full = sum(request.stream.body_size for request in self.arriving) > HELD_BYTES
        return self._pop(lambda r: is_full or r.stream.body_size >= LARGEST_BYTES)

    def pop_late(self, now: float) -> list[HTTP2Request]:
        """Requests that took too long to come."""
        return self._pop(lambda r: now >= self.arriving[r])

    def _pop(self, is_asked: Callable[[HTTP2Request], bool]) -> list[HTTP2Request]:
        popped = [request for request in self.arriving if is_asked(request)]
        for request in popped:
            del self.arriving[request]
        return popped


class WebWorker(ThreadWorker):  # type: ignore[misc]
    """Everything but `answer` runs on the main thread or gives its thread back at once."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.http2: dict[TConn, Calls] = {}
        self.parked: set[TConn] = set()
        self.lingering: set[TConn] = set()

    def get_thread_pool(self) -> ThreadPoolExecutor:
        """Threads for HTTP/1.1; beside them those for HTTP/2, which start when the first is needed."""
        self.http2_threads = ThreadPoolExecutor(max_workers=max(1, self.cfg.threads // 2))
        return ThreadPoolExecutor(max_workers=self.cfg.threads)

    def run(self) -> None:
        super().run()
        self.http2_threads.shutdown(wait=False)

    def handle_quit(self, sig: int, frame: Any) -> None:
        self.http2_threads.shutdown(wait=False)
        super().handle_quit(sig, frame)

    # --- Which thread ---

    def enqueue_req(self, conn: TConn) -> None:
        if conn in self.http2:
            task = self.http2_threads.submit(self.answer, conn)
            task.add_done_callback(lambda done: self.method_queue.defer(self.finish_request, conn, done))
        elif conn.initialized or conn.data_ready:
            super().enqueue_req(conn)
        else:
            # Browsers open connections on suspicion: no thread waits for their first bytes.
            conn.timeout = time.monotonic() + FIRST_BYTES_S
            self.pending_conns.append(conn)
            self.poller.register(conn.sock, EVENT_READ, partial(self.on_pending_socket_readable, conn))

    def handle_http2(self, conn: TConn) -> bool:
        """A client opened HTTP/2. We are on a thread for pages: let finish_request park the connection."""
        return True

    def handle_h2c_upgrade(self, conn: TConn, req: Any, settings: Any) -> bool:
        """Answer by HTTP/1.1: a proxy that relays "Upgrade" would open a tunnel past its own rules."""
        return bool(self._keepalive_after(conn, self.handle_request(req, conn)))

    def finish_request(self, conn: TConn, task: "Future[Any]") -> None:
        fault = None if task.cancelled() else task.exception()
        if fault is not None:
            self.log.error("A connection failed", exc_info=fault)
        if task.cancelled() or fault is not None or not task.result():
            self.linger(conn)
        elif conn.is_http2:
            self.park(conn)
        else:
            super().finish_request(conn, task)

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: Exception) -> None:
        """A client that is gone before we could greet it is no error of ours."""
        if isinstance(exc, HTTP2Error):
            self.log.debug("HTTP/2 connection closed: %s", exc)
        else:
            super().handle_error(req, client, addr, exc)

    # --- HTTP/2 ---

    def park(self, conn: TConn) -> None:
        """Wait for the connection's next frames without a thread."""
        conn.sock.setblocking(False)
        if conn not in self.http2:
            if not self.has_room():
                conn.parser.close(HTTP2ErrorCode.ENHANCE_YOUR_CALM)
                self.linger(conn)
                return
            conn.parser.stream_timeout = STALL_S
            conn.set_timeout()
            self.http2[conn] = Calls()
        self.poller.register(conn.sock, EVENT_READ, partial(self.on_http2_readable, conn))
        self.parked.add(conn)

    def has_room(self) -> bool:
        """Whether one more connection may stay, for which the one that made no call for longest has to go."""
        if len(self.http2) >= MOST_HTTP2:
            idle = [conn for conn in self.parked if not self.http2[conn].arriving]
            if idle:
                self.dismiss(min(idle, key=lambda conn: float(conn.timeout)))
        return len(self.http2) < MOST_HTTP2

    def on_http2_readable(self, conn: TConn, sock: socket.socket) -> None:
        if conn not in self.parked:
            return  # dismissed to make room, by an earlier event of the same moment
        self.poller.unregister(sock)
        self.parked.remove(conn)
        self.enqueue_req(conn)

    def answer(self, conn: TConn) -> bool:
        """Take the frames that are there and answer what is whole. Says whether the connection stays open."""
        http2, calls = conn.parser, self.http2[conn]
        try:
            while True:
                for request in http2.receive_data():
                    calls.arriving[request] = time.monotonic() + STALL_S
                    if not request.stream.body_complete:
                        http2.acknowledge_data(request.stream.stream_id, LARGEST_BYTES - http2.initial_window_size)
                for request in calls.pop_ready():
                    self._serve_http2_stream(request, conn, http2)
                    calls.last_served = max(calls.last_served, request.stream.stream_id)
                    conn.set_timeout()  # by requests alone: pings do not keep a place
                for request in calls.pop_too_large():
                    # To a gRPC client this reads RESOURCE_EXHAUSTED.
                    http2.abort_stream(request.stream.stream_id, HTTP2ErrorCode.ENHANCE_YOUR_CALM)
                # Frames that came while an answer waited to be taken are in no socket, where the poller looks.
                if not http2._deferred_events:
                    return not http2.is_closed
        except (HTTP2Error, OSError) as fault:
            self.log.debug("HTTP/2 connection closed: %s", fault)
            return False

    # --- The end of connections ---

    def murder_pending(self) -> None:
        """Called at least once a second: end what is late, idle, or in the way of our own end."""
        super().murder_pending()
        now = time.monotonic()
        for conn in [*self.parked]:
            calls = self.http2[conn]
            for request in calls.pop_late(now):
                conn.parser.abort_stream(request.stream.stream_id, HTTP2ErrorCode.CANCEL)
            if not calls.arriving and (now >= conn.timeout or not self.alive):
                self.dismiss(conn)
        for conn in [conn for conn in self.lingering if now >= conn.timeout]:
            self.forget(conn)

    def dismiss(self, conn: TConn) -> None:
        """Name the last request we answered, so that the client may safely send any later one elsewhere."""
        self.poller.unregister(conn.sock)
        self.parked.remove(conn)
        conn.parser.close(last_stream_id=self.http2[conn].last_served)
        self.linger(conn)

    def linger(self, conn: TConn) -> None:
        """Say that we are done, and close when the client has too. gunicorn would wait for it on the main thread."""
        self.http2.pop(conn, None)
        conn.timeout = time.monotonic() + LINGER_S
        try:
            conn.sock.setblocking(False)
            conn.sock.shutdown(socket.SHUT_WR)
            self.poller.register(conn.sock, EVENT_READ, partial(self.drain, conn))
        except (OSError, ValueError):
            self.nr_conns -= 1
            conn.close()
        else:
            self.lingering.add(conn)

    def drain(self, conn: TConn, sock: socket.socket) -> None:
        try:
            is_over = not sock.recv(65_536)
        except BlockingIOError:
            return
        except OSError:
            is_over = True
        if is_over:
            self.forget(conn)

    def forget(self, conn: TConn) -> None:
        self.poller.unregister(conn.sock)
        self.lingering.remove(conn)
        self.nr_conns -= 1
        conn.close()
