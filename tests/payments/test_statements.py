"""Files of banks and gateways beside the books: every difference found, named, and summed to nothing."""

import io
import random
from collections import Counter
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import Sum
from django.test.utils import CaptureQueriesContext

from payments import books, clock
from payments.errors import AlreadyImported, BadInput
from payments.models import AuditEntry, GatewayAccount, GatewaySettlement, StatementFile, StatementLine, Transfer
from payments.services.payouts import send_payout
from payments.services.statements import NewStatement, import_statement
from payments.statement_csv import COLUMNS, MAX_BYTES, MAX_LINES, BadLine
from payments.states import Bucket, Collects, PayoutStatus, SettlementStatus, StatementKind
from tests.factories import act, refund
from tests.proof import crash
from tests.settling import close, sell, seller, settle

pytestmark = pytest.mark.django_db
KILLED_AT = "statement.before_commit"
BANK, GATEWAY = StatementKind.BANK, StatementKind.GATEWAY


@pytest.fixture
def merchant():
    return seller()


def today():
    """The day it is where the merchant and its bank are."""
    return clock.now().astimezone(ZoneInfo("Asia/Kolkata")).date()


def csv_of(kind, rows):
    return "\n".join([",".join(COLUMNS[kind]), *(",".join(map(str, row)) for row in rows)]) + "\n"


def bring(kind, rows, *, account=None, days=5, text=None, **over):
    """Import a file of the days around today."""
    content = io.BytesIO((text if text is not None else csv_of(kind, rows)).encode())
    told = {
        "kind": kind, "mode": "test", "account": account, "name": "file.csv",
        "period_from": today() - timedelta(days=days), "period_to": today() + timedelta(days=days),
    }  # fmt: skip
    return import_statement(content, NewStatement(**{**told, **over}), by=act(), at=clock.now())


def account_of(merchant):
    return GatewayAccount.objects.get(merchant=merchant)


def major(minor):
    return f"{'-' if minor < 0 else ''}{abs(minor) // 100}.{abs(minor) % 100:02}"


def line_of(row, *, gross=None, fee=600, tax=108, currency="INR", day=None, known=None, settlement="S1", utr="GUTR1"):
    """How the gateway tells of a payment or refund."""
    is_payment = hasattr(row, "captured_minor")
    if gross is None:
        gross = row.captured_minor if is_payment else -row.amount_minor
    if not is_payment:
        fee = tax = 0
    known = known or (row.gateway_payment_id if is_payment else row.gateway_refund_id)
    kind = "payment" if is_payment else "refund"
    amounts = [major(each) for each in (gross, fee, tax, gross - fee - tax)]
    return [known, kind, *amounts, currency, settlement, utr, day or today()]


def buckets(file):
    return dict(Counter(file.lines.values_list("bucket", flat=True)))


def is_explained(file):
    """Whether the buckets come to the file's total less the books', in each currency, and the books agree."""
    names = ("cost", "timing", "short", "missing", "duplicate")
    for currency in set(file.lines.values_list("currency", flat=True)):
        sums = file.lines.filter(currency=currency).aggregate(
            net=Sum("net_minor"), expected=Sum("expected_minor"), **{name: Sum(f"{name}_minor") for name in names}
        )
        if sums["net"] - sums["expected"] != sum(sums[name] for name in names):
            return False
    return list(books.differences()) == []


# --- Gateways ---


def test_a_gateways_file_books_what_it_paid_and_kept(merchant):
    payment = sell(merchant)
    back = refund(payment, 10_000)

    file = bring(GATEWAY, [line_of(payment), line_of(back)], account=account_of(merchant))

    assert buckets(file) == {"fee": 1, "matched": 1}
    row = GatewaySettlement.objects.get()
    assert (row.total_minor, row.paid_minor, row.cost_minor) == (29_999 - 708 - 10_000,) * 2 + (708,)
    posted = Transfer.objects.filter(source_type="gateway_settlement").order_by("pk")
    assert [(each.kind, each.debit.kind, each.amount_minor) for each in posted] == [
        ("gateway_paid", "bank", 19_291), ("gateway_cost", "gateway_fees", 708),
    ]  # fmt: skip
    assert books.balances()["gateway_receivable", "INR"] == 0
    assert is_explained(file)
    entry = AuditEntry.objects.get(act="statement.import")
    assert (entry.object_id, entry.details["lines"]) == (str(file.pk), 2)


