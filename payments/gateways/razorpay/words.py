"""Razorpay's words in ours: one table for each vocabulary. A word that stands in none of them means ask again."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from payments.gateways.base import PaymentFact, RefundFact
from payments.gateways.values import moment, wanted, whole, word
from payments.money import Money
from payments.states import PaymentStatus, RefundStatus

Entity = Mapping[str, Any]


class Refused(Exception):
    """Razorpay said no and did nothing. `error` is its own error object."""

    def __init__(self, status: int, error: Entity) -> None:
        super().__init__(f"{status} {error.get('reason')}")
        self.status = status
        self.error = error

    @property
    def is_about_keys(self) -> bool:
        """Whether it refuses the account's key or what that may do, not the request."""
        return self.status in (401, 403)


HELD_FOR = timedelta(minutes=7200)
"""How long after a payment its money can be captured: the longest that Razorpay allows. Then it goes back by itself."""
NOTE = "till_attempt"
"""Name of the note that carries our key; it is posted by the browser, so nothing about money rests on it."""

STATUS = {
    "created": PaymentStatus.PENDING,
    "authorized": PaymentStatus.AUTHORIZED,
    "captured": PaymentStatus.SUCCESS,
    "refunded": PaymentStatus.SUCCESS,
    "failed": PaymentStatus.FAILED,
}
"""A refunded payment was taken first; what was never captured and went back is `let_go`."""
REFUND_STATUS = {
    "pending": RefundStatus.PENDING,
    "processed": RefundStatus.SUCCESS,
    "failed": RefundStatus.FAILED,
}


@dataclass(frozen=True, slots=True)
class Ending:
    """How a try ended: our code for it, whether somebody said no, or whether the customer only left."""

    code: str
    declined: bool = True
    left: bool = False


_NO = Ending("payment_declined")
_CARD = Ending("card_declined")
_NUMBER = Ending("incorrect_number")
_CODE = Ending("authentication_failed")
_LATE = Ending("not_completed", declined=False, left=True)
REASONS = {
    "payment_cancelled": Ending("left", declined=False, left=True),
    "payment_timed_out": _LATE,
    "payment_session_expired": _LATE,
    "payment_collect_request_expired": _LATE,
    "insufficient_funds": Ending("insufficient_funds"),
    "transaction_limit_exceeded": Ending("limit_exceeded"),
    "transaction_daily_limit_exceeded": Ending("limit_exceeded"),
    "transaction_frequency_limit_exceeded": Ending("limit_exceeded"),
    "credit_limit_exceeded": Ending("limit_exceeded"),
    "card_expired": Ending("expired_card"),
    "incorrect_card_expiry_date": Ending("expired_card"),
    "incorrect_cvv": Ending("incorrect_cvc"),
    "card_declined": _CARD,
    "debit_instrument_blocked": _CARD,
    "debit_instrument_inactive": _CARD,
    "card_number_invalid": _NUMBER,
    "incorrect_card_details": _NUMBER,
    "international_transaction_not_allowed": _CARD,
    "authentication_failed": _CODE,
    "incorrect_otp": _CODE,
    "invalid_otp": _CODE,
    "otp_attempts_exceeded": _CODE,
    "otp_expired": _CODE,
    "incorrect_pin": _CODE,
    "incorrect_atm_pin": _CODE,
    "pin_attempts_exceeded": _CODE,
    "payment_declined": _NO,
    "debit_declined": _NO,
    "authorisation_declined_by_psp": _NO,
    "payment_risk_check_failed": _NO,
    "invalid_vpa": Ending("invalid_upi_id"),
}
"""Its reasons that customers or merchants can do something about; any other keeps its own word."""
NOBODYS_NO = frozenset({"internal", "business", "gateway", "NA", ""})
"""Sources of an error that are neither the customer nor a bank: it got lost on the way."""
GROUP = {"card": "credit_card", "upi": "upi", "netbanking": "net_banking", "wallet": "wallet", "paylater": "pay_later"}
CARD_GROUP = {"credit": "credit_card", "debit": "debit_card", "prepaid": "prepaid_card"}
NETWORK = {
    "Visa": "visa", "MasterCard": "mastercard", "RuPay": "rupay", "American Express": "amex", "Diners Club": "diners",
}  # fmt: skip
_BANK_REFERENCES = ("rrn", "bank_transaction_id", "upi_transaction_id", "transaction_id")


# --- Payments ---


def is_in_flight(payment: Entity) -> bool:
    """Whether a bank is still to answer, or Razorpay uses a word for it that we do not know."""
    return STATUS.get(word(payment, "status"), PaymentStatus.PENDING) == PaymentStatus.PENDING


def is_unknown(payment: Entity) -> bool:
    return word(payment, "status") not in STATUS


def is_let_go(payment: Entity) -> bool:
    """Whether its money was held, never captured, and went back to the customer."""
    return word(payment, "status") == "refunded" and payment.get("captured") is not True


