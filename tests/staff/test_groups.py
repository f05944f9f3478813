"""What each group may do at every door, and that money rows have no door at all."""

import importlib
import re
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group, Permission, User
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.urls import reverse

from checkout.staff.groups import MAY
from payments import clock
from payments.models import ApiKey, AuditEntry, FeePlan, LedgerAccount, Refund, Transfer
from payments.money import Money
from payments.services.audit import Act
from payments.services.disputes import post_adjustment
from payments.services.endpoints import add_endpoint, send_test
from payments.services.merchants import issue_key
from payments.services.payouts import send_payout
from payments.services.refunds import NewRefund, reserve_refund
from payments.states import Mode
from tests.factories import OrderFactory, PaymentFactory, RoutingRuleFactory, act
from tests.scripted import account_at
from tests.settling import close, settle
from tests.staff.conftest import make_gateway_event, make_staff, signed_in
from tests.staff.deeds import pay

migration = importlib.import_module("payments.migrations.0006_staff_groups")
gateway_rights = importlib.import_module("payments.migrations.0019_gateway_rights")
webhook_rights = importlib.import_module("payments.migrations.0009_webhook_rights")
links = importlib.import_module("payments.migrations.0010_payment_links")
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _content_types_are_not_remembered():
    """A type made in a test goes with its transaction; the process would still know it by its number."""
    yield
    ContentType.objects.clear_cache()


GROUPS = ("viewer", "support", "refund maker", "refund approver", "finance", "key admin", "auditor")
SEEN_BY_ALL = ("viewer", "support", "refund maker", "refund approver", "finance", "auditor")
BOOKS = ("finance", "auditor")
SENDERS = ("support", "key admin")

OPEN_TO = {
    # Which groups a door opens to; to all others it answers 403. The superuser gets in everywhere.
    "customers": SEEN_BY_ALL,
    "orders": SEEN_BY_ALL,
    "payments": SEEN_BY_ALL,
    "refunds": SEEN_BY_ALL,
    "events": SEEN_BY_ALL,
    "gateway events": SEEN_BY_ALL,
    "merchants": GROUPS,
    "endpoints": GROUPS,
    "webhooks": GROUPS,
    "keys": ("key admin",),
    "accounts of gateways": GROUPS,
    "an account of a gateway": GROUPS,
    "open an account at a gateway": ("key admin",),
    "enter credentials": ("key admin",),
    "routing rules": GROUPS,
    "a routing rule": GROUPS,
    "add a routing rule": ("key admin",),
    "ledger accounts": BOOKS,
    "transfers": BOOKS,
    "adjustments": BOOKS,
    "audit": ("auditor",),
    "fee plans": ("finance",),
    "files of banks": BOOKS,
    "lines of files": BOOKS,
    "what gateways paid": BOOKS,
    "settlements": SEEN_BY_ALL,
    "pay-outs": SEEN_BY_ALL,
    "people": (),
    "groups": (),
    "an order": SEEN_BY_ALL,
    "a payment": SEEN_BY_ALL,
    "a refund": SEEN_BY_ALL,
    "a merchant": GROUPS,
    "an endpoint": GROUPS,
    "a webhook": GROUPS,
    "a key": ("key admin",),
    "a transfer": BOOKS,
    "an adjustment": BOOKS,
    "an audit entry": ("auditor",),
    "a fee plan": ("finance",),
    "a settlement": SEEN_BY_ALL,
    "a pay-out": SEEN_BY_ALL,
    "a statement": SEEN_BY_ALL,
    "a person": (),
    "a group": (),
    "terminate": ("support",),
    "make a payment link": ("support",),
    "show a payment link": ("support",),
    "e-mail a payment link": ("support",),
    "make a key": ("key admin",),
    "add an endpoint": ("key admin",),
    "change an endpoint": ("key admin",),
    "switch an endpoint off": ("key admin",),
    "send a test message": SENDERS,
    "send a webhook again": SENDERS,
    "send webhooks again": SENDERS,
    "capture": ("finance",),
    "void": ("finance",),
    "ask for a refund": ("refund maker",),
    "change a refund": ("refund maker",),
    "cancel a refund": ("refund maker",),
    "approve a refund": ("refund approver",),
    "dispute": ("finance",),
    "adjust": ("finance",),
    "choose whom to settle": ("finance",),
    "settle": ("finance",),
    "note what was paid in": ("finance",),
    "close a settlement": ("finance",),
    "discard a settlement": ("finance",),
    "pay out": ("finance",),
    "confirm a pay-out": ("finance",),
    "fail a pay-out": ("finance",),
    "change whom a gateway pays": ("finance",),
    "add a fee plan": ("finance",),
    "remove a fee plan": ("finance",),
    "make an account": (),
    "make a group": (),
    "change a password": (),
}