def test_more_refunds_than_payments_are_taken_from_us(merchant):
    payment = sell(merchant)
    bring(GATEWAY, [line_of(payment)], account=account_of(merchant))
    back = refund(payment, 10_000)
    file = bring(GATEWAY, [line_of(back, settlement="S2")], account=account_of(merchant))
    assert GatewaySettlement.objects.get(reference="S2").paid_minor == -10_000
    assert is_explained(file)


def test_each_difference_is_in_its_bucket(merchant):
    known, short, absent, twice, foreign = (sell(merchant) for _ in range(5))
    stranger = sell(seller())
    rows = [
        line_of(known, fee=0, tax=0), line_of(short, gross=29_000, fee=0, tax=0), line_of(twice), line_of(twice),
        line_of(foreign, currency="USD"), line_of(stranger), line_of(known, known="gw_nobody"),
    ]  # fmt: skip

    file = bring(GATEWAY, rows, account=account_of(merchant))

    by_number = dict(file.lines.exclude(number=None).values_list("number", "bucket"))
    assert by_number == {
        2: "matched", 3: "short", 4: "fee", 5: "duplicate", 6: "missing", 7: "missing", 8: "missing",
    }  # fmt: skip
    only_books = file.lines.filter(number=None)
    assert set(only_books.values_list("payment", "bucket")) == {(absent.pk, "missing"), (foreign.pk, "missing")}
    assert file.lines.get(number=3).short_minor == 29_000 - 29_999
    assert is_explained(file)


def test_what_belongs_to_other_days_is_timing_and_evens_out(merchant):
    payment = sell(merchant)
    account = account_of(merchant)
    ends_today = {"period_from": today(), "period_to": today()}
    first = bring(GATEWAY, [line_of(payment, known="other")], account=account, **ends_today)
    waits = first.lines.get(number=None)
    assert (waits.bucket, waits.payment, waits.timing_minor) == ("timing", payment, -29_999)
    tomorrow = today() + timedelta(days=1)

    second = bring(GATEWAY, [line_of(payment)], account=account, period_from=tomorrow, period_to=tomorrow)

    came = second.lines.get(number=2)
    assert (came.bucket, came.timing_minor, came.cost_minor) == ("timing", 29_999, -708)
    assert is_explained(first)
    assert is_explained(second)


def test_what_an_earlier_file_brought_is_a_duplicate_and_is_not_booked_again(merchant):
    payment = sell(merchant)
    account = account_of(merchant)
    bring(GATEWAY, [line_of(payment)], account=account)
    again = bring(GATEWAY, [line_of(payment, settlement="S2")], account=account)
    assert buckets(again) == {"duplicate": 1}
    assert Transfer.objects.filter(source_type="gateway_settlement").count() == 2
    assert is_explained(again)


@pytest.mark.django_db(transaction=True)
def test_a_crash_before_the_commit_leaves_nothing_and_the_file_can_come_again(merchant):
    rows = [line_of(sell(merchant))]
    assert crash(KILLED_AT, lambda: bring(GATEWAY, rows, account=account_of(merchant)))
    assert not StatementFile.objects.exists()
    assert not Transfer.objects.filter(source_type="gateway_settlement").exists()
    assert is_explained(bring(GATEWAY, rows, account=account_of(merchant)))


FAULTS = ("drop", "duplicate", "amount", "date", "currency", "stranger")
FOUND_AS = {
    "drop": {"missing"}, "duplicate": {"duplicate"}, "amount": {"short"}, "date": {"timing"},
    "currency": {"missing"}, "stranger": {"missing"},
}  # fmt: skip


