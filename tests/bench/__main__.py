"""Run all measurements on a database of their own, print them, and exit with 1 if one is past its limit."""

import os
import sys

import django

URL = os.environ.get("TEST_POSTGRES_URL", "postgres://postgres@127.0.0.1:5432/postgres")


def main():
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    os.environ["TEST_DATABASE_URL"] = URL
    django.setup()
    from django.db import connection
    from django.test.utils import setup_test_environment, teardown_test_environment

    from tests.bench import page, settlement

    setup_test_environment(debug=False)
    connection.settings_dict["TEST"]["NAME"] = "test_till_bench"
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        measured = [*page.run(), *settlement.run()]
    finally:
        connection.creation.destroy_test_db("postgres", verbosity=0)
        teardown_test_environment()
    return _report(measured)


def _report(measured):
    """Print the lines; 1 if a limit is passed."""
    status = 0
    for what, value, limit, unit in measured:
        is_past = limit is not None and value > limit
        status = max(status, int(is_past))
        told = f"at most {limit:g} {unit}" + (": TOO MUCH" if is_past else "") if limit is not None else ""
        sys.stdout.write(f"{what:<60} {value:>10.2f} {unit:<3} {told}\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
