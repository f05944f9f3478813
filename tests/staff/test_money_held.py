"""Held money on the staff's pages: captured, voided, refused, and told as it really is."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client

from payments import books, clock
from payments.gateways.base import PaymentFact, Unanswered
from payments.gateways.simulator.engine import Simulator
from payments.models import Authorization, Order, Payment
from payments.money import Money
from payments.services.reconcile import inquire_payment
from payments.services.sending import capture_payment, void_payment
from payments.states import OrderStatus, PaymentStatus
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
def held(merchant):
    return pay(merchant, held=True)


@pytest.fixture
def cashier(db):
    """A browser of somebody who may capture and void, and nothing else."""
    return signed_in(make_staff("cashier", "view_payment", "change_authorization"))


def _unanswered(monkeypatch, *calls):
    def silent(*args):
        raise Unanswered("time-out")

    for call in calls:
        monkeypatch.setattr(Simulator, call, silent)


def _now(payment):
    return Payment.objects.select_related("order", "authorization").get(pk=payment.pk)


def test_all_of_it_is_captured(cashier, held):
    assert buttons(cashier, held) == ["capture", "void"]
    form = cashier.get(door(held, "capture"))
    assert 'value="299.99"' in form.content.decode()
    sure = fill_in(cashier, held, "capture", amount="299.99").content.decode()
    assert "₹299.99 is taken from Alice" in sure
    assert held.order.order_id in sure
    assert "alice@example.com" in sure
    assert "released" not in re.sub(r"<title>.*?</title>", "", sure)
    assert (
        do(cashier, held, "capture", amount="299.99")
        == f"Captured: ₹299.99 was taken. Order {held.order.order_id} is paid."
    )
    assert _now(held).status == PaymentStatus.SUCCESS
    assert acts() == [("payment.capture", "cashier", WHY)]
    assert buttons(cashier, held) == []
    assert not list(books.differences())


def test_a_part_is_captured_and_the_rest_released(cashier, held):
    sure = fill_in(cashier, held, "capture", amount="100").content.decode()
    assert "₹199.99 is released to the customer" in sure
    assert "₹100.00 was taken" in do(cashier, held, "capture", amount="100")
    assert _now(held).captured_minor == 10_000
    assert not list(books.differences())


def test_a_hold_is_released_and_its_order_ends(cashier, held):
    sure = fill_in(cashier, held, "void").content.decode()
    assert "₹299.99 is released to Alice" in sure
    assert "is terminated" in sure
    assert "Released: nothing was taken" in do(cashier, held, "void")
    assert _now(held).status == PaymentStatus.VOID
    assert _now(held).order.status == OrderStatus.TERMINATED
    assert acts() == [("payment.void", "cashier", WHY)]


@pytest.mark.parametrize(("deed", "call", "ends"), [("capture", "capture", "success"), ("void", "void", "void")])
def test_a_gateway_that_does_not_answer_is_told_as_such(cashier, held, monkeypatch, deed, call, ends):
    with monkeypatch.context() as patch:
        _unanswered(patch, call)
        words = do(cashier, held, deed, amount="299.99")
    assert f"The {deed} was sent. The gateway has not answered yet." in words
    assert _now(held).status == PaymentStatus.AUTHORIZED
    assert f"{deed}: sent, not answered yet" in cashier.get(page_of(held)).content.decode()
    assert buttons(cashier, held) == []
    for again in ("capture", "void"):
        assert "is on its way" in cashier.get(door(held, again)).content.decode()
        assert "is on its way" in told(fill_in(cashier, held, again, amount="1"), held)
    with clock.shifted(timedelta(minutes=1)):
        assert inquire_payment(held.pk, at=clock.now())
    assert _now(held).status == ends
    assert acts() == [(f"payment.{deed}", "cashier", WHY)]


def test_a_refusal_of_the_gateway_is_told_and_can_be_tried_again(cashier, held, monkeypatch):
    def refuse(self, account, payment, amount):
        return PaymentFact(PaymentStatus.AUTHORIZED, payment.key, message="Not today.")

    with monkeypatch.context() as patch:
        patch.setattr(Simulator, "capture", refuse)
        words = do(cashier, held, "capture", amount="299.99")
    assert words == "The gateway refused the capture: Not today. The money is still held."
    assert "capture: refused. Not today." in cashier.get(page_of(held)).content.decode()
    assert "was taken" in do(cashier, held, "capture", amount="299.99")


def test_a_capture_that_finds_the_hold_gone_says_so(cashier, held):
    token = token_of(fill_in(cashier, held, "capture", amount="299.99"))
    person = cashier.get("/admin/").wsgi_request.user
    with clock.shifted(timedelta(days=8)):
        cashier = signed_in(person)
        words = told(confirm(cashier, held, "capture", token), held)
    assert words.startswith("Released: nothing was taken")


@pytest.mark.parametrize("deed", ["capture", "void"])
def test_the_same_confirmation_twice_does_it_once(cashier, held, deed):
    token = token_of(fill_in(cashier, held, deed, amount="299.99"))
    told(confirm(cashier, held, deed, token), held)
    after = snapshot()
    assert told(confirm(cashier, held, deed, token), held).startswith("Nothing was changed. This payment is not held")
    assert snapshot() == after


def test_what_somebody_else_did_meanwhile_wins(cashier, held, monkeypatch):
    capture, void = (token_of(fill_in(cashier, held, deed, amount="1")) for deed in ("capture", "void"))
    with monkeypatch.context() as patch:
        _unanswered(patch, "capture")
        capture_payment(held.pk, cause="merchant", at=clock.now())
    before = snapshot()
    for deed, token in (("capture", capture), ("void", void)):
        assert "is on its way" in told(confirm(cashier, held, deed, token), held)
    assert snapshot() == before


def test_a_race_with_the_merchant_is_decided_by_the_core(cashier, held, monkeypatch):
    """The figures are right when the page looks; the merchant's void comes in before the capture is booked."""
    token = token_of(fill_in(cashier, held, "capture", amount="1"))

    def late(*args, **more):
        void_payment(held.pk, cause="merchant", at=clock.now())
        return capture_payment(*args, **more)

    monkeypatch.setattr("checkout.staff.captures.capture_payment", late)
    assert told(confirm(cashier, held, "capture", token), held) == (
        "Nothing was changed. This payment is not held: it is void."
    )
    assert acts() == []


