"""A day at an operator: six people with what their groups may do, from the first call to the figures of the evening.

One story on one set of books: an order is found, money goes back, an order is ended, the merchant is settled and paid,
the bank's file is read, a link made, a webhook sent again, a key replaced.
"""

import csv
from datetime import timedelta
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.apps import apps
from django.contrib.auth.models import Group, User
from django.db import connection

from checkout.staff import sessions
from payments import books, clock, migrations
from payments.jobs import run_job
from payments.models import ApiKey, AuditEntry, Delivery, FeePlan, Order, Payout, Refund, Settlement, StatementFile
from payments.selectors import due_jobs
from payments.services.endpoints import add_endpoint
from payments.states import Bucket, DeliveryStatus, OrderStatus, PayoutStatus, RefundStatus, SettlementStatus
from tests.factories import OrderFactory, make_merchant_with_key, paid
from tests.payments.receiver import answer, receiving
from tests.payments.test_statements import BANK, bank_line, csv_of, today
from tests.staff.conftest import signed_in
from tests.staff.deeds import page_of
from tests.staff.door import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)
UTR = "HDFCR52026112900000017"

PEOPLE = {
    "sita": "support", "manu": "refund maker", "anil": "refund approver", "fara": "finance", "feroz": "finance",
    "kiran": "key admin",
}  # fmt: skip
HOOK = "REFUND_STATUS_WEBHOOK"


@pytest.fixture(params=[("light", 1280), ("dark", 375)], ids=["light desk", "dark phone"])
def people(request, browser, live_server, settings, _groups):
    """Each of them at a browser of their own. All signed in long ago: who moves money is asked again."""
    settings.PUBLIC_URL, settings.WEBHOOK_ALLOW_PRIVATE = live_server.url, True
    scheme, width = request.param
    contexts, complaints, pages = [], [], {}
    for name, group in PEOPLE.items():
        user = User.objects.create_user(name, password=PASSWORD, is_staff=True)
        user.groups.add(Group.objects.get(name=group))
        viewport = {"width": width, "height": 900}
        context = browser.new_context(viewport=viewport, color_scheme=scheme, base_url=live_server.url)
        contexts.append(context)
        context.add_cookies([{"name": "sid", "value": _old_session(user), "url": live_server.url}])
        pages[name] = context.new_page()
        pages[name].on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    yield SimpleNamespace(**pages)
    for context in contexts:
        context.close()
    # axe tries styles of its own, which our policy refuses; a form that is refused answers 400.
    assert [c for c in complaints if "style" not in c and "Failed to load resource" not in c] == []


@pytest.fixture
def _groups(db):
    """The groups as `migrate` makes them: a test that flushes the database has thrown them away."""
    names = sorted(path.stem for path in Path(migrations.__path__[0]).glob("0*.py"))
    for name in names:
        if name.endswith(("_staff_groups", "_rights", "_payment_links")):
            give = import_module(f"payments.migrations.{name}").Migration.operations[0]
            give.code(apps, SimpleNamespace(connection=connection))


def _old_session(user):
    session = signed_in(user).session
    session[sessions.PROVED] -= sessions.FRESH_FOR.total_seconds() + 60
    session.save()
    return session.session_key


@pytest.fixture
def shop():
    """The merchant's server: it fails once, then takes what comes."""
    with receiving(answer(500, body=b"not yet"), answer(200, body=b"thanks")) as server:
        yield server


@pytest.fixture
def patang(shop):
    """A merchant that staff may refund ₹500 of alone, with three things sold and one still to be paid for."""
    merchant = make_merchant_with_key(name="Patang Paper Goods")[0]
    merchant.one_person_refund_minor = 50_000
    merchant.save()
    FeePlan.objects.create(merchant=merchant, percent_bps=200, tax_bps=1_800)
    add_endpoint(merchant, "test", f"{shop.origin}/hook", [HOOK], at=clock.now())
    buyer = {"customer__name": "Asha Rao", "customer__phone": "+919820012345"}
    return SimpleNamespace(
        merchant=merchant,
        kite=paid(merchant=merchant, amount_minor=229_000, order_id="kite-7", **buyer),
        lamp=paid(merchant=merchant, amount_minor=150_000, order_id="lamp-8"),
        notebook=paid(merchant=merchant, amount_minor=29_999, order_id="notebook-9"),
        basket=OrderFactory(merchant=merchant, amount_minor=75_000, order_id="basket-10"),
    )


