"""Pay-outs by hands: sent, confirmed, failed and sent anew; each once."""

import pytest

from payments import clock
from payments.models import Payout
from payments.services.payouts import confirm_payout, send_payout
from payments.states import PayoutStatus, SettlementStatus
from tests.factories import act
from tests.settling import close, pay_out, sell, seller, settle
from tests.staff.deeds import buttons, confirm, do, door, fill_in, problems, token_of, told
from tests.staff.settling import NET, in_order, said, today

pytestmark = pytest.mark.django_db


@pytest.fixture
def merchant():
    return seller()


@pytest.fixture
def due(merchant):
    sell(merchant)
    return close(settle(merchant))


def test_a_payout_is_sent_once(meera, ravi, due):
    token = token_of(fill_in(meera, due, "pay-out", utr=""))
    other = token_of(fill_in(ravi, due, "pay-out", utr=""))
    assert confirm(meera, due, "pay-out", token).status_code == 302
    for client, again in ((meera, token), (ravi, other)):
        assert "on its way: say first what became of that" in told(confirm(client, due, "pay-out", again), due)
    assert Payout.objects.count() == 1
    in_order()


def test_a_race_lost_to_another_payout_sends_nothing(meera, due, monkeypatch):
    def late(pk, *, net_minor, by, at, utr=""):
        send_payout(pk, net_minor=net_minor, by=act(), at=at)
        return send_payout(pk, net_minor=net_minor, by=by, at=at, utr=utr)

    monkeypatch.setattr("checkout.staff.closing.send_payout", late)
    assert "Nothing was changed. A pay-out of it is on its way" in do(meera, due, "pay-out", utr="")
    assert Payout.objects.count() == 1


@pytest.fixture
def payout(due):
    return send_payout(due.pk, net_minor=due.net_minor, by=act("asha"), at=clock.now(), utr="HDFC1")


@pytest.mark.parametrize(
    ("over", "words"),
    [
        ({"utr": ""}, "required"),
        ({"utr": "x" * 41}, "at most 40"),
        ({"utr": "a\x07b"}, "control characters"),
        ({"value_date": "2999-01-01"}, "a day that has come"),
        ({"value_date": "31.12.2025"}, "valid date"),
        ({"value_date": ""}, "required"),
        ({"reason": ""}, "required"),
    ],
)
def test_a_payout_is_confirmed_only_with_what_the_bank_says(meera, payout, over, words):
    answer = fill_in(meera, payout, "confirm", **{"utr": "HDFC1", "value_date": today(), **over})
    assert answer.status_code == 400
    assert words in problems(answer)
    assert Payout.objects.get().status == PayoutStatus.SENT


def test_confirming_offers_the_reference_and_says_when_it_is_replaced(meera, payout):
    form = meera.get(door(payout, "confirm")).context["form"]
    assert form.initial["utr"] == "HDFC1"
    page = fill_in(meera, payout, "confirm", utr="SBI2", value_date=today()).content.decode()
    assert "It was sent under HDFC1: that reference is replaced." in page


def test_a_payout_fails_is_owed_again_and_is_paid_anew(meera, ravi, due, payout):
    words = do(meera, payout, "fail", message="The account is closed")
    assert words == f"Failed: {due.merchant.name} is owed {NET} again. Pay {due} out anew."
    due.refresh_from_db()
    assert due.status == SettlementStatus.FAILED
    assert "The account is closed" in said(ravi, due)
    assert buttons(ravi, due) == ["pay-out", "statement"]
    do(ravi, due, "pay-out", utr="")
    second = Payout.objects.latest("pk")
    do(meera, second, "confirm", utr="HDFC2", value_date=today())
    due.refresh_from_db()
    assert due.status == SettlementStatus.PAID_OUT
    in_order()


def test_money_that_comes_back_after_it_was_paid_is_owed_again(meera, due):
    payout = pay_out(due)
    page = fill_in(meera, payout, "fail", message="Returned by the bank").content.decode()
    assert "The pay-out came back" in page
    do(meera, payout, "fail", message="Returned by the bank")
    due.refresh_from_db()
    assert due.status == SettlementStatus.FAILED
    in_order()


@pytest.mark.parametrize("message", ["", " ", "x" * 201, "a\x07b"])
def test_why_it_failed_has_to_be_said(meera, payout, message):
    assert fill_in(meera, payout, "fail", message=message).status_code == 400
    assert Payout.objects.get().status == PayoutStatus.SENT


def test_what_became_of_a_payout_is_not_said_twice(meera, payout):
    paid = token_of(fill_in(meera, payout, "confirm", utr="HDFC1", value_date=today()))
    failed = token_of(fill_in(meera, payout, "fail", message="No such account"))
    assert confirm(meera, payout, "confirm", paid).status_code == 302
    assert "paid already" in told(confirm(meera, payout, "confirm", paid), payout)
    assert "Nothing was changed" in problems(confirm(meera, payout, "fail", failed))
    do(meera, payout, "fail", message="Came back")
    assert "failed already" in told(confirm(meera, payout, "fail", failed), payout)
    assert "failed already" in told(confirm(meera, payout, "confirm", paid), payout)
    in_order()


def test_a_race_lost_to_the_banks_own_file_changes_nothing(meera, payout, monkeypatch):
    def late(pk, *, utr, value_date, by, at):
        confirm_payout(pk, utr="FILE9", value_date=value_date, by=None, at=at)
        return confirm_payout(pk, utr=utr, value_date=value_date, by=by, at=at)

    monkeypatch.setattr("checkout.staff.payouts.confirm_payout", late)
    words = do(meera, payout, "confirm", utr="HDFC1", value_date=today())
    assert words.startswith("Nothing was changed. This pay-out is paid already.")
    assert Payout.objects.get().utr == "FILE9"


def test_a_settlements_page_offers_what_its_payout_needs(meera, due, payout):
    page = said(meera, due)
    assert f'href="{door(payout, "confirm")}"' in page
    assert f'href="{door(payout, "fail")}"' in page
