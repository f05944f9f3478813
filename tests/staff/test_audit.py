"""The record of what staff did: read, found, never changed."""

import ast
import re
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from checkout.staff.audit import ACTS, OBJECTS
from payments import clock
from payments.models import AuditEntry, Order
from payments.services.audit import Act, record_act
from tests.factories import OrderFactory
from tests.staff import ADMIN
from tests.staff.conftest import make_staff, signed_in

ENTRIES = f"{ADMIN}/auditentry/"
ROOT = Path(__file__).parents[2]
XSS = "<script>alert(1)</script>"
pytestmark = pytest.mark.django_db


def _record(act="order.terminate", actor="asha", order=None, reason="Sold twice", **over):
    user = make_staff(actor) if isinstance(actor, str) else actor
    about = {"object_type": "order", "object_id": order.uid if order else "order_x", "order": order} | over
    record_act(act, Act(user.pk, reason), at=clock.now(), **about)
    return AuditEntry.objects.latest("pk")


@pytest.fixture
def auditor(db):
    return signed_in(make_staff("auditor", "view_auditentry"))


def _listed(client, query=""):
    page = client.get(f"{ENTRIES}?{query}")
    assert page.status_code == 200
    return [row.pk for row in page.context["cl"].result_list]


def test_an_entry_says_who_did_what_to_what_when_and_why(auditor):
    order = OrderFactory()
    entry = _record(order=order, was="pending")
    page = auditor.get(f"{ENTRIES}{entry.pk}/change/").content.decode()
    for told in (
        "asha",
        "order.terminate",
        "terminated the order",
        order.uid,
        "Sold twice",
        "UTC",
        entry.digest,
        "was",
    ):
        assert told in page
    assert f"{ADMIN}/order/" not in page  # this auditor may not see orders


def test_a_change_reads_as_before_and_after(auditor):
    moves = {"manual_capture": [False, True], "groups": [[], ["finance"]], "name": ["Kite", XSS]}
    entry = _record(act="merchant.change", object_type="merchant", object_id="1", moves=moves)
    page = auditor.get(f"{ENTRIES}{entry.pk}/change/").content.decode()
    assert "no → yes" in page
    assert "nothing → finance" in page
    assert XSS not in page


@pytest.mark.parametrize("kind", OBJECTS)
@pytest.mark.parametrize("key", ["no-such-id", "7", "9" * 30])
def test_an_entry_whose_object_is_gone_still_opens(chief, kind, key):
    entry = _record(object_type=kind, object_id=key)
    assert key in chief.get(f"{ENTRIES}{entry.pk}/change/").content.decode()


def test_entries_are_found(auditor):
    order = OrderFactory(order_id="shop-77")
    first = _record(order=order)
    second = _record("key.revoke", actor="ravi", object_type="api_key", object_id="key_test_77")
    assert _listed(auditor) == [second.pk, first.pk]
    for term in (order.uid, "shop-77"):
        assert _listed(auditor, f"q={term}") == [first.pk]
    assert _listed(auditor, "q=key_test_77") == [second.pk]
    assert _listed(auditor, "act=key.revoke") == [second.pk]
    assert _listed(auditor, f"actor__id__exact={first.actor_id}") == [first.pk]


@pytest.mark.parametrize(
    "query", ["q=%00", "q=%22", "act=nonsense", "act=%00", "actor__id__exact=abc", "p=zzz", "o=9.9"]
)
def test_odd_questions_are_no_fault_of_ours(chief, query):
    _record()
    assert chief.get(f"{ENTRIES}?{query}").status_code in (200, 302)


def test_a_list_costs_the_same_for_many_entries(chief):
    actor = make_staff("asha")

    def cost():
        with CaptureQueriesContext(connection) as seen:
            _listed(chief)
        return len(seen)

    _record(actor=actor, order=OrderFactory())
    few = cost()
    for _ in range(5):
        _record(actor=actor, order=OrderFactory())
    assert cost() == few
    assert Order.objects.count() == 6


RECORDERS = {
    "services": {"record_act", "_audit", "_mark"},  # what they record besides are events
    "staff": {"record_act", "record", "_record"},
}


def _literals(call):
    return [word.value for word in ast.walk(call) if isinstance(word, ast.Constant) and isinstance(word.value, str)]


def test_every_act_that_the_code_records_has_words():
    """Acts are literals where they are recorded: each can be filtered by, and reads well on a timeline."""
    recorded = set()
    for path in [*ROOT.glob("payments/services/*.py"), *ROOT.glob("checkout/staff/*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            called = node.func if isinstance(node, ast.Call) else None
            if getattr(called, "id", getattr(called, "attr", "")) in RECORDERS[path.parent.name]:
                recorded |= {word for word in _literals(node) if re.fullmatch(r"[a-z_]+\.[a-z_]+", word)}
    assert {"refund.approve", "payment.dispute", "key.revoke", "user.password"} <= recorded <= set(ACTS)
