"""Which gateways there are."""

from functools import cache

from django.conf import settings
from django.utils.module_loading import import_string

from payments.gateways.base import Gateway

GATEWAYS = {
    # Dotted paths, so that a gateway's own packages are imported only where it is used.
    "simulator": "payments.gateways.simulator.engine.Simulator",
    "razorpay": "payments.gateways.razorpay.engine.Razorpay",
    "stripe": "payments.gateways.stripe.engine.Stripe",
}


SIMULATOR = "simulator"


def is_open(name: str) -> bool:
    """Whether new attempts may go to this gateway: the operator can switch the simulator off."""
    return name in GATEWAYS and (name != SIMULATOR or settings.SIMULATOR)


@cache
def gateway_named(name: str) -> Gateway:
    """The gateway of that name. Raises KeyError for a name nobody registered."""
    gateway: Gateway = import_string(GATEWAYS[name])()
    return gateway
