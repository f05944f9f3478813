"""Stripe's words, amounts and objects as ours: literal tables, and what stands in none of them means pending."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from payments import clock
from payments.gateways.base import Account, CancelAnswer, NotSupported, PaymentFact, RefundFact, Standing
from payments.gateways.values import moment, wanted, whole, word
from payments.money import EXPONENT, Money
from payments.states import Mode, PaymentStatus, RefundStatus

Object = Mapping[str, Any]
PAYMENT, REFUND = "till_payment", "till_refund"
"""Names in Stripe's metadata, of our references."""
NONE = "no reference"

# --- Amounts ---

CURRENCIES = frozenset(EXPONENT) - {"IQD", "LYD"}
UNITS_A_MINOR = {"ISK": 100, "UGX": 100}
"""Both lost their decimals, and Stripe still counts them in hundredths."""
STEP = {"BHD": 10, "JOD": 10, "KWD": 10, "OMR": 10, "TND": 10}
"""Of currencies with three decimals the last one has to be 0."""
SMALLEST = {
    "AED": 200, "AUD": 50, "BRL": 50, "CAD": 50, "CHF": 50, "CZK": 1500, "DKK": 250, "EUR": 50, "GBP": 30,
    "HKD": 400, "HUF": 17_500, "IDR": 50, "ILS": 50, "INR": 50, "JPY": 50, "KRW": 50, "MXN": 1000, "MYR": 200,
    "NOK": 300, "NZD": 50, "PHP": 50, "PLN": 200, "RON": 200, "SEK": 300, "SGD": 50, "THB": 1000, "USD": 50,
    "ZAR": 50,
}  # fmt: skip
"""In Stripe's units, for accounts paid out in the same currency; else the converted amount counts at Stripe."""
LARGEST = 999_999_999_999


def units_of(amount: Money) -> int:
    """An amount as Stripe counts it. Raises NotSupported for one that it cannot write."""
    if amount.currency not in CURRENCIES:
        raise NotSupported(f"Stripe does not take {amount.currency}.")
    if amount.minor % STEP.get(amount.currency, 1):
        raise NotSupported(f"Stripe takes {amount.currency} with two decimals only, not {amount}.")
    return amount.minor * UNITS_A_MINOR.get(amount.currency, 1)


def money_of(units: int, currency: str) -> Money:
    """An amount as we count it. A broken one is given a currency that fits no payment."""
    code = currency.upper()
    minor, rest = divmod(units, UNITS_A_MINOR.get(code, 1))
    return Money(units, f"hundredths of {code}") if rest else Money(minor, code)


def _money(told: Object, name: str) -> Money:
    """An amount in one of Stripe's objects. Raises ValueError."""
    return money_of(whole(told, name), wanted(told, "currency"))


# --- Why ---

_DECLINED = "card_declined", "The bank declined the card without a reason."
DECLINES = {
    "authentication_required": ("authentication_failed", "The bank could not make sure who pays."),
    "card_declined": _DECLINED,
    "expired_card": ("expired_card", "The card has expired."),
    "generic_decline": _DECLINED,
    "incorrect_cvc": ("incorrect_cvc", "The security code is wrong."),
    "incorrect_number": ("incorrect_number", "The card's number is wrong."),
    "insufficient_funds": ("insufficient_funds", "There is not enough money on the card."),
    "invalid_cvc": ("incorrect_cvc", "The security code is wrong."),
    "payment_intent_authentication_failure": ("authentication_failed", "The bank could not make sure who pays."),
    "processing_error": ("processing_error", "The card could not be processed."),
}
"""Stripe's decline codes as error code and message; a code that is not here says no more than that it was declined."""
_REFUND_FAILURES = {
    "expired_or_canceled_card": "The card is expired or cancelled.",
    "insufficient_funds": "There is not enough money on the account at Stripe.",
    "lost_or_stolen_card": "The card was reported lost or stolen.",
}
_GROUPS = {"credit": "credit_card", "debit": "debit_card", "prepaid": "prepaid_card"}

