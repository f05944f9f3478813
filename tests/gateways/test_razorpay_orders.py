"""Orders paid by Razorpay, end to end: its page, the way back, its events, our questions, and money that goes back."""

import random
from datetime import timedelta
from http import HTTPStatus

import pytest
from django.test import Client

from payments import clock
from payments.books import differences
from payments.models import GatewayAccount, GatewayEvent, Refund
from payments.money import Money
from payments.selectors import order_state, verify
from payments.services.payments import terminate_order
from payments.services.sending import capture_payment, void_payment
from tests.factories import GatewayAccountFactory, MerchantFactory, fresh, refund
from tests.gateways.accounts import connected
from tests.gateways.fakes.razorpay import DECLINE, signed
from tests.gateways.fakes.server import Answered, Fault
from tests.gateways.razorpay_world import CREDENTIALS, OTHERS
from tests.gateways.world import PRICE
from tests.hosted.customer import text_of
from tests.proof import assert_history_is_whole, recover

pytestmark = pytest.mark.django_db
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def assert_paid_once(shop, customer):
    """Our rows, the ledger and Razorpay's book say the same: this order was paid, once."""
    order = shop.order(customer)
    taken = [payment for payment in order.payments.all() if payment.is_captured]
    assert (order.status, [payment.captured for payment in taken]) == ("paid", [PRICE])
    assert shop.world.taken() == [PRICE]
    assert not order.payments.exclude(review_reason="").exists()
    assert list(differences()) == []
    assert_history_is_whole(order)
    assert "₹299.99 was taken, once." in text_of(customer.open())


# --- Paid ---


@pytest.mark.parametrize("method", ["card", "upi", "netbanking", "wallet"])
def test_a_customer_goes_there_pays_and_comes_back_paid(shop, method):
    customer = shop.customer()
    page = shop.pay(customer, method)
    assert "was taken, once." in text_of(page)
    assert_paid_once(shop, customer)
    payment = shop.newest(customer)
    assert (payment.gateway, payment.payment_group, payment.bank_reference) == ("razorpay", "upi", "322206890934")


def test_the_form_asks_for_this_order_and_says_who_pays(shop):
    fields = shop.go(shop.customer(), "wallet").outcome.fields
    told = {name: fields[name] for name in ("key_id", "amount", "currency", "method", "prefill[email]")}
    assert told == {
        "key_id": CREDENTIALS["key_id"], "amount": "29999", "currency": "INR", "method": "wallet",
        "prefill[email]": "asha@example.com",
    }  # fmt: skip
    assert "event-secret" not in str(fields)
    assert CREDENTIALS["key_secret"] not in str(fields)


@pytest.mark.parametrize("seed", range(6))
def test_events_in_any_order_and_any_number_pay_once(shop, seed):
    customer, chance = shop.customer(), random.Random(seed)
    trip = shop.go(customer)
    shop.world.approve(trip)
    events = shop.world.events() * 3
    chance.shuffle(events)
    half = len(events) // 2
    assert set(shop.deliver(events[:half])) == {HTTPStatus.OK}
    if seed % 2:
        shop.come_back(trip)
    shop.deliver(events[half:])
    assert GatewayEvent.objects.count() == len(shop.world.events())
    assert_paid_once(shop, customer)


def test_events_alone_pay_though_nobody_comes_back(shop):
    customer = shop.customer()
    shop.world.approve(shop.go(customer))
    shop.deliver()
    assert_paid_once(shop, customer)
    assert set(GatewayEvent.objects.values_list("payment", flat=True)) == {shop.newest(customer).pk}


def test_a_missed_event_is_found_by_asking(shop):
    customer = shop.customer()
    shop.world.approve(shop.go(customer))
    recover([5 * timedelta(seconds=1), MINUTE])
    assert_paid_once(shop, customer)


def test_a_customer_may_ask_for_the_answer_on_the_page_that_led_away(shop):
    customer = shop.customer()
    shop.world.approve(shop.go(customer))
    customer.open()
    customer.post("check", customer.hidden_fields("check"))
    assert_paid_once(shop, customer)


# --- Nobody is believed ---


