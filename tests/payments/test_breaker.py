"""A gateway that takes no attempts comes last for a while; one attempt then finds out whether it does again."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from payments import clock
from payments.models import GatewayAccount
from payments.services.health import FAILURES_IN_ROW, REST, WITHIN, is_next_to_try, note_failure
from payments.services.payments import start_payment
from tests.factories import MerchantFactory, OrderFactory, card_request
from tests.scripted import LOST, NOT_TAKEN, REFUSED, account_at

pytestmark = pytest.mark.django_db
S = timedelta(seconds=1)


@pytest.fixture
def merchant(gateways):
    merchant = MerchantFactory(account=None)
    for name in ("alpha", "beta"):
        account_at(merchant, name, at=clock.now())
    return merchant


def _pay(merchant, after=timedelta()):
    """The gateway that the newest attempt of a new order went to."""
    with clock.shifted(after):
        order = OrderFactory(merchant=merchant)
        return start_payment(order.pk, card_request(), at=clock.now()).gateway


def _alpha():
    return GatewayAccount.objects.get(gateway="alpha")


def _break(merchant, gateways, word=NOT_TAKEN):
    gateways[0].says = [word] * FAILURES_IN_ROW
    return [_pay(merchant) for _ in range(FAILURES_IN_ROW)]


@pytest.mark.parametrize("word", [NOT_TAKEN, LOST])
def test_after_failures_in_a_row_the_other_comes_first(merchant, gateways, word):
    _break(merchant, gateways, word)
    assert (_alpha().failures, _alpha().rests(at=clock.now())) == (FAILURES_IN_ROW, True)
    assert _pay(merchant) == "beta"
    assert len(gateways[0].started) == FAILURES_IN_ROW


def test_one_answer_between_them_is_enough(merchant, gateways):
    gateways[0].says = [*[NOT_TAKEN] * (FAILURES_IN_ROW - 1), "paid", NOT_TAKEN]
    for _ in range(FAILURES_IN_ROW + 1):
        _pay(merchant)
    assert (_alpha().failures, _alpha().rests_until) == (1, None)


def test_a_decline_is_an_answer(merchant, gateways):
    gateways[0].says = [*[NOT_TAKEN] * (FAILURES_IN_ROW - 1), "declined"]
    for _ in range(FAILURES_IN_ROW):
        _pay(merchant)
    assert _alpha().failures == 0


def test_an_order_that_is_refused_is_an_answer_however_often_it_is_sent(merchant, gateways):
    gateways[0].says = [*[NOT_TAKEN] * (FAILURES_IN_ROW - 1), *[REFUSED] * 2 * FAILURES_IN_ROW]
    for _ in range(FAILURES_IN_ROW - 1):
        _pay(merchant)
    order = OrderFactory(merchant=merchant)
    for turn in range(2 * FAILURES_IN_ROW):
        gateways[1].says = [NOT_TAKEN]
        start_payment(order.pk, card_request(nonce=f"n{turn}"), at=clock.now())
    assert (_alpha().failures, _alpha().rests_until) == (0, None)


def test_failures_far_apart_are_no_row(merchant):
    account, at = _alpha(), clock.now()
    for turn in range(FAILURES_IN_ROW):
        note_failure(account, at=at + turn * WITHIN)
    assert (_alpha().failures, _alpha().rests_until) == (1, None)


def test_the_only_one_is_tried_however_often_it_fails(merchant, gateways):
    GatewayAccount.objects.filter(gateway="beta").update(credential_hints={})
    assert _break(merchant, gateways) == ["alpha"] * FAILURES_IN_ROW
    assert _pay(merchant) == "alpha"
    assert _alpha().failures == 0


def test_where_all_rest_the_first_is_tried(merchant, gateways):
    GatewayAccount.objects.update(failures=9, rests_until=clock.now() + REST)
    assert _pay(merchant) == "alpha"


def test_after_its_rest_one_attempt_finds_out(merchant, gateways):
    _break(merchant, gateways)
    rested = REST + S
    assert _pay(merchant, rested) == "alpha"
    assert (_alpha().failures, _alpha().rests_until) == (0, None)
    assert _pay(merchant, rested) == "alpha"


def test_if_that_one_fails_too_the_rest_begins_again(merchant, gateways):
    _break(merchant, gateways)
    gateways[0].says = [NOT_TAKEN]
    assert _pay(merchant, REST + S) == "beta"
    assert _alpha().rests_until > clock.now() + REST
    assert _pay(merchant, REST + 2 * S) == "beta"


def test_while_one_finds_out_all_others_go_elsewhere(merchant, gateways):
    _break(merchant, gateways)
    later = clock.now() + REST + S
    assert is_next_to_try(_alpha(), at=later)
    assert not is_next_to_try(_alpha(), at=later)
    assert _pay(merchant, REST + S) == "beta"
    assert is_next_to_try(_alpha(), at=later + REST)  # nobody told how it went


def test_a_payment_that_goes_well_costs_no_statement_about_health(merchant):
    order = OrderFactory(merchant=merchant)
    with CaptureQueriesContext(connection) as statements:
        start_payment(order.pk, card_request(), at=clock.now())
    assert not [s for s in statements if s["sql"].startswith('UPDATE "payments_gatewayaccount"')]
    assert len([s for s in statements if 'FROM "payments_gatewayaccount"' in s["sql"]]) == 1
