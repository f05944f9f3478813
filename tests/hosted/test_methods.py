"""Each way to pay through to its end, by HTTP as a browser without scripts and cookies goes it."""

import re
from datetime import timedelta

import pytest

from payments import clock, jobs
from payments.banks import BANKS, WALLETS, other_banks, popular_banks
from payments.gateways.simulator.engine import Simulator
from payments.gateways.simulator.models import SimulatedPayment
from payments.models import Payment
from payments.states import OrderStatus, PaymentStatus
from tests.factories import OrderFactory
from tests.hosted.customer import DECLINED, Customer, text_of

pytestmark = pytest.mark.django_db

CHALLENGED = "4000000000003220"
HANDED_OVER = {
    "netbanking": {"bank": "HDFC"},
    "wallet": {"wallet": "amazon"},
    "card": {"number": CHALLENGED, "expiry": "12/39", "cvc": "123"},
}
BY_BUTTON = ("netbanking", "wallet")


@pytest.fixture
def customer(order):
    return Customer(order)


def details_of(order):
    return order.payments.get().method_details


# --- The page ---


def test_all_four_ways_are_offered_with_upi_first_and_open(customer):
    page = customer.open().content.decode()
    assert re.findall(r'name="method" value="(\w+)"', page) == ["upi", "card", "netbanking", "wallet"]
    assert re.search(r'value="upi" checked', page)
    assert page.count(" checked") == 1


def test_a_foreign_currency_is_offered_card_and_wallet_with_card_open(merchant):
    customer = Customer(OrderFactory(merchant=merchant, currency="USD"))
    page = customer.open().content.decode()
    assert re.findall(r'name="method" value="(\w+)"', page) == ["card", "wallet"]
    assert re.search(r'value="card" checked', page)


def test_every_bank_is_in_the_list_popular_ones_first(customer):
    page = customer.open().content.decode()
    listed = re.findall(r'<option value="(\w+)"', page)
    assert listed == [bank.code for bank in (*popular_banks(), *other_banks())]
    assert set(listed) == set(BANKS)
    assert '<option value="">Choose your bank</option>' in page
    assert re.findall(r'name="wallet" value="(\w+)"', page) == list(WALLETS)


def test_the_forms_first_button_leaves_the_choice_to_the_radio(customer):
    """A press of Enter is a press of the first button: it must not open the UPI app of somebody who typed a card."""
    page = customer.open().content.decode()
    first = re.search(r"<button[^>]*>", page)[0]
    assert "name=" not in first
    assert 'tabindex="-1"' in first
    assert 'aria-hidden="true"' in first


# --- UPI ---


def test_a_upi_id_gets_a_request_and_the_receipt_names_it(customer, order):
    response = customer.pay_by("upi", upi_id="success@sim", upi_flow="collect")
    assert (response.status_code, response["Location"]) == (303, customer.url)
    assert details_of(order) == {"channel": "collect", "upi_id": "success@sim"}
    assert "UPI success@sim" in text_of(customer.open())


def test_a_upi_id_without_a_button_is_a_request_too(customer, order):
    customer.pay_by("upi", upi_id="success@sim")
    assert details_of(order)["channel"] == "collect"


@pytest.mark.parametrize("typed", [" Success@SIM ", "success @sim", "\u200esuccess@sim\u200f"])
def test_a_upi_id_is_read_as_phones_type_it(customer, order, typed):
    assert customer.pay_by("upi", upi_id=typed).status_code == 303
    assert details_of(order)["upi_id"] == "success@sim"


@pytest.mark.parametrize(("flow", "channel"), [("app", "link"), ("qr", "qrcode")])
@pytest.mark.parametrize("typed", ["", "nonsense", "\x00"])
def test_app_and_code_start_an_attempt_whatever_else_stands_in_the_form(customer, order, flow, channel, typed):
    response = customer.pay_by("card", upi_flow=flow, upi_id=typed, number="1")
    assert (response.status_code, response["Location"]) == (303, customer.url)
    assert details_of(order) == {"channel": channel}
    page = customer.open()
    assert "Open my UPI app" in text_of(page)
    assert "Scan with any UPI app" in text_of(page)
    assert '<svg class="tile' in page.content.decode()


