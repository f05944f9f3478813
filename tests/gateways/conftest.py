"""A Razorpay for tests, and a shop that is paid through it."""

import pytest

from payments.gateways.registry import gateway_named
from tests.gateways.razorpay_shop import RazorpayShop
from tests.gateways.razorpay_world import RazorpayWorld


@pytest.fixture
def razorpay_world():
    world = RazorpayWorld()
    yield world
    world.stop()


@pytest.fixture
def shop(db, razorpay_world, monkeypatch):
    """The gateway that the core knows stands at the fake."""
    ours = gateway_named("razorpay")
    for name in ("api_url", "timeout_s", "hosts"):
        monkeypatch.setattr(ours, name, getattr(razorpay_world.gateway, name))
    return RazorpayShop(razorpay_world)
