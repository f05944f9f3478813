"""The receivers of docs/receivers.md as real processes: their code is cut out of the page as it stands."""

import os
import queue
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "docs" / "receivers.md"
EXPRESS = Path(__file__).resolve().parent / "express"
PATIENCE_S = 120
_FILES = re.compile(r"<!-- file: (\S+) -->\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)

DJANGO_SETTINGS = """
SECRET_KEY, ALLOWED_HOSTS, ROOT_URLCONF, INSTALLED_APPS = "x" * 50, ["127.0.0.1"], "urls", ["hooks"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "hooks.sqlite3"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
"""
DJANGO_URLS = """
import hooks.views
from django.urls import path

urlpatterns = [path("webhooks", hooks.views.receive)]
"""


def files():
    """What the page says stands in which file."""
    return dict(_FILES.findall(PAGE.read_text(encoding="utf-8")))


class Running:
    """A receiver that answers on `url`; `lines` are what it prints, in a queue."""

    def __init__(self, command, *, folder, env, port):
        self.url = f"http://127.0.0.1:{port}/webhooks"
        self.folder, self.env, self.port = folder, env, port
        self.seen, self.lines = [], queue.Queue()
        self.process = subprocess.Popen(
            command, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line.strip())

    def wait_till_it_listens(self):
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            assert self.process.poll() is None, list(self.lines.queue)
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise AssertionError(list(self.lines.queue))

    def work(self):
        """Make it handle what it has kept; most do so by themselves."""

    def shipped(self, *, last):
        """Every order shipped so far, once `last` is."""
        self.work()
        while f"shipping {last}" not in self.seen:
            self.seen.append(self.lines.get(timeout=PATIENCE_S))
        return [line.removeprefix("shipping ") for line in self.seen if line.startswith("shipping ")]

    def stop(self):
        self.process.terminate()
        self.process.wait(PATIENCE_S)
        self.reader.join(PATIENCE_S)
        self.process.stdout.close()


class RunningDjango(Running):
    def work(self):
        code = "import django; django.setup(); from hooks.jobs import work_off; work_off()"
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=self.folder, env=self.env, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        for line in done.stdout.splitlines():
            self.lines.put(line)


def _write(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(files()[name], encoding="utf-8")


def _django(folder, env, port):
    _write(folder, "hooks/models.py", "hooks/views.py", "hooks/jobs.py")
    (folder / "hooks" / "__init__.py").touch()
    (folder / "settings.py").write_text(DJANGO_SETTINGS)
    (folder / "urls.py").write_text(DJANGO_URLS)
    env |= {"DJANGO_SETTINGS_MODULE": "settings", "PYTHONPATH": str(folder)}
    manage = [sys.executable, "-m", "django"]
    subprocess.run([*manage, "migrate", "--run-syncdb", "-v0"], cwd=folder, env=env, check=True)
    serve = [*manage, "runserver", "--noreload", "--nothreading", f"127.0.0.1:{port}"]
    return RunningDjango(serve, folder=folder, env=env, port=port)


def _flask(folder, env, port):
    _write(folder, "receiver.py")
    command = [sys.executable, "-m", "flask", "--app", "receiver", "run", "--port", str(port)]
    return Running(command, folder=folder, env=env, port=port)


def _express(folder, env, port):
    _write(folder, "receiver.mjs")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(EXPRESS / name, folder)
    quiet = ["--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
    subprocess.run(["npm", "ci", *quiet], cwd=folder, check=True, capture_output=True)
    return Running(["node", "receiver.mjs"], folder=folder, env=env | {"PORT": str(port)}, port=port)


KINDS = {"django": _django, "flask": _flask, "express": _express}


def _free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


@contextmanager
def receiver(kind, *, folder, till, client_id, client_secret):
    """One of the page's receivers, for one merchant."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "NODE_ENV", "LANG") if name in os.environ}
    npm = {name: value for name, value in os.environ.items() if name.lower().startswith("npm_config_")}
    own = {"TILL_URL": till, "TILL_CLIENT_ID": client_id, "TILL_CLIENT_SECRET": client_secret, "PYTHONUNBUFFERED": "1"}
    running = KINDS[kind](folder, kept | npm | own, _free_port())
    try:
        running.wait_till_it_listens()
        yield running
    finally:
        running.stop()
