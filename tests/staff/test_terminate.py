"""Ending an order from its page: who may, in which states, and what is told of it afterwards."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test import Client

from payments import clock
from payments.models import AuditEntry, Authorization, Order
from payments.services.facts import apply_gateway_fact
from payments.services.holds import ask_for
from payments.services.orders import lock_order
from payments.services.payments import start_payment, terminate_order
from payments.services.reconcile import inquire_payment
from payments.states import AuthorizationAction, OrderStatus, PaymentStatus
from tests.factories import CHALLENGED, OrderFactory, PaymentFactory, card_request, fact_for
from tests.staff import ADMIN
from tests.staff.conftest import make_staff, signed_in
from tests.staff.deeds import pay

WHY = "The shop sold the last one twice"
BUTTON = "Terminate this order…"
XSS = "<script>alert(1)</script>"


def _page(order):
    return f"{ADMIN}/order/{order.pk}/change/"


def _door(order):
    return f"{ADMIN}/order/{order.pk}/terminate/"


def _end(client, order, reason=WHY):
    """Send the form and land on the order's page: (its text, the messages on it)."""
    answer = client.post(_door(order), {"reason": reason}, follow=True)
    assert answer.redirect_chain == [(_page(order), 302)]
    return [str(message) for message in answer.context["messages"]]


def _row(order):
    return Order.objects.filter(pk=order.pk).values().get()


def _recorded():
    """The acts of staff that were kept: who, why, and what the order became by it."""
    acts = AuditEntry.objects.filter(act="order.terminate").order_by("pk")
    return [(entry.actor.username, entry.reason, entry.details["order_status"]) for entry in acts]


def _terminated():
    return terminate_order(OrderFactory().pk, cause="merchant", at=clock.now())


def _asked():
    return terminate_order(PaymentFactory().order_id, cause="merchant", at=clock.now())


def _capturing():
    """A payment whose capture is on its way to the gateway."""
    payment = PaymentFactory(authorized=True)
    Authorization.objects.get_or_create(payment=payment)
    ask_for(payment, AuthorizationAction.CAPTURE, amount_minor=payment.amount_minor, at=clock.now())
    return payment


def _overdue(**columns):
    return OrderFactory(created_at=clock.now() - timedelta(days=2), **columns)


OVER = {
    "paid": (lambda: PaymentFactory(success=True).order, "This order is paid."),
    "expired": (lambda: _overdue(status=OrderStatus.EXPIRED), "This order is expired."),
    "overdue": (lambda: _overdue(), "The time to pay this order is over: it expired."),
    "overdue after a decline": (
        lambda: PaymentFactory(failed=True, order=_overdue(status=OrderStatus.FAILED)).order,
        "The time to pay this order is over: it expired.",
    ),
    "capturing": (lambda: _capturing().order, "Its money is being captured: wait for what the gateway says."),
}
OPEN = {
    "created": OrderFactory,
    "failed": lambda: PaymentFactory(failed=True).order,
    "dropped": lambda: PaymentFactory(user_dropped=True).order,
}


@pytest.mark.django_db
@pytest.mark.parametrize("state", OPEN)
def test_an_order_nobody_is_paying_ends_at_once(chief, state):
    order = OPEN[state]()
    assert BUTTON in chief.get(_page(order)).content.decode()
    assert "The order ends at once." in chief.get(_door(order)).content.decode()
    assert _end(chief, order) == ["This order is terminated: nobody can start to pay it any more."]
    assert _row(order)["status"] == OrderStatus.TERMINATED
    event = order.events.get(kind="order.terminated")
    assert event.cause == "staff"
    assert _recorded() == [("chief", WHY, "terminated")]
    entry = AuditEntry.objects.get()
    assert (entry.object_type, entry.object_id, entry.order) == ("order", order.uid, order)


@pytest.fixture
def in_flight(order):
    """An order whose bank waits for a code, at the real simulator."""
    return start_payment(order.pk, card_request(CHALLENGED), at=clock.now())


