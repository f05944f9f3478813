"""A gateway that decides by published test inputs and keeps a book of its own."""

from django.db import IntegrityError, transaction

from payments import clock
from payments.cards import network_of
from payments.gateways.base import (
    Account,
    Attempt,
    CancelAnswer,
    Card,
    Done,
    Gateway,
    NotSupported,
    Outcome,
    PaymentFact,
    Standing,
)
from payments.gateways.simulator.models import SimulatedPayment
from payments.states import Method, PaymentStatus

APPROVED_CARD = "4242424242424242"
DECLINED_CARDS = {
    "4000000000000002": "card_declined",
    "4000000000009995": "insufficient_funds",
    "4000000000000069": "expired_card",
    "4000000000000127": "incorrect_cvc",
}
NOT_A_TEST_CARD = "test_card_required"

_MESSAGES = {
    "card_declined": "The bank declined the card without a reason.",
    "insufficient_funds": "Not enough money available.",
    "expired_card": "The card has expired.",
    "incorrect_cvc": "The security code is wrong.",
    NOT_A_TEST_CARD: "Refused: only test cards work here.",
    "cancelled": "Cancelled before it was paid.",
}


class Simulator(Gateway):
    """Test mode's gateway. Its documented inputs are in the README."""

    name = "simulator"
    methods = frozenset({Method.CARD})

    def start(self, attempt: Attempt) -> Outcome:
        """Decide a card at once; the same key finds the first decision again."""
        if attempt.card is None:
            raise NotSupported(f"The simulator cannot take {attempt.method} yet.")
        error_code = _decide(attempt.card)
        row = _write(
            attempt.key,
            account_id=attempt.account.id,
            amount_minor=attempt.amount.minor,
            currency=attempt.amount.currency,
            card_network=network_of(attempt.card.number),
            card_last4=attempt.card.number[-4:],
            status=SimulatedPayment.DECLINED if error_code else SimulatedPayment.CAPTURED,
            error_code=error_code,
        )
        return Done(_fact(row))

    def inquire(self, account: Account, key: str) -> PaymentFact | Standing:
        row = SimulatedPayment.objects.filter(account_id=account.id, key=key).first()
        if row is None:
            return Standing.ABSENT
        return Standing.OPEN if row.status == SimulatedPayment.OPEN else _fact(row)

    def cancel(self, account: Account, key: str) -> CancelAnswer:
        """End an attempt; an unknown key gets a tombstone, so that a later start with it is refused."""
        row = _write(
            key,
            account_id=account.id,
            amount_minor=0,
            currency="",
            status=SimulatedPayment.CANCELLED,
            error_code="cancelled",
        )
        open_row = SimulatedPayment.objects.filter(pk=row.pk, status=SimulatedPayment.OPEN)
        if open_row.update(status=SimulatedPayment.CANCELLED, error_code="cancelled"):
            return CancelAnswer.DEAD
        return CancelAnswer.ALIVE if row.status == SimulatedPayment.CAPTURED else CancelAnswer.DEAD


def _decide(card: Card) -> str:
    """The decline code for a card; empty means approved."""
    if card.number == APPROVED_CARD:
        return ""
    return DECLINED_CARDS.get(card.number, NOT_A_TEST_CARD)


def _write(key: str, *, account_id: int, **columns: object) -> SimulatedPayment:
    """Insert the row of this key once; whoever comes second reads what the first wrote."""
    try:
        with transaction.atomic():
            return SimulatedPayment.objects.create(key=key, account_id=account_id, made_at=clock.now(), **columns)
    except IntegrityError:
        return SimulatedPayment.objects.get(key=key, account_id=account_id)


def _fact(row: SimulatedPayment) -> PaymentFact:
    captured = row.status == SimulatedPayment.CAPTURED
    status = {
        SimulatedPayment.CAPTURED: PaymentStatus.SUCCESS,
        SimulatedPayment.DECLINED: PaymentStatus.FAILED,
        SimulatedPayment.CANCELLED: PaymentStatus.CANCELLED,
    }.get(row.status, PaymentStatus.PENDING)
    return PaymentFact(
        status=status,
        key=row.key,
        amount=row.amount if captured else None,
        gateway_payment_id=row.gateway_payment_id,
        bank_reference=row.bank_reference if captured else "",
        auth_id=f"{row.pk % 1_000_000:06d}" if captured else "",
        payment_group="credit_card" if row.card_last4 else "",
        method_details={"card_network": row.card_network, "card_last4": row.card_last4} if row.card_last4 else {},
        declined=row.status == SimulatedPayment.DECLINED,
        error_code=row.error_code,
        message=_MESSAGES.get(row.error_code, ""),
        happened_at=row.made_at,
    )
