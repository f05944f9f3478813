"""`manage.py reset_second_factor USERNAME`: for the last superuser, whose phone and recovery codes are gone."""

from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser

from payments import clock
from payments.services.audit import Act
from payments.services.staff_access import reset


class Command(BaseCommand):
    help = (
        "Forget an account's authenticator app and recovery codes, end its sessions and its lock-out. Whoever signs in "
        "next with its password enrols a new app. It is kept in the record of acts, under that account's name."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--reason", default="by manage.py reset_second_factor on the server")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["username"]).first()
        if user is None:
            raise CommandError(f"There is no account {options['username']!r}: names are case-sensitive.")
        if not options["reason"].strip():
            raise CommandError("Say why with --reason: it is kept for good.")
        reset(user, by=Act(user.pk, options["reason"]), at=clock.now())
        self.stdout.write(f"{user.username} is signed out everywhere and enrols a new app at the next sign-in.")