def may_pay(payment: Entity) -> bool:
    """Whether its money is taken or held."""
    status = STATUS.get(word(payment, "status"))
    return status in (PaymentStatus.SUCCESS, PaymentStatus.AUTHORIZED) and not is_let_go(payment)


def that_pays(payments: Iterable[Entity]) -> Entity | None:
    """The payment of an order whose money is taken, else the one whose money is held. Razorpay captures only one."""
    paying = [payment for payment in payments if may_pay(payment)]
    return min(paying, key=lambda payment: word(payment, "status") == "authorized", default=None)


def fact_of(payment: Entity, key: str) -> PaymentFact:
    """What a payment entity says. One that failed, or is in flight, decides nothing: the customer may try again."""
    status = PaymentStatus.VOID if is_let_go(payment) else STATUS.get(word(payment, "status"), PaymentStatus.PENDING)
    order_id = word(payment, "order_id")
    if status in (PaymentStatus.PENDING, PaymentStatus.FAILED):
        return PaymentFact(PaymentStatus.PENDING, key, gateway_order_id=order_id)
    acquirer = told if isinstance(told := payment.get("acquirer_data"), dict) else {}
    made = made_at(payment)
    return PaymentFact(
        status=status,
        key=key,
        amount=None if status == PaymentStatus.VOID else money(payment),
        gateway_payment_id=word(payment, "id"),
        gateway_order_id=order_id,
        bank_reference=next((text for name in _BANK_REFERENCES if (text := word(acquirer, name))), ""),
        auth_id=word(acquirer, "auth_code"),
        payment_group=_group(payment),
        method_details=_details(payment),
        approve_by=made + HELD_FOR if status == PaymentStatus.AUTHORIZED and made else None,
        happened_at=made,
    )


def ending_of(payment: Entity, key: str) -> PaymentFact:
    """How a failed try ended whose customer was sent back to us. It names no payment: another may still succeed."""
    error = {name: word(payment, f"error_{name}") for name in ("code", "description", "source", "reason")}
    ending = _ending(error)
    return PaymentFact(
        status=PaymentStatus.USER_DROPPED if ending.left else PaymentStatus.FAILED,
        key=key,
        declined=ending.declined,
        error_code=ending.code,
        message=error["description"],
        happened_at=made_at(payment),
    )


def refusal_of(error: Entity, key: str) -> PaymentFact:
    """A request to start that was refused: nothing reached a bank."""
    told = {name: word(error, name) for name in ("code", "description", "source", "reason")}
    code = told["reason"] if told["reason"] not in ("", "NA") else told["code"].lower() or "refused"
    return PaymentFact(PaymentStatus.FAILED, key, error_code=code, message=told["description"])


def _ending(error: Mapping[str, str]) -> Ending:
    known = REASONS.get(error["reason"])
    if known is not None:
        return known
    return Ending(error["reason"] or error["code"].lower() or "failed", declined=error["source"] not in NOBODYS_NO)


def _group(payment: Entity) -> str:
    method = word(payment, "method")
    card = payment.get("card")
    if method == "card" and isinstance(card, dict):
        return CARD_GROUP.get(word(card, "type"), "credit_card")
    return GROUP.get(method, "")


def _details(payment: Entity) -> dict[str, str]:
    """What was used to pay, by our names."""
    card = told if isinstance(told := payment.get("card"), dict) else {}
    network = word(card, "network")
    details = {
        "card_last4": word(card, "last4"),
        "card_network": NETWORK.get(network, network.lower()),
        "upi_id": word(payment, "vpa"),
        "netbanking_bank_code": word(payment, "bank") if word(payment, "method") == "netbanking" else "",
        "provider": word(payment, "wallet"),
    }
    return {name: text for name, text in details.items() if text}


# --- Refunds ---


def refund_fact_of(refund: Entity, key: str) -> RefundFact:
    acquirer = told if isinstance(told := refund.get("acquirer_data"), dict) else {}
    status = REFUND_STATUS.get(word(refund, "status"), RefundStatus.PENDING)
    failed = status == RefundStatus.FAILED
    return RefundFact(
        status=status,
        key=key,
        amount=money(refund),
        gateway_refund_id=word(refund, "id"),
        bank_reference=next((text for name in ("arn", "rrn", "utr") if (text := word(acquirer, name))), ""),
        error_code="refund_failed" if failed else "",
        message="Razorpay could not send it: it may be too old, or the account is closed." if failed else "",
        happened_at=made_at(refund),
    )


# --- Values ---


def money(told: Entity) -> Money:
    """An amount as it is. Raises ValueError."""
    return Money(whole(told, "amount"), wanted(told, "currency"))


def made_at(told: Entity) -> datetime | None:
    """Raises ValueError."""
    return moment(told, "created_at")
