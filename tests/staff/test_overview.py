"""The staff's overview through the front door: who may see it, whose figures it shows, and what odd questions get."""

import html
import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from checkout.staff.overview_panels import age_words
from payments.services.disputes import post_adjustment
from payments.states import Method, Mode
from tests.factories import MerchantFactory, PaymentFactory, RefundFactory, act, paid, refund
from tests.settling import close, sell, seller, settle
from tests.staff.conftest import make_staff, signed_in

PAGE = "/admin/overview/"
NOON = datetime(2026, 11, 22, 6, 30, tzinfo=UTC)
"""Sunday, in India."""


@pytest.fixture(autouse=True)
def _sunday_noon(db):
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def desk():
    """Somebody who may look at payments and refunds."""
    return signed_in(make_staff("meera", "view_payment", "view_refund"))


def page(client, query=""):
    answer = client.get(f"{PAGE}?{query}")
    assert answer.status_code == 200
    return answer


def text(answer):
    """What a person reads, in one line."""
    shown = re.sub(r"<[^>]+>", " ", answer.content.decode())
    return " ".join(html.unescape(shown).split())


def figures(answer):
    return {figure.label: (figure.value, figure.note) for figure in answer.context["figures"]}


def take(days_ago=0, minor=100_00, **over):
    at = NOON - timedelta(days=days_ago)
    order = {"order__amount_minor": minor, "order__currency": over.pop("currency", "INR")}
    return PaymentFactory(**{"success": True, "started_at": at, "completed_at": at, **order, **over})


def live(**over):
    return {"order__mode": Mode.LIVE, "account__gateway": "razorpay", **over}


# --- Who ---


def test_strangers_are_sent_to_the_login(client):
    assert client.get(PAGE)["Location"].startswith("/admin/login/")


@pytest.mark.parametrize("permissions", [(), ("view_merchant", "view_order", "view_refund", "view_transfer")])
def test_who_may_not_view_payments_sees_no_figures(permissions):
    take(minor=123_456_00)
    client = signed_in(make_staff("desk", *permissions))
    assert client.get(PAGE).status_code == 403
    assert PAGE not in client.get("/admin/").content.decode()


def test_a_viewer_finds_it_first_in_the_sidebar(viewer):
    take(minor=123_456_00)
    index = viewer.get("/admin/").content.decode()
    assert f'<a href="{PAGE}">Overview</a>' in index
    assert index.index(PAGE) < index.index("/admin/payments/")
    shown = page(viewer)
    assert "₹1,23,456.00" in text(shown)
    assert f'<a href="{PAGE}" aria-current="page">Overview</a>' in shown.content.decode()
    assert "/admin/payments/order/" in shown.content.decode()  # the other lists are beside it


def test_who_may_not_view_refunds_sees_none():
    RefundFactory(payment=take(), amount_minor=77_00)
    shown = page(signed_in(make_staff("desk", "view_payment")))
    assert shown.context["refunds"] is None
    assert "₹77.00" not in text(shown)


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_it_is_only_read(desk, method):
    assert getattr(desk, method)(PAGE).status_code in (403, 405)


def test_it_brings_no_inline_script_or_style_and_is_not_kept(desk):
    take()
    answer = page(desk)
    shown = answer.content.decode()
    assert "<style" not in shown
    assert " style=" not in shown
    assert "<script>" not in shown
    assert "no-store" in answer["Cache-Control"]


# --- Figures ---


def test_the_figures_on_their_own(desk):
    take(minor=1_000_00)
    take(29, 1_11_234_50)
    take(30, 7_00)
    PaymentFactory(failed=True, started_at=NOON)
    PaymentFactory(started_at=NOON - timedelta(minutes=11))
    take(60, 5_00, review_reason="It took another amount.")
    assert figures(page(desk)) == {
        "Taken, 24 Oct to 22 Nov": ("₹1,12,234.50", "2 payments"),
        "Success rate": ("50.0\u00a0%", "of 4 tries"),
        "Not known yet": ("2", "oldest 60 days"),
        "Due to merchants": ("₹1,12,246.50", "next pay-out Mon 23 Nov"),
    }


@pytest.mark.parametrize(
    ("period", "label", "value"),
    [
        ("today", "Taken today", "₹1.00"),
        ("7", "Taken, 16 Nov to 22 Nov", "₹3.00"),
        ("30", "Taken, 24 Oct to 22 Nov", "₹7.00"),
        ("90", "Taken, 25 Aug to 22 Nov", "₹15.00"),
        ("91", "Taken, 24 Oct to 22 Nov", "₹7.00"),
    ],
)
def test_periods_end_today(desk, period, label, value):
    for days_ago, minor in ((0, 100), (6, 200), (29, 400), (89, 800), (90, 1_600)):
        take(days_ago, minor)
    assert figures(page(desk, f"period={period}"))[label][0] == value


