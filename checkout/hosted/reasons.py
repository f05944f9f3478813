"""Why an attempt failed, in the customer's words. The exact code is for the merchant; a card tester learns nothing."""

from django.utils.translation import gettext as _

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
    if payment.status in (PaymentStatus.USER_DROPPED, PaymentStatus.CANCELLED):
        return _unfinished(payment)
    if payment.error_code == "order_refused":
        return _("Your last try was not accepted"), _("This way does not take this order. Please choose another one.")
    if payment.error_details.get("source") == ["gateway"]:
        return _("Your last try did not reach the bank"), _("It was lost on the way. Please try again.")
    if payment.error_code == "test_card_required":
        return _("Only test cards work here"), _(
            "This is test mode: the cards that work are under “Test cards and IDs” at the top."
        )
    if payment.error_code == "test_upi_required":
        return _("Only test UPI IDs work here"), _(
            "This is test mode: the IDs that work are under “Test cards and IDs” at the top."
        )
    if is_declined(payment):
        who = decliner(payment) or _("Your bank")
        return way_of(payment).declined % {"who": who}, _advice(payment, who)
    return _("Your last try did not go through"), _("Nobody said why. You can try again.")


def _unfinished(payment: Payment) -> Words:
    """Nobody said no: the customer chose again, let the time run out, or left."""
    if payment.error_code == "cancelled":
        return _("Your last try is cancelled"), _("Choose below how you would like to pay.")
    if payment.error_code == "not_completed":
        return _("The time for your last try is over"), _("Nobody approved it in time. You can start again below.")
    return _("You left before paying"), _("You can start again below, the same way or another.")


def _advice(payment: Payment, who: str) -> str:
    """What may help: another card, checking the details, another way, a call."""
    if payment.error_code == "authentication_failed":
        return _("The code was wrong too often. Start again, or pay another way.")
    if payment.method != Method.CARD:
        return _("%(who)s didn’t say why. Ask there, or pay another way.") % {"who": who}
    if payment.error_code == "insufficient_funds":
        return _("There isn’t enough money available on the card ending %(last4)s. Another card may work.") % {
            "last4": payment.method_details.get("card_last4", "")
        }
    if payment.error_code in ("expired_card", "incorrect_cvc"):
        return _("Check the card’s number, date and security code, or use another card.")
    return _("Your bank didn’t say why. Call it on the number on the card, or use another card.")
