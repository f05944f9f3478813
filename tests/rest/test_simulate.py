"""A merchant's own test decides a pending payment, and all that follows is what the pretend bank's pages would do."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from django.db import connection

from payments import clock
from payments.gateways.simulator.models import SimulatedEvent, SimulatedPayment, Simulation
from payments.models import Event
from payments.services.merchants import issue_key
from payments.states import Mode
from tests.factories import CHALLENGED, DECLINED_LATER, bank_request, card_request, fresh, start, upi_request
from tests.proof import crash
from tests.rest.conftest import refused
from tests.simulator.conftest import wire, work  # noqa: F401

KEY = {"x-idempotency-key": "k-1"}


@pytest.fixture
def order(caller):
    return caller.order()


@pytest.fixture
def simulate(caller):
    def post(payment, status="SUCCESS", *, by=None, headers=None, **told):
        body = {
            "entity": "PAYMENTS",
            "entity_id": getattr(payment, "uid", payment),
            "entity_simulation": {"payment_status": status, **told},
        }
        return (by or caller)("POST", "/simulate", body, headers=headers)

    return post


def test_a_success_is_paid_right_after(caller, simulate, order):
    payment = start(order, bank_request())
    answer = simulate(payment)
    assert answer.status_code == 200, answer.content
    told = answer.json()
    assert told == {
        "simulation_id": Simulation.objects.get().uid,
        "entity": "PAYMENTS",
        "entity_id": payment.uid,
        "entity_simulation": {"payment_status": "SUCCESS", "payment_error_code": None},
    }
    assert caller("GET", f"/orders/{order.order_id}").json()["order_status"] == "PAID"
    assert caller("GET", f"/simulate/{told['simulation_id']}").json() == told
    row = SimulatedPayment.objects.get()
    assert (row.status, row.captured_minor) == ("captured", order.amount_minor)


@pytest.mark.parametrize(
    "request_", [card_request(CHALLENGED), card_request(DECLINED_LATER), upi_request("pending@sim"), upi_request()]
)
def test_any_pending_attempt_can_be_decided(simulate, order, request_):
    assert simulate(start(order, request_)).status_code == 200
    assert fresh(order).status == "paid"


@pytest.mark.parametrize(
    ("status", "ours", "theirs", "code"),
    [
        ("FAILED", "failed", "declined", "payment_declined"),
        ("USER_DROPPED", "user_dropped", "dropped", "left"),
    ],
)
def test_a_payment_that_takes_nothing(simulate, order, status, ours, theirs, code):
    payment = start(order, bank_request())
    assert simulate(payment, status).status_code == 200
    payment = fresh(payment)
    assert (payment.status, payment.error_code, fresh(order).status) == (ours, code, "failed")
    assert SimulatedPayment.objects.get().status == theirs


@pytest.mark.parametrize(
    ("asked", "code"),
    [("insufficient_funds", "insufficient_funds"), ("EXPIRED_CARD", "expired_card"), ("other", "payment_declined")],
)
def test_why_it_fails(caller, simulate, order, asked, code):
    payment = start(order, card_request(CHALLENGED))
    told = simulate(payment, "FAILED", payment_error_code=asked).json()
    assert told["entity_simulation"]["payment_error_code"] == asked
    seen = caller("GET", f"/orders/{order.order_id}/payments/{payment.uid}").json()
    assert seen["error_details"]["error_reason"] == code


def test_a_reason_belongs_to_a_failure_alone(simulate, order):
    payment = start(order, bank_request())
    simulate(payment, "USER_DROPPED", payment_error_code="insufficient_funds")
    assert fresh(payment).error_code == "left"


def test_pending_stays_pending(simulate, order):
    """Even one that the simulator decides as soon as somebody asks."""
    payment = start(order, card_request(DECLINED_LATER))
    assert simulate(payment, "PENDING").json()["entity_simulation"]["payment_status"] == "PENDING"
    assert (fresh(payment).status, SimulatedPayment.objects.get().status) == ("pending", "open")
    assert simulate(payment, "SUCCESS").status_code == 200
    assert fresh(order).status == "paid"


def test_held_money(caller, simulate):
    order = caller.order(till={"capture_method": "manual"})
    payment = start(order, card_request(CHALLENGED))
    assert simulate(payment).status_code == 200
    assert (fresh(payment).status, SimulatedPayment.objects.get().status) == ("authorized", "held")


def test_it_ends_as_it_would_by_the_pages(caller, simulate, wire):  # noqa: F811
    """Side by side: one decided by a simulation, one at the desk. Rows, events and what comes over the wire agree."""
    ends = []
    for decide in ("simulation", "desk"):
        order = caller.order()
        payment = start(order, bank_request(), event_url="http://testserver/callbacks/simulator/events")
        if decide == "simulation":
            simulate(payment)
        else:
            page = payment.next_action["url"]
            caller.http.post(page, {"decision": "approve"}, headers={"sec-fetch-site": "same-origin"})
        work("simulator_event")
        payment = fresh(payment)
        told = Event.objects.filter(payment=payment).order_by("pk").values_list("kind", "new")
        sent = SimulatedEvent.objects.filter(payment__key=payment.gateway_key).order_by("pk")
        ends.append((payment.status, payment.capture_kind, payment.captured_minor, payment.order.status,
                     list(told), list(sent.values_list("kind", "due_at"))))  # fmt: skip
    assert ends[0] == ends[1]
    assert {status for status, _ in wire} == {200}


def test_what_has_ended_that_way_already_is_left_as_it_is(simulate, order):
    payment = start(order)
    assert simulate(payment).status_code == 200
    assert fresh(payment).status == "success"
    refused(simulate(payment, "FAILED"), 409, "invalid_state", "captured already")
    refused(simulate(payment, "PENDING"), 409, "invalid_state")
    assert fresh(order).status == "paid"
    assert Simulation.objects.count() == 1


def test_an_attempt_whose_time_is_over(simulate, order):
    payment = start(order, bank_request())
    SimulatedPayment.objects.update(deadline_at=clock.now())
    refused(simulate(payment), 409, "invalid_state", "time is over")
    assert (fresh(payment).status, SimulatedPayment.objects.get().status) == ("pending", "open")


def test_an_attempt_that_never_reached_the_simulator(caller, simulate):
    order = caller.order(order_tags={"till_fault": "timeout_before"})
    refused(simulate(start(order)), 409, "invalid_state", "never got")


def test_the_same_request_again_is_one_simulation(simulate, order):
    payment = start(order, bank_request())
    first, second = simulate(payment, headers=KEY), simulate(payment, headers=KEY)
    assert first.content == second.content
    assert (first["x-idempotency-replayed"], second["x-idempotency-replayed"]) == ("false", "true")
    assert Simulation.objects.count() == 1
    refused(simulate(payment, "FAILED", headers=KEY), 422, "request_invalid")


@pytest.mark.parametrize("uid", ["pay_nobody", "", "x" * 300, "ä", "a\x00"])
def test_an_unknown_payment(simulate, uid):
    refused(simulate(uid), 404, "payment_not_found")


def test_somebody_elses(caller, stranger, simulate, order):
    payment = start(order, bank_request())
    refused(simulate(payment, by=stranger), 404, "payment_not_found")
    assert fresh(payment).status == "pending"
    made = simulate(payment).json()["simulation_id"]
    refused(stranger("GET", f"/simulate/{made}"), 404, "simulation_not_found")
    refused(caller("GET", "/simulate/nobody"), 404, "simulation_not_found")


def test_a_key_is_needed(simulate, order):
    payment = start(order, bank_request())
    refused(simulate(payment, headers={"x-client-secret": "wrong"}), 401, "request_failed")
    assert fresh(payment).status == "pending"


def test_live_keys_simulate_nothing(merchant, caller, order, settings):
    payment = start(order, bank_request())
    issued = issue_key(merchant, mode=Mode.LIVE, at=clock.now())
    settings.HTTPS = True
    live = {"x-client-id": issued.key.client_id, "x-client-secret": issued.client_secret}
    body = {"entity": "PAYMENTS", "entity_id": payment.uid, "entity_simulation": {"payment_status": "SUCCESS"}}
    answer = caller.http.post("/pg/simulate", body, "application/json", headers=live, secure=True)
    refused(answer, 403, "test_key_required", "live")
    refused(caller.http.get("/pg/simulate/any", headers=live, secure=True), 403, "test_key_required")
    assert fresh(payment).status == "pending"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"entity": "SUBS_PAYMENTS"}, "entity_invalid"),
        ({"entity_id": None}, "entity_id_missing"),
        ({"entity_simulation": None}, "entity_simulation_missing"),
        ({"entity_simulation": {"payment_status": "PAID"}}, "entity_simulation.payment_status_invalid"),
        ({"entity_simulation": {}}, "entity_simulation.payment_status_missing"),
        (
            {"entity_simulation": {"payment_status": "FAILED", "payment_error_code": "\x00"}},
            "entity_simulation.payment_error_code_invalid",
        ),
        ({"other": 1}, "other_invalid"),
    ],
)
def test_a_body_that_cannot_be_taken(caller, order, change, code):
    payment = start(order, bank_request())
    body = {"entity": "PAYMENTS", "entity_id": payment.uid, "entity_simulation": {"payment_status": "SUCCESS"}}
    refused(caller("POST", "/simulate", {**body, **change}), 400, code)
    assert fresh(payment).status == "pending"


@pytest.mark.django_db(transaction=True)
def test_a_simulation_cut_off_before_we_asked_is_finished_by_the_event_and_by_the_same_request(
    caller,
    simulate,
    wire,  # noqa: F811
):
    """We die between the desk's deed and our question: the worker brings the truth, the same request the answer."""
    order = caller.order()
    payment = start(order, bank_request(), event_url="http://testserver/callbacks/simulator/events")
    assert crash("gateway.before_call", lambda: simulate(payment, headers=KEY))
    assert (fresh(payment).status, SimulatedPayment.objects.get().status) == ("pending", "captured")
    refused(simulate(payment, headers=KEY), 409, "request_running")
    work("simulator_event")
    assert fresh(order).status == "paid"
    with time_machine.travel(clock.now() + timedelta(seconds=61)):
        told = simulate(payment, headers=KEY)
    assert told.json()["entity_simulation"]["payment_status"] == "SUCCESS"
    assert Simulation.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_who_decide_otherwise_at_once_leave_one_end(caller, simulate):
    payment = start(caller.order(), bank_request())

    def decide(status):
        try:
            return simulate(payment, status).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(decide, ["SUCCESS", "FAILED"]))
    assert sorted(answers) == [200, 409]
    assert fresh(payment).status == ("success" if answers[0] == 200 else "failed")
