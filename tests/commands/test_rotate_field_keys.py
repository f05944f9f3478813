"""`manage.py rotate_field_keys`: every secret moves under the newest key, and nothing that worked stops working."""

from io import StringIO
from threading import Thread, current_thread

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection

from payments import clock, crypto
from payments.models import ApiKey, GatewayAccount, SecondFactor
from payments.services.accounts import set_credentials
from payments.services.calls import credentials_of
from payments.services.field_keys import SEALED
from tests.factories import MerchantFactory, act, make_merchant_with_key
from tests.scripted import SECRET, account_at
from tests.staff.door import PASSWORD, browser_at, code_of, give_app, is_in, type_code, type_password

pytestmark = pytest.mark.django_db

OLD, NEW = b"o" * 32, b"n" * 32


@pytest.fixture
def house(settings, gateways):
    """One of each secret under the old key, and the new one put in front."""
    settings.FIELD_ENCRYPTION_KEYS = [OLD]
    _, client_id, client_secret = make_merchant_with_key()
    account = account_at(MerchantFactory(account=None), "alpha", at=clock.now())
    boss = User.objects.create_superuser("boss", password=PASSWORD)
    app, _ = give_app(boss)
    unenrolled = User.objects.create_superuser("unenrolled", password=PASSWORD)
    SecondFactor.objects.create(user=unenrolled)
    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]
    return ApiKey.objects.get(client_id=client_id), client_secret, account, app


def rotate(status=0):
    out = StringIO()
    if status:
        with pytest.raises(SystemExit) as ended:
            call_command("rotate_field_keys", stdout=out)
        assert ended.value.code == status
    else:
        call_command("rotate_field_keys", stdout=out)
    return out.getvalue().splitlines()


def ciphertexts():
    return {
        (model, pk): bytes(ciphertext)
        for model, (column, _) in SEALED.items()
        for pk, ciphertext in model.objects.exclude(**{column: None}).values_list("pk", column)
    }


def test_without_the_old_key_everything_still_opens(house, settings):
    key, client_secret, account, app = house
    *counts, verdict = rotate()
    settings.FIELD_ENCRYPTION_KEYS = [NEW]
    settings.STAFF_SECOND_FACTOR = True
    assert counts == [
        "API keys: 1 moved, 0 were there already, 0 unreadable",
        "gateway accounts: 1 moved, 0 were there already, 0 unreadable",
        "second factors: 1 moved, 0 were there already, 0 unreadable",
    ]
    assert verdict.startswith("Every secret is under the first of FIELD_ENCRYPTION_KEYS")
    key.refresh_from_db()
    assert crypto.decrypt(key.secret_ciphertext, context=key.secret_context) == client_secret
    account.refresh_from_db()
    assert credentials_of(account)["key_secret"] == SECRET
    desk = browser_at()
    type_password(desk, "boss")
    type_code(desk, code_of(app, drift=1))
    assert is_in(desk)


def test_a_second_run_and_one_without_a_new_key_touch_nothing(house, settings):
    rotate()
    before = ciphertexts()
    assert "API keys: 0 moved, 1 were there already, 0 unreadable" in rotate()
    settings.FIELD_ENCRYPTION_KEYS = [NEW]
    rotate()
    assert ciphertexts() == before


def test_one_that_was_cut_off_goes_on_where_it_was(house, settings, monkeypatch):
    encrypt = crypto.encrypt

    def dies_at_the_account(plain, *, context):
        if context.startswith("gateway_account"):
            raise KeyboardInterrupt
        return encrypt(plain, context=context)

    monkeypatch.setattr(crypto, "encrypt", dies_at_the_account)
    with pytest.raises(KeyboardInterrupt):
        call_command("rotate_field_keys", stdout=StringIO())
    monkeypatch.undo()
    assert rotate()[:2] == [
        "API keys: 0 moved, 1 were there already, 0 unreadable",
        "gateway accounts: 1 moved, 0 were there already, 0 unreadable",
    ]


@pytest.mark.django_db(transaction=True)
def test_credentials_entered_meanwhile_are_not_undone(house, monkeypatch):
    """The row is locked from its reading on: whoever enters new ones waits, and is the last to write."""
    _, _, account, _ = house
    new = {"key_secret": "entered-meanwhile-5555"}

    def enter():
        set_credentials(account.pk, new, by=person, at=clock.now(), seen=account.credentials_set_at)
        connection.close()

    person, staff, encrypt = act(), Thread(target=enter), crypto.encrypt

    def slowly(plain, *, context):
        if context == account.credentials_context and current_thread() is not staff:
            staff.start()
            staff.join(0.5)
        return encrypt(plain, context=context)

    monkeypatch.setattr(crypto, "encrypt", slowly)
    rotate()
    staff.join()
    account.refresh_from_db()
    assert credentials_of(account)["key_secret"] == new["key_secret"]


def test_what_no_key_opens_is_named_and_left_as_it_is(house, settings):
    _, client_secret, account, _ = house
    GatewayAccount.objects.filter(pk=account.pk).update(credentials_ciphertext=b"spoilt" * 9)
    lines = rotate(status=1)
    assert f"No key opens gateway_account:{account.pk}: is an old key missing from FIELD_ENCRYPTION_KEYS?" in lines
    assert "gateway accounts: 0 moved, 0 were there already, 1 unreadable" in lines
    assert "second factors: 1 moved, 0 were there already, 0 unreadable" in lines
    assert lines[-1] == "Take no key out of FIELD_ENCRYPTION_KEYS yet: what it opens would be lost."
    account.refresh_from_db()
    assert bytes(account.credentials_ciphertext) == b"spoilt" * 9
    assert not [line for line in lines if client_secret in line or SECRET in line]


def test_no_table_that_seals_secrets_is_forgotten():
    """What is sealed is bound to its row by a property of that name; encrypting needs one."""
    bound = {
        (model, name)
        for model in apps.get_app_config("payments").get_models()
        for name in vars(model)
        if name.endswith("_context")
    }
    assert bound == {(model, name) for model, (_, name) in SEALED.items()}
