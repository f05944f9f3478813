"""Disputes and adjustments: marked, ended, posted once, and refused in words."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.test import Client

from payments import books
from payments.models import Adjustment, Payment, Transfer
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

TO, FROM = "to the merchant", "from the merchant"
RIGHTS = {"dispute": "change_payment", "dispute-over": "change_payment", "adjustment": "add_adjustment"}


@pytest.fixture
def taken(merchant):
    return pay(merchant)


@pytest.fixture
def finance(db):
    return signed_in(make_staff("finance", "view_payment", "change_payment", "add_adjustment", "view_adjustment"))


def _now(payment):
    return Payment.objects.get(pk=payment.pk)


def test_a_dispute_is_marked_and_ended(finance, taken):
    assert buttons(finance, taken) == ["dispute", "adjustment"]
    sure = fill_in(finance, taken, "dispute").content.decode()
    assert "Nobody can ask for or approve a refund" in sure
    assert "₹299.99" in sure
    assert do(finance, taken, "dispute") == ("This payment is marked as disputed: nothing of it is refunded meanwhile.")
    assert _now(taken).disputed_at is not None
    assert "since " in finance.get(page_of(taken)).content.decode()
    assert buttons(finance, taken) == ["dispute-over", "adjustment"]
    assert "₹299.99 of this payment can be refunded again" in fill_in(finance, taken, "dispute-over").content.decode()
    assert "The dispute is over" in do(finance, taken, "dispute-over")
    assert _now(taken).disputed_at is None
    assert acts() == [("payment.dispute", "finance", WHY), ("payment.dispute_closed", "finance", WHY)]


@pytest.mark.parametrize("deed", ["dispute", "dispute-over"])
def test_the_same_confirmation_twice_marks_once(finance, taken, deed):
    if deed == "dispute-over":
        do(finance, taken, "dispute")
    token = token_of(fill_in(finance, taken, deed))
    told(confirm(finance, taken, deed, token), taken)
    after = snapshot()
    assert told(confirm(finance, taken, deed, token), taken).startswith("Nothing was changed.")
    assert snapshot() == after


def test_an_old_confirmation_does_not_end_a_newer_dispute(finance, taken):
    do(finance, taken, "dispute")
    token = token_of(fill_in(finance, taken, "dispute-over"))
    do(finance, taken, "dispute-over")
    do(finance, taken, "dispute")
    assert "something else happened" in problems(confirm(finance, taken, "dispute-over", token))
    assert _now(taken).disputed_at is not None


@pytest.mark.parametrize("deed", ["dispute", "dispute-over", "adjustment"])
@pytest.mark.parametrize("state", ["authorized", "failed"])
def test_money_that_was_not_taken_needs_no_correction(chief, db, deed, state):
    payment = PaymentFactory(**{state: True})
    before = snapshot()
    assert deed not in buttons(chief, payment)
    assert "This cannot be done now." in chief.get(door(payment, deed)).content.decode()
    assert "Nothing was changed." in told(fill_in(chief, payment, deed, amount="1", direction=TO), payment)
    assert snapshot() == before
    assert not Adjustment.objects.exists()


@pytest.mark.parametrize(("direction", "sign", "word"), [(TO, 1, "more"), (FROM, -1, "less")])
def test_an_adjustment_is_posted(finance, taken, direction, sign, word):
    form = finance.get(door(taken, "adjustment")).content.decode()
    assert 'name="amount" value' not in form
    sure = fill_in(finance, taken, "adjustment", amount="150.50", direction=direction)
    assert f"{taken.merchant.name} is owed ₹150.50 {word}." in sure.content.decode()
    assert sure.context["summary"] == f"Post ₹150.50 {direction}"
    words = do(finance, taken, "adjustment", amount="150.50", direction=direction)
    assert words == f"Posted: {taken.merchant.name} is owed ₹150.50 {word}."
    row = Adjustment.objects.get()
    assert (row.amount_minor, row.reason, row.payment, row.mode) == (sign * 15_050, WHY, taken, "test")
    assert Transfer.objects.get(source_type="adjustment").amount_minor == 15_050
    assert acts() == [("adjustment.post", "finance", WHY)]
    page = finance.get(page_of(taken)).content.decode()
    assert direction in page
    assert WHY in page
    assert not list(books.differences())


def test_the_same_confirmation_twice_posts_once(finance, taken):
    token = token_of(fill_in(finance, taken, "adjustment", amount="5", direction=TO))
    told(confirm(finance, taken, "adjustment", token), taken)
    answer = confirm(finance, taken, "adjustment", token)
    assert answer.status_code == 400
    assert "Adjustments of this payment so far: 1." in problems(answer)
    assert Adjustment.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_double_click_posts_once(finance, taken):
    token = token_of(fill_in(finance, taken, "adjustment", amount="5", direction=TO))
    session = finance.cookies["sid"].value

    def click(_):
        client = Client()
        client.cookies["sid"] = session
        try:
            return confirm(client, taken, "adjustment", token).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(click, range(4))) == [302, 400, 400, 400]
    assert Adjustment.objects.count() == 1


def test_a_posting_between_our_look_and_the_deed_is_noticed_under_the_lock(finance, taken, monkeypatch):
    from checkout.staff import disputes

    token = token_of(fill_in(finance, taken, "adjustment", amount="5", direction=TO))
    unchanged = disputes.unchanged

    def late(*args, **more):
        Adjustment.objects.create(
            merchant=taken.merchant, payment=taken, mode="test", amount_minor=1, currency="INR", reason="x",
            made_by=finance.get("/admin/").wsgi_request.user, made_at=taken.started_at,
        )  # fmt: skip
        return unchanged(*args, **more)

    monkeypatch.setattr(disputes, "unchanged", late)
    answer = confirm(finance, taken, "adjustment", token)
    assert answer.status_code == 400
    assert "was changed by somebody else meanwhile" in problems(answer)
    assert Adjustment.objects.count() == 1


AMOUNTS = {"": "required", "0": "above 0", "-5": "plain number", "1e3": "plain number", "NaN": "plain number",
           "5 USD": "plain number", "1.001": "INR has 2", "10000000001": "too large|at most"}  # fmt: skip


@pytest.mark.parametrize("typed", AMOUNTS)
def test_an_amount_that_is_none_is_refused_in_the_form(finance, taken, typed):
    answer = fill_in(finance, taken, "adjustment", amount=typed, direction=TO)
    assert answer.status_code == 400
    assert any(words in problems(answer) for words in AMOUNTS[typed].split("|"))
    assert not Adjustment.objects.exists()


@pytest.mark.parametrize("direction", ["", "sideways"])
def test_a_direction_has_to_be_chosen(finance, taken, direction):
    answer = fill_in(finance, taken, "adjustment", amount="1", direction=direction)
    assert answer.status_code == 400
    assert problems(answer)
    assert not Adjustment.objects.exists()


@pytest.mark.parametrize("deed", RIGHTS)
def test_who_may_not_is_shut_out(taken, deed):
    if deed == "dispute-over":
        do(signed_in(make_staff("boss", "view_payment", "change_payment")), taken, "dispute")
    others = {"change_payment", "add_adjustment", "add_refund", "change_authorization"} - {RIGHTS[deed]}
    client, before = signed_in(make_staff("clerk", "view_payment", *others)), snapshot()
    assert client.get(door(taken, deed)).status_code == 403
    assert fill_in(client, taken, deed, amount="1", direction=TO).status_code == 403
    assert client.post(door(taken, deed), {"confirmed": "x"}).status_code == 403
    assert deed not in buttons(client, taken)
    assert snapshot() == before
    assert not Adjustment.objects.exists()


@pytest.mark.parametrize("deed", ["dispute", "adjustment"])
def test_looking_changes_nothing_and_posts_need_the_forms_token(chief, taken, deed):
    before = snapshot()
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = chief.cookies
    token = token_of(fill_in(chief, taken, deed, amount="1", direction=TO))
    assert chief.get(door(taken, deed), {"confirmed": token}).status_code == 200
    assert strict.post(door(taken, deed), {"confirmed": token}).status_code == 403
    assert fill_in(chief, taken, deed, amount="1", direction=TO, reason="").status_code == 400
    assert snapshot() == before
    assert not Adjustment.objects.exists()


def test_the_right_to_correct_opens_no_form_for_the_row(finance, taken):
    page = finance.get(page_of(taken)).content.decode()
    assert 'name="_save"' not in page
    assert finance.post(page_of(taken), {"captured_minor": "1"}).status_code == 403
    assert _now(taken).captured_minor == taken.captured_minor


def test_the_page_shows_fee_tax_and_rule(chief, merchant):
    merchant.fee_plans.create(percent_bps=200, fixed_minor=0, tax_bps=1_800)
    taken = pay(merchant)
    page = chief.get(page_of(taken)).content.decode()
    for words in ("₹6.00", "₹1.08", "2.00 % + 0 minor units, tax 18.00 %", "tax on fees", "left to refund"):
        assert words in page


def test_a_page_says_real_money_where_it_is(chief, taken):
    Payment.objects.filter(pk=taken.pk).update(mode="live")
    assert "live (real money)" in chief.get(door(taken, "refund")).content.decode()
