"""The list of refunds and the page of each: what they say, and that nobody edits them."""

import re

import pytest

from payments import clock
from payments.models import Refund
from payments.money import Money
from payments.services.audit import Act
from payments.services.refunds import NewRefund
from payments.services.sending import refund_payment
from tests.staff import ADMIN
from tests.staff.conftest import make_staff, signed_in
from tests.staff.deeds import do, page_of, pay, snapshot


@pytest.fixture
def taken(merchant):
    merchant.one_person_refund_minor = 5_000
    merchant.save()
    return pay(merchant)


@pytest.fixture
def asking(db):
    return make_staff("asha", "view_payment", "view_refund", "add_refund")


@pytest.fixture
def checker(db):
    return signed_in(make_staff("ravi", "view_payment", "view_refund", "change_refund"))


@pytest.fixture
def waiting(taken, asking):
    """₹100.00 of ₹299.99 that asha asked for."""
    new = NewRefund(Money(10_000, "INR"), note="Broken")
    return refund_payment(taken.pk, new, at=clock.now(), by=Act(asking.pk, "Asked on the phone"))


def test_nobody_adds_edits_or_deletes_a_refund(chief, waiting):
    before = snapshot()
    assert chief.get(f"{ADMIN}/refund/add/").status_code == 403
    assert chief.post(page_of(waiting), {"amount_minor": "1", "status": "success"}).status_code == 403
    assert chief.post(f"{ADMIN}/refund/{waiting.pk}/delete/", {"post": "yes"}).status_code == 403
    assert 'name="_save"' not in chief.get(page_of(waiting)).content.decode()
    assert snapshot() == before


def test_the_queue_is_a_filter(checker, waiting, taken):
    done = refund_payment(taken.pk, NewRefund(Money(100, "INR")), at=clock.now())
    flying = refund_payment(taken.pk, NewRefund(Money(193, "INR")), at=clock.now())

    def listed(query):
        page = checker.get(f"{ADMIN}/refund/?{query}")
        return [row.pk for row in page.context["cl"].result_list]

    assert listed("") == [flying.pk, done.pk, waiting.pk]
    assert listed("queue=approval") == [waiting.pk]
    assert listed("queue=gateway") == [flying.pk]
    assert listed("queue=over") == [done.pk]
    assert listed("status__exact=success") == [done.pk]
    assert listed("mode__exact=live") == []
    assert listed(f"merchant__id__exact={taken.merchant_id}") == [flying.pk, done.pk, waiting.pk]
    for term in (waiting.uid, waiting.refund_id, waiting.gateway_key):
        assert listed(f"q={term}") == [waiting.pk]
    assert len(listed(f"q={taken.uid}")) == len(listed(f"q={taken.order.order_id}")) == 3
    page = checker.get(f"{ADMIN}/refund/").content.decode()
    assert page.index("waits for approval") < page.index("By status")
    assert "the merchant, by API" in page


def test_its_page_says_everything(chief, waiting):
    page = chief.get(page_of(waiting)).content.decode()
    for words in (waiting.uid, waiting.gateway_key, "₹100.00", "asha", "Broken", "not yet", "refund.requested"):
        assert words in page
    assert page_of(waiting.payment) in page
    assert page_of(waiting.order) in page
    do(chief, waiting, "approve")
    page = chief.get(page_of(waiting)).content.decode()
    for words in (
        "refund sent",
        "refund done",
        "refunds in transit",
        "refund.success",
        Refund.objects.get(pk=waiting.pk).bank_reference,
    ):
        assert words in page


def test_money_that_goes_back_by_itself_says_so(chief, taken):
    Refund.objects.bulk_create(
        [
            Refund(
                uid="refund_x", payment=taken, order=taken.order, merchant=taken.merchant, mode="test", refund_id="r_1",
                gateway_key="k_1", amount_minor=1, currency="INR", status="failed", is_automatic=True,
                requested_at=clock.now(), message="<b>no</b>",
            )
        ]
    )  # fmt: skip
    page = chief.get(page_of(Refund.objects.get())).content.decode()
    assert "yes: late or surplus money" in page
    assert "nobody: it goes back by itself" in page
    assert "<b>no</b>" not in page


def test_the_payment_lists_its_refunds_and_transfers(chief, waiting, taken):
    page = chief.get(page_of(taken)).content.decode()
    assert f'<a href="{page_of(waiting)}">{waiting.uid}</a>' in page
    assert "gateway receivable" in page
    nobody = signed_in(make_staff("narrow", "view_payment"))
    narrow = nobody.get(page_of(taken)).content.decode()
    assert waiting.uid not in narrow
    assert "Ledger transfers" not in narrow


def test_a_finished_refund_is_no_longer_under_way(chief, waiting, taken):
    """₹1.00 went back; ₹100.00 waits."""
    refund_payment(taken.pk, NewRefund(Money(100, "INR")), at=clock.now())
    told = re.findall(r"<dt>(.*?)</dt>\s*<dd>(.*?)</dd>", chief.get(page_of(taken)).content.decode(), re.DOTALL)
    told = {name.strip(): value.strip() for name, value in told}
    assert (told["refunded"], told["reserved for refunds under way"]) == ("₹1.00", "₹100.00")
