"""Why an attempt failed, in the customer's words. The exact code is for the merchant; a card tester learns nothing."""

from django.utils.translation import gettext as _

from checkout.hosted.advice import Advice, advice_for
from checkout.hosted.ways import decliner, way_of
from payments.models import Payment
from payments.states import Method, PaymentStatus

Words = tuple[str, str]
"""Heading and advice."""


def is_declined(payment: Payment) -> bool:
    """Whether somebody said no, as against a customer who left or a request that got lost."""
    return payment.status == PaymentStatus.FAILED and payment.error_details.get("source") == ["bank"]


def words_after(payment: Payment) -> Words:
    """What to say after an attempt that ended without money."""
    if payment.status in (PaymentStatus.USER_DROPPED, PaymentStatus.CANCELLED, PaymentStatus.VOID):
        return _unfinished(payment)
    if payment.error_code in _TEST_MODE:
        return _test_mode(payment)
    if is_declined(payment):
        who = decliner(payment)
        heading = _("%(who)s declined this payment") % {"who": who} if who else way_of(payment).declined
        return str(heading), _advice(payment, who)
    if payment.error_code in _NOT_ACCEPTED:
        return _("Your last try was not accepted"), _("This way does not take this order. Please choose another one.")
    if payment.error_details.get("source") == ["gateway"]:
        return _("Your last try did not reach the bank"), _("It was lost on the way. Please try again.")
    return _("Your last try did not go through"), _("Nobody said why. You can try again.")


_TEST_MODE = frozenset({"test_card_required", "test_upi_required"})
_NOT_ACCEPTED = frozenset({"order_refused", "not_supported"})
"""What a gateway never takes: the same again would end the same."""


def _test_mode(payment: Payment) -> Words:
    """The simulator's own no, which no customer with real money ever sees."""
    if payment.error_code == "test_card_required":
        return _("Only test cards work here"), _(
            "This is test mode: the cards that work are under “Test cards and IDs” at the top."
        )
    return _("Only test UPI IDs work here"), _(
        "This is test mode: the IDs that work are under “Test cards and IDs” at the top."
    )


def _unfinished(payment: Payment) -> Words:
    """Nobody said no: the customer chose again, let the time run out, or left."""
    if payment.error_code == "cancelled" or payment.status == PaymentStatus.VOID:
        return _("Your last try is cancelled"), _("Choose below how you would like to pay.")
    if payment.error_code == "not_completed":
        return _("The time for your last try is over"), _("Nobody approved it in time. You can start again below.")
    return _("You left before paying"), _("You can start again below, the same way or another.")


def _advice(payment: Payment, who: str) -> str:
    """One of the four advices, in words that fit the way to pay. They tell no reason."""
    is_card = payment.method == Method.CARD
    match advice_for(payment.error_code):
        case Advice.CHECK if is_card:
            return _("Check the card’s number, date and security code, or use another card.")
        case Advice.CHECK:
            return _("Check what you typed, or pay another way.")
        case Advice.CALL if is_card:
            return _("Your bank didn’t say why. Call it on the number on the card, or use another card.")
        case Advice.CALL if who:
            return _("%(who)s didn’t say why. Ask there, or pay another way.") % {"who": who}
        case Advice.CALL:
            return _("Your bank didn’t say why. Ask there, or pay another way.")
        case Advice.LATER:
            return _("Try again in a few minutes, or pay another way.")
    return _("Another card or another way to pay may work.") if is_card else _("Another way to pay may work.")
