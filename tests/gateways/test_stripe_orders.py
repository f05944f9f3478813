"""Orders paid by Stripe: through our own doors, with Stripe's book as the witness."""

import itertools
import re
import urllib.request
from datetime import timedelta
from html import unescape
from urllib.parse import urlsplit

import pytest

from checkout.callbacks import links
from payments import clock
from payments.books import differences
from payments.gateways.stripe.engine import Stripe
from payments.models import GatewayEvent, Order, Payment
from payments.money import Money
from payments.services.sending import capture_payment, process_refund, void_payment
from tests.factories import (
    MerchantFactory,
    OrderFactory,
    card_request,
    fresh,
    refund,
    start,
)
from tests.gateways.accounts import connected
from tests.gateways.fakes.server import Fault
from tests.gateways.fakes.stripe import fake_stripe
from tests.hosted.customer import Customer, text_of
from tests.proof import assert_history_is_whole, recover

pytestmark = pytest.mark.django_db
S, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
PRICE = 29_999


class Shop:
    """A merchant whose cards are taken by Stripe, and its customers."""

    def __init__(self, fake, client):
        self.fake, self.client, self.numbers = fake, client, itertools.count(1)
        self.account = connected(MerchantFactory(account=None), "stripe", fake.credentials)

    def order(self, **columns):
        return OrderFactory(merchant=self.account.merchant, **columns)

    def start(self, order=None):
        """A customer sends our page's form and is led to Stripe."""
        return start(order or self.order(), card_request(nonce=f"{next(self.numbers):032x}"))

    def hand_over(self, customer):
        """A customer chooses the card on our page; the address that the page to come leads to."""
        customer.pay_by("card")
        customer.open()
        return unescape(re.search(r'href="([^"]+/c/pay/[^"]+)"', customer.html)[1])

    def session(self, payment):
        return self.fake.session_for(payment.gateway_key)

    def approve(self, payment, **how):
        return self.fake.approve(self.session(payment)["id"], **how)

    def come_back(self, payment, query=""):
        """The customer's browser comes back to the address that we gave to Stripe."""
        url = links.return_url("stripe", payment.order.uid, payment.form_nonce, at=clock.now())
        response = self.client.get(urlsplit(url).path + query)
        assert response.status_code == 303
        return fresh(payment)

    def deliver(self, *events, **how):
        """Stripe posts events; the statuses they were answered with."""
        path = urlsplit(links.event_url(self.account)).path
        posts = (self.fake.signed(event, **how) for event in events or self.fake.events)
        return [
            self.client.post(path, body, content_type="application/json", headers=headers).status_code
            for body, headers in posts
        ]

    def bought(self, **columns):
        payment = self.start(self.order(**columns))
        self.approve(payment)
        return self.come_back(payment)

    def assert_books_agree(self, order):
        """What we call taken, less what we gave back, is what Stripe has; and our own books agree."""
        ours = sum(p.captured_minor - p.refunded_minor for p in Payment.objects.filter(order=order))
        assert ours == sum(self.fake.taken(p.gateway_key) for p in Payment.objects.filter(order=order))
        assert Payment.objects.filter(order=order, capture_kind="normal").count() <= 1
        assert_history_is_whole(Order.objects.get(pk=order.pk))
        assert [str(difference) for difference in differences()] == []


@pytest.fixture
def fake(monkeypatch):
    with fake_stripe(monkeypatch) as fake:
        yield fake


@pytest.fixture
def shop(fake, client, db):
    return Shop(fake, client)


def test_a_customer_pays_on_stripes_page_and_the_order_is_paid_once(shop):
    """By the addresses that each side gave to the other, over real HTTP at Stripe's side."""
    order = shop.order()
    customer = Customer(order, shop.client)
    customer.open()
    assert 'autocomplete="cc-number"' not in customer.html
    page = shop.hand_over(customer)
    assert "Approve" in urllib.request.urlopen(page).read().decode()
    arrived = shop.client.get(_press(page, "approve"), follow=True)
    assert "Paid" in text_of(arrived)
    payment = fresh(order).payments.get()
    assert (payment.status, payment.order.status, payment.captured_minor) == ("success", "paid", PRICE)
    assert (payment.bank_reference[:3], payment.auth_id, payment.payment_group) == ("ch_", "123456", "credit_card")
    assert payment.method_details["card_last4"] == "4242"
    assert set(shop.deliver()) == {200}
    assert fresh(payment).review_reason == ""
    shop.assert_books_agree(payment.order)


