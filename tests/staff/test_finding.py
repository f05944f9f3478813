"""Finding an order, a payment or a refund by whatever somebody has in hand, and narrowing a list down."""

from datetime import UTC, datetime, timedelta

import pytest

from checkout.staff.ranges import AMOUNT_HINT, DAY_HINT, UPSIDE_DOWN
from payments.states import Method
from tests.factories import CustomerFactory, MerchantFactory, OrderFactory, PaymentFactory, RefundFactory
from tests.staff import ADMIN

BOX = {
    "order": "an id of the order, of a payment or of a refund",
    "payment": "an id of the payment, of its order or of a refund",
    "refund": "an id of the refund, of its payment or of its order",
}


def _listed(client, model, **query):
    """Keys of the rows that a list shows."""
    answer = client.get(f"{ADMIN}/{model}/", query)
    assert answer.status_code == 200
    return {row.pk for row in answer.context["cl"].result_list}


@pytest.fixture
def refund(db):
    """A refund of a payment of an order, with every reference that there can be, beside others of all three."""
    other = RefundFactory(bank_reference="ARN-2", payment__bank_reference="BANK-2", payment__order__amount_minor=99_900)
    PaymentFactory(failed=True, order__customer__merchant=other.merchant, order__merchant=other.merchant)
    merchant = MerchantFactory(region="IN")
    customer = CustomerFactory(
        merchant=merchant, reference="asha-7", email="Asha.Rao@Example.com", phone="+919876543210"
    )
    order = OrderFactory(merchant=merchant, customer=customer, order_id="SHOP-77", amount_minor=229_000, status="paid")
    payment = PaymentFactory(success=True, order=order, bank_reference="412345678901", gateway_payment_id="gw_77")
    return RefundFactory(
        payment=payment, refund_id="back-1", bank_reference="ARN-1", gateway_refund_id="rfnd_1", amount_minor=5_000
    )


BY_ID = {
    "our order id": "{0.order.uid}",
    "the merchant's order id": "SHOP-77",
    "payment id": "{0.payment.uid}",
    "the gateway's payment id": "gw_77",
    "our key at the gateway": "{0.payment.gateway_key}",
    "the bank's reference": "412345678901",
    "the merchant's refund id": "back-1",
    "our refund id": "{0.uid}",
    "our key of the refund there": "{0.gateway_key}",
    "the gateway's refund id": "rfnd_1",
    "the bank's reference of the refund": "ARN-1",
    "the merchant's reference of the customer": "asha-7",
    "e-mail": "asha.rao@EXAMPLE.com",
    "e-mail with spaces": "  Asha.Rao@Example.com ",
    "phone, E.164": "+919876543210",
    "phone, as dialled": "098765 43210",
    "phone, as printed": "(98765) 432-10",
    "phone, with country": "+91 98765-43210",
}


@pytest.mark.parametrize("term", BY_ID.values(), ids=BY_ID)
def test_everything_that_names_an_order_finds_it_with_its_payment_and_refund(viewer, refund, term):
    term = term.format(refund)
    assert _listed(viewer, "order", q=term) == {refund.order_id}
    assert _listed(viewer, "payment", q=term) == {refund.payment_id}
    assert _listed(viewer, "refund", q=term) == {refund.pk}


@pytest.mark.parametrize("term", ["2290", "2,290.00", "₹2,290", "₹ 2290.0", "INR 2290", "inr2,290", "2290 INR"])
def test_amounts_are_read_as_people_write_them(viewer, refund, term):
    assert _listed(viewer, "order", q=term) == {refund.order_id}
    assert _listed(viewer, "payment", q=term) == {refund.payment_id}
    assert _listed(viewer, "refund", q=term) == set()


@pytest.mark.parametrize("term", ["50", "₹50.00", "INR 50"])
def test_refunds_are_found_by_their_own_amount(viewer, refund, term):
    assert _listed(viewer, "refund", q=term) == {refund.pk}
    assert _listed(viewer, "order", q=term) == set()


