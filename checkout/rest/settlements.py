"""Settlements: of one order, the list, and what is in them line by line."""

from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeVar

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import Router
from pydantic import Field

from checkout.rest.access import caller, found, own_order
from checkout.rest.entities import Error, OrderSettlementEntity, ReconPage, SettlementPage
from checkout.rest.schemas import Body, Text
from checkout.rest.writes import answer
from payments import fields
from payments.errors import BadInput, NotFound
from payments.models import ApiKey, Settlement, SettlementLine
from payments.settlement_selectors import (
    ALWAYS,
    Span,
    Wanted,
    after_line,
    closed_settlements,
    line_of_order,
    settled_lines,
)
from payments.settlement_wire import order_settlement, recon_entity, settlement_entity

router = Router(tags=["Settlements"])
MAX_LIMIT = 1_000
MAX_NAMED = 100
"""Ids or references in one filter."""
MAX_DIGITS = 18
MAX_ID = 40
Status = Literal["SUCCESS", "PENDING", "PENDING_WITH_CASHFREE", "PENDING_WITH_BANK", "FAILED"]


class Pagination(Body):
    """How many rows, and from where on."""

    limit: int = Field(10, ge=1, le=MAX_LIMIT)
    cursor: Text = Field(None, max_length=40, description="As the last page gave it.")


class Filters(Body):
    """Which rows; all that are given must fit. Dates are RFC 3339 with an offset, both ends included."""

    cf_settlement_ids: list[str | int] | None = Field(
        None, max_length=MAX_NAMED, description="Some cf_settlement_id or settlement_id."
    )
    settlement_utrs: list[str] | None = Field(None, max_length=MAX_NAMED)
    settlement_status: Status | None = None
    start_date: Text = Field(None, description="When it was closed; in /recon, when the event happened.")
    end_date: Text = None
    start_date_initiated_on: Text = Field(None, description="When its transfer was given to the bank.")
    end_date_initiated_on: Text = None
    start_date_processed_on: Text = Field(None, description="When the bank confirmed its transfer.")
    end_date_processed_on: Text = None


class PageRequest(Body):
    pagination: Pagination
    filters: Filters | None = None


@router.get(
    "/orders/{order_id}/settlements",
    response={200: OrderSettlementEntity, 404: Error},
    operation_id="getSettlement",
)
def of_order(request: HttpRequest, order_id: str) -> HttpResponse:
    """The settlement an order's payment is in. One that is not closed yet is none."""
    line = line_of_order(own_order(request, order_id))
    if line is None:
        raise NotFound("settlement_not_found: this order is not settled yet.")
    return answer(order_settlement(line))


@router.post("/settlements", response={200: SettlementPage, 400: Error}, operation_id="listSettlements")
def list_settlements(request: HttpRequest, body: PageRequest) -> HttpResponse:
    """Closed settlements, newest first."""
    key = caller(request)
    rows = _settlements(key, body.filters)
    cursor = body.pagination.cursor
    if cursor:
        mine = Settlement.objects.filter(merchant_id=key.merchant_id, mode=key.mode)
        rows = rows.filter(pk__lt=_at_cursor(mine, uid=cursor).pk)
    return _page(rows, body.pagination, settlement_entity, lambda row: row.uid)


@router.post("/settlement/recon", response={200: ReconPage, 400: Error}, operation_id="settlementRecon")
def settlement_recon(request: HttpRequest, body: PageRequest) -> HttpResponse:
    """What is in closed settlements, line by line."""
    key = caller(request)
    return _lines(key, settled_lines(_settlements(key, body.filters)), body.pagination)


@router.post("/recon", response={200: ReconPage, 400: Error}, operation_id="recon")
def recon(request: HttpRequest, body: PageRequest) -> HttpResponse:
    """What happened in a span of time and is settled, line by line. Both dates are required."""
    key = caller(request)
    for name in ("start_date", "end_date"):
        if not getattr(body.filters, name, None):
            raise BadInput(f"filters.{name}", "missing", f"filters.{name}: this field is required.")
    assert body.filters is not None  # noqa: S101  (it has both dates)
    happened = _span(body.filters)
    others = body.filters.model_copy(update={"start_date": None, "end_date": None})
    return _lines(key, settled_lines(_settlements(key, others), happened=happened), body.pagination)


# --- What is asked for ---


def _settlements(key: ApiKey, filters: Filters | None) -> QuerySet[Settlement]:
    """The caller's own closed settlements that fit. Raises BadInput."""
    asked = filters or Filters.model_validate({})
    wanted = Wanted(
        ids=_named("cf_settlement_ids", asked.cf_settlement_ids),
        utrs=_named("settlement_utrs", asked.settlement_utrs),
        status=asked.settlement_status or "",
        closed=_span(asked),
        initiated=_span(asked, "_initiated_on"),
        processed=_span(asked, "_processed_on"),
    )
    return closed_settlements(key.merchant_id, key.mode, wanted)


def _named(field: str, given: Sequence[str | int] | None) -> list[str] | None:
    """Ids or references as text. Raises BadInput for what no row can have: it would silently find nothing."""
    if given is None:
        return None
    told = [str(each) for each in given]
    for text in told:
        if not (text.isascii() and text.isprintable() and len(text) <= MAX_ID):
            raise BadInput(f"filters.{field}", "invalid", f"filters.{field}: write them as settlements have them.")
    return [text for text in told if not text.isdecimal() or len(text) <= MAX_DIGITS]


def _span(filters: Filters, which: str = "") -> Span:
    """From when until when. Raises BadInput for what is no moment."""
    told = {name: getattr(filters, f"{name}{which}") for name in ("start_date", "end_date")}
    if not any(told.values()):
        return ALWAYS
    since, until = (
        fields.moment(f"filters.{name}{which}", text) if text is not None else None for name, text in told.items()
    )
    return since, until


# --- Pages ---


Row = TypeVar("Row", Settlement, SettlementLine)


def _lines(key: ApiKey, lines: QuerySet[SettlementLine], asked: Pagination) -> HttpResponse:
    if asked.cursor:
        mine = SettlementLine.objects.filter(settlement__merchant=key.merchant_id, settlement__mode=key.mode)
        known = asked.cursor.isascii() and asked.cursor.isdecimal() and len(asked.cursor) <= MAX_DIGITS
        lines = after_line(lines, _at_cursor(mine if known else mine.none(), pk=asked.cursor if known else "0"))
    return _page(lines, asked, recon_entity, lambda line: str(line.pk))


def _at_cursor(rows: QuerySet[Row], **by: str) -> Row:
    """The row that the page before ended with. Raises BadInput."""
    try:
        return found(rows, "cursor_not_found", **by)
    except NotFound:
        raise BadInput("pagination.cursor", "unknown", "pagination.cursor: write a cursor as a page gave it.") from None


def _page(
    rows: QuerySet[Row], asked: Pagination, entity: Callable[[Row], dict[str, Any]], cursor: Callable[[Row], str]
) -> HttpResponse:
    """One page. The last one has no cursor."""
    read = list(rows[: asked.limit + 1])
    page = read[: asked.limit]
    following = cursor(page[-1]) if len(read) > len(page) else None
    return answer({"cursor": following, "limit": asked.limit, "data": [entity(row) for row in page]})
