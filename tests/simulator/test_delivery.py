"""The worker posts events over real HTTP to the server, and each kind of fault comes out right on our side."""

import socket
from datetime import timedelta

import pytest

from payments import clock
from payments.gateways.simulator import events
from payments.gateways.simulator.models import SimulatedEvent
from payments.models import GatewayEvent
from tests.factories import OrderFactory
from tests.simulator.conftest import work
from tests.simulator.visitor import BANK, CARD, CHALLENGE, UPI_APP, Visitor

pytestmark = pytest.mark.django_db(transaction=True)

STORED, KNOWN = (200, "stored"), (200, "known")


class Tap:
    """Passes requests on to the network and notes what was answered."""

    def __init__(self, pool):
        self.pool = pool
        self.answers = []

    def request(self, *args, **options):
        answer = self.pool.request(*args, **options)
        self.answers.append((answer.status, answer.json().get("status")))
        return answer


@pytest.fixture
def tap(live_server, settings, monkeypatch):
    """The public address is the live server's: what the worker posts goes over a socket to it."""
    settings.PUBLIC_URL = live_server.url
    tap = Tap(events._http)
    monkeypatch.setattr(events, "_http", tap)
    yield tap
    tap.pool.clear()


def visit(fields, fault=""):
    return Visitor(OrderFactory(tags={"till_fault": fault} if fault else {}), fields)


def kinds():
    """What came in, in the order in which it came."""
    return list(GatewayEvent.objects.order_by("pk").values_list("kind", flat=True))


def test_nothing_is_sent_from_within_a_web_request(tap):
    visitor = visit(BANK)
    visitor.press("approve")
    assert tap.answers == []
    assert SimulatedEvent.objects.filter(due_at__isnull=False).count() == 2


def test_a_customer_who_never_comes_back_has_paid(tap):
    visitor = visit(BANK)
    visitor.press("approve")
    assert visitor.standing == ("pending", "pending")
    work("simulator_event")
    assert tap.answers == [STORED, STORED]
    assert kinds() == ["payment.pending", "payment.success"]
    assert visitor.standing == ("success", "success")


@pytest.mark.parametrize(("decision", "status"), [("decline", "failed"), ("leave", "user_dropped")])
def test_so_is_a_no_told_to_the_shops_device(tap, decision, status):
    visitor = visit(UPI_APP)
    visitor.press(decision)
    work("simulator_event")
    assert visitor.standing == (status, "failed")


def test_an_event_is_sent_once_even_if_two_workers_want_to(tap):
    visit(CARD)
    (row,) = SimulatedEvent.objects.all()
    at = clock.now()
    assert [events.send(row.pk, at=at), events.send(row.pk, at=at)] == [True, False]
    assert tap.answers == [STORED]


class TestFaults:
    @pytest.mark.parametrize("fields", [BANK, CHALLENGE], ids=["netbanking", "card"])
    def test_duplicate_event(self, tap, fields):
        visitor = visit(fields, "duplicate_event")
        visitor.press("approve", otp="123456")
        work("simulator_event")
        assert tap.answers == [STORED, KNOWN] * 2
        assert kinds() == ["payment.pending", "payment.success"]
        assert visitor.standing == ("success", "success")
        assert visitor.payment.review_reason == ""

    @pytest.mark.parametrize("fields", [CARD, BANK], ids=["card", "netbanking"])
    def test_reorder_events(self, tap, fields):
        visitor = visit(fields, "reorder_events")
        if visitor.page:
            visitor.press("approve")
        work("simulator_event")
        assert kinds() == ["payment.success"]
        with clock.shifted(timedelta(seconds=4)):
            work("simulator_event")
        assert kinds() == ["payment.success", "payment.pending"]
        assert visitor.standing == ("success", "success")
        assert visitor.payment.review_reason == ""

    def test_lose_event(self, tap):
        visitor = visit(BANK, "lose_event")
        visitor.press("approve")
        assert work("simulator_event") == []
        assert visitor.standing == ("pending", "pending")
        with clock.shifted(timedelta(seconds=6)):
            work("inquire_payment")
        assert visitor.standing == ("success", "success")
        assert tap.answers == []

    def test_timeout_before(self, tap):
        visitor = visit(CARD, "timeout_before")
        assert work("simulator_event") == []
        with clock.shifted(timedelta(minutes=3)):
            work()
        assert visitor.standing == ("failed", "failed")
        assert "never reached the gateway" in visitor.verdict.message
        assert "success" not in "".join(kinds())

    @pytest.mark.parametrize("fault", ["timeout_after", "error_after"])
    def test_a_lost_answer_is_made_up_for_by_the_event(self, tap, fault):
        visitor = visit(CARD, fault)
        assert visitor.standing == ("pending", "pending")
        work("simulator_event")
        assert tap.answers == [STORED]
        assert visitor.standing == ("success", "success")


class TestWhenNobodyAnswers:
    def test_it_is_sent_again_until_it_is_taken(self, tap, settings, live_server):
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            settings.PUBLIC_URL = f"http://127.0.0.1:{unused.getsockname()[1]}"
            visitor = visit(CARD, "timeout_after")
            work("simulator_event")
        row = SimulatedEvent.objects.get()
        assert (row.sent_at, row.tries) == (None, 1)
        assert row.due_at is not None
        row.payment.event_url = f"{live_server.url}/callbacks/simulator/events"
        row.payment.save()
        with clock.shifted(events.BACK_OFF[0] + timedelta(seconds=1)):
            work("simulator_event")
        assert tap.answers == [STORED]
        assert visitor.standing == ("success", "success")

    def test_a_refusal_is_no_receipt(self, tap, live_server):
        visit(CARD)
        row = SimulatedEvent.objects.get()
        row.payment.event_url = f"{live_server.url}/callbacks/paypal/events"
        row.payment.save()
        work("simulator_event")
        row.refresh_from_db()
        assert tap.answers == [(404, None)]
        assert (row.sent_at, row.tries) == (None, 1)

    def test_it_is_given_up_after_the_last_try(self, tap, settings):
        settings.PUBLIC_URL = "http://127.0.0.1:9"
        visit(CARD)
        later = timedelta()
        for wait in (timedelta(), *events.BACK_OFF):
            later += wait + timedelta(seconds=1)
            with clock.shifted(later):
                assert work("simulator_event") == ["simulator_event"]
        row = SimulatedEvent.objects.get()
        assert (row.due_at, row.sent_at, row.tries) == (None, None, len(events.BACK_OFF) + 1)