def test_a_confirmation_of_a_refused_and_repeated_hold_is_stale(cashier, held):
    token = token_of(fill_in(cashier, held, "capture", amount="1"))
    Authorization.objects.filter(payment=held).update(action="void", status="failed", message="No.")
    answer = confirm(cashier, held, "capture", token)
    assert answer.status_code == 400
    assert "something else happened after you saw that page" in problems(answer)
    assert acts() == []


AMOUNTS = {
    "": "required",
    "0": "above 0",
    "0.00": "above 0",
    "-5": "plain number",
    "1e3": "plain number",
    "NaN": "plain number",
    "Infinity": "plain number",
    "₹5": "plain number",
    "5 USD": "plain number",
    "1,50": "plain number",
    "٣": "plain number",
    "5_0": "plain number",
    "1.005": "INR has 2 decimals",
    "300": "too much",
    "299.991": "INR has 2 decimals",
    "999999999999999": "above 0, like 299.99, and at most",
    "9" * 31: "at most 30 characters",
}


@pytest.mark.parametrize("typed", AMOUNTS)
def test_an_amount_that_is_none_is_refused_in_the_form(cashier, held, typed):
    before = snapshot()
    answer = fill_in(cashier, held, "capture", amount=typed)
    assert answer.status_code == 400
    assert AMOUNTS[typed] in problems(answer)
    assert "Error:" in answer.content.decode()
    assert snapshot() == before


@pytest.mark.parametrize(
    ("currency", "minor", "fits", "fits_not"), [("JPY", 500, "400", "1.5"), ("KWD", 5_000, "1.125", "1.1255")]
)
def test_amounts_have_the_currencys_own_decimals(cashier, merchant, currency, minor, fits, fits_not):
    payment = pay(merchant, minor, currency=currency, held=True)
    assert f"{currency} has" in problems(fill_in(cashier, payment, "capture", amount=fits_not))
    do(cashier, payment, "capture", amount=fits)
    assert str(_now(payment).captured) == f"{Money.parse(Decimal(fits), currency)}"


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("", "required"),
        ("  ", "required"),
        ("x" * 201, "at most 200"),
        ("a\u2028b", "no control characters"),
        ("card 4242 4242 4242 4242", "looks like a card number"),
    ],
)
def test_every_deed_needs_a_reason(cashier, held, reason, words):
    for deed in ("capture", "void"):
        answer = fill_in(cashier, held, deed, amount="1", reason=reason)
        assert answer.status_code == 400
        assert words in problems(answer)
    assert acts() == []


BOTH = pytest.mark.parametrize("deed", ["capture", "void"])


@BOTH
def test_looking_changes_nothing(cashier, held, deed):
    before = snapshot()
    token = token_of(fill_in(cashier, held, deed, amount="1"))
    assert cashier.get(door(held, deed), {"confirmed": token}).status_code == 200
    assert cashier.head(door(held, deed)).status_code == 200
    assert cashier.put(door(held, deed)).status_code == 405
    assert cashier.delete(door(held, deed)).status_code == 405
    assert snapshot() == before


