from django.apps import AppConfig


class CheckoutConfig(AppConfig):
    """The edge: everything that speaks HTTP or text."""

    name = "checkout"
    verbose_name = "Till"

    def ready(self) -> None:
        from checkout import checks  # noqa: F401  (registers the system checks)
