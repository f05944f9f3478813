"""`manage.py verify_audit`: exit status 0 if no act of staff was changed or taken out, 1 with the rows' names if so."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from payments.models import AuditEntry
from payments.services.audit import broken_links


class Command(BaseCommand):
    help = "Prove that the record of what staff did is complete and unaltered."

    def handle(self, *args: Any, **options: Any) -> None:
        broken = list(broken_links())
        for entry in broken:
            self.stdout.write(f"entry {entry.pk} ({entry}): it, or the one before it, was changed or taken out")
        self.stdout.write(f"{AuditEntry.objects.count()} acts: {len(broken)} broken links")
        if broken:
            sys.exit(1)
