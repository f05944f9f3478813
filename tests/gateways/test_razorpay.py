"""Razorpay keeps the contract, through its official client and over HTTP."""

import pytest

from tests.gateways.contract import CarryingOn, GatewayContract, OverTheNetwork, OwnEventSecrets


class TestRazorpay(GatewayContract, OverTheNetwork, CarryingOn, OwnEventSecrets):
    """Nothing of ours in between."""

    @pytest.fixture
    def world(self, razorpay_world):
        return razorpay_world
