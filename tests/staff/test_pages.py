"""Lists of staff in pages: each row once and in order, counts that say where they stop, and never a walk to count."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from checkout.staff import pages
from payments import ids
from payments.models import Adjustment, LedgerAccount, Order, Transfer
from payments.services.audit import record_act
from tests.factories import MerchantFactory, OrderFactory, act, paid
from tests.staff import ADMIN, MODELS

LISTS = (*MODELS, "transfer", "adjustment", "auditentry", "ledgeraccount", "feeplan")
PER_PAGE = 50


def _copies(order, count):
    """More orders like this one."""
    names = [field.attname for field in Order._meta.concrete_fields if not field.primary_key]
    shared = {name: getattr(order, name) for name in names}
    made = []
    for _ in range(count):
        own = {"uid": ids.new_order_id(), "order_id": ids.new_order_id(), "session_id": ids.new_session_id()}
        made.append(Order(**{**shared, **own}))
    return Order.objects.bulk_create(made)


def _page(client, query="", model="order"):
    answer = client.get(f"{ADMIN}/{model}/{query}")
    assert answer.status_code == 200
    return answer


def _shown(answer):
    return [row.pk for row in answer.context["cl"].result_list]


def _link(answer, rel):
    """The address behind "newer" (prev) or "older" (next), or nothing."""
    found = re.search(rf'<a href="([^"]*)" rel="{rel}">', answer.content.decode())
    return found[1].replace("&amp;", "&") if found else ""


def _walk(client, query, rel):
    while query is not None:
        answer = _page(client, query)
        yield answer
        query = _link(answer, rel) or None


def _count(answer):
    return re.search(r'till-pages">\s*<span>(.*?)</span>', answer.content.decode(), re.DOTALL)[1].split()[0]


@pytest.fixture
def few(monkeypatch):
    """Short pages and a short count."""
    monkeypatch.setattr(pages, "COUNTED", 7)
    monkeypatch.setattr("checkout.staff.base.StaffAdmin.list_per_page", 3)


def test_more_than_a_thousand_rows_are_counted_so_far_and_walked_once_each(viewer, order):
    _copies(order, pages.COUNTED - 1)
    assert _count(_page(viewer)) == "1,000"
    _copies(order, 21)
    assert _count(_page(viewer)) == "1,000+"
    newest_first = list(Order.objects.order_by("-pk").values_list("pk", flat=True))
    down = list(_walk(viewer, "", "next"))
    assert [key for each in down for key in _shown(each)] == newest_first
    assert [len(_shown(each)) for each in down] == [PER_PAGE] * 20 + [21]
    up = list(_walk(viewer, f"?before={newest_first[-1]}", "prev"))
    assert _shown(up[0]) == []
    up = list(_walk(viewer, _link(down[-2], "next"), "prev"))
    assert [key for each in reversed(up) for key in _shown(each)] == newest_first


def test_rows_that_arrive_while_somebody_turns_pages_move_none_from_its_place(viewer, order, few):
    old = [order.pk, *(row.pk for row in _copies(order, 9))]
    seen, query = [], ""
    while query is not None:
        answer = _page(viewer, query)
        seen += _shown(answer)
        _copies(order, 2)
        query = _link(answer, "next") or None
    assert seen == sorted(old, reverse=True)

    new = sorted(Order.objects.exclude(pk__in=old).values_list("pk", flat=True))
    back, query = [], f"?after={old[-1]}"
    while query:
        answer = _page(viewer, query)
        back = _shown(answer) + back
        query = _link(answer, "prev")
    assert back == new[::-1]
    assert _link(_page(viewer, f"?after={new[-1]}"), "next") == ""


def test_a_page_keeps_its_address_and_its_rows(viewer, order, few):
    _copies(order, 9)
    older = _link(_page(viewer), "next")
    before = _shown(_page(viewer, older))
    _copies(order, 5)
    assert _shown(_page(viewer, older)) == before
    assert set(parse_qs(urlsplit(older).query)) == {"before"}


def test_pages_keep_filters_and_search_and_these_forget_the_page(viewer, order, few):
    _copies(order, 9)
    OrderFactory(customer_email="ravi@example.com")
    first = _page(viewer, f"?q={order.customer_email}&mode__exact=test")
    older = _link(first, "next")
    assert parse_qs(urlsplit(older).query).keys() == {"q", "mode__exact", "before"}
    second = _page(viewer, older)
    assert len(_shown(second)) == 3
    page = second.content.decode()
    assert "Newest" in page
    assert "before" not in re.findall(r'<input type="hidden" name="(\w+)"', page)
    others = [link for link in re.findall(r'href="(\?[^"]*)"', page) if "before=" in link or "after=" in link]
    assert sorted(others) == sorted([older_of.replace("&", "&amp;") for older_of in _neighbours(second)])


def _neighbours(answer):
    return [link for link in (_link(answer, "prev"), _link(answer, "next")) if link]


def test_the_named_row_may_be_gone_or_never_have_been(viewer, order, few):
    rows = [order, *_copies(order, 9)]
    keys = sorted((row.pk for row in rows), reverse=True)
    Order.objects.filter(pk=keys[3]).delete()
    assert _shown(_page(viewer, f"?before={keys[3]}")) == keys[4:7]
    assert _shown(_page(viewer, f"?after={keys[3]}")) == keys[:3]
    beyond = _page(viewer, f"?before={10**17}")
    assert _shown(beyond) == [*keys[:3]]
    assert _link(beyond, "prev") == ""
    for query in ("?before=1", f"?after={10**17}"):
        answer = _page(viewer, query)
        assert "Nothing is beyond the row" in answer.content.decode()
        assert "Newest" in answer.content.decode()


@pytest.mark.parametrize(
    "query", ["before=x", "before=-1", "after=", "after=9" * 30, "before=%00", "before=1.5", "after=٣"]
)
def test_what_names_no_page_is_said_and_shows_the_first_one(viewer, order, query):
    answer = _page(viewer, f"?{query}")
    assert _shown(answer) == [order.pk]
    assert pages.NO_SUCH_PAGE in answer.content.decode()


@pytest.mark.parametrize("query", ["p=3", "all=", "o=1", "o=-2.1", "p=zzz"])
def test_pages_by_number_and_orders_of_ones_own_are_no_more(viewer, order, few, query):
    keys = sorted([order.pk, *(row.pk for row in _copies(order, 9))], reverse=True)
    assert _shown(_page(viewer, f"?{query}")) == keys[:3]


def test_filters_that_nobody_understands_are_said(viewer, order):
    MerchantFactory()
    answer = viewer.get(f"{ADMIN}/order/?merchant__id__exact=abc", follow=True)
    assert pages.NOT_UNDERSTOOD in answer.content.decode()
    assert _shown(answer) == [order.pk]


@pytest.mark.parametrize("number", ["9" * 40, "-" + "9" * 40, "9" * 5_000, "1," + "9" * 40, "9" * 19])
@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("order", "merchant"), ("order", "merchant__id__exact"), ("settlement", "merchant"),
        ("payout", "settlement__merchant"), ("payout", "settlement__merchant__id__in"), ("payment", "merchant"),
    ],
)  # fmt: skip
def test_numbers_that_no_row_has_are_said_and_show_the_whole_list(chief, rows, model, name, number):
    answer = chief.get(f"{ADMIN}/{model}/?{name}={number}", follow=True)
    assert answer.status_code == 200
    assert pages.NOT_UNDERSTOOD in answer.content.decode()
    assert _shown(answer)


def test_an_empty_list_says_so(viewer, db):
    assert "There is nothing yet." in _page(viewer).content.decode()
    assert "Nothing fits." in _page(viewer, "?q=nothing").content.decode()


@pytest.mark.parametrize("order", [("merchant", "mode", "currency", "pk"), ("merchant__name", "-currency", "-pk")])
def test_lists_of_another_order_keep_it_in_pages(chief, few, monkeypatch, order):
    monkeypatch.setattr("checkout.staff.ledger.LedgerAccountAdmin.get_ordering", lambda *_: order)
    for name in ("Zebra", "Ant", "Moth"):
        merchant = MerchantFactory(name=name)
        for currency in ("USD", "INR"):
            kinds = ("fees", "bank")
            LedgerAccount.objects.bulk_create(
                LedgerAccount(merchant=merchant, mode="test", kind=kind, currency=currency) for kind in kinds
            )
    right = list(LedgerAccount.objects.order_by(*order).values_list("pk", flat=True))
    seen, query = [], ""
    while query is not None:
        answer = _page(chief, query, "ledgeraccount")
        seen += _shown(answer)
        query, last = _link(answer, "next") or None, answer
    assert seen == right
    assert _shown(_page(chief, _link(last, "prev"), "ledgeraccount")) == right[6:9]
    assert pages.NO_SUCH_PAGE in _page(chief, f"?before={10**9}", "ledgeraccount").content.decode()


@pytest.fixture
def everything(rows):
    """Rows in every list, beside those that `rows` makes."""
    payment = paid()
    by = act()
    Adjustment.objects.create(
        merchant=payment.merchant, payment=payment, mode="test", amount_minor=1, currency="INR", reason="x",
        made_by_id=by.user_id, made_at=payment.started_at,
    )  # fmt: skip
    record_act("order.terminate", by, object_type="order", object_id="x", order=payment.order, at=payment.started_at)
    assert Transfer.objects.exists()
    return payment


@pytest.mark.parametrize("model", LISTS)
def test_no_list_counts_a_whole_table_or_skips_rows(chief, everything, model):
    for query in ("", "?q=2290", "?before=999999", "?after=1"):
        with CaptureQueriesContext(connection) as seen:
            answer = chief.get(f"{ADMIN}/{model}/{query}")
        assert answer.status_code == 200
        statements = [each["sql"] for each in seen]
        mine = [sql for sql in statements if f'FROM "payments_{model}"' in sql]
        assert mine
        counts = [sql for sql in statements if "COUNT(" in sql]
        assert counts
        assert not [sql for sql in counts if f"LIMIT {pages.COUNTED + 1}" not in sql]
        assert not [sql for sql in statements if "OFFSET" in sql]
