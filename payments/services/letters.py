"""Mail to customers about their money: noted on the order in the statement that numbers the event, sent by the worker.

Who writes it is named in the settings (CUSTOMER_LETTERS): the core knows neither words nor templates.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from smtplib import SMTPRecipientsRefused
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.db.models import F, Value
from django.db.models.functions import Coalesce
from django.utils.module_loading import import_string

from payments.models import Event, Order
from payments.services.calls import refuse_open_transaction
from payments.states import OrderStatus, RefundStatus

TOLD = frozenset(
    {
        f"order.{OrderStatus.PAID}",
        f"refund.{RefundStatus.PENDING}",
        f"refund.{RefundStatus.SUCCESS}",
        f"refund.{RefundStatus.FAILED}",
        f"refund.{RefundStatus.CANCELLED}",
    }
)
"""Kinds of events of which customers may be told. The letter's writer decides, by what is true when it is written."""
LEASE = timedelta(minutes=10)
SHORTEST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=6)
GIVEN_UP_AFTER = timedelta(days=3)
log = logging.getLogger("till.mail")


def due_columns(order: Order, *, kind: str, number: int, at: datetime) -> dict[str, Any]:
    """What to store on the order with an event, so that its customer is told: nothing if there is nobody to tell.

    What is due already stays as it is, so that nobody else begins while one worker sends.
    """
    if kind not in TOLD or not order.customer_email:
        return {}
    return {
        "mail_due_at": Coalesce(F("mail_due_at"), Value(at)),
        "mail_from": Coalesce(F("mail_from"), Value(number)),
    }


def tell_customer(order_pk: int, *, at: datetime) -> bool:
    """Send what is due of one order, oldest first; false if that was not ours to do now.

    Each mail is sent once; once more only where a worker died between sending it and noting that.
    """
    lease = at + LEASE
    if Order.objects.filter(pk=order_pk, mail_due_at__lte=at).update(mail_due_at=lease) != 1:
        return False
    ours = Order.objects.filter(pk=order_pk, mail_due_at=lease)
    order = ours.select_related("merchant").get()
    for event in _untold(order):
        if not _send(event, at=at):
            ours.update(mail_due_at=at + _pause(event, at=at))
            return True
        if ours.update(mail_from=event.sequence + 1) != 1:
            return True  # it took longer than the lease, and is another worker's now
    # An event that was written meanwhile has found the lease: it is due at once.
    if ours.filter(last_sequence=order.last_sequence).update(mail_due_at=None, mail_from=None) != 1:
        ours.update(mail_due_at=at, mail_from=order.last_sequence + 1)
    return True


def _untold(order: Order) -> list[Event]:
    if not order.merchant.mail_receipts:
        return []
    numbers = (order.mail_from, order.last_sequence)
    told = order.events.filter(kind__in=TOLD, sequence__range=numbers)
    return list(told.select_related("order__merchant", "refund__payment").order_by("sequence"))


def _send(event: Event, *, at: datetime) -> bool:
    """Whether we are done with it: the mail server took it, there is nothing to say, or it is no use to try again."""
    write: Callable[..., EmailMessage | None] = import_string(settings.CUSTOMER_LETTERS)
    letter = write(event, at=at)
    if letter is None:
        return True
    refuse_open_transaction()
    try:
        letter.send()
    except (OSError, ValueError) as fault:  # what smtplib raises is an OSError, a header that cannot be a ValueError
        ends = _is_final(fault) or event.at + GIVEN_UP_AFTER <= at
        what = "given up" if ends else "tried again later"
        log.error("mail about %s of %s is %s: %s", event.kind, event.order.uid, what, type(fault).__name__)  # noqa: TRY400
        return ends
    return True


def _is_final(fault: Exception) -> bool:
    """Whether the next try would end the same: the address is refused for good, or can be no address."""
    if isinstance(fault, SMTPRecipientsRefused):
        return all(code >= 500 for code, _ in fault.recipients.values())
    return isinstance(fault, ValueError)


def _pause(event: Event, *, at: datetime) -> timedelta:
    """As long again as it has waited already, within limits."""
    return min(max(at - event.at, SHORTEST_PAUSE), LONGEST_PAUSE)
