"""Razorpay keeps the contract, through its official client and over HTTP."""

import pytest

from tests.gateways.contract import CarryingOn, GatewayContract, OverTheNetwork, OwnEventSecrets
from tests.gateways.razorpay_world import RazorpayWorld


@pytest.fixture
def world():
    world = RazorpayWorld()
    yield world
    world.stop()


class TestRazorpay(GatewayContract, OverTheNetwork, CarryingOn, OwnEventSecrets):
    """Nothing of ours in between."""
