"""Refunds asked for on a payment's page: done, waiting, refused, stale, and told as they really are."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client

from payments import books, clock
from payments.gateways.base import Unanswered
from payments.gateways.simulator.engine import Simulator
from payments.models import Payment, Refund, Transfer
from payments.money import Money
from payments.services.refunds import NewRefund
from payments.services.sending import process_refund, refund_payment
from payments.states import RefundStatus
from tests.factories import PaymentFactory
from tests.staff.conftest import make_staff, signed_in
from tests.staff.deeds import (
    WHY,
    acts,
    buttons,
    confirm,
    do,
    door,
    fill_in,
    page_of,
    pay,
    problems,
    snapshot,
    token_of,
    told,
)


@pytest.fixture
def taken(merchant):
    """₹299.99 of a merchant whose staff may refund ₹5,000 alone."""
    return pay(merchant)


@pytest.fixture
def maker(db):
    return signed_in(make_staff("maker", "view_payment", "view_refund", "add_refund"))


def _now(payment):
    return Payment.objects.get(pk=payment.pk)


def _refund_by_api(payment, minor):
    new = NewRefund(Money(minor, payment.currency))
    return refund_payment(payment.pk, new, at=clock.now())


def test_all_of_it_goes_back(maker, taken):
    assert buttons(maker, taken) == ["refund"]
    form = maker.get(door(taken, "refund")).content.decode()
    assert 'value="299.99"' in form
    assert "Up to ₹5,000.00 it is sent at once" in form
    sure = fill_in(maker, taken, "refund", amount="299.99", note="Broken kite").content.decode()
    for words in (
        "₹299.99 goes back to Alice at once",
        "Nothing more is left",
        "Broken kite",
        WHY,
        "alice@example.com",
    ):
        assert words in sure
    assert do(maker, taken, "refund", amount="299.99", note="Broken kite") == (
        "Refunded: ₹299.99 went back to the customer."
    )
    refund = Refund.objects.get()
    assert (refund.status, refund.note, refund.requested_by.username) == (RefundStatus.SUCCESS, "Broken kite", "maker")
    assert acts() == [("refund.request", "maker", WHY)]
    assert buttons(maker, taken) == []
    assert "Nothing is left to refund" in maker.get(door(taken, "refund")).content.decode()
    assert not list(books.differences())


def test_parts_go_back_one_after_the_other(maker, taken):
    sure = fill_in(maker, taken, "refund", amount="100").content.decode()
    assert "₹199.99 stays to be refunded later." in sure
    for amount in ("100", "99.99"):
        do(maker, taken, "refund", amount=amount)
    form = maker.get(door(taken, "refund")).content.decode()
    assert 'value="100.00"' in form
    assert "That is too much: ₹100.00 is left." in problems(fill_in(maker, taken, "refund", amount="100.01"))
    assert _now(taken).refunded_minor == 19_999
    assert not list(books.differences())


def test_above_the_limit_it_waits_for_a_second_person(maker, taken):
    taken.merchant.one_person_refund_minor = 10_000
    taken.merchant.save()
    sure = fill_in(maker, taken, "refund", amount="100.01")
    assert "so a second person has to approve it" in sure.content.decode()
    assert sure.context["summary"] == "Ask to refund ₹100.01"
    assert do(maker, taken, "refund", amount="100.01") == (
        "₹100.01 waits for a second person to approve it. Nothing was sent yet."
    )
    assert Refund.objects.get().status == RefundStatus.REQUESTED
    assert not Transfer.objects.filter(source_type="refund").exists()


def test_below_the_limit_one_person_is_enough_until_the_slices_exceed_it(maker, taken):
    taken.merchant.one_person_refund_minor = 10_000
    taken.merchant.save()
    assert "Refunded" in do(maker, taken, "refund", amount="100.00")
    assert "waits for a second person" in do(maker, taken, "refund", amount="0.01")


@pytest.mark.parametrize(
    ("amount", "words", "status"),
    [
        ("10.91", "The refund of ₹10.91 failed. The bank did not take the refund. Nothing went back", "failed"),
        ("10.92", "The gateway has the refund of ₹10.92 and holds it for now.", "onhold"),
        ("10.93", "The gateway has the refund of ₹10.93 and has not decided it yet.", "pending"),
        ("10.95", "was sent, but the gateway has not answered yet", "pending"),
    ],
)
def test_what_the_gateway_said_is_told(maker, taken, amount, words, status):
    assert words in do(maker, taken, "refund", amount=amount)
    assert Refund.objects.get().status == status
    assert f">{status}<" in maker.get(page_of(taken)).content.decode()


def test_a_gateway_that_does_not_answer_is_asked_again_and_never_paid_twice(maker, taken, monkeypatch):
    def silent(*args):
        raise Unanswered("time-out")

    token = token_of(fill_in(maker, taken, "refund", amount="100"))
    with monkeypatch.context() as patch:
        patch.setattr(Simulator, "refund", silent)
        words = told(confirm(maker, taken, "refund", token), taken)
    assert "the gateway has not answered yet" in words
    assert "do not ask for another one" in words
    refund = Refund.objects.get()
    assert refund.status == RefundStatus.PENDING
    assert confirm(maker, taken, "refund", token).status_code == 400
    with clock.shifted(timedelta(minutes=1)):
        assert process_refund(refund.pk, at=clock.now())
    refund.refresh_from_db()
    assert refund.status == RefundStatus.SUCCESS
    assert Refund.objects.count() == 1
    assert not list(books.differences())


def test_a_stale_page_is_refused_with_what_is_left_now(maker, taken):
    token = token_of(fill_in(maker, taken, "refund", amount="100"))
    _refund_by_api(taken, 5_000)
    before = snapshot()
    answer = confirm(maker, taken, "refund", token)
    assert answer.status_code == 400
    assert "Nothing was changed" in problems(answer)
    assert "₹249.99 is left to refund now." in problems(answer)
    assert 'value="100"' in answer.content.decode()
    assert snapshot() == before
    assert "Refunded: ₹100.00" in do(maker, taken, "refund", amount="100")


def test_a_refund_that_came_and_failed_meanwhile_is_noticed_too(maker, taken):
    token = token_of(fill_in(maker, taken, "refund", amount="100"))
    _refund_by_api(taken, 1_091)
    assert _now(taken).refundable == taken.captured
    assert "something else happened" in problems(confirm(maker, taken, "refund", token))


def test_a_refund_between_our_look_and_the_deed_is_refused_by_the_core(maker, taken, monkeypatch):
    token = token_of(fill_in(maker, taken, "refund", amount="100"))

    def late(*args, **more):
        _refund_by_api(taken, 5_000)
        return refund_payment(*args, **more)

    monkeypatch.setattr("checkout.staff.giving_back.refund_payment", late)
    answer = confirm(maker, taken, "refund", token)
    assert answer.status_code == 400
    assert "249.99 INR is left to refund, not 299.99 INR" in problems(answer)
    assert "₹249.99 is left to refund now." in problems(answer)
    assert Refund.objects.count() == 1


def test_the_same_confirmation_twice_does_it_once(maker, taken):
    token = token_of(fill_in(maker, taken, "refund", amount="100"))
    told(confirm(maker, taken, "refund", token), taken)
    after = snapshot()
    assert "perhaps this form was sent twice" in problems(confirm(maker, taken, "refund", token))
    assert snapshot() == after


@pytest.mark.django_db(transaction=True)
def test_a_double_click_refunds_once(maker, taken):
    token, session = token_of(fill_in(maker, taken, "refund", amount="100")), maker.cookies["sid"].value

    def click(_):
        client = Client()
        client.cookies["sid"] = session
        try:
            return confirm(client, taken, "refund", token).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(click, range(4))) == [302, 400, 400, 400]
    assert _now(taken).refunded_minor == 10_000
    assert not list(books.differences())


AMOUNTS = {
    "": "required",
    "0": "above 0",
    "-1": "plain number",
    "1e3": "plain number",
    "NaN": "plain number",
    "1,000.00": "plain number",
    "$10": "plain number",
    "10 USD": "plain number",
    "0.001": "INR has 2 decimals",
    "300": "too much",
    "123456789012345": "above 0, like 299.99, and at most",
}


@pytest.mark.parametrize("typed", AMOUNTS)
def test_an_amount_that_is_none_is_refused_in_the_form(maker, taken, typed):
    before = snapshot()
    answer = fill_in(maker, taken, "refund", amount=typed)
    assert answer.status_code == 400
    assert AMOUNTS[typed] in problems(answer)
    assert snapshot() == before


def test_other_currencies_keep_their_decimals(maker, merchant):
    payment = pay(merchant, 5_000, currency="KWD")
    assert 'value="5.000"' in maker.get(door(payment, "refund")).content.decode()
    assert "KWD has 3 decimals" in problems(fill_in(maker, payment, "refund", amount="1.0005"))
    assert "KWD\u00a01.005" in do(maker, payment, "refund", amount="1.005")


@pytest.mark.parametrize(
    ("note", "words"), [("x" * 101, "at most 100"), ("4242 4242 4242 4242", "looks like a card number")]
)
def test_a_note_is_for_the_merchant_and_keeps_its_rules(maker, taken, note, words):
    answer = fill_in(maker, taken, "refund", amount="1", note=note)
    assert answer.status_code == 400
    assert words in problems(answer)


@pytest.mark.parametrize("state", ["authorized", "failed", "void"])
def test_only_money_that_was_taken_goes_back(chief, db, state):
    payment = PaymentFactory(**{state: True})
    assert "refund" not in buttons(chief, payment)
    assert "took no money" in chief.get(door(payment, "refund")).content.decode()
    assert "took no money" in told(fill_in(chief, payment, "refund", amount="1"), payment)
    assert not Refund.objects.exists()


def test_disputed_money_stays_where_it_is(maker, taken, now):
    token = token_of(fill_in(maker, taken, "refund", amount="1"))
    Payment.objects.filter(pk=taken.pk).update(disputed_at=now)
    assert buttons(maker, taken) == []
    assert "This payment is disputed" in maker.get(door(taken, "refund")).content.decode()
    for answer in (fill_in(maker, taken, "refund", amount="1"), confirm(maker, taken, "refund", token)):
        assert "Nothing was changed. This payment is disputed" in told(answer, taken)
    assert not Refund.objects.exists()


@pytest.mark.parametrize("rights", [(), ("view_payment",), ("view_payment", "view_refund", "change_refund")])
def test_who_may_not_is_shut_out(maker, taken, rights):
    token = token_of(fill_in(maker, taken, "refund", amount="1"))
    client = signed_in(make_staff("clerk", *rights))
    assert client.get(door(taken, "refund")).status_code == 403
    assert fill_in(client, taken, "refund", amount="1").status_code == 403
    assert confirm(client, taken, "refund", token).status_code == 403
    assert "refund" not in buttons(client, taken)
    assert not Refund.objects.exists()


def test_looking_changes_nothing(maker, taken):
    before = snapshot()
    token = token_of(fill_in(maker, taken, "refund", amount="1"))
    assert maker.get(door(taken, "refund"), {"confirmed": token}).status_code == 200
    assert maker.head(door(taken, "refund")).status_code == 200
    assert snapshot() == before


def test_the_posts_need_the_forms_own_token(maker, taken):
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = maker.cookies
    token = token_of(fill_in(maker, taken, "refund", amount="1"))
    assert confirm(strict, taken, "refund", token).status_code == 403
    assert not Refund.objects.exists()
    csrf = strict.get(door(taken, "refund")).context["csrf_token"]
    assert confirm(strict, taken, "refund", token, csrfmiddlewaretoken=csrf).status_code == 302


def test_a_stranger_is_sent_to_the_login(client, taken):
    for answer in (client.get(door(taken, "refund")), fill_in(client, taken, "refund", amount="1")):
        assert answer["Location"].startswith("/admin/login/")
    assert not Refund.objects.exists()
