from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class PaymentsConfig(AppConfig):
    """The core: what happens to orders and money."""

    name = "payments"
    verbose_name = "Payments"

    def ready(self) -> None:
        post_migrate.connect(_install_triggers, sender=self)


def _install_triggers(**_: Any) -> None:
    from payments import append_only, waking

    append_only.install()
    waking.install()
