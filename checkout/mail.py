"""What all mail to customers has, and mail where there is no mail server."""

import logging
from collections.abc import Mapping, Sequence

from django.conf import settings
from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.core.mail.backends.base import BaseEmailBackend
from django.utils.translation import gettext as _

from checkout.speaking import now_spoken
from payments.models import Order
from payments.states import Mode

log = logging.getLogger("till.mail")


class LogBackend(BaseEmailBackend):
    """Write mail to the log, masked like all that is written there: nothing is lost for want of a server."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        for mail in email_messages:
            log.warning("no EMAIL_URL, so this mail is only written here: %s: %s", mail.subject, mail.body)
        return len(email_messages)


def one_line(text: str) -> str:
    """Fit for a header, whatever was written in names."""
    return " ".join(text.split())


def customer_mail(
    order: Order, *, subject: str, body: str, headers: Mapping[str, str] | None = None
) -> EmailMultiAlternatives:
    """A mail to an order's customer in the language spoken now; answers go to the merchant."""
    subject = _("[Test] %(subject)s") % {"subject": subject} if order.mode == Mode.TEST else subject
    support = order.merchant.support_email
    return EmailMultiAlternatives(
        subject=one_line(subject),
        body=body.replace("\u00a0", " "),
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[one_line(order.customer_email)],
        reply_to=[one_line(support)] if support else [],
        headers={"Content-Language": now_spoken(), **(headers or {})},
    )


def has_server() -> bool:
    """Whether mail goes out: what only stands in the log may not be called sent."""
    return f"{LogBackend.__module__}.{LogBackend.__qualname__}" != settings.EMAIL_BACKEND
