from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    """The core: what happens to orders and money."""

    name = "payments"
    verbose_name = "Payments"
