"""What customers are told of their money by mail: the receipt, and each refund. The words are those of the pages.

A letter says what is true when it is written, and holds no link: whoever reads the mail later needs no session.
"""

from dataclasses import dataclass
from datetime import datetime
from html import unescape
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.html import strip_tags
from django.utils.translation import gettext as _

from checkout.hosted.money import arrival_words
from checkout.hosted.page import Row, amount_text
from checkout.hosted.receipt import paid_page
from checkout.hosted.times import date, stamp, zone_words
from checkout.hosted.ways import used
from checkout.languages import ENGLISH
from checkout.mail import customer_mail
from checkout.speaking import isolated, language_of
from payments.models import Event, Order, Refund
from payments.selectors import order_state
from payments.states import REFUND_SENT, Mode, RefundStatus


@dataclass(frozen=True, slots=True)
class Letter:
    """The parts of a mail: `sentence` says where the money is, `next_line` what to expect, perhaps with markup."""

    subject: str
    heading: str
    sentence: str
    next_line: str
    rows: list[Row]

    @property
    def next_text(self) -> str:
        return unescape(strip_tags(self.next_line)) if hasattr(self.next_line, "__html__") else self.next_line


def letter_of(event: Event, *, at: datetime) -> EmailMultiAlternatives | None:
    """The mail about an event, or None if its customer need not hear of it, or will hear of what came after it.

    It is written in the order's language, else the merchant's, else English.
    """
    with translation.override(language_of(event.order) or ENGLISH):
        letter = _of_refund(event, event.refund, at=at) if event.refund else _receipt(event.order, at=at)
        return _mail(event, letter) if letter else None


def _receipt(order: Order, *, at: datetime) -> Letter | None:
    """What the paid page says."""
    page = paid_page(order_state(order, at=at), stay=True)
    slip = page.slip
    if slip is None:
        return None
    subject = _("Receipt for %(amount)s: %(merchant)s") % {
        "amount": slip.amount.text,
        "merchant": isolated(order.merchant.name),
    }
    return Letter(subject, page.heading, slip.sentence, slip.next_line, slip.rows)


def _of_refund(event: Event, refund: Refund, *, at: datetime) -> Letter | None:
    """That it was sent, went back, or did not arrive; nothing of one that was called off before it was sent."""
    is_sent = event.new == RefundStatus.PENDING
    is_true_still = refund.status == event.new or (is_sent and refund.status in REFUND_SENT)
    was_called_off = event.old == RefundStatus.REQUESTED and not is_sent
    if was_called_off or not is_true_still:
        return None
    order, zone = event.order, event.order.merchant.time_zone
    words = {"amount": amount_text(refund.amount), "merchant": isolated(order.merchant.name)}
    if refund.status in REFUND_SENT:
        subject = _("%(amount)s is being returned to you: %(merchant)s")
        heading, sentence = _("We are sending your money back"), _("%(amount)s is being returned to you.")
        next_line = arrival_words(order_state(order, at=at), [refund])
    elif refund.status == RefundStatus.SUCCESS:
        subject = _("%(amount)s went back to you: %(merchant)s")
        heading, sentence = _("Your money went back to you"), _("%(amount)s was returned to you on %(date)s.")
        words["date"] = date(refund.completed_at or event.at, zone)
        next_line = _("Your bank may need a few days to show that.")
    else:
        subject = _("%(amount)s did not reach you: %(merchant)s")
        heading, sentence = _("Your refund did not go through"), _("%(amount)s did not reach you.")
        next_line = _("%(merchant)s can send it again: ask them.") % words
        if refund.is_automatic:
            next_line = _("It still has to go back to you, and we are looking into it.")
    return Letter(subject % words, heading, sentence % words, next_line, _refund_rows(refund, order))


def _refund_rows(refund: Refund, order: Order) -> list[Row]:
    zone = order.merchant.time_zone
    rows = [Row(_("From"), order.merchant.name), Row(_("Order"), order.order_id)]
    rows.append(Row(_("Refund of %(amount)s") % {"amount": amount_text(refund.amount)}, refund.refund_id))
    if order.mode == Mode.TEST:
        rows.append(Row(_("Test payment"), _("no real money moved")))
    rows.append(Row(_("Was paid with"), used(refund.payment)))
    if refund.bank_reference:
        rows.append(Row(_("Bank reference"), refund.bank_reference))
    if refund.sent_at:
        rows.append(Row(_("Sent on"), f"{stamp(refund.sent_at, zone)} ({zone_words(zone)})"))
    return rows


def _mail(event: Event, letter: Letter) -> EmailMultiAlternatives:
    order = event.order
    is_test, support = order.mode == Mode.TEST, order.merchant.support_email
    values = {"letter": letter, "is_test": is_test, "support_email": support, "merchant": isolated(order.merchant.name)}
    mail = customer_mail(
        order,
        subject=letter.subject,
        body=render_to_string("mail/letter.txt", values),
        headers={
            # The same at each try, so that a mail sent twice can be told from two.
            "Message-ID": f"<{order.uid}.{event.sequence}@{urlsplit(settings.PUBLIC_URL).hostname}>",
            "Auto-Submitted": "auto-generated",
        },
    )
    mail.attach_alternative(render_to_string("mail/letter.html", values), "text/html")
    return mail
