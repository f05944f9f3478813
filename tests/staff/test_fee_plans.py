"""Fee plans: typed as people say them, recorded, and never about the past."""

import pytest
from django.contrib.admin.models import LogEntry

from payments.models import AuditEntry, FeePlan, Payment, Transfer
from tests.staff import ADMIN
from tests.staff.conftest import make_staff, signed_in
from tests.staff.deeds import pay

PLANS = f"{ADMIN}/feeplan/"
WHY = "As agreed in the contract"
pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(db):
    rights = (f"{act}_feeplan" for act in ("view", "add", "change", "delete"))
    return signed_in(make_staff("finance", *rights))


@pytest.fixture
def plan(merchant):
    return FeePlan.objects.create(merchant=merchant, percent_bps=200, tax_bps=1_800)


def _add(client, whose, **over):
    told = {"merchant": whose.pk, "method": "", "currency": "INR", "percent": "2.00", "fixed": "0", "tax": "18.00"}
    return client.post(f"{PLANS}add/", told | {"reason": WHY} | over, follow=True)


def _change(client, plan, **over):
    told = {"percent": "2.00", "fixed": "0.00", "tax": "18.00", "reason": WHY}
    return client.post(f"{PLANS}{plan.pk}/change/", told | over, follow=True)


def _errors(answer):
    return answer.context["adminform"].form.errors


def _acts():
    return [(row.act, row.object_id, row.reason) for row in AuditEntry.objects.order_by("pk")]


def test_a_plan_is_typed_as_people_say_it(desk, merchant):
    page = _add(desk, merchant, method="card", percent="1.75", fixed="3.50").content.decode()
    plan = FeePlan.objects.get()
    assert (plan.percent_bps, plan.fixed_minor, plan.tax_bps, plan.method) == (175, 350, 1_800, "card")
    assert "a payment of ₹1,000.00 costs ₹21.00 + ₹3.78 tax" in page
    assert _acts() == [("fee_plan.add", str(plan.pk), WHY)]


def test_the_example_says_what_a_payment_costs(desk, plan):
    example = "a payment of ₹1,000.00 costs ₹20.00 + ₹3.60 tax"
    assert example in desk.get(PLANS).content.decode()
    page = desk.get(f"{PLANS}{plan.pk}/change/").content.decode()
    assert example in page
    assert 'value="2.00"' in page
    assert 'value="18.00"' in page
    assert 'value="0.00"' in page


@pytest.mark.parametrize(("currency", "fixed", "minor"), [("JPY", "30", 30), ("KWD", "0.125", 125), ("USD", "0", 0)])
def test_the_fixed_part_is_in_the_currencys_own_units(desk, merchant, currency, fixed, minor):
    _add(desk, merchant, currency=currency, fixed=fixed)
    assert FeePlan.objects.get().fixed_minor == minor


@pytest.mark.parametrize(
    ("field", "value", "word"),
    [
        ("percent", "100.01", "less than or equal to 100"),
        ("percent", "-1", "greater than or equal to 0"),
        ("percent", "1.234", "2 decimal places"),
        ("percent", "", "required"),
        ("percent", "NaN", "number"),
        ("tax", "101", "less than or equal to 100"),
        ("fixed", "1.234", "INR has 2 decimals"),
        ("fixed", "-1", "greater than or equal to 0"),
        ("fixed", "1e30", "less than or equal"),
        ("currency", "XYZ", "valid choice"),
        ("method", "cash", "valid choice"),
        ("merchant", "999", "valid choice"),
        ("reason", " ", "required"),
    ],
)
def test_a_bad_value_is_refused_at_its_field(desk, merchant, field, value, word):
    answer = _add(desk, merchant, **{field: value})
    assert word in str(_errors(answer)[field])
    assert not FeePlan.objects.exists()
    assert _acts() == []


