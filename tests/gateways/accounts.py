"""Merchants with accounts at gateways that need credentials."""

from payments import clock
from payments.services.accounts import set_credentials
from tests.factories import GatewayAccountFactory, act


def connected(merchant, gateway, credentials, *, mode="test"):
    """An account whose credentials staff have entered."""
    account = GatewayAccountFactory(merchant=merchant, gateway=gateway, mode=mode)
    return set_credentials(account.pk, credentials, by=act(), at=clock.now(), seen=account.credentials_set_at)