@BOTH
def test_the_posts_need_the_forms_own_token(cashier, held, deed):
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = cashier.cookies
    token = token_of(fill_in(cashier, held, deed, amount="1"))
    before = snapshot()
    assert fill_in(strict, held, deed, amount="1").status_code == 403
    assert confirm(strict, held, deed, token).status_code == 403
    assert snapshot() == before
    csrf = strict.get(door(held, deed)).context["csrf_token"]
    assert confirm(strict, held, deed, token, csrfmiddlewaretoken=csrf).status_code == 302


@pytest.mark.parametrize("rights", [(), ("view_payment",), ("view_payment", "change_payment", "add_refund")])
@BOTH
def test_who_may_not_is_shut_out(held, cashier, rights, deed):
    token = token_of(fill_in(cashier, held, deed, amount="1"))
    client = signed_in(make_staff("clerk", *rights))
    before = snapshot()
    assert client.get(door(held, deed)).status_code == 403
    assert fill_in(client, held, deed, amount="1").status_code == 403
    assert confirm(client, held, deed, token).status_code == 403
    assert deed not in buttons(client, held)
    assert snapshot() == before


def test_who_may_not_see_payments_may_not_do_anything_to_them(held):
    client = signed_in(make_staff("clerk", "change_authorization"))
    assert client.get(door(held, "capture")).status_code == 403
    assert fill_in(client, held, "void").status_code == 403


def test_a_confirmation_is_good_for_one_person_one_payment_and_one_deed(cashier, held, merchant):
    other, another = pay(merchant, held=True), signed_in(make_staff("two", "view_payment", "change_authorization"))
    token = token_of(fill_in(cashier, held, "capture", amount="1"))
    for answer in (
        confirm(another, held, "capture", token),
        confirm(cashier, other, "capture", token),
        confirm(cashier, held, "void", token),
        confirm(cashier, held, "capture", token[:-1] + ("a" if token[-1] != "a" else "b")),
        confirm(cashier, held, "capture", ""),
    ):
        assert answer.status_code == 400
        assert "was not made for you" in problems(answer)
    assert acts() == []


def test_a_confirmation_does_not_last_for_ever(cashier, held, monkeypatch):
    token = token_of(fill_in(cashier, held, "capture", amount="1"))
    monkeypatch.setattr("checkout.staff.deeds.CONFIRM_WITHIN_S", -1)
    assert "too old" in problems(confirm(cashier, held, "capture", token))
    assert acts() == []


def test_something_can_be_changed_before_confirming(cashier, held):
    token = token_of(fill_in(cashier, held, "capture", amount="12.34", reason="A better one"))
    answer = confirm(cashier, held, "capture", token, again="Change something")
    page = answer.content.decode()
    assert answer.status_code == 200
    assert 'value="12.34"' in page
    assert 'value="A better one"' in page
    assert problems(answer) == ""


@pytest.mark.parametrize("state", ["success", "failed", "void", "user_dropped"])
def test_only_held_money_can_be_captured_or_voided(chief, db, state):
    payment = PaymentFactory(**{state: True})
    before = snapshot()
    for deed in ("capture", "void"):
        page = chief.get(door(payment, deed)).content.decode()
        assert "This cannot be done now." in page
        assert 'name="reason"' not in page
        assert "This payment is not held" in told(fill_in(chief, payment, deed, amount="1"), payment)
        assert deed not in buttons(chief, payment)
    assert snapshot() == before


def test_what_is_held_stands_on_the_page(cashier, held):
    page = cashier.get(page_of(held)).content.decode()
    assert "held until" in page
    assert "then it is released by itself" in page
    assert "not asked for" in page


@pytest.mark.parametrize("key", ["abc", "0", "99999999999999999999999", "1_5F"])
def test_odd_addresses_are_no_fault_of_ours(chief, held, key):
    where = door(held, "capture").replace(f"/{held.pk}/", f"/{key}/")
    assert chief.get(where).status_code == 302
    assert chief.post(where, {"reason": WHY, "amount": "1"}).status_code == 302
    assert Order.objects.get().status == OrderStatus.PENDING


def test_what_people_write_is_escaped(chief, held):
    xss = "<script>alert(1)</script>"
    Order.objects.filter(pk=held.order_id).update(customer_name=xss)
    assert xss not in fill_in(chief, held, "capture", amount="1", reason=xss).content.decode()
    assert xss not in fill_in(chief, held, "capture", amount=xss, reason=xss).content.decode()
    do(chief, held, "void", reason=xss)
    assert xss not in chief.get(page_of(held)).content.decode()
