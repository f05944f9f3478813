"""The visitor's own orders, kept in the Django session: this browser's memory, never the truth about money."""

import secrets
from datetime import datetime
from typing import TypedDict, cast

from django.contrib.sessions.backends.base import SessionBase

from checkout.shop.catalogue import Row, total_of

KEY = "shop_orders"
MOST_KEPT = 20
ID_CHARACTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""No 0, 1, I or O: an order number is read out on the phone."""


class Order(TypedDict):
    """What the shop remembers: plain JSON values, `at` in ISO 8601, `rows` as pairs of label and paise."""

    id: str
    session_id: str
    buyer: str
    rows: list[tuple[str, int]]
    total_minor: int
    at: str


def new_id() -> str:
    """Make an order number nobody can guess or meet twice."""
    return "PTG-" + "".join(secrets.choice(ID_CHARACTERS) for _ in range(8))


def remember(
    session: SessionBase, *, order_id: str, session_id: str, buyer: str, rows: list[Row], at: datetime
) -> None:
    """Put an order first in the visitor's list; the oldest beyond MOST_KEPT is forgotten."""
    order = Order(
        id=order_id,
        session_id=session_id,
        buyer=buyer,
        rows=[(row.label, row.amount_minor) for row in rows],
        total_minor=total_of(rows),
        at=at.isoformat(),
    )
    session[KEY] = [order, *all_of(session)][:MOST_KEPT]


def all_of(session: SessionBase) -> list[Order]:
    """The visitor's orders, newest first."""
    return cast(list[Order], session.get(KEY, []))


def find(session: SessionBase, order_id: str) -> Order | None:
    """The visitor's order of that number; None where this browser never made one."""
    return next((order for order in all_of(session) if order["id"] == order_id), None)
