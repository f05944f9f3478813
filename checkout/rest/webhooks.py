"""Webhooks by API: endpoints, the log of every try, test messages and sending again."""

import re
from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field

from checkout.rest.access import caller, found, own_order
from checkout.rest.entities import Entity, Error
from checkout.rest.schemas import Body, Text
from checkout.rest.writes import Told, answer, write
from payments import clock, fields, urls
from payments.errors import BadInput, NotFound
from payments.models import ApiKey, Delivery, Endpoint
from payments.selectors import deliveries_of, tries_of
from payments.services.endpoints import (
    AT_ONCE,
    LONGEST_SPAN,
    add_endpoint,
    change_endpoint,
    count_range,
    disable_endpoint,
    replay_delivery,
    replay_range,
    send_test,
)
from payments.states import DeliveryStatus, Mode
from payments.webhooks import ABOUT, KINDS, delivery_entity, endpoint_entity, event_entity, try_entity

router = Router(tags=["Webhooks"])
MAX_LIMIT = 100


class CreateEndpointRequest(Body):
    """An address that gets the webhooks of all your orders and settlements."""

    url: str = Field(max_length=250)
    kinds: list[str] = Field(default=[], description=f"Some of {', '.join(KINDS)}; empty means all.")


class UpdateEndpointRequest(Body):
    """Which webhooks it gets from now on."""

    kinds: list[str]


class ReplayRequest(Body):
    """What was made in a span of time, 31 days at most, is sent again, with the same ids."""

    since: str = Field(description="RFC 3339 with an offset.")
    until: str = Field(description="RFC 3339 with an offset.")
    only_failed: bool = True


class EndpointEntity(Entity):
    """An endpoint. It is signed with the secrets of your API keys and has none of its own."""

    endpoint_id: str
    entity: str
    url: str
    kinds: list[str]
    status: str
    created_at: str
    failing_since: str | None
    disabled_at: str | None
    disabled_reason: str | None


class DeliveryEntity(Entity):
    """A message on its way to one address. Its id is the webhook-id of every try."""

    webhook_id: str
    entity: str
    type: str
    order_id: str | None
    settlement_id: str | None
    endpoint_id: str | None
    url: str
    status: str
    tries: int
    created_at: str
    due_at: str | None
    completed_at: str | None


class TryEntity(Entity):
    """One try. `answer` is the first kilobyte of what came back, `error` why nothing did."""

    number: int
    at: str
    duration_ms: int
    status: int | None
    error: str | None
    answer: str | None


class WholeDelivery(DeliveryEntity):
    """A message with the bytes that are signed and sent, and every try, the newest first."""

    body: str
    log: list[TryEntity]


class DeliveryPage(Entity):
    """One page, newest first; the last one has no cursor."""

    cursor: str | None
    limit: int
    data: list[DeliveryEntity]


class Replayed(Entity):
    queued: int


class DeliveryFilters(Body):
    """Which messages; all that are given must fit."""

    model_config = Body.model_config | {"strict": False}

    order_id: Text = Field(None, max_length=45)
    endpoint_id: Text = Field(None, max_length=40)
    status: DeliveryStatus | None = None
    type: Text = Field(None, max_length=40)
    limit: int = Field(20, ge=1, le=MAX_LIMIT)
    cursor: Text = Field(None, max_length=40, description="As the last page gave it.")


# --- Endpoints ---


@router.get("/endpoints", response={200: list[EndpointEntity]}, operation_id="listEndpoints")
def list_endpoints(request: HttpRequest) -> HttpResponse:
    """All endpoints, newest first, with those that were switched off."""
    return answer([endpoint_entity(endpoint) for endpoint in _endpoints(caller(request)).order_by("-pk")])


