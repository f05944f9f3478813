"""Files of banks and gateways in the admin: imported by finance alone, with a reason, and shown whole."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import IntegrityError, transaction

from payments import clock
from payments.models import AuditEntry, GatewayAccount, StatementFile, Transfer
from payments.services.payouts import fail_payout, send_payout
from payments.statement_csv import MAX_BYTES
from payments.states import Collects, PayoutStatus
from tests.factories import act
from tests.payments.test_statements import BANK, GATEWAY, bank_line, csv_of, line_of, today
from tests.settling import close, pay_out, sell, seller, settle
from tests.staff import ADMIN
from tests.staff.conftest import make_staff, signed_in
from tests.staff.deeds import do, door, fill_in, problems
from tests.staff.settling import in_order, said

LIST, LINES = f"{ADMIN}/statementfile/", f"{ADMIN}/statementline/"
WHY = "The statement of the week"
pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(db):
    rights = ["add_statementfile", *(f"view_{name}" for name in ("statementfile", "statementline", "payment"))]
    return signed_in(make_staff("finance", *rights))


@pytest.fixture
def merchant():
    return seller()


def bring(client, what, rows, *, text=None, **over):
    body = text if text is not None else csv_of(what, rows)
    told = {
        "kind": what.value, "mode": "test", "account": "", "reason": WHY,
        "period_from": today() - timedelta(days=5), "period_to": today() + timedelta(days=5),
        "file": SimpleUploadedFile("week.csv", body.encode(), content_type="text/csv"),
    }  # fmt: skip
    return client.post(f"{LIST}add/", {**told, **over})


def account_of(merchant):
    return GatewayAccount.objects.get(merchant=merchant)


def test_a_gateways_file_is_imported_and_shown(desk, chief, merchant):
    payment, absent = sell(merchant), sell(merchant)
    answer = bring(desk, GATEWAY, [line_of(payment), line_of(payment)], account=account_of(merchant).pk)
    assert answer.status_code == 302, problems(answer)
    file = StatementFile.objects.get()

    page = desk.get(answer["Location"]).content.decode()
    assert "week.csv" in page
    for bucket in ("matched", "fee", "timing", "short", "missing", "duplicate"):
        assert f"bucket={bucket}" in page
    words = re.sub(r"\s+", " ", page)
    assert "The file says ₹585.82, the books have ₹599.98 of these days. The difference is −₹14.16" in words
    lines = desk.get(f"{LINES}?file={file.pk}").content.decode()
    assert payment.uid in lines
    assert absent.uid in lines
    assert "books only" in lines
    only = desk.get(f"{LINES}?file={file.pk}&bucket=duplicate&currency=INR").content.decode()
    assert only.count('class="field-bucket"') == 1
    for line in file.lines.all():
        assert desk.get(f"{LINES}{line.pk}/change/").status_code == 200
    assert "week.csv" in desk.get(LIST).content.decode()
    entry = AuditEntry.objects.get(act="statement.import")
    assert (entry.object_id, entry.reason, entry.actor.username) == (str(file.pk), WHY, "finance")
    assert "imported a file" in chief.get(f"{ADMIN}/auditentry/{entry.pk}/change/").content.decode()


def test_what_was_booked_is_linked_from_the_ledger(chief, merchant):
    bring(chief, GATEWAY, [line_of(sell(merchant))], account=account_of(merchant).pk)
    transfer = Transfer.objects.get(kind="gateway_paid")
    where = f"{ADMIN}/gatewaysettlement/{transfer.source_id}/change/"
    assert where in chief.get(f"{ADMIN}/transfer/{transfer.pk}/change/").content.decode()
    assert where in chief.get(f"{ADMIN}/transfer/?kind=gateway_paid").content.decode()
    assert "GUTR1" in chief.get(where).content.decode()
    assert chief.get(f"{ADMIN}/gatewaysettlement/").status_code == 200


def test_the_banks_file_confirms_a_payout(desk, merchant):
    sell(merchant)
    payout = pay_out(close(settle(merchant)))
    answer = bring(desk, BANK, [bank_line("HDFC0001", 29_291)])
    assert answer.status_code == 302, problems(answer)
    payout.refresh_from_db()
    assert payout.status == PayoutStatus.FAILED  # it came back
    assert payout.uid in desk.get(f"{LINES}?file={StatementFile.objects.get().pk}").content.decode()


@pytest.mark.parametrize("kind", [BANK, GATEWAY])
def test_a_file_of_the_first_days_that_can_be(desk, merchant, kind):
    days = {"period_from": "1970-01-01", "period_to": "1970-01-01"}
    account = account_of(merchant).pk if kind == GATEWAY else ""
    rows = [line_of(sell(merchant))] if kind == GATEWAY else [bank_line("U", 100)]
    assert bring(desk, kind, rows, account=account, **days).status_code == 302


@pytest.mark.parametrize(
    ("over", "words"),
    [
        ({"text": "a,b\n"}, "Line 1: write these columns"),
        ({"text": csv_of(BANK, [["2026-11-01", "U", "1e5", "INR", "debit", "x"]])}, "Line 2: amount"),
        ({"text": "x" * (MAX_BYTES + 1)}, "too large"),
        ({"text": ""}, "empty"),
        ({"kind": "gateway"}, "Choose whose gateway account"),
        ({"kind": "other"}, "valid choice"),
        ({"period_to": "2020-01-01"}, "31 days"),
        ({"period_to": "soon"}, "valid date"),
        ({"period_to": "11/30/2026"}, "valid date"),
        ({"period_from": "0001-01-01", "period_to": "0001-01-02"}, "since 1970-01-01"),
        ({"period_from": "1969-12-31", "period_to": "1970-01-02"}, "since 1970-01-01"),
        ({"period_from": "9999-12-30", "period_to": "9999-12-31"}, "7 days from now"),
        ({"period_from": str(today()), "period_to": str(today() + timedelta(days=9))}, "7 days from now"),
        ({"reason": ""}, "required"),
        ({"file": ""}, "required"),
        ({"account": "99999"}, "valid choice"),
    ],
)  # fmt: skip
def test_what_cannot_be_taken_is_told_at_its_field(desk, over, words):
    answer = bring(desk, BANK, [bank_line("U", 100)], **over)
    assert answer.status_code == 400
    assert words in problems(answer)
    assert not StatementFile.objects.exists()


def test_the_same_file_again_is_refused_by_name(desk):
    assert bring(desk, BANK, [bank_line("U", 100)]).status_code == 302
    again = bring(desk, BANK, [bank_line("U", 100)])
    assert "imported before" in problems(again)


def test_a_gateway_that_pays_the_merchant_cannot_be_chosen(desk, merchant):
    GatewayAccount.objects.filter(merchant=merchant).update(collects=Collects.MERCHANT)
    answer = bring(desk, GATEWAY, [line_of(sell(merchant))], account=account_of(merchant).pk)
    assert "valid choice" in problems(answer)


def test_words_of_a_file_never_become_markup(desk):
    bring(desk, BANK, [bank_line("<b>x</b>", 100, narration="<script>alert(1)</script>")])
    file = StatementFile.objects.get()
    for where in (f"{LINES}?file={file.pk}", f"{LINES}{file.lines.get().pk}/change/"):
        page = desk.get(where).content.decode()
        assert "<b>x" not in page
        assert "<script>alert" not in page


@pytest.mark.parametrize("path", [LIST, LINES, f"{ADMIN}/gatewaysettlement/"])
def test_a_stranger_to_money_sees_nothing(viewer, path):
    assert viewer.get(path).status_code == 403


def test_only_who_may_import_can(viewer, chief):
    reader = signed_in(make_staff("reader", "view_statementfile"))
    assert reader.get(LIST).status_code == 200
    assert "add/" not in reader.get(LIST).content.decode()
    for client in (reader, viewer):
        assert client.get(f"{LIST}add/").status_code == 403
        assert bring(client, BANK, [bank_line("U", 100)]).status_code == 403
    assert not StatementFile.objects.exists()
    assert chief.get(f"{LIST}add/").status_code == 200


def test_finance_may_import_and_auditors_may_look():
    def rights(name):
        return set(Group.objects.get(name=name).permissions.values_list("codename", flat=True))

    assert {"add_statementfile", "view_statementfile", "view_statementline"} <= rights("finance")
    assert "view_statementfile" in rights("auditor")
    assert "add_statementfile" not in rights("auditor")


def test_the_books_agree_afterwards(desk, merchant, capsys):
    payment = sell(merchant)
    bring(desk, GATEWAY, [line_of(payment, gross=20_000)], account=account_of(merchant).pk)
    call_command("verify_books")
    assert "0 differences" in capsys.readouterr().out


@pytest.mark.parametrize("query", ["file=x", "file=99999", "bucket=x", "currency=x", "file=%00"])
def test_odd_filters(desk, query):
    assert desk.get(f"{LINES}?{query}").status_code in (200, 302)


def test_nobody_changes_or_deletes_what_was_imported(chief, merchant):
    bring(chief, GATEWAY, [line_of(sell(merchant))], account=account_of(merchant).pk)
    file = StatementFile.objects.get()
    for row in (file, file.lines.get(), file.gateway_settlements.get()):
        where = f"{ADMIN}/{row._meta.model_name}/{row.pk}"
        before = type(row).objects.filter(pk=row.pk).values().get()
        assert chief.post(f"{where}/change/", {"name": "x"}).status_code == 403
        assert chief.post(f"{where}/delete/", {"post": "yes"}).status_code == 403
        assert type(row).objects.filter(pk=row.pk).values().get() == before
        with pytest.raises(IntegrityError), transaction.atomic():
            type(row).objects.filter(pk=row.pk).update(id=row.pk)
        with pytest.raises(IntegrityError), transaction.atomic():
            type(row).objects.filter(pk=row.pk)._raw_delete("default")


def test_whoever_imports_is_asked_again_who_they_are(merchant):
    with time_machine.travel(clock.now(), tick=False) as hand:
        desk = signed_in(make_staff("finance", "add_statementfile", "view_statementfile"))
        hand.shift(301)
        assert "Is it you?" in desk.get(f"{LIST}add/").content.decode()
        answer = bring(desk, BANK, [bank_line("U", 100)])
        assert "Is it you?" in answer.content.decode()
        assert WHY in answer.content.decode()
        again = bring(desk, BANK, [], file="", **{"again-password": "x" * 12})
        assert "required" in problems(again)
        assert not StatementFile.objects.exists()
        assert bring(desk, BANK, [bank_line("U", 100)]).status_code == 302


AGAIN = "the bank’s files say that the money of"


def test_a_returned_payout_that_left_again_is_said_where_it_would_be_paid_once_more(meera, merchant):
    sell(merchant)
    settlement = close(settle(merchant))
    payout = send_payout(settlement.pk, net_minor=settlement.net_minor, by=act(), at=clock.now(), utr="UTR1")
    bring(meera, BANK, [bank_line("UTR1", -29_291), bank_line("UTR1", 29_291)])
    for row in (settlement, payout):
        assert AGAIN not in said(meera, row)

    bring(meera, BANK, [bank_line("UTR1", -29_291, day=today() + timedelta(days=1))])

    for row in (settlement, payout):
        assert f"{AGAIN} {payout.uid} (₹292.91) left and not that it came back" in said(meera, row)
    assert AGAIN in meera.get(door(settlement, "pay-out")).content.decode()
    assert AGAIN in fill_in(meera, settlement, "pay-out", utr="UTR1").content.decode()
    line = payout.statement_lines.get(bucket="missing")
    assert "Order no other transfer" in said(meera, line)
    do(meera, settlement, "pay-out", utr="UTR1")
    for row in (settlement, payout):
        assert AGAIN not in said(meera, row)
    in_order()


def test_what_was_noted_as_failed_before_its_file_came_is_no_warning(meera, merchant):
    sell(merchant)
    payout = pay_out(close(settle(merchant)))
    fail_payout(payout.pk, message="It came back", by=act(), at=clock.now())
    bring(meera, BANK, [bank_line("HDFC0001", -29_291), bank_line("HDFC0001", 29_291)])
    assert [line.bucket for line in payout.statement_lines.all()] == ["missing", "missing"]
    assert AGAIN not in said(meera, payout.settlement)
    bring(meera, BANK, [bank_line("HDFC0001", -29_291, narration="again")])
    assert AGAIN in said(meera, payout.settlement)