def test_a_rate_is_rounded_down_so_that_100_means_all(desk):
    for _ in range(2):
        take()
    assert figures(page(desk))["Success rate"] == ("100.0\u00a0%", "of 2 tries")
    PaymentFactory(failed=True, started_at=NOON)
    assert figures(page(desk))["Success rate"] == ("66.6\u00a0%", "of 3 tries")


def test_what_is_due_is_shown_by_the_day_of_its_pay_out_with_its_sum(desk):
    merchant = MerchantFactory()
    with time_machine.travel(NOON - timedelta(days=9)):
        sell(merchant, amount_minor=12_34_567_00)
        settle(merchant)
    for days_ago, minor in ((3, 5_00), (1, 3_00), (0, 4_00)):
        with time_machine.travel(NOON - timedelta(days=days_ago), tick=False):
            sell(merchant, amount_minor=minor)
    sell(MerchantFactory(settlement_days=None), amount_minor=1_00)
    shown = page(desk)
    due = shown.context["due"]
    assert [(row.pay_out_on, row.of, row.net) for row in due.rows] == [
        ("Now", "1 settlement", "₹12,34,567.00"),
        ("Mon 23 Nov", "Thu 19 Nov", "₹5.00"),
        ("Wed 25 Nov", "Sat 21 and Sun 22 Nov, so far", "₹7.00"),
        ("By hand", "Sun 22 Nov, so far", "₹1.00"),
    ]
    assert figures(shown)["Due to merchants"] == ("₹12,34,580.00", "1 settlement to pay out now")
    assert due.total.net == "₹12,34,580.00"
    assert due.head == ["Taken", "Fees and tax", "Refunds"]


def test_what_is_due_now_leads_those_who_may_see_settlements_to_what_waits(desk):
    merchant, other = seller(), seller()
    with time_machine.travel(NOON - timedelta(days=1)):
        sell(merchant)
        sell(other)
    close(settle(merchant))
    waiting = settle(other)
    assert "1 to close" not in text(page(desk))
    seeing = signed_in(make_staff("ravi", "view_payment", "view_settlement"))
    assert "Now 2 settlements: 1 to close , 1 to pay out ₹" in text(page(seeing))
    shown = page(seeing, f"merchant={other.pk}")
    assert "Now 1 settlement: 1 to close ₹" in text(shown)
    [[(_, url)]] = [row.links for row in shown.context["due"].rows]
    assert [row.pk for row in seeing.get(url).context["cl"].result_list] == [waiting.pk]


def test_what_is_taken_off_what_is_due_has_a_minus_sign(desk):
    payment = sell(seller(), amount_minor=100_00)
    refund(payment, 10_00)
    post_adjustment(payment.merchant, -1_00, "INR", mode="test", by=act(), at=NOON)
    due = page(desk).context["due"]
    assert due.head[-1] == "Adjustments"
    assert due.total.figures == [
        ("Taken", "₹100.00"),
        ("Fees and tax", "\u2212₹2.36"),
        ("Refunds", "\u2212₹10.00"),
        ("Adjustments", "\u2212₹1.00"),
    ]
    assert figures(page(desk))["Due to merchants"] == ("₹86.64", "next pay-out Mon 23 Nov")


def test_the_drawing_the_table_and_the_headline_agree(desk):
    take(3, 2_56_460_25)
    take(0, 60_000_00)
    taken = page(desk).context["taken"]
    assert [label.text for label in taken.plot.labels] == ["₹2,56,460 on Thu 19 Nov", "today, so far"]
    assert [column.is_unfinished for column in taken.plot.columns] == [False, True]
    assert [row for row in taken.table.rows if row[1] != "0"] == [
        ["Thu 19 Nov", "1", "₹2,56,460.25"], ["Sun 22 Nov", "1", "₹60,000.00"],
    ]  # fmt: skip
    assert taken.table.total == ["In all", "2", "₹3,16,460.25"]
    assert taken.name == "Taken per day, 24 Oct to 22 Nov: at most ₹2,56,460 on Thu 19 Nov"