@router.post("/endpoints", response={200: EndpointEntity}, operation_id="createEndpoint")
def create_endpoint(request: HttpRequest, body: CreateEndpointRequest) -> HttpResponse:
    """Add an address. It is judged now and before every sending: nothing is sent into private networks."""
    key = caller(request)
    why_not = urls.why_not_called(body.url, live=key.mode == Mode.LIVE)

    def effect() -> Told:
        endpoint = add_endpoint(key.merchant, key.mode, body.url, body.kinds, at=clock.now(), why_not=why_not)
        return endpoint.uid, endpoint_entity(endpoint)

    return write(request, effect)


@router.get("/endpoints/{endpoint_id}", response={200: EndpointEntity, 404: Error}, operation_id="getEndpoint")
def get_endpoint(request: HttpRequest, endpoint_id: str) -> HttpResponse:
    """One endpoint."""
    return answer(endpoint_entity(_endpoint(caller(request), endpoint_id)))


@router.patch("/endpoints/{endpoint_id}", response={200: EndpointEntity, 404: Error}, operation_id="updateEndpoint")
def update_endpoint(request: HttpRequest, endpoint_id: str, body: UpdateEndpointRequest) -> HttpResponse:
    """Choose other kinds of webhooks, from the next event on."""
    key = caller(request)

    def effect() -> Told:
        endpoint = change_endpoint(_endpoint(key, endpoint_id).pk, body.kinds, at=clock.now())
        return endpoint.uid, endpoint_entity(endpoint)

    return write(request, effect)


@router.delete("/endpoints/{endpoint_id}", response={200: EndpointEntity, 404: Error}, operation_id="deleteEndpoint")
def delete_endpoint(request: HttpRequest, endpoint_id: str) -> HttpResponse:
    """Switch an endpoint off, for good. What is on its way there ends."""
    key = caller(request)

    def effect() -> Told:
        endpoint = disable_endpoint(_endpoint(key, endpoint_id).pk, at=clock.now())
        return endpoint.uid, endpoint_entity(endpoint)

    return write(request, effect)


@router.post(
    "/endpoints/{endpoint_id}/test", response={200: DeliveryEntity, 404: Error}, operation_id="sendTestWebhook"
)
def send_test_message(request: HttpRequest, endpoint_id: str) -> HttpResponse:
    """Send a test message, signed and sent like all others."""
    key = caller(request)

    def effect() -> Told:
        delivery = send_test(_endpoint(key, endpoint_id).pk, at=clock.now())
        return delivery.uid, delivery_entity(delivery)

    return write(request, effect)


@router.post("/endpoints/{endpoint_id}/replay", response={200: Replayed, 404: Error}, operation_id="replayWebhooks")
def replay_endpoint(request: HttpRequest, endpoint_id: str, body: ReplayRequest) -> HttpResponse:
    """Send again what an endpoint did not take in a span of time; all of it, if you say so."""
    key = caller(request)
    endpoint = _endpoint(key, endpoint_id)
    span = {**_span(body), "endpoint": endpoint, "only_failed": body.only_failed}
    if count_range(key.merchant_id, key.mode, **span, at=clock.now(), at_most=AT_ONCE) > AT_ONCE:
        raise BadInput("until", "too_many", f"until: these are more than {AT_ONCE:,} messages; choose a shorter time.")

    def finish(_: str) -> dict[str, Any]:
        return {"queued": replay_range(key.merchant_id, key.mode, **span, at=clock.now())}

    return write(request, lambda: (endpoint.uid, {}), finish=finish)


def _span(body: ReplayRequest) -> dict[str, Any]:
    """From when until when. Raises BadInput."""
    since, until = fields.moment("since", body.since), fields.moment("until", body.until)
    if not timedelta() < until - since <= LONGEST_SPAN:
        raise BadInput(
            "until", "out_of_range", f"until: write a time after since, {LONGEST_SPAN.days} days later at most."
        )
    return {"since": since, "until": until}


def _endpoints(key: ApiKey) -> QuerySet[Endpoint]:
    return Endpoint.objects.filter(merchant_id=key.merchant_id, mode=key.mode)


