"""Sending a customer the payment link by mail: not too often, and kept with who did it."""

import logging
from datetime import timedelta

from django.core.mail import EmailMessage
from django.db import transaction

from checkout.link_letter import link_letter
from checkout.mail import has_server
from checkout.payment_link import payment_link
from payments import clock
from payments.ids import mask_session_id
from payments.models import AuditEntry, Order
from payments.selectors import OrderState, order_state
from payments.services.audit import Act, record_act
from payments.services.orders import lock_order

TRIES_PER_HOUR = 3
log = logging.getLogger("till.mail")


class NotMailed(Exception):
    """No mail was sent; the text says why, and what to do instead."""


def why_no_mail(state: OrderState) -> str:
    """Why the link cannot be e-mailed now, or nothing."""
    if not has_server():
        return "No mail server is set (EMAIL_URL), so nothing can be e-mailed: copy the link instead."
    if not state.order.customer_email:
        return "This order has no e-mail address of its customer: copy the link instead."
    if not state.takes_attempts:
        return "This order cannot be paid now, so there is nothing to send."
    lately = AuditEntry.objects.filter(order=state.order, act="order.mail_link", at__gt=state.at - timedelta(hours=1))
    if lately.count() >= TRIES_PER_HOUR:
        return f"This was done {TRIES_PER_HOUR} times within an hour, which is the most: try again later."
    return ""


def preview(order: Order) -> EmailMessage:
    """The mail as it will be, its link masked."""
    return link_letter(order, link=payment_link(order).replace(order.session_id, mask_session_id(order.session_id)))


def mail_link(order_pk: int, *, by: Act) -> Order:
    """Send the mail. The try is recorded first, and that it was sent afterwards: the server is asked outside of both.

    Raises NotMailed.
    """
    at = clock.now()
    with transaction.atomic():
        order = lock_order(order_pk)
        refusal = why_no_mail(order_state(order, at=at))
        if refusal:
            raise NotMailed(refusal)
        record_act("order.mail_link", by, object_type="order", object_id=order.uid, order=order, at=at)
    try:
        link_letter(order, link=payment_link(order)).send()
    except (OSError, ValueError) as fault:  # what smtplib raises is an OSError, a header that cannot be a ValueError
        log.error("the payment link of %s was not e-mailed: %s", order.uid, type(fault).__name__)  # noqa: TRY400
        raise NotMailed(
            f"The mail server did not take the mail ({type(fault).__name__}), so it does not count as sent. "
            "Try again later, or copy the link."
        ) from None
    with transaction.atomic():
        record_act("order.link_mailed", by, object_type="order", object_id=order.uid, order=order, at=clock.now())
    return order
