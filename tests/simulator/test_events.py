"""Server events at our door: who may bring them, that each counts once, and what they may do."""

import json
from datetime import timedelta
from http import HTTPStatus

import pytest

from payments import clock, faults
from payments.gateways.simulator import events
from payments.models import GatewayEvent
from payments.selectors import order_state
from tests.factories import OrderFactory
from tests.simulator.conftest import work
from tests.simulator.visitor import BANK, CARD, UPI_APP, Visitor, upi

pytestmark = pytest.mark.django_db

DOOR = "/callbacks/simulator/events"


@pytest.fixture
def visitor(order):
    """At the pretend bank, with the attempt pending on our side."""
    return Visitor(order, BANK)


@pytest.fixture
def approved(visitor):
    """Approved in the simulator's book alone: the customer has not come back and no event has come."""
    visitor.press("approve")
    return visitor


def told(visitor, **over):
    """The last event of the outbox as sent; `over` changes what it tells of the payment."""
    event = json.loads(visitor.row.events.latest("pk").body)
    event["payment"] |= over
    return event


def post(client, event, *, at=None, signature=None, door=DOOR):
    body = event if isinstance(event, bytes) else json.dumps(event).encode()
    signature = events.sign(body, at=at or clock.now()) if signature is None else signature
    headers = {events.SIGNATURE: signature} if signature else {}
    return client.post(door, body, content_type="application/json", headers=headers)


class TestWhoMayBringThem:
    def test_a_signed_event_pays_without_the_customers_return(self, client, approved):
        response = post(client, told(approved))
        assert (response.status_code, response.json()) == (HTTPStatus.OK, {"status": "stored"})
        assert approved.standing == ("success", "success")
        assert not response.cookies

    @pytest.mark.parametrize(
        "signature",
        ["", "t=1,v1=", "nonsense", f"t=1,v1={'0' * 64}", f"v1={'0' * 64}", f"t=9999999999999,v1={'0' * 64}"],
    )
    def test_a_forged_one_is_refused(self, client, approved, signature):
        response = post(client, told(approved), signature=signature)
        assert response.status_code == HTTPStatus.BAD_REQUEST
        assert "signature" in response.json()["error"]
        assert approved.standing == ("pending", "pending")
        assert not GatewayEvent.objects.exists()

    def test_another_key_signs_nothing(self, client, approved, settings):
        event = told(approved)
        settings.SECRET_KEY = "another" * 10
        signature = events.sign(json.dumps(event).encode(), at=clock.now())
        settings.SECRET_KEY = "test-only-" + "k" * 50
        assert post(client, event, signature=signature).status_code == HTTPStatus.BAD_REQUEST

    @pytest.mark.parametrize("minutes", [-6, 6])
    def test_a_replay_is_refused(self, client, approved, minutes):
        response = post(client, told(approved), at=clock.now() + timedelta(minutes=minutes))
        assert response.status_code == HTTPStatus.BAD_REQUEST
        assert approved.standing == ("pending", "pending")

    @pytest.mark.parametrize("minutes", [-4, 4])
    def test_clocks_may_differ_a_little(self, client, approved, minutes):
        assert post(client, told(approved), at=clock.now() + timedelta(minutes=minutes)).status_code == HTTPStatus.OK

    def test_a_changed_body_is_refused(self, client, approved):
        body = json.dumps(told(approved)).encode()
        signature = events.sign(body, at=clock.now())
        response = post(client, body.replace(b"29999", b"99999"), signature=signature)
        assert response.status_code == HTTPStatus.BAD_REQUEST
        assert approved.standing == ("pending", "pending")

    @pytest.mark.parametrize("gateway", ["paypal", "simulators", "-"])
    def test_a_gateway_nobody_registered_has_no_door(self, client, approved, gateway):
        response = post(client, told(approved), door=f"/callbacks/{gateway}/events")
        assert response.status_code == HTTPStatus.NOT_FOUND

    def test_only_post(self, client, db):
        assert client.get(DOOR).status_code == HTTPStatus.METHOD_NOT_ALLOWED


