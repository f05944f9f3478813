"""What an order's page says of its money, held against the ledger and the gateway's own book.

The page is fetched as a customer fetches it; neither the pages' code nor the selectors are asked what is true.
"""

import re

from django.db.models import Sum
from django.test import Client

from payments.gateways.simulator.models import SimulatedPayment, SimulatedRefund
from payments.models import Payment, Refund, Transfer
from tests.hosted.customer import text_of

SENTENCE = re.compile(r'<p class="sentence">(.*?)</p>', re.DOTALL)
SAYS = {
    "nothing": r"[Nn]othing (has been|was) taken",
    "once": r"was taken, once\.",
    "held": r"is held by your bank, not taken",
    "releasing": r"is being released by your bank, not taken",
    "unknown": r"don’t know yet if this was taken",
    "taken": r"₹[\d,.]+ was taken(?! and has|, once)",
    "going": r"(is|are) being returned to you",
    "back": r"went back to you|was returned to you on",
    "owed": r"has to go back|looking into",
}
FIRST_AMOUNT = re.compile(r"₹([\d,]+)\.(\d\d)")


class Book:
    """The gateway's side of an order, and the ledger's."""

    def __init__(self, order):
        self.ours = list(Payment.objects.filter(order=order))
        self.rows = list(SimulatedPayment.objects.filter(key__in=[row.gateway_key for row in self.ours]))
        self.refunds = list(SimulatedRefund.objects.filter(payment__in=self.rows))
        self.sent = list(Refund.objects.filter(order=order, sent_at__isnull=False))
        self.captured = [row for row in self.rows if row.status == SimulatedPayment.CAPTURED]
        self.held = [row for row in self.rows if row.status == SimulatedPayment.HELD]

    @property
    def taken_minor(self):
        return sum(row.captured_minor for row in self.captured)

    @property
    def back_minor(self):
        """What the gateway gave back, whether or not the customer's bank then sent it back to us."""
        gone = (SimulatedRefund.DONE, SimulatedRefund.FAILED)
        return sum(row.amount_minor for row in self.refunds if row.status in gone)

    @property
    def booked_minor(self):
        """What the ledger has as taken by the gateway for this order."""
        taken = Transfer.objects.filter(source_type=Transfer.PAYMENT, source_id__in=[row.pk for row in self.ours])
        taken = taken.filter(debit__kind="gateway_receivable")
        return taken.aggregate(sum=Sum("amount_minor"))["sum"] or 0

    @property
    def unknown_to_us(self):
        """Captures in the book that no row of ours has."""
        known = {row.gateway_key for row in self.ours if row.status == "success"}
        return [row for row in self.captured if row.key not in known]


def lies_of(order):
    """What the page of an order says that is not so, in the names of the rules below; nothing where all is true."""
    page = Client().get(f"/checkout/{order.session_id}")
    sentences = SENTENCE.findall(page.content.decode())
    if len(sentences) != 1:
        return [f"{len(sentences)} sentences: {text_of(page)}"]
    said = sentences[0].replace("\xa0", " ")
    says = {name for name, words in SAYS.items() if re.search(words, said)}
    book = Book(order)
    rules = {**_about_what_is_untaken(says, book), **_about_what_was_taken(says, book, said)}
    rules["a known sentence"] = bool(says)
    return [f"{name}: {said}" for name, holds in rules.items() if not holds]


def _about_what_is_untaken(says, book):
    is_paid = any(row.capture_kind == "normal" for row in book.ours)
    is_out = any(row.status == "pending" for row in book.ours)
    is_unclear = any(row.money_unclear for row in book.ours)
    return {
        "nothing only if the book has nothing": "nothing" not in says or not (book.captured or book.booked_minor),
        "nothing only if nothing is held": "nothing" not in says or not book.held,
        "nothing only if no attempt is out": "nothing" not in says or not (is_out or is_unclear),
        "held only if the book holds": "held" not in says or len(book.held) == 1,
        "released is not taken": "releasing" not in says or not book.unknown_to_us,
        "unknown is said where an attempt is out": is_paid or not is_out or says == {"unknown"},
        "unknown is said where the book knows more": is_paid or not book.unknown_to_us or says == {"unknown"},
        "unknown only if we do not know": "unknown" not in says or is_out or is_unclear or _is_deciding(book),
    }


def _is_deciding(book):
    """Whether a hold is not for people to decide, or its capture or void is on its way."""
    return any(row.status == "authorized" for row in book.ours)


def _about_what_was_taken(says, book, said):
    taking = says & {"once", "taken", "going", "back", "owed"}
    first = FIRST_AMOUNT.match(said)
    amount = int(first[1].replace(",", "") + first[2]) if first else 0
    sent = [row for row in book.sent if row.status in ("pending", "onhold", "success")]
    return {
        "money only if the book has it": not taking or bool(book.captured),
        "money is as in the ledger": book.booked_minor
        == book.taken_minor - sum(row.captured_minor for row in book.unknown_to_us),
        "once only if once": "once" not in says or (len(book.captured), amount, book.sent) == (1, book.taken_minor, []),
        "once only if nothing else may come": "once" not in says or not book.held,
        "taken is not more than was": "taken" not in says or amount <= book.taken_minor,
        "going only if sent": "going" not in says or any(row.status in ("pending", "onhold") for row in book.sent),
        "back only if the book gave it": "back" not in says or book.back_minor > 0,
        "owed only if not all went back": "owed" not in says or sum(r.amount_minor for r in sent) < book.taken_minor,
        "what went back is told": not any(r.status == "success" for r in book.sent)
        or "back" in says
        or "owed" in says
        or "unknown" in says,
    }
