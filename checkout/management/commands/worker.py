"""`manage.py worker`: background work, for ever or once."""

import fcntl
import logging
import os
import signal
import threading
from argparse import ArgumentParser
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import close_old_connections, connection

from payments import clock
from payments.jobs import run_job
from payments.selectors import due_jobs

THREADS = 4
SENDERS = 16
"""Threads that wait for merchants' servers. They are apart, so that a slow one holds up neither money nor a round."""
SENDING = "delivery"
GLANCE_S = 0.2
"""How long a round waits for what it sent: most servers have answered by then, and all are under lease."""
BATCH = 100
IDLE_S = 1.0
REST = timedelta(minutes=1)
log = logging.getLogger("till.worker")


Job = tuple[str, int]


def run_safely(name: str, row_id: int) -> bool:
    """Run one job and say whether it went well; a fault is logged and the row comes up again later."""
    try:
        run_job(name, row_id, at=clock.now())
    except Exception:
        log.exception("job %s of row %s failed", name, row_id)
        return False
    return True


class Rounds:
    """Rounds of what is due. A job that failed rests for a while, so that bad rows neither spin nor starve the rest."""

    def __init__(self, pool: ThreadPoolExecutor, senders: ThreadPoolExecutor | None = None) -> None:
        self.pool = pool
        self.senders = senders or pool
        self.resting: dict[Job, datetime] = {}
        self.sending: dict[Job, Future[bool]] = {}

    def run(self) -> int:
        """Run all that is due now, several at a time, and say how much of it went well.

        Deliveries are only begun: those that are still on their way count in a later round.
        """
        at = clock.now()
        self.resting = {job: until for job, until in self.resting.items() if until > at}
        due = due_jobs(at=at, at_most=BATCH + len(self.resting))
        jobs = [job for job in due if job not in self.resting and job not in self.sending]
        self._begin_sending([job for job in jobs if job[0] == SENDING])
        jobs = [job for job in jobs if job[0] != SENDING]
        results = dict(zip(jobs, self.pool.map(_run_in_thread, jobs), strict=True)) | self._sent()
        self.resting |= {job: at + REST for job, well in results.items() if not well}
        return sum(results.values())

    def _begin_sending(self, jobs: list[Job]) -> None:
        for job in jobs[: SENDERS - len(self.sending)]:
            self.sending[job] = self.senders.submit(_run_in_thread, job)

    def _sent(self) -> dict[Job, bool]:
        if self.sending:
            wait(self.sending.values(), timeout=GLANCE_S)
        sent = {job: future.result() for job, future in self.sending.items() if future.done()}
        self.sending = {job: future for job, future in self.sending.items() if job not in sent}
        return sent


def _run_in_thread(job: Job) -> bool:
    close_old_connections()  # a connection that broke in an earlier job is replaced
    return run_safely(*job)


def run_until_quiet() -> int:
    """Run what is due, and what that makes due, each row once; say how much that was."""
    done: set[Job] = set()
    while jobs := [job for job in due_jobs(at=clock.now(), at_most=BATCH + len(done)) if job not in done]:
        for name, row_id in jobs:
            run_safely(name, row_id)
        done.update(jobs)
    return len(done)


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


class Command(BaseCommand):
    help = "Expire orders, ask gateways about attempts, send refunds and webhooks. Safe to kill; safe to run twice."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="Do all that is due, then exit.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["once"]:
            self.stdout.write(f"{run_until_quiet()} jobs done")
            return
        if connection.vendor == "sqlite" and not is_alone():
            self.stderr.write("Another worker runs already. One is enough on SQLite: writers queue behind each other.")
        self.run_for_ever()

    def run_for_ever(self) -> None:
        stop = threading.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: stop.set())
        log.info("worker started with %s threads", THREADS)
        with ThreadPoolExecutor(THREADS) as pool, ThreadPoolExecutor(SENDERS) as senders:
            rounds = Rounds(pool, senders)
            while not stop.is_set():
                try:
                    done = rounds.run()
                except Exception:
                    log.exception("worker could not read what is due")
                    close_old_connections()
                    done = 0
                if not done:
                    stop.wait(IDLE_S)
        log.info("worker stopped")
