"""What nearly every test starts from."""

from datetime import UTC, datetime

import pytest
import pytest_django.plugin
import time_machine
from django.core.cache import cache
from django.db import connection
from django.test import TransactionTestCase

from payments import append_only, clock
from tests.factories import MerchantFactory, OrderFactory, PaymentFactory
from tests.scripted import registered


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Tests that empty the database come after those that count on what migrations put into it.

    pytest-django sorts them so; but pytest then brings tests together that share a browser, wherever the first stands.
    """
    pytest_django.plugin.pytest_collection_modifyitems(items)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup):
    """PostgreSQL has to be forced to drop what a killed process or a kept-alive server thread still has open."""
    yield
    if connection.vendor == "postgresql":
        connection.creation._destroy_test_db = _drop_although_open


def _drop_although_open(name, verbosity):
    with connection._nodb_cursor() as cursor:
        cursor.execute(f"DROP DATABASE {connection.ops.quote_name(name)} WITH (FORCE)")


@pytest.fixture(scope="session", autouse=True)
def _empty_databases_although_rows_are_append_only():
    """After a test with real transactions the database is emptied; migrating it, as that does, brings triggers back."""
    empty = TransactionTestCase._fixture_teardown

    def without_triggers(self):
        if connection.vendor == "sqlite":  # PostgreSQL truncates, which fires no trigger
            append_only.remove()
        empty(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", without_triggers)
        yield


@pytest.fixture
def now():
    """One instant for the whole test, as a caller would read it."""
    return clock.now()


@pytest.fixture
def merchant(db):
    return MerchantFactory()


@pytest.fixture
def gateways(monkeypatch):
    """Two more gateways that do as they are told: (alpha, beta)."""
    with registered(monkeypatch) as both:
        yield both


@pytest.fixture
def order(db):
    """A payable order."""
    return OrderFactory()


@pytest.fixture
def payment(db):
    """A pending attempt, the live one of its order."""
    return PaymentFactory()


@pytest.fixture
def frozen_minute():
    """The clock stands still and nothing has been counted in its minute yet."""
    cache.clear()
    with time_machine.travel(datetime(2026, 11, 22, 12, 0, 5, tzinfo=UTC), tick=False):
        yield
    cache.clear()