def test_one_plan_per_merchant_method_and_currency(desk, plan):
    answer = _add(desk, plan.merchant)
    assert _errors(answer)["__all__"] == [
        "This merchant has a plan for that method and currency already: change that one."
    ]
    assert _add(desk, plan.merchant, currency="USD").status_code == 200
    assert FeePlan.objects.count() == 2


def test_a_change_is_recorded_with_what_was_before(desk, plan):
    _change(desk, plan, percent="2.50")
    plan.refresh_from_db()
    assert plan.percent_bps == 250
    entry = AuditEntry.objects.get()
    assert (entry.actor.username, entry.act, entry.reason) == ("finance", "fee_plan.change", WHY)
    assert entry.details["moves"] == {"percent": ["2.00", "2.50"]}


def test_whose_plan_it_is_cannot_be_changed(desk, plan):
    _change(desk, plan, merchant="999", method="card", currency="JPY", percent="3.00")
    plan.refresh_from_db()
    assert (plan.method, plan.currency, plan.percent_bps) == ("", "INR", 300)


def test_past_payments_keep_their_fee(desk, plan):
    payment = pay(plan.merchant, 100_000)
    before = list(Transfer.objects.values()), Payment.objects.values().get(pk=payment.pk)
    assert before[1]["fee_minor"] == 2_000
    _change(desk, plan, percent="50.00")
    desk.post(f"{PLANS}{plan.pk}/delete/", {"reason": "Over"})
    assert not FeePlan.objects.exists()
    assert (list(Transfer.objects.values()), Payment.objects.values().get(pk=payment.pk)) == before
    assert pay(plan.merchant).fee_minor == 0


def test_removing_asks_why_first(desk, plan):
    page = desk.get(f"{PLANS}{plan.pk}/delete/").content.decode()
    assert "₹20.00 + ₹3.60 tax" in page
    assert desk.post(f"{PLANS}{plan.pk}/delete/", {"post": "yes"}).status_code == 200
    assert FeePlan.objects.exists()
    assert desk.post(f"{PLANS}{plan.pk}/delete/", {"reason": "The merchant left"}).status_code == 302
    assert _acts() == [("fee_plan.remove", str(plan.pk), "The merchant left")]
    assert AuditEntry.objects.get().details["moves"]["percent_bps"] == [200, None]
    assert LogEntry.objects.get().is_deletion()
    assert desk.get(f"{PLANS}{plan.pk}/delete/").status_code == 302


def test_a_plan_whose_change_cannot_be_recorded_stays(desk, plan, monkeypatch):
    def refuse(*args, **kwargs):
        raise RuntimeError("the chain is out of order")

    monkeypatch.setattr("checkout.staff.reasons.record_act", refuse)
    for deed in (
        lambda: _change(desk, plan, percent="3.00"),
        lambda: desk.post(f"{PLANS}{plan.pk}/delete/", {"reason": WHY}),
    ):
        with pytest.raises(RuntimeError):
            deed()
    plan.refresh_from_db()
    assert plan.percent_bps == 200


@pytest.mark.parametrize("rights", [(), ("view_feeplan",)])
def test_who_may_only_look_changes_nothing(plan, rights):
    client = signed_in(make_staff("clerk", *rights))
    assert client.get(f"{PLANS}{plan.pk}/change/").status_code == (200 if rights else 403)
    for path in ("add/", f"{plan.pk}/change/", f"{plan.pk}/delete/"):
        assert client.post(f"{PLANS}{path}", {"percent": "1.00", "reason": WHY}).status_code == 403
    if rights:
        page = client.get(f"{PLANS}{plan.pk}/change/").content.decode()
        assert "2.00 %" in page
        assert 'name="reason"' not in page


@pytest.mark.parametrize("key", ["abc", "0", "99999999999999999999999", "1_5F"])
def test_odd_addresses_are_no_fault_of_ours(chief, plan, key):
    for page in ("change", "delete"):
        assert chief.get(f"{PLANS}{key}/{page}/").status_code in (302, 404)
