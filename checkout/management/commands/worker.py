"""`manage.py worker`: background work, for ever or once."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db import connection

from checkout.worker.rounds import run_until_quiet
from checkout.worker.running import IDLE_S, RunningWorker, is_alone


class Command(BaseCommand):
    help = "Expire orders, ask gateways about attempts, send refunds and webhooks. Safe to kill; safe to run twice."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="Do all that is due, then exit.")
        parser.add_argument(
            "--idle", type=float, default=IDLE_S, metavar="SECONDS", help="Look this often even if nothing wakes it."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["once"]:
            self.stdout.write(f"{run_until_quiet()} jobs done")
            return
        if connection.vendor == "sqlite" and not is_alone():
            self.stderr.write("Another worker runs already. One is enough on SQLite: writers queue behind each other.")
        RunningWorker(idle_s=options["idle"]).run()
