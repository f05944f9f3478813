"""Simulations: a merchant's own test decides a pending payment in test mode, without a browser."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Router
from pydantic import Field

from checkout.rest.access import caller
from checkout.rest.entities import Entity, Error
from checkout.rest.errors import wire_error
from checkout.rest.schemas import Body, Ignored, Text
from checkout.rest.writes import Told, answer, write
from checkout.simulator import simulations
from payments import clock
from payments.errors import BadInput
from payments.models import ApiKey
from payments.states import Mode

router = Router(tags=["Simulations"])
PAYMENTS = "PAYMENTS"


class EntitySimulation(Body):
    """How the payment is to end."""

    payment_status: str = Field(description="SUCCESS, FAILED, USER_DROPPED, or PENDING to leave it as it is.")
    payment_error_code: Text = Field(
        None,
        pattern=r"^[A-Za-z0-9_. -]{0,60}$",
        description="Why it fails: one of the simulator's codes, like insufficient_funds; others decline as such.",
    )


class SimulateRequest(Body):
    """Which payment, and how it is to end."""

    entity: str = Field(description="PAYMENTS, the only kind that is simulated.")
    entity_id: str = Field(description="The payment's cf_payment_id.")
    entity_simulation: EntitySimulation
    vba_simulation: Ignored = None


class SimulationEntity(Entity):
    """What was asked for."""

    simulation_id: str
    entity: str
    entity_id: str
    entity_simulation: dict[str, Any]


@router.post(
    "",
    response={200: SimulationEntity, 400: Error, 403: Error, 404: Error, 409: Error, 422: Error},
    operation_id="simulatePayment",
)
def simulate(request: HttpRequest, body: SimulateRequest) -> HttpResponse:
    """Decide a pending payment as somebody at the pretend bank would. Its order tells the end at once."""
    key = caller(request)
    if key.mode != Mode.TEST:
        return _refuse_live()
    _check(body)

    def effect() -> Told:
        payment = simulations.find_own_payment(key, body.entity_id)
        asked = body.entity_simulation
        made = simulations.simulate(payment, asked.payment_status, asked.payment_error_code or "", at=clock.now())
        return made.uid, {}

    def finish(uid: str) -> dict[str, Any]:
        simulation, payment = simulations.find_own_simulation(key, uid)
        simulations.tell(payment, simulation)
        return _told(key, uid)

    return write(request, effect, finish=finish)


@router.get("/{simulation_id}", response={200: SimulationEntity, 403: Error, 404: Error}, operation_id="getSimulation")
def get(request: HttpRequest, simulation_id: str) -> HttpResponse:
    """What one simulation asked for."""
    key = caller(request)
    return answer(_told(key, simulation_id)) if key.mode == Mode.TEST else _refuse_live()


def _refuse_live() -> HttpResponse:
    message = "test_key_required: nothing is simulated with a live key; use one of test mode."
    return wire_error(403, message, code="test_key_required")


def _check(body: SimulateRequest) -> None:
    """Raises BadInput for a word the wire does not know."""
    if body.entity != PAYMENTS:
        raise BadInput("entity", "unknown", "entity: write PAYMENTS, the only kind that is simulated.")
    if body.entity_simulation.payment_status not in simulations.DECISIONS:
        words = ", ".join(simulations.DECISIONS)
        field = "entity_simulation.payment_status"
        raise BadInput(field, "unknown", f"{field}: write one of {words}.")


def _told(key: ApiKey, uid: str) -> dict[str, Any]:
    """A simulation's entity. Raises NotFound."""
    simulation, payment = simulations.find_own_simulation(key, uid)
    return {
        "simulation_id": simulation.uid,
        "entity": PAYMENTS,
        "entity_id": payment.uid,
        "entity_simulation": {
            "payment_status": simulation.payment_status,
            "payment_error_code": simulation.payment_error_code or None,
        },
    }