def test_a_customer_who_leaves_by_stripes_link_back_pays_by_another_session(shop):
    order = shop.order()
    customer = Customer(order, shop.client)
    page = shop.hand_over(customer)
    _press(page, "decline")
    back = re.search(r'<a href="([^"]+)">Leave', urllib.request.urlopen(page).read().decode())[1]
    customer.html = shop.client.get(unescape(back), follow=True).content.decode()
    assert "declined" in customer.html
    second = shop.hand_over(customer)
    assert second != page
    assert "over" in urllib.request.urlopen(page).read().decode()
    shop.client.get(_press(second, "approve"), follow=True)
    order = fresh(order)
    assert (order.status, order.attempts_declined) == ("paid", 1)
    shop.assert_books_agree(order)


def test_a_customer_who_closed_stripes_page_goes_on_where_he_was(shop):
    customer = Customer(shop.order(), shop.client)
    page = shop.hand_over(customer)
    customer.open()
    assert unescape(re.search(r'href="([^"]+/c/pay/[^"]+)"', customer.html)[1]) == page
    assert len(shop.fake.sessions) == 1


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *told):
        return None


def _press(page, deed):
    """Press a button of Stripe's page; where it leads."""
    opener = urllib.request.build_opener(_Stay)
    try:
        opener.open(page, f"deed={deed}".encode())
    except urllib.error.HTTPError as redirect:
        return redirect.headers["Location"]


def test_a_browsers_word_pays_nothing(shop):
    payment = shop.start()
    payment = shop.come_back(payment, "?payment_status=paid&session_id=cs_test_1")
    assert (payment.status, payment.order.status) == ("pending", "pending")


# --- Events: alone, doubled, in any order, before the answer, lost ---


def test_an_event_alone_pays_when_the_customer_never_comes_back(shop):
    payment = shop.start()
    shop.approve(payment)
    assert set(shop.deliver()) == {200}
    assert fresh(payment).order.status == "paid"
    shop.assert_books_agree(payment.order)


def test_events_in_any_order_and_twice_pay_once(shop):
    payment = shop.start()
    shop.fake.decline(shop.session(payment)["id"])
    shop.approve(payment)
    shop.deliver(*reversed(shop.fake.events))
    shop.deliver()
    payment = fresh(payment)
    assert (payment.status, payment.order.status, payment.review_reason) == ("success", "paid", "")
    assert payment.order.attempts_declined == 0
    assert GatewayEvent.objects.count() == len(shop.fake.events)
    shop.assert_books_agree(payment.order)


def test_every_order_of_the_events_ends_the_same(shop):
    ends = set()
    for places in itertools.permutations(range(3)):
        payment = shop.start()
        shop.fake.decline(shop.session(payment)["id"])
        known = len(shop.fake.events)
        shop.approve(payment)
        told = shop.fake.events[known:]
        shop.deliver(*(told[place] for place in places), *told)
        payment = fresh(payment)
        ends.add((payment.status, payment.order.status, payment.captured_minor, payment.bank_reference[:3],
                  payment.auth_id, payment.review_reason, payment.order.attempts_declined))  # fmt: skip
    assert ends == {("success", "paid", PRICE, "ch_", "123456", "", 0)}


@pytest.mark.parametrize("charge_comes", ["first", "last"])
@pytest.mark.parametrize("manual", [False, True])
def test_the_card_is_known_whichever_event_comes_first(shop, charge_comes, manual):
    payment = shop.start(shop.order(manual_capture=manual))
    shop.approve(payment)
    soon = clock.now() + timedelta(days=5)
    events = sorted(shop.fake.events, key=lambda event: event["type"] == "charge.succeeded")
    if manual:
        events[-1]["data"]["object"]["payment_method_details"]["card"]["capture_before"] = int(soon.timestamp())
    shop.deliver(*(reversed(events) if charge_comes == "first" else events))
    payment = fresh(payment)
    assert payment.status == ("authorized" if manual else "success")
    assert (payment.method_details["card_last4"], payment.auth_id, payment.bank_reference[:3]) == (
        "4242",
        "123456",
        "ch_",
    )
    assert payment.review_reason == ""
    if manual:
        assert abs(payment.authorization.approve_by - soon) < S
        assert payment.inquire_at == payment.authorization.approve_by
    shop.assert_books_agree(payment.order)


