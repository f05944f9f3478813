"""Counting calls in windows of a minute, in the cache and never in the request's database."""

from datetime import datetime

from django.core.cache import cache

WINDOW_S = 60


def count(name: str, *, at: datetime, add: int = 1) -> int:
    """Add to this minute's count under a name and return it; `add=0` only reads."""
    key = f"rate:{name}:{int(at.timestamp()) // WINDOW_S}"
    if not add:
        return int(cache.get(key, 0))
    cache.add(key, 0, timeout=2 * WINDOW_S)
    try:
        return int(cache.incr(key, add))
    except ValueError:  # dropped by the cache between the two calls
        return add
