"""Settlements over REST: what is closed, whole, and only one's own."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from payments import clock
from payments.models import FeePlan, GatewayAccount, Settlement
from payments.services.disputes import post_adjustment
from payments.services.payouts import confirm_payout, fail_payout, send_payout
from payments.states import Collects
from tests.factories import OrderFactory, act, paid, refund
from tests.rest.conftest import refused
from tests.settling import RETURNED, bounce, close, pay_out, settle

PAGE = {"pagination": {"limit": 10}}


@pytest.fixture
def merchant(merchant):
    FeePlan.objects.create(merchant=merchant, percent_bps=200, tax_bps=1_800)
    return merchant


@pytest.fixture
def payment(merchant):
    return paid(OrderFactory(merchant=merchant, order_id="kite_1", tags={"name": "Retail"}))


@pytest.fixture
def ask(caller):
    """A page, as JSON."""

    def ask(path="/settlements", limit=10, cursor=None, **filters):
        body = {"pagination": {"limit": limit, "cursor": cursor}, "filters": filters or None}
        answer = caller("POST", path, body)
        assert answer.status_code == 200, answer.content
        return answer.json()

    return ask


def of_order(caller, order_id="kite_1"):
    answer = caller("GET", f"/orders/{order_id}/settlements")
    assert answer.status_code == 200, answer.content
    return answer.json()


def send(settlement, **over):
    return send_payout(settlement.pk, net_minor=settlement.net_minor, by=act(), at=clock.now(), **over)


def confirm(payout, utr="HDFC0001"):
    return confirm_payout(payout.pk, utr=utr, value_date=clock.now().date(), by=None, at=clock.now())


def adds_up(row):
    """The identity that the reference promises."""
    less = row["pg_service_charge"] + row["pg_service_tax"]
    return round(row["payment_amount"] - less + row["adjustment"], 2) == row["amount_settled"]


# --- Of one order ---


def test_an_order_in_an_open_settlement_is_not_settled(caller, payment, merchant):
    settlement = settle(merchant)
    refused(caller("GET", "/orders/kite_1/settlements"), 404, "settlement_not_found")
    close(settlement)
    assert of_order(caller)["cf_settlement_id"] == settlement.uid


def test_an_orders_settlement_in_both_shapes(caller, stranger, payment, merchant):
    settlement = close(settle(merchant))
    payout = pay_out(settlement)

    told = of_order(caller)

    assert (told["entity"], told["order_id"], told["cf_payment_id"]) == ("settlement", "kite_1", payment.uid)
    assert (told["settlement_id"], told["transfer_id"]) == (settlement.pk, payout.pk)
    assert (told["order_amount"], told["service_charge"], told["service_tax"]) == (299.99, 6, 1.08)
    assert (told["settlement_amount"], told["transfer_utr"]) == (292.91, "HDFC0001")
    assert told["transfer_time"].endswith("+05:30")
    assert told["order_details"]["order_tags"] == {"name": "Retail"}
    assert told["payment_details"]["settlement_amount"] == 292.91
    assert told["payment_details"]["pg_service_charge"] == 6
    assert told["customer_details"]["customer_phone"] == "9999999999"
    details = told["settlement_details"]
    assert (details["status"], details["settlement_utr"]) == ("SUCCESS", "HDFC0001")
    assert details["cf_settlement_id"] == settlement.uid
    assert told["till"]["net"] == 292.91
    refused(stranger("GET", "/orders/kite_1/settlements"), 404, "order_not_found")


def test_the_orders_own_link_leads_there(caller, payment, merchant, settings):
    close(settle(merchant))
    url = caller("GET", "/orders/kite_1").json()["settlements"]["url"]
    assert url == f"{settings.PUBLIC_URL}/pg/orders/kite_1/settlements"
    assert of_order(caller)["order_id"] == "kite_1"


def test_late_money_of_an_order_is_not_settled(caller, payment, merchant):
    type(payment).objects.filter(pk=payment.pk).update(capture_kind="late", fee_minor=0, fee_tax_minor=0)
    refused(caller("GET", "/orders/kite_1/settlements"), 404, "settlement_not_found")


def test_the_words_of_its_life(caller, ask, payment, merchant):
    def standing():
        told = of_order(caller)["settlement_details"]
        [row] = ask()["data"]
        assert (row["status"], row["status_description"]) == (told["status"], told["status_description"])
        assert [row["cf_settlement_id"]] == [row["cf_settlement_id"] for row in found(told["status"])]
        assert not any(found(word) for word in words - {told["status"]})
        return told["status"], told["settlement_utr"]

    def found(status):
        return ask(settlement_status=status)["data"]

    words = {"SUCCESS", "PENDING", "PENDING_WITH_CASHFREE", "PENDING_WITH_BANK", "FAILED"}
    settlement = close(settle(merchant))
    assert standing() == ("PENDING", None)
    first = send(settlement, utr="UTR1")
    assert standing() == ("PENDING_WITH_BANK", "UTR1")
    fail_payout(first.pk, message="The account is closed.", by=act(), at=clock.now())
    assert standing() == ("FAILED", "UTR1")
    assert "The account is closed." in ask()["data"][0]["status_description"]
    settlement.refresh_from_db()
    second = send(settlement)
    assert standing() == ("PENDING_WITH_BANK", None)
    confirm(second, "UTR2")
    assert standing() == ("SUCCESS", "UTR2")
    fail_payout(second.pk, message="Returned.", by=act(), at=clock.now())
    assert standing() == ("FAILED", "UTR2")


def test_nothing_to_pay_out_is_a_success_that_says_so(ask, payment, merchant):
    close(settle(merchant))
    refund(payment, 29_999)
    debt = close(settle(merchant))

    row = ask()["data"][0]

    assert row["cf_settlement_id"] == debt.uid
    assert (row["status"], row["settlement_utr"], row["amount_settled"]) == ("SUCCESS", None, -299.99)
    assert "nothing to pay out" in row["status_description"]
    assert "next settlement" in row["status_description"]
    assert adds_up(row)


def test_what_the_gateway_pays_the_merchant_says_so(caller, ask, merchant):
    GatewayAccount.objects.filter(merchant=merchant).update(collects=Collects.MERCHANT)
    paid(OrderFactory(merchant=merchant, order_id="kite_1"))
    close(settle(merchant, collects=Collects.MERCHANT))

    details = of_order(caller)["settlement_details"]

    assert (details["status"], details["settlement_utr"]) == ("SUCCESS", None)
    assert "gateway pays you itself" in details["status_description"]
    [row] = ask()["data"]
    assert (row["adjustment"], row["amount_settled"]) == (-299.99, -7.08)
    assert row["till"]["paid_directly"] == 299.99
    assert adds_up(row)


# --- The list ---


def test_the_list_by_pages(ask, merchant):
    made = []
    for _ in range(5):
        paid(OrderFactory(merchant=merchant))
        made.append(close(settle(merchant)).uid)

    seen, cursor = [], None
    for _ in range(3):
        page = ask(limit=2, cursor=cursor)
        seen += [row["cf_settlement_id"] for row in page["data"]]
        cursor = page["cursor"]

    assert seen == made[::-1]
    assert cursor is None
    assert ask(limit=5)["cursor"] is None


def test_the_row_explains_every_paisa(ask, payment, merchant):
    back = refund(payment, RETURNED)
    close(settle(merchant))
    bounce(back)
    post_adjustment(merchant, -5_000, "INR", mode="test", by=act(), at=clock.now(), payment=payment)
    second = close(settle(merchant))

    newest, first = ask()["data"]

    assert (first["payment_amount"], first["adjustment"], first["amount_settled"]) == (299.99, -100.94, 191.97)
    assert newest["settlement_id"] == second.pk
    assert newest["adjustment"] == newest["amount_settled"] == 50.94
    assert newest["till"]["adjustments"] == 50.94
    assert (newest["payment_from"], newest["till"]["carried_in"]) == (None, 0)
    assert adds_up(first)
    assert adds_up(newest)


def test_filters_by_id_reference_and_dates(ask, payment, merchant):
    first = close(settle(merchant))
    pay_out(first)
    paid(OrderFactory(merchant=merchant))
    second = close(settle(merchant))
    send(second, utr="OTHER")
    hour = timedelta(hours=1)
    ago, ahead = (moment.isoformat() for moment in (clock.now() - hour, clock.now() + hour))

    def found(**filters):
        return [row["cf_settlement_id"] for row in ask(**filters)["data"]]

    assert found(cf_settlement_ids=[first.uid]) == found(cf_settlement_ids=[first.pk]) == [first.uid]
    assert found(cf_settlement_ids=[str(second.pk), first.uid]) == [second.uid, first.uid]
    assert found(cf_settlement_ids=[]) == found(cf_settlement_ids=[-1]) == found(cf_settlement_ids=[10**30]) == []
    assert found(settlement_utrs=["HDFC0001"]) == [first.uid]
    assert found(settlement_utrs=["NONE"]) == []
    assert found(start_date=ago, end_date=ahead) == [second.uid, first.uid]
    assert found(start_date=ahead) == found(end_date=ago) == []
    assert found(start_date_initiated_on=ago) == [second.uid, first.uid]
    assert found(start_date_processed_on=ago, end_date_processed_on=ahead) == [first.uid]
    assert found(settlement_utrs=["OTHER"], settlement_status="SUCCESS") == []


@pytest.mark.parametrize(
    ("filters", "code"),
    [
        ({"settlement_status": "PAID"}, "filters.settlement_status_invalid"),
        ({"settlement_utrs": ["\x00"]}, "filters.settlement_utrs_invalid"),
        ({"cf_settlement_ids": ["ä"]}, "filters.cf_settlement_ids_invalid"),
        ({"cf_settlement_ids": ["x"] * 101}, "filters.cf_settlement_ids_invalid"),
        ({"start_date_initiated_on": "yesterday"}, "filters.start_date_initiated_on_invalid"),
    ],
)
def test_filters_that_cannot_be(caller, filters, code):
    refused(caller("POST", "/settlements", {**PAGE, "filters": filters}), 400, code)


@pytest.mark.parametrize("path", ["/settlements", "/settlement/recon", "/recon"])
def test_dates_at_the_ends_of_the_calendar(caller, ask, path):
    ends = {"start_date": "0001-01-01T00:00:00-23:59", "end_date": "9999-12-31T23:59:59+23:59"}
    assert ask(path, **ends)["data"] == []
    for name, text in (("start_date", "0001-01-01T00:00:00+05:30"), ("end_date", "9999-12-31T23:59:59-05:30")):
        body = {**PAGE, "filters": {**ends, name: text}}
        refused(caller("POST", path, body), 400, f"filters.{name}_invalid", "time_invalid")


@pytest.mark.parametrize("path", ["/settlements", "/settlement/recon"])
def test_nobody_sees_anothers_settlements_or_those_of_the_other_mode(caller, stranger, ask, payment, merchant, path):
    settlement = close(settle(merchant))
    line = settlement.lines.get()
    for cursor in (settlement.uid, str(line.pk)):
        body = {"pagination": {"limit": 10, "cursor": cursor}}
        refused(stranger("POST", path, body), 400, "pagination.cursor_invalid")
    body = {**PAGE, "filters": {"cf_settlement_ids": [settlement.uid, settlement.pk]}}
    assert stranger("POST", path, body).json()["data"] == []
    live = Settlement.objects.create(
        uid="settle_live", merchant=merchant, mode="live", currency="INR", collects="operator",
        cutoff_at=clock.now(), opened_at=clock.now(),
    )  # fmt: skip
    live.lines.create(kind="payment", payment=paid(OrderFactory(merchant=merchant)), amount_minor=1, at=clock.now())
    Settlement.objects.filter(pk=live.pk).update(status="closed", closed_at=clock.now())
    assert len(ask(path)["data"]) == 1
    assert ask(path, cf_settlement_ids=[live.uid, live.pk])["data"] == []


@pytest.mark.parametrize("path", ["/settlements", "/settlement/recon", "/recon"])
def test_what_is_open_is_not_shown(ask, payment, merchant, path):
    settle(merchant)
    span = {"start_date": "2020-01-01T00:00:00Z", "end_date": "2090-01-01T00:00:00Z"}
    assert ask(path, **(span if path == "/recon" else {}))["data"] == []


# --- Line by line ---


def test_every_kind_of_line(ask, payment, merchant):
    back = refund(payment, RETURNED, refund_id="R-1", note="One kite torn")
    first = close(settle(merchant))
    pay_out(first)
    bounce(back)
    post_adjustment(merchant, -5_000, "INR", mode="test", by=act(), at=clock.now())
    second = close(settle(merchant))

    rows = ask("/settlement/recon")["data"]

    told = [row["event_details"] for row in rows]
    names = ("event_type", "event_amount", "event_settlement_amount", "sale_type", "event_id")
    assert [tuple(event[name] for name in names) for event in told] == [
        ("PAYMENT", 299.99, 292.91, "CREDIT", payment.uid),
        ("REFUND", 100.94, 100.94, "DEBIT", back.uid),
        ("REFUND_REVERSAL", 100.94, 100.94, "CREDIT", back.uid),
        ("OTHER_ADJUSTMENT", 50, 50, "DEBIT", told[3]["event_id"]),
    ]
    assert [event["event_status"] for event in told] == ["SUCCESS", "CANCELLED", "SUCCESS", "SUCCESS"]
    assert rows[0]["payment_details"]["payment_service_charge"] == 6
    assert rows[0]["settlement_details"]["utr"] == rows[0]["settlement_details"]["settlement_utr"] == "HDFC0001"
    assert rows[1]["refund_details"]["refund_id"] == "R-1"
    assert rows[2]["order_details"]["order_id"] == "kite_1"
    assert rows[3]["order_details"] is rows[3]["payment_details"] is rows[3]["refund_details"] is None
    # Line by line it comes to what the list says.
    for settlement in (first, second):
        [row] = ask(cf_settlement_ids=[settlement.uid])["data"]
        mine = ask("/settlement/recon", cf_settlement_ids=[settlement.pk])["data"]
        signed = [
            event["event_details"]["event_settlement_amount"]
            * (1 if event["event_details"]["sale_type"] == "CREDIT" else -1)
            for event in mine
        ]
        assert round(sum(signed), 2) == row["amount_settled"]


def test_lines_by_pages_and_with_a_steady_number_of_statements(caller, ask, merchant):
    for _ in range(2):
        for _ in range(3):
            refund(paid(OrderFactory(merchant=merchant)), 100)
        close(settle(merchant))
    whole = ask("/settlement/recon", limit=100)["data"]
    assert len(whole) == 12

    seen, cursor = [], None
    for _ in range(5):
        page = ask("/settlement/recon", limit=3, cursor=cursor)
        seen += page["data"]
        cursor = page["cursor"]
        if cursor is None:
            break
    assert seen == whole

    def statements(limit):
        with CaptureQueriesContext(connection) as told:
            ask("/settlement/recon", limit=limit)
        return len(told)

    assert statements(12) == statements(2)


def test_recon_is_about_when_things_happened(ask, payment, merchant):
    close(settle(merchant))
    before, after = (clock.now() + timedelta(minutes=minutes) for minutes in (-10, 10))
    early = before - timedelta(days=1)

    def found(since, until):
        return [
            row["event_details"]["event_id"]
            for row in ask("/recon", start_date=since.isoformat(), end_date=until.isoformat())["data"]
        ]

    assert found(before, after) == [payment.uid]
    assert found(early, before) == found(after, after) == []
    assert Settlement.objects.count() == 1


@pytest.mark.parametrize("cursor", ["0", "9" * 18, "9" * 30, "x", "-1", "settle_x"])
def test_a_cursor_of_lines_that_was_never_given(caller, payment, merchant, cursor):
    close(settle(merchant))
    body = {"pagination": {"limit": 10, "cursor": cursor}}
    refused(caller("POST", "/settlement/recon", body), 400, "pagination.cursor_invalid")
