"""A worker that runs until it is told to stop."""

import fcntl
import logging
import os
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from django.conf import settings
from django.db import Error, close_old_connections

from checkout.worker.rounds import SENDERS, Rounds
from payments import clock, waking
from payments.services import workers

THREADS = 4
IDLE_S = 1.0
"""How long it waits if nothing wakes it: what becomes due by the clock alone waits this long at most."""
BEAT_S = 10.0
PATIENCE_S = 25
"""Given to jobs that run when it is told to stop. Managers of processes kill after 30 s or later."""
log = logging.getLogger("till.worker")


def is_alone() -> bool:
    """Whether no other long-running worker of this installation holds the lock; it is let go when the process ends."""
    settings.VAR_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(settings.VAR_DIR / "worker.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return False
    return True


class RunningWorker:
    """Rounds for ever: at once when something was committed, else every `idle_s` seconds."""

    def __init__(self, *, idle_s: float = IDLE_S) -> None:
        self.idle_s = idle_s
        self.is_stopping = False
        self.name = f"{socket.gethostname()[:80]}:{os.getpid()}"
        self.started_at = clock.now()
        self.bell = waking.Bell()
        self._next_beat_s = 0.0
        self._is_well = True

    def run(self) -> None:
        """Work until SIGTERM or SIGINT: then running jobs may end, and no new one begins."""
        over = threading.Event()
        listener = threading.Thread(target=waking.listen, args=[self.bell.ring, over], daemon=True)
        with ThreadPoolExecutor(THREADS) as pool, ThreadPoolExecutor(SENDERS) as senders:
            rounds = Rounds(pool, senders, on_end=self.bell.ring, beat=self.beat)
            for name in (signal.SIGTERM, signal.SIGINT):
                signal.signal(name, lambda *_: self._stop(rounds))
            listener.start()
            log.info("worker started with %s threads", THREADS)
            while not self.is_stopping:
                self.beat()
                self._round(rounds)
        over.set()
        listener.join()
        self._sign_off()
        rounds.collect()
        log.info("worker stopped after %s jobs", rounds.done)

    def _stop(self, rounds: Rounds) -> None:
        """Runs in the signal's handler, so it takes no lock."""
        if not self.is_stopping:
            # Its default is death, as by kill -9, for what waits longer: leases give that to the next worker.
            signal.alarm(PATIENCE_S)
        self.is_stopping = rounds.is_over = True
        self.bell.ring()

    def _round(self, rounds: Rounds) -> None:
        try:
            done = rounds.run()
        except Exception:
            log.exception("worker could not read what is due")
            self._is_well = False
            close_old_connections()
            self._rest()
            return
        self._is_well = True
        self.bell.wait(0 if done else self.idle_s)

    def _rest(self) -> None:
        """Wait although it rings: commits of others must not make a fault spin."""
        until_s = time.monotonic() + self.idle_s
        while not self.is_stopping and (left_s := until_s - time.monotonic()) > 0:
            self.bell.wait(left_s)

    def beat(self) -> None:
        """Say every few seconds that we are alive; not while we get nothing done, so that monitors hear of it."""
        if time.monotonic() < self._next_beat_s or not self._is_well:
            return
        self._next_beat_s = time.monotonic() + BEAT_S
        try:
            workers.sign_in(self.name, started_at=self.started_at, at=clock.now())
        except Error as fault:
            log.warning("worker could not say that it is alive: %s", type(fault).__name__)
            close_old_connections()

    def _sign_off(self) -> None:
        try:
            workers.sign_off(self.name)
        except Error as fault:
            log.warning("worker could not say that it stopped: %s", type(fault).__name__)