LISTS = {
    "customers": "customer",
    "orders": "order",
    "payments": "payment",
    "refunds": "refund",
    "events": "event",
    "gateway events": "gatewayevent",
    "merchants": "merchant",
    "endpoints": "endpoint",
    "webhooks": "delivery",
    "keys": "apikey",
    "accounts of gateways": "gatewayaccount",
    "routing rules": "routingrule",
    "ledger accounts": "ledgeraccount",
    "transfers": "transfer",
    "adjustments": "adjustment",
    "audit": "auditentry",
    "fee plans": "feeplan",
    "files of banks": "statementfile",
    "lines of files": "statementline",
    "what gateways paid": "gatewaysettlement",
    "settlements": "settlement",
    "pay-outs": "payout",
}
MONEY = [
    "order", "payment", "refund", "transfer", "ledgeraccount", "adjustment", "auditentry", "event", "gatewayevent",
    "customer", "delivery", "settlement", "payout",
]  # fmt: skip


@pytest.fixture
def book(merchant, gateways):
    """A row of each kind, by its kind."""
    chief = User.objects.create_superuser("boss")
    at, why = clock.now(), "A test of doors"
    paid = pay(merchant)
    refund = reserve_refund(paid.pk, NewRefund(Money(1_000, "INR")), at=at, by=Act(make_staff("asker").pk, why))
    merchant.one_person_refund_minor = 0
    merchant.save()
    waiting = reserve_refund(paid.pk, NewRefund(Money(500, "INR")), at=at, by=Act(chief.pk, why))
    adjustment = post_adjustment(merchant, 100, "INR", mode="test", by=Act(chief.pk, why), at=at, payment=paid)
    endpoint = add_endpoint(merchant, "test", "https://shop.example.com/hook", [], at=at)
    plan = FeePlan.objects.create(merchant=merchant, percent_bps=200)
    key = issue_key(merchant, mode=Mode.TEST, at=at).key
    delivery = send_test(endpoint.pk, at=at)
    settlement = close(settle(merchant))
    return {
        "settlement": settlement,
        "payout": send_payout(settlement.pk, net_minor=settlement.net_minor, by=act(), at=at),
        "merchant": merchant,
        "payment": paid,
        "order": OrderFactory(merchant=merchant),
        "held": PaymentFactory(authorized=True, order__merchant=merchant, order__manual_capture=True),
        "sent": refund,
        "refund": waiting,
        "adjustment": adjustment,
        "feeplan": plan,
        "apikey": key,
        "transfer": Transfer.objects.first(),
        "ledgeraccount": LedgerAccount.objects.first(),
        "auditentry": AuditEntry.objects.first(),
        "event": paid.order.events.first(),
        "customer": paid.order.customer,
        "gatewayaccount": account_at(merchant, "alpha", at=at),
        "routingrule": RoutingRuleFactory(account=paid.account),
        "endpoint": endpoint,
        "delivery": delivery,
        "person": chief,
        "group": Group.objects.get(name="viewer"),
    }