@pytest.mark.parametrize("seed", range(6))
def test_seeded_faults_are_found_whole(merchant, seed):
    chance = random.Random(seed)
    payments = [sell(merchant) for _ in range(14)]
    outsider = sell(seller())
    early = today() - timedelta(days=4)
    type(outsider).objects.filter(pk__in=[each.pk for each in payments]).update(
        completed_at=clock.now() - timedelta(days=4)
    )
    rows, due, absent = [], {}, set()
    for payment in payments:
        fault = chance.choice([*FAULTS, None])
        over = {"day": early, "fee": chance.randrange(1_000), "tax": chance.randrange(200)}
        if fault == "amount":
            over["gross"] = payment.captured_minor + chance.choice([-1, 1, -12_345, 500])
        elif fault == "date":
            over["day"] = early + timedelta(days=chance.choice([-3, 2, 4]))
        elif fault == "currency":
            over["currency"] = "EUR"
        if fault in ("drop", "currency"):
            absent.add(payment.pk)
        if fault != "drop":
            rows.append(line_of(payment, **over))
            due[len(rows) + 1] = FOUND_AS.get(fault, {"fee", "matched"})
        if fault == "duplicate":
            due[len(rows) + 1] = {"fee", "matched"}
            rows.append(line_of(payment, **over))
            due[len(rows) + 1] = {"duplicate"}
        elif fault == "stranger":
            rows.append(line_of(outsider, **over))
            due[len(rows)] = {"fee", "matched"}
            due[len(rows) + 1] = {"missing"}

    file = bring(GATEWAY, rows, account=account_of(merchant))

    found = dict(file.lines.exclude(number=None).values_list("number", "bucket"))
    assert found.keys() == due.keys()
    assert {number for number, bucket in found.items() if bucket not in due[number]} == set()
    assert dict(file.lines.filter(number=None).values_list("payment", "bucket")) == dict.fromkeys(absent, "missing")
    assert is_explained(file)


# --- The bank ---


@pytest.fixture
def payout(merchant):
    sell(merchant)
    settlement = close(settle(merchant))
    return send_payout(settlement.pk, net_minor=settlement.net_minor, by=act(), at=clock.now(), utr="UTR1")


def bank_line(reference, minor, *, day=None, currency="INR", narration="NEFT"):
    direction = "credit" if minor > 0 else "debit"
    return [day or today(), reference, major(abs(minor)), currency, direction, narration]


def test_the_bank_confirms_a_payout_and_takes_it_back(payout):
    file = bring(BANK, [bank_line("UTR1", -29_291)])
    payout.refresh_from_db()
    assert (payout.status, payout.value_date, buckets(file)) == (PayoutStatus.PAID, today(), {"matched": 1})
    assert payout.settlement.events.get(kind="settlement.paid_out").cause == "bank"
    assert is_explained(file)

    back = bring(BANK, [bank_line("UTR1", 29_291)])

    payout.refresh_from_db()
    payout.settlement.refresh_from_db()
    assert (payout.status, payout.settlement.status) == (PayoutStatus.FAILED, SettlementStatus.FAILED)
    assert "bank returned it" in payout.message
    assert buckets(back) == {"matched": 1}
    assert is_explained(back)


def test_both_in_one_file_and_then_again(payout):
    rows = [bank_line("UTR1", -29_291), bank_line("UTR1", 29_291)]
    assert buckets(bring(BANK, rows)) == {"matched": 2}
    payout.refresh_from_db()
    assert payout.status == PayoutStatus.FAILED
    again = bring(BANK, [*rows, bank_line("NOBODY", 5)])
    assert buckets(again) == {"duplicate": 1, "missing": 2}  # on the day of the return, it may be another transfer
    assert is_explained(again)


@pytest.mark.parametrize("retried", [0, 1])
def test_a_returned_payout_that_the_bank_tries_again_is_missing_from_the_books(payout, retried):
    rows = [
        bank_line("UTR1", -29_291), bank_line("UTR1", 29_291),
        bank_line("UTR1", -29_291, day=today() + timedelta(days=retried), narration="again"),
    ]  # fmt: skip

    file = bring(BANK, rows)

    payout.refresh_from_db()
    assert payout.status == PayoutStatus.FAILED
    assert buckets(file) == {"matched": 2, "missing": 1}
    assert file.lines.get(bucket="missing").payout == payout
    assert file.lines.get(bucket="missing").missing_minor == -29_291
    assert is_explained(file)