# --- What hands do on every page ---


def _is_clean(page):
    page.wait_for_load_state()
    results = Axe().run(page)
    assert results.violations_count == 0, f"{page.url}: {results.generate_report()}"
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), page.url


def _see(page, words):
    page.get_by_text(words).first.wait_for()
    _is_clean(page)


def _follow(page, link):
    page.get_by_role("link", name=link).first.click()
    _is_clean(page)


def _press(page, button):
    page.get_by_role("button", name=button, exact=True).click()


def _prove(page):
    """Answer who one is."""
    page.get_by_text("we ask again who you are").wait_for()
    page.get_by_label("Password").fill(PASSWORD)
    _press(page, "It is me: continue")


def _confirm(page, reason, button):
    """Both pages of a deed whose own fields are filled in."""
    page.get_by_label("Reason").fill(reason)
    _press(page, "Continue")
    _see(page, "Nothing has happened yet")
    _press(page, button)


def _search(page, words):
    page.get_by_label("Search").fill(words)
    _press(page, "Search")
    page.get_by_text("1 order", exact=True).wait_for()
    _is_clean(page)


def _work():
    """Do what the worker would do now."""
    for name, pk in list(due_jobs(at=clock.now())):
        run_job(name, pk, at=clock.now())


# --- The day ---


def _find(desk, patang):
    """By the phone number somebody calls from, and by an amount."""
    desk.goto("/admin/payments/order/")
    _is_clean(desk)
    _search(desk, "98200 12345")
    _follow(desk, patang.kite.order.order_id)
    _see(desk, "+919820012345")
    desk.goto("/admin/payments/order/")
    _search(desk, "₹299.99")
    _follow(desk, patang.notebook.order.order_id)
    desk.get_by_role("heading", name="Timeline").wait_for()


def _refund(maker, approver, patang):
    """More than one person may give back, by two."""
    maker.goto(page_of(patang.kite.order))
    _follow(maker, patang.kite.uid)
    _follow(maker, "Refund…")
    _prove(maker)
    _see(maker, "Amount in INR")
    maker.get_by_label("Amount in INR").fill("1200.00")
    _confirm(maker, "Torn in the post", "Ask to refund ₹1,200.00")
    _see(maker, "₹1,200.00 waits for a second person to approve it.")
    refund = Refund.objects.get()
    assert (refund.status, refund.requested_by.username) == (RefundStatus.REQUESTED, "manu")
    _follow(maker, refund.uid)
    assert maker.get_by_role("link", name="Approve…").count() == 0

    approver.goto("/admin/payments/refund/?queue=approval")
    _is_clean(approver)
    _follow(approver, refund.uid)
    approver.get_by_role("link", name="Approve…").click()
    _prove(approver)
    _see(approver, "manu asked for this refund.")
    _confirm(approver, "Saw the picture", "Approve and send ₹1,200.00")
    _see(approver, "Refunded: ₹1,200.00 went back to the customer.")
    refund.refresh_from_db()
    assert (refund.status, refund.approved_by.username) == (RefundStatus.SUCCESS, "anil")


def _terminate(desk, patang):
    desk.goto(page_of(patang.basket))
    _is_clean(desk)
    _follow(desk, "Terminate this order…")
    desk.get_by_label("Reason").fill("Ordered twice")
    _press(desk, "Terminate this order")
    _prove(desk)
    _see(desk, "This order is terminated: nobody can start to pay it any more.")
    patang.basket.refresh_from_db()
    assert patang.basket.status == OrderStatus.TERMINATED