def _doors(book):
    """The address of each door."""
    doors = {name: reverse(f"admin:payments_{model}_changelist") for name, model in LISTS.items()}
    pages = {"an order": "order", "a payment": "payment", "a refund": "refund", "a merchant": "merchant"}
    pages |= {"a key": "apikey", "a transfer": "transfer", "an adjustment": "adjustment", "a fee plan": "feeplan"}
    pages |= {"an account of a gateway": "gatewayaccount", "a routing rule": "routingrule"}
    pages |= {"an audit entry": "auditentry", "an endpoint": "endpoint", "a webhook": "delivery"}
    pages |= {"a settlement": "settlement", "a pay-out": "payout"}
    doors |= {name: reverse(f"admin:payments_{model}_change", args=[book[model].pk]) for name, model in pages.items()}
    deeds = {
        "terminate": ("order", "order", "terminate"),
        "show a payment link": ("order", "order", "show_link"),
        "e-mail a payment link": ("order", "order", "mail_link"),
        "capture": ("held", "payment", "capture"),
        "void": ("held", "payment", "void"),
        "ask for a refund": ("payment", "payment", "refund"),
        "change a refund": ("refund", "refund", "rewrite"),
        "cancel a refund": ("refund", "refund", "cancel"),
        "approve a refund": ("refund", "refund", "approve"),
        "dispute": ("payment", "payment", "dispute"),
        "adjust": ("payment", "payment", "adjustment"),
        "remove a fee plan": ("feeplan", "feeplan", "delete"),
        "change an endpoint": ("endpoint", "endpoint", "kinds"),
        "switch an endpoint off": ("endpoint", "endpoint", "off"),
        "send a test message": ("endpoint", "endpoint", "test"),
        "send a webhook again": ("delivery", "delivery", "replay"),
        "send webhooks again": ("merchant", "merchant", "replay"),
        "enter credentials": ("gatewayaccount", "gatewayaccount", "credentials"),
        "a statement": ("settlement", "settlement", "statement"),
        "settle": ("merchant", "merchant", "settle"),
        "note what was paid in": ("merchant", "merchant", "paid-in"),
        "close a settlement": ("settlement", "settlement", "close"),
        "discard a settlement": ("settlement", "settlement", "discard"),
        "pay out": ("settlement", "settlement", "pay-out"),
        "confirm a pay-out": ("payout", "payout", "confirm"),
        "fail a pay-out": ("payout", "payout", "fail"),
        "change whom a gateway pays": ("gatewayaccount", "gatewayaccount", "collects"),
    }
    doors |= {
        name: reverse(f"admin:payments_{model}_{deed}", args=[book[row].pk])
        for name, (row, model, deed) in deeds.items()
    }
    return doors | {
        "people": reverse("admin:auth_user_changelist"),
        "groups": reverse("admin:auth_group_changelist"),
        "a person": reverse("admin:auth_user_change", args=[book["person"].pk]),
        "a group": reverse("admin:auth_group_change", args=[book["group"].pk]),
        "make a payment link": reverse("admin:payments_order_link"),
        "choose whom to settle": reverse("admin:payments_settlement_settle"),
        "make a key": reverse("admin:payments_apikey_add"),
        "open an account at a gateway": reverse("admin:payments_gatewayaccount_add"),
        "add a routing rule": reverse("admin:payments_routingrule_add"),
        "add an endpoint": reverse("admin:payments_endpoint_add"),
        "add a fee plan": reverse("admin:payments_feeplan_add"),
        "make an account": reverse("admin:auth_user_add"),
        "make a group": reverse("admin:auth_group_add"),
        "change a password": reverse("admin:auth_user_password_change", args=[book["person"].pk]),
    }


def member(*groups):
    """A browser signed in as somebody whose only rights are those of groups."""
    person = User.objects.create_user(f"member of {' and '.join(groups)}", is_staff=True)
    person.groups.set(Group.objects.filter(name__in=groups))
    return signed_in(person)


@pytest.mark.parametrize("group", GROUPS)
def test_every_door_opens_to_its_groups_alone(book, group):
    client, doors = member(group), _doors(book)
    assert set(doors) == set(OPEN_TO)
    seen = {name: client.get(url).status_code for name, url in doors.items()}
    assert seen == {name: 200 if group in OPEN_TO[name] else 403 for name in doors}


def test_the_superuser_gets_in_everywhere(book):
    client = signed_in(book["person"])
    seen = {name: client.get(url).status_code for name, url in _doors(book).items()}
    assert seen == dict.fromkeys(seen, 200)


@pytest.mark.parametrize("group", GROUPS)
def test_a_post_to_a_shut_door_changes_nothing(book, group):
    client = member(group)
    for name, url in _doors(book).items():
        if group not in OPEN_TO[name]:
            assert client.post(url, {"reason": "Let me in", "confirmed": "yes"}).status_code == 403, name


