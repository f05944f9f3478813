"""Counting calls in windows of a minute, in the cache and never in the request's database."""

import logging
from datetime import datetime

from django.core.cache import cache
from redis.exceptions import RedisError

WINDOW_S = 60
log = logging.getLogger("till.rates")


def count(name: str, *, at: datetime) -> int:
    """Add one to this minute's count under a name and return it; 1 while the cache is away: a counter stops no sale."""
    key = f"rate:{name}:{int(at.timestamp()) // WINDOW_S}"
    try:
        cache.add(key, 0, timeout=2 * WINDOW_S)
        return int(cache.incr(key))
    except ValueError:  # dropped by the cache between the two calls
        return 1
    except (RedisError, OSError) as fault:
        log.error("the cache does not answer, so limits do not count: %s", type(fault).__name__)  # noqa: TRY400
        return 1
