"""Settlements by hands: settled by one person, closed by another, discarded; and what is refused."""

from datetime import timedelta

import pytest

from payments import clock
from payments.models import AuditEntry, Payout, Settlement
from payments.services.settlements import close_settlement, discard_settlement
from payments.states import SettlementStatus
from tests.factories import act, refund
from tests.settling import close, sell, seller, settle
from tests.staff import ADMIN
from tests.staff.deeds import acts, buttons, confirm, do, door, fill_in, page_of, problems, token_of, told
from tests.staff.settling import INR, NET, built, in_order, opened, said, today

pytestmark = pytest.mark.django_db


@pytest.fixture
def merchant():
    return seller()


# --- Opening ---


def test_settle_close_pay_out_and_confirm_by_two_people(meera, ravi, merchant):
    sell(merchant)
    settlement = opened(meera, merchant)
    assert "being put together" in said(meera, settlement)
    built(settlement)
    assert buttons(meera, settlement) == ["discard", "statement"]
    assert "somebody else has to close it" in said(meera, settlement)

    assert do(ravi, settlement, "close") == f"Closed with a net of {NET}. It waits to be paid out."
    settlement.refresh_from_db()
    assert (settlement.status, settlement.closed_by.username) == (SettlementStatus.CLOSED, "ravi")

    assert f"of {NET} is noted as sent" in do(meera, settlement, "pay-out", utr="HDFC77")
    payout = Payout.objects.get()
    assert (payout.amount_minor, payout.utr, payout.sent_by.username) == (29_291, "HDFC77", "meera")

    told_so = do(ravi, payout, "confirm", utr="HDFC77", value_date=today())
    assert told_so == f"Confirmed: {NET} is paid, and {settlement} is paid out."
    settlement.refresh_from_db()
    assert settlement.status == SettlementStatus.PAID_OUT
    assert [(name, who) for name, who, _ in acts()] == [
        ("settlement.open", "meera"),
        ("settlement.close", "ravi"),
        ("payout.send", "meera"),
        ("payout.confirm", "ravi"),
    ]
    in_order()


def test_the_confirm_page_says_what_is_settled_and_until_when(meera, merchant):
    sell(merchant)
    page = fill_in(meera, merchant, "settle", group=INR, until=today()).content.decode()
    assert "INR (test), paid out by us" in page
    assert merchant.time_zone in page
    assert "You cannot close it yourself" in page
    assert not Settlement.objects.exists()


def test_the_day_offered_is_the_one_that_is_due(meera, merchant):
    sell(merchant)
    form = meera.get(door(merchant, "settle")).context["form"]
    assert form.fields["until"].initial < clock.now().date()
    assert [str(key) for key, _ in form.fields["group"].choices] == [INR]


@pytest.mark.parametrize(
    ("over", "words"),
    [
        ({"until": "2020-01-01"}, "waits to be settled up to that day"),
        ({"until": "2999-01-01"}, "a day that has come"),
        ({"until": "9999-12-31"}, "a day that has come"),
        ({"until": "0001-01-01"}, "waits to be settled up to that day"),
        ({"until": "tomorrow"}, "valid date"),
        ({"until": ""}, "required"),
        ({"group": "live INR operator"}, "valid choice"),
        ({"group": ""}, "required"),
        ({"reason": " "}, "required"),
    ],
)
def test_what_cannot_be_settled_is_said_at_its_field(meera, merchant, over, words):
    sell(merchant)
    answer = fill_in(meera, merchant, "settle", **{"group": INR, "until": today(), **over})
    assert answer.status_code == 400
    assert words in problems(answer)
    assert not Settlement.objects.exists()


def test_only_what_was_taken_until_that_day_is_in_it(meera, merchant):
    early = sell(merchant)
    type(early).objects.filter(pk=early.pk).update(completed_at=clock.now() - timedelta(days=3))
    sell(merchant)
    until = (clock.now() - timedelta(days=2)).date().isoformat()
    settlement = built(opened(meera, merchant, until=until))
    assert list(settlement.lines.values_list("payment", flat=True)) == [early.pk]


def test_a_merchant_that_was_never_owed_anything_is_not_settled(meera):
    merchant = seller()
    for deed in ("settle", "paid-in"):
        page = meera.get(door(merchant, deed))
        assert page.status_code == 200
        assert "never owed anything" in page.content.decode()
        assert "never owed anything" in told(meera.post(door(merchant, deed), {"reason": "x"}), merchant)


def test_a_form_that_is_sent_twice_opens_one(meera, merchant):
    sell(merchant)
    token = token_of(fill_in(meera, merchant, "settle", group=INR, until=today()))
    assert confirm(meera, merchant, "settle", token).status_code == 302
    again = confirm(meera, merchant, "settle", token)
    assert "Nothing was changed: something else happened" in problems(again)
    assert Settlement.objects.count() == 1
    assert "is open already" in problems(fill_in(meera, merchant, "settle", group=INR, until=today()))


