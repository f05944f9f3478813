"""Accounts at gateways: opened, given credentials that nobody reads again, and checked, by whoever may."""

import logging
import re
from datetime import timedelta

import pytest
from django.contrib.messages import get_messages

from checkout.staff import sessions
from payments import clock
from payments.models import AuditEntry, GatewayAccount
from payments.services.calls import credentials_of
from tests.factories import GatewayAccountFactory, MerchantFactory, RoutingRuleFactory
from tests.scripted import EVENT_SECRET, SECRET, account_at
from tests.staff import ADMIN
from tests.staff.conftest import make_staff, signed_in

WHY = "Set up for the summer sale"
NEW = "a-brand-new-secret-0000"
pytestmark = pytest.mark.django_db


@pytest.fixture
def account(gateways):
    return account_at(MerchantFactory(name="Patang Co", account=None), "alpha", at=clock.now())


@pytest.fixture
def keeper(db):
    """Somebody with the rights of the key admin about accounts."""
    return signed_in(make_staff("keeper", *(f"{act}_gatewayaccount" for act in ("view", "add", "change"))))


def _url(account, name="change"):
    return f"{ADMIN}/gatewayaccount/{account.pk}/{name}/"


def _enter(client, account, **typed):
    seen = account.credentials_set_at
    given = {"reason": WHY, "seen": seen.isoformat() if seen else "", **typed}
    return client.post(_url(account, "credentials"), given)


def _told(answer):
    assert answer.status_code == 302, answer.content.decode()
    return str(list(get_messages(answer.wsgi_request))[-1])


def _now(account):
    return GatewayAccount.objects.get(pk=account.pk)


def test_an_account_is_opened_with_a_reason(keeper, gateways):
    merchant = MerchantFactory(account=None)
    posted = {"merchant": merchant.pk, "mode": "test", "gateway": "alpha", "collects": "merchant", "reason": WHY}
    assert keeper.post(f"{ADMIN}/gatewayaccount/add/", posted | {"reason": " "}).status_code == 400
    answer = keeper.post(f"{ADMIN}/gatewayaccount/add/", posted)
    made = GatewayAccount.objects.get()
    assert answer["Location"] == _url(made)
    assert (made.merchant, made.mode, made.gateway, made.collects) == (merchant, "test", "alpha", "merchant")
    entry = AuditEntry.objects.get()
    assert (entry.act, entry.reason, entry.object_id) == ("gateway_account.add", WHY, str(made.pk))
    again = keeper.post(f"{ADMIN}/gatewayaccount/add/", posted)
    assert "has a test account at alpha already" in again.content.decode()


@pytest.mark.parametrize(
    ("over", "words"),
    [
        ({"mode": "live"}, "Live accounts need PUBLIC_URL to be https://"),
        ({"gateway": "paypal"}, "paypal is not one of the available choices"),
        ({"merchant": "999"}, "not one of the available choices"),
    ],
)
def test_odd_accounts_are_refused_at_their_field(keeper, gateways, over, words):
    posted = {
        "merchant": MerchantFactory(account=None).pk,
        "mode": "test",
        "gateway": "alpha",
        "collects": "merchant",
        "reason": WHY,
    }
    answer = keeper.post(f"{ADMIN}/gatewayaccount/add/", posted | over)
    assert answer.status_code == 400
    assert words in answer.content.decode()
    assert not GatewayAccount.objects.exists()


def test_live_accounts_are_for_gateways_that_move_money(keeper, gateways, settings):
    settings.HTTPS = True
    posted = {
        "merchant": MerchantFactory(account=None).pk,
        "mode": "live",
        "gateway": "simulator",
        "collects": "operator",
        "reason": WHY,
    }
    assert (
        "the simulator is for tests only"
        in keeper.post(f"{ADMIN}/gatewayaccount/add/", posted).content.decode().lower()
    )
    assert keeper.post(f"{ADMIN}/gatewayaccount/add/", posted | {"gateway": "beta"}).status_code == 302
    assert GatewayAccount.objects.get().mode == "live"


def test_credentials_are_entered_and_replaced(keeper, gateways):
    account = GatewayAccountFactory(gateway="alpha")
    assert "not entered" in keeper.get(_url(account)).content.decode()
    assert "credentials are kept" in _told(_enter(keeper, account, key_id="alpha_key", key_secret=SECRET))
    assert credentials_of(_now(account)) == {"key_id": "alpha_key", "key_secret": SECRET}
    _told(_enter(keeper, _now(account), key_secret=NEW))
    assert credentials_of(_now(account)) == {"key_id": "alpha_key", "key_secret": NEW}
    assert [entry.act for entry in AuditEntry.objects.all()] == ["gateway_account.credentials"] * 2


