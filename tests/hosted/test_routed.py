"""What a customer sees of several gateways: only ways to pay that one serves, and one try though two were asked."""

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from payments import clock
from payments.models import GatewayAccount, GatewayEvent, RoutingRule
from payments.services.accounts import set_credentials
from tests.factories import MerchantFactory, OrderFactory, RoutingRuleFactory, act
from tests.hosted.customer import CARD_FIELDS, Customer
from tests.scripted import EVENT_SECRET, NOT_TAKEN, PAGE, REFUSED, SECRET, account_at, sign

pytestmark = pytest.mark.django_db


@pytest.fixture
def merchant(gateways):
    merchant = MerchantFactory(account=None)
    for name in ("alpha", "beta"):
        account_at(merchant, name, at=clock.now())
    return merchant


@pytest.fixture
def order(merchant):
    return OrderFactory(merchant=merchant)


@pytest.fixture
def customer(order):
    return Customer(order)


def _account(name):
    return GatewayAccount.objects.filter(gateway=name).first()


def test_a_way_to_pay_that_nobody_serves_is_not_offered(customer):
    page = customer.open().content.decode()
    assert 'value="card"' in page
    assert 'value="wallet"' in page
    assert 'value="upi"' not in page
    RoutingRuleFactory(account=_account("beta"), methods=["netbanking"])
    page = customer.open().content.decode()
    assert 'name="number"' not in page
    assert 'name="bank"' in page
    RoutingRule.objects.update(currency="USD")
    assert customer.open().status_code == 503


@pytest.mark.parametrize(("is_theirs", "says"), [(False, True), (True, False)])
def test_which_cards_it_takes_is_said_of_our_own_form_alone(customer, gateways, is_theirs, says):
    gateways[0].has_own_page = is_theirs
    assert ("Visa, Mastercard" in customer.open().content.decode()) is says


def test_no_page_of_ours_asks_for_a_real_card(merchant, gateways):
    """Not even where a gateway forgot to say that it has a page of its own."""
    account_at(merchant, "alpha", mode="live", at=clock.now())
    customer = Customer(OrderFactory(merchant=merchant, mode="live"))
    page = customer.open().content.decode()
    assert 'value="card"' in page
    for name in CARD_FIELDS:
        assert name == "method" or f'name="{name}"' not in page
    assert 'name="bank"' in page


def test_a_post_of_a_way_that_is_not_offered_any_more_starts_nothing(customer, order, gateways):
    customer.open()
    RoutingRuleFactory(account=_account("beta"), methods=["netbanking"])
    customer.pay()
    assert not order.payments.exists()
    assert [gateway.started for gateway in gateways] == [[], []]


def test_a_customer_sees_one_try_though_two_gateways_were_asked(customer, order, gateways):
    gateways[0].says = [NOT_TAKEN]
    customer.open_and_pay()
    order.refresh_from_db()
    assert (order.status, order.attempts_declined, order.payments.count()) == ("paid", 0, 2)
    page = customer.open().content.decode()
    assert "did not reach the bank" not in page


def test_a_second_submit_of_the_form_starts_nothing_more(customer, gateways):
    gateways[0].says, gateways[1].says = [NOT_TAKEN], [PAGE]
    customer.open()
    customer.pay()
    customer.pay()
    assert [len(gateway.started) for gateway in gateways] == [1, 1]


def test_where_none_takes_it_the_customer_reads_that_nothing_reached_a_bank(customer, gateways):
    for gateway in gateways:
        gateway.says = [NOT_TAKEN]
    customer.open_and_pay()
    assert "Your last try did not reach the bank" in customer.open().content.decode()


def test_where_all_refuse_the_order_the_customer_is_not_told_to_send_it_again(customer, gateways):
    for gateway in gateways:
        gateway.says = [REFUSED]
    customer.open_and_pay()
    page = customer.open().content.decode()
    assert "This way does not take this order. Please choose another one." in page
    assert "did not reach the bank" not in page


def test_budgets_hold_with_rules_and_credentials(customer, merchant):
    for position in (1, 2, 3):
        RoutingRuleFactory(account=_account("alpha"), position=position)
        RoutingRuleFactory(account=_account("beta"), position=position)
    Customer(OrderFactory(merchant=merchant)).open_and_pay()  # a merchant's first payment opens its ledger accounts
    with CaptureQueriesContext(connection) as page:
        customer.open()
    with CaptureQueriesContext(connection) as paying:
        customer.pay()
    apart = ("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT")
    assert len(page) <= 3
    assert len([s for s in paying if not s["sql"].startswith(apart)]) <= 16


# --- What gateways and browsers bring ---


@pytest.fixture
def at_the_bank(customer, order, gateways, client):
    """A customer at alpha's page, with the address back."""
    gateways[0].says = [PAGE]
    customer.open_and_pay()
    attempt = gateways[0].started[0]
    gateways[0].book[attempt.key] = gateways[0]._fact(attempt.key, attempt.amount)
    return attempt


