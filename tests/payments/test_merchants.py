from datetime import timedelta

import pytest

from payments import clock, crypto
from payments.errors import BadInput, CurrencyNotSupported, KeyLimitReached
from payments.models import ApiKey, GatewayAccount, Merchant
from payments.services.merchants import (
    NewMerchant,
    authenticate,
    create_merchant,
    issue_key,
    register_return_origin,
    revoke_key,
)
from payments.states import Mode
from tests.factories import RETURN_URL, make_merchant_with_key


def _create(now, mode=Mode.TEST, **columns):
    return create_merchant(NewMerchant(**{"name": "Kite Shop", "return_url": RETURN_URL, **columns}), mode=mode, at=now)


def test_a_test_merchant_can_take_payments_at_once(db, now):
    merchant, issued = _create(now)
    assert (merchant.currency, merchant.region, merchant.time_zone) == ("INR", "IN", "Asia/Kolkata")
    assert merchant.return_origins == ["https://shop.example.com"]
    assert GatewayAccount.objects.get(merchant=merchant).gateway == "simulator"
    assert (issued.key.mode, issued.key.slot, issued.key.created_at) == ("test", 1, now)


def test_a_live_merchant_never_gets_the_simulator(db, now):
    merchant, issued = _create(now, mode=Mode.LIVE)
    assert not GatewayAccount.objects.exists()
    assert issued.client_secret.startswith("till_live_")
    assert merchant.api_keys.get().mode == "live"


def test_further_origins_are_registered_beside_the_return_urls(db, now):
    merchant, _ = _create(now, origins=["https://b.example/x", "http://localhost:8000", RETURN_URL])
    assert merchant.return_origins == ["http://localhost:8000", "https://b.example", "https://shop.example.com"]


@pytest.mark.parametrize(
    ("columns", "refusal"),
    [
        ({"name": " "}, BadInput),
        ({"name": "x" * 101}, BadInput),
        ({"return_url": "shop.com"}, BadInput),
        ({"origins": ["https://a@b.com"]}, BadInput),
        ({"notify_url": "ftp://x"}, BadInput),
        ({"currency": "XXX"}, CurrencyNotSupported),
        ({"region": "in"}, BadInput),
        ({"region": "IND"}, BadInput),
        ({"mode": Mode.LIVE, "return_url": "http://shop.example.com/"}, BadInput),
        ({"mode": Mode.LIVE, "notify_url": "http://shop.example.com/"}, BadInput),
    ],
)
def test_a_merchant_that_could_not_work_is_not_made(db, now, columns, refusal):
    with pytest.raises(refusal):
        _create(now, **columns)
    assert not Merchant.objects.exists()
    assert not ApiKey.objects.exists()


def test_an_origin_is_registered_once(merchant):
    for _ in range(2):
        register_return_origin(merchant, "https://NEW.example/path")
    merchant.refresh_from_db()
    assert merchant.return_origins == ["https://new.example", "https://shop.example.com"]


def test_a_secret_is_shown_once_and_kept_only_as_hash_and_ciphertext(db, now):
    _, issued = _create(now)
    stored = ApiKey.objects.get()
    assert issued.client_secret.encode() not in bytes(stored.secret_ciphertext) + bytes(stored.secret_hash)
    assert crypto.decrypt(stored.secret_ciphertext, context=stored.secret_context) == issued.client_secret
    assert stored.secret_last4 == issued.client_secret[-4:]
    assert issued.client_secret not in repr(issued)


def test_a_merchant_has_two_live_keys_at_most_and_room_again_after_revoking_one(merchant, now):
    first, second = (issue_key(merchant, mode=Mode.TEST, at=now).key for _ in range(2))
    with pytest.raises(KeyLimitReached):
        issue_key(merchant, mode=Mode.TEST, at=now)
    revoke_key(first, at=now)
    third = issue_key(merchant, mode=Mode.TEST, at=now).key
    assert {second.slot, third.slot} == {1, 2}
    assert ApiKey.objects.filter(revoked_at=None).count() == 2


def test_keys_of_the_two_modes_do_not_crowd_each_other_out(merchant, now):
    keys = [issue_key(merchant, mode=mode, at=now).key for mode in (Mode.TEST, Mode.TEST, Mode.LIVE, Mode.LIVE)]
    assert [key.slot for key in keys] == [1, 2, 1, 2]


def test_revoking_twice_keeps_the_first_time(merchant, now):
    key = issue_key(merchant, mode=Mode.TEST, at=now).key
    revoke_key(key, at=now)
    revoke_key(ApiKey.objects.get(), at=now + timedelta(hours=1))
    assert ApiKey.objects.get().revoked_at == now


def test_the_right_pair_finds_its_key(db, now):
    merchant, client_id, client_secret = make_merchant_with_key()
    key = authenticate(client_id, client_secret, at=now)
    assert (key.merchant, key.client_id) == (merchant, client_id)


def test_a_revoked_key_is_found_so_that_the_answer_can_say_revoked(db, now):
    _, client_id, client_secret = make_merchant_with_key()
    revoke_key(ApiKey.objects.get(), at=now)
    assert authenticate(client_id, client_secret, at=now).revoked_at == now


@pytest.mark.parametrize("secret", ["", "till_test_wrong", "ключ", "\udcff\udc00", "\ud800", "\x00", "x" * 10_000])
def test_a_wrong_secret_of_any_bytes_is_refused(db, now, secret):
    _, client_id, _ = make_merchant_with_key()
    assert authenticate(client_id, secret, at=now) is None


@pytest.mark.parametrize("client_id", ["", "key_test_unknown", "ключ", "key\x00", "\udcff", "x" * 10_000])
def test_an_unknown_id_of_any_bytes_is_refused(db, now, client_id):
    _, _, client_secret = make_merchant_with_key()
    assert authenticate(client_id, client_secret, at=now) is None


def test_a_client_id_with_a_tail_is_not_cut_to_a_known_one(db, now):
    _, client_id, client_secret = make_merchant_with_key()
    assert authenticate(client_id.ljust(40, "0") + "tail", client_secret, at=now) is None
    assert authenticate(client_id + "0", client_secret, at=now) is None


def test_one_merchants_secret_does_not_open_anothers_key(db, now):
    _, client_id, _ = make_merchant_with_key()
    _, _, other_secret = make_merchant_with_key()
    assert authenticate(client_id, other_secret, at=now) is None


def test_an_unknown_id_costs_the_same_hash(db, now, monkeypatch):
    hashed = []
    peppered = crypto.peppered
    monkeypatch.setattr(crypto, "peppered", lambda secret: hashed.append(secret) or peppered(secret))
    authenticate("key_test_unknown", "secret", at=now)
    assert hashed == [b"secret"]


def test_the_use_of_a_key_is_noted_to_the_hour(db, now, django_assert_num_queries):
    _, client_id, client_secret = make_merchant_with_key()
    authenticate(client_id, client_secret, at=now)
    with django_assert_num_queries(1):
        authenticate(client_id, client_secret, at=now + timedelta(minutes=59))
    assert ApiKey.objects.get().last_used_at == now
    authenticate(client_id, client_secret, at=now + timedelta(hours=1))
    assert ApiKey.objects.get().last_used_at == now + timedelta(hours=1)


def test_a_refused_secret_leaves_no_trace_on_the_key(db):
    _, client_id, _ = make_merchant_with_key()
    authenticate(client_id, "wrong", at=clock.now())
    assert ApiKey.objects.get().last_used_at is None