def _settle(opener, closer):
    """One person opens, the worker builds, the other closes what waits, by way of the overview."""
    opener.goto("/admin/payments/settlement/")
    _is_clean(opener)
    _follow(opener, "Settle now")
    opener.get_by_label("Merchant").select_option("Patang Paper Goods")
    _press(opener, "Continue")
    _prove(opener)
    _see(opener, "A settlement takes all that waits")
    opener.get_by_label("Payments up to and with").fill(today().isoformat())
    _confirm(opener, "The end of the day", "Settle INR of Patang Paper Goods")
    _see(opener, "This settlement is being put together.")
    _work()
    _follow(opener, "Look again")
    assert opener.get_by_role("link", name="Close…").count() == 0
    settlement = Settlement.objects.get()

    closer.goto("/admin/overview/")
    _follow(closer, "1 to close")
    _follow(closer, settlement.uid)
    closer.get_by_role("link", name="Close…").click()
    _prove(closer)
    _is_clean(closer)
    _confirm(closer, "Agrees with the shop's list", "Close with a net of ₹2,793.47")
    _see(closer, "It waits to be paid out.")
    settlement.refresh_from_db()
    assert (settlement.opened_by.username, settlement.closed_by.username) == ("fara", "feroz")
    assert (settlement.gross_minor, settlement.refunds_minor, settlement.net_minor) == (408_999, 120_000, 279_347)
    return settlement


def _pay_out(desk, settlement):
    desk.goto("/admin/overview/")
    _follow(desk, "1 to pay out")
    _follow(desk, settlement.uid)
    _follow(desk, "Pay out…")
    desk.get_by_label("Bank reference (UTR)").fill(UTR)
    _confirm(desk, "Sent at the bank", "Note ₹2,793.47 as sent")
    _see(desk, "Confirm it when the bank says it is paid")
    payout = Payout.objects.get()
    assert (payout.status, payout.amount_minor, payout.sent_by.username) == (PayoutStatus.SENT, 279_347, "feroz")
    return payout


def _take_statement(desk, settlement):
    """The CSV's columns add up to the settlement's own figures."""
    desk.goto(page_of(settlement))
    _follow(desk, "Statement…")
    desk.get_by_label("Reason").fill("The merchant asked for it")
    with desk.expect_download() as loading:
        _press(desk, "Download CSV")
    with loading.value.path().open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert sorted(row["order_id"] for row in rows) == ["kite-7", "kite-7", "lamp-8", "notebook-9"]
    for column, minor in (("gross", settlement.gross_minor), ("refund", 120_000), ("net", settlement.net_minor)):
        assert sum(Decimal(row[column]) for row in rows) * 100 == minor, column


def _import_bank_file(desk, payout):
    """What the bank says of the pay-out confirms it."""
    content = csv_of(BANK, [bank_line(UTR, -payout.amount_minor)]).encode()
    desk.goto("/admin/payments/statementfile/")
    _is_clean(desk)
    _follow(desk, "Add statement file")
    desk.get_by_label("What it is").select_option("bank")
    for field in ("First day", "Last day"):
        desk.get_by_label(field).fill(today().isoformat())
    desk.get_by_label("CSV file").set_input_files([{"name": "hdfc.csv", "mimeType": "text/csv", "buffer": content}])
    desk.get_by_label("Reason").fill("The day's file")
    _press(desk, "Import the file")
    desk.get_by_role("heading", name="Beside the books, in INR").wait_for()
    _is_clean(desk)
    file = StatementFile.objects.get()
    assert list(file.lines.values_list("bucket", "payout")) == [(Bucket.MATCHED, payout.pk)]
    payout.refresh_from_db()
    assert (payout.status, payout.settlement.status) == (PayoutStatus.PAID, SettlementStatus.PAID_OUT)
    desk.goto("/admin/payments/payout/")
    _is_clean(desk)
    _follow(desk, payout.uid)


