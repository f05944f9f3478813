import pytest

from payments import clock
from payments.books import balances, differences
from payments.errors import BadInput, NotRefundable
from payments.models import Adjustment, AuditEntry, Transfer
from payments.services.disputes import close_dispute, open_dispute, post_adjustment
from tests.factories import MerchantFactory, PaymentFactory, act, fresh, late, paid, refund

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _books_agree():
    yield
    assert [str(difference) for difference in differences()] == []


def test_while_a_payment_is_disputed_nothing_is_refunded(now):
    payment = paid()
    assert open_dispute(payment.pk, by=act(), at=now).disputed_at == now
    with pytest.raises(NotRefundable, match="disputed"):
        refund(payment, 100)
    close_dispute(payment.pk, by=act(), at=now)
    assert refund(payment, 100).status == "success"


def test_a_refund_that_is_on_its_way_goes_on_under_a_dispute(now):
    row = refund(paid(), 10_093)
    open_dispute(row.payment_id, by=act(), at=now)
    assert (fresh(row).status, fresh(row).payment.refund_reserved_minor) == ("pending", 10_093)


@pytest.mark.parametrize("mark", [open_dispute, close_dispute])
def test_marking_twice_is_one_act(mark, now):
    payment = paid()
    acts = 0
    if mark is close_dispute:
        open_dispute(payment.pk, by=act(), at=now)
        acts = 1
    for _ in range(2):
        mark(payment.pk, by=act(), at=now)
    assert AuditEntry.objects.count() == acts + 1


@pytest.mark.parametrize("trait", ["", "authorized", "failed"])
def test_only_money_that_was_taken_can_be_disputed(trait, now):
    payment = PaymentFactory(**({trait: True} if trait else {}))
    with pytest.raises(NotRefundable):
        open_dispute(payment.pk, by=act(), at=now)
    assert (fresh(payment).disputed_at, AuditEntry.objects.count()) == (None, 0)


def _adjust(minor, payment=None, **over):
    payment = payment or paid()
    given = {"mode": "test", "by": act(reason="Lost the dispute."), "at": clock.now(), "payment": payment}
    return post_adjustment(payment.merchant, minor, "INR", **{**given, **over})


@pytest.mark.parametrize(
    ("minor", "debit", "credit"),
    [(500, "adjustments", "merchant_payable"), (-500, "merchant_payable", "adjustments")],
)
def test_a_correction_goes_to_the_merchant_or_from_it(minor, debit, credit):
    row = _adjust(minor)
    posted = Transfer.objects.get(source_type="adjustment", source_id=row.pk)
    assert (posted.debit.kind, posted.credit.kind, posted.amount_minor) == (debit, credit, 500)
    assert balances()["merchant_payable", "INR"] == -29_999 - minor
    assert (row.reason, AuditEntry.objects.get().details["amount_minor"]) == ("Lost the dispute.", minor)


@pytest.mark.parametrize(
    ("minor", "over", "field"),
    [
        (0, {}, "amount"),
        (500, {"by": None}, "reason"),
        (500, {"mode": "live"}, "payment"),
    ],
)
def test_a_correction_of_nothing_for_no_reason_or_elsewhere_is_refused(minor, over, field):
    over = {name: act(reason=" ") if name == "by" else value for name, value in over.items()}
    with pytest.raises(BadInput, match=field):
        _adjust(minor, **over)
    assert not Adjustment.objects.exists()


def test_a_correction_never_names_another_merchants_payment(now):
    with pytest.raises(BadInput, match="payment"):
        post_adjustment(MerchantFactory(), 1, "INR", mode="test", by=act(), at=now, payment=late())
    assert not Adjustment.objects.exists()