def _endpoint(key: ApiKey, uid: str) -> Endpoint:
    """The caller's own endpoint. Raises NotFound."""
    return found(_endpoints(key), "endpoint_not_found: you have no endpoint with this id.", uid=uid)


# --- Messages ---


@router.get("/deliveries", response={200: DeliveryPage, 400: Error, 404: Error}, operation_id="listDeliveries")
def list_deliveries(request: HttpRequest, filters: Query[DeliveryFilters]) -> HttpResponse:
    """Messages, newest first. They are kept for thirty days; the events themselves for ever."""
    key = caller(request)
    _refuse_unknown(request)
    mine = deliveries_of(
        key.merchant_id,
        key.mode,
        below=_below(key, filters.cursor),
        order_id=filters.order_id or "",
        endpoint=_endpoint(key, filters.endpoint_id) if filters.endpoint_id else None,
        status=filters.status or "",
        kind=filters.type or "",
    )
    rows = list(mine[: filters.limit + 1])
    page = rows[: filters.limit]
    cursor = page[-1].uid if len(rows) > len(page) else None
    return answer({"cursor": cursor, "limit": filters.limit, "data": [delivery_entity(row) for row in page]})


def _refuse_unknown(request: HttpRequest) -> None:
    """A filter that is misspelt must not list everything. Raises BadInput."""
    for name in request.GET:
        if name not in DeliveryFilters.model_fields:
            field = name if re.fullmatch(r"[a-z_]{1,40}", name) else "query"
            raise BadInput(field, "unknown_field", f"{field}: there is no such filter here; leave it out.")


def _below(key: ApiKey, cursor: str | None) -> int | None:
    """The row a cursor stands for: the last message of the page before. Raises BadInput."""
    if not cursor:
        return None
    try:
        return _delivery(key, cursor).pk
    except NotFound:
        raise BadInput("cursor", "unknown", "cursor: write a cursor as a page gave it.") from None


@router.get("/deliveries/{webhook_id}", response={200: WholeDelivery, 404: Error}, operation_id="getDelivery")
def get_delivery(request: HttpRequest, webhook_id: str) -> HttpResponse:
    """One message with its body and every try: when, what came back, how long it took."""
    delivery = _delivery(caller(request), webhook_id)
    log = [try_entity(made) for made in tries_of(delivery)]
    return answer({**delivery_entity(delivery), "body": delivery.body, "log": log})


@router.post(
    "/deliveries/{webhook_id}/replay", response={200: DeliveryEntity, 404: Error}, operation_id="replayDelivery"
)
def replay(request: HttpRequest, webhook_id: str) -> HttpResponse:
    """Send a message again, with the same id and body, on a schedule that starts anew."""
    key = caller(request)

    def effect() -> Told:
        delivery = replay_delivery(_delivery(key, webhook_id).pk, at=clock.now())
        return delivery.uid, delivery_entity(delivery)

    return write(request, effect)


def _delivery(key: ApiKey, uid: str) -> Delivery:
    """The caller's own message. Raises NotFound."""
    mine = Delivery.objects.filter(merchant_id=key.merchant_id, mode=key.mode)
    mine = mine.select_related("endpoint", *ABOUT)
    return found(mine, "delivery_not_found: you have no message with this webhook-id.", uid=uid)


# --- Events ---


class EventEntity(Entity):
    """What happened to an order, numbered without a gap. `type` is the webhook that told of it, if one did."""

    sequence: int
    entity: str
    event: str
    type: str | None
    cf_payment_id: str | None
    refund_id: str | None
    event_time: str


order_router = Router(tags=["Webhooks"])


@order_router.get("/{order_id}/events", response={200: list[EventEntity], 404: Error}, operation_id="listEvents")
def list_events(request: HttpRequest, order_id: str) -> HttpResponse:
    """All that happened to an order, in order. Kept for ever: what you missed can be read here."""
    order = own_order(request, order_id)
    return answer(
        [
            event_entity(event)
            for event in order.events.select_related("payment", "refund__payment").order_by("sequence")
        ]
    )
