"""Mail to staff about what stopped by itself."""

import logging
from datetime import datetime, timedelta
from smtplib import SMTPException
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage

from payments.models import Endpoint
from payments.services.calls import refuse_open_transaction

AGAIN_AFTER = timedelta(minutes=10)
log = logging.getLogger("till.notices")


def tell_of_endpoint(endpoint_pk: int, *, at: datetime) -> bool:
    """Mail staff that an endpoint was switched off; false if that was not ours to do now.

    Told once at least: while it is on its way it is due again after a pause, and so it is if the mail server is down.
    """
    again = at + AGAIN_AFTER
    if Endpoint.objects.filter(pk=endpoint_pk, notice_due_at__lte=at).update(notice_due_at=again) != 1:
        return False
    endpoint = Endpoint.objects.select_related("merchant").get(pk=endpoint_pk)
    if endpoint.disabled_at is not None and not _send(endpoint):
        return True
    Endpoint.objects.filter(pk=endpoint_pk, notice_due_at=again).update(notice_due_at=None)
    return True


def _send(endpoint: Endpoint) -> bool:
    """Whether the mail server took it, or nobody is to be told."""
    host = urlsplit(endpoint.url).hostname
    log.warning("endpoint %s (%s) was switched off: %s", endpoint.uid, host, endpoint.disabled_reason)
    if not settings.STAFF_NOTICE_EMAILS:
        return True
    mail = EmailMessage(
        subject=f"Till: webhooks to {host} are switched off",
        body=_body(endpoint, host),
        to=settings.STAFF_NOTICE_EMAILS,
    )
    refuse_open_transaction()
    try:
        mail.send()
    except (OSError, SMTPException) as fault:
        log.error("the notice about endpoint %s was not taken: %s", endpoint.uid, type(fault).__name__)  # noqa: TRY400
        return False
    return True


def _body(endpoint: Endpoint, host: str | None) -> str:
    lines = [
        f"Till sends no more webhooks of {endpoint.merchant.name} "
        f"(org_id {endpoint.merchant.org_id}, {endpoint.mode}) to {host}.",
        "",
        f"Why: {endpoint.disabled_reason}",
        f"Failing since: {_when(endpoint.failing_since)}",
        f"Switched off: {_when(endpoint.disabled_at)}",
        "",
        f"Tell the merchant. Every event is kept, and every try can be read in the admin: {settings.PUBLIC_URL}/admin/",
    ]
    return "\n".join(lines) + "\n"


def _when(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else "not known"