# --- Payments ---

_PAYS = {"succeeded": PaymentStatus.SUCCESS, "requires_capture": PaymentStatus.AUTHORIZED}
"""What an intent says that decides, whatever its session says."""
_UNPAID = frozenset({"requires_payment_method", "requires_confirmation"})
"""Of an intent whose session is over: nobody can pay it any more."""
HELD_FOR = timedelta(days=7)
"""How long Stripe holds a card's money, where it does not say it more exactly."""


def reference_in(account: Account, *found: Object) -> str:
    """Our reference as Stripe's objects carry it. Where they differ or are of the other mode it fits no payment."""
    told = {word(thing, "client_reference_id") or word(thing.get("metadata") or {}, PAYMENT) or NONE for thing in found}
    reference = " or ".join(sorted(told))
    is_live = account.mode == Mode.LIVE
    fits = all(thing.get("livemode") is is_live for thing in found)
    return reference if fits else f"{reference} in {'test' if is_live else 'live'} mode"


def session_fact(session: Object, account: Account) -> PaymentFact | Standing:
    """What a session says of an attempt; an event's session has the id of its intent only."""
    intent = session.get("payment_intent")
    order: dict[str, Any] = {"gateway_order_id": wanted(session, "id")}
    if not isinstance(intent, Mapping):
        ids = order | {"gateway_payment_id": word(session, "payment_intent")}
        return _without_intent(session, reference_in(account, session), ids)
    fact = intent_fact(intent, reference_in(account, session, intent), **order)
    if fact.amount is not None:
        return fact
    is_over, standing = session["status"] in ("expired", "complete"), intent["status"]
    if (session["status"] == "expired" and standing == "canceled") or (is_over and standing in _UNPAID):
        return _never_paid(fact, session, intent)
    # Whoever was at the bank's page when his session expired does not come through, but only the intent says so.
    may_be_tried = session["status"] == "open" or standing == "requires_action"
    return Standing.OPEN if may_be_tried else fact


def _without_intent(session: Object, key: str, ids: Object) -> PaymentFact | Standing:
    if session["payment_status"] == "paid":
        return PaymentFact(PaymentStatus.SUCCESS, key, amount=_money(session, "amount_total"), **ids)
    if session["status"] == "expired":
        return _never_paid(PaymentFact(PaymentStatus.PENDING, key, **ids), session, {})
    return Standing.OPEN if session["status"] == "open" else PaymentFact(PaymentStatus.PENDING, key, **ids)


def intent_fact(intent: Object, key: str, **told: Any) -> PaymentFact:
    """What an intent says. Undecided, or declined but to be tried again, it is pending."""
    status = _PAYS.get(intent["status"], PaymentStatus.PENDING)
    charge = intent.get("latest_charge")
    if status is PaymentStatus.SUCCESS:
        told["amount"] = _money(intent, "amount_received")
    elif status is PaymentStatus.AUTHORIZED:
        told["amount"] = _money(intent, "amount_capturable")
        told["approve_by"] = _made_at(intent) + HELD_FOR
    elif intent["status"] == "canceled":
        was_held = intent.get("capture_method") == "manual" and charge and not intent.get("last_payment_error")
        status = PaymentStatus.VOID if was_held else PaymentStatus.CANCELLED
    if isinstance(charge, Mapping):
        told |= _charged(charge, is_held=status is PaymentStatus.AUTHORIZED)
    elif charge:
        told["bank_reference"] = word(intent, "latest_charge")
    return PaymentFact(status, key, gateway_payment_id=wanted(intent, "id"), **told)