def test_a_signed_return_makes_us_ask_and_is_not_believed_itself(at_the_bank, client, order, gateways):
    good = sign(SECRET, at_the_bank.key.encode())
    gateways[0].book[at_the_bank.key] = gateways[0]._fact(at_the_bank.key, at_the_bank.amount, declined=True)
    assert client.get(at_the_bank.return_url, {"signature": good, "status": "paid"}).status_code == 303
    order.refresh_from_db()
    assert order.status == "failed"


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_forged_return_asks_nobody_and_shows_the_true_page(at_the_bank, client, order, gateways, method):
    asked = len(gateways[0].seen)
    answer = getattr(client, method)(at_the_bank.return_url, {"signature": "0" * 64})
    assert (answer.status_code, answer["Location"]) == (303, f"/checkout/{order.session_id}")
    assert len(gateways[0].seen) == asked
    assert order.payments.get().status == "pending"
    getattr(client, method)(at_the_bank.return_url, {"signature": sign(SECRET, at_the_bank.key.encode())})
    assert order.payments.get().status == "success"


def _post(client, url, told, secret=EVENT_SECRET):
    body = json.dumps(told).encode()
    return client.post(url, body, content_type="application/json", headers={"x-signature": sign(secret, body)})


@pytest.mark.parametrize(("size", "status"), [(70_000, 200), (200_000, 200), (262_144, 200), (300_000, 413)])
def test_an_event_may_be_long(at_the_bank, client, order, size, status):
    told = _event(at_the_bank) | {"more": ""}
    told["more"] = "x" * (size - len(json.dumps(told)))
    answer = _post(client, f"/callbacks/alpha/{_account('alpha').pk}/events", told)
    assert answer.status_code == status
    assert GatewayEvent.objects.count() == (status == 200)
    assert order.payments.get().status == ("success" if status == 200 else "pending")


def test_a_length_that_is_no_number_is_no_fault_of_ours(at_the_bank, client):
    url = f"/callbacks/alpha/{_account('alpha').pk}/events"
    assert client.post(url, b"{}", content_type="application/json", CONTENT_LENGTH="many").status_code == 400


def _event(attempt, number=1):
    return {"id": f"evt_{number}", "key": attempt.key, "amount": attempt.amount.minor}


def test_an_event_arrives_at_its_accounts_own_address(at_the_bank, client, order):
    url = f"/callbacks/alpha/{_account('alpha').pk}/events"
    assert at_the_bank.event_url.endswith(url)
    assert _post(client, url, _event(at_the_bank)).json() == {"status": "stored"}
    assert order.payments.get().status == "success"
    assert _post(client, url, _event(at_the_bank)).json() == {"status": "known"}


def test_an_old_event_secret_is_good_until_it_is_removed(at_the_bank, client):
    account = _account("alpha")
    url = f"/callbacks/alpha/{account.pk}/events"
    newer = {"event_secret": "whsec-the-second-one-2222"}
    account = set_credentials(account.pk, newer, by=act(), at=clock.now(), seen=account.credentials_set_at)
    assert _post(client, url, _event(at_the_bank)).status_code == 200
    assert _post(client, url, _event(at_the_bank, 2), "whsec-the-second-one-2222").status_code == 200
    set_credentials(account.pk, {}, by=act(), at=clock.now(), seen=account.credentials_set_at, forget_previous=True)
    assert _post(client, url, _event(at_the_bank, 3)).status_code == 400
    assert GatewayEvent.objects.count() == 2


def test_an_event_counts_for_the_account_at_whose_address_it_arrived(at_the_bank, client, order, gateways):
    """Another merchant's account with a secret of its own cannot speak about this one's payment."""
    other = account_at(MerchantFactory(account=None), "alpha", event_secret="whsec-of-another-9999", at=clock.now())
    told = _event(at_the_bank) | {"account": _account("alpha").pk}
    url = f"/callbacks/alpha/{other.pk}/events"
    assert _post(client, url, told).status_code == 400
    assert _post(client, url, told, "whsec-of-another-9999").status_code == 200
    assert order.payments.get().status == "pending"
    assert GatewayEvent.objects.get().payment is None


@pytest.mark.parametrize("url", ["/callbacks/alpha/events", "/callbacks/alpha/999999/events", "/callbacks/no/1/events"])
def test_other_addresses_take_no_event(at_the_bank, client, url):
    assert _post(client, url, _event(at_the_bank)).status_code == 404
    assert not GatewayEvent.objects.exists()


def test_an_account_of_another_gateway_and_odd_numbers_are_no_addresses(at_the_bank, client, merchant):
    beta = _account("beta").pk
    for url in (
        f"/callbacks/alpha/{beta}/events",
        f"/callbacks/simulator/{beta}/events",
        f"/callbacks/alpha/{'9' * 30}/events",
    ):
        assert _post(client, url, _event(at_the_bank)).status_code == 404
    assert not GatewayEvent.objects.exists()


def test_a_secret_that_cannot_be_read_asks_for_the_event_again(at_the_bank, client):
    GatewayAccount.objects.update(credentials_ciphertext=b"sealed by a key that is gone")
    answer = _post(client, f"/callbacks/alpha/{_account('alpha').pk}/events", _event(at_the_bank))
    assert answer.status_code == 503
    client.get(at_the_bank.return_url)
    assert not GatewayEvent.objects.exists()
