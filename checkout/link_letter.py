"""The mail that brings a customer the payment link, in the order's language: plain text, nothing that reports back."""

from django.core.mail import EmailMessage
from django.utils import translation
from django.utils.translation import gettext as _

from checkout.amounts import format_money
from checkout.hosted.times import clock_time, date, zone_words
from checkout.languages import ENGLISH
from checkout.mail import customer_mail
from checkout.speaking import isolated, labelled, language_of
from payments.models import Order
from payments.states import Mode


def link_letter(order: Order, *, link: str) -> EmailMessage:
    """Subject and addresses are single lines, whatever was written in names."""
    with translation.override(language_of(order) or ENGLISH):
        subject = _("%(merchant)s: pay %(amount)s") % _words(order)
        return customer_mail(order, subject=subject, body="\n\n".join(filter(None, _paragraphs(order, link))) + "\n")


def _paragraphs(order: Order, link: str) -> list[str]:
    words = _words(order)
    support_email = order.merchant.support_email
    return [
        _("Hello %(name)s,") % {"name": order.customer_name} if order.customer_name else _("Hello,"),
        _("This is a test: no real money moves.") if order.mode == Mode.TEST else "",
        _("%(merchant)s asks you to pay %(amount)s.") % words,
        labelled(_("For"), order.note) if order.note else "",
        labelled(_("Order"), order.order_id),
        _("You can pay until %(moment)s (%(zone)s):") % words + f"\n{link}",
        _("The same link shows at any time whether it is paid. Opening it takes nothing. Do not pass it on."),
        _("Questions? Write to %(email)s.") % {"email": support_email} if support_email else "",
        _("If you did not expect this, do nothing: no money is taken by itself."),
    ]


def _words(order: Order) -> dict[str, str]:
    merchant = order.merchant
    end = {"time": clock_time(order.expires_at, merchant.time_zone), "date": date(order.expires_at, merchant.time_zone)}
    return {
        "merchant": isolated(merchant.name),
        "amount": format_money(order.amount_minor, order.currency),
        "moment": _("%(time)s on %(date)s") % end,
        "zone": zone_words(merchant.time_zone),
    }
