"""What merchants and gateways have to do with settlements: days, debts paid in, and whom a gateway pays."""

import pytest
from django.contrib.auth.models import User

from payments import clock
from payments.models import Adjustment, AuditEntry, GatewayAccount, Merchant
from payments.services.settlements import set_collects
from payments.states import Collects
from tests.factories import act, refund
from tests.settling import close, sell, seller, settle
from tests.staff import ADMIN
from tests.staff.conftest import signed_in
from tests.staff.deeds import confirm, do, fill_in, page_of, problems, token_of, told
from tests.staff.settling import INR, in_order, said
from tests.staff.test_merchants import form_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def merchant():
    return seller()


def test_what_a_merchant_paid_in_is_taken_off_its_debt(meera, merchant):
    payment = sell(merchant)
    close(settle(merchant))
    refund(payment, 29_999)
    close(settle(merchant))
    words = do(meera, merchant, "paid-in", group=INR, amount="299.99")
    assert words == f"Noted: {merchant.name} paid in ₹299.99."
    row = Adjustment.objects.get()
    assert (row.amount_minor, row.is_paid_in, row.collects) == (29_999, True, Collects.OPERATOR)
    assert "paid in by the merchant" in said(meera, row)
    assert settle(merchant).net_minor == 0
    in_order()


def test_what_was_paid_in_goes_where_it_was_owed(meera, merchant):
    account = GatewayAccount.objects.get(merchant=merchant)
    set_collects(account.pk, Collects.MERCHANT, by=act(), at=clock.now())
    sell(merchant)
    close(settle(merchant, collects=Collects.MERCHANT))
    do(meera, merchant, "paid-in", group="test INR merchant", amount="7.08")
    assert settle(merchant, collects=Collects.MERCHANT).net_minor == 0
    in_order()


@pytest.mark.parametrize(
    "over", [{"amount": "0"}, {"amount": "-1"}, {"amount": "1.001"}, {"group": "test XXX operator"}, {"group": "INR"}]
)
def test_odd_amounts_paid_in_are_refused(meera, merchant, over):
    sell(merchant)
    assert fill_in(meera, merchant, "paid-in", **{"group": INR, "amount": "1.00", **over}).status_code == 400
    assert not Adjustment.objects.exists()


def test_a_payments_adjustment_can_be_paid_in_by_the_merchant(meera, merchant):
    payment = sell(merchant)
    asked = {"direction": "paid in by the merchant", "amount": "10.00"}
    assert "for it paid that into your bank" in do(meera, payment, "adjustment", **asked)
    assert Adjustment.objects.get().is_paid_in
    assert "Booked: paid in by the merchant ₹10.00" in said(
        signed_in(User.objects.create_superuser("c")), payment.order
    )
    in_order()


def test_whom_a_gateway_pays_is_changed_when_all_is_settled(chief, merchant):
    account = GatewayAccount.objects.get(merchant=merchant)
    sell(merchant)
    answer = confirm(chief, account, "collects", token_of(fill_in(chief, account, "collects")))
    assert "Settle what this gateway took so far" in problems(answer)
    account.refresh_from_db()
    assert account.collects == Collects.OPERATOR
    settlement = close(settle(merchant))
    token = token_of(fill_in(chief, account, "collects"))
    assert "pays the merchant itself" in told(confirm(chief, account, "collects", token), account)
    assert "Nothing was changed" in problems(confirm(chief, account, "collects", token))
    account.refresh_from_db()
    assert account.collects == Collects.MERCHANT
    entry = AuditEntry.objects.get(act="account.collects")
    assert f'<a href="{page_of(account)}">' in chief.get(page_of(entry)).content.decode()
    sell(merchant)
    direct = settle(merchant, collects=Collects.MERCHANT)
    page = fill_in(chief, direct, "close").content.decode()
    assert "the gateway paid ₹299.99 to the merchant itself" in page
    assert do(chief, direct, "close").endswith("Nothing of it is paid out.")
    assert "paid to the merchant by the gateway" in said(chief, direct.lines.get().payment.order)
    assert settlement.collects == Collects.OPERATOR
    in_order()


@pytest.mark.parametrize(("typed", "stored"), [("0", 0), ("", None), ("30", 30)])
def test_settlement_days_are_the_merchants(chief, merchant, typed, stored):
    answer = chief.post(f"{ADMIN}/merchant/{merchant.pk}/change/", form_of(merchant, settlement_days=typed))
    assert answer.status_code == 302
    assert Merchant.objects.get(pk=merchant.pk).settlement_days == stored


@pytest.mark.parametrize("typed", ["31", "-1", "2.5", "two"])
def test_odd_settlement_days_are_refused(chief, merchant, typed):
    answer = chief.post(f"{ADMIN}/merchant/{merchant.pk}/change/", form_of(merchant, settlement_days=typed))
    assert answer.status_code == 200
    assert "settlement_days" in answer.context["adminform"].form.errors
