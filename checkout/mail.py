"""Mail where there is no mail server."""

import logging
from collections.abc import Sequence

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

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


def has_server() -> bool:
    """Whether mail goes out: what only stands in the log may not be called sent."""
    return f"{LogBackend.__module__}.{LogBackend.__qualname__}" != settings.EMAIL_BACKEND
