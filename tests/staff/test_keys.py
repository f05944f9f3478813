"""API keys: the secret is seen once, and a revoked key stays in the books."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client

from payments import clock
from payments.models import ApiKey, AuditEntry
from payments.services.audit import broken_links
from payments.services.merchants import authenticate, issue_key
from payments.states import Mode
from tests.staff import ADMIN, MODELS
from tests.staff.conftest import make_staff, signed_in

KEYS = f"{ADMIN}/apikey/"
WHY = "The shop moved to another server"
SECRET = re.compile(r"till_(?:test|live)_[A-Za-z0-9_-]{43}")


def _newest(client):
    return re.search(r'name="newest" value="(\d+)"', client.get(f"{KEYS}add/").content.decode())[1]


def _make(client, merchant, mode="test", **over):
    posted = {"merchant": merchant.pk, "mode": mode, "newest": _newest(client), "reason": WHY}
    return client.post(f"{KEYS}add/", posted | over)


def _revoke(client, *keys, confirmed=True, reason=WHY):
    posted = {"action": "revoke", "_selected_action": [key.pk for key in keys], "reason": reason}
    return client.post(KEYS, posted | ({"confirmed": "yes"} if confirmed else {}), follow=True)


def test_the_secret_is_shown_once_and_opens_the_api(chief, merchant):
    answer = _make(chief, merchant)
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    assert "cannot be read again" in page
    (secret,) = SECRET.findall(page)
    key = ApiKey.objects.get()
    assert key.client_id in page
    assert (key.merchant, key.mode) == (merchant, Mode.TEST)
    assert authenticate(key.client_id, secret, at=clock.now()) == key


def test_the_secret_is_kept_nowhere(chief, merchant):
    answer = _make(chief, merchant)
    (secret,) = SECRET.findall(answer.content.decode())
    assert not [cookie for cookie in answer.cookies.values() if secret in cookie.OutputString()]
    assert "messages" not in answer.cookies
    assert not [session for session in Session.objects.all() if secret in str(session.get_decoded())]
    key = ApiKey.objects.get()
    after = [KEYS, f"{KEYS}add/", f"{KEYS}{key.pk}/change/", f"{KEYS}{key.pk}/history/", "/admin/"]
    after += [f"{ADMIN}/{model}/" for model in MODELS]
    for path in after:
        assert not SECRET.search(chief.get(path).content.decode())
    assert not [entry for entry in LogEntry.objects.all() if secret in f"{entry.object_repr}{entry.change_message}"]
    assert LogEntry.objects.get().object_repr == key.client_id


def test_a_form_sent_twice_makes_one_key(chief, merchant):
    newest = _newest(chief)
    _make(chief, merchant, newest=newest)
    again = _make(chief, merchant, newest=newest)
    assert ApiKey.objects.count() == 1
    assert not SECRET.search(again.content.decode())
    assert "got a key after this form was opened" in again.content.decode()
    assert SECRET.search(_make(chief, merchant).content.decode())


@pytest.mark.django_db(transaction=True)
def test_a_double_click_makes_one_key(chief, merchant):
    newest, session = _newest(chief), chief.cookies["sid"].value

    def click(_):
        client = Client()
        client.cookies["sid"] = session
        try:
            return _post(client, merchant, newest)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        pages = list(pool.map(click, range(4)))
    assert [bool(SECRET.search(page)) for page in pages].count(True) == 1
    assert ApiKey.objects.count() == 1


def _post(client, merchant, newest):
    posted = {"merchant": merchant.pk, "mode": "test", "newest": newest, "reason": WHY}
    return client.post(f"{KEYS}add/", posted).content.decode()


@pytest.mark.parametrize("newest", ["", "-1", "x", "9" * 30])
def test_a_form_without_its_mark_makes_no_second_key(chief, merchant, newest):
    _make(chief, merchant)
    assert "got a key after" in _make(chief, merchant, newest=newest).content.decode()
    assert ApiKey.objects.count() == 1


def test_a_third_key_is_refused_at_the_form(chief, merchant):
    for _ in range(2):
        _make(chief, merchant)
    page = _make(chief, merchant).content.decode()
    assert "two active test keys: revoke one first" in page
    assert not SECRET.search(page)
    assert ApiKey.objects.count() == 2


def test_live_keys_need_https(chief, merchant, settings):
    page = _make(chief, merchant, mode="live").content.decode()
    assert "Live keys need PUBLIC_URL to be https://" in page
    assert not ApiKey.objects.exists()


@pytest.mark.parametrize("over", [{"merchant": 999}, {"merchant": "x"}, {"mode": "both"}, {"mode": ""}])
def test_odd_choices_are_refused(chief, merchant, over):
    assert not SECRET.search(
        chief.post(
            f"{KEYS}add/", {"merchant": merchant.pk, "mode": "test", "newest": "0", "reason": WHY} | over
        ).content.decode()
    )
    assert not ApiKey.objects.exists()


def test_hash_and_ciphertext_are_never_shown(chief, merchant_with_key):
    _, key, _ = merchant_with_key
    page = chief.get(f"{KEYS}{key.pk}/change/").content.decode()
    for kept in (bytes(key.secret_hash), bytes(key.secret_ciphertext)):
        assert kept.hex() not in page
        assert str(kept) not in page
    assert "secret_hash" not in page
    assert f"ends in {key.secret_last4}" in page


def test_revoking_asks_first(chief, merchant_with_key):
    _, key, _ = merchant_with_key
    page = _revoke(chief, key, confirmed=False).content.decode()
    assert "Revoking ends a key at once and for good" in page
    assert key.client_id in page
    key.refresh_from_db()
    assert key.revoked_at is None


def test_a_revoked_key_stays_listed_and_is_known_as_revoked(chief, merchant_with_key):
    merchant, key, secret = merchant_with_key
    other = issue_key(merchant, mode=Mode.TEST, at=clock.now()).key
    page = _revoke(chief, key).content.decode()
    assert f"Revoked: {key.client_id}." in page
    known = authenticate(key.client_id, secret, at=clock.now())
    assert known == key
    assert known.revoked_at is not None
    other.refresh_from_db()
    assert other.revoked_at is None
    assert {row.pk for row in chief.get(KEYS).context["cl"].result_list} == {key.pk, other.pk}
    assert [row.pk for row in chief.get(f"{KEYS}?state=revoked").context["cl"].result_list] == [key.pk]
    assert [row.pk for row in chief.get(f"{KEYS}?state=active").context["cl"].result_list] == [other.pk]
    assert LogEntry.objects.get().change_message == f"Revoked. Reason: {WHY}"


def test_revoking_twice_keeps_the_first_time(chief, merchant_with_key):
    _, key, _ = merchant_with_key
    _revoke(chief, key)
    key.refresh_from_db()
    first = key.revoked_at
    page = _revoke(chief, key).content.decode()
    key.refresh_from_db()
    assert key.revoked_at == first
    assert "revoked already" in page
    assert "Revoke…" not in chief.get(f"{KEYS}{key.pk}/change/").content.decode()


def test_a_get_revokes_nothing(chief, merchant_with_key):
    _, key, _ = merchant_with_key
    chief.get(KEYS, {"action": "revoke", "_selected_action": key.pk, "confirmed": "yes"})
    key.refresh_from_db()
    assert key.revoked_at is None


def test_posts_need_the_forms_own_token(chief, merchant_with_key):
    merchant, key, _ = merchant_with_key
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = chief.cookies
    assert strict.post(f"{KEYS}add/", {"merchant": merchant.pk, "mode": "test"}).status_code == 403
    posted = {"action": "revoke", "_selected_action": key.pk, "confirmed": "yes", "reason": WHY}
    assert strict.post(KEYS, posted).status_code == 403
    assert ApiKey.objects.filter(revoked_at=None).count() == 1


@pytest.mark.parametrize("selected", ["abc", "99999999999999999999999", ""])
def test_an_odd_selection_is_no_fault_of_ours(chief, merchant_with_key, selected):
    posted = {"action": "revoke", "_selected_action": selected, "confirmed": "yes", "reason": WHY}
    assert chief.post(KEYS, posted).status_code == 400
    assert ApiKey.objects.filter(revoked_at=None).count() == 1


def test_a_viewer_neither_makes_nor_revokes(viewer, merchant_with_key):
    merchant, key, _ = merchant_with_key
    assert viewer.get(f"{KEYS}add/").status_code == 403
    assert viewer.post(f"{KEYS}add/", {"merchant": merchant.pk, "mode": "test", "newest": "9"}).status_code == 403
    _revoke(viewer, key)
    assert list(ApiKey.objects.values_list("revoked_at", flat=True)) == [None]
    pages = viewer.get(KEYS).content.decode() + viewer.get(f"{KEYS}{key.pk}/change/").content.decode()
    assert "evoke" not in pages.replace("revoked", "")
    assert f"{KEYS}add/" not in pages


def test_each_deed_has_its_own_permission(merchant_with_key):
    merchant, key, _ = merchant_with_key
    maker = signed_in(make_staff("maker", "view_apikey", "add_apikey"))
    ender = signed_in(make_staff("ender", "change_apikey"))
    assert SECRET.search(_make(maker, merchant).content.decode())
    assert "Revoke…" not in maker.get(f"{KEYS}{key.pk}/change/").content.decode()
    assert "Revoke…" in ender.get(f"{KEYS}{key.pk}/change/").content.decode()
    assert ender.get(f"{KEYS}add/").status_code == 403
    _revoke(ender, key)
    key.refresh_from_db()
    assert key.revoked_at is not None


def _acts():
    entries = AuditEntry.objects.order_by("pk").select_related("actor")
    return [(entry.actor.username, entry.act, entry.object_id, entry.reason) for entry in entries]


def test_making_and_revoking_say_who_and_why(chief, merchant):
    _make(chief, merchant)
    key = ApiKey.objects.get()
    _revoke(chief, key, reason="It leaked")
    assert _acts() == [("chief", "key.add", key.client_id, WHY), ("chief", "key.revoke", key.client_id, "It leaked")]
    assert list(broken_links()) == []


@pytest.mark.parametrize("reason", ["", "  ", "x" * 201, "of 4242 4242 4242 4242"])
def test_no_key_is_made_or_ended_without_a_reason_that_can_be_kept(chief, merchant_with_key, reason):
    merchant, key, _ = merchant_with_key
    page = _make(chief, merchant, reason=reason).content.decode()
    assert "Error:" in page
    assert not SECRET.search(page)
    again = _revoke(chief, key, reason=reason).content.decode()
    assert "Error:" in again
    assert "Revoke this key" in again
    assert list(ApiKey.objects.values_list("revoked_at", flat=True)) == [None]
    assert _acts() == []


def test_an_act_that_cannot_be_recorded_is_not_done(chief, merchant_with_key, monkeypatch):
    merchant, key, _ = merchant_with_key

    def refuse(*args, **kwargs):
        raise RuntimeError("the chain is out of order")

    monkeypatch.setattr("checkout.staff.keys.record_act", refuse)
    for deed in (lambda: _make(chief, merchant), lambda: _revoke(chief, key)):
        with pytest.raises(RuntimeError):
            deed()
    assert list(ApiKey.objects.values_list("pk", "revoked_at")) == [(key.pk, None)]
    assert not LogEntry.objects.exists()
