"""The mail that brings a customer the payment link: plain text, nothing that reports back."""

import logging
from datetime import timedelta

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.utils import translation

from checkout.amounts import format_money
from checkout.hosted.times import clock_time, date, zone_words
from checkout.mail import has_server, one_line
from checkout.payment_link import payment_link
from payments import clock
from payments.ids import mask_session_id
from payments.models import AuditEntry, Order
from payments.selectors import OrderState, order_state
from payments.services.audit import Act, record_act
from payments.services.orders import lock_order
from payments.states import Mode

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


def mail_of(order: Order, *, link: str) -> EmailMessage:
    """The mail in English: we do not know which language the customer reads.

    Subject and addresses are single lines, whatever was written in names.
    """
    merchant = order.merchant
    with translation.override("en"):
        amount = format_money(order.amount_minor, order.currency)
        until = f"{clock_time(order.expires_at, merchant.time_zone)} on {date(order.expires_at, merchant.time_zone)}"
        zone = zone_words(merchant.time_zone)
    is_test = order.mode == Mode.TEST
    paragraphs = [
        f"Hello {order.customer_name}," if order.customer_name else "Hello,",
        "This is a test: no real money moves." if is_test else "",
        f"{merchant.name} asks you to pay {amount}.",
        f"For: {order.note}" if order.note else "",
        f"Order: {order.order_id}",
        f"You can pay until {until} ({zone}):\n{link}",
        "The same link shows at any time whether it is paid. Opening it takes nothing. Do not pass it on.",
        f"Questions? Write to {merchant.support_email}." if merchant.support_email else "",
        "If you did not expect this, do nothing: no money is taken by itself.",
    ]
    subject = f"{'[Test] ' if is_test else ''}{merchant.name}: pay {amount}"
    return EmailMessage(
        subject=one_line(subject),
        body="\n\n".join(filter(None, paragraphs)).replace("\u00a0", " ") + "\n",
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[one_line(order.customer_email)],
        reply_to=[one_line(merchant.support_email)] if merchant.support_email else [],
    )


def preview(order: Order) -> EmailMessage:
    """The mail as it will be, its link masked."""
    return mail_of(order, link=payment_link(order).replace(order.session_id, mask_session_id(order.session_id)))


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
        mail_of(order, link=payment_link(order)).send()
    except (OSError, ValueError) as fault:  # what smtplib raises is an OSError, a header that cannot be a ValueError
        log.error("the payment link of %s was not e-mailed: %s", order.uid, type(fault).__name__)  # noqa: TRY400
        raise NotMailed(
            f"The mail server did not take the mail ({type(fault).__name__}), so it does not count as sent. "
            "Try again later, or copy the link."
        ) from None
    with transaction.atomic():
        record_act("order.link_mailed", by, object_type="order", object_id=order.uid, order=order, at=clock.now())
    return order
