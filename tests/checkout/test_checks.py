import pytest
from django.core import checks
from django.db import connection

from checkout.checks import check_live_keys, check_pepper_is_own_secret
from payments.services.merchants import issue_key, revoke_key
from payments.states import Mode


def _ids(found):
    return [message.id for message in found]


def _live_key(merchant, now):
    return issue_key(merchant, mode=Mode.LIVE, at=now).key


def test_the_test_settings_are_fine(db):
    assert check_pepper_is_own_secret() == []
    assert check_live_keys(databases=["default"]) == []


def test_a_secret_used_twice_is_an_error(settings):
    settings.API_KEY_PEPPER = settings.SECRET_KEY
    found = check_pepper_is_own_secret()
    assert _ids(found) == ["till.E001"]
    assert found[0].hint


def test_live_keys_over_plain_http_are_an_error(merchant, now, settings):
    settings.HTTPS = False
    _live_key(merchant, now)
    found = check_live_keys(databases=["default"])
    assert "till.E002" in _ids(found)
    assert all(isinstance(message, checks.Error) for message in found if message.id == "till.E002")


def test_live_keys_on_sqlite_are_a_warning_and_on_postgresql_are_fine(merchant, now, settings):
    settings.HTTPS = settings.STAFF_SECOND_FACTOR = True
    _live_key(merchant, now)
    assert _ids(check_live_keys(databases=["default"])) == (["till.W001"] if connection.vendor == "sqlite" else [])


def test_live_keys_guarded_by_passwords_alone_are_a_warning(merchant, now, settings):
    settings.HTTPS, settings.STAFF_SECOND_FACTOR = True, False
    assert check_live_keys(databases=["default"]) == []
    _live_key(merchant, now)
    assert "till.W004" in _ids(check_live_keys(databases=["default"]))


def test_revoked_live_keys_and_test_keys_do_not_matter(merchant, now, settings):
    settings.HTTPS = False
    revoke_key(_live_key(merchant, now), at=now)
    issue_key(merchant, mode=Mode.TEST, at=now)
    assert check_live_keys(databases=["default"]) == []


@pytest.mark.parametrize("databases", [None, []])
def test_the_database_is_read_only_where_the_caller_allows_it(databases, django_assert_num_queries, db):
    with django_assert_num_queries(0):
        assert check_live_keys(databases=databases) == []


def test_our_checks_are_registered():
    registered = {check.__name__ for check in checks.registry.registry.get_checks()}
    assert {"check_pepper_is_own_secret", "check_live_keys"} <= registered
