"""Which account serves a payment: rules in their order, without rules by age, and what nobody serves is not offered."""

import pytest

from payments import clock
from payments.errors import BadInput, MethodNotOffered, NoGateway
from payments.models import GatewayAccount
from payments.routing import routes_of
from payments.selectors import order_state
from payments.services.orders import create_order
from payments.services.payments import start_payment
from payments.states import Method
from tests.factories import (
    GatewayAccountFactory,
    MerchantFactory,
    OrderFactory,
    RoutingRuleFactory,
    bank_request,
    card_request,
    new_order,
    start,
)
from tests.scripted import account_at

pytestmark = pytest.mark.django_db


@pytest.fixture
def seller(gateways):
    """A merchant with an account at alpha, the older one, and one at beta."""
    merchant = MerchantFactory(account=None)
    for name in ("alpha", "beta"):
        account_at(merchant, name, at=clock.now())
    return merchant


def _rule(merchant, gateway, **columns):
    account = GatewayAccount.objects.get(merchant=merchant, gateway=gateway, mode="test")
    return RoutingRuleFactory(account=account, **columns)


def _names(order):
    """Ways to pay, each with its gateways in order."""
    found = routes_of(order, at=clock.now())
    return {str(method): [route.account.gateway for route in routes] for method, routes in found.items()}


def test_without_rules_the_oldest_account_that_can_comes_first(seller):
    assert _names(OrderFactory(merchant=seller)) == {
        "card": ["alpha", "beta"], "netbanking": ["alpha", "beta"], "wallet": ["alpha"],
    }  # fmt: skip


def test_rules_decide_by_their_position_and_then_by_age(seller):
    _rule(seller, "alpha", position=3)
    _rule(seller, "beta", position=2)
    _rule(seller, "alpha", position=2, methods=["netbanking"])
    assert _names(OrderFactory(merchant=seller)) == {
        "card": ["beta", "alpha"], "netbanking": ["beta", "alpha"], "wallet": ["alpha"],
    }  # fmt: skip


def test_what_no_rule_covers_is_not_offered(seller):
    _rule(seller, "beta", methods=["card"])
    order = OrderFactory(merchant=seller)
    assert _names(order) == {"card": ["beta"]}
    assert order_state(order, at=clock.now()).methods == [Method.CARD]
    with pytest.raises(MethodNotOffered):
        start_payment(order.pk, bank_request(), at=clock.now())


def test_a_disabled_rule_is_none_and_all_disabled_means_by_age(seller):
    _rule(seller, "beta", position=1, is_enabled=False)
    assert _names(OrderFactory(merchant=seller))["card"] == ["alpha", "beta"]
    _rule(seller, "alpha", position=2)
    assert _names(OrderFactory(merchant=seller))["card"] == ["alpha"]


@pytest.mark.parametrize(
    ("amount_minor", "currency", "gateways_tried"),
    [
        (9_999, "INR", ["beta"]),
        (10_000, "INR", ["alpha", "beta"]),
        (50_000, "INR", ["alpha", "beta"]),
        (50_001, "INR", ["beta"]),
        (20_000, "USD", ["beta"]),
        (99, "USD", None),
    ],
)
def test_a_rule_is_about_a_currency_and_a_range_and_a_gateway_about_its_minimum(
    seller, amount_minor, currency, gateways_tried
):
    _rule(seller, "alpha", position=1, currency="INR", min_minor=10_000, max_minor=50_000)
    _rule(seller, "beta", position=2)
    order = OrderFactory(merchant=seller, amount_minor=amount_minor, currency=currency)
    assert _names(order).get("card") == gateways_tried


def test_many_rules_are_read_by_one_statement(seller, django_assert_num_queries):
    for position in range(1, 6):
        _rule(seller, "alpha", position=position, methods=["card"])
        _rule(seller, "beta", position=position)
    order = OrderFactory(merchant=seller)
    with django_assert_num_queries(1):
        assert _names(order)["card"] == ["alpha", "beta"]


def test_rules_of_others_and_of_the_other_mode_count_for_nothing(seller):
    other = MerchantFactory(account=None)
    account_at(other, "beta", at=clock.now())
    _rule(other, "beta", methods=["wallet"])
    RoutingRuleFactory(account=account_at(seller, "beta", mode="live", at=clock.now()))
    assert _names(OrderFactory(merchant=seller))["card"] == ["alpha", "beta"]


def test_held_money_goes_only_where_it_can_be_held(seller):
    order = OrderFactory(merchant=seller, manual_capture=True)
    assert _names(order) == {"card": ["alpha", "beta"]}


def test_a_payment_says_which_rule_chose_its_account(seller):
    rule = _rule(seller, "beta", position=7, methods=["card"])
    payment = start(OrderFactory(merchant=seller))
    assert (payment.gateway, payment.rule) == ("beta", rule)
    assert payment.route == f"rule 7 (#{rule.pk}): card via beta"


def test_a_payment_says_when_no_rule_chose(seller):
    payment = start(OrderFactory(merchant=seller), bank_request())
    assert (payment.gateway, payment.rule) == ("alpha", None)
    assert payment.route == "oldest account: netbanking via alpha"


def test_an_account_without_all_its_credentials_takes_nothing(seller):
    GatewayAccount.objects.filter(gateway="alpha").update(credential_hints={"key_id": "alpha_key"})
    assert _names(OrderFactory(merchant=seller)) == {"card": ["beta"], "netbanking": ["beta"]}


def test_an_order_that_nobody_could_take_is_refused(seller):
    _rule(seller, "beta", methods=["card"], currency="INR", max_minor=1_000)
    with pytest.raises(BadInput, match=r"no gateway of this merchant takes 299\.99 INR; send another amount"):
        create_order(new_order(), merchant=seller, mode="test", at=clock.now())


def test_a_live_order_needs_a_live_account_with_credentials(seller):
    new = new_order(return_url="https://shop.example.com/back")
    with pytest.raises(NoGateway):
        create_order(new, merchant=seller, mode="live", at=clock.now())
    GatewayAccountFactory(merchant=seller, mode="live", gateway="alpha")
    with pytest.raises(NoGateway):
        create_order(new, merchant=seller, mode="live", at=clock.now())
    account_at(seller, "beta", mode="live", at=clock.now())
    assert create_order(new, merchant=seller, mode="live", at=clock.now()).status == "created"


def test_a_caller_cannot_bring_somebody_elses_account(seller):
    other = MerchantFactory(account=None)
    account_at(other, "beta", at=clock.now())
    routes = routes_of(OrderFactory(merchant=other), at=clock.now())[Method.CARD]
    order = OrderFactory(merchant=seller)
    asked = card_request()
    with pytest.raises(MethodNotOffered):
        start_payment(order.pk, type(asked)(asked.method, "n1", card=asked.card, routes=routes), at=clock.now())
    assert not order.payments.exists()