def _make_link(desk, patang):
    desk.goto("/admin/payments/order/")
    _follow(desk, "Make a payment link")
    desk.get_by_label("Merchant and mode").select_option(f"{patang.merchant.pk}:test")
    desk.get_by_label("Amount").fill("640.00")
    desk.get_by_label("What it is for").fill("Two lanterns")
    desk.get_by_label("Customer’s phone").fill("98200 12345")
    desk.get_by_label("Reason").fill("Ordered by phone")
    _press(desk, "Make the link")
    _see(desk, "Whoever has this link can pay the order")
    order = Order.objects.latest("pk")
    assert (order.amount_minor, order.note, order.merchant) == (64_000, "Two lanterns", patang.merchant)
    link = desk.get_by_label("Payment link").input_value()
    assert order.session_id in link
    desk.goto(link)
    desk.get_by_role("heading", name="How would you like to pay?").wait_for()


def _replay(desk, shop):
    """The message that the merchant's server did not take is sent again, the same."""
    Delivery.objects.update(due_at=clock.now() + timedelta(hours=1))  # after some more tries in vain
    delivery = Delivery.objects.get()
    assert (delivery.event.kind, delivery.status) == ("refund.success", DeliveryStatus.DUE)
    desk.goto("/admin/payments/delivery/")
    _is_clean(desk)
    _follow(desk, delivery.uid)
    _see(desk, "answered 500")
    _follow(desk, "Send again…")
    _confirm(desk, "Their server is back", "Send this webhook again")
    _see(desk, "It is due now")
    _work()
    desk.reload()
    _see(desk, "answered 200")
    delivery.refresh_from_db()
    assert delivery.status == DeliveryStatus.DELIVERED
    assert len({(headers["webhook-id"], body) for _, headers, body in shop.requests}) == 1


def _rotate_key(desk, patang):
    """A second key first, then the end of the first."""
    old = ApiKey.objects.get()
    desk.goto("/admin/payments/apikey/")
    _is_clean(desk)
    _follow(desk, "Add API key")
    desk.get_by_label("Merchant").select_option("Patang Paper Goods")
    desk.get_by_label("Reason").fill("The yearly change")
    _press(desk, "Make the key")
    _prove(desk)
    _see(desk, "Copy the secret now")
    new = ApiKey.objects.exclude(pk=old.pk).get()
    desk.get_by_text(new.client_id).wait_for()
    _follow(desk, "I have kept the secret")
    _follow(desk, old.client_id)
    _press(desk, "Revoke…")
    _see(desk, "Revoking ends a key at once and for good.")
    desk.get_by_label("Reason").fill("The shop uses the new one")
    _press(desk, "Revoke this key")
    _see(desk, f"Revoked: {old.client_id}.")
    assert list(patang.merchant.api_keys.filter(revoked_at=None)) == [new]


def _read_overview(desk):
    """The evening's figures have all of it."""
    desk.goto("/admin/overview/?period=today")
    _is_clean(desk)
    shown = desk.locator("#content-main").inner_text()
    for words in ("₹4,089.99", "3 payments", "100.0\u00a0%", "of 3 tries", "₹1,200.00"):
        assert words in shown, words
    assert "Nothing is due in INR." in shown


def test_a_day_of_the_staff(people, patang, shop):
    _find(people.sita, patang)
    _refund(people.manu, people.anil, patang)
    _terminate(people.sita, patang)
    settlement = _settle(people.fara, people.feroz)
    payout = _pay_out(people.feroz, settlement)
    _take_statement(people.fara, settlement)
    _import_bank_file(people.fara, payout)
    _make_link(people.sita, patang)
    _replay(people.sita, shop)
    _rotate_key(people.kiran, patang)
    _read_overview(people.fara)

    assert not list(books.differences())
    assert list(AuditEntry.objects.order_by("pk").values_list("act", "actor__username")) == [
        ("refund.request", "manu"),
        ("refund.approve", "anil"),
        ("order.terminate", "sita"),
        ("settlement.open", "fara"),
        ("settlement.close", "feroz"),
        ("payout.send", "feroz"),
        ("settlement.export", "fara"),
        ("statement.import", "fara"),
        ("order.create", "sita"),
        ("delivery.replay", "sita"),
        ("key.add", "kiran"),
        ("key.revoke", "kiran"),
    ]