@pytest.mark.parametrize("group", GROUPS)
def test_no_group_changes_a_merchant_and_only_the_key_admin_ends_keys(book, group):
    client, merchant, key = member(group), book["merchant"], book["apikey"]
    url = reverse("admin:payments_merchant_change", args=[merchant.pk])
    assert client.post(url, {"name": "Mine", "reason": "Mine"}).status_code == 403
    ended = {"action": "revoke", "_selected_action": key.pk, "confirmed": "yes", "reason": "It leaked"}
    answer = client.post(reverse("admin:payments_apikey_changelist"), ended)
    assert answer.status_code == (302 if group == "key admin" else 403)
    assert (ApiKey.objects.get(pk=key.pk).revoked_at is not None) is (group == "key admin")


@pytest.mark.parametrize("who", [*GROUPS, "superuser"])
def test_nobody_adds_changes_or_deletes_a_money_row_by_the_admins_own_forms(book, who):
    client = signed_in(book["person"]) if who == "superuser" else member(who)
    make_gateway_event(book["payment"])
    for model in MONEY:
        kind = apps.get_model("payments", model)
        before, row = list(kind.objects.values()), kind.objects.first()
        own = dict.fromkeys((field.name for field in kind._meta.fields), "1") | {"_save": "Save"}
        assert client.post(reverse(f"admin:payments_{model}_add"), own).status_code == 403
        assert client.post(reverse(f"admin:payments_{model}_change", args=[row.pk]), own).status_code == 403
        gone = client.post(reverse(f"admin:payments_{model}_delete", args=[row.pk]), {"post": "yes"})
        assert gone.status_code == 403
        many = {"action": "delete_selected", "_selected_action": row.pk, "post": "yes"}
        client.post(reverse(f"admin:payments_{model}_changelist"), many)
        assert list(kind.objects.values()) == before


def test_every_money_model_in_the_admin_is_on_the_list():
    forms = {"apikey", "merchant", "feeplan", "endpoint", "gatewayaccount", "routingrule", "statementfile"}
    pages_only = {"statementline", "gatewaysettlement"}
    ours = {model._meta.model_name for model in admin.site._registry if model._meta.app_label == "payments"}
    assert ours == {*MONEY, *forms, *pages_only}


@pytest.mark.parametrize("group", GROUPS)
def test_no_group_can_widen_its_own_rights(book, group):
    client = member(group)
    person = User.objects.get(username=f"member of {group}")
    url = reverse("admin:auth_user_change", args=[person.pk])
    posted = {"username": "boss2", "is_superuser": "on", "groups": [g.pk for g in Group.objects.all()], "reason": "Me"}
    assert client.post(url, posted).status_code == 403
    person.refresh_from_db()
    assert not person.is_superuser
    assert person.groups.count() == 1


def test_whoever_is_in_both_refund_groups_still_needs_somebody_else(book):
    client = member("refund maker", "refund approver")
    person = User.objects.get(username__startswith="member of")
    by = Act(person.pk, "Two hats")
    mine = reserve_refund(book["payment"].pk, NewRefund(Money(700, "INR")), at=clock.now(), by=by)
    assert mine.status == "requested"
    page = client.get(reverse("admin:payments_refund_change", args=[mine.pk])).content.decode()
    assert reverse("admin:payments_refund_approve", args=[mine.pk]) not in page
    client.post(reverse("admin:payments_refund_approve", args=[mine.pk]), {"reason": "Me", "confirmed": "yes"})
    assert Refund.objects.get(pk=mine.pk).approved_by is None


# --- The migration ---


class Editor:
    """All that a data migration asks of a schema editor."""

    connection = connection


def _rights(name):
    return set(Group.objects.get(name=name).permissions.values_list("codename", flat=True))


