"""Another gateway gets an order only after the one before surely took nothing; a crash anywhere stays safe."""

from datetime import timedelta

import pytest
from django.db import connection

from payments import clock, faults
from payments.crypto import Undecryptable
from payments.errors import NotPayable
from payments.gateways.base import NotTaken
from payments.models import Event, GatewayAccount, Order, Payment
from payments.services.calls import account_values
from payments.services.facts import apply_gateway_fact
from payments.services.payments import PaymentRequest, start_payment, terminate_order
from payments.services.reconcile import inquire_payment
from payments.states import Method
from tests.factories import MerchantFactory, OrderFactory, card_request, fact_for, fresh
from tests.proof import assert_history_is_whole, assert_quiet, recover, run_together
from tests.scripted import DECLINED, LOST, NOT_TAKEN, PAGE, REFUSED, account_at

pytestmark = pytest.mark.django_db(transaction=True)
UNTIL_QUIET = [timedelta(seconds=s) for s in (0, 6, 16, 61, 125, 301, 901)] + [timedelta(hours=25), timedelta(hours=26)]


@pytest.fixture
def order(gateways):
    merchant = MerchantFactory(account=None)
    for name in ("alpha", "beta"):
        account_at(merchant, name, at=clock.now())
    return OrderFactory(merchant=merchant)


def _pay(order, request=None, **options):
    return fresh(start_payment(order.pk, request or card_request(), at=clock.now(), **options))


def _attempts(order):
    return list(order.payments.order_by("pk").values_list("gateway", "status"))


def test_the_next_gateway_takes_what_the_first_did_not(order, gateways):
    alpha, beta = gateways
    alpha.says = [NOT_TAKEN]
    payment = _pay(order)
    assert _attempts(order) == [("alpha", "failed"), ("beta", "success")]
    assert (payment.gateway, payment.order.status, payment.order.attempts_declined) == ("beta", "paid", 0)
    first = order.payments.get(gateway="alpha")
    assert (first.error_code, first.error_details["source"]) == ("not_taken", ["gateway"])
    assert first.gateway_key != payment.gateway_key
    assert [attempt.key for attempt in (*alpha.started, *beta.started)] == [first.gateway_key, payment.gateway_key]
    assert payment.route == "oldest account: card via beta, after alpha did not take it"
    assert_history_is_whole(fresh(payment).order)


def test_an_order_that_one_refuses_goes_to_the_next_and_says_so(order, gateways):
    gateways[0].says = [REFUSED]
    assert _pay(order).gateway == "beta"
    first = order.payments.get(gateway="alpha")
    assert (first.status, first.error_code) == ("failed", "order_refused")
    assert first.message == "The payment service does not take this order.", "ours: theirs may quote what we sent"


def test_each_attempt_comes_back_by_addresses_of_its_own(order, gateways):
    gateways[0].says = [NOT_TAKEN]
    payment = _pay(order, links=lambda account, nonce: (f"back/{account.gateway}/{nonce}", f"event/{account.pk}"))
    attempt = gateways[1].started[0]
    assert attempt.return_url == f"back/beta/{payment.form_nonce}"
    assert attempt.event_url == f"event/{payment.account_id}"
    assert payment.form_nonce != "n1"


@pytest.mark.parametrize("word", [LOST, DECLINED, PAGE])
def test_after_any_other_answer_nobody_else_is_asked(order, gateways, word):
    alpha, beta = gateways
    alpha.says = [word]
    _pay(order)
    assert beta.started == []
    assert order.payments.count() == 1


def test_a_lost_answer_is_found_by_asking_the_gateway_that_has_it(order, gateways):
    gateways[0].says = [LOST]
    payment = _pay(order)
    assert payment.status == "pending"
    inquire_payment(payment.pk, at=clock.now(), even_if_early=True)
    assert _attempts(order) == [("alpha", "success")]
    assert gateways[1].started == []


def test_where_no_gateway_takes_it_the_order_can_be_paid_again(order, gateways):
    for gateway in gateways:
        gateway.says = [NOT_TAKEN]
    payment = _pay(order)
    assert _attempts(order) == [("alpha", "failed"), ("beta", "failed")]
    assert (payment.gateway, payment.order.status) == ("beta", "failed")
    assert _pay(order, card_request(nonce="n2")).order.status == "paid"


@pytest.mark.parametrize(("has_own_page", "tried"), [(False, 0), (True, 1)])
def test_without_a_card_only_a_gateway_that_asks_for_it_itself_comes_next(order, gateways, has_own_page, tried):
    """Who was to type the card on alpha's page has typed none on ours."""
    alpha, beta = gateways
    alpha.says, alpha.has_own_page, beta.has_own_page = [NOT_TAKEN], True, has_own_page
    payment = _pay(order, PaymentRequest(Method.CARD, "n1"))
    assert (payment.order.status, len(beta.started)) == ("paid" if tried else "failed", tried)
    assert payment.error_code == ("" if tried else "not_taken")


def test_a_method_that_only_one_serves_fails_there(order, gateways):
    gateways[0].says = [NOT_TAKEN]
    request = PaymentRequest(Method.WALLET, "n1", details={"provider": "paytm"})
    assert _pay(order, request).status == "failed"
    assert gateways[1].started == []


def test_the_same_form_again_finds_the_attempt_that_took_its_place(order, gateways):
    gateways[0].says = [NOT_TAKEN]
    gateways[1].says = [PAGE]
    payment = _pay(order)
    assert payment.status == "pending"
    assert _pay(order).pk == payment.pk
    assert [len(gateway.started) for gateway in gateways] == [1, 1]


