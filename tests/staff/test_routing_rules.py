"""Routing rules: made and changed in the admin, with a reason, checked at their fields, never deleted."""

import pytest
from django.contrib.messages import get_messages

from payments import clock
from payments.models import AuditEntry, RoutingRule
from tests.factories import MerchantFactory, RoutingRuleFactory
from tests.scripted import account_at
from tests.staff import ADMIN
from tests.staff.conftest import make_staff, signed_in

WHY = "Beta is cheaper for small cards"
pytestmark = pytest.mark.django_db


@pytest.fixture
def account(gateways):
    return account_at(MerchantFactory(name="Patang Co", account=None), "beta", at=clock.now())


@pytest.fixture
def keeper(db):
    return signed_in(make_staff("keeper", *(f"{act}_routingrule" for act in ("view", "add", "change"))))


def _posted(_account=None, **over):
    told = {"position": "2", "methods": ["card"], "currency": "INR", "smallest": "1.00", "largest": "5000"}
    return {**told, "is_enabled": "on", "reason": WHY, **({"account": _account.pk} if _account else {}), **over}


def _problems(answer):
    assert answer.status_code == 200
    return str(answer.context["adminform"].form.errors)


def _told(answer):
    return str(next(iter(get_messages(answer.wsgi_request))))


def test_a_rule_is_made_with_amounts_as_people_write_them(keeper, account):
    answer = keeper.post(f"{ADMIN}/routingrule/add/", _posted(account))
    assert answer.status_code == 302, _problems(answer)
    rule = RoutingRule.objects.get()
    assert (rule.account, rule.position, rule.methods, rule.is_enabled) == (account, 2, ["card"], True)
    assert (rule.currency, rule.min_minor, rule.max_minor) == ("INR", 100, 500_000)
    entry = AuditEntry.objects.last()
    assert (entry.act, entry.reason, entry.object_id) == ("routing_rule.add", WHY, str(rule.pk))
    assert "not offered any more" in _told(answer)


def test_a_change_is_recorded_with_before_and_after(keeper, account):
    rule = RoutingRuleFactory(account=account, currency="INR", min_minor=100)
    page = keeper.get(f"{ADMIN}/routingrule/{rule.pk}/change/").content.decode()
    assert 'value="1.00"' in page
    posted = _posted(position="1", methods=["card", "netbanking"], largest="", is_enabled="")
    answer = keeper.post(f"{ADMIN}/routingrule/{rule.pk}/change/", posted)
    assert answer.status_code == 302, _problems(answer)
    rule.refresh_from_db()
    assert (rule.methods, rule.max_minor, rule.is_enabled) == (["card", "netbanking"], None, False)
    assert AuditEntry.objects.last().details["moves"] == {
        "methods": [[], ["card", "netbanking"]], "is_enabled": [True, False],
    }  # fmt: skip
    assert "No rule is enabled" in _told(answer)


@pytest.mark.parametrize(
    ("over", "field"),
    [
        ({"reason": ""}, "reason"),
        ({"position": "0"}, "position"),
        ({"methods": ["cash"]}, "methods"),
        ({"methods": ["wallet"]}, "methods"),
        ({"currency": ""}, "currency"),
        ({"smallest": "1.001"}, "smallest"),
        ({"smallest": "6000"}, "largest"),
        ({"smallest": "", "largest": "0"}, "largest"),
        ({"smallest": "-1"}, "smallest"),
        ({"largest": "9" * 40}, "largest"),
        ({"smallest": "NaN"}, "smallest"),
        ({"account": "999999"}, "account"),
    ],
)
def test_what_cannot_be_is_refused_at_its_field(keeper, account, over, field):
    answer = keeper.post(f"{ADMIN}/routingrule/add/", _posted(account, **over))
    assert field in answer.context["adminform"].form.errors, _problems(answer)
    assert not RoutingRule.objects.exists()


def test_a_rule_stays_its_accounts(keeper, account):
    rule = RoutingRuleFactory(account=account)
    other = account_at(MerchantFactory(account=None), "alpha", at=clock.now())
    assert keeper.post(f"{ADMIN}/routingrule/{rule.pk}/change/", _posted(other)).status_code == 302
    assert RoutingRule.objects.get().account == account


def test_who_may_only_look_changes_nothing(account):
    rule = RoutingRuleFactory(account=account, methods=["card"])
    client = signed_in(make_staff("looker", "view_routingrule"))
    page = client.get(f"{ADMIN}/routingrule/{rule.pk}/change/").content.decode()
    assert "card" in page
    assert 'name="reason"' not in page
    assert client.post(f"{ADMIN}/routingrule/{rule.pk}/change/", _posted()).status_code == 403
    assert client.get(f"{ADMIN}/routingrule/add/").status_code == 403


def test_nobody_deletes_a_rule(chief, account):
    rule = RoutingRuleFactory(account=account)
    assert chief.post(f"{ADMIN}/routingrule/{rule.pk}/delete/", {"post": "yes"}).status_code == 403
    assert RoutingRule.objects.filter(pk=rule.pk).exists()


def test_the_list_is_in_the_order_that_counts(chief, account):
    late, early = RoutingRuleFactory(account=account, position=9), RoutingRuleFactory(account=account, position=1)
    page = chief.get(f"{ADMIN}/routingrule/").content.decode()
    assert page.index(f"#{early.pk}</a>") < page.index(f"#{late.pk}</a>")
    assert "Patang Co" in page


@pytest.mark.parametrize("query", ["q=%00", "is_enabled__exact=x", "account__merchant__id__exact=abc", "p=zzz"])
def test_odd_questions_are_no_fault_of_ours(chief, account, query):
    assert chief.get(f"{ADMIN}/routingrule/?{query}").status_code in (200, 302)
