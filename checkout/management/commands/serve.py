"""`manage.py serve`: web server and worker together, for one machine."""

import os
import signal
import socket
import subprocess
import sys
import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

PARTS = {
    "web server": [sys.executable, "-m", "gunicorn", "checkout.wsgi"],
    "worker": [sys.executable, "manage.py", "worker"],
}
PATIENCE_S = 40


def refuse_taken_port() -> None:
    """Say so before anything else is printed or written if another program listens where we want to."""
    host, _, port = settings.BIND.rpartition(":")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host.strip("[]"), int(port)))
        except OSError as fault:
            raise CommandError(
                f"Cannot listen on {settings.BIND}: {fault.strerror}. Stop the program that does, "
                "or take another port: PORT=9000 make run"
            ) from None


class Command(BaseCommand):
    help = "Run gunicorn and one worker as children; Ctrl-C or SIGTERM stops both."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--demo", action="store_true", help="Make and print the demo's merchant and staff user.")

    def handle(self, *args: Any, **options: Any) -> None:
        refuse_taken_port()
        if options["demo"]:
            call_command("demo", stdout=self.stdout)
            # The demo's shops run on this machine. For the children: what the environment or .env says, wins.
            os.environ.setdefault("WEBHOOK_ALLOW_PRIVATE", "True")
        self.run_children()

    def run_children(self) -> None:
        """Start both, and stop both when one ends or we are told to."""
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
        commands = PARTS.values()
        children += [subprocess.Popen(c, cwd=settings.BASE_DIR, start_new_session=True) for c in commands]  # noqa: S603
        self.stdout.write(f"Till answers on {settings.PUBLIC_URL} (Ctrl-C stops it)")
        self.stdout.flush()  # we stay for long, and a pipe would keep it back
        while not stopping and all(child.poll() is None for child in children):
            time.sleep(0.2)
        gone = [name for name, child in zip(PARTS, children, strict=True) if child.poll() is not None]
        unasked = not stopping
        stop()
        for child in children:
            child.wait(timeout=PATIENCE_S)
        if unasked:
            raise CommandError(
                f"The {' and the '.join(gone)} stopped unasked, so the rest was stopped too: see the lines above."
            )
