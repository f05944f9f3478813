"""What pages say of settlements: their own, the lists, the ledger, and those of orders, payments and refunds."""

import pytest

from payments import clock
from payments.models import Payout
from payments.services.payouts import send_payout
from tests.factories import act, refund
from tests.settling import close, pay_out, sell, seller, settle
from tests.staff import ADMIN
from tests.staff.conftest import make_staff, signed_in
from tests.staff.deeds import door, page_of
from tests.staff.settling import NET, said

pytestmark = pytest.mark.django_db


@pytest.fixture
def merchant():
    return seller()


@pytest.fixture
def due(merchant):
    sell(merchant)
    return close(settle(merchant))


@pytest.fixture
def payout(due):
    return send_payout(due.pk, net_minor=due.net_minor, by=act("asha"), at=clock.now(), utr="HDFC1")


def test_a_settlements_page_tells_its_story(chief, due, merchant):
    payout = pay_out(due)
    sell(merchant)
    following = settle(merchant)
    page = said(chief, due)
    line = due.lines.get()
    for words in (
        "₹299.99",
        "\u2212₹6.00",
        "\u2212₹1.08",
        NET,
        "HDFC0001",
        line.payment.uid,
        "confirmed a pay-out",
    ):
        assert words in page
    assert f'<span class="till-total">{NET}</span>' in page
    assert f'href="{page_of(payout)}"' in page
    assert f'<a href="{page_of(following)}">' in page
    assert f'<a href="{page_of(due)}">' in said(chief, following)
    assert "settlement.paid_out" in page


def test_a_long_settlement_shows_its_newest_lines_and_where_all_are(chief, merchant, monkeypatch):
    monkeypatch.setattr("checkout.staff.settlements.LINES_SHOWN", 2)
    for _ in range(3):
        sell(merchant)
    settlement = settle(merchant)
    page = said(chief, settlement)
    assert "These are the newest 2." in page
    assert f'<a href="{door(settlement, "statement")}">Show all</a>' in page


def _found(client, query):
    page = client.get(f"{ADMIN}/settlement/?{query}")
    assert page.status_code == 200
    return [row.pk for row in page.context["cl"].result_list]


def test_settlements_are_found_and_filtered(chief, merchant):
    payment = sell(merchant)
    back = refund(payment, 100)
    paid = close(settle(merchant))
    payout = pay_out(paid)
    sell(merchant)
    waiting = close(settle(merchant))
    sell(merchant)
    fresh = settle(merchant)
    for term in (paid.uid, payout.uid, "HDFC0001", payment.uid, back.uid, payment.order.order_id):
        assert _found(chief, f"q={term}") == [paid.pk], term
    assert _found(chief, "q=nothing") == []
    queues = {"closing": fresh, "paying": waiting, "over": paid}
    assert {queue: _found(chief, f"queue={queue}") for queue in queues} == {q: [s.pk] for q, s in queues.items()}
    assert _found(chief, "queue=bank") == []
    send_payout(waiting.pk, net_minor=waiting.net_minor, by=act(), at=clock.now())
    assert _found(chief, "queue=bank") == [waiting.pk]
    assert _found(chief, "queue=paying") == []
    assert _found(chief, f"merchant__id__exact={merchant.pk}&currency=INR") == [fresh.pk, waiting.pk, paid.pk]
    assert _found(chief, "collects__exact=merchant") == []


@pytest.mark.parametrize("model", ["settlement", "payout"])
@pytest.mark.parametrize(
    "query", ["q=%00", "q=%22", "queue=odd", "status__exact=odd", "merchant__id__exact=abc", "p=z"]
)
def test_odd_questions_are_no_fault_of_ours(chief, payout, model, query):
    assert chief.get(f"{ADMIN}/{model}/?{query}").status_code in (200, 302)
    for key in ("abc", "0", "9" * 20):
        for page in ("change", "statement", "close", "confirm"):
            assert chief.get(f"{ADMIN}/{model}/{key}/{page}/").status_code in (302, 404)


def test_the_ledger_opens_with_payouts_in_it(chief, payout):
    page = chief.get(f"{ADMIN}/transfer/?q={payout.uid}")
    (transfer,) = page.context["cl"].result_list
    assert f'<a href="{page_of(payout)}">{payout.uid}</a>' in page.content.decode()
    assert payout.uid in chief.get(f"{ADMIN}/transfer/{transfer.pk}/change/").content.decode()


def test_where_an_orders_money_was_settled_stands_on_its_pages(chief, merchant):
    payment = sell(merchant)
    back = refund(payment, 10_000)
    assert "It is in no settlement yet." in said(chief, payment.order)
    settlement = close(settle(merchant))
    payout = pay_out(settlement)
    link = f'<a href="{page_of(settlement)}">{settlement.uid}</a>'
    for row in (payment.order, payment, back):
        page = said(chief, row)
        assert link in page
        assert "HDFC0001, " in page
    page = said(chief, payment.order)
    for words in (
        "The payment of ₹299.99 came into a settlement.",
        "The refund of \u2212₹100.00 came into a settlement.",
        "The settlement was closed.",
        "The settlement’s pay-out was ordered at the bank.",
        f"The settlement was paid out to the merchant (HDFC0001, {Payout.objects.get(pk=payout.pk).value_date}).",
    ):
        assert words in page
    only_orders = signed_in(make_staff("clerk", "view_order"))
    assert settlement.uid not in said(only_orders, payment.order)
