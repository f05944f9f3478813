"""`manage.py verify_books`: exit status 0 if everything agrees, 1 if something does not."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from payments import append_only
from payments.books import differences, figures


class Command(BaseCommand):
    help = "Prove that ledger, payments, refunds and, in test mode, the simulator's book agree; name every difference."

    def handle(self, *args: Any, **options: Any) -> None:
        found = 0
        for name in append_only.missing():
            found += 1
            self.stdout.write(f"{name}: this trigger is missing; run `manage.py migrate`")
        for difference in differences():
            found += 1
            self.stdout.write(str(difference))
        self.stdout.write(f"{figures()}: {found} differences")
        if found:
            sys.exit(1)
