"""What accounts sign in with: sealed, bound to their row, never readable again, and the old event secret kept."""

import logging
import re
from datetime import timedelta

import pytest

from payments import clock, crypto
from payments.errors import AccountTaken, BadInput, StaleRow
from payments.gateways.base import (
    EVENT_SECRET,
    PREVIOUS_EVENT_SECRET,
    Account,
    BadCredentials,
    CredentialField,
    Unanswered,
)
from payments.gateways.registry import gateway_named
from payments.models import AuditEntry, GatewayAccount
from payments.services.accounts import check_connection, hint_of, open_account, set_credentials
from payments.services.calls import account_values, credentials_of, values_of
from payments.services.refunds import NewRefund
from payments.services.sending import refund_payment
from tests.factories import GatewayAccountFactory, MerchantFactory, OrderFactory, act, start
from tests.scripted import EVENT_SECRET as FIRST
from tests.scripted import SECRET, account_at

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(gateways):
    return account_at(MerchantFactory(account=None), "alpha", at=clock.now())


def _set(account, seen=..., **given):
    seen = account.credentials_set_at if seen is ... else seen
    forget = given.pop("forget_previous", False)
    at = clock.now() + timedelta(seconds=1)
    return set_credentials(account.pk, given, by=act(), at=at, seen=seen, forget_previous=forget)


def test_credentials_reach_the_gateway_and_stand_nowhere_in_clear(account):
    payment = start(OrderFactory(merchant=account.merchant))
    used = gateway_named("alpha").seen[0]
    assert used.credentials == {"key_id": "alpha_key", "key_secret": SECRET, "event_secret": FIRST}
    assert account_values(payment).credentials == used.credentials
    row = GatewayAccount.objects.values().get(pk=account.pk)
    assert not [value for value in row.values() if SECRET in str(value)]
    assert SECRET.encode() not in bytes(row["credentials_ciphertext"])
    assert row["credential_hints"] == {"key_id": "alpha_key", "key_secret": "…9876", "event_secret": "…1111"}


def test_they_are_bound_to_their_row(account):
    other = GatewayAccountFactory(gateway="alpha")
    other.credentials_ciphertext = account.credentials_ciphertext
    with pytest.raises(crypto.Undecryptable):
        credentials_of(other)


def test_what_is_not_given_stays(account):
    changed = _set(account, key_secret="a-brand-new-secret-0000")
    assert credentials_of(changed) == {
        "key_id": "alpha_key", "key_secret": "a-brand-new-secret-0000", "event_secret": FIRST,
    }  # fmt: skip


def test_the_event_secret_before_stays_valid_until_it_is_removed(account):
    changed = _set(account, event_secret="whsec-the-second-one-2222")
    assert values_of(changed).event_secrets == ("whsec-the-second-one-2222", FIRST)
    same = _set(changed, event_secret="whsec-the-second-one-2222", key_id="alpha_two")
    assert values_of(same).event_secrets == ("whsec-the-second-one-2222", FIRST)
    removed = _set(same, forget_previous=True)
    assert values_of(removed).event_secrets == ("whsec-the-second-one-2222",)
    assert PREVIOUS_EVENT_SECRET not in removed.credential_hints


def test_a_typing_error_does_not_end_the_event_secret_that_still_counts(account):
    wrong = _set(account, event_secret="whsec-tpying-error-3333")
    right = _set(wrong, event_secret="whsec-the-second-one-2222")
    assert values_of(right).event_secrets == ("whsec-the-second-one-2222", "whsec-tpying-error-3333", FIRST)
    assert right.credential_hints["earlier_event_secret"] == "…1111"
    back = _set(right, event_secret=FIRST)
    assert values_of(back).event_secrets == (FIRST, "whsec-the-second-one-2222", "whsec-tpying-error-3333")
    other = _set(back, event_secret="whsec-a-third-one-4444", key_id="alpha_two")
    assert values_of(other).event_secrets == ("whsec-a-third-one-4444", FIRST, "whsec-the-second-one-2222")
    assert values_of(_set(other, forget_previous=True)).event_secrets == ("whsec-a-third-one-4444",)


def test_acts_tell_what_changed_and_no_secret(account):
    _set(account, key_secret="a-brand-new-secret-0000")
    entry = AuditEntry.objects.filter(act="gateway_account.credentials").last()
    assert entry.details["moves"] == {"key_secret": ["…9876", "…0000"]}
    assert not re.search("secret-of-the|brand-new|first-one", str(list(AuditEntry.objects.values())))