def test_today_is_drawn_by_the_hour(desk):
    take(0, 900)
    shown = page(desk, "period=today").context["taken"]
    assert [row for row in shown.table.rows if row[1] != "0"] == [["12:00 to 13:00", "1", "₹9.00"]]
    assert shown.plot.labels[0].text == "₹9 this hour, so far"
    assert len(shown.table.rows) == 24


def test_methods_are_drawn_with_what_became_of_their_tries(desk):
    take(method=Method.UPI)
    PaymentFactory(failed=True, started_at=NOON, method=Method.UPI)
    shown = page(desk)
    (bar,) = shown.context["methods"].bars
    assert (bar.name, bar.figure, bar.count) == ("UPI", "50.0\u00a0%", "of 2 tries")
    assert [part.name for part in bar.parts] == ["paid", "failed"]
    assert bar.title == "UPI: 1 paid, 1 failed"
    assert "url(#till-hatch)" in shown.content.decode()
    assert "Held" not in text(shown)
    PaymentFactory(authorized=True, started_at=NOON)
    assert "Held" in text(page(desk))


def test_every_drawing_has_a_name_and_a_table(desk):
    RefundFactory(payment=take())
    shown = page(desk).content.decode()
    drawings = re.findall(r'<svg[^>]*role="img"[^>]*>', shown)
    assert len(drawings) == 1 + 1 + 4
    assert all(re.search(r'aria-label="[^"]{5,}"', drawing) for drawing in drawings)
    assert shown.count('<details class="till-fold">') == 3


# --- Which figures ---


def test_test_and_live_are_never_mixed(desk):
    take(minor=1_00)
    assert figures(page(desk))["Taken, 24 Oct to 22 Nov"][0] == "₹1.00"
    assert "Test mode." in text(page(desk))
    take(minor=2_00, **live())
    shown = page(desk)  # real money comes first once there is any
    assert figures(shown)["Taken, 24 Oct to 22 Nov"][0] == "₹2.00"
    assert "Test mode." not in text(shown)
    shown = page(desk, "mode=test")
    assert figures(shown)["Taken, 24 Oct to 22 Nov"][0] == "₹1.00"
    assert "Test mode." in text(shown)


def test_one_currency_is_shown_at_a_time_the_most_used_first(desk):
    take(minor=9_000_00)
    for _ in range(2):
        take(minor=1_000, currency="JPY")
    take(minor=1_500, currency="KWD")
    label = "Taken, 24 Oct to 22 Nov"
    shown = page(desk)
    assert figures(shown)[label] == ("¥2,000", "2 payments")
    assert [choice.text for choice in shown.context["currencies"]] == ["INR", "JPY", "KWD"]
    assert figures(page(desk, "currency=KWD"))[label][0] == "KWD\u00a01.500"
    assert figures(page(desk, "currency=INR"))[label][0] == "₹9,000.00"
    assert figures(page(desk, "currency=EUR"))[label][0] == "€0.00"
    for choice in shown.context["currencies"]:
        again = page(desk, choice.url.removeprefix("?"))
        assert [other.text for other in again.context["currencies"] if other.is_chosen] == [choice.text]


def test_what_is_not_known_says_that_it_counts_every_currency(desk):
    PaymentFactory(started_at=NOON, order__currency="USD")
    take()
    assert figures(page(desk))["Not known yet"] == ("1", "oldest under a minute, in all currencies")


def test_figures_of_one_merchant(desk):
    mine, other = MerchantFactory(name="<b>Kites</b>"), MerchantFactory(time_zone="Europe/Berlin")
    take(minor=1_00, order__merchant=mine)
    take(minor=2_00, order__merchant=other)
    shown = page(desk, f"merchant={mine.pk}")
    assert figures(shown)["Taken, 24 Oct to 22 Nov"][0] == "₹1.00"
    assert f'<option value="{mine.pk}" selected>&lt;b&gt;Kites&lt;/b&gt;</option>' in shown.content.decode()
    assert f"merchant={mine.pk}" in shown.context["periods"][0].url
    assert "India time (Asia/Kolkata)" in text(shown)
    assert "Berlin time (Europe/Berlin)" in text(page(desk, f"merchant={other.pk}"))


@pytest.mark.parametrize(
    ("zones", "told"),
    [
        (["Asia/Kolkata", "UTC", "UTC"], "counted in UTC."),
        (["Asia/Kolkata", "Europe/Berlin"], "counted in India time (Asia/Kolkata)."),
    ],
)
def test_all_merchants_are_shown_in_the_zone_most_of_them_live_by(desk, zones, told):
    for zone in zones:
        merchant = MerchantFactory(time_zone=zone)
    take(order__merchant=merchant)
    assert told in text(page(desk))