def test_no_page_ever_shows_a_secret(keeper, chief, account):
    refused = _enter(keeper, account, key_secret=NEW, event_secret="whsec-other-3333", reason="")
    _told(_enter(keeper, account, event_secret="whsec-other-3333"))
    urls = [_url(account), _url(account, "credentials"), _url(account, "history"), f"{ADMIN}/gatewayaccount/"]
    acts = [f"{ADMIN}/auditentry/{entry.pk}/change/" for entry in AuditEntry.objects.all()]
    answers = [refused, *(keeper.get(url) for url in urls), *(chief.get(url) for url in (*urls, *acts))]
    pages = [answer.content.decode() for answer in answers]
    for secret in (SECRET, NEW, EVENT_SECRET, "whsec-other-3333"):
        assert not [page for page in pages if secret in page]
    page = keeper.get(_url(account)).content.decode()
    assert "ends in 9876" in page
    assert "alpha_key" in page
    assert "…1111, still valid" in page


def test_nothing_that_is_logged_holds_a_secret(keeper, account, caplog, capfd, monkeypatch):
    caplog.set_level(logging.DEBUG)
    _told(_enter(keeper, account, key_secret=NEW))
    _enter(keeper, account, key_secret=NEW, reason="")
    keeper.post(_url(account, "check"))
    monkeypatch.setattr("checkout.staff.gateway_accounts.set_credentials", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        _enter(keeper, _now(account), key_secret=NEW)
    written = capfd.readouterr()
    assert "POST /admin" in caplog.text
    assert not [text for text in (caplog.text, written.out, written.err) if NEW in text or SECRET in text]


def test_who_is_asked_again_who_they_are_types_nothing_that_the_question_would_carry(keeper, account):
    session = keeper.session
    session[sessions.PROVED] = 0
    session.save()
    assert 'name="again-password"' in keeper.get(_url(account, "credentials")).content.decode()
    answer = _enter(keeper, account, key_secret=NEW)
    assert (answer.status_code, answer["Location"]) == (302, _url(account, "credentials"))
    assert credentials_of(_now(account))["key_secret"] == SECRET
    said = {"again-password": "x" * 12, "again-opening": "again-opening"}
    assert keeper.post(_url(account, "credentials"), said)["Location"] == _url(account, "credentials")
    _told(_enter(keeper, account, key_secret=NEW))
    assert credentials_of(_now(account))["key_secret"] == NEW


def test_a_refused_form_changes_nothing_and_is_drawn_empty(keeper, account):
    answer = _enter(keeper, account, key_secret="x" * 600)
    assert answer.status_code == 400
    assert "xxxx" not in answer.content.decode()
    assert credentials_of(_now(account))["key_secret"] == SECRET


RAZORPAY = {"key_id": "rzp_test_00000000000001", "key_secret": "key-secret-5555", "event_secret": "event-secret-6666"}
STRIPE = {"secret_key": "rk_test_" + "k" * 24, "event_secret": "whsec_" + "e" * 32}


@pytest.mark.parametrize(
    ("gateway", "good", "name", "typed"),
    [
        ("razorpay", RAZORPAY, "key_id", "typed-into-the-wrong-field-7777"),
        ("razorpay", RAZORPAY, "key_id", "rzp_live_00000000000001"),
        ("stripe", STRIPE, "secret_key", "sk_live_" + "k" * 24),
        ("stripe", STRIPE, "secret_key", "pk_test_" + "k" * 24),
        ("stripe", STRIPE, "event_secret", "rk_test_" + "k" * 24),
    ],
)
def test_what_belongs_into_another_field_or_mode_is_kept_and_shown_nowhere(keeper, gateway, good, name, typed):
    account = GatewayAccountFactory(gateway=gateway)
    _told(_enter(keeper, account, **good))
    kept = _now(account)
    refused = _enter(keeper, kept, **{name: typed})
    assert refused.status_code == 400
    assert "of test mode" in refused.content.decode()
    assert credentials_of(_now(account)) == good
    assert AuditEntry.objects.count() == 1
    pages = [refused, keeper.get(_url(account)), keeper.get(_url(account, "credentials"))]
    assert not [page for page in pages if typed in page.content.decode()]


def test_what_must_be_there_is_asked_for(keeper, gateways):
    account = GatewayAccountFactory(gateway="alpha")
    answer = _enter(keeper, account, key_id="alpha_key")
    assert answer.status_code == 400
    assert "This field is required" in answer.content.decode()


def test_the_event_secret_before_is_removed_by_a_tick(keeper, account):
    assert "forget_previous" not in keeper.get(_url(account, "credentials")).content.decode()
    _told(_enter(keeper, account, event_secret="whsec-other-3333"))
    assert (
        "Remove the event secret before this one (…1111)" in keeper.get(_url(account, "credentials")).content.decode()
    )
    _told(_enter(keeper, _now(account), forget_previous="on"))
    assert credentials_of(_now(account)).keys() == {"key_id", "key_secret", "event_secret"}


def test_two_event_secrets_before_are_both_named(keeper, account):
    _told(_enter(keeper, account, event_secret="whsec-tpying-error-3333"))
    _told(_enter(keeper, _now(account), event_secret="whsec-the-second-one-2222"))
    assert "…3333 and …1111, still valid" in keeper.get(_url(account)).content.decode()
    page = keeper.get(_url(account, "credentials")).content.decode()
    assert "Remove the 2 event secrets before this one (…3333 and …1111)" in page


@pytest.mark.parametrize("seen", ["", "nonsense", "2026-01-01T00:00:00+00:00"])
def test_an_old_form_changes_nothing(keeper, account, seen):
    answer = _enter(keeper, account, key_secret=NEW, seen=seen)
    assert "Somebody changed these credentials" in answer.content.decode()
    assert credentials_of(_now(account))["key_secret"] == SECRET


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "alpha answers, and takes these credentials."),
        ({"key_secret": "the-wrong-one-4444"}, "alpha refuses these credentials. It knows no such key."),
        ({"key_id": "down"}, "alpha did not answer"),
    ],
)
def test_the_connection_is_checked_by_a_button(keeper, account, given, words):
    if given:
        _told(_enter(keeper, account, **given))
    assert "Check connection" in keeper.get(_url(account)).content.decode()
    assert words in _told(keeper.post(_url(account, "check")))