def test_an_amount_is_one_of_the_currency_that_is_named(viewer, db):
    rupees, yen = OrderFactory(amount_minor=229_000), OrderFactory(amount_minor=2_290, currency="JPY")
    dinars = OrderFactory(amount_minor=2_290_000, currency="KWD")
    assert _listed(viewer, "order", q="2290") == {rupees.pk, yen.pk, dinars.pk}
    assert _listed(viewer, "order", q="JPY 2290") == {yen.pk}
    assert _listed(viewer, "order", q="¥2,290") == {yen.pk}
    assert _listed(viewer, "order", q="$2290") == set()


def test_a_payment_is_found_by_what_was_asked_for_and_by_what_was_taken(viewer, db):
    partly = PaymentFactory(success=True, captured_minor=10_000)
    PaymentFactory(success=True)
    assert _listed(viewer, "payment", q="100") == {partly.pk}
    assert partly.pk in _listed(viewer, "payment", q="299.99")
    assert "₹100.00 taken" in viewer.get(f"{ADMIN}/payment/").content.decode()


def test_digits_may_be_an_id_a_reference_and_an_amount_at_once(viewer, db):
    by_id, by_amount = OrderFactory(order_id="2290"), OrderFactory(amount_minor=229_000)
    by_reference = OrderFactory(customer__reference="2290")
    assert _listed(viewer, "order", q="2290") == {by_id.pk, by_amount.pk, by_reference.pk}


def test_a_number_without_a_country_is_read_in_every_region_that_merchants_are_in(viewer, db):
    indian = OrderFactory(merchant__region="IN", customer_phone="+919876543210")
    german = OrderFactory(merchant__region="DE", customer_phone="+4915112345678")
    assert _listed(viewer, "order", q="98765 43210") == {indian.pk}
    assert _listed(viewer, "order", q="0151 12345678") == {german.pk}
    assert _listed(viewer, "order", q="+49 151 12345678") == {german.pk}


def test_empty_columns_are_no_ones_reference(viewer, db):
    PaymentFactory(order__customer__reference="", order__customer_email="")
    for model in BOX:
        assert _listed(viewer, model, q="hello world") == set()
        assert _listed(viewer, model, q="@") == set()


@pytest.mark.parametrize("model", ["order", "payment", "refund", "customer"])
@pytest.mark.parametrize(
    "term",
    ["%", "_", "'", '"', "\\", "€", "-5", "0", "1e9", "99999999999999999999999999", "1." + "0" * 90, "9" * 5_000,
     "INR", "INR INR 5", "x" * 9_000, "a@b@c", "+", "()", "00 00", "\u202e77", "٢٢٩٠", "\ud83d", "1\x00"],
)  # fmt: skip
def test_nothing_that_is_typed_is_a_fault_of_ours(viewer, refund, model, term):
    assert viewer.get(f"{ADMIN}/{model}/", {"q": term.encode("utf-8", "replace")}).status_code == 200


@pytest.mark.parametrize("model", BOX)
def test_the_box_says_what_it_understands(viewer, refund, model):
    page = viewer.get(f"{ADMIN}/{model}/").content.decode()
    for words in (BOX[model], "e-mail address", "phone number", "amount", "INR 2290"):
        assert words in page


# --- Filters ---


def test_filters_combine_with_each_other_and_with_the_search(viewer, refund):
    merchant = refund.merchant_id
    fits = {"merchant__id__exact": merchant, "mode__exact": "test", "method": "card", "gateway": "simulator"}
    assert _listed(viewer, "order", **fits, status="paid", q="INR 2290") == {refund.order_id}
    assert _listed(viewer, "order", **fits, status="expired", q="INR 2290") == set()
    assert _listed(viewer, "payment", **fits, status__exact="success", at_least="2,000") == {refund.payment_id}
    assert _listed(viewer, "payment", **fits | {"method": "upi"}) == set()
    assert _listed(viewer, "refund", **fits, queue="approval", at_most="50") == {refund.pk}
    assert _listed(viewer, "refund", **fits | {"gateway": "stripe"}) == set()


def test_orders_and_refunds_are_narrowed_down_by_how_they_were_paid(viewer, db):
    by_upi = RefundFactory(payment__method=Method.UPI)
    RefundFactory()
    assert _listed(viewer, "order", method="upi") == {by_upi.order_id}
    assert _listed(viewer, "refund", method="upi") == {by_upi.pk}
    assert len(_listed(viewer, "refund", method="fax")) == 2