@pytest.mark.parametrize(
    ("decision", "words"),
    [
        ("approve", "was taken, once."),
        ("decline", "Your bank declined this UPI payment"),
        ("leave", "You left before paying"),
    ],
)
def test_what_the_upi_app_says_is_true_at_the_next_check(customer, decision, words):
    customer.pay_by("upi", upi_flow="qr")
    page = customer.open().content.decode()
    desk = re.search(r'href="(/simulator/[^"]+)"', page)[1]
    customer.client.post(desk, {"decision": decision}, headers={"sec-fetch-site": "same-origin"})
    assert customer.check().status_code == 303
    assert words in text_of(customer.open())


def test_a_request_that_settles_later_is_found_by_the_worker(customer, order):
    customer.pay_by("upi", upi_id="pending@sim")
    text = text_of(customer.open())
    assert "To pending@sim at" in text
    assert "Approve it in your UPI app" in text
    with clock.shifted(timedelta(seconds=16)):
        jobs.run_job("inquire_payment", order.payments.get().pk, at=clock.now())
        assert "was taken, once." in text_of(customer.open())


@pytest.mark.parametrize("upi_id", ["failure@sim", "asha@okbank"])
def test_a_refused_upi_id_is_told_apart_and_upi_is_not_open_again(customer, upi_id):
    customer.pay_by("upi", upi_id=upi_id)
    page = customer.open()
    heading = {"failure@sim": "Your bank declined this UPI payment", "asha@okbank": "Only test UPI IDs work here"}
    assert heading[upi_id] in text_of(page)
    assert "Try again another way" in text_of(page)
    assert re.search(r'value="card" checked', page.content.decode())
    assert re.search(r"UPI Declined at \d", text_of(page))


# --- Bank, wallet, card with a code ---


@pytest.mark.parametrize("method", HANDED_OVER)
def test_the_customer_is_handed_over_and_a_waiting_page_leads_there_again(customer, order, method):
    response = customer.pay_by(method, **HANDED_OVER[method])
    assert response.status_code == 303
    assert response["Location"].startswith("/simulator/")
    page = customer.open()
    text = text_of(page)
    assert "We don’t know yet if this was taken. Please approve it only once." in text
    assert f'href="{response["Location"]}"' in page.content.decode()
    assert ("Go on at my wallet" if method == "wallet" else "Go on at my bank") in text
    assert order.payments.get().status == PaymentStatus.PENDING


@pytest.mark.parametrize(
    ("method", "receipt"), [("netbanking", "HDFC Bank netbanking"), ("wallet", "Amazon Pay"), ("card", "ending 3220")]
)
def test_approved_there_is_paid_here(customer, order, method, receipt):
    answer = {"otp": "123456"} if method == "card" else {"decision": "approve"}
    text = text_of(customer.act(customer.pay_by(method, **HANDED_OVER[method]), **answer))
    assert "₹299.99 was taken, once." in text
    assert f"Paid with {receipt}" in text.replace("Card ending", "ending")
    order.refresh_from_db()
    assert order.status == OrderStatus.PAID


@pytest.mark.parametrize(("method", "who"), [("netbanking", "HDFC Bank"), ("wallet", "Amazon Pay")])
def test_declined_there_names_who_said_no_and_opens_another_way(customer, method, who):
    page = customer.act(customer.pay_by(method, **HANDED_OVER[method]), decision="decline")
    text = text_of(page)
    assert f"{who} declined this payment" in text
    assert re.search(rf"{who} declined at \d", text)
    assert "Nothing has been taken." in text
    assert "card" not in text[: text.index("To pay")].lower().replace("test cards", "")
    assert re.search(r'value="upi" checked', page.content.decode())


@pytest.mark.parametrize("method", HANDED_OVER)
def test_left_there_is_not_called_declined(customer, order, method):
    text = text_of(customer.act(customer.pay_by(method, **HANDED_OVER[method]), decision="leave"))
    assert "You left before paying" in text
    assert "declined" not in text
    assert "tries left" not in text
    order.refresh_from_db()
    assert order.attempts_declined == 0


def test_the_third_wrong_code_declines_the_card(customer):
    handed_over = customer.pay_by("card", **HANDED_OVER["card"])
    for _ in range(2):
        assert customer.act(handed_over, otp="000000").status_code == 303  # asked again at the bank
    text = text_of(customer.act(handed_over, otp="000000"))
    assert "Your bank declined this card" in text
    assert "Another card or another way to pay may work." in text
    assert "Card 3220 was declined at" in text


