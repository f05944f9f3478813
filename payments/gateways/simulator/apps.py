from django.apps import AppConfig


class SimulatorConfig(AppConfig):
    """The simulator's own book: what a real gateway would know, apart from what we know."""

    name = "payments.gateways.simulator"
    label = "simulator"
    verbose_name = "Simulator"