def test_the_list_leads_to_the_merchants_own_page(meera, merchant):
    assert f'href="{ADMIN}/settlement/settle/"' in meera.get(f"{ADMIN}/settlement/").content.decode()
    assert f'href="{ADMIN}/settlement/?merchant__id__exact={merchant.pk}"' in said(meera, merchant)
    assert merchant.name in meera.get(f"{ADMIN}/settlement/settle/").content.decode()
    answer = meera.get(f"{ADMIN}/settlement/settle/?merchant={merchant.pk}")
    assert answer["Location"] == door(merchant, "settle")
    for odd in ("", "abc", "0", "9" * 30, "%00"):
        assert meera.get(f"{ADMIN}/settlement/settle/?merchant={odd}").status_code == 400
    assert meera.post(f"{ADMIN}/settlement/settle/").status_code == 405


# --- Closing and discarding ---


def test_whoever_opened_it_cannot_close_it_by_any_door(meera, merchant):
    sell(merchant)
    settlement = built(opened(meera, merchant))
    assert "You opened this settlement" in meera.get(door(settlement, "close")).content.decode()
    answer = meera.post(door(settlement, "close"), {"reason": "Me", "confirmed": "x"})
    assert "You opened this settlement" in told(answer, settlement)
    settlement.refresh_from_db()
    assert settlement.status == SettlementStatus.OPEN


def test_a_page_about_a_net_that_changed_closes_nothing(ravi, merchant):
    sell(merchant)
    settlement = settle(merchant)
    token = token_of(fill_in(ravi, settlement, "close"))
    Settlement.objects.filter(pk=settlement.pk).update(net_minor=1, gross_minor=709)
    answer = confirm(ravi, settlement, "close", token)
    assert "its net is ₹0.01 now" in problems(answer)
    assert Settlement.objects.get().status == SettlementStatus.OPEN


def test_a_race_lost_inside_the_service_closes_nothing(ravi, merchant, monkeypatch):
    sell(merchant)
    settlement = settle(merchant)

    def late(pk, *, net_minor, by, at):
        close(settlement, "somebody")
        return close_settlement(pk, net_minor=net_minor, by=by, at=at)

    monkeypatch.setattr("checkout.staff.closing.close_settlement", late)
    assert "Nothing was changed. This settlement is closed." in do(ravi, settlement, "close")
    assert AuditEntry.objects.filter(act="settlement.close").count() == 1


def test_nothing_is_done_while_it_is_put_together_but_discarding(meera, ravi, merchant):
    sell(merchant)
    settlement = opened(meera, merchant)
    assert set(buttons(ravi, settlement)) == {"discard", "change"}  # the latter is where to look again
    for deed in ("close", "statement"):
        assert "still being put together" in ravi.get(door(settlement, deed)).content.decode()
    assert ravi.post(door(settlement, "statement"), {"reason": "x", "csv": "x"}).status_code == 400
    assert "closes" not in told(ravi.post(door(settlement, "close"), {"reason": "x"}), settlement)
    page = said(ravi, settlement)
    assert f'<a href="{page_of(settlement)}">Look again</a>' in page
    assert "till-account" not in page
    assert 'http-equiv="refresh"' not in page


def test_an_open_settlement_is_discarded_and_leads_back_to_the_list(meera, merchant):
    sell(merchant)
    settlement = built(opened(meera, merchant))
    token = token_of(fill_in(meera, settlement, "discard"))
    answer = confirm(meera, settlement, "discard", token)
    assert answer["Location"] == f"{ADMIN}/settlement/"
    assert not Settlement.objects.exists()
    assert confirm(meera, settlement, "discard", token)["Location"] == "/admin/"
    assert [name for name, _, _ in acts()] == ["settlement.open", "settlement.discard"]
    assert built(opened(meera, merchant)).payments == 1


def test_one_that_was_discarded_meanwhile_says_so(ravi, merchant, monkeypatch):
    sell(merchant)
    settlement = settle(merchant)

    def late(pk, *, net_minor, by, at):
        discard_settlement(pk, by=act(), at=at)
        return close_settlement(pk, net_minor=net_minor, by=by, at=at)

    monkeypatch.setattr("checkout.staff.closing.close_settlement", late)
    answer = confirm(ravi, settlement, "close", token_of(fill_in(ravi, settlement, "close")))
    assert "Nothing was changed. This settlement was discarded." in problems(answer)


def test_a_closed_one_is_neither_closed_nor_discarded_again(ravi, merchant):
    sell(merchant)
    settlement = settle(merchant)
    token = token_of(fill_in(ravi, settlement, "close"))
    close(settlement, "asha")
    assert "is closed" in told(confirm(ravi, settlement, "close", token), settlement)
    for deed in ("close", "discard"):
        assert "This settlement is closed." in ravi.get(door(settlement, deed)).content.decode()
    assert buttons(ravi, settlement) == ["pay-out", "statement"]


def test_debt_is_said_before_and_after_closing(ravi, merchant):
    payment = sell(merchant)
    close(settle(merchant))
    refund(payment, 29_999)
    debt = settle(merchant)
    page = fill_in(ravi, debt, "close").content.decode()
    assert "owes ₹299.99, which the next settlement takes off" in page
    assert do(ravi, debt, "close") == "Closed with a net of \u2212₹299.99. Nothing of it is paid out."
    assert buttons(ravi, debt) == ["statement"]
    assert "There is nothing in this settlement to pay out." in ravi.get(door(debt, "pay-out")).content.decode()
    assert "what the merchant owes is carried into the next one" in said(ravi, debt)
