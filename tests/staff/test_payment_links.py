"""Payment links made, shown and e-mailed by staff: on purpose, with a reason, and written down."""

import logging
import re
import smtplib
from datetime import timedelta
from email import message_from_bytes
from html import unescape

import pytest
import time_machine
from django.contrib.auth.models import Group, User
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.test import Client

from payments import clock
from payments.models import AuditEntry, Event, GatewayAccount, Merchant, Order
from payments.services.audit import broken_links
from payments.services.payments import terminate_order
from tests.factories import GatewayAccountFactory, MerchantFactory, OrderFactory, PaymentFactory
from tests.staff import ADMIN
from tests.staff.conftest import make_staff, signed_in
from tests.staff.deeds import acts, problems

pytestmark = pytest.mark.django_db
MAKE = f"{ADMIN}/order/link/"
WHY = "Asked for it on the phone"
LINK = re.compile(r'value="(http://testserver/checkout/(sess_[A-Za-z0-9_-]{32}))"')


@pytest.fixture
def support(db):
    """A browser signed in as somebody of the group that helps customers."""
    person = User.objects.create_user("asha", is_staff=True)
    person.groups.add(Group.objects.get(name="support"))
    return signed_in(person)


def form_of(merchant, **over):
    return {
        "seller": f"{merchant.pk}:test",
        "order_amount": "299.99",
        "customer_phone": "9999999999",
        "customer_email": "walker@example.com",
        "customer_name": "Asha Rao",
        "reason": WHY,
        **over,
    }


def make(client, merchant, **over):
    return client.post(MAKE, form_of(merchant, **over))


def show(client, order, reason=WHY):
    return client.post(f"{ADMIN}/order/{order.pk}/link/", {"reason": reason})


def send(client, order, reason=WHY):
    """Send the mail; the words on the order's page afterwards."""
    answer = client.post(f"{ADMIN}/order/{order.pk}/mail-link/", {"reason": reason})
    assert answer.status_code == 302, problems(answer)
    return unescape(client.get(answer["Location"]).content.decode())


# --- Making ---


def test_a_form_makes_an_order_and_answers_with_its_link(support, merchant):
    answer = make(support, merchant, order_note="Two kites", order_expiry_time="3600", capture="manual")
    order = Order.objects.get()
    assert LINK.search(answer.content.decode())[2] == order.session_id
    assert answer["Cache-Control"] == "max-age=0, no-cache, no-store, must-revalidate, private"
    assert (order.merchant, order.mode, order.amount_minor, order.currency) == (merchant, "test", 29_999, "INR")
    assert (order.customer_name, order.customer_email) == ("Asha Rao", "walker@example.com")
    assert (order.customer_phone, order.note, order.manual_capture) == ("+919999999999", "Two kites", True)
    assert order.expires_at - order.created_at == timedelta(hours=1)
    assert order.order_id.startswith("link_")
    assert acts() == [("order.create", "asha", WHY)]
    assert Event.objects.get().cause == "staff"
    assert not list(broken_links())
    assert Client().get(f"/checkout/{order.session_id}").status_code == 200


def test_what_is_left_out_is_the_merchants(support, merchant):
    merchant.currency, merchant.order_expiry_s, merchant.manual_capture = "USD", 7_200, True
    merchant.save()
    make(support, merchant, customer_name="", customer_email="")
    order = Order.objects.get()
    assert (order.currency, order.manual_capture, order.customer_name, order.customer_email) == ("USD", True, "", "")
    assert order.expires_at - order.created_at == timedelta(hours=2)


def test_the_longest_time_and_ones_own_order_id_are_taken(support, merchant):
    make(
        support, merchant, order_expiry_time="2592000", order_id="Invoice-77", order_currency="JPY", order_amount="500"
    )
    order = Order.objects.get()
    assert (order.order_id, order.amount_minor, order.currency) == ("Invoice-77", 500, "JPY")
    assert order.expires_at - order.created_at == timedelta(days=30)


def test_opening_the_form_makes_nothing(support, merchant):
    page = support.get(f"{MAKE}?merchant={merchant.pk}").content.decode()
    assert re.search(rf'<option value="{merchant.pk}:test" selected>', page)
    assert not Order.objects.exists()


def test_a_form_that_is_sent_twice_makes_one_order(support, merchant):
    form = support.get(MAKE).content.decode()
    twice = {"link_id": re.search(r'name="link_id" value="([^"]+)"', form)[1]}
    make(support, merchant, **twice)
    again = make(support, merchant, **twice)
    order = Order.objects.get()
    assert order.order_id == twice["link_id"]
    assert again["Location"] == f"{ADMIN}/order/{order.pk}/change/"
    assert "This form was sent before" in support.get(again["Location"]).content.decode()
    assert len(acts()) == 1


