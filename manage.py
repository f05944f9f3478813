#!/usr/bin/env python
"""Django's command line for Till."""

import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "checkout.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
    from django.db import OperationalError

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as fault:
        sys.exit(f"Till does not start: {fault}")
    except OperationalError as fault:
        sys.exit(
            f"The database does not work: {fault}\n"
            "Check DATABASE_URL, that the server runs, and that `manage.py migrate` ran."
        )
