"""What rows say on an order's timeline, in plain words."""

from collections.abc import Sequence
from datetime import datetime

from checkout.amounts import format_money, signed
from checkout.staff.facts import moment
from payments.models import Authorization, Event, Payment, Refund, SettlementEvent, SettlementLine, Transfer
from payments.states import AuthorizationAction, AuthorizationStatus, CaptureKind, TransferKind

ORDERS = {
    "order.pending": "The order waits for an attempt to be decided.",
    "order.paid": "The order is paid.",
    "order.failed": "The order can be paid again: the attempt took no money.",
    "order.expired": "The order’s time was up, and it expired.",
    "order.extended": "The customer took 15 more minutes to pay.",
    "order.terminated": "The order was ended for good.",
}
PAYMENTS = {
    "payment.authorized": "{amount} is held by the customer’s bank, not taken.",
    "payment.success": "{taken} was taken{kind}.",
    "payment.failed": "The attempt failed{reason}",
    "payment.user_dropped": "The customer left before paying{reason}",
    "payment.cancelled": "The attempt was cancelled: nothing was taken.",
    "payment.void": "The hold was given up: nothing was taken.",
}
REFUNDS = {
    "refund.requested": "A refund of {amount} was asked for{by}{note}.",
    "refund.pending": "The refund of {amount} was let go, to be sent to the gateway.",
    "refund.onhold": "The gateway has the refund of {amount} and holds it.",
    "refund.success": "{amount} went back to the customer.",
    "refund.failed": "The refund of {amount} failed{reason}",
    "refund.cancelled": "The refund of {amount} was cancelled.",
}
CAPTURE_KINDS = {
    CaptureKind.LATE: ", too late for the order",
    CaptureKind.SURPLUS: ", beyond what the order asked for",
}
SETTLEMENTS = {
    "settlement.closed": "The settlement was closed.",
    "settlement.failed": "The settlement’s pay-out did not arrive, or came back{reason}",
    "settlement.paid_out": "The settlement was paid out to the merchant{utr}.",
    "payout.sent": "The settlement’s pay-out was ordered at the bank.",
}
BOOKED = {
    TransferKind.CAPTURE: "taken",
    TransferKind.FEE: "fee",
    TransferKind.TAX: "tax on the fee",
    TransferKind.REFUND_SENT: "refund sent",
    TransferKind.REFUND_DONE: "refund done",
    TransferKind.REFUND_RETURNED: "refund returned by the bank",
    TransferKind.REFUND_FAILED: "refund failed",
    TransferKind.ADJUSTMENT: "adjustment",
    TransferKind.PAID_IN: "paid in by the merchant",
    TransferKind.PAID_DIRECTLY: "paid to the merchant by the gateway",
    TransferKind.RETURNED_DIRECTLY: "taken from the merchant by the gateway",
}


def move_words(event: Event, payment: Payment | None, refund: Refund | None) -> str:
    """A move in a sentence; one we have no sentence for, or whose row this person may not see, by its own name."""
    if event.kind in ORDERS:
        return ORDERS[event.kind]
    if event.kind in PAYMENTS and payment is not None:
        return PAYMENTS[event.kind].format(**_of_payment(payment))
    if event.kind in REFUNDS and refund is not None:
        return REFUNDS[event.kind].format(**_of_refund(refund))
    return f"{event.kind}: {event.old} → {event.new}" if event.old else event.kind


def _reason(message: str) -> str:
    return f": {message}" if message else "."


def _of_payment(payment: Payment) -> dict[str, str]:
    return {
        "amount": format_money(payment.amount_minor, payment.currency),
        "taken": format_money(payment.captured_minor, payment.currency),
        "kind": CAPTURE_KINDS.get(CaptureKind(payment.capture_kind), "") if payment.capture_kind else "",
        "reason": _reason(payment.message),
    }


def _of_refund(refund: Refund) -> dict[str, str]:
    return {
        "amount": format_money(refund.amount_minor, refund.currency),
        "by": f" by {refund.requested_by.get_username()}" if refund.requested_by else " by the merchant",
        "note": f" ({refund.note})" if refund.note else "",
        "reason": _reason(refund.message),
    }


def hold_words(authorization: Authorization) -> tuple[datetime, str, str] | None:
    """What was asked about a hold and what became of it: (when, words, by whom); None where nothing was asked.

    A capture that was no separate step is told by the payment's own move.
    """
    asked = AuthorizationAction(authorization.action) if authorization.action else None
    if asked is None or (authorization.approve_by is None and asked == AuthorizationAction.CAPTURE):
        return None
    payment = authorization.payment
    minor = authorization.captured_minor or authorization.requested_minor
    amount = format_money(minor, payment.currency) if minor else "the hold"
    deed = f"Capture of {amount}" if asked == AuthorizationAction.CAPTURE else "Release of the hold"
    if authorization.status == AuthorizationStatus.PENDING:
        at = authorization.start_time or payment.started_at
        return at, f"{deed} was asked for; the gateway has not answered yet.", "Till"
    # When we learnt of it: the gateway's own clock may be behind, and would tell it before it was asked for.
    at = authorization.end_time or authorization.action_time or payment.started_at
    if authorization.status == AuthorizationStatus.FAILED:
        later = f" The hold ends by itself on {moment(authorization.approve_by)}." if authorization.approve_by else ""
        return at, f"{deed} was refused by the gateway{_reason(authorization.message)}{later}", payment.gateway
    return at, f"{deed} was done at the gateway.", payment.gateway


def transfer_words(booked: Sequence[Transfer]) -> str:
    """What one cause booked, as amounts with their accounts."""
    parts = []
    for transfer in booked:
        amount = format_money(transfer.amount_minor, transfer.currency)
        accounts = f"{transfer.debit.kind} from {transfer.credit.kind}".replace("_", " ")
        parts.append(f"{BOOKED[TransferKind(transfer.kind)]} {amount} ({accounts})")
    return f"Booked: {'; '.join(parts)}."


def line_words(line: SettlementLine) -> str:
    """A line of a settlement in a sentence."""
    amount = signed(line.amount_minor, line.settlement.currency)
    return f"The {line.kind} of {amount} came into a settlement."


def settlement_words(event: SettlementEvent) -> str:
    """What became of a settlement, by which reference where there is one."""
    payout = event.payout
    if payout is None or event.kind == "settlement.closed":
        return SETTLEMENTS.get(event.kind, event.kind) if payout is None else "The settlement was to be paid out anew."
    utr = f" ({payout.utr}, {payout.value_date})" if payout.utr else ""
    return SETTLEMENTS.get(event.kind, event.kind).format(utr=utr, reason=_reason(payout.message))
