"""The simulator keeps the contract."""

import pytest

from payments import clock
from payments.gateways.base import Account, Unanswered
from payments.gateways.registry import gateway_named
from payments.gateways.simulator import desk, events
from payments.gateways.simulator.engine import Simulator
from payments.gateways.simulator.models import SimulatedEvent, SimulatedPayment, SimulatedRefund
from payments.money import Money
from payments.states import Method
from tests.gateways.contract import EndingAttempts, GatewayContract
from tests.gateways.world import World


class SimulatedWorld(World):
    """Its book is in our own database, its pages are ours too."""

    method = Method.UPI

    def __init__(self, monkeypatch):
        self.gateway = gateway_named("simulator")
        self.account, self.other = Account(7, "test"), Account(8, "test")
        self.monkeypatch = monkeypatch

    def attempt(self, **over):
        return super().attempt(**{"details": {"channel": "qrcode"}, **over})

    def _decide(self, trip, decision):
        row = SimulatedPayment.objects.get(key=trip.attempt.key)
        assert desk.decide(row, decision, at=clock.now())

    def approve(self, trip, amount=None):
        if amount:
            SimulatedPayment.objects.filter(key=trip.attempt.key).update(amount_minor=amount.minor)
        self._decide(trip, "approve")

    def decline(self, trip):
        self._decide(trip, "decline")

    def leave(self, trip):
        self._decide(trip, "leave")

    def lose(self, call, fault):
        act = getattr(Simulator, call)

        def once(gateway, *told):
            self.monkeypatch.setattr(Simulator, call, act)
            if fault != "before":
                act(gateway, *told)
            raise Unanswered(fault)

        self.monkeypatch.setattr(Simulator, call, once)

    def taken(self):
        rows = SimulatedPayment.objects.filter(status="captured").order_by("pk")
        return [Money(row.captured_minor, row.currency) for row in rows]

    def given_back(self):
        refunds = SimulatedRefund.objects.exclude(status="failed").select_related("payment").order_by("pk")
        return [refund.amount for refund in refunds]

    def events(self):
        bodies = [event.body.encode() for event in SimulatedEvent.objects.order_by("pk")]
        return [(body, self.signed(body, self.account, {})) for body in bodies]

    def signed(self, body, account, like):
        return {events.SIGNATURE: events.sign(body, at=clock.now())}


@pytest.mark.django_db
class TestSimulator(GatewayContract, EndingAttempts):
    @pytest.fixture
    def world(self, monkeypatch):
        return SimulatedWorld(monkeypatch)
