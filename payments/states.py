"""The life cycles as data: the only place that knows a legal move (the design's section 3)."""

from datetime import timedelta
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


class RefundStatus(StrEnum):
    """`requested` waits for people, `onhold` for the gateway, which has it."""

    REQUESTED = "requested"
    PENDING = "pending"
    ONHOLD = "onhold"
    SUCCESS = "success"
    FAILED = "failed"
    CANCELLED = "cancelled"


class DeliveryStatus(StrEnum):
    DUE = "due"
    DELIVERED = "delivered"
    ABANDONED = "abandoned"


class Collects(StrEnum):
    """Whom a gateway pays what it took: the operator, who pays it out to the merchant, or the merchant itself."""

    OPERATOR = "operator"
    MERCHANT = "merchant"


class SettlementStatus(StrEnum):
    """`open` is put together and waits for somebody to close it; `failed` means that its pay-out did not arrive."""

    OPEN = "open"
    CLOSED = "closed"
    PAID_OUT = "paid_out"
    FAILED = "failed"


class LineKind(StrEnum):
    """What a line of a settlement is about; `reversal` is of a refund that has its own line and did not go through."""

    PAYMENT = "payment"
    REFUND = "refund"
    REVERSAL = "reversal"
    ADJUSTMENT = "adjustment"


class PayoutStatus(StrEnum):
    """`sent` is told to the bank, `paid` confirmed by it; `failed` did not arrive, or came back later."""

    SENT = "sent"
    PAID = "paid"
    FAILED = "failed"


class StatementKind(StrEnum):
    """Whose file it is: the bank's about our account, or a gateway's about what it paid."""

    BANK = "bank"
    GATEWAY = "gateway"


class LineType(StrEnum):
    """What a line of a file is: `credit` came into our bank, `debit` left it."""

    PAYMENT = "payment"
    REFUND = "refund"
    CREDIT = "credit"
    DEBIT = "debit"


class Bucket(StrEnum):
    """Where a line's difference from the books belongs; what the gateway kept is counted beside, as fee."""

    MATCHED = "matched"
    FEE = "fee"
    TIMING = "timing"
    SHORT = "short"
    MISSING = "missing"
    DUPLICATE = "duplicate"


class AccountKind(StrEnum):
    """Accounts of the ledger, one per merchant, mode and currency: who owes whom (the design's section 5)."""

    GATEWAY_RECEIVABLE = "gateway_receivable"
    MERCHANT_PAYABLE = "merchant_payable"
    SUSPENSE = "suspense"
    REFUNDS_IN_TRANSIT = "refunds_in_transit"
    FEES = "fees"
    TAX_ON_FEES = "tax_on_fees"
    GATEWAY_FEES = "gateway_fees"
    BANK = "bank"
    ADJUSTMENTS = "adjustments"


class TransferKind(StrEnum):
    """Why money changed hands in the ledger; each at most once for its source."""

    CAPTURE = "capture"
    FEE = "fee"
    TAX = "tax"
    REFUND_SENT = "refund_sent"
    REFUND_DONE = "refund_done"
    REFUND_RETURNED = "refund_returned"
    REFUND_FAILED = "refund_failed"
    ADJUSTMENT = "adjustment"
    PAID_IN = "paid_in"
    """A merchant paid us what it owed."""
    PAID_DIRECTLY = "paid_directly"
    """The gateway pays the merchant itself: closing a settlement says so of each of its payments."""
    RETURNED_DIRECTLY = "returned_directly"
    """And took a refund out of the merchant's money itself."""
    PAYOUT = "payout"
    PAYOUT_RETURNED = "payout_returned"
    GATEWAY_PAID = "gateway_paid"
    GATEWAY_COST = "gateway_cost"


class Method(StrEnum):
    """Ways to pay, in the order and by the names of the hosted page."""

    UPI = "upi"
    CARD = "card"
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

_R = RefundStatus
REFUND_MOVES: dict[RefundStatus, frozenset[RefundStatus]] = {
    _R.REQUESTED: frozenset({_R.PENDING, _R.CANCELLED}),
    _R.PENDING: frozenset({_R.SUCCESS, _R.FAILED, _R.CANCELLED, _R.ONHOLD}),
    _R.ONHOLD: frozenset({_R.SUCCESS, _R.FAILED, _R.CANCELLED}),
    # The bank returned it later.
    _R.SUCCESS: frozenset({_R.FAILED}),
    _R.FAILED: frozenset(),
    _R.CANCELLED: frozenset(),
}

_S = SettlementStatus
SETTLEMENT_MOVES: dict[SettlementStatus, frozenset[SettlementStatus]] = {
    _S.OPEN: frozenset({_S.CLOSED}),
    _S.CLOSED: frozenset({_S.PAID_OUT, _S.FAILED}),
    # The next pay-out is tried.
    _S.FAILED: frozenset({_S.CLOSED}),
    # The bank returned it later.
    _S.PAID_OUT: frozenset({_S.FAILED}),
}

_PO = PayoutStatus
PAYOUT_MOVES: dict[PayoutStatus, frozenset[PayoutStatus]] = {
    _PO.SENT: frozenset({_PO.PAID, _PO.FAILED}),
    _PO.PAID: frozenset({_PO.FAILED}),
    _PO.FAILED: frozenset(),
}

REFUND_SENT = frozenset({RefundStatus.PENDING, RefundStatus.ONHOLD})
"""Refunds the gateway has, or gets, and has not decided."""

REFUND_UNDONE = frozenset({RefundStatus.FAILED, RefundStatus.CANCELLED})
"""Refunds that did not go through: what they took from the merchant is its own again."""

REFUND_RESERVES = REFUND_SENT | {RefundStatus.REQUESTED, RefundStatus.SUCCESS}
"""Refunds whose amount is reserved on their payment."""

PAYABLE = frozenset({OrderStatus.CREATED, OrderStatus.FAILED})
"""Orders that take a new attempt, while their time lasts."""

OPEN = PAYABLE | {OrderStatus.PENDING}
"""Orders that can still end in any way."""

LIVE = frozenset({PaymentStatus.PENDING, PaymentStatus.AUTHORIZED})
"""Attempts that may still take, or hold, money."""

ENDED_UNPAID = frozenset({PaymentStatus.FAILED, PaymentStatus.USER_DROPPED, PaymentStatus.CANCELLED})
"""Attempts that are over with nothing taken, as far as we know: a gateway may still say yes."""

MAX_DECLINES = 5
"""Declined attempts after which an order takes no more: a card tester gets no sixth guess."""

EXTENSION = timedelta(minutes=15)
"""What one extension adds to the time to pay, as often as the merchant allows."""
MAX_EXTENSIONS = 10
"""What a merchant can allow at most."""

SETTLE_TIME = timedelta(minutes=2)
"""After the start of an attempt: from when on a gateway that knows no such payment may be believed."""
