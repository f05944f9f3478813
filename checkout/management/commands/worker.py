"""`manage.py worker`: background work, for ever or once."""

import logging
import signal
import threading
from argparse import ArgumentParser
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.core.management.base import BaseCommand
from django.db import close_old_connections, connection

from payments import clock
from payments.jobs import run_job
from payments.selectors import due_jobs

THREADS = 4
IDLE_S = 1.0
log = logging.getLogger("till.worker")


def run_safely(name: str, row_id: int) -> None:
    """Run one job; a fault is logged and the row comes up again, so one bad row stops nothing."""
    try:
        run_job(name, row_id, at=clock.now())
    except Exception:
        log.exception("job %s of row %s failed", name, row_id)


def _run_in_thread(job: tuple[str, int]) -> None:
    close_old_connections()  # a connection that broke in an earlier job is replaced
    run_safely(*job)


def run_due(pool: ThreadPoolExecutor) -> int:
    """Run all that is due now, several at a time, and say how much that was."""
    jobs = list(due_jobs(at=clock.now()))
    list(pool.map(_run_in_thread, jobs))
    return len(jobs)


def run_until_quiet() -> int:
    """Run what is due, and what that makes due, each row once; say how much that was."""
    done: set[tuple[str, int]] = set()
    while jobs := [job for job in due_jobs(at=clock.now()) if job not in done]:
        for name, row_id in jobs:
            run_safely(name, row_id)
        done.update(jobs)
    return len(done)


class Command(BaseCommand):
    help = "Expire orders and ask gateways about attempts that stay pending. Safe to kill; safe to run twice."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="Do all that is due, then exit.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["once"]:
            self.stdout.write(f"{run_until_quiet()} jobs done")
            return
        if connection.vendor == "sqlite":
            self.stderr.write("One long-running worker is enough on SQLite: writers queue behind each other.")
        self.run_for_ever()

    def run_for_ever(self) -> None:
        stop = threading.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: stop.set())
        log.info("worker started with %s threads", THREADS)
        with ThreadPoolExecutor(THREADS) as pool:
            while not stop.is_set():
                try:
                    busy = run_due(pool)
                except Exception:
                    log.exception("worker could not read what is due")
                    close_old_connections()
                    busy = 0
                if not busy:
                    stop.wait(IDLE_S)
        log.info("worker stopped")
