"""Settlements: of one order, the list, and what is in them line by line."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Router
from pydantic import Field

from checkout.rest.access import own_order
from checkout.rest.entities import Entity, Error
from checkout.rest.schemas import Body, Ignored, Text
from checkout.rest.writes import answer
from payments import fields
from payments.errors import BadInput, NotFound

router = Router(tags=["Settlements"])
MAX_LIMIT = 1_000
DATES = frozenset(f"{end}_date{which}" for end in ("start", "end") for which in ("", "_initiated_on", "_processed_on"))


class Pagination(Body):
    """How many rows, and from where on."""

    limit: int = Field(10, ge=1, le=MAX_LIMIT)
    cursor: Text = Field(None, description="As the last page gave it.")


class Filters(Body):
    """Which rows; all that are given must fit."""

    cf_settlement_ids: list[str | int] | None = None
    settlement_utrs: list[str] | None = None
    settlement_status: Ignored = None
    start_date: Text = None
    end_date: Text = None
    start_date_initiated_on: Text = None
    end_date_initiated_on: Text = None
    start_date_processed_on: Text = None
    end_date_processed_on: Text = None


class PageRequest(Body):
    pagination: Pagination
    filters: Filters | None = None


class PageEntity(Entity):
    """One page; the last one has no cursor."""

    cursor: str | None
    limit: int
    data: list[dict[str, Any]]


@router.get("/orders/{order_id}/settlements", response={200: dict[str, Any], 404: Error}, operation_id="getSettlement")
def of_order(request: HttpRequest, order_id: str) -> HttpResponse:
    """The settlement an order's payment is in."""
    own_order(request, order_id)
    raise NotFound("settlement_not_found: this order is not settled yet.")


@router.post("/settlements", response={200: PageEntity, 400: Error}, operation_id="listSettlements")
def list_settlements(request: HttpRequest, body: PageRequest) -> HttpResponse:
    """Settlements, newest first."""
    return _page(body)


@router.post("/settlement/recon", response={200: PageEntity, 400: Error}, operation_id="settlementRecon")
def settlement_recon(request: HttpRequest, body: PageRequest) -> HttpResponse:
    """What is in settlements, line by line."""
    return _page(body)


@router.post("/recon", response={200: PageEntity, 400: Error}, operation_id="recon")
def recon(request: HttpRequest, body: PageRequest) -> HttpResponse:
    """What happened in a span of time, line by line. Both dates are required."""
    for name in ("start_date", "end_date"):
        if not getattr(body.filters, name, None):
            raise BadInput(f"filters.{name}", "missing", f"filters.{name}: this field is required.")
    return _page(body)


def _check_dates(filters: Filters | None) -> None:
    """Raises BadInput for what is no moment: such a filter would silently find nothing, or everything."""
    given = filters.model_dump(exclude_none=True) if filters else {}
    for name in given.keys() & DATES:
        fields.moment(f"filters.{name}", given[name])


def _page(body: PageRequest) -> HttpResponse:
    """One page of nothing: no settlement exists yet, so no cursor was ever given out."""
    _check_dates(body.filters)
    if body.pagination.cursor:
        raise BadInput("pagination.cursor", "unknown", "pagination.cursor: write a cursor as a page gave it.")
    return answer({"cursor": None, "limit": body.pagination.limit, "data": []})