def test_a_day_ends_where_the_merchant_lives(desk):
    at = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)  # Sunday in India, Saturday in Berlin
    india, berlin = MerchantFactory(), MerchantFactory(time_zone="Europe/Berlin")
    for merchant in (india, berlin):
        PaymentFactory(success=True, order__merchant=merchant, started_at=at, completed_at=at)
    counted = {
        merchant: figures(page(desk, f"period=today&merchant={merchant.pk}"))["Taken today"][1]
        for merchant in (india, berlin)
    }
    assert counted == {india: "1 payment", berlin: "0 payments"}


@pytest.mark.parametrize("name", ["period", "mode", "currency", "merchant"])
@pytest.mark.parametrize("value", ["", "%00", "-1", "1e9", "9" * 30, "%F0%9F%92%B8", "'", "INR'--", "inr", "%ff", "٣"])
def test_odd_questions_count_as_not_asked(desk, name, value):
    take()
    answer = page(desk, f"{name}={value}&{name}={value}&unknown=1")
    assert figures(answer)["Taken, 24 Oct to 22 Nov"][0] == "₹100.00"


# --- Where it leads ---


def _listed(client, url):
    """The rows of the list behind a link."""
    answer = client.get(url)
    assert answer.status_code == 200
    return set(answer.context["cl"].result_list)


def test_what_is_not_known_leads_to_just_those_payments(desk):
    merchant = MerchantFactory()
    mine = {
        PaymentFactory(order__merchant=merchant),
        take(50, review_reason="It took another amount.", order__merchant=merchant),
    }
    others = {PaymentFactory(), PaymentFactory(**live(order__merchant=merchant))}
    take(order__merchant=merchant)
    link = page(desk, f"merchant={merchant.pk}&mode=test").context["figures"][2].url
    assert _listed(desk, link) == mine
    everybodys = page(desk, "mode=test").context["figures"][2].url
    assert _listed(desk, everybodys) == mine | others - {row for row in others if row.mode == Mode.LIVE}


def test_refunds_lead_to_those_that_wait_and_to_those_that_failed_in_the_period(desk):
    payment = take(minor=100_000_00)
    waiting = RefundFactory(payment=payment)
    failed = RefundFactory(payment=payment, status="failed", completed_at=NOON)
    RefundFactory(payment=payment, status="failed", completed_at=NOON - timedelta(days=40))
    RefundFactory(payment=payment, status="success", completed_at=NOON, amount_minor=9_00)
    RefundFactory(payment=take(currency="USD"))
    refunds = page(desk, "currency=INR").context["refunds"]
    links = dict(refunds.links)
    assert list(links) == ["Review 1 waiting", "See the 1 that failed"]
    assert _listed(desk, links["Review 1 waiting"]) == {waiting}
    assert _listed(desk, links["See the 1 that failed"]) == {failed}
    assert [(bar.name, bar.count, bar.figure) for bar in refunds.bars] == [
        ("Waiting for approval", "1", "₹1.00"), ("With the bank", "0", "₹0.00"),
        ("Done", "1", "₹9.00"), ("Failed", "1", "₹1.00"),
    ]  # fmt: skip


# --- Little and much ---


@pytest.mark.parametrize("has_merchants", [True, False])
def test_before_anybody_paid_it_says_what_to_do(desk, has_merchants):
    if has_merchants:
        MerchantFactory()
    shown = text(page(desk))
    assert "Nobody has paid yet" in shown
    assert "4242 4242 4242 4242" in shown
    assert ("manage.py create_merchant" in shown) is not has_merchants


def test_a_quiet_period_says_so(desk):
    take(100)
    shown = page(desk)
    assert "Nothing was taken in INR in this time." in text(shown)
    assert figures(shown)["Success rate"] == ("–", "of 0 tries")
    assert "Nobody tried to pay in INR" in text(shown)


def test_the_page_asks_the_database_a_dozen_times_at_most_besides_the_readers_second_factor(
    desk, django_assert_max_num_queries
):
    for number in range(20):
        RefundFactory(payment=take(number % 30))
        paid()
    with django_assert_max_num_queries(12 + 1):
        page(desk)


def test_ages_are_rounded_down_to_their_largest_unit():
    told = [age_words(timedelta(minutes=minutes)) for minutes in (0, 1, 59, 60, 125, 1_440, 60 * 24 * 400)]
    assert told == ["under a minute", "1 minute", "59 minutes", "1 hour", "2 hours", "1 day", "400 days"]
