"""What every REST call starts from: the caller's key, and only what is its own."""

from decimal import Decimal
from typing import Any, TypeVar

from django.conf import settings
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from ninja.parser import Parser

from checkout.auth import identify
from checkout.payment_link import payment_link
from checkout.strict_json import parse_object
from payments import clock
from payments.errors import BadInput, NotFound
from payments.models import ApiKey, Order
from payments.money import Money
from payments.selectors import find_order, order_state
from payments.wire import Links, order_entity

MAX_ID = 45
"""Characters of the longest public id."""
Row = TypeVar("Row", bound=Model)


class NotJson(Exception):
    """The body is said to be something else than JSON."""


def authenticate(request: HttpRequest) -> ApiKey:
    """The key a request is made with. Raises AuthenticationFailed, RateExceeded."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    return identify(headers, address=request.META.get("REMOTE_ADDR", ""), at=clock.now())


class StrictParser(Parser):
    """Reads a body as exactly one JSON object; see checkout.strict_json. Raises BadJson, NotJson."""

    def parse_body(self, request: HttpRequest) -> dict[str, Any]:
        if request.content_type != "application/json":
            raise NotJson
        return {name: value for name, value in parse_object(request.body).items() if value is not None}


def caller(request: HttpRequest) -> ApiKey:
    found: ApiKey = request.auth  # type: ignore[attr-defined]
    return found


def own_order(request: HttpRequest, order_id: str) -> Order:
    """The caller's own order. Raises NotFound: unknown, foreign and malformed ids look alike."""
    key = caller(request)
    order = find_order(merchant_id=key.merchant_id, mode=key.mode, order_id=order_id)
    if order is None:
        raise NotFound("order_not_found: you have no order with this order_id.")
    return order


def links_of(order: Order) -> Links:
    """Absolute addresses of what belongs to an order."""
    below = f"{settings.PUBLIC_URL}/pg/orders/{order.order_id}/"
    return lambda name: payment_link(order) if name == "payment_link" else below + name


def order_told(order: Order) -> dict[str, Any]:
    """An order's entity as it is now."""
    return order_entity(order_state(order, at=clock.now()), links_of(order))


def money_of(field: str, amount: Decimal, currency: str) -> Money:
    """An amount in major units, whose refusals name the field it came in. Raises BadInput."""
    try:
        return Money.parse(amount, currency)
    except BadInput as refusal:
        raise BadInput(field, refusal.reason, refusal.text.replace(refusal.field, field)) from None


def found(rows: QuerySet[Row], message: str, **by: str) -> Row:
    """The one row with these public ids. Raises NotFound with the message: unknown and malformed ids look alike."""
    readable = all(text.isascii() and "\x00" not in text and len(text) <= MAX_ID for text in by.values())
    row = rows.filter(**by).first() if readable else None
    if row is None:
        raise NotFound(message)
    return row
