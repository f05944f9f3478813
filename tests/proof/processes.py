"""Real processes for tests: started on the test's own database, waited for, and ended by their own pids only."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from contextlib import contextmanager, suppress
from html import unescape
from pathlib import Path
from re import search

from django.conf import settings
from django.db import connection

from tests.hosted.customer import CARD_FIELDS

ROOT = Path(__file__).resolve().parents[2]
NAME_OF_CONNECTIONS = "till-test-process"
"""By which PostgreSQL tells connections of these processes from the tests' own."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def environment(**over):
    """What another process needs to work on the test's database with the test's secrets."""
    return {
        "PATH": os.environ["PATH"],
        "ENV_FILE": os.devnull,
        "SECRET_KEY": settings.SECRET_KEY,
        "API_KEY_PEPPER": settings.API_KEY_PEPPER,
        "FIELD_ENCRYPTION_KEYS": os.environ["FIELD_ENCRYPTION_KEYS"],
        "DATABASE_URL": _database_url(),
        "PGAPPNAME": NAME_OF_CONNECTIONS,
        **over,
    }


def _database_url():
    config = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{config['NAME']}"
    at = f"{config['HOST']}:{config['PORT'] or 5432}/{config['NAME']}"
    return f"postgres://{config['USER']}:{config['PASSWORD']}@{at}"


def wait_for(is_so, what, timeout_s=30):
    """Wait until it is so, or fail and say what never came."""
    until = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < until, f"waited {timeout_s} s for {what}"
        time.sleep(0.05)


def answers(url):
    """Whether the server takes requests."""
    try:
        urllib.request.urlopen(f"{url}/readyz", timeout=2).close()
    except OSError:
        return False
    return True


@contextmanager
def gunicorn(**over):
    """The web server on a free port, on the test's database: its address and process. Only its own session is ended."""
    env = environment(PORT=str(free_port()), **over)
    command, quiet = [sys.executable, "-m", "gunicorn", "checkout.wsgi"], subprocess.DEVNULL
    process = subprocess.Popen(command, cwd=ROOT, env=env, start_new_session=True, stdout=quiet, stderr=quiet)
    url = f"http://127.0.0.1:{env['PORT']}"
    try:
        wait_for(lambda: answers(url), "gunicorn")
        yield url, process
    finally:
        with suppress(ProcessLookupError):  # the test may have ended it
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def children_of(pid):
    """The pids of a process's own children."""
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def pay_over_http(url, session_id):
    """Open the hosted page and send its form once. Raises what the network raises."""
    page = f"{url}/checkout/{session_id}"
    html = urllib.request.urlopen(page, timeout=10).read().decode()
    token = unescape(search(r'name="form_token" value="([^"]+)"', html)[1])
    body = urllib.parse.urlencode({**CARD_FIELDS, "form_token": token}).encode()
    send = urllib.request.Request(f"{page}/pay", body, {"sec-fetch-site": "same-origin"})
    return urllib.request.urlopen(send, timeout=10).read().decode()