def test_a_tampered_event_is_refused_and_changes_nothing(shop):
    customer = shop.customer()
    trip = shop.go(customer)
    shop.server.pay(trip.outcome.gateway_order_id, failing=True)
    body, headers = shop.world.events()[-1]
    forged = body.replace(b'"failed"', b'"captured"')
    assert forged != body
    assert shop.deliver([(forged, headers)]) == [HTTPStatus.BAD_REQUEST]
    assert (GatewayEvent.objects.count(), shop.order(customer).status) == (0, "pending")


def test_an_event_at_another_accounts_address_is_refused(shop):
    other = connected(MerchantFactory(account=None), "razorpay", OTHERS)
    shop.world.approve(shop.go(shop.customer()))
    assert set(shop.deliver(account=other)) == {HTTPStatus.BAD_REQUEST}
    assert GatewayEvent.objects.count() == 0


def test_another_merchant_cannot_tell_of_our_payments_by_its_own_secret(shop):
    """Genuine there, and about an order it does not have: kept for staff, of nobody's payment."""
    other = connected(MerchantFactory(account=None), "razorpay", OTHERS)
    customer = shop.customer()
    shop.world.approve(shop.go(customer))
    theirs = [(body, signed(body, OTHERS["event_secret"])) for body, _ in shop.world.events()]
    assert set(shop.deliver(theirs, account=other)) == {HTTPStatus.OK}
    assert (shop.order(customer).status, set(GatewayEvent.objects.values_list("payment", flat=True))) == (
        "pending",
        {None},
    )


def test_of_merchants_who_share_an_account_there_each_hears_of_its_own_payments(shop):
    """Razorpay tells each of the account's addresses everything, under the same ids."""
    other = connected(MerchantFactory(account=None), "razorpay", CREDENTIALS)
    customer = shop.customer()
    shop.world.approve(shop.go(customer))
    told = shop.world.events()
    assert set(shop.deliver(told, account=other)) == {HTTPStatus.OK}
    assert shop.order(customer).status == "pending"
    for _ in range(2):
        assert set(shop.deliver(told)) == {HTTPStatus.OK}
    assert_paid_once(shop, customer)
    for account, payment in ((other, None), (shop.account, shop.newest(customer).pk)):
        kept = GatewayEvent.objects.filter(account=account)
        assert (kept.count(), set(kept.values_list("payment", flat=True))) == (len(told), {payment})


def test_an_event_at_an_address_nobody_has_is_not_found(shop):
    unused = GatewayAccountFactory.build(pk=10**9)
    shop.world.approve(shop.go(shop.customer()))
    assert set(shop.deliver(account=unused)) == {HTTPStatus.NOT_FOUND}


@pytest.mark.parametrize("name", ["razorpay_payment_id", "razorpay_order_id", "razorpay_signature"])
def test_a_return_is_worth_nothing_without_its_signature(shop, name):
    paying, claiming = shop.customer(), shop.customer()
    trip, claimed = shop.go(paying), shop.go(claiming)
    shop.world.approve(trip)
    claimed.brought = {**trip.brought, name: "x" if name != "razorpay_order_id" else claimed.outcome.gateway_order_id}
    page = shop.come_back(claimed)
    assert "taken, once" not in text_of(page)
    assert shop.order(claiming).status == "pending"


def test_another_amount_is_never_paid_and_people_look(shop):
    customer = shop.customer()
    trip = shop.go(customer)
    shop.world.approve(trip, Money(100, "INR"))
    page = shop.come_back(trip)
    shop.deliver()
    payment = shop.newest(customer)
    assert (payment.status, payment.money_unclear, payment.order.status) == ("pending", True, "pending")
    assert "We are checking this payment" in text_of(page)
    assert verify(order_state(shop.order(customer), at=clock.now())).status == "pending"


def test_another_currency_is_never_paid(shop):
    customer = shop.customer()
    trip = shop.go(customer)
    shop.world.approve(trip)
    shop.world.payment(trip)["currency"] = "JPY"
    shop.come_back(trip)
    assert (shop.newest(customer).money_unclear, shop.order(customer).status) == (True, "pending")


# --- Refused, left, tried again ---


def test_a_refusal_brings_the_customer_back_to_choose_again_with_the_reason(shop):
    customer = shop.customer()
    trip = shop.go(customer)
    shop.world.decline(trip)
    text = text_of(shop.come_back(trip))
    assert "Your bank declined this card" in text
    payment = shop.newest(customer)
    assert (payment.status, payment.error_code, payment.message) == (
        "failed",
        "insufficient_funds",
        DECLINE["error_description"],
    )
    assert payment.order.attempts_declined == 1


