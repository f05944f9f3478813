import pytest

from payments import clock
from payments.fees import fee_of, rule_in_words
from payments.models import FeePlan, Payment, Transfer
from payments.money import Money
from payments.services.sending import capture_payment
from tests.factories import OrderFactory, fresh, held, late, paid, start, upi_request


@pytest.mark.parametrize(
    ("amount", "percent", "fixed", "tax", "expected"),
    [
        (29_999, 200, 0, 1_800, (600, 108)),  # 2 % of 299.99 is 5.9998
        (25, 200, 0, 0, (1, 0)),  # 0.5 of a minor unit goes up
        (24, 200, 0, 0, (0, 0)),
        (75, 200, 0, 0, (2, 0)),  # half up, not to even: 1.5
        (125, 200, 0, 0, (3, 0)),  # 2.5
        (10_000, 0, 300, 1_800, (300, 54)),
        (29_999, 200, 300, 1_800, (900, 162)),
        (1, 1, 0, 0, (0, 0)),
        (100, 10_000, 0, 10_000, (100, 100)),
        (10**12, 9_999, 0, 1, (999_900_000_000, 99_990_000)),
        (29_999, 0, 0, 1_800, (0, 0)),
        (500, 290, 0, 0, (15, 0)),  # JPY 500: whole yen, 14.5 goes up
    ],
)
def test_fees_are_whole_minor_units_rounded_half_up(amount, percent, fixed, tax, expected):
    assert fee_of(amount, percent_bps=percent, fixed_minor=fixed, tax_bps=tax) == expected


def test_a_rule_reads_like_a_sentence():
    assert rule_in_words(percent_bps=205, fixed_minor=300, tax_bps=1_800) == "2.05 % + 300 minor units, tax 18.00 %"


def _plan(order, **columns):
    return FeePlan.objects.create(merchant=order.merchant, **{"percent_bps": 200, "tax_bps": 1_800, **columns})


def _fees(payment):
    return payment.fee_minor, payment.fee_tax_minor


def _posted(payment):
    rows = Transfer.objects.filter(source_type="payment", source_id=payment.pk)
    return {row.kind: (row.debit.kind, row.credit.kind, row.amount_minor) for row in rows}


def test_a_capture_is_charged_by_its_plan_and_keeps_the_rule(order):
    _plan(order)
    payment = paid(order)
    assert (_fees(payment), payment.fee_rule) == ((600, 108), "2.00 % + 0 minor units, tax 18.00 %")
    assert _posted(payment) == {
        "capture": ("gateway_receivable", "merchant_payable", 29_999),
        "fee": ("merchant_payable", "fees", 600),
        "tax": ("merchant_payable", "tax_on_fees", 108),
    }


def test_without_a_plan_nothing_is_charged(order):
    payment = paid(order)
    assert (_fees(payment), payment.fee_rule, set(_posted(payment))) == ((0, 0), "", {"capture"})


def test_a_plan_of_zero_posts_nothing_but_is_named(order):
    _plan(order, percent_bps=0)
    payment = paid(order)
    assert (_fees(payment), set(_posted(payment))) == ((0, 0), {"capture"})
    assert payment.fee_rule.startswith("0.00 %")


@pytest.mark.parametrize("general_first", [True, False])
def test_the_plan_of_the_method_beats_the_general_one(order, general_first):
    for method in ["", "card"] if general_first else ["card", ""]:
        _plan(order, method=method, percent_bps=100 if method else 500, tax_bps=0)
    _plan(order, method="upi", percent_bps=0)
    assert _fees(paid(order)) == (300, 0)


def test_other_methods_go_by_the_general_plan(order):
    _plan(order, percent_bps=500, tax_bps=0)
    _plan(order, method="card", percent_bps=100)
    assert _fees(start(order, upi_request("success@sim"))) == (1_500, 0)


@pytest.mark.parametrize("columns", [{"currency": "JPY"}, {"method": "upi"}])
def test_plans_of_another_currency_or_method_do_not_count(order, columns):
    _plan(order, **columns)
    assert _fees(paid(order)) == (0, 0)


def test_another_merchants_plan_does_not_count(order):
    _plan(OrderFactory())
    assert _fees(paid(order)) == (0, 0)


def test_yen_have_no_minor_units(db):
    order = OrderFactory(currency="JPY", amount_minor=500)
    _plan(order, currency="JPY", percent_bps=290, tax_bps=1_000)
    assert _fees(paid(order)) == (15, 2)


def test_a_later_change_of_the_plan_changes_no_payment(order):
    plan = _plan(order)
    payment = paid(order)
    FeePlan.objects.filter(pk=plan.pk).update(percent_bps=5_000)
    plan.delete()
    assert (_fees(fresh(payment)), fresh(payment).fee_rule) == ((600, 108), "2.00 % + 0 minor units, tax 18.00 %")


def test_of_a_part_captured_the_part_is_charged(db):
    payment = held()
    _plan(payment.order)
    capture_payment(payment.pk, Money(10_000, "INR"), cause="test", at=clock.now())
    assert _fees(fresh(payment)) == (200, 36)


def test_money_that_goes_back_by_itself_costs_nothing(order):
    _plan(order)
    payment = late(order)
    assert (_fees(payment), Payment.objects.get().fee_rule) == ((0, 0), "")
    assert _posted(payment) == {"capture": ("gateway_receivable", "suspense", 29_999)}
