"""An order's page tells its whole story, and every part of it leads to the others."""

import re

import pytest

from payments import clock
from payments.models import Adjustment, AuditEntry, Delivery, Refund, Transfer
from payments.services.audit import record_act
from payments.services.disputes import post_adjustment
from tests.factories import OrderFactory, act, card_request, deliver, held, paid, requested, start
from tests.staff import ADMIN
from tests.staff.conftest import make_staff, signed_in

DECLINED = "4000000000000002"


def _where(row):
    return f"{ADMIN}/{row._meta.model_name}/{row.pk}/change/"


def _page(client, row):
    answer = client.get(_where(row))
    assert answer.status_code == 200
    return answer.content.decode()


def _table(page, key):
    """One table of a page, in words and marks."""
    found = re.search(rf'<h2 id="{key}">.*?</section>', page, re.DOTALL)
    return found[0] if found else ""


def _links(html):
    return set(re.findall(r'href="([^"]+)"', html))


@pytest.fixture
def story(db):
    """An order that was declined once, then paid, refunded in part, adjusted, told of, and looked at by staff."""
    order = OrderFactory(notify_url="https://shop.example.com/hook", customer__reference="asha-7")
    start(order, card_request(DECLINED))
    order.refresh_from_db()
    payment = start(order, card_request(nonce="n2"))
    deliver()
    requested(payment, 10_000)
    by = act(reason="The bank kept a fee.")
    post_adjustment(payment.merchant, -500, "INR", mode="test", by=by, at=clock.now(), payment=payment)
    record_act(
        "refund.change", by, object_type="refund", object_id=Refund.objects.get().uid, order=order, at=clock.now()
    )
    return payment


def test_an_orders_page_has_every_part_with_its_outcome(chief, story):
    page = _page(chief, story.order)
    attempts = _table(page, "payments")
    assert "The bank declined the card" in attempts
    assert "₹299.99" in attempts
    assert {_where(payment) for payment in story.order.payments.all()} <= _links(attempts)
    assert _where(Refund.objects.get()) in _links(_table(page, "refunds"))
    assert "₹100.00" in _table(page, "refunds")
    assert _where(Adjustment.objects.get()) in _links(_table(page, "adjustments"))
    assert "from the merchant" in _table(page, "adjustments")
    told = Delivery.objects.filter(event__order=story.order)
    assert told
    assert {_where(delivery) for delivery in told} <= _links(_table(page, "webhooks"))
    heard = story.gateway_events.all()
    assert heard
    assert {_where(event) for event in heard} <= _links(_table(page, "gateway-events"))
    assert "The bank kept a fee." in _table(page, "acts")
    assert "changed a refund" in _table(page, "acts")
    assert {_where(entry) for entry in AuditEntry.objects.filter(order=story.order)} <= _links(_table(page, "acts"))
    assert _where(story.order.customer) in _links(page)
    assert "nothing yet returned" in page


def test_held_money_is_told_until_when_and_what_became_of_it(chief, db):
    payment = held()
    table = _table(_page(chief, payment.order), "holds")
    assert _where(payment) in _links(table)
    assert "not asked for" in table
    assert 'id="holds"' not in _page(chief, paid().order)


def test_every_part_leads_back(chief, story):
    order, refund = story.order, Refund.objects.get()
    delivery = Delivery.objects.filter(event__order=order, event__payment=story).latest("pk")
    for row, others in (
        (story, [order, refund, delivery, Adjustment.objects.get(), story.gateway_events.first()]),
        (refund, [order, story, AuditEntry.objects.get(act="refund.change")]),
        (delivery, [order, delivery.event]),
        (delivery.event, [order, story, delivery]),
        (story.gateway_events.first(), [order, story]),
        (Adjustment.objects.get(), [order, story]),
        (AuditEntry.objects.get(act="refund.change"), [order, refund]),
    ):
        links = _links(_page(chief, row))
        assert [other for other in others if _where(other) not in links] == [], row


@pytest.mark.parametrize(
    ("model", "query"),
    [("payment", "order__id__exact={0.order_id}"), ("refund", "order__id__exact={0.order_id}"),
     ("transfer", "q={0.order.uid}"), ("order", "customer__id__exact={0.order.customer_id}")],
)  # fmt: skip
def test_links_to_lists_find_what_belongs_to_the_order(chief, story, model, query):
    row = story.order.customer if model == "order" else story.order
    where = f"{ADMIN}/{model}/?{query.format(story)}"
    assert where in _links(_page(chief, row))
    paid()
    listed = {found.pk for found in chief.get(where).context["cl"].result_list}
    mine = {
        "payment": story.order.payments,
        "refund": story.order.refunds,
        "transfer": Transfer.objects.exclude(source_type="payment", source_id__gt=story.pk),
        "order": story.order.customer.orders,
    }[model]
    assert listed == set(mine.values_list("pk", flat=True)) != set()


def test_a_longer_story_says_where_the_rest_is(chief, story):
    for _ in range(21):
        record_act("order.show_link", act(), object_type="order", object_id="x", order=story.order, at=clock.now())
    table = _table(_page(chief, story.order), "acts")
    assert "These are the newest 20." in table
    rest = f"{ADMIN}/auditentry/?q={story.order.uid}"
    assert rest in _links(table)
    assert len(chief.get(rest).context["cl"].result_list) >= 22


def test_nobody_sees_more_by_the_order_than_by_the_parts_themselves(story):
    page = _page(signed_in(make_staff("orders_only", "view_order")), story.order)
    for key in ("payments", "holds", "refunds", "adjustments", "webhooks", "gateway-events", "acts"):
        assert _table(page, key) == ""
    page = _page(signed_in(make_staff("looks", "view_order", "view_payment")), story.order)
    assert _table(page, "payments")
    assert _links(_table(page, "payments")) <= {_where(payment) for payment in story.order.payments.all()}
    assert "The bank kept a fee." not in page