@pytest.mark.parametrize("given", ["", "sess_x", "link_", "link_" + "x" * 27, "../x", "link_UPPER"])
def test_a_forged_mark_of_the_form_names_no_order(support, merchant, given):
    make(support, merchant, link_id=given)
    assert re.fullmatch(r"link_[0-9a-z]{26}", Order.objects.get().order_id)


def test_an_order_id_that_is_taken_is_refused_at_its_field(support, merchant):
    OrderFactory(merchant=merchant, order_id="Invoice-77")
    answer = make(support, merchant, order_id="Invoice-77")
    assert answer.status_code == 400
    assert answer.context["form"].errors["order_id"] == [
        "Invoice-77 is already used; choose another, or ask for that order."
    ]
    assert Order.objects.count() == 1


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("order_amount", "0", "Write an amount above 0"),
        ("order_amount", "1,50", "a plain number like 1299.50"),
        ("order_amount", "1e3", "a plain number like 1299.50"),
        ("order_amount", "1.005", "INR has 2 decimals"),
        ("order_amount", "", "required"),
        ("customer_phone", "12", "Write a number like 9999999999"),
        ("customer_phone", "", "required"),
        ("customer_email", "nonsense", "Write an address like"),
        ("customer_email", "a@b.example\r\nBcc: x@y.example", "on one line"),
        ("customer_name", "x" * 101, "at most 100"),
        ("order_note", "4242 4242 4242 4242", "looks like a card number"),
        ("order_id", "a b", "Write 3 to 45 letters"),
        ("order_id", "sessions", "Write 3 to 45 letters"),
        ("order_expiry_time", "1", "valid choice"),
        ("order_currency", "XXX", "valid choice"),
        ("capture", "maybe", "valid choice"),
        ("reason", "", "required"),
        ("seller", "", "required"),
        ("seller", "999:test", "valid choice"),
    ],
)
def test_what_cannot_be_taken_is_said_at_its_field(support, merchant, field, value, told):
    answer = make(support, merchant, **{field: value})
    assert answer.status_code == 400
    assert told in " ".join(answer.context["form"].errors[field])
    assert "Error:" in re.search(r"<title>(.*?)</title>", answer.content.decode(), re.DOTALL)[1]
    assert not Order.objects.exists()
    assert acts() == []


def test_all_that_is_wrong_is_said_at_once(support, merchant):
    answer = make(support, merchant, order_amount="x", customer_email="x", order_id="x")
    assert set(answer.context["form"].errors) == {"order_amount", "customer_email", "order_id"}


def test_what_the_merchants_settings_forbid_is_said_on_top(support, merchant):
    Merchant.objects.update(return_origins=[])
    answer = make(support, merchant)
    assert "is not registered for this merchant" in problems(answer)
    assert not Order.objects.exists()


def test_only_merchants_with_an_open_gateway_are_offered(support, merchant, settings):
    none = MerchantFactory(account=None)
    page = support.get(MAKE)
    assert list(page.context["form"].sellers) == [f"{merchant.pk}:test"]
    assert make(support, none).status_code == 400
    settings.SIMULATOR = False
    page = support.get(MAKE)
    assert page.context["form"].sellers == {}
    assert "No link can be made now" in page.content.decode()
    assert make(support, merchant).status_code == 400
    assert not Order.objects.exists()


def test_a_gateway_that_closes_meanwhile_is_said(support, merchant, monkeypatch):
    monkeypatch.setattr("checkout.staff.link_form.sellers", lambda: [(merchant, "test")])
    GatewayAccount.objects.all().delete()
    answer = make(support, merchant)
    assert "has no open test gateway" in answer.context["form"].errors["seller"][0]


def test_live_links_need_https(support, merchant, settings, monkeypatch):
    monkeypatch.setattr("payments.selectors.takes_attempts", lambda account: True)
    GatewayAccountFactory(merchant=merchant, mode="live", gateway="bank")
    assert list(support.get(MAKE).context["form"].sellers) == [f"{merchant.pk}:test"]
    settings.HTTPS = True
    offered = support.get(MAKE, secure=True).context["form"].sellers
    assert list(offered) == [f"{merchant.pk}:test", f"{merchant.pk}:live"]


def test_lists_and_pages_lead_there_only_those_who_may(support, viewer, order):
    merchant = order.merchant
    chief = signed_in(User.objects.create_superuser("boss"))
    for client, may in ((support, True), (viewer, False), (chief, True)):
        assert (MAKE in client.get(f"{ADMIN}/order/").content.decode()) is may
        page = client.get(f"{ADMIN}/order/{order.pk}/change/").content.decode()
        assert (f"{ADMIN}/order/{order.pk}/link/" in page) is may
        assert (f"{ADMIN}/order/{order.pk}/mail-link/" in page) is may
        page = client.get(f"{ADMIN}/merchant/{merchant.pk}/change/").content.decode()
        assert (f"{MAKE}?merchant={merchant.pk}" in page) is may


