"""`manage.py serve`: web server and worker together, for one machine."""

import signal
import subprocess
import sys
import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

COMMANDS = (
    [sys.executable, "-m", "gunicorn", "checkout.wsgi"],
    [sys.executable, "manage.py", "worker"],
)
PATIENCE_S = 40


class Command(BaseCommand):
    help = "Run gunicorn and one worker as children; Ctrl-C or SIGTERM stops both."

    def handle(self, *args: Any, **options: Any) -> None:
        children: list[subprocess.Popen[bytes]] = []
        stopping = False

        def stop(*_: Any) -> None:
            nonlocal stopping
            stopping = True
            for child in children:
                if child.poll() is None:
                    child.terminate()

        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, stop)
        # A session of their own, so that Ctrl-C reaches them through us alone, once.
        children += [subprocess.Popen(c, cwd=settings.BASE_DIR, start_new_session=True) for c in COMMANDS]  # noqa: S603
        self.stdout.write(f"Till answers on {settings.PUBLIC_URL} (Ctrl-C stops it)")
        while not stopping and all(child.poll() is None for child in children):
            time.sleep(0.2)
        unasked = not stopping
        stop()
        for child in children:
            child.wait(timeout=PATIENCE_S)
        if unasked:
            raise CommandError("A part of Till stopped by itself, so the rest was stopped too; see the lines above.")