class TestNonsense:
    @pytest.mark.parametrize(
        "body",
        [b"", b"{", b"[]", b"null", b"\xff\xfe", b"{}", b'{"id": "e", "type": "t", "account": "x", "payment": {}}'],
    )
    def test_what_is_no_event_is_refused(self, client, db, body):
        response = post(client, body)
        assert response.status_code == HTTPStatus.BAD_REQUEST
        assert "cannot be read" in response.json()["error"]

    @pytest.mark.parametrize(
        "over",
        [
            {"amount_minor": "many"},
            {"amount_minor": None},
            {"happened_at": "yesterday"},
            {"happened_at": None},
            {"method_details": 5},
            {"status": ["success"]},
        ],
        ids=str,
    )
    def test_a_signed_event_with_a_wrong_part_is_refused(self, client, approved, over):
        assert post(client, told(approved, **over)).status_code == HTTPStatus.BAD_REQUEST
        assert approved.standing == ("pending", "pending")
        assert not GatewayEvent.objects.exists()

    @pytest.mark.parametrize("payment", [None, [], "text", 5])
    def test_a_payment_that_is_none_is_refused(self, client, approved, payment):
        event = told(approved) | {"payment": payment}
        assert post(client, event).status_code == HTTPStatus.BAD_REQUEST

    def test_a_broken_amount_is_refused_not_rounded(self, client, approved):
        response = post(client, told(approved, amount_minor=approved.order.amount_minor + 0.9))
        assert response.status_code == HTTPStatus.BAD_REQUEST

    def test_a_time_without_a_zone_is_refused(self, client, approved):
        response = post(client, told(approved, happened_at="2026-11-22T12:00:00"))
        assert response.status_code == HTTPStatus.BAD_REQUEST

    def test_an_account_no_database_can_hold_is_no_fault_of_ours(self, client, approved):
        response = post(client, told(approved) | {"account": 10**30})
        assert response.status_code in (HTTPStatus.OK, HTTPStatus.BAD_REQUEST)

    @pytest.mark.parametrize("part", ["event", "payment"])
    def test_a_nul_in_an_id_is_no_fault_of_ours(self, client, approved, part):
        event = told(approved, id="sim\x00") if part == "payment" else told(approved) | {"id": "evt\x00"}
        assert post(client, event).status_code in (HTTPStatus.OK, HTTPStatus.BAD_REQUEST)

    @pytest.mark.parametrize(
        "over", [{"method_details": {"a": 1}}, {"method_details": "x"}, {"id": "\ud800"}, {"reference": "\ud800"}]
    )
    def test_words_that_no_database_can_hold_are_refused(self, client, approved, over):
        assert post(client, told(approved, **over)).status_code == HTTPStatus.BAD_REQUEST
        assert not GatewayEvent.objects.exists()

    def test_a_body_nested_without_end_is_refused(self, client, approved):
        assert post(client, b"[" * 60_000).status_code == HTTPStatus.BAD_REQUEST

    def test_a_body_too_large_to_be_one_is_refused_unread(self, client, approved):
        response = post(client, b"x" * 300_000)
        assert response.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        assert "error" in response.json()

    def test_an_unknown_word_means_pending(self, client, approved):
        assert post(client, told(approved, status="processing")).status_code == HTTPStatus.OK
        assert approved.standing == ("pending", "pending")


