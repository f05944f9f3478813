"""A customer's last way to pay stands first, and what was chosen before is chosen again; nothing private is shown."""

import re
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from payments import clock
from payments.models import Order
from payments.money import Money
from payments.services.orders import RECENT_ORDERS, NewOrder, create_order
from tests.factories import MerchantFactory, OrderFactory, PaymentFactory
from tests.hosted.customer import APPROVED_UPI, CARD_FIELDS, DECLINED, Customer, text_of

pytestmark = pytest.mark.django_db


def order_for(merchant, **named):
    new = NewOrder(Money(29_999, "INR"), "Asha Rao", "asha@example.com", "9999999999", **named)
    return create_order(new, merchant=merchant, mode="test", at=clock.now())


def pay_by_bank(order, bank="HDFC"):
    customer = Customer(order)
    customer.act(customer.pay_by("netbanking", bank=bank), decision="approve")
    order.refresh_from_db()
    assert order.status == "paid"


def shown(order):
    """The methods in their order, the open one, and the chosen bank and wallet."""
    page = Customer(order).open().content.decode()
    methods = re.findall(r'name="method" value="(\w+)"', page)
    opened = re.findall(r'name="method" value="(\w+)" checked', page)
    bank = re.findall(r'<option value="(\w+)" selected>', page)
    wallet = re.findall(r'name="wallet" value="(\w+)" checked', page)
    return methods, opened, bank, wallet


NEW = (["upi", "card", "netbanking", "wallet"], ["upi"], [], [])


def test_a_stranger_sees_the_usual_page(merchant):
    assert shown(order_for(merchant)) == shown(order_for(merchant, customer_reference="asha-7")) == NEW


@pytest.mark.parametrize("by", ["reference", "id"])
def test_the_last_bank_stands_first_open_and_chosen(merchant, by):
    first = order_for(merchant, customer_reference="asha-7" if by == "reference" else "")
    pay_by_bank(first)
    named = {"customer_reference": "asha-7"} if by == "reference" else {"customer_id": first.customer_id}
    assert shown(order_for(merchant, **named)) == (
        ["netbanking", "upi", "card", "wallet"],
        ["netbanking"],
        ["HDFC"],
        [],
    )


def test_the_last_wallet_does_too(merchant):
    customer = Customer(order_for(merchant, customer_reference="asha-7"))
    customer.act(customer.pay_by("wallet", wallet="mobikwik"), decision="approve")
    again = order_for(merchant, customer_reference="asha-7")
    assert shown(again) == (["wallet", "upi", "card", "netbanking"], ["wallet"], [], ["mobikwik"])


def test_of_a_card_or_a_upi_id_only_the_way_is_known(merchant):
    Customer(order_for(merchant, customer_reference="asha-7")).open_and_pay()
    again = order_for(merchant, customer_reference="asha-7")
    assert shown(again)[:2] == (["card", "upi", "netbanking", "wallet"], ["card"])
    page = Customer(again).open().content.decode()
    assert "4242" not in page
    assert "12/39" not in page
    Customer(again).pay_by("upi", upi_id=APPROVED_UPI)
    third = order_for(merchant, customer_reference="asha-7")
    assert (third.last_method, third.last_choice) == ("upi", "")
    assert APPROVED_UPI not in Customer(third).open().content.decode(), "a link may be opened by others"


def test_what_was_declined_or_left_is_not_the_last_way(merchant):
    pay_by_bank(order_for(merchant, customer_reference="asha-7"))
    Customer(order_for(merchant, customer_reference="asha-7")).open_and_pay(DECLINED)
    assert shown(order_for(merchant, customer_reference="asha-7"))[1] == ["netbanking"]


def test_other_customers_merchants_and_modes_know_nothing_of_it(merchant):
    pay_by_bank(order_for(merchant, customer_reference="asha-7"))
    assert shown(order_for(merchant, customer_reference="asha-8")) == NEW
    assert shown(order_for(merchant)) == NEW
    assert shown(order_for(MerchantFactory(), customer_reference="asha-7")) == NEW


def test_a_way_that_this_order_does_not_offer_is_not_shown(merchant):
    pay_by_bank(order_for(merchant, customer_reference="asha-7"))
    order = order_for(merchant, customer_reference="asha-7", payment_methods=["upi", "card"])
    assert shown(order)[:2] == (["upi", "card"], ["upi"])


