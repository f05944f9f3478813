"""What hands do on the pages of a deed: fill in, read, confirm, and look at what came of it."""

import re

from django.contrib.messages import get_messages

from payments import clock
from payments.models import AuditEntry, Payment, Refund
from payments.money import Money
from payments.services.orders import create_order
from payments.services.payments import start_payment
from tests.factories import card_request, new_order
from tests.staff import ADMIN

WHY = "The customer sent it back"


def page_of(row):
    return f"{ADMIN}/{row._meta.model_name}/{row.pk}/change/"


def door(row, deed):
    return f"{ADMIN}/{row._meta.model_name}/{row.pk}/{deed}/"


def fill_in(client, row, deed, **typed):
    """Send the first form: the answer is the page that asks to confirm, or the form again with what is wrong."""
    return client.post(door(row, deed), {"reason": WHY, **typed})


def token_of(answer):
    """What the page that asks to confirm carries."""
    assert answer.status_code == 200, problems(answer)
    return answer.context["token"]


def confirm(client, row, deed, token, **more):
    return client.post(door(row, deed), {"confirmed": token, **more})


def do(client, row, deed, **typed):
    """Both pages; the words on the row's page afterwards."""
    return told(confirm(client, row, deed, token_of(fill_in(client, row, deed, **typed))), row)


def told(answer, row):
    """The newest message that the row's page will show."""
    assert answer.status_code == 302, problems(answer)
    assert answer["Location"] == page_of(row)
    return str(list(get_messages(answer.wsgi_request))[-1])


def problems(answer):
    """Everything a form's page complains of, as text."""
    page = answer.content.decode()
    found = re.findall(r'<(?:p|ul) class="(?:errornote|errorlist)[^>]*>(.*?)</(?:p|ul)>', page, re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", text).strip() for text in found)


def buttons(client, row):
    """The deeds that a row's page offers."""
    return re.findall(rf'<a href="{door(row, "([a-z-]+)")}">', client.get(page_of(row)).content.decode())


def acts():
    """What was recorded: act, actor, reason."""
    return list(AuditEntry.objects.order_by("pk").values_list("act", "actor__username", "reason"))


def snapshot():
    """Everything money acts could have changed."""
    return [list(model.objects.order_by("pk").values()) for model in (Payment, Refund, AuditEntry)]


def pay(merchant, amount_minor=29_999, *, currency="INR", held=False):
    """A payment at the real simulator: taken, or held for somebody to capture."""
    new = new_order(amount=Money(amount_minor, currency), manual_capture=held)
    order = create_order(new, merchant=merchant, mode="test", at=clock.now())
    return start_payment(order.pk, card_request(), at=clock.now())
