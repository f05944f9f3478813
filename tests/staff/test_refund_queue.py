"""Refunds that wait for a second person: approved, changed, cancelled, and never by the one who asked."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.test import Client

from payments import books, clock
from payments.gateways.base import Unanswered
from payments.gateways.simulator.engine import Simulator
from payments.models import Payment, Refund
from payments.money import Money
from payments.services.audit import Act
from payments.services.refunds import NewRefund, cancel_refund, change_refund
from payments.services.sending import approve_and_send, process_refund, refund_payment
from payments.states import RefundStatus
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

DEEDS = ("approve", "rewrite", "cancel")


@pytest.fixture
def taken(merchant):
    merchant.one_person_refund_minor = 5_000
    merchant.save()
    return pay(merchant)


@pytest.fixture
def asking(db):
    return make_staff("asha", "view_payment", "view_refund", "add_refund")


@pytest.fixture
def maker(asking):
    return signed_in(asking)


@pytest.fixture
def checker(db):
    return signed_in(make_staff("ravi", "view_payment", "view_refund", "change_refund"))


@pytest.fixture
def waiting(taken, asking):
    """₹100.00 of ₹299.99 that asha asked for."""
    new = NewRefund(Money(10_000, "INR"), note="Broken")
    return refund_payment(taken.pk, new, at=clock.now(), by=Act(asking.pk, "Asked on the phone"))


def _now(refund):
    return Refund.objects.select_related("payment").get(pk=refund.pk)


def _by(name):
    return Act(User.objects.get(username=name).pk, "Meanwhile")


def test_a_second_person_lets_it_go(checker, waiting):
    assert buttons(checker, waiting) == ["approve"]
    form = checker.get(door(waiting, "approve")).content.decode()
    assert "asha asked for this refund." in form
    sure = fill_in(checker, waiting, "approve").content.decode()
    assert "₹100.00 goes back to Alice at once." in sure
    assert "You approve version 1 of the request" in sure
    assert waiting.order.order_id in sure
    assert do(checker, waiting, "approve") == "Refunded: ₹100.00 went back to the customer."
    refund = _now(waiting)
    assert (refund.status, refund.approved_by.username) == (RefundStatus.SUCCESS, "ravi")
    assert acts()[1:] == [("refund.approve", "ravi", WHY)]
    assert buttons(checker, waiting) == []
    assert "waits for nobody: it is success" in checker.get(door(waiting, "approve")).content.decode()
    assert not list(books.differences())


@pytest.mark.parametrize("is_chief", [True, False])
def test_whoever_asked_cannot_approve(waiting, asking, checker, is_chief):
    boss = User.objects.create_superuser("boss") if is_chief else make_staff("both", "add_refund", "change_refund")
    Refund.objects.filter(pk=waiting.pk).update(requested_by=boss)
    client, before = signed_in(boss), snapshot()
    assert "approve" not in buttons(client, waiting)
    assert "somebody else has to approve it" in client.get(page_of(waiting)).content.decode()
    page = client.get(door(waiting, "approve")).content.decode()
    assert "somebody else has to approve it" in page
    assert 'name="reason"' not in page
    stolen = token_of(fill_in(checker, waiting, "approve"))
    for answer in (fill_in(client, waiting, "approve"), confirm(client, waiting, "approve", stolen)):
        assert "Nothing was changed. You asked for this refund" in told(answer, waiting)
    assert snapshot() == before
    with pytest.raises(IntegrityError), transaction.atomic():
        Refund.objects.filter(pk=waiting.pk).update(approved_by=boss)


def test_becoming_the_maker_in_another_window_does_not_help(waiting):
    both = signed_in(make_staff("both", "view_refund", "add_refund", "change_refund"))
    token = token_of(fill_in(both, waiting, "approve"))
    do(both, waiting, "rewrite", amount="299.99")
    assert "You asked for this refund" in told(confirm(both, waiting, "approve", token), waiting)
    assert _now(waiting).status == RefundStatus.REQUESTED


def test_an_approval_of_what_was_changed_since_is_worth_nothing(checker, waiting, asking):
    token = token_of(fill_in(checker, waiting, "approve"))
    change_refund(waiting.pk, NewRefund(Money(29_999, "INR")), by=_by("asha"), at=clock.now())
    before = snapshot()
    answer = confirm(checker, waiting, "approve", token)
    assert answer.status_code == 400
    assert "its amount is ₹299.99 now" in problems(answer)
    assert snapshot() == before
    assert "₹299.99 went back" in do(checker, waiting, "approve")


def test_a_change_between_our_look_and_the_deed_is_refused_by_the_core(checker, waiting, monkeypatch):
    token = token_of(fill_in(checker, waiting, "approve"))

    def late(*args, **more):
        change_refund(waiting.pk, NewRefund(Money(29_999, "INR")), by=_by("asha"), at=clock.now())
        return approve_and_send(*args, **more)

    monkeypatch.setattr("checkout.staff.approvals.approve_and_send", late)
    answer = confirm(checker, waiting, "approve", token)
    assert answer.status_code == 400
    assert "was changed by somebody else meanwhile" in problems(answer)
    assert _now(waiting).status == RefundStatus.REQUESTED


def test_a_race_with_the_maker_is_decided_by_the_core(waiting, monkeypatch):
    both = signed_in(make_staff("both", "view_refund", "add_refund", "change_refund"))
    token = token_of(fill_in(both, waiting, "approve"))

    def late(*args, **more):
        change_refund(waiting.pk, NewRefund(Money(29_999, "INR")), by=_by("both"), at=clock.now())
        return approve_and_send(*args, **more)

    monkeypatch.setattr("checkout.staff.approvals.approve_and_send", late)
    assert "You asked for this refund" in told(confirm(both, waiting, "approve", token), waiting)


def test_an_approval_that_is_not_answered_says_so(checker, waiting, monkeypatch):
    def silent(*args):
        raise Unanswered("time-out")

    token = token_of(fill_in(checker, waiting, "approve"))
    with monkeypatch.context() as patch:
        patch.setattr(Simulator, "refund", silent)
        assert "the gateway has not answered yet" in told(confirm(checker, waiting, "approve", token), waiting)
    assert "waits for nobody: it is pending" in told(confirm(checker, waiting, "approve", token), waiting)
    with clock.shifted(timedelta(minutes=1)):
        process_refund(waiting.pk, at=clock.now())
    assert _now(waiting).payment.refunded_minor == 10_000
    assert not list(books.differences())


def test_a_refund_can_be_changed_by_its_maker(maker, waiting):
    assert buttons(maker, waiting) == ["rewrite", "cancel"]
    form = maker.get(door(waiting, "rewrite")).content.decode()
    assert 'value="100.00"' in form
    assert 'value="Broken"' in form
    assert "At most ₹299.99." in form
    assert (
        "The request becomes ₹40.00 (it was ₹100.00)"
        in fill_in(maker, waiting, "rewrite", amount="40").content.decode()
    )
    words = do(maker, waiting, "rewrite", amount="40", note="Less")
    assert words == "Changed: ₹40.00 waits for approval by somebody other than you. Nothing was sent."
    refund = _now(waiting)
    assert (refund.amount_minor, refund.note, refund.version) == (4_000, "Less", 2)
    assert refund.payment.refund_reserved_minor == 4_000
    assert acts()[1:] == [("refund.change", "asha", WHY)]


def test_whoever_changes_it_is_its_maker_then(waiting, maker, checker):
    second = signed_in(make_staff("second", "view_refund", "add_refund", "change_refund"))
    do(second, waiting, "rewrite", amount="200")
    assert "approve" not in buttons(second, waiting)
    assert "went back" in do(checker, waiting, "approve")


@pytest.mark.parametrize(
    ("typed", "words"), [("300", "too much"), ("0", "above 0"), ("1e2", "plain"), ("1.001", "2 deci")]
)
def test_a_change_needs_an_amount_that_is_there(maker, waiting, typed, words):
    before = snapshot()
    assert words in problems(fill_in(maker, waiting, "rewrite", amount=typed))
    assert snapshot() == before


def test_two_changes_at_once_do_not_overwrite_each_other(maker, waiting):
    token = token_of(fill_in(maker, waiting, "rewrite", amount="40"))
    other = signed_in(make_staff("other", "view_refund", "add_refund"))
    do(other, waiting, "rewrite", amount="60")
    before = snapshot()
    assert "₹60.00 now" in problems(confirm(maker, waiting, "rewrite", token))
    assert snapshot() == before


def test_a_change_that_comes_a_moment_too_late_is_refused_under_the_lock(maker, waiting, monkeypatch):
    from checkout.staff import approvals

    token = token_of(fill_in(maker, waiting, "rewrite", amount="40"))
    unchanged = approvals.unchanged

    def late(*args, **more):
        change_refund(waiting.pk, NewRefund(Money(6_000, "INR")), by=_by("asha"), at=clock.now())
        return unchanged(*args, **more)

    monkeypatch.setattr(approvals, "unchanged", late)
    assert "was changed by somebody else meanwhile" in problems(confirm(maker, waiting, "rewrite", token))
    assert _now(waiting).amount_minor == 6_000


def test_a_refund_that_waits_can_be_given_up(maker, checker, waiting):
    approval = token_of(fill_in(checker, waiting, "approve"))
    assert do(maker, waiting, "cancel") == "Cancelled: ₹100.00 is free again. Nothing was sent."
    assert _now(waiting).payment.refund_reserved_minor == 0
    assert "it is cancelled" in told(confirm(checker, waiting, "approve", approval), waiting)
    assert acts()[1:] == [("refund.cancel", "asha", WHY)]
    assert buttons(maker, waiting) == []


def test_giving_up_twice_is_once(maker, waiting):
    token = token_of(fill_in(maker, waiting, "cancel"))
    told(confirm(maker, waiting, "cancel", token), waiting)
    after = snapshot()
    assert "it is cancelled" in told(confirm(maker, waiting, "cancel", token), waiting)
    assert snapshot() == after


def test_what_was_sent_is_not_given_up(maker, waiting, checker):
    changing, giving_up = (token_of(fill_in(maker, waiting, deed, amount="1")) for deed in ("rewrite", "cancel"))
    do(checker, waiting, "approve")
    before = snapshot()
    for deed, token in (("rewrite", changing), ("cancel", giving_up)):
        assert "waits for nobody: it is success" in told(confirm(maker, waiting, deed, token), waiting)
    assert snapshot() == before


def test_a_cancel_that_comes_a_moment_too_late_is_refused(maker, waiting, monkeypatch, checker):
    token = token_of(fill_in(maker, waiting, "cancel"))
    real = cancel_refund

    def late(*args, **more):
        raise_from = approve_and_send(waiting.pk, version=1, by=_by("ravi"), at=clock.now())
        assert raise_from.status == RefundStatus.SUCCESS
        return real(*args, **more)

    monkeypatch.setattr("checkout.staff.approvals.unchanged", _no_lock)
    monkeypatch.setattr("checkout.staff.approvals.cancel_refund", late)
    assert "Nothing was changed" in told(confirm(maker, waiting, "cancel", token), waiting)
    assert _now(waiting).status == RefundStatus.SUCCESS


class _no_lock:  # noqa: N801  (stands in for a function)
    """The page's own look at the figures, gone."""

    def __init__(self, *args, **more):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *args):
        return False