def test_the_groups_are_there_after_migrating_and_have_words():
    assert set(Group.objects.values_list("name", flat=True)) >= set(GROUPS)
    assert set(MAY) == set(GROUPS) == set(migration.GROUPS)
    assert _rights("key admin") == {"view_merchant", "view_apikey", "add_apikey", "change_apikey"} | {
        "view_endpoint", "add_endpoint", "change_endpoint", "view_delivery", "change_delivery", "view_deliverytry",
        "view_gatewayaccount", "add_gatewayaccount", "change_gatewayaccount",
        "view_routingrule", "add_routingrule", "change_routingrule",
    }  # fmt: skip
    assert _rights("auditor") - _rights("viewer") == {
        "view_ledgeraccount", "view_transfer", "view_adjustment", "view_auditentry",
        "view_statementfile", "view_statementline", "view_gatewaysettlement",
    }  # fmt: skip
    assert not [name for name in _rights("auditor") if not name.startswith("view_")]
    assert _rights("support") - _rights("viewer") == {"change_order", "add_order", "change_delivery"}


def test_the_right_to_make_links_goes_to_support_and_makes_no_group():
    support = Group.objects.get(name="support")
    links.take_back(apps, Editor)
    assert "add_order" not in _rights("support")
    links.give(apps, Editor)
    assert "add_order" in _rights("support")
    support.delete()
    links.give(apps, Editor)
    assert not Group.objects.filter(name="support").exists()


def test_permissions_have_the_names_that_django_gives_them():
    """Made by the migration on a fresh database: what Django would add afterwards is nothing but the rest."""
    named = dict(Permission.objects.filter(content_type__app_label="payments").values_list("codename", "name"))
    assert named["view_apikey"] == "Can view API key"
    assert named["add_feeplan"] == "Can add fee plan"
    assert named["view_auditentry"] == "Can view audit entry"


def test_it_works_before_django_made_any_permission():
    ContentType.objects.filter(app_label="payments").delete()
    ContentType.objects.clear_cache()
    Group.objects.all().delete()
    migration.make_groups(apps, Editor)
    webhook_rights.give_rights(apps, Editor)
    assert _rights("refund maker") == _rights("viewer") | {"add_refund"}
    assert _rights("support") > {"change_delivery", "view_endpoint"}
    made = set(Permission.objects.filter(content_type__app_label="payments").values_list("pk", flat=True))
    ContentType.objects.clear_cache()
    create_permissions(apps.get_app_config("payments"), verbosity=0)
    all_now = Permission.objects.filter(content_type__app_label="payments")
    assert made < set(all_now.values_list("pk", flat=True))
    assert len(set(all_now.values_list("codename", flat=True))) == all_now.count()


def test_it_takes_nothing_from_a_group_that_is_there_already():
    group = Group.objects.get(name="viewer")
    extra = Permission.objects.get(codename="view_apikey")
    group.permissions.set([extra])
    migration.make_groups(apps, Editor)
    migration.make_groups(apps, Editor)
    assert _rights("viewer") > {"view_apikey", "view_order"}
    assert Group.objects.filter(name="viewer").count() == 1


def test_reversing_leaves_groups_that_somebody_is_in():
    make_staff("clerk").groups.add(Group.objects.get(name="finance"))
    Group.objects.create(name="of our own")
    migration.remove_empty_groups(apps, Editor)
    assert set(Group.objects.values_list("name", flat=True)) == {"finance", "of our own"}


def test_rights_about_webhooks_come_and_go_without_touching_others():
    extra = Permission.objects.get(codename="view_apikey")
    Group.objects.get(name="viewer").permissions.add(extra)
    Group.objects.get(name="auditor").delete()
    before = _rights("viewer")
    webhook_rights.take_rights(apps, Editor)
    assert before - _rights("viewer") == {"view_endpoint", "view_delivery", "view_deliverytry"}
    webhook_rights.give_rights(apps, Editor)
    assert _rights("viewer") == before
    assert not Group.objects.filter(name="auditor").exists()


def test_rights_about_gateways_come_and_go_without_touching_others():
    before = _rights("key admin")
    gateway_rights.take_rights(apps, Editor)
    assert {right.partition("_")[2] for right in before - _rights("key admin")} == {"gatewayaccount", "routingrule"}
    gateway_rights.give_rights(apps, Editor)
    assert _rights("key admin") == before
    assert _rights("viewer") > {"view_gatewayaccount", "view_routingrule"}


def test_the_page_for_operators_names_every_group():
    text = (Path(__file__).parents[2] / "docs" / "operate.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| ([a-z ]+) \|", text, re.MULTILINE)) >= set(GROUPS)