def test_a_refusal_that_only_an_event_tells_of_does_not_end_the_attempt(shop):
    """The customer may still stand on the page and try another card."""
    customer = shop.customer()
    trip = shop.go(customer)
    shop.server.pay(trip.outcome.gateway_order_id, failing=True)
    shop.deliver()
    payment = shop.newest(customer)
    assert (payment.status, payment.gateway_payment_id, payment.order.attempts_declined) == ("pending", "", 0)
    assert GatewayEvent.objects.get().payment == payment
    shop.world.approve(trip)
    shop.come_back(trip)
    assert_paid_once(shop, customer)


def test_a_second_try_carries_on_the_same_order_there_and_pays_once(shop):
    customer = shop.customer()
    first = shop.go(customer)
    shop.world.decline(first)
    shop.come_back(first)
    second = shop.go(customer, "upi")
    assert second.outcome.gateway_order_id == first.outcome.gateway_order_id
    assert len(shop.world.book.orders) == 1
    shop.world.approve(second)
    shop.come_back(second)
    assert_paid_once(shop, customer)
    assert [p.status for p in shop.order(customer).payments.order_by("pk")] == ["failed", "success"]


def test_the_refusal_of_the_first_try_told_again_does_not_end_the_second(shop):
    customer = shop.customer()
    first = shop.go(customer)
    shop.world.decline(first)
    shop.come_back(first)
    shop.go(customer, "upi")
    shop.come_back(first)
    assert [p.status for p in shop.order(customer).payments.order_by("pk")] == ["failed", "pending"]
    assert shop.order(customer).attempts_declined == 1


def test_a_customer_who_leaves_can_choose_again(shop):
    customer = shop.customer()
    trip = shop.go(customer)
    shop.world.leave(trip)
    assert "You left before paying" in text_of(shop.come_back(trip))
    assert "Nothing has been taken." in text_of(customer.open())


def test_who_leaves_while_a_bank_is_still_to_answer_is_not_told_that_nothing_was_taken(shop):
    customer = shop.customer()
    trip = shop.go(customer)
    shop.server.pay(trip.outcome.gateway_order_id, failing=True)
    shop.world.say(trip, "created")
    shop.world.leave(trip)
    assert "We don’t know yet if this was taken." in text_of(shop.come_back(trip))


# --- One order there, several attempts here ---


def test_an_abandoned_page_is_resumed_as_the_same_attempt(shop):
    customer = shop.customer()
    first = shop.go(customer)
    customer.open()
    again = shop.trip(customer)
    assert again.outcome == first.outcome
    shop.world.approve(again)
    shop.come_back(again)
    assert_paid_once(shop, customer)


def test_cancel_ends_the_attempt_and_the_next_one_carries_on(shop):
    customer = shop.customer()
    first = shop.go(customer)
    customer.open()
    assert customer.cancel().status_code == HTTPStatus.SEE_OTHER
    assert "Your last try is cancelled" in text_of(customer.open())
    second = shop.go(customer, "netbanking")
    payments = list(shop.order(customer).payments.order_by("pk"))
    assert [payment.status for payment in payments] == ["user_dropped", "pending"]
    assert {payment.gateway_order_id for payment in payments} == {first.outcome.gateway_order_id}
    shop.world.approve(second)
    shop.come_back(second)
    assert_paid_once(shop, customer)


@pytest.mark.parametrize("how", ["return", "event", "asking"])
def test_the_old_page_in_another_tab_pays_the_order_through_the_newest_attempt(shop, how):
    customer = shop.customer()
    old = shop.go(customer)
    customer.open()
    customer.cancel()
    new = shop.go(customer, "upi")
    shop.world.approve(old)
    with pytest.raises(AssertionError, match="already paid"):
        shop.world.approve(new)
    if how == "return":
        shop.come_back(old)
    elif how == "event":
        shop.deliver()
    else:
        recover([MINUTE])
    assert_paid_once(shop, customer)
    assert [p.status for p in shop.order(customer).payments.order_by("pk")] == ["user_dropped", "success"]
    shop.come_back(old)
    shop.deliver()
    recover([HOUR, 2 * HOUR, 200 * HOUR])
    assert_paid_once(shop, customer)