def test_disputed_money_is_not_let_go(maker, checker, waiting, now):
    token = token_of(fill_in(checker, waiting, "approve"))
    Payment.objects.filter(pk=waiting.payment_id).update(disputed_at=now)
    assert buttons(checker, waiting) == []
    assert buttons(maker, waiting) == ["cancel"]
    assert "This payment is disputed" in told(confirm(checker, waiting, "approve", token), waiting)
    assert "This payment is disputed" in told(fill_in(maker, waiting, "rewrite", amount="1"), waiting)
    assert "Cancelled" in do(maker, waiting, "cancel")


@pytest.mark.parametrize("deed", DEEDS)
def test_who_may_not_is_shut_out(waiting, deed):
    rights = {"approve": ["view_refund", "add_refund"], "rewrite": ["change_refund"], "cancel": ["change_refund"]}[deed]
    client, before = signed_in(make_staff("clerk", *rights)), snapshot()
    assert client.get(door(waiting, deed)).status_code == 403
    assert fill_in(client, waiting, deed, amount="1").status_code == 403
    assert client.post(door(waiting, deed), {"confirmed": "x"}).status_code == 403
    assert deed not in buttons(client, waiting)
    assert snapshot() == before


@pytest.mark.parametrize("deed", DEEDS)
def test_looking_changes_nothing_and_posts_need_the_forms_token(chief, waiting, deed):
    before = snapshot()
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = chief.cookies
    token = token_of(fill_in(chief, waiting, deed, amount="1"))
    assert chief.get(door(waiting, deed), {"confirmed": token}).status_code == 200
    assert strict.post(door(waiting, deed), {"confirmed": token}).status_code == 403
    assert chief.put(door(waiting, deed)).status_code == 405
    assert snapshot() == before


@pytest.mark.parametrize("deed", DEEDS)
def test_every_deed_needs_a_reason(chief, waiting, deed):
    answer = fill_in(chief, waiting, deed, amount="1", reason=" ")
    assert answer.status_code == 400
    assert "required" in problems(answer)