def test_without_any_event_or_return_the_worker_finds_out(shop):
    payment = shop.start()
    shop.approve(payment)
    recover([6 * S])
    assert fresh(payment).order.status == "paid"
    shop.assert_books_agree(payment.order)


def test_events_that_outrun_the_answer_to_a_capture_capture_once(shop, monkeypatch):
    payment = shop.bought(manual_capture=True)
    capture = Stripe.capture

    def outrun(self, *told):
        answer = capture(self, *told)
        shop.deliver()
        return answer

    monkeypatch.setattr(Stripe, "capture", outrun)
    payment = fresh(capture_payment(payment.pk, cause="test", at=clock.now()))
    assert (payment.status, payment.order.status, payment.review_reason) == ("success", "paid", "")
    shop.assert_books_agree(payment.order)


def test_events_of_others_on_the_same_account_are_kept_and_change_nothing(shop):
    payment = shop.start()
    other = {"id": "pi_other", "object": "payment_intent", "livemode": False, "metadata": {}, "status": "succeeded",
             "amount_received": PRICE, "currency": "inr", "created": 1, "capture_method": "automatic"}  # fmt: skip
    assert shop.deliver(shop.fake.tell("payment_intent.succeeded", other)) == [200]
    assert GatewayEvent.objects.get().payment is None
    assert fresh(payment).status == "pending"


def test_a_forged_or_stale_event_is_refused(shop):
    payment = shop.start()
    shop.approve(payment)
    forged = shop.deliver(secret="whsec_" + "x" * 32)
    stale = shop.deliver(at=clock.now() - 301 * S)
    early = shop.deliver(at=clock.now() + 301 * S)
    assert set(forged + stale + early) == {400}
    assert fresh(payment).status == "pending"
    assert not GatewayEvent.objects.exists()


# --- One session for an order ---


def test_an_abandoned_hand_off_is_resumed_by_the_same_form_and_the_same_session(shop):
    order = shop.order()
    request = card_request(nonce="a" * 32)
    first, again = start(order, request), start(order, request)
    assert first.pk == again.pk
    assert again.next_action["url"] == shop.session(first)["url"]
    assert len(shop.fake.sessions) == 1


def test_another_try_comes_only_after_the_first_session_is_dead(shop):
    order = shop.order()
    first = shop.start(order)
    second = shop.start(fresh(first).order)
    assert [shop.session(p)["status"] for p in (first, second)] == ["expired", "open"]
    assert not shop.approve(first), "nobody can pay it any more"
    shop.approve(second)
    shop.deliver()
    assert (fresh(first).status, fresh(second).order.status) == ("cancelled", "paid")
    shop.assert_books_agree(order)


def test_another_try_is_not_made_where_the_first_was_paid_meanwhile(shop):
    first = shop.start()
    shop.approve(first)
    with pytest.raises(Exception, match="pending"):
        shop.start(first.order)
    assert len(shop.fake.sessions) == 1
    recover([S])
    assert fresh(first).order.status == "paid"


def test_a_customer_who_leaves_stripes_page_may_choose_again_at_once(shop):
    payment = shop.start()
    left = re.search(r"\?.*", shop.session(payment)["cancel_url"])[0]
    payment = shop.come_back(payment, left)
    assert (payment.status, payment.error_code, payment.order.status) == ("user_dropped", "left", "failed")
    assert shop.session(payment)["status"] == "expired"


def test_a_decline_is_tried_again_on_stripes_page_within_the_same_attempt(shop):
    payment = shop.start()
    shop.fake.decline(shop.session(payment)["id"])
    payment = shop.come_back(payment)
    assert payment.status == "pending"
    shop.approve(payment)
    assert shop.come_back(payment).order.status == "paid"
    shop.assert_books_agree(payment.order)


def test_at_its_deadline_an_unpaid_attempt_ends_with_its_session(shop):
    payment = shop.start()
    assert shop.session(payment)["expires_at"] > (payment.started_at + 30 * MINUTE).timestamp()
    recover([16 * MINUTE])
    payment = fresh(payment)
    assert (payment.status, payment.order.status) == ("user_dropped", "failed")
    assert shop.session(payment)["status"] == "expired"
    assert not shop.approve(payment)


def test_at_its_deadline_an_order_is_free_only_once_stripe_has_confirmed_the_end_of_its_session(shop):
    payment = shop.start()
    shop.fake.faults.append(Fault("POST", "/expire$", "error_before"))
    recover([16 * MINUTE])
    assert (fresh(payment).status, shop.session(payment)["status"]) == ("pending", "open")
    shop.approve(payment)
    recover([17 * MINUTE, 120 * MINUTE])
    assert fresh(payment).order.status == "paid"
    shop.assert_books_agree(payment.order)