def test_an_order_paid_in_the_old_tab_just_before_is_paid_by_the_new_attempt_at_once(shop):
    """Between the cancel and the next start the old page took the money, and nobody has told us yet."""
    customer = shop.customer()
    old = shop.go(customer)
    customer.open()
    customer.cancel()
    shop.world.approve(old)
    customer.pay_by("upi")
    assert_paid_once(shop, customer)


def test_money_taken_just_before_the_cancel_refuses_it(shop):
    customer = shop.customer()
    trip = shop.go(customer)
    customer.open()
    shop.world.approve(trip)
    customer.cancel()
    assert_paid_once(shop, customer)
    assert shop.order(customer).payments.count() == 1


def test_a_cancelled_attempt_that_is_paid_later_in_its_tab_pays_the_order_still(shop):
    customer = shop.customer()
    trip = shop.go(customer)
    customer.open()
    customer.cancel()
    shop.world.approve(trip)
    recover([MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR])
    assert_paid_once(shop, customer)


def test_an_abandoned_page_is_asked_about_ever_less_often_and_not_for_ever(shop):
    customer = shop.customer()
    shop.go(customer)
    asked = len(shop.server.asked)
    recover([hours * HOUR for hours in range(24 * 8)])
    assert shop.newest(customer).inquire_at is None
    assert len(shop.server.asked) - asked < 20


def _cancels(shop, customer, trip):
    customer.open()
    customer.cancel()


def _leaves(shop, customer, trip):
    shop.world.leave(trip)
    shop.come_back(trip)


def _is_declined(shop, customer, trip):
    shop.world.decline(trip)
    shop.come_back(trip)


@pytest.mark.parametrize("end", [_cancels, _leaves, _is_declined])
def test_however_an_attempt_ends_no_other_gateway_gets_the_order_while_that_page_may_be_open(shop, end):
    GatewayAccountFactory(merchant=shop.account.merchant)
    customer = shop.customer()
    end(shop, customer, shop.go(customer))
    assert shop.newest(customer).status in ("user_dropped", "failed")
    assert _accounts(shop, customer) == {shop.account}
    with clock.shifted(16 * MINUTE):
        assert len(_accounts(shop, customer)) == 2


def test_nor_where_that_gateway_takes_no_new_attempts_any_more(shop):
    GatewayAccountFactory(merchant=shop.account.merchant)
    customer = shop.customer()
    _leaves(shop, customer, shop.go(customer))
    GatewayAccount.objects.filter(pk=shop.account.pk).update(credential_hints={})
    assert _accounts(shop, customer) == set()


def _accounts(shop, customer):
    return {route.account for routes in _serving(shop, customer).values() for route in routes}


def _serving(shop, customer):
    return order_state(shop.order(customer), at=clock.now()).serving


def test_a_second_capture_on_one_order_goes_back_whole(shop):
    """Razorpay promises that there is none; should it ever break that, the customer has not paid twice."""
    customer = shop.customer()
    trip = shop.go(customer)
    shop.world.approve(trip)
    shop.come_back(trip)
    shop.world.book.orders[trip.outcome.gateway_order_id]["status"] = "attempted"
    shop.world.approve(trip)
    shop.deliver()
    recover([timedelta(), MINUTE])
    order = shop.order(customer)
    kinds = sorted(payment.capture_kind for payment in order.payments.all())
    assert (order.status, kinds, shop.world.taken(), shop.world.given_back()) == (
        "paid", ["normal", "surplus"], [PRICE, PRICE], [PRICE],
    )  # fmt: skip
    assert list(differences()) == []


def test_who_pays_by_the_session_over_rest_is_led_to_the_page_that_leads_on(shop):
    customer = shop.customer()
    session_id = customer.url.rpartition("/")[2]
    asked = {
        "payment_session_id": session_id,
        "payment_method": {"netbanking": {"channel": "link", "netbanking_bank_code": 3021}},
    }
    told = {"x-api-version": "2023-08-01", "x-idempotency-key": "once"}
    answer = Client().post("/pg/orders/sessions", asked, content_type="application/json", headers=told).json()
    assert (answer["action"], answer["data"]["url"]) == ("link", f"http://testserver{customer.url}")
    customer.open()
    trip = shop.trip(customer)
    shop.world.approve(trip)
    shop.come_back(trip)
    assert_paid_once(shop, customer)
    GatewayAccount.objects.update(credential_hints={})  # nobody serves it any more
    again = Client().post("/pg/orders/sessions", asked, content_type="application/json", headers=told)
    assert (again.status_code, again.json()["cf_payment_id"]) == (HTTPStatus.OK, answer["cf_payment_id"])