def test_a_retry_in_a_later_file_is_missing_too_and_the_old_transfer_is_not(payout):
    yesterday = today() - timedelta(days=1)
    bring(BANK, [bank_line("UTR1", -29_291, day=yesterday)])
    both = bring(BANK, [bank_line("UTR1", -29_291, day=yesterday), bank_line("UTR1", 29_291)])
    assert buckets(both) == {"duplicate": 1, "matched": 1}
    later = bring(BANK, [bank_line("UTR1", -29_291, narration="again")])
    assert buckets(later) == {"missing": 1}
    old = bring(BANK, [bank_line("UTR1", -29_291, day=yesterday, narration="old")])
    assert buckets(old) == {"duplicate": 1}
    assert all(is_explained(file) for file in (both, later, old))


@pytest.mark.parametrize("days", [(0, 0), (-1, 0)])
def test_the_newest_line_may_come_first(payout, days):
    left, back = (today() + timedelta(days=day) for day in days)
    rows = [bank_line("UTR1", 29_291, day=back), bank_line("UTR1", -29_291, day=left)]

    file = bring(BANK, rows)

    payout.refresh_from_db()
    assert (payout.status, payout.value_date) == (PayoutStatus.FAILED, left)
    assert list(file.lines.order_by("number").values_list("number", "type", "bucket")) == [
        (2, "credit", "matched"), (3, "debit", "matched"),
    ]  # fmt: skip
    assert is_explained(file)


@pytest.mark.parametrize(("utr", "status"), [("", PayoutStatus.SENT), ("UTR1", PayoutStatus.PAID)])
def test_our_own_id_finds_a_payout_and_never_becomes_its_reference(payout, utr, status):
    type(payout).objects.filter(pk=payout.pk).update(utr=utr)
    file = bring(BANK, [bank_line(payout.uid, -29_291)])
    payout.refresh_from_db()
    assert (payout.status, payout.utr) == (status, utr)
    assert buckets(file) == {"matched": 1}
    assert is_explained(file)
    bring(BANK, [bank_line(payout.uid, 29_291)])
    payout.refresh_from_db()
    assert payout.status == PayoutStatus.FAILED


def test_settlements_are_held_in_one_order_whatever_order_the_lines_have(payout):
    sell(payout.settlement.merchant)
    later = close(settle(payout.settlement.merchant))
    send_payout(later.pk, net_minor=later.net_minor, by=act(), at=clock.now(), utr="UTR2")
    with CaptureQueriesContext(connection) as seen:
        bring(BANK, [bank_line("UTR2", -29_291), bank_line("UTR1", -29_291)])
    asked = [each["sql"] for each in seen if 'FROM "payments_settlement" ' in each["sql"]]
    assert f"IN ({payout.settlement_id}, {later.pk}) ORDER BY" in asked[0]
    assert [row.status for row in payout.settlement.merchant.settlements.all()] == [SettlementStatus.PAID_OUT] * 2
    if connection.vendor == "postgresql":
        assert asked[0].endswith("FOR NO KEY UPDATE")


def test_another_amount_changes_nothing_and_is_short(payout):
    file = bring(BANK, [bank_line("UTR1", -29_000), bank_line("UTR1", 100)])
    payout.refresh_from_db()
    assert payout.status == PayoutStatus.SENT
    assert buckets(file) == {"short": 1, "missing": 1}
    assert file.lines.get(number=2).short_minor == 291
    assert is_explained(file)


def test_a_payout_that_no_file_has_is_missing_or_still_to_come(payout):
    late = bring(BANK, [bank_line("X", 1)], period_from=today(), period_to=today())
    assert late.lines.get(number=None).bucket == Bucket.TIMING
    gone = bring(BANK, [bank_line("Y", 1)])
    assert gone.lines.get(number=None).bucket == Bucket.MISSING
    assert is_explained(gone)


