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

TEST_FAULT_TAG = "till_fault"
"""The order tag by which a merchant's own tests ask the simulator to go wrong."""
TEST_FAULTS = {
    "timeout_before": "The request that decides the payment never arrives.",
    "timeout_after": "It arrives and is acted on, but the answer never comes.",
    "error_after": "It is acted on, and answered with an error of the gateway's server.",
    "duplicate_event": "Every server event is sent twice.",
    "reorder_events": "The event of the start is sent after the event of the end.",
    "lose_event": "No server event is sent.",
}
"""Its values, with what each does."""


def is_open(name: str) -> bool:
    """Whether new attempts may go to this gateway: the operator can switch the simulator off."""
    return name in GATEWAYS and (name != SIMULATOR or settings.SIMULATOR)


@cache
def gateway_named(name: str) -> Gateway:
    """The gateway of that name. Raises KeyError for a name nobody registered."""
    gateway: Gateway = import_string(GATEWAYS[name])()
    return gateway