def test_an_attempt_in_flight_is_cancelled_and_the_order_ends_with_it(chief, in_flight):
    order = in_flight.order
    page = chief.get(_door(order)).content.decode()
    assert "An attempt to pay this order is in flight." in page
    (told,) = _end(chief, order)
    assert "an attempt to pay it is still being decided" in told
    assert _row(order)["status"] == OrderStatus.PENDING
    assert _row(order)["terminate_requested_at"] is not None
    assert _recorded() == [("chief", WHY, "pending")]
    assert inquire_payment(in_flight.pk, at=clock.now())  # the worker's next step
    in_flight.refresh_from_db()
    assert in_flight.status == PaymentStatus.CANCELLED
    assert _row(order)["status"] == OrderStatus.TERMINATED


def test_a_success_meanwhile_still_pays_the_order(chief, payment):
    _end(chief, payment.order)
    apply_gateway_fact(payment, fact_for(payment, PaymentStatus.SUCCESS), cause="gateway event", at=clock.now())
    assert _row(payment.order)["status"] == OrderStatus.PAID
    assert "This order is paid." in chief.get(_door(payment.order)).content.decode()


def test_an_attempt_past_the_orders_expiry_can_still_be_called_off(chief, now):
    payment = PaymentFactory(order__created_at=now - timedelta(days=2))
    assert "still being decided" in _end(chief, payment.order)[0]
    assert _row(payment.order)["terminate_requested_at"] is not None


@pytest.mark.django_db
@pytest.mark.parametrize("state", OVER)
def test_what_cannot_be_ended_is_refused_in_words(chief, state):
    make, words = OVER[state]
    order = make()
    before = _row(order)
    assert BUTTON not in chief.get(_page(order)).content.decode()
    asked = chief.get(_door(order))
    assert asked.status_code == 200
    assert 'name="reason"' not in asked.content.decode()
    (told,) = _end(chief, order)
    assert told.startswith("Nothing was changed. ")
    assert words in told
    assert _row(order) == before
    assert _recorded() == []


def test_ending_a_held_order_releases_its_money(chief, merchant):
    held = pay(merchant, held=True)
    assert BUTTON in chief.get(_page(held.order)).content.decode()
    assert "It is released whole, nothing is taken" in chief.get(_door(held.order)).content.decode()
    (told,) = _end(chief, held.order)
    assert "the money that is held for it is being released" in told
    assert _recorded() == [("chief", WHY, "pending")]
    assert BUTTON not in chief.get(_page(held.order)).content.decode()
    assert inquire_payment(held.pk, at=clock.now())  # the worker's next step
    held.refresh_from_db()
    assert held.status == PaymentStatus.VOID
    assert _row(held.order)["status"] == OrderStatus.TERMINATED


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("make", "words"), [(_terminated, "terminated already"), (_asked, "end was asked for already")]
)
def test_what_was_done_already_stays_as_it_is(chief, make, words):
    order = make()
    before = _row(order)
    assert BUTTON not in chief.get(_page(order)).content.decode()
    page = chief.get(_door(order)).content.decode()
    assert 'name="reason"' not in page
    assert "already" in page
    (told,) = _end(chief, order)
    assert words in told
    assert _row(order) == before
    assert _recorded() == []


@pytest.mark.django_db
@pytest.mark.parametrize("make", [OrderFactory, lambda: PaymentFactory().order])
def test_the_form_sent_twice_does_it_once(chief, make):
    order = make()
    _end(chief, order)
    after = _row(order)
    _end(chief, order, reason="Again")
    assert _row(order) == after
    assert len(_recorded()) == 1


@pytest.mark.django_db(transaction=True)
def test_a_double_click_does_it_once(chief):
    order, session = OrderFactory(), chief.cookies["sid"].value

    def click(_):
        client = Client()
        client.cookies["sid"] = session
        try:
            return client.post(_door(order), {"reason": WHY}).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(click, range(4))) == [302] * 4
    assert order.events.filter(kind="order.terminated").count() == 1
    assert len(_recorded()) == 1


@pytest.mark.django_db(transaction=True)
def test_a_capture_cannot_slip_in_between_the_look_and_the_deed(chief):
    payment = PaymentFactory(authorized=True)
    Authorization.objects.get_or_create(payment=payment)

    def ask():
        try:
            return chief.post(_door(payment.order), {"reason": WHY}).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            lock_order(payment.order_id)
            ask_for(payment, AuthorizationAction.CAPTURE, amount_minor=1, at=clock.now())
            asked = pool.submit(ask)
            time.sleep(0.4)  # it has come as far as the lock
        assert asked.result() == 302
    assert _row(payment.order)["terminate_requested_at"] is None
    assert _recorded() == []


