"""Named places where tests crash or pause the program. In production a point does nothing."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

_handler: Callable[[str], None] | None = None

POINTS = frozenset({
    "pay.before_t1_commit",
    "pay.after_t1",
    "gateway.before_call",
    "gateway.after_call",
    "pay.before_t2_commit",
    "pay.after_t2",
    "create.before_commit",
    "create.after_commit",
    "terminate.before_commit",
    "terminate.after_commit",
    "expire.before_commit",
    "expire.after_commit",
    "action.before_t1_commit",
    "action.after_t1",
    "refund.before_t1_commit",
    "refund.after_t1",
    "refund.before_t2_commit",
    "refund.after_t2",
    "adjustment.before_commit",
    "schedule.before_commit",
    "settle.before_open_commit",
    "settle.before_chunk_commit",
    "settle.after_chunk",
    "settle.before_build_commit",
    "settle.after_build",
    "settle.before_close_commit",
    "payout.before_commit",
    "statement.before_commit",
    "delivery.after_claim",
    "delivery.after_send",
    "delivery.before_note_commit",
    "event.before_commit",
    "event.after_commit",
    "simulator.after_send",
})  # fmt: skip


class Crash(BaseException):
    """A simulated kill -9: not an Exception, so that nothing on the way tidies up after it."""


def point(name: str) -> None:
    """Mark a place between two durable steps."""
    if _handler is not None:
        _handler(name)


@contextmanager
def handled_by(handler: Callable[[str], None]) -> Iterator[None]:
    """Let tests decide what happens at each point."""
    global _handler
    _handler = handler
    try:
        yield
    finally:
        _handler = None
