from typing import Any

from django.apps import AppConfig
from django.db import connection
from django.db.models.signals import post_migrate, pre_migrate


class PaymentsConfig(AppConfig):
    """The core: what happens to orders and money."""

    name = "payments"
    verbose_name = "Payments"

    def ready(self) -> None:
        pre_migrate.connect(_make_way, sender=self)
        post_migrate.connect(_install_triggers, sender=self)


def _make_way(**_: Any) -> None:
    """SQLite rebuilds a table to alter it, and refuses while another table's trigger asks about it."""
    from payments import append_only

    if connection.vendor == "sqlite":
        append_only.remove()


def _install_triggers(**_: Any) -> None:
    from payments import append_only, waking

    append_only.install()
    waking.install()