# --- No answer ---


@pytest.mark.parametrize("fault", ["before", "after", "error", "reset", "nonsense"])
def test_a_start_without_an_answer_waits_and_frees_the_order_when_nobody_can_pay_it(shop, fault):
    customer = shop.customer()
    shop.server.faults.append(Fault("POST", "/v1/orders$", fault))
    customer.pay_by("card")
    assert "We don’t know yet if this was taken." in text_of(customer.open())
    assert shop.newest(customer).status == "pending"
    recover([3 * MINUTE, 16 * MINUTE])
    assert shop.newest(customer).status in ("failed", "user_dropped")
    with clock.shifted(17 * MINUTE):
        shop.pay(customer)
    assert shop.world.taken() == [PRICE]
    assert shop.order(customer).status == "paid"


def test_a_refusal_to_start_is_said_at_once(shop):
    refused = Answered.of(
        {"error": {"code": "BAD_REQUEST_ERROR", "description": "No.", "reason": "invalid_amount"}}, 400
    )
    shop.server.faults.append(Fault("POST", "/v1/orders$", "answer", refused))
    customer = shop.customer()
    customer.pay_by("card")
    payment = shop.newest(customer)
    assert (payment.status, payment.error_code, payment.order.attempts_declined) == ("failed", "invalid_amount", 0)
    shop.pay(customer)
    assert_paid_once(shop, customer)


def test_replaced_keys_are_no_fault_of_the_customer_and_say_nothing_about_money(shop):
    customer = shop.customer()
    trip = shop.go(customer)
    shop.world.approve(trip)
    shop.world.book.secret = "replaced"
    assert "We don’t know yet" in text_of(shop.come_back(trip))
    shop.world.book.secret = CREDENTIALS["key_secret"]
    recover([MINUTE])
    assert_paid_once(shop, customer)


def test_a_dead_razorpay_lets_the_next_account_serve_a_new_order_but_not_one_that_is_open_there(shop):
    customer = shop.customer()
    shop.go(customer)
    customer.open()
    customer.cancel()
    shop.server.stop()
    customer.pay_by("card")
    payment = shop.newest(customer)
    assert (payment.status, payment.gateway) == ("pending", "razorpay")


# --- Late ---


def test_money_that_comes_after_the_order_expired_goes_back_by_itself(shop):
    customer = shop.customer()
    trip = shop.go(customer)
    with clock.shifted(25 * HOUR):
        recover([timedelta(), MINUTE, 2 * MINUTE])
        assert shop.order(customer).status == "expired"
        shop.world.approve(trip)
        shop.deliver()
        recover([timedelta(), MINUTE])
    order = shop.order(customer)
    assert (order.status, shop.newest(customer).capture_kind) == ("expired", "late")
    assert shop.world.given_back() == [PRICE]
    assert Refund.objects.get().status == "success"
    assert list(differences()) == []


def test_a_late_authorisation_is_captured_while_the_order_can_be_paid(shop):
    """Razorpay gave the payment up, then the bank said yes: it captures such a one no more, so we do."""
    customer = shop.customer()
    trip = shop.go(customer)
    tried = shop.server.pay(trip.outcome.gateway_order_id, failing=True)
    recover([16 * MINUTE])
    assert shop.newest(customer).status == "user_dropped"
    shop.server.authorize(tried, late=True)
    shop.deliver()
    recover([timedelta(), MINUTE])
    assert_paid_once(shop, customer)


def test_a_late_authorisation_of_an_order_that_is_over_is_never_captured_and_people_know(shop):
    customer = shop.customer()
    trip = shop.go(customer)
    tried = shop.server.pay(trip.outcome.gateway_order_id, failing=True)
    recover([16 * MINUTE])
    terminate_order(shop.order(customer).pk, cause="merchant", at=clock.now())
    shop.server.authorize(tried, late=True)
    shop.deliver()
    recover([timedelta(), MINUTE])
    payment = shop.newest(customer)
    assert (payment.status, shop.world.taken(), payment.order.status) == ("void", [], "terminated")
    assert "goes back by itself 5 days after the payment" in payment.review_reason
    shop.server.let_go(tried)
    recover([timedelta(days=6)])
    assert (fresh(payment).status, list(differences())) == ("void", [])


