"""Why an attempt failed, in the customer's words. The exact code is for the merchant; a card tester learns nothing."""

from django.utils.translation import gettext as _

from payments.models import Payment
from payments.states import PaymentStatus


def declined_words(payment: Payment) -> tuple[str, str]:
    """Heading and advice after an attempt that ended without money."""
    if payment.status in (PaymentStatus.USER_DROPPED, PaymentStatus.CANCELLED):
        return _("You left before paying"), _("Nobody completed the last try. You can start again below.")
    if payment.error_details.get("source") == ["gateway"]:
        return _("Your last try did not reach the bank"), _("It was lost on the way. Please try again.")
    if payment.error_code == "test_card_required":
        return _("Only test cards work here"), _(
            "This is test mode: the cards that work are under “Test cards” at the top."
        )
    if payment.error_details.get("source") == ["bank"]:
        return _("Your bank declined this card"), _advice(payment)
    return _("Your last try did not go through"), _("Nobody said why. You can try again.")


def _advice(payment: Payment) -> str:
    """One of four: another card, check the details, call the bank, try later."""
    last4 = payment.method_details.get("card_last4", "")
    if payment.error_code == "insufficient_funds":
        return _("There isn’t enough money available on the card ending %(last4)s. Another card may work.") % {
            "last4": last4
        }
    if payment.error_code in ("expired_card", "incorrect_cvc"):
        return _("Check the card’s number, date and security code, or use another card.")
    return _("Your bank didn’t say why. Call it on the number on the card, or use another card.")