def test_the_three_ends_without_money_are_told_apart(merchant):
    headings = set()
    for decision in ("decline", "leave", "cancel"):
        customer = Customer(OrderFactory(merchant=merchant))
        handed_over = customer.pay_by("netbanking", bank="HDFC")
        customer.open()
        page = customer.cancel() if decision == "cancel" else customer.act(handed_over, decision=decision)
        page = customer.open()
        headings.add(re.search(r"<h1[^>]*>([^<]+)", page.content.decode())[1])
    late = Customer(OrderFactory(merchant=merchant))
    late.pay_by("netbanking", bank="HDFC")
    with clock.shifted(timedelta(minutes=16)):
        late.check()
        headings.add(re.search(r"<h1[^>]*>([^<]+)", late.open().content.decode())[1])
    assert headings == {
        "HDFC Bank declined this payment",
        "You left before paying",
        "Your last try is cancelled",
        "The time for your last try is over",
    }


@pytest.mark.parametrize("method", BY_BUTTON)
def test_another_origin_is_reached_by_a_link_and_never_by_the_form(customer, method, monkeypatch):
    monkeypatch.setattr("payments.gateways.simulator.engine.page_url", lambda row: "https://bank.example/pay/1")
    monkeypatch.setattr(Simulator, "hosts", frozenset({"https://bank.example"}))
    response = customer.pay_by(method, **HANDED_OVER[method])
    assert response["Location"] == customer.url
    assert 'href="https://bank.example/pay/1"' in customer.open().content.decode()


# --- Trying again ---


@pytest.mark.parametrize("method", HANDED_OVER)
def test_the_same_form_twice_is_one_attempt_and_leads_to_its_page(customer, order, method):
    customer.open()
    fields = {"method": method, **HANDED_OVER[method]}
    assert [customer.post("pay", fields).status_code for _ in range(3)] == [303, 303, 303]
    assert order.payments.count() == 1


def test_another_way_after_a_decline_pays_the_order(customer, order):
    customer.open_and_pay(DECLINED)
    customer.pay_by("upi", upi_id="failure@sim")
    customer.act(customer.pay_by("netbanking", bank="SBIN"), decision="decline")
    text = text_of(customer.open())
    assert "State Bank of India declined this payment" in text
    assert "You have 2 tries left." in text
    assert "was taken, once." in text_of(customer.act(customer.pay_by("wallet", wallet="amazon"), decision="approve"))
    order.refresh_from_db()
    assert order.status == OrderStatus.PAID
    assert SimulatedPayment.objects.filter(status="captured").count() == 1


def test_a_form_from_a_second_tab_replaces_an_attempt_that_can_be_cancelled(order):
    first, second = Customer(order), Customer(order)
    second.open()
    handed_over = first.pay_by("netbanking", bank="HDFC")
    assert second.post("pay", {"method": "upi", "upi_id": "success@sim"}).status_code == 303
    assert "was taken, once." in text_of(second.open())
    # The first tab still shows the bank: pressing Approve there must take nothing.
    assert "was taken, once." in text_of(first.act(handed_over, decision="approve"))
    assert SimulatedPayment.objects.filter(status="captured").count() == 1
    assert sorted(Payment.objects.values_list("status", flat=True)) == ["cancelled", "success"]


def test_a_form_from_a_second_tab_does_not_replace_what_may_still_take_money(order):
    first, second = Customer(order), Customer(order)
    second.open()
    first.pay_by("upi", upi_id="late@sim")
    assert second.post("pay", {"method": "netbanking", "bank": "HDFC"})["Location"] == second.url
    assert "Please don’t pay again." in text_of(second.open())
    assert order.payments.count() == 1


def test_a_wrong_form_from_a_second_tab_shows_the_attempt_that_is_out(order):
    first, second = Customer(order), Customer(order)
    second.open()
    first.pay_by("netbanking", bank="HDFC")
    for fields in ({"method": "upi", "upi_id": "x"}, {"method": "cash"}, {"method": "wallet"}):
        response = second.post("pay", fields)
        assert (response.status_code, response["Location"]) == (303, second.url)
    assert "Nothing has been taken" not in text_of(second.open())
    assert order.payments.get().status == PaymentStatus.PENDING


def test_the_only_way_declined_stands_open_again(order):
    order.payment_methods = ["upi"]
    order.save()
    customer = Customer(order)
    customer.pay_by("upi", upi_id="failure@sim")
    page = customer.open()
    assert re.search(r'value="upi" checked', page.content.decode())
    assert "another way" not in text_of(page)[text_of(page).index("To pay") :]
