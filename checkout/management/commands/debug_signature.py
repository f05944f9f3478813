"""`manage.py debug_signature`: exit status 0 if a webhook's signature verifies, 1 with the mistake's name if not."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from checkout import signature_words
from payments import clock
from payments.models import Merchant
from payments.signature_debugger import BODY_AT_MOST, BadHeaders, debug, message_id_of, read_headers
from payments.signature_evidence import Evidence, evidence
from payments.signature_mistakes import Clues, Secret
from payments.states import Mode


class Command(BaseCommand):
    help = (
        "Say whether a webhook's signature verifies, in which scheme and with which key; and if not, which mistake "
        "explains it. Secrets come from a file, or are those we keep: never from the command line, which others can "
        "read."
    )

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Without abbreviations: --secret with the secret itself must not be taken for --secret-file."""
        return super().create_parser(prog_name, subcommand, allow_abbrev=False, **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--headers", required=True, type=Path, help="File of headers, one “Name: value” a line.")
        parser.add_argument("--body", required=True, type=Path, help="File of the body, byte for byte.")
        whose = parser.add_mutually_exclusive_group(required=True)
        whose.add_argument(
            "--secret-file", type=Path, help="File of the client secret; one line end at its end is cut."
        )
        whose.add_argument("--merchant", help="Merchant (org_id) whose keys and deliveries we keep.")
        parser.add_argument("--mode", choices=[mode.value for mode in Mode], help="With --merchant: test or live.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            headers = read_headers(_read(options["headers"]).decode("utf-8", "replace"))
        except BadHeaders as refusal:
            raise CommandError(str(refusal)) from None
        body = _read(options["body"])
        known = _of_file(options) if options["secret_file"] else _of_merchant(options, message_id_of(headers))
        report = debug(headers, body, known.secrets, at=clock.now(), clues=known.clues)
        for title, facts in signature_words.sections(report):
            self.stdout.write(title)
            for name, text in facts.items():
                self.stdout.write(f"  {name:<19}{text}")
        self.stdout.write(signature_words.verdict(report))
        if not report.verified:
            sys.exit(1)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            raw = file.read(BODY_AT_MOST + 1)
    except OSError as fault:
        raise CommandError(f"Cannot read {path}: {fault.strerror}.") from None
    if len(raw) > BODY_AT_MOST:
        raise CommandError(f"{path} is longer than {BODY_AT_MOST} bytes, which no webhook is.")
    return raw


def _of_file(options: dict[str, Any]) -> Evidence:
    if options["mode"]:
        raise CommandError("--mode goes with --merchant; a secret of a file needs none.")
    path = options["secret_file"]
    if not path.is_file():  # its name is not repeated: it may be the secret itself
        raise CommandError("There is no such file as --secret-file names: it holds the client secret and nothing else.")
    try:
        text = _read(path).decode()
    except UnicodeError:
        raise CommandError(f"{path} is no text: it holds the client secret and nothing else.") from None
    secret = text.removesuffix("\n").removesuffix("\r")
    if not secret.strip():
        raise CommandError(f"{path} is empty: it holds the client secret and nothing else.")
    return Evidence((Secret(f"the secret of {path.name}", secret),), Clues())


def _of_merchant(options: dict[str, Any], message_id: str) -> Evidence:
    if not options["mode"]:
        raise CommandError("--merchant needs --mode test or --mode live.")
    org_id = options["merchant"]
    is_id = org_id.isascii() and org_id.isdecimal() and len(org_id) <= 18
    merchant = Merchant.objects.filter(pk=org_id).first() if is_id else None
    if merchant is None:
        raise CommandError(f"There is no merchant {org_id}.")
    known = evidence(merchant, Mode(options["mode"]), message_id)
    if not known.secrets and not known.clues.secrets:
        raise CommandError("This merchant has no API key that could have signed anything.")
    return known
