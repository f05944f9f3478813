"""The life cycles as data: the only place that knows a legal move (the design's section 3)."""

from enum import StrEnum


class Mode(StrEnum):
    """Whether money is real."""

    TEST = "test"
    LIVE = "live"


class OrderStatus(StrEnum):
    CREATED = "created"
    PENDING = "pending"
    PAID = "paid"
    FAILED = "failed"
    EXPIRED = "expired"
    TERMINATED = "terminated"


class PaymentStatus(StrEnum):
    PENDING = "pending"
    AUTHORIZED = "authorized"
    SUCCESS = "success"
    FAILED = "failed"
    USER_DROPPED = "user_dropped"
    CANCELLED = "cancelled"
    VOID = "void"


class CaptureKind(StrEnum):
    """What a captured payment is to its order: its payment, or money that has to go back."""

    NORMAL = "normal"
    LATE = "late"
    SURPLUS = "surplus"


class AuthorizationAction(StrEnum):
    CAPTURE = "capture"
    VOID = "void"


class AuthorizationStatus(StrEnum):
    PENDING = "pending"
    SUCCESS = "success"
    FAILED = "failed"


class Method(StrEnum):
    """Ways to pay as the hosted page names them."""

    CARD = "card"
    UPI = "upi"
    NETBANKING = "netbanking"
    WALLET = "wallet"


_O = OrderStatus
ORDER_MOVES: dict[OrderStatus, frozenset[OrderStatus]] = {
    _O.CREATED: frozenset({_O.PENDING, _O.EXPIRED, _O.TERMINATED}),
    # The last two only in the transaction that ends the order's last live attempt.
    _O.PENDING: frozenset({_O.PAID, _O.FAILED, _O.EXPIRED, _O.TERMINATED}),
    _O.FAILED: frozenset({_O.PENDING, _O.PAID, _O.EXPIRED, _O.TERMINATED}),
    # Only where the merchant accepts late money.
    _O.EXPIRED: frozenset({_O.PAID}),
    _O.TERMINATED: frozenset({_O.PAID}),
    _O.PAID: frozenset(),
}

_P = PaymentStatus
PAYMENT_MOVES: dict[PaymentStatus, frozenset[PaymentStatus]] = {
    _P.PENDING: frozenset({_P.AUTHORIZED, _P.SUCCESS, _P.FAILED, _P.USER_DROPPED, _P.CANCELLED}),
    _P.AUTHORIZED: frozenset({_P.SUCCESS, _P.VOID}),
    # Late truth: the bank may still say yes after we heard no.
    _P.FAILED: frozenset({_P.SUCCESS, _P.AUTHORIZED, _P.VOID}),
    _P.USER_DROPPED: frozenset({_P.SUCCESS, _P.AUTHORIZED, _P.VOID}),
    _P.CANCELLED: frozenset({_P.SUCCESS, _P.AUTHORIZED, _P.VOID}),
    _P.VOID: frozenset({_P.SUCCESS}),
    _P.SUCCESS: frozenset(),
}

PAYABLE = frozenset({OrderStatus.CREATED, OrderStatus.FAILED})
"""Orders that take a new attempt, while their time lasts."""

OPEN = PAYABLE | {OrderStatus.PENDING}
"""Orders that can still end in any way."""

LIVE = frozenset({PaymentStatus.PENDING, PaymentStatus.AUTHORIZED})
"""Attempts that may still take, or hold, money."""

MAX_DECLINES = 5
"""Declined attempts after which an order takes no more: a card tester gets no sixth guess."""