def test_a_bank_that_we_do_not_list_is_not_kept(merchant):
    old = order_for(merchant, customer_reference="asha-7")
    details = {"netbanking_bank_code": "PUNB_R", "netbanking_bank_name": "x"}
    PaymentFactory(order=old, success=True, method="netbanking", method_details=details)
    order = order_for(merchant, customer_reference="asha-7")
    assert (order.last_method, order.last_choice) == ("netbanking", "")


def test_the_way_just_declined_stands_first_and_closed(merchant):
    pay_by_bank(order_for(merchant, customer_reference="asha-7"))
    order = order_for(merchant, customer_reference="asha-7")
    customer = Customer(order)
    customer.act(customer.pay_by("netbanking", bank="SBIN"), decision="decline")
    assert shown(order) == (["netbanking", "upi", "card", "wallet"], ["upi"], ["SBIN"], [])


def test_only_the_newest_orders_are_looked_through(merchant):
    """A merchant may make all its orders for one customer: creating one must not read them all."""
    first = order_for(merchant, customer_reference="walk-in")
    pay_by_bank(first)
    for _ in range(RECENT_ORDERS):
        OrderFactory(merchant=merchant, customer=first.customer)
    assert order_for(merchant, customer_reference="walk-in").last_method == ""


def test_it_costs_no_statement(merchant):
    pay_by_bank(order_for(merchant, customer_reference="asha-7"))
    order_for(merchant, customer_reference="asha-8")
    counts = set()
    for reference in ("asha-7", "asha-8"):
        with CaptureQueriesContext(connection) as making:
            order = order_for(merchant, customer_reference=reference)
        with CaptureQueriesContext(connection) as page:
            Customer(order).open()
        counts.add((len(making), len(page)))
        assert len(page) <= 3
    assert len(counts) == 1


def test_the_database_keeps_no_choice_that_fits_no_way(order):
    for columns in ({"last_method": "card", "last_choice": "4242"}, {"last_choice": "HDFC"}, {"last_method": "cash"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Order.objects.filter(pk=order.pk).update(**columns)


# --- After an attempt that took nothing ---


def test_after_a_decline_the_bank_stays_chosen(order):
    customer = Customer(order)
    customer.act(customer.pay_by("netbanking", bank="SBIN"), decision="decline")
    assert shown(order)[2] == ["SBIN"]


def test_after_leaving_the_wallet_stays_chosen(order):
    customer = Customer(order)
    customer.act(customer.pay_by("wallet", wallet="amazon"), decision="leave")
    assert shown(order)[3] == ["amazon"]


def test_a_declined_upi_id_is_there_to_be_mended_on_this_order_alone(order):
    customer = Customer(order)
    customer.pay_by("upi", upi_id="failure@sim")
    assert 'value="failure@sim"' in customer.open().content.decode()
    assert "failure@sim" not in Customer(OrderFactory(merchant=order.merchant)).open().content.decode()


def test_choices_of_several_attempts_are_all_kept_the_newest_of_each(order):
    customer = Customer(order)
    customer.act(customer.pay_by("netbanking", bank="SBIN"), decision="decline")
    customer.act(customer.pay_by("netbanking", bank="UTIB"), decision="decline")
    customer.pay_by("upi", upi_id="failure@sim")
    assert shown(order)[2] == ["UTIB"]
    assert 'value="failure@sim"' in customer.open().content.decode()


def test_after_a_declined_card_no_field_of_it_is_filled(order):
    customer = Customer(order)
    customer.open_and_pay(DECLINED)
    page = customer.open().content.decode()
    for text in (DECLINED, CARD_FIELDS["expiry"], CARD_FIELDS["holder"] + '"', 'value="123"'):
        assert text not in page
    assert "Card 0002 was declined at" in text_of(customer.open())


def test_what_is_posted_counts_more_than_what_was_kept(order):
    customer = Customer(order)
    customer.act(customer.pay_by("netbanking", bank="SBIN"), decision="decline")
    page = customer.pay_by("upi", upi_id="x", bank="HDFC").content.decode()
    assert re.findall(r'<option value="(\w+)" selected>', page) == ["HDFC"]


def test_time_does_not_bring_it_back(merchant):
    order = order_for(merchant, customer_reference="asha-7")
    with clock.shifted(timedelta(minutes=1)):
        pay_by_bank(order_for(merchant, customer_reference="asha-7"))
        assert shown(order) == NEW, "as it was when the order was made"