def test_the_right_to_make_without_that_to_see_opens_nothing(order):
    client = signed_in(make_staff("half", "add_order"))
    for path in (MAKE, f"{ADMIN}/order/{order.pk}/link/", f"{ADMIN}/order/{order.pk}/mail-link/"):
        assert client.get(path).status_code == 403
        assert client.post(path, {"reason": WHY}).status_code == 403
    assert acts() == []


def test_strangers_are_sent_to_the_login(client, order):
    for path in (MAKE, f"{ADMIN}/order/{order.pk}/link/", f"{ADMIN}/order/{order.pk}/mail-link/"):
        assert client.post(path)["Location"].startswith("/admin/login/")


def test_forms_of_other_origins_do_nothing(order):
    person = User.objects.create_superuser("boss")
    client = Client(enforce_csrf_checks=True)
    client.force_login(person)
    for path in (MAKE, f"{ADMIN}/order/{order.pk}/link/", f"{ADMIN}/order/{order.pk}/mail-link/"):
        assert client.post(path, form_of(order.merchant)).status_code == 403
    assert acts() == []
    assert mail.outbox == []


# --- Showing ---


def test_the_link_is_shown_for_a_reason_only(support, order):
    path = f"{ADMIN}/order/{order.pk}/link/"
    assert order.session_id not in support.get(path).content.decode()
    refused = show(support, order, reason=" ")
    assert refused.status_code == 400
    assert order.session_id not in refused.content.decode()
    assert acts() == []
    assert LINK.search(show(support, order).content.decode())[2] == order.session_id
    assert acts() == [("order.show_link", "asha", WHY)]


def test_the_orders_own_pages_keep_it_masked(support, order):
    show(support, order)
    send(support, order)
    for path in (f"{order.pk}/change/", f"{order.pk}/mail-link/", f"{order.pk}/history/", ""):
        assert order.session_id not in support.get(f"{ADMIN}/order/{path}").content.decode()
    assert order.session_id not in str(list(AuditEntry.objects.values()))


def test_no_log_line_has_the_link(support, merchant, caplog):
    caplog.set_level(logging.DEBUG)
    make(support, merchant)
    order = Order.objects.get()
    show(support, order)
    send(support, order)
    assert caplog.records
    assert order.session_id not in caplog.text


def test_the_timeline_tells_of_it(support, merchant, chief):
    make(support, merchant)
    page = chief.get(f"{ADMIN}/order/{Order.objects.get().pk}/change/").content.decode()
    assert "asha made the order, for a payment link." in page


@pytest.mark.parametrize("door", ["link", "mail-link"])
@pytest.mark.parametrize("key", ["999", "abc", "1_5F"])
def test_an_order_that_is_not_there_is_no_fault_of_ours(support, door, key):
    assert support.get(f"{ADMIN}/order/{key}/{door}/").status_code == 302
    assert support.post(f"{ADMIN}/order/{key}/{door}/", {"reason": WHY}).status_code == 302


# --- E-mailing ---


def test_the_mail_says_who_asks_for_how_much_and_until_when(support, order, settings):
    settings.DEFAULT_FROM_EMAIL = "Till <till@pay.example.com>"
    order.note, order.expires_at = "Two kites", order.created_at.replace(year=2099, month=3, day=1, hour=11, minute=0)
    order.save()
    Merchant.objects.update(name="Kite & Sons", support_email="help@shop.example.com")
    assert "The payment link was e-mailed to asha@example.com." in send(support, order)
    sent = mail.outbox[0]
    assert (sent.to, sent.cc, sent.bcc) == (["asha@example.com"], [], [])
    assert (sent.from_email, sent.reply_to) == ("Till <till@pay.example.com>", ["help@shop.example.com"])
    assert sent.subject == "[Test] Kite & Sons: pay ₹299.99"
    assert sent.content_subtype == "plain"
    assert not getattr(sent, "alternatives", None)
    for words in (
        "Kite & Sons asks you to pay ₹299.99.",
        "For: Two kites",
        f"Order: {order.order_id}",
        "until 4:30 pm on 1 March 2099 (India time)",
        f"\nhttp://testserver/checkout/{order.session_id}\n",
        "This is a test: no real money moves.",
        "Hello Asha Rao,",
    ):
        assert words in sent.body
    assert sent.body.count("http") == 1
    assert acts() == [("order.mail_link", "asha", WHY), ("order.link_mailed", "asha", WHY)]