def test_whoever_pays_while_his_session_is_being_ended_has_paid(shop, monkeypatch):
    payment = shop.start()
    find = Stripe.inquire

    def paid_just_then(self, *told):
        said = find(self, *told)
        shop.approve(payment)
        return said

    with monkeypatch.context() as patch:
        patch.setattr(Stripe, "inquire", paid_just_then)
        recover([16 * MINUTE])
    recover([17 * MINUTE, 80 * MINUTE])
    assert fresh(payment).order.status == "paid"
    shop.assert_books_agree(payment.order)


# --- Lost answers ---


@pytest.mark.parametrize(
    ("fault", "sessions"), [("timeout", 0), ("reset", 0), ("timeout_after", 1), ("error_after", 1)]
)
def test_a_start_without_an_answer_frees_the_order_when_nothing_can_be_paid(shop, fault, sessions):
    shop.fake.fail(fault, "POST /v1/checkout/sessions")
    payment = shop.start()
    assert (payment.status, payment.next_action) == ("pending", {})
    assert len(shop.fake.sessions) == sessions
    recover([3 * MINUTE, 16 * MINUTE])
    payment = fresh(payment)
    assert payment.status in ("failed", "user_dropped")
    assert payment.order.status == "failed"
    assert all(session["status"] == "expired" for session in shop.fake.sessions.values())
    second = shop.start(payment.order)
    shop.approve(second)
    assert shop.come_back(second).order.status == "paid"
    shop.assert_books_agree(payment.order)


def test_while_stripe_is_down_an_attempt_stays_pending(shop):
    payment = shop.start()
    shop.approve(payment)
    shop.fake.fail("down", "GET /v1/checkout/sessions/.*", times=3)
    assert shop.come_back(payment).status == "pending"
    recover([16 * MINUTE])
    assert fresh(payment).status == "pending"
    recover([2 * 60 * MINUTE])
    assert fresh(payment).order.status in ("pending", "paid")
    recover([5 * 60 * MINUTE])
    assert fresh(payment).order.status == "paid"


def test_with_the_key_of_another_account_nothing_is_called_unpaid(shop):
    payment = shop.start()
    shop.approve(payment)
    connected(shop.account.merchant, "stripe", {**shop.fake.credentials, "secret_key": shop.fake.strangers_key})
    recover([16 * MINUTE])
    assert (fresh(payment).status, fresh(payment).order.status) == ("pending", "pending")


# --- Late, wrong and unknown ---


def test_money_taken_after_the_session_expired_goes_back(shop):
    payment = shop.start(shop.order())
    recover([16 * MINUTE, 25 * 60 * MINUTE])
    assert fresh(payment).order.status in ("failed", "expired")
    shop.approve(payment, late=True)
    with clock.shifted(25 * 60 * MINUTE):
        assert set(shop.deliver(shop.fake.events[-1])) == {200}
    payment = fresh(payment)
    assert (payment.status, payment.capture_kind, payment.order.status) == ("success", "late", "expired")
    recover([25 * 60 * MINUTE + 10 * S])
    assert shop.fake.taken(payment.gateway_key) == 0
    assert fresh(payment).refunded_minor == PRICE
    shop.assert_books_agree(payment.order)


def test_money_held_after_the_attempt_was_over_is_released(shop):
    payment = shop.start(shop.order(manual_capture=True))
    recover([16 * MINUTE, 25 * 60 * MINUTE])
    shop.approve(payment, late=True)
    with clock.shifted(25 * 60 * MINUTE):
        shop.deliver(shop.fake.events[-1])
    assert fresh(payment).status == "void"
    recover([25 * 60 * MINUTE + 10 * S])
    assert shop.fake.intent_for(payment.gateway_key)["status"] == "canceled"


