"""An order's whole story on its page, in one list by time, and at a fixed price."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext

from checkout.staff.timeline import timeline_of
from payments import clock
from payments.models import AuditEntry, Authorization, Delivery, DeliveryTry, Event, FeePlan, Transfer
from payments.money import Money
from payments.services.audit import Act
from payments.services.disputes import open_dispute, post_adjustment
from payments.services.orders import extend_order
from payments.services.payments import start_payment
from payments.services.refunds import NewRefund, approve_refund, reserve_refund
from payments.services.sending import capture_payment, process_refund
from payments.states import AuthorizationAction, AuthorizationStatus
from tests.factories import OrderFactory, PaymentFactory, card_request
from tests.staff import ADMIN
from tests.staff.conftest import make_gateway_event, make_staff, signed_in
from tests.staff.deeds import pay

STATEMENTS = 12
"""All sources together, whatever there is in them."""

XSS = "<script>alert(1)</script>"
pytestmark = pytest.mark.django_db


@pytest.fixture
def story(merchant):
    """Held, captured in part, refunded by two people, disputed, adjusted."""
    merchant.one_person_refund_minor = 0
    merchant.save()
    FeePlan.objects.create(merchant=merchant, percent_bps=200, tax_bps=1_800)
    asha, ravi = make_staff("asha"), make_staff("ravi")
    payment = pay(merchant, 100_000, held=True)
    capture_payment(payment.pk, Money(80_000, "INR"), cause="staff", at=clock.now(), by=Act(asha.pk, "Shipped a part"))
    new = NewRefund(Money(30_000, "INR"), note="Broken kite")
    refund = reserve_refund(payment.pk, new, at=clock.now(), by=Act(asha.pk, "Sent back"))
    approve_refund(refund.pk, version=1, by=Act(ravi.pk, "Checked"), at=clock.now())
    process_refund(refund.pk, at=clock.now())
    make_gateway_event(payment)
    open_dispute(payment.pk, by=Act(ravi.pk, "The bank wrote"), at=clock.now())
    by = Act(ravi.pk, "The bank took it")
    post_adjustment(merchant, -100, "INR", mode="test", by=by, at=clock.now(), payment=payment)
    payment.refresh_from_db()
    return payment


def _page(client, order):
    answer = client.get(f"{ADMIN}/order/{order.pk}/change/")
    assert answer.status_code == 200
    return answer


def _rows(answer):
    return [line.row for line in answer.context["timeline"].lines]


def _said(answer):
    return " | ".join(row.what for row in _rows(answer))


def test_everything_is_told_in_the_order_it_happened(chief, story):
    answer = _page(chief, story.order)
    rows = _rows(answer)
    assert [row.at for row in rows] == sorted(row.at for row in rows)
    told = [
        "The order was made, for ₹1,000.00.",
        "An attempt to pay ₹1,000.00 by card was started.",
        "₹1,000.00 is held by the customer’s bank, not taken.",
        "₹800.00 was taken.",
        "The order is paid.",
        "A refund of ₹300.00 was asked for by asha (Broken kite).",
        "ravi approved a refund.",
        "The refund of ₹300.00 was let go, to be sent to the gateway.",
        "₹300.00 went back to the customer.",
        "The gateway’s server told us payment.captured.",
        "The payment was marked as disputed.",
        "ravi posted an adjustment.",
    ]
    said = [row.what for row in rows]
    assert [words for words in told if words not in said] == []
    assert sorted(told, key=said.index) == told
    assert said.index("Capture of ₹800.00 was done at the gateway.") > said.index("asha captured held money.")
    assert "order.created" not in said


def test_what_was_booked_at_once_is_one_row(chief, story):
    said = _said(_page(chief, story.order))
    assert (
        "Booked: taken ₹800.00 (gateway receivable from merchant payable); fee ₹16.00 (merchant payable from fees); "
        "tax on the fee ₹2.88 (merchant payable from tax on fees)."
    ) in said
    assert "Booked: refund done ₹300.00 (refunds in transit from gateway receivable)." in said
    assert "Booked: adjustment ₹1.00 (merchant payable from adjustments)." in said


def test_acts_of_staff_carry_their_reason_and_come_before_what_they_caused(chief, story):
    rows = _rows(_page(chief, story.order))
    (approved,) = [row for row in rows if row.what == "ravi approved a refund."]
    assert (approved.by, approved.why) == ("staff: ravi", "Checked")
    (sent,) = [row for row in rows if "was let go" in row.what]
    assert rows.index(approved) < rows.index(sent)
    page = _page(chief, story.order).content.decode()
    for why in ("Shipped a part", "Sent back", "Checked", "The bank wrote", "The bank took it"):
        assert f"Reason: {why}" in page


def test_each_row_tells_both_clocks(chief):
    at = clock.now().replace(hour=20, minute=15, second=1)
    page = _page(chief, OrderFactory(created_at=at)).content.decode()
    assert f"{at:%-d %b %Y}, 20:15:01 UTC" in page
    assert f"{at + timedelta(days=1):%-d %b}, 01:45:01 Asia/Kolkata" in " ".join(page.split())


def test_rows_lead_to_their_own_pages(chief, story):
    page = _page(chief, story.order).content.decode()
    for row in (story, story.events.first(), Transfer.objects.first(), AuditEntry.objects.first()):
        assert f'<a href="{ADMIN}/{row._meta.model_name}/{row.pk}/change/">' in page


def test_what_somebody_may_not_see_is_not_told(story):
    only_orders = _page(signed_in(make_staff("clerk", "view_order")), story.order)
    assert [row.what for row in _rows(only_orders)] == ["The order was made, for ₹1,000.00."]
    support = ("view_order", "view_payment", "view_event")
    said = _said(_page(signed_in(make_staff("support", *support)), story.order))
    assert "₹800.00 was taken." in said
    assert "refund.success: pending → success" in said
    for hidden in ("Booked", "ravi", "asha", "server told us"):
        assert hidden not in said


def _cost(client_user, order, **limits):
    request = RequestFactory().get("/")
    request.user = client_user
    client_user.has_perm("payments.view_order")  # its permissions are read once a request, whatever the page
    payments = list(order.payments.all())
    order.merchant  # noqa: B018  (the page has read it)
    with CaptureQueriesContext(connection) as seen:
        timeline = timeline_of(request, order, payments, **limits)
    return len(seen), timeline


def test_it_costs_few_statements_however_much_happened(chief, story, django_user_model):
    boss = django_user_model.objects.get(username="chief")
    few, _ = _cost(boss, OrderFactory())
    many, timeline = _cost(boss, story.order)
    assert few <= many <= STATEMENTS
    assert (timeline.left_out, len(timeline.lines) > 20) == (0, True)


@pytest.mark.parametrize("at_most", [1, 3, 7])
def test_a_long_story_shows_the_newest_and_says_how_many_are_left_out(chief, story, django_user_model, at_most):
    boss = django_user_model.objects.get(username="chief")
    for number in range(12):
        make_gateway_event(story, event_id=f"echo_{number}")
        by = Act(boss.pk, "Again")
        post_adjustment(story.merchant, 5, "INR", mode="test", by=by, at=clock.now(), payment=story)
    _, whole = _cost(boss, story.order)
    cost, part = _cost(boss, story.order, at_most=at_most)
    assert [line.row for line in part.lines] == [line.row for line in whole.lines[-at_most:]]
    assert part.left_out == len(whole.lines) - at_most
    assert cost <= 2 * STATEMENTS


def test_the_page_says_how_many_are_left_out(chief, monkeypatch):
    order = PaymentFactory(failed=True).order
    monkeypatch.setattr("checkout.staff.orders.TIMELINE_AT_MOST", 1)
    page = " ".join(_page(chief, order).content.decode().split())
    assert "And 1 more before these: what is shown is the newest 1." in page


def test_money_that_goes_back_by_itself_is_told(chief):
    payment = pay(PaymentFactory(success=True).merchant)
    Event.objects.create(order=payment.order, sequence=90, kind="order.dreamt", new="x", cause="nobody", at=clock.now())
    assert "order.dreamt" in _said(_page(chief, payment.order))


@pytest.mark.parametrize(
    ("action", "status", "words"),
    [
        ("capture", "pending", "Capture of ₹100.00 was asked for; the gateway has not answered yet."),
        ("capture", "failed", "Capture of ₹100.00 was refused by the gateway: Too late. The hold ends by itself on"),
        ("void", "pending", "Release of the hold was asked for; the gateway has not answered yet."),
        ("void", "success", "Release of the hold was done at the gateway."),
    ],
)
def test_holds_are_told_as_they_stand(chief, now, action, status, words):
    payment = PaymentFactory(authorized=True)
    told = {
        "action": AuthorizationAction(action),
        "status": AuthorizationStatus(status),
        "requested_minor": 10_000 if action == "capture" else 0,
        "message": "Too late." if status == "failed" else "",
        "start_time": now,
        "approve_by": now + timedelta(days=7),
    }
    Authorization.objects.update_or_create(payment=payment, defaults=told)
    assert words in _said(_page(chief, payment.order))


def test_a_wish_to_end_the_order_is_told(chief, now):
    order = PaymentFactory(order__terminate_requested_at=now).order
    assert "Somebody asked for the order’s end while an attempt was in flight." in _said(_page(chief, order))


def test_words_of_others_are_escaped(chief, now):
    payment = PaymentFactory(failed=True, message=XSS, order__order_id=XSS)
    make_gateway_event(payment, kind=XSS)
    Event.objects.create(
        order=payment.order, payment=payment, sequence=1, kind="payment.failed", new="failed", cause=XSS, at=now
    )
    page = _page(chief, payment.order).content.decode()
    assert XSS not in page
    assert len(re.findall("&lt;script&gt;", page)) > 2


def test_every_try_to_tell_the_merchants_server_is_told(chief, db):
    order = OrderFactory(notify_url="https://shop.example.com/hook")
    start_payment(order.pk, card_request(), at=clock.now())
    told = {"delivery": Delivery.objects.get(), "at": clock.now(), "duration_ms": 35}
    DeliveryTry.objects.create(**told, number=1, error="it did not answer in time", answer=XSS)
    DeliveryTry.objects.create(**told, number=2, status=200)
    said = _said(_page(chief, order))
    kind = "PAYMENT_SUCCESS_WEBHOOK was sent to https://shop.example.com"
    assert f"{kind}, try 1: failed: it did not answer in time." in said
    assert f"{kind}, try 2: answered 200 after 35 ms." in said


def test_time_that_the_customer_added_is_told(chief, order, now):
    extend_order(order.pk, used=0, at=now)
    answer = _page(chief, order)
    assert "The customer took 15 more minutes to pay." in _said(answer)