def test_terminating_ends_the_attempt_and_what_is_paid_later_goes_back(shop):
    customer = shop.customer()
    trip = shop.go(customer)
    terminate_order(shop.order(customer).pk, cause="merchant", at=clock.now())
    recover([timedelta()])
    assert shop.order(customer).status == "terminated"
    shop.world.approve(trip)
    recover([HOUR, 2 * HOUR])
    assert (shop.world.given_back(), shop.order(customer).status) == ([PRICE], "terminated")


# --- Held, and given back ---


@pytest.fixture
def held(shop):
    customer = shop.customer(manual_capture=True)
    assert "is held by your bank, not taken." in text_of(shop.pay(customer))
    return shop.newest(customer)


def test_held_money_is_captured_when_somebody_asks(shop, held):
    capture_payment(held.pk, cause="staff", at=clock.now())
    shop.deliver()
    assert (fresh(held).status, fresh(held).order.status, shop.world.taken()) == ("success", "paid", [PRICE])
    assert list(differences()) == []


def test_a_part_of_it_cannot_be_captured_and_nothing_is(shop, held):
    capture_payment(held.pk, Money(10_000, "INR"), cause="staff", at=clock.now())
    assert (fresh(held).status, shop.world.taken()) == ("authorized", [])
    assert "Razorpay captures the whole amount or nothing." in fresh(held).review_reason


def test_held_money_is_released_by_itself_and_then_we_know(shop, held):
    void_payment(held.pk, cause="staff", at=clock.now())
    assert fresh(held).status == "authorized"
    assert "Razorpay has no void" in fresh(held).review_reason
    shop.server.let_go(next(iter(shop.world.book.payments.values())))
    recover([timedelta(days=5, hours=1), timedelta(days=5, hours=3)])
    assert (fresh(held).status, fresh(held).order.status) == ("void", "terminated")


@pytest.mark.parametrize("fault", ["", "before", "after", "error", "reset"])
@pytest.mark.parametrize("minor", [29_999, 10_000])
def test_a_refund_reaches_razorpay_once(shop, minor, fault):
    customer = shop.customer()
    shop.pay(customer)
    if fault:
        shop.server.faults.append(Fault("POST", "/refund$", fault))
    made = refund(shop.newest(customer), minor)
    recover([MINUTE, 5 * MINUTE])
    shop.deliver()
    made.refresh_from_db()
    assert (made.status, shop.world.given_back()) == ("success", [Money(minor, "INR")])
    assert made.gateway_refund_id.startswith("rfnd_")
    assert list(differences()) == []


def test_a_refund_made_at_razorpay_itself_is_kept_for_staff_and_changes_nothing(shop):
    customer = shop.customer()
    shop.pay(customer)
    payment = next(iter(shop.world.book.payments.values()))
    entity = {"id": "rfnd_1", "amount": 100, "currency": "INR", "payment_id": payment["id"], "receipt": None}
    shop.server.tell(shop.world.book, "refund.processed", refund={**entity, "status": "processed"}, payment=payment)
    assert shop.deliver()[-1] == HTTPStatus.OK
    assert GatewayEvent.objects.get(kind="refund.processed").payment is None
    assert not Refund.objects.exists()


def test_odd_returns_are_no_fault_of_ours(shop):
    customer = shop.customer()
    trip = shop.go(customer)
    for brought in (
        {"error[code]": "BAD_REQUEST_ERROR", "error[metadata]": "{"},
        {"razorpay_payment_id": "é\ud83d", "razorpay_signature": "é"},
        {"razorpay_payment_id": "x" * 5_000},
        {"left": "1", "error[reason]": "x"},
    ):
        trip.brought = {name: text.encode("utf-8", "replace").decode() for name, text in brought.items()}
        path = trip.attempt.return_url.replace("http://testserver", "")
        assert Client().post(path, trip.brought).status_code == HTTPStatus.SEE_OTHER