def charge_fact(charge: Object, account: Account) -> PaymentFact | None:
    """What a charge that went through says: only it has the card, and until when its money is held."""
    if charge["status"] != "succeeded" or not charge.get("payment_intent"):
        return None
    key = reference_in(account, charge)
    told: dict[str, Any] = {"gateway_payment_id": word(charge, "payment_intent")}
    if charge["captured"]:
        amount = _money(charge, "amount_captured")
        return PaymentFact(PaymentStatus.SUCCESS, key, amount=amount, **told, **_charged(charge, is_held=False))
    if charge["refunded"]:
        return PaymentFact(PaymentStatus.VOID, key, **told)
    amount, details = _money(charge, "amount"), _charged(charge, is_held=True)
    return PaymentFact(PaymentStatus.AUTHORIZED, key, amount=amount, **told, **details)


def _charged(charge: Object, *, is_held: bool) -> dict[str, Any]:
    card = (charge.get("payment_method_details") or {}).get("card") or {}
    told: dict[str, Any] = {
        "bank_reference": wanted(charge, "id"),
        "auth_id": word(card, "authorization_code"),
        "payment_group": _GROUPS.get(word(card, "funding"), ""),
        "happened_at": _made_at(charge),
    }
    if card.get("last4"):
        told["method_details"] = {"card_network": word(card, "brand"), "card_last4": word(card, "last4")}
    if is_held:
        told["approve_by"] = moment(card, "capture_before") or _made_at(charge) + HELD_FOR
    return told


def _never_paid(fact: PaymentFact, session: Object, intent: Object) -> PaymentFact:
    """How an attempt ended that nobody can pay any more: declined at last, left, or ended by us before its time."""
    error = intent.get("last_payment_error")
    if error:
        code, message = DECLINES.get(word(error, "decline_code") or word(error, "code"), _DECLINED)
        return replace(fact, status=PaymentStatus.FAILED, declined=True, error_code=code, message=message)
    if clock.now() < _moment(session, "expires_at"):
        message = "Cancelled before it was paid."
        return replace(fact, status=PaymentStatus.CANCELLED, error_code="cancelled", message=message)
    message = "Nobody paid in time."
    return replace(fact, status=PaymentStatus.USER_DROPPED, error_code="not_completed", message=message)


def cancel_answer(session: Object) -> CancelAnswer:
    """Whether a session can take money any more: not when it has expired, and its intent with it."""
    intent = session.get("payment_intent") or {}
    standing = intent.get("status", "canceled")
    if standing in _PAYS:
        return CancelAnswer.ALIVE
    if session["status"] == "expired" and (standing == "canceled" or standing in _UNPAID):
        return CancelAnswer.DEAD
    # A hold that was released leaves a session that is complete, and nothing to take.
    was_released = session["status"] == "complete" and bool(intent) and standing == "canceled"
    return CancelAnswer.DEAD if was_released else CancelAnswer.UNKNOWN


# --- Refunds ---

_REFUNDS = {
    "pending": RefundStatus.PENDING,
    "requires_action": RefundStatus.ONHOLD,
    "succeeded": RefundStatus.SUCCESS,
    "failed": RefundStatus.FAILED,
    "canceled": RefundStatus.CANCELLED,
}


def refund_fact(refund: Object) -> RefundFact:
    """What a refund says of itself."""
    status = _REFUNDS.get(refund["status"], RefundStatus.PENDING)
    reason = word(refund, "failure_reason")
    card = (refund.get("destination_details") or {}).get("card") or {}
    failed = status is RefundStatus.FAILED
    return RefundFact(
        status,
        word(refund.get("metadata") or {}, REFUND),
        amount=_money(refund, "amount"),
        gateway_refund_id=wanted(refund, "id"),
        bank_reference=word(card, "reference"),
        error_code=(reason or "refund_failed") if failed else "",
        message=_REFUND_FAILURES.get(reason, "The bank did not take the refund.") if failed else "",
        happened_at=_made_at(refund),
    )


def _made_at(told: Object) -> datetime:
    return _moment(told, "created")


def _moment(told: Object, name: str) -> datetime:
    at = moment(told, name)
    if at is None:
        raise ValueError(name)
    return at