def test_what_a_gateway_paid_arrives_at_the_bank(merchant):
    payment = sell(merchant)
    bring(GATEWAY, [line_of(payment), line_of(payment, known="gw_other")], account=account_of(merchant))

    whole = bring(BANK, [bank_line("GUTR1", 2 * 29_291)])

    assert buckets(whole) == {"matched": 1}
    assert is_explained(whole)
    assert buckets(bring(BANK, [bank_line("GUTR1", 100)])) == {"duplicate": 1}


def test_a_gateways_transfer_that_did_not_arrive_is_told(merchant):
    bring(GATEWAY, [line_of(sell(merchant))], account=account_of(merchant))
    file = bring(BANK, [bank_line("OTHER", 10)])
    unseen = file.lines.get(number=None)
    assert (unseen.reference, unseen.bucket, unseen.missing_minor) == ("GUTR1", "missing", -29_291)
    assert is_explained(file)


def test_the_test_modes_payouts_are_not_touched_by_a_live_file(payout):
    file = bring(BANK, [bank_line("UTR1", -29_291)], mode="live")
    payout.refresh_from_db()
    assert (payout.status, buckets(file)) == (PayoutStatus.SENT, {"missing": 1})


# --- Refusals ---


def test_a_file_is_imported_once(merchant):
    rows = [line_of(sell(merchant))]
    bring(GATEWAY, rows, account=account_of(merchant))
    with pytest.raises(AlreadyImported):
        bring(GATEWAY, rows, account=account_of(merchant))
    assert StatementFile.objects.count() == 1


GOOD = "2026-11-01,UTR1,100.00,INR,debit,NEFT"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("2026-11-01,UTR1,100.00,INR,debit", "6 columns"),
        ("01-11-2026,UTR1,100.00,INR,debit,x", "date: write it like"),
        ("2026-11-31,UTR1,100.00,INR,debit,x", "date: write it like"),
        ("2026-W48-7,UTR1,100.00,INR,debit,x", "date: write it like"),
        ("2026-11-01,UTR1,1e5,INR,debit,x", "amount like"),
        ("2026-11-01,UTR1,NaN,INR,debit,x", "amount like"),
        ('2026-11-01,UTR1,"1,23",INR,debit,x', "amount like"),
        ('2026-11-01,UTR1,"1.234,50",INR,debit,x', "amount like"),
        ('2026-11-01,UTR1,"12,34",INR,debit,x', "amount like"),
        ("2026-11-01,UTR1,1.001,INR,debit,x", "decimals"),
        ("2026-11-01,UTR1,-5,INR,debit,x", "above zero"),
        ("2026-11-01,UTR1,0.00,INR,debit,x", "above zero"),
        ("2026-11-01,UTR1,10000000000000.01,INR,debit,x", "amount: write at most 1,000,000,000,000,000"),
        ("2026-11-01,UTR1,999999999999999,INR,debit,x", "at most 1,000,000,000,000,000"),
        ("2026-11-01,UTR1,1.00,XXX,debit,x", "ISO 4217"),
        ("2026-11-01,UTR1,1.00,INR,out,x", "credit or debit"),
        ("2026-11-01,UTR1,1.00,INR,debit,=HYPERLINK(1)", "formula"),
        ("2026-11-01,@UTR1,1.00,INR,debit,x", "formula"),
        ('2026-11-01,UTR1,1.00,INR,debit,"two\nlines"', "one line"),
        ("2026-11-01,UTR1,1.00,INR,debit," + "x" * 201, "at most 200"),
        ('2026-11-01,UTR1,1.00,INR,debit,"x', "not CSV"),
        ("", "6 columns"),
    ],
)
def test_one_bad_line_refuses_the_whole_file_by_its_number(line, words):
    text = "\n".join([",".join(COLUMNS[BANK]), GOOD, line]) + "\n"
    with pytest.raises(BadLine, match=words) as caught:
        bring(BANK, [], text=text)
    assert "ine 3" in caught.value.message or "ine 4" in caught.value.message
    assert not StatementFile.objects.exists()


