"""The worker's jobs, and a stand-in for the network between the simulator's outbox and our door."""

from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
from django.test import Client

from payments import clock
from payments.gateways.simulator import events
from payments.jobs import run_job
from payments.selectors import due_jobs


def work(*names):
    """Do what is due as the worker does, each row once; faults are not caught. With names, only jobs of these."""
    done = set()
    while jobs := [job for job in due_jobs(at=clock.now()) if job not in done and (not names or job[0] in names)]:
        for name, row_id in jobs:
            run_job(name, row_id, at=clock.now())
        done.update(jobs)
    return [name for name, _ in done]


@pytest.fixture
def wire(monkeypatch):
    """Events go through the test client, not a socket. What was answered: (status, word)."""
    posted = []

    def request(method, url, *, body, headers):
        response = Client().post(
            urlsplit(url).path, body, content_type=headers["content-type"],
            headers={events.SIGNATURE: headers[events.SIGNATURE]},
        )  # fmt: skip
        posted.append((response.status_code, response.json().get("status")))
        return SimpleNamespace(status=response.status_code)

    monkeypatch.setattr(events, "_http", SimpleNamespace(request=request))
    return posted