@pytest.mark.parametrize(("of_order", "of_merchant", "code"), [("hi", "ta", "hi"), ("", "hi", "hi"), ("", "", "en")])
def test_the_mail_is_written_in_the_orders_language_or_the_merchants(support, order, of_order, of_merchant, code):
    Order.objects.update(language=of_order)
    Merchant.objects.update(language=of_merchant)
    page = support.get(f"{ADMIN}/order/{order.pk}/mail-link/").content.decode()
    assert f'<div lang="{code}" dir="auto">' in page
    assert "The payment link was e-mailed to asha@example.com." in send(support, order)
    (sent,) = mail.outbox
    assert sent.extra_headers["Content-Language"] == code
    greeting = {"hi": "नमस्ते Asha Rao,", "en": "Hello Asha Rao,"}[code]
    assert greeting in sent.body
    assert "asks you" not in sent.body or code == "en"
    assert "₹299.99" in sent.subject
    assert order.session_id in sent.body


def test_a_link_is_made_in_a_language(support, merchant):
    make(support, merchant, language="ta")
    assert Order.objects.get().language == "ta"
    assert problems(make(support, merchant, language="sv"))


def test_the_page_shows_the_mail_before_it_goes(support, order):
    page = support.get(f"{ADMIN}/order/{order.pk}/mail-link/").content.decode()
    assert "pay ₹299.99" in page
    assert f"{order.session_id[:7]}…" in page
    assert mail.outbox == []


def test_no_mail_goes_without_a_reason(support, order):
    assert support.post(f"{ADMIN}/order/{order.pk}/mail-link/", {"reason": ""}).status_code == 400
    assert mail.outbox == []
    assert acts() == []


def test_what_cannot_be_paid_is_not_mailed(support):
    over = [
        terminate_order(OrderFactory().pk, cause="merchant", at=clock.now()),
        OrderFactory(expires_at=clock.now() - timedelta(minutes=1)),
        PaymentFactory(success=True).order,
        PaymentFactory().order,  # an attempt is being made just now
        OrderFactory(customer_email=""),
    ]
    for order in over:
        assert "This cannot be done now" in support.get(f"{ADMIN}/order/{order.pk}/mail-link/").content.decode()
        assert f"{ADMIN}/order/{order.pk}/mail-link/" not in send(support, order)
    assert mail.outbox == []
    assert acts() == []


def test_a_declined_order_can_be_mailed_again(support):
    send(support, PaymentFactory(failed=True).order)
    assert len(mail.outbox) == 1


def test_three_mails_an_hour_and_no_more(support, order):
    for _ in range(3):
        send(support, order)
    assert "3 times within an hour" in send(support, order)
    assert "3 times within an hour" in support.get(f"{ADMIN}/order/{order.pk}/mail-link/").content.decode()
    assert len(mail.outbox) == 3
    send(support, OrderFactory(merchant=order.merchant))
    with time_machine.travel(clock.now() + timedelta(minutes=61), tick=False):
        send(signed_in(User.objects.get(username="asha")), order)
    assert len(mail.outbox) == 5


@pytest.mark.parametrize("fault", [smtplib.SMTPServerDisconnected("gone"), ConnectionRefusedError(), TimeoutError()])
def test_a_mail_server_that_fails_is_said_and_not_recorded_as_sent(support, order, monkeypatch, fault, caplog):
    def fail(*args):
        raise fault

    monkeypatch.setattr(EmailBackend, "send_messages", fail)
    page = send(support, order)
    assert f"The mail server did not take the mail ({type(fault).__name__})" in page
    assert "was e-mailed to" not in page
    assert acts() == [("order.mail_link", "asha", WHY)]
    assert order.session_id not in caplog.text


def test_nothing_written_anywhere_becomes_a_header(support, order):
    evil = "Kites\r\nBcc: all@example.com\r\n\r\nRead this"
    Merchant.objects.update(name=evil)
    Order.objects.update(customer_name=evil, note=evil, customer_email="asha@example.com\nBcc: all@example.com")
    send(support, order)
    for sent in mail.outbox:
        message = message_from_bytes(sent.message().as_bytes())
        assert set(message.keys()) <= {
            "Content-Type", "MIME-Version", "Content-Transfer-Encoding", "Subject", "From", "To", "Date", "Message-ID",
            "Content-Language",
        }  # fmt: skip
        assert "all@example.com" not in sent.recipients()
    assert len(acts()) == 1 + len(mail.outbox)


def test_without_a_mail_server_nothing_is_called_sent(support, merchant, settings):
    settings.EMAIL_BACKEND = "checkout.mail.LogBackend"
    order = OrderFactory(merchant=merchant)
    assert "No mail server is set (EMAIL_URL)" in client_page(support, order)
    support.post(f"{ADMIN}/order/{order.pk}/mail-link/", {"reason": WHY})
    assert not AuditEntry.objects.filter(order=order).exists()


def client_page(client, order):
    return unescape(client.get(f"{ADMIN}/order/{order.pk}/mail-link/", follow=True).content.decode())
