"""Counting in windows, in the cache of one process and in the one that processes share."""

from datetime import UTC, datetime, timedelta

import pytest
import redis
from django.core.cache import caches

from checkout import rates

AT = datetime(2026, 11, 22, 12, 0, 5, tzinfo=UTC)
REDIS = "redis://127.0.0.1:6379/9"
BACKENDS = {
    "each process alone": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "rates"},
    "redis": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS, "KEY_PREFIX": "till-test"},
}


def redis_answers():
    try:
        return redis.Redis.from_url(REDIS, socket_connect_timeout=1).ping()
    except redis.RedisError:
        return False


@pytest.fixture(params=BACKENDS)
def _cache(request, settings):
    if request.param == "redis" and not redis_answers():
        pytest.skip("no Redis answers on 127.0.0.1:6379: start one to run this test")
    settings.CACHES = {"default": BACKENDS[request.param]}
    caches["default"].clear()
    yield
    caches["default"].clear()


@pytest.mark.usefixtures("_cache")
def test_each_name_is_counted_by_the_minute():
    assert [rates.count("a", at=AT) for _ in range(3)] == [1, 2, 3]
    assert rates.count("b", at=AT) == 1
    assert rates.count("a", at=AT + timedelta(seconds=54)) == 4
    assert rates.count("a", at=AT + timedelta(seconds=55)) == 1


def test_a_cache_that_is_away_stops_no_sale(settings, caplog):
    away = {"BACKEND": BACKENDS["redis"]["BACKEND"], "LOCATION": "redis://127.0.0.1:1/0"}
    settings.CACHES = {"default": away}
    assert [rates.count("a", at=AT) for _ in range(2)] == [1, 1]
    assert "limits do not count" in caplog.text
    assert "127.0.0.1" not in caplog.text