WRONG = {
    "amount": {"amount": PRICE - 1, "amount_received": PRICE - 1},
    "currency": {"currency": "usd"},
    "reference": {"metadata": {"till_payment": "att_other"}},
    "mode": {"livemode": True},
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("by", ["return", "event"])
def test_money_that_does_not_fit_is_for_staff_and_never_called_paid(shop, wrong, by):
    payment = shop.start()
    shop.approve(payment)
    shop.fake.intent_for(payment.gateway_key).update(wrong)
    if by == "return":
        shop.come_back(payment)
        assert fresh(payment).review_reason
        assert fresh(payment).money_unclear
    else:
        shop.deliver(shop.fake.tell("payment_intent.succeeded", shop.fake.intent_for(payment.gateway_key)))
    assert (fresh(payment).status, fresh(payment).order.status) == ("pending", "pending")


def test_an_unknown_word_leaves_the_attempt_pending(shop):
    payment = shop.start()
    shop.approve(payment, status="wibbling")
    assert shop.come_back(payment).status == "pending"
    shop.fake.intent_for(payment.gateway_key).update(status="succeeded", amount_received=PRICE)
    recover([6 * S])
    assert fresh(payment).order.status == "paid"


# --- Held money ---


def test_held_money_is_captured_in_part_and_the_rest_released(shop):
    payment = shop.bought(manual_capture=True)
    assert (payment.status, payment.order.status) == ("authorized", "pending")
    assert payment.authorization.approve_by > clock.now() + timedelta(days=6)
    payment = fresh(capture_payment(payment.pk, Money(10_000, "INR"), cause="test", at=clock.now()))
    assert (payment.status, payment.captured_minor, payment.order.status) == ("success", 10_000, "paid")
    shop.deliver()
    assert fresh(payment).review_reason == ""
    shop.assert_books_agree(payment.order)


def test_held_money_is_released(shop):
    payment = shop.bought(manual_capture=True)
    payment = fresh(void_payment(payment.pk, cause="test", at=clock.now()))
    shop.deliver()
    assert (fresh(payment).status, fresh(payment).order.status) == ("void", "terminated")
    assert shop.fake.taken(payment.gateway_key) == 0


def test_a_hold_that_the_bank_lets_go_is_void(shop):
    payment = shop.bought(manual_capture=True)
    shop.fake.lapse_hold(payment.gateway_payment_id)
    shop.deliver(shop.fake.events[-1])
    assert (fresh(payment).status, fresh(payment).order.status) == ("void", "terminated")


@pytest.mark.parametrize("fault", ["timeout_after", "error", "error_after", "reset_after"])
def test_a_capture_without_an_answer_is_found_or_sent_again_and_taken_once(shop, fault):
    payment = shop.bought(manual_capture=True)
    shop.fake.fail(fault, "POST /v1/payment_intents/.*/capture")
    capture_payment(payment.pk, cause="test", at=clock.now())
    assert fresh(payment).status == "authorized"
    recover([10 * S, 2 * MINUTE])
    assert fresh(payment).order.status == "paid"
    shop.assert_books_agree(payment.order)


# --- Refunds ---


@pytest.mark.parametrize("fault", ["timeout", "timeout_after", "error", "error_after", "reset_after", "busy"])
def test_a_refund_without_an_answer_is_found_or_sent_again_and_given_once(shop, fault):
    payment = shop.bought()
    shop.fake.fail(fault, "POST /v1/refunds")
    made = refund(payment, 10_000)
    assert made.status == "pending"
    recover([10 * S, 2 * MINUTE])
    assert fresh(made).status == "success"
    assert [r["amount"] for r in shop.fake.refunds.values()] == [10_000]
    shop.assert_books_agree(payment.order)


def test_a_refund_that_fails_later_is_told_by_its_event(shop):
    payment = shop.bought()
    made = refund(payment, PRICE)
    assert made.status == "success"
    assert made.bank_reference.isdigit()
    shop.fake.end_refund(made.gateway_refund_id, "failed", failure_reason="lost_or_stolen_card")
    shop.deliver()
    made = fresh(made)
    assert (made.status, made.error_code) == ("failed", "lost_or_stolen_card")
    shop.assert_books_agree(payment.order)


def test_a_refund_that_waits_is_decided_by_asking(shop):
    payment = shop.bought()
    shop.fake.refund_ends = "pending"
    made = refund(payment, 5_000)
    assert made.status == "pending"
    shop.fake.end_refund(made.gateway_refund_id, "succeeded")
    with clock.shifted(10 * S):
        process_refund(made.pk, at=clock.now())
    assert fresh(made).status == "success"


def test_refunds_in_parts_add_up_and_no_more(shop):
    payment = shop.bought()
    for _ in range(3):
        refund(payment, 9_000)
    assert fresh(payment).refunded_minor == 27_000
    shop.assert_books_agree(payment.order)
