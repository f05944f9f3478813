"""I22: what staff do is kept with who and why, in the act's own transaction, and no change to it goes unseen."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection

from payments import append_only, clock
from payments.errors import BadInput
from payments.models import Adjustment, AuditEntry, Transfer
from payments.services.audit import broken_links, record_act
from payments.services.disputes import post_adjustment
from tests.factories import UserFactory, act

pytestmark = pytest.mark.django_db


def _record(n, **over):
    given = {"object_type": "refund", "object_id": f"refund_{n}", "at": clock.now(), "amount_minor": n}
    record_act("refund.request", over.pop("by", act("asha", "Ruined by rain.")), **{**given, **over})


@pytest.fixture
def five():
    for n in range(5):
        _record(n)
    return list(AuditEntry.objects.order_by("pk"))


@pytest.fixture
def unguarded(five):
    """The triggers are gone, as for somebody who owns the database."""
    connection.check_constraints()
    append_only.remove()


def test_an_act_says_who_what_and_why(order):
    _record(7, order=order, by=act("asha", " Ruined by rain. "))
    entry = AuditEntry.objects.get()
    assert (entry.actor.username, entry.act, entry.object_id) == ("asha", "refund.request", "refund_7")
    assert (entry.reason, entry.details, entry.order) == ("Ruined by rain.", {"amount_minor": 7}, order)


@pytest.mark.parametrize("reason", ["", "  \n"])
def test_a_reason_is_always_asked_for(reason):
    with pytest.raises(BadInput, match="reason"):
        _record(1, by=act(reason=reason))
    assert not AuditEntry.objects.exists()


def test_an_act_that_fails_leaves_no_entry_and_an_entry_no_act(merchant, monkeypatch):
    monkeypatch.setattr("payments.services.disputes.faults.point", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        post_adjustment(merchant, 100, "INR", mode="test", by=act(), at=clock.now())
    assert not AuditEntry.objects.exists()
    assert not Adjustment.objects.exists()
    assert not Transfer.objects.exists()


def test_a_whole_chain_is_verified(five):
    assert list(broken_links()) == []
    call_command("verify_audit", stdout=(said := StringIO()))
    assert said.getvalue() == "5 acts: 0 broken links\n"
    assert len({entry.digest for entry in five}) == 5


TAMPERED = {
    "act": lambda: "refund.approve",
    "object_type": lambda: "payment",
    "object_id": lambda: "refund_9",
    "reason": lambda: "Ruined by rain,",
    "details": lambda: {"amount_minor": 3},
    "at": clock.now,
    "actor_id": lambda: UserFactory().pk,
    "digest": lambda: "0" * 64,
}


@pytest.mark.parametrize("column", TAMPERED)
def test_whatever_is_changed_the_entry_is_named(five, unguarded, column):
    AuditEntry.objects.filter(pk=five[2].pk).update(**{column: TAMPERED[column]()})
    with pytest.raises(SystemExit, match="1"):
        call_command("verify_audit", stdout=(said := StringIO()))
    assert f"entry {five[2].pk} " in said.getvalue()


@pytest.mark.parametrize("gone", [0, 2, 3])
def test_an_entry_that_was_taken_out_is_missed(five, unguarded, gone):
    AuditEntry.objects.filter(pk=five[gone].pk)._raw_delete("default")
    assert [entry.pk for entry in broken_links()] == [five[gone + 1].pk]


def test_two_entries_that_changed_places_are_noticed(five, unguarded):
    ids = [five[1].object_id, five[2].object_id]
    for entry, object_id in zip(five[1:3], reversed(ids), strict=True):
        AuditEntry.objects.filter(pk=entry.pk).update(object_id=object_id)
    assert [entry.pk for entry in broken_links()] == [five[1].pk, five[2].pk]