def test_an_order_that_is_to_end_gets_no_second_attempt(order, gateways, monkeypatch):
    alpha, beta = gateways

    def terminated_meanwhile(attempt):
        terminate_order(order.pk, cause="merchant", at=clock.now())
        raise NotTaken("refused")

    monkeypatch.setattr(alpha, "start", terminated_meanwhile)
    payment = _pay(order)
    assert (payment.status, payment.order.status, beta.started) == ("failed", "terminated", [])


def test_an_order_whose_time_is_up_meanwhile_gets_no_second_attempt(order, gateways, monkeypatch):
    alpha, beta = gateways

    def too_slow(attempt):
        Order.objects.filter(pk=order.pk).update(expires_at=clock.now())
        raise NotTaken("refused")

    monkeypatch.setattr(alpha, "start", too_slow)
    payment = _pay(order)
    assert (payment.status, payment.order.status, beta.started) == ("failed", "expired", [])


def test_credentials_that_cannot_be_read_were_sent_to_nobody(order, gateways, monkeypatch):
    GatewayAccount.objects.filter(gateway="alpha").update(credentials_ciphertext=b"not ours")
    assert _pay(order).gateway == "beta"
    assert gateways[0].started == []
    with pytest.raises(Undecryptable):
        account_values(order.payments.get(gateway="alpha"))


def test_money_that_arrives_all_the_same_goes_back(order, gateways):
    """A gateway that said no and then took it: the order is paid by the other, so this is surplus."""
    gateways[0].says = [NOT_TAKEN]
    _pay(order)
    late = order.payments.get(gateway="alpha")
    apply_gateway_fact(late, fact_for(late, "success"), cause="gateway event", at=clock.now())
    late.refresh_from_db()
    assert (late.capture_kind, late.refunds.count()) == ("surplus", 1)
    assert order.payments.filter(capture_kind="normal").get().gateway == "beta"


# --- Crashes ---

POINTS = [
    (point, nth)
    for point, times in (
        ("pay.before_t1_commit", 2),
        ("pay.after_t1", 2),
        ("gateway.before_call", 2),
        ("gateway.after_call", 1),
        ("pay.before_t2_commit", 2),
        ("pay.after_t2", 1),
    )
    for nth in range(1, times + 1)
]


class _CrashAt:
    def __init__(self, point, nth):
        self.point, self.left = point, nth

    def __call__(self, name):
        self.left -= name == self.point
        if name == self.point and self.left == 0:
            raise faults.Crash(name)


@pytest.mark.parametrize(("point", "nth"), POINTS)
@pytest.mark.parametrize("second", ["paid", LOST, DECLINED])
def test_a_crash_anywhere_takes_money_once_at_most_and_ends(order, gateways, point, nth, second):
    alpha, beta = gateways
    alpha.says, beta.says = [NOT_TAKEN], [second]
    try:
        with faults.handled_by(_CrashAt(point, nth)):
            start_payment(order.pk, card_request(), at=clock.now())
    except faults.Crash:
        connection.close()
    recover(UNTIL_QUIET)
    assert_quiet(UNTIL_QUIET[-1])
    order.refresh_from_db()
    assert_history_is_whole(order)
    taken = [key for gateway in gateways for key, fact in gateway.book.items() if fact.amount]
    ours = list(Payment.objects.filter(captured_minor__gt=0).values_list("gateway_key", flat=True))
    assert ours == taken
    assert len(taken) <= 1
    assert (order.status == "paid") is (len(taken) == 1)
    assert [len(gateway.started) <= 1 for gateway in gateways] == [True, True]


def test_the_end_of_the_first_and_the_second_attempt_are_one_step(order, gateways):
    """There is no moment in which the order stands free between them."""
    gateways[0].says = [NOT_TAKEN]
    with pytest.raises(faults.Crash), faults.handled_by(_CrashAt("pay.before_t1_commit", 2)):
        start_payment(order.pk, card_request(), at=clock.now())
    connection.close()
    assert _attempts(order) == [("alpha", "pending")]
    assert not Event.objects.filter(kind="payment.failed").exists()


# --- Races ---

MANY = 10


@pytest.mark.parametrize("form", ["one form", "many tabs"])
def test_however_many_submit_at_once_one_gateway_takes_it_once(order, gateways, form):
    alpha, beta = gateways
    alpha.says = [NOT_TAKEN] * MANY * MANY
    nonces = ["n1"] * MANY if form == "one form" else [f"n{tab}" for tab in range(MANY)]

    def pay(nonce):
        return lambda: start_payment(order.pk, card_request(nonce=nonce), at=clock.now())

    outcomes = run_together(*[pay(nonce) for nonce in nonces])
    assert all(isinstance(outcome, (Payment, NotPayable)) for outcome in outcomes), outcomes
    assert len(beta.started) == len(beta.book) == 1
    order.refresh_from_db()
    assert order.status == "paid"
    assert order.payments.filter(status="success").get().gateway == "beta"
    assert_history_is_whole(order)
    if form == "one form":
        assert _attempts(order) == [("alpha", "failed"), ("beta", "success")]


def test_where_nobody_takes_it_many_submits_of_one_form_ask_each_gateway_once(order, gateways):
    for gateway in gateways:
        gateway.says = [NOT_TAKEN] * MANY
    run_together(*[lambda: start_payment(order.pk, card_request(), at=clock.now())] * MANY)
    assert [len(gateway.started) for gateway in gateways] == [1, 1]
    assert _attempts(order) == [("alpha", "failed"), ("beta", "failed")]
