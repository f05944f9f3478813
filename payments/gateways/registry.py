"""Which gateways there are."""

from functools import cache

from django.utils.module_loading import import_string

from payments.gateways.base import Gateway

GATEWAYS = {
    # Dotted paths, so that a gateway's own packages are imported only where it is used.
    "simulator": "payments.gateways.simulator.engine.Simulator",
}


@cache
def gateway_named(name: str) -> Gateway:
    """The gateway of that name. Raises KeyError for a name nobody registered."""
    gateway: Gateway = import_string(GATEWAYS[name])()
    return gateway