def test_what_needs_a_person_is_found_among_orders_too(viewer, db):
    odd, fine = PaymentFactory(review_reason="The amount differs."), PaymentFactory()
    assert _listed(viewer, "order", review="needed") == {odd.order_id}
    assert _listed(viewer, "order", review="none") == {fine.order_id}
    assert _listed(viewer, "payment", review="needed") == {odd.pk}
    assert _listed(viewer, "payment", review="none") == {fine.pk}
    assert "needs review" in viewer.get(f"{ADMIN}/payment/?review=needed").content.decode()


def test_a_period_has_both_its_days(viewer, db):
    days = [datetime(2026, 11, day, 23, 59, 59, tzinfo=UTC) for day in (1, 2, 3)]
    first, second, third = (OrderFactory(created_at=day).pk for day in days)
    assert _listed(viewer, "order", **{"from": "2026-11-02"}) == {second, third}
    assert _listed(viewer, "order", to="2026-11-02") == {first, second}
    assert _listed(viewer, "order", **{"from": "2026-11-02"}, to="2026-11-02") == {second}


def test_periods_are_links(viewer, now):
    today = now.astimezone(UTC).date()
    OrderFactory(created_at=now - timedelta(days=40))
    page = viewer.get(f"{ADMIN}/order/").content.decode()
    week_ago = today - timedelta(days=6)
    assert f'<a href="?from={week_ago}">Past 7 days</a>' in page
    assert _listed(viewer, "order", **{"from": str(week_ago)}) == set()


def test_a_range_of_amounts_has_both_its_ends_in_each_rows_own_currency(viewer, db):
    small, large = OrderFactory(amount_minor=100_000), OrderFactory(amount_minor=200_000)
    yen = OrderFactory(amount_minor=1_500, currency="JPY")
    assert _listed(viewer, "order", at_least="1000", at_most="2000") == {small.pk, large.pk, yen.pk}
    assert _listed(viewer, "order", at_least="1,000.01") == {large.pk, yen.pk}
    assert _listed(viewer, "order", at_most="INR 1999.99") == {small.pk}
    assert _listed(viewer, "order", at_least="1499.5", at_most="1500.5") == {yen.pk}


@pytest.mark.parametrize("model", BOX)
@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("from=yesterday", DAY_HINT),
        ("to=2026-02-30", DAY_HINT),
        ("from=0001-01-01", DAY_HINT),
        ("to=9999-12-31", DAY_HINT),
        ("from=2026-11-02&to=2026-11-01", UPSIDE_DOWN),
        ("at_least=much", AMOUNT_HINT),
        ("at_most=-5", AMOUNT_HINT),
        ("at_least=99999999999999999999", AMOUNT_HINT),
        ("at_least=5&at_most=4", UPSIDE_DOWN),
    ],
)
def test_ends_that_make_no_sense_are_said(viewer, refund, model, query, words):
    answer = viewer.get(f"{ADMIN}/{model}/?{query}")
    assert answer.status_code == 200
    assert words in answer.content.decode()
    if words != UPSIDE_DOWN:
        assert refund.pk in _listed(viewer, "refund")


@pytest.mark.parametrize("model", BOX)
@pytest.mark.parametrize(
    "query",
    [
        "method=fax",
        "gateway=nobody",
        "gateway=%00",
        "review=perhaps",
        "status=%00",
        "status__exact=%00",
        "from=%00",
        "at_least=1%00",
        "nothing=1",
        "from=&to=",
    ],
)
def test_other_odd_filters_are_no_fault_of_ours(viewer, refund, model, query):
    assert viewer.get(f"{ADMIN}/{model}/?{query}", follow=True).status_code == 200


def test_forms_of_ranges_keep_what_else_was_chosen(viewer, refund):
    page = viewer.get(f"{ADMIN}/order/?q=SHOP-77&status=paid&at_least=5").content.decode()
    form = page.split('class="till-ends"')[2]
    assert '<input type="hidden" name="q" value="SHOP-77">' in form
    assert '<input type="hidden" name="status" value="paid">' in form
    assert 'value="5"' in form
    assert 'type="hidden" name="at_least"' not in form
