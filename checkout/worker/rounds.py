"""Rounds of background work: what is due, several jobs at a time."""

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta

from django.db import close_old_connections

from payments import clock
from payments.jobs import run_job
from payments.selectors import due_jobs

SENDERS = 16
"""Threads that wait for others' servers. They are apart, so that a slow one holds up neither money nor a round."""
MAIL = "customer_mail"
SENDING = frozenset({"delivery", "endpoint_notice", MAIL})
MAILERS = 4
"""Of these threads for mail to customers: a mail server that hangs leaves the rest to webhooks."""
BATCH = 100
REST = timedelta(minutes=1)
log = logging.getLogger("till.worker")

Job = tuple[str, int]


def run_safely(name: str, row_id: int) -> bool | None:
    """Run one job: false if it was not ours to do any more, None if it failed, which is logged; it comes up again."""
    try:
        return run_job(name, row_id, at=clock.now())
    except Exception:
        log.exception("job %s of row %s failed", name, row_id)
        return None


class Rounds:
    """Rounds of what is due. A job that failed rests for a while, so that bad rows neither spin nor starve the rest.

    `on_end` is called in the thread of a job that has ended, `beat` in ours between jobs.
    """

    def __init__(
        self,
        pool: ThreadPoolExecutor,
        senders: ThreadPoolExecutor,
        *,
        on_end: Callable[[], None] = lambda: None,
        beat: Callable[[], None] = lambda: None,
    ) -> None:
        self.pool = pool
        self.senders = senders
        self.on_end = on_end
        self.beat = beat
        self.is_over = False
        """Once set, no job begins any more."""
        self.done = 0
        """How many jobs were ours and went well."""
        self.resting: dict[Job, datetime] = {}
        self.sending: dict[Job, Future[bool | None]] = {}

    def run(self) -> int:
        """Run all that is due now, several at a time, and say how much of it went well.

        What is sent is only begun: it counts in the round after its end.
        """
        at = clock.now()
        self.resting = {job: until for job, until in self.resting.items() if until > at}
        due = due_jobs(at=at, at_most=BATCH + len(self.resting))
        jobs = [job for job in due if job not in self.resting and job not in self.sending]
        self._begin_sending([job for job in jobs if job[0] in SENDING])
        return self._note(self._run([job for job in jobs if job[0] not in SENDING])) + self.collect()

    def collect(self) -> int:
        """Note the sends that have ended, and say how many went well."""
        sent = {job: future.result() for job, future in self.sending.items() if future.done()}
        self.sending = {job: future for job, future in self.sending.items() if job not in sent}
        return self._note(sent)

    def _note(self, results: dict[Job, bool | None]) -> int:
        until = clock.now() + REST
        self.resting |= {job: until for job, result in results.items() if result is None}
        self.done += list(results.values()).count(True)
        return sum(result is not None for result in results.values())

    def _run(self, jobs: list[Job]) -> dict[Job, bool | None]:
        running = {job: self.pool.submit(self._in_thread, job) for job in jobs}
        results = {}
        for job, future in running.items():
            results[job] = future.result()
            self.beat()
        return results

    def _begin_sending(self, jobs: list[Job]) -> None:
        mails = [job for job in jobs if job[0] == MAIL]
        posted = sum(job[0] == MAIL for job in self.sending)
        left_over = set(mails[max(MAILERS - posted, 0) :])
        for job in [job for job in jobs if job not in left_over][: SENDERS - len(self.sending)]:
            self.sending[job] = self.senders.submit(self._in_thread, job)
            self.sending[job].add_done_callback(lambda _: self.on_end())

    def _in_thread(self, job: Job) -> bool | None:
        if self.is_over:
            return None
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
