"""`manage.py rotate_field_keys`: exit status 0 once every secret is under the newest key, 1 if some cannot be read."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from payments.services.field_keys import Rotated, rotate_field_keys


class Command(BaseCommand):
    help = (
        "Seal every secret in the database with the first of FIELD_ENCRYPTION_KEYS, so that the others may be taken "
        "out. Start it when every web server and worker runs with the new list. It may be stopped and run again."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        unreadable = 0
        for told in rotate_field_keys():
            if isinstance(told, Rotated):
                unreadable += told.unreadable
                counts = f"{told.moved} moved, {told.newest_already} were there already, {told.unreadable} unreadable"
                self.stdout.write(f"{told.model._meta.verbose_name_plural}: {counts}")
            else:
                self.stdout.write(str(told))
        if unreadable:
            self.stdout.write("Take no key out of FIELD_ENCRYPTION_KEYS yet: what it opens would be lost.")
            sys.exit(1)
        self.stdout.write("Every secret is under the first of FIELD_ENCRYPTION_KEYS: the others open backups only.")