@pytest.mark.django_db
@pytest.mark.parametrize("state", [*OPEN, *OVER])
def test_looking_changes_nothing(chief, state):
    order = OPEN[state]() if state in OPEN else OVER[state][0]()
    before = _row(order)
    assert chief.get(_door(order), {"reason": WHY}).status_code == 200
    assert chief.head(_door(order)).status_code == 200
    assert chief.put(_door(order)).status_code == 405
    assert _row(order) == before
    assert _recorded() == []
    assert not order.events.exists()


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("", "This field is required."),
        ("   ", "This field is required."),
        ("x" * 201, "at most 200 characters"),
        ("two\u2028lines", "no control characters"),
        ("card 4242 4242 4242 4242 was used", "looks like a card number"),
    ],
)
def test_an_end_needs_a_reason_that_can_be_kept(chief, order, reason, words):
    answer = chief.post(_door(order), {"reason": reason})
    assert answer.status_code == 200
    page = answer.content.decode()
    assert words in page
    assert "Error:" in page
    assert _row(order)["status"] == OrderStatus.CREATED
    assert _recorded() == []


def test_a_reason_is_escaped_wherever_it_is_shown(chief, order):
    _end(chief, order, reason=XSS)
    assert _recorded() == [("chief", XSS, "terminated")]
    for path in ("/admin/", f"{ADMIN}/order/{order.pk}/history/", _page(order), _door(order)):
        assert XSS not in chief.get(path).content.decode()


def test_the_post_needs_the_forms_own_token(chief, order):
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = chief.cookies
    assert strict.post(_door(order), {"reason": WHY}).status_code == 403
    assert _row(order)["status"] == OrderStatus.CREATED
    page = strict.get(_door(order))
    token = {"reason": WHY, "csrfmiddlewaretoken": page.context["csrf_token"]}
    assert strict.post(_door(order), token).status_code == 302
    assert _row(order)["status"] == OrderStatus.TERMINATED


@pytest.mark.parametrize("rights", [(), ("view_order",), ("view_order", "add_order", "delete_order", "change_payment")])
def test_who_may_not_change_orders_is_shut_out(order, rights):
    client = signed_in(make_staff("clerk", *rights))
    assert client.get(_door(order)).status_code == 403
    assert client.post(_door(order), {"reason": WHY}).status_code == 403
    assert BUTTON not in client.get(_page(order)).content.decode()
    assert _row(order)["status"] == OrderStatus.CREATED
    assert _recorded() == []


def test_a_stranger_is_sent_to_the_login(client, order):
    for answer in (client.get(_door(order)), client.post(_door(order), {"reason": WHY})):
        assert answer["Location"].startswith("/admin/login/")
    assert _row(order)["status"] == OrderStatus.CREATED


@pytest.mark.parametrize("rights", [("change_order",), ("change_order", "view_order")])
def test_the_right_to_end_orders_opens_no_form_for_their_money(order, rights):
    client = signed_in(make_staff("clerk", *rights))
    page = client.get(_page(order)).content.decode()
    assert BUTTON in page
    assert 'name="amount_minor"' not in page
    assert 'name="_save"' not in page
    assert client.post(_page(order), {"amount_minor": "1", "status": "paid"}).status_code == 403
    assert _row(order)["amount_minor"] == order.amount_minor
    assert "terminated" in _end(client, order)[0]
    assert _recorded() == [("clerk", WHY, "terminated")]


def test_money_under_review_is_mentioned(chief, db):
    order = PaymentFactory(failed=True, money_unclear=True, review_reason="The amount differs.").order
    assert "money may have been taken" in chief.get(_door(order)).content.decode()
    assert "money may have been taken" not in chief.get(_door(OrderFactory())).content.decode()


@pytest.mark.parametrize("key", ["abc", "0", "99999999999999999999999", "1_5F"])
def test_odd_addresses_are_no_fault_of_ours(chief, order, key):
    assert chief.get(f"{ADMIN}/order/{key}/terminate/").status_code == 302
    assert chief.post(f"{ADMIN}/order/{key}/terminate/", {"reason": WHY}).status_code == 302
    assert _row(order)["status"] == OrderStatus.CREATED