def test_without_credentials_nothing_is_checked(keeper, gateways):
    account = GatewayAccountFactory(gateway="alpha")
    assert "Enter these first: Key id, Key secret." in _told(keeper.post(_url(account, "check")))
    assert gateways[0].seen == []


def test_a_look_checks_nothing(keeper, account, gateways):
    assert keeper.get(_url(account, "check")).status_code == 405
    assert gateways[0].seen == []


def test_the_simulator_answers_and_asks_for_nothing(keeper, db):
    account = GatewayAccountFactory()
    page = keeper.get(_url(account)).content.decode()
    assert "Enter credentials" not in page
    assert "/callbacks/simulator/events" in page
    assert "simulator answers" in _told(keeper.post(_url(account, "check")))


def test_who_may_only_look_gets_no_door(viewer, account):
    page = viewer.get(_url(account)).content.decode()
    assert "Enter credentials" not in page
    assert "Check connection" not in page
    assert viewer.get(_url(account, "credentials")).status_code == 403
    assert _enter(viewer, account, key_secret=NEW).status_code == 403
    assert viewer.post(_url(account, "check")).status_code == 403
    assert viewer.get(f"{ADMIN}/gatewayaccount/add/").status_code == 403
    assert credentials_of(_now(account))["key_secret"] == SECRET


def test_a_gateway_that_is_gone_is_still_listed(chief, db):
    account = GatewayAccountFactory(gateway="some_bank")
    assert "no such gateway" in chief.get(f"{ADMIN}/gatewayaccount/").content.decode()
    assert chief.get(_url(account)).status_code == 200
    assert chief.get(_url(account, "credentials")).status_code == 302
    assert chief.post(_url(account, "check")).status_code == 302


def test_the_page_says_where_events_go_and_how_its_attempts_went(chief, account):
    RoutingRuleFactory(account=account, methods=["card"], currency="INR", min_minor=10_000, max_minor=500_000)
    page = re.sub(r"\s+", " ", chief.get(_url(account)).content.decode())
    assert f"/callbacks/alpha/{account.pk}/events" in page
    assert "INR from ₹100.00 up to ₹5,000.00" in page
    assert "no failure" in page
    until = clock.now() + timedelta(minutes=1)
    GatewayAccount.objects.update(failures=5, failed_at=clock.now(), rests_until=until)
    assert "rests until" in chief.get(_url(account)).content.decode()
    assert "rests until" in chief.get(f"{ADMIN}/gatewayaccount/").content.decode()