def test_nothing_changed_leaves_no_act(account):
    before = AuditEntry.objects.count()
    _set(account, key_secret=SECRET)
    assert AuditEntry.objects.count() == before


def test_who_saw_older_ones_changes_nothing(account):
    with pytest.raises(StaleRow):
        _set(account, seen=None, key_secret="from-an-old-page-5555")
    assert credentials_of(GatewayAccount.objects.get(pk=account.pk))["key_secret"] == SECRET


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"key_id": "k"}, "credential_missing"),
        ({"key_id": "k", "key_secret": "x" * 501}, "credential_odd"),
        ({"key_id": "k\nx", "key_secret": "x"}, "credential_odd"),
    ],
)
def test_credentials_that_cannot_be_kept_are_refused(gateways, given, reason):
    account = GatewayAccountFactory(gateway="alpha")
    with pytest.raises(BadInput) as refusal:
        _set(account, **given)
    assert refusal.value.reason == reason
    assert GatewayAccount.objects.get(pk=account.pk).credentials_ciphertext is None


def test_lost_keys_of_the_server_need_all_of_them_anew(account):
    GatewayAccount.objects.update(credentials_ciphertext=b"sealed by a key that is gone")
    with pytest.raises(BadInput):
        _set(account, key_id="alpha_key")
    again = _set(account, key_id="alpha_key", key_secret=SECRET)
    assert credentials_of(again)["key_secret"] == SECRET


@pytest.mark.parametrize(("text", "shown"), [(SECRET, "…9876"), ("short-12345", "…"), ("", "…")])
def test_of_a_secret_the_last_four_are_shown_and_of_a_short_one_nothing(text, shown):
    assert hint_of(text, is_secret=True) == shown


def test_an_accounts_repr_shows_no_credential():
    account = Account(7, "live", {"key_secret": SECRET})
    assert SECRET not in f"{account!r} {account} {CredentialField('key_secret', 'Key secret')}"


def test_no_call_logs_a_credential(account, caplog, monkeypatch):
    caplog.set_level(logging.DEBUG)
    alpha = gateway_named("alpha")

    def broken(values, *_):
        raise ValueError(values.credentials["key_secret"])

    monkeypatch.setattr(alpha, "check", broken)
    with pytest.raises(Unanswered):
        check_connection(account)
    monkeypatch.setattr(alpha, "start", lambda attempt: broken(attempt.account))
    start(OrderFactory(merchant=account.merchant))
    assert "gateway call failed: ValueError" in caplog.text
    assert SECRET not in caplog.text


def test_a_refund_uses_them_too(account):
    payment = start(OrderFactory(merchant=account.merchant))
    refund = refund_payment(payment.pk, NewRefund(payment.captured), at=clock.now())
    assert refund.status == "success"
    assert gateway_named("alpha").seen[-1].credentials["key_secret"] == SECRET


def test_a_connection_is_checked_by_signing_in(account):
    check_connection(account)
    with pytest.raises(BadCredentials, match="knows no such key"):
        check_connection(_set(account, key_secret="the-wrong-one-4444"))
    with pytest.raises(Unanswered):
        check_connection(_set(GatewayAccount.objects.get(pk=account.pk), key_id="down"))


def test_the_simulator_needs_nothing_and_always_answers(db):
    account = GatewayAccountFactory()
    assert check_connection(account) is None
    assert values_of(account) == Account(account.pk, "test")


# --- Opening an account ---


def test_an_account_is_opened_once(gateways):
    merchant = MerchantFactory(account=None)
    made = open_account(merchant, "live", "alpha", by=act(), at=clock.now())
    assert AuditEntry.objects.get().details == {
        "gateway": "alpha", "merchant": merchant.pk, "mode": "live", "collects": "operator",
    }  # fmt: skip
    assert AuditEntry.objects.get().object_id == str(made.pk)
    with pytest.raises(AccountTaken):
        open_account(merchant, "live", "alpha", by=act(), at=clock.now())


@pytest.mark.parametrize(("mode", "gateway"), [("live", "simulator"), ("test", "paypal")])
def test_no_account_where_there_can_be_none(db, mode, gateway):
    with pytest.raises(BadInput):
        open_account(MerchantFactory(account=None), mode, gateway, by=act(), at=clock.now())
    assert not GatewayAccount.objects.exists()


def test_the_names_of_event_secrets_are_what_gateways_declare():
    assert (EVENT_SECRET, PREVIOUS_EVENT_SECRET) == ("event_secret", "previous_event_secret")
