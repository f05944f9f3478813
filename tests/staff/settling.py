"""What the hands of two people of finance do with settlements."""

from datetime import timedelta

from payments import books, clock
from payments.models import Settlement
from payments.services.settlement_lines import build_settlement
from tests.staff.deeds import confirm, fill_in, page_of, token_of

INR = "test INR operator"
NET = "₹292.91"
"""Of one sale by `seller`."""


def today():
    """The merchant's day."""
    return (clock.now() + timedelta(hours=5, minutes=30)).date().isoformat()


def opened(client, merchant, **over):
    """A settlement as somebody opens it, not put together yet."""
    asked = {"group": INR, "until": today(), **over}
    answer = confirm(client, merchant, "settle", token_of(fill_in(client, merchant, "settle", **asked)))
    settlement = Settlement.objects.latest("pk")
    assert answer["Location"] == page_of(settlement)
    return settlement


def built(settlement):
    assert build_settlement(settlement.pk, at=clock.now())
    settlement.refresh_from_db()
    return settlement


def in_order():
    assert list(books.differences()) == []


def said(client, row):
    return client.get(page_of(row)).content.decode()