@pytest.mark.parametrize(
    ("over", "words"),
    [
        ({"net": "1.00"}, "gross less fee"), ({"gross": "-299.99", "net": "-307.07"}, "above zero"),
        ({"id": ""}, "gateway's id"), ({"settlement_id": ""}, "settlement"),
        ({"type": "chargeback"}, "payment or refund"),
    ],
)  # fmt: skip
def test_a_bad_line_of_a_gateway(merchant, over, words):
    row = dict(zip(COLUMNS[GATEWAY], line_of(sell(merchant)), strict=True)) | over
    with pytest.raises(BadLine, match=words):
        bring(GATEWAY, [row.values()], account=account_of(merchant))
    assert not Transfer.objects.filter(source_type="gateway_settlement").exists()


@pytest.mark.parametrize("text", ["", "a,b\n", "date,reference\n", "\x00"])
def test_another_heading(text):
    with pytest.raises(BadLine, match=r"Line 1"):
        bring(BANK, [], text=text)


def test_only_a_heading_too_many_lines_too_many_bytes_and_another_encoding():
    heading = ",".join(COLUMNS[BANK]) + "\n"
    with pytest.raises(BadLine, match="no lines"):
        bring(BANK, [], text=heading)
    with pytest.raises(BadLine, match="split it"):
        bring(BANK, [], text=heading + (GOOD + "\n") * (MAX_LINES + 1))
    with pytest.raises(BadLine, match="too large"):
        bring(BANK, [], text="x" * (MAX_BYTES + 1))
    new = NewStatement(BANK, "test", today(), today(), "x.csv")
    with pytest.raises(BadLine, match="UTF-8"):
        import_statement(io.BytesIO(heading.encode() + b"\xff\xfe"), new, by=act(), at=clock.now())


def test_a_line_may_be_larger_than_any_order(payout):
    rows = [bank_line("A", minor) for minor in (10**15, 10**15, -(10**12 + 1))]
    file = bring(BANK, rows)
    told = file.lines.exclude(number=None)
    assert told.aggregate(total=Sum("net_minor"))["total"] == 2 * 10**15 - 10**12 - 1
    assert is_explained(file)


def test_lakh_and_thousand_commas_are_read_exactly(payout):
    rows = [[today(), "A", text, "INR", "credit", "x"] for text in ('"1,12,500.00"', '"1,234,567.89"', '"12,345"', "7")]
    file = bring(BANK, rows)
    amounts = file.lines.exclude(number=None).order_by("number").values_list("net_minor", flat=True)
    assert list(amounts) == [11_250_000, 123_456_789, 1_234_500, 700]


@pytest.mark.parametrize(
    "over",
    [{"account": None}, {"period_from": None}, {"days": -1}, {"days": 20}, {"collects": Collects.MERCHANT}],
)
def test_what_is_said_of_a_file_has_to_fit(merchant, over):
    account = account_of(merchant)
    if "collects" in over:
        GatewayAccount.objects.filter(pk=account.pk).update(collects=over.pop("collects"))
    if "period_from" in over:
        over["period_from"] = today() + timedelta(days=60)
    with pytest.raises(BadInput):
        bring(GATEWAY, [line_of(sell(merchant))], **{"account": account_of(merchant), **over})
    assert not StatementFile.objects.exists()


@pytest.mark.parametrize("change", [{"net_minor": 1}, {"missing_minor": 5}, {"bucket": "other"}])
def test_the_database_keeps_every_line_explained(merchant, change):
    file = bring(GATEWAY, [line_of(sell(merchant))], account=account_of(merchant))
    line = file.lines.get()
    for name, value in change.items():
        setattr(line, name, value)
    line.pk, line.number = None, 99
    line.payment = None
    with pytest.raises(IntegrityError), transaction.atomic():
        line.save()
    with pytest.raises(IntegrityError), transaction.atomic():
        StatementLine.objects.filter(file=file).update(**change)


def test_verify_books_sees_a_gateway_settlement_that_its_lines_do_not_make(merchant):
    file = bring(GATEWAY, [line_of(sell(merchant))], account=account_of(merchant))
    GatewaySettlement.objects.create(
        file=file, account=file.account, reference="S9", currency="INR", date=today(),
        total_minor=5, paid_minor=5, cost_minor=0,
    )  # fmt: skip
    told = [str(difference) for difference in books.differences()]
    assert any("its lines say otherwise" in each for each in told)
    assert any("the ledger has nothing" in each for each in told)
