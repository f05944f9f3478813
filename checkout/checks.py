"""System checks: combinations of settings that are each fine and together dangerous."""

import sys
from typing import Any

from django.conf import settings
from django.core import checks
from django.db import DatabaseError, connection

from checkout.env import LOG_MAIL
from payments import append_only
from payments.models import ApiKey
from payments.states import Mode


@checks.register(checks.Tags.security)
def check_pepper_is_own_secret(**_: Any) -> list[checks.CheckMessage]:
    """A secret used twice is lost twice."""
    if settings.API_KEY_PEPPER == settings.SECRET_KEY:
        return [checks.Error("API_KEY_PEPPER is the same as SECRET_KEY.", hint="Give each its own.", id="till.E001")]
    return []


@checks.register(checks.Tags.security, deploy=True)
def check_limits_are_shared(**_: Any) -> list[checks.CheckMessage]:
    """A limit that every process counts alone is several times what it says."""
    if settings.WEB_CONCURRENCY > 1 and settings.CACHES["default"]["BACKEND"].endswith("LocMemCache"):
        hint = "Set CACHE_URL to redis://host:6379/0, or WEB_CONCURRENCY to 1."
        return [checks.Warning("Each web process counts its limits alone.", hint=hint, id="till.W002")]
    return []


@checks.register(checks.Tags.security, deploy=True)
def check_notices_reach_staff(**_: Any) -> list[checks.CheckMessage]:
    """People who are named want mail, not a line in a log that nobody reads."""
    if settings.STAFF_NOTICE_EMAILS and settings.EMAIL_BACKEND == LOG_MAIL:
        hint = "Set EMAIL_URL to a mail server, or leave STAFF_NOTICE_EMAILS empty."
        return [checks.Warning("Notices to staff stand in the log alone.", hint=hint, id="till.W003")]
    return []


@checks.register(checks.Tags.database)
def check_live_keys(databases: Any = None, **_: Any) -> list[checks.CheckMessage]:
    """Live keys want https and, better, PostgreSQL. Runs with `check --database default` and at migrate."""
    if not databases or not _has_live_keys():
        return []
    found: list[checks.CheckMessage] = []
    if not settings.HTTPS:
        found.append(
            checks.Error(
                "There are live API keys, but PUBLIC_URL is plain http.",
                hint="Set PUBLIC_URL to the https:// address customers use, or revoke the live keys.",
                id="till.E002",
            )
        )
    if not settings.STAFF_SECOND_FACTOR:
        found.append(
            checks.Warning(
                "There are live API keys, and staff sign in by password alone.",
                hint="Leave STAFF_SECOND_FACTOR out, or set it to True.",
                id="till.W004",
            )
        )
    if connection.vendor == "sqlite":
        found.append(
            checks.Warning(
                "There are live API keys on SQLite: one host only, and writers queue.",
                hint="Set DATABASE_URL to PostgreSQL before real traffic.",
                id="till.W001",
            )
        )
    return found


def _has_live_keys() -> bool:
    try:
        return ApiKey.objects.filter(mode=Mode.LIVE, revoked_at=None).exists()
    except DatabaseError:
        return False  # not migrated yet


@checks.register(checks.Tags.database)
def check_append_only(databases: Any = None, **_: Any) -> list[checks.CheckMessage]:
    """Rows that are written once must be kept so by the database itself. Runs with `check --database default`."""
    is_remedy = sys.argv[1:2] == ["migrate"]  # which brings them back, and asks the checks first
    if is_remedy or not databases or not _has_ledger() or not append_only.missing():
        return []
    hint = "Run `manage.py migrate`: it installs them."
    return [checks.Error("The triggers that keep the ledger append-only are missing.", hint=hint, id="till.E003")]


def _has_ledger() -> bool:
    return "payments_transfer" in connection.introspection.table_names()