class TestOnce:
    def test_the_same_event_again_is_known_and_stored_once(self, client, approved):
        event = told(approved)
        answers = [post(client, event) for _ in range(3)]
        assert [a.json()["status"] for a in answers] == ["stored", "known", "known"]
        assert {a.status_code for a in answers} == {HTTPStatus.OK}
        assert GatewayEvent.objects.count() == 1
        assert approved.payment.captured_minor == approved.order.amount_minor

    def test_after_the_customers_return_it_is_old_news(self, client, visitor):
        visitor.go_back(visitor.press("approve"))
        before = visitor.payment
        assert post(client, told(visitor)).json() == {"status": "stored"}
        assert visitor.standing == ("success", "success")
        assert visitor.payment.completed_at == before.completed_at
        assert visitor.payment.review_reason == ""

    def test_it_may_come_before_the_answer(self, order, wire):
        """The gateway's server is faster than its own answer to our start."""
        once = []

        def overtake(point):
            if point == "gateway.after_call" and not once:
                once.append(point)
                assert work("simulator_event") == ["simulator_event"]

        with faults.handled_by(overtake):
            visitor = Visitor(order, CARD)
        assert wire == [(HTTPStatus.OK, "stored")]
        assert visitor.standing == ("success", "success")
        assert visitor.payment.start_answered_at is not None
        assert visitor.payment.review_reason == ""
        assert order.payments.count() == 1

    def test_the_event_of_the_start_tells_nothing_new(self, visitor, wire):
        assert work("simulator_event") == ["simulator_event"]
        assert wire == [(HTTPStatus.OK, "stored")]
        assert visitor.standing == ("pending", "pending")
        assert visitor.payment.next_action["url"].endswith(visitor.page)


class TestWhatDoesNotFit:
    @pytest.mark.parametrize("strange", ["reference", "account"])
    def test_an_event_of_no_payment_of_ours_is_kept_without_one(self, client, approved, strange):
        event = told(approved, id="sim_000000999999", reference="att_unknown" if strange == "reference" else "")
        if strange == "account":
            event["payment"]["reference"] = approved.payment.gateway_key
            event["account"] += 1
        response = post(client, event)
        assert (response.status_code, response.json()) == (HTTPStatus.OK, {"status": "stored"})
        kept = GatewayEvent.objects.get()
        assert (kept.payment, kept.gateway, kept.kind) == (None, "simulator", "payment.success")
        assert json.loads(kept.body) == event
        assert approved.standing == ("pending", "pending")

    @pytest.mark.parametrize("over", [{"amount_minor": 100}, {"amount_minor": 29_998}, {"currency": "USD"}], ids=str)
    def test_another_amount_is_for_staff_and_never_called_untaken(self, client, approved, over):
        response = post(client, told(approved, **over))
        assert (response.status_code, response.json()) == (HTTPStatus.OK, {"status": "stored"})
        payment = approved.payment
        assert payment.status == "pending"
        assert payment.money_unclear
        assert payment.review_reason.startswith("The gateway took ")
        assert order_state(approved.order, at=clock.now()).in_review
        assert approved.verdict.message == "Payment pending: under review"

    def test_success_without_an_amount_is_for_staff(self, client, approved):
        event = told(approved)
        del event["payment"]["amount_minor"], event["payment"]["currency"]
        assert post(client, event).status_code == HTTPStatus.OK
        assert approved.payment.money_unclear

    def test_success_after_we_gave_up_still_counts(self, client, order):
        visitor = Visitor(order, upi("late@sim"))
        with clock.shifted(timedelta(minutes=11)):
            work("inquire_payment")
            assert visitor.standing == ("user_dropped", "failed")
            visitor.approve_in_book()
            assert post(client, told(visitor)).status_code == HTTPStatus.OK
            assert visitor.standing == ("success", "success")

    def test_no_after_yes_changes_nothing(self, client, approved):
        post(client, told(approved))
        again = told(approved, status="failed") | {"id": "evt_other"}
        assert post(client, again).status_code == HTTPStatus.OK
        assert approved.standing == ("success", "success")
        assert "said failed after success" in approved.payment.review_reason

    def test_each_order_hears_only_of_its_own(self, client, approved):
        other = Visitor(OrderFactory(), UPI_APP)
        post(client, told(approved))
        assert other.standing == ("pending", "pending")
