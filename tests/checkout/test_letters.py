"""Customers are told by mail of what they paid and of what goes back, once each, and only what is true."""

import re
from datetime import timedelta
from smtplib import SMTPRecipientsRefused, SMTPServerDisconnected

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from payments import clock
from payments.jobs import run_job
from payments.models import Merchant, Order
from payments.selectors import due_jobs
from payments.services.refunds import apply_refund_fact
from tests.factories import OrderFactory, fresh, late, paid, refund, refund_fact_for, requested
from tests.hosted.test_translation import untranslated

pytestmark = pytest.mark.django_db
SEND = "django.core.mail.backends.locmem.EmailBackend.send_messages"


@pytest.fixture
def merchant(merchant):
    Merchant.objects.update(name="Kite <Shop>", support_email="help@shop.example.com")
    merchant.refresh_from_db()
    return merchant


@pytest.fixture
def order(merchant):
    return OrderFactory(
        merchant=merchant, order_id="order_7", customer_name="Asha Rao", customer_email="asha@example.com"
    )


def _due():
    return [job for job in due_jobs(at=clock.now()) if job[0] == "customer_mail"]


def _tell():
    """Send what is due, as the worker would; the mails that this sent."""
    before = len(mail.outbox)
    for job in _due():
        run_job(*job, at=clock.now())
    return mail.outbox[before:]


def _fact(row, word, **over):
    apply_refund_fact(fresh(row), refund_fact_for(row, word, **over), cause="test", at=clock.now())


def _html(sent):
    return sent.alternatives[0][0]


def _is_settled():
    return set(Order.objects.values_list("mail_due_at", "mail_from")) == {(None, None)}


# --- What they say ---


def test_a_paid_order_brings_its_receipt(order):
    payment = paid(order)
    (sent,) = _tell()
    assert (sent.to, sent.reply_to) == (["asha@example.com"], ["help@shop.example.com"])
    assert sent.subject == "[Test] Receipt for ₹299.99: Kite <Shop>"
    for words in (
        "This is a test: no real money moves.",
        "₹299.99 was taken, once.",
        "Paid to: Kite <Shop>",
        "Order: order_7",
        "Paid with: Card ending 4242",
        "(India time)",
        "Questions? Write to Kite <Shop>: help@shop.example.com",
    ):
        assert words in sent.body, sent.body
    assert sent.body.index("₹299.99 was taken") < sent.body.index("It’s paid.")
    assert payment.bank_reference in sent.body.replace(" ", "")
    assert "Kite &lt;Shop&gt;" in _html(sent)
    assert "Kite <Shop>" not in _html(sent)
    assert order.session_id not in sent.body + _html(sent)
    assert (_tell(), _is_settled()) == ([], True)


@pytest.mark.parametrize(("of_order", "of_merchant", "code"), [("ar", "ta", "ar"), ("", "ar", "ar"), ("", "", "en")])
def test_letters_are_written_in_the_orders_language_or_the_merchants(order, of_order, of_merchant, code):
    Order.objects.update(language=of_order)
    Merchant.objects.update(language=of_merchant)
    refund(paid(order), 10_093)
    for sent in _tell():
        assert sent.extra_headers["Content-Language"] == code
        assert f'<html lang="{code}"' in _html(sent)
        assert ('dir="rtl"' in _html(sent)) is (code == "ar")
        assert ("taken" in sent.body) is (code == "en") or "returned" in sent.body
        assert (code == "ar") is bool(re.search("[\u0600-\u06ff]", sent.subject))
    assert translation.get_language() == "en"


def test_live_orders_say_nothing_of_tests(order):
    paid(order)
    Order.objects.update(mode="live")
    (sent,) = _tell()
    assert sent.subject == "Receipt for ₹299.99: Kite <Shop>"
    assert "test" not in sent.body.lower()
    assert '<p class="test">' not in _html(sent)
    assert "no real money" not in _html(sent)


def test_a_refund_is_told_of_when_it_is_sent_and_when_it_is_done(order):
    given = refund(paid(order), 10_093)
    receipt, sent = _tell()
    assert "₹299.99 was taken; ₹100.93 of it is being returned to you." in receipt.body
    assert sent.subject == "[Test] ₹100.93 is being returned to you: Kite <Shop>"
    assert "₹100.93 is being returned to you." in sent.body
    assert "It should reach you by" in sent.body
    assert "<strong>" not in sent.body
    assert "<strong>" in _html(sent)
    _fact(given, "success", bank_reference="ARN123")
    (done,) = _tell()
    assert done.subject == "[Test] ₹100.93 went back to you: Kite <Shop>"
    assert "₹100.93 was returned to you on" in done.body
    assert "This is a test: no real money moves." in done.body
    assert order.session_id not in done.body + _html(done)


def test_a_refund_that_did_not_arrive_is_not_called_returned(order):
    given = refund(paid(order), 10_093)
    _fact(given, "success")
    _tell()
    _fact(given, "failed")
    (sent,) = _tell()
    assert sent.subject == "[Test] ₹100.93 did not reach you: Kite <Shop>"
    assert "₹100.93 did not reach you." in sent.body
    assert "returned" not in sent.body
    assert "Kite <Shop> can send it again: ask them." in sent.body


def test_a_refund_that_the_gateway_holds_is_on_its_way(order):
    refund(paid(order), 10_092)
    _receipt, sent = _tell()
    assert sent.subject == "[Test] ₹100.92 is being returned to you: Kite <Shop>"


def test_what_was_overtaken_is_left_out(order):
    given = refund(paid(order), 10_093)
    _fact(given, "success")
    assert [sent.subject.partition("] ")[2].partition(":")[0] for sent in _tell()] == [
        "Receipt for ₹299.99",
        "₹100.93 went back to you",
    ]


def test_a_request_that_waits_for_a_second_person_is_not_told_of(order):
    payment = paid(order)
    _tell()
    requested(payment)
    assert (_due(), _tell()) == ([], [])


def test_late_money_brings_no_receipt_but_word_that_it_goes_back(order):
    payment = late(order)
    (sent,) = _tell()
    assert sent.subject == "[Test] ₹299.99 is being returned to you: Kite <Shop>"
    assert "We are sending your money back" in sent.body
    assert "paid." not in sent.body
    _fact(payment.refunds.get(), "failed")
    (failed,) = _tell()
    assert "It still has to go back to you, and we are looking into it." in failed.body


def test_no_header_can_be_added_by_a_name(order):
    Merchant.objects.update(name="Kite\r\nBcc: all@example.com")
    paid(order)
    (sent,) = _tell()
    assert "Bcc" not in sent.message()
    assert "\n" not in sent.subject


def test_every_word_can_be_translated(order, monkeypatch):
    Merchant.objects.update(name="Kite Shop")
    given = refund(paid(order), 10_093)
    monkeypatch.setattr(translation._trans, "gettext", lambda message: f"⟦{message}⟧")
    monkeypatch.setattr(translation._trans, "pgettext", lambda context, message: f"⟦{message}⟧")
    sent = _tell()
    for word in ("success", "failed"):
        _fact(given, word)
        sent += _tell()
    assert len(sent) == 4
    assert [untranslated(f"{each.subject} {_html(each)}") for each in sent] == [[]] * 4


# --- Whom ---


def test_nobody_is_told_where_the_merchant_switched_it_off(order):
    Merchant.objects.update(mail_receipts=False)
    payment = paid(order)
    assert (_tell(), _is_settled()) == ([], True)
    Merchant.objects.update(mail_receipts=True)
    refund(payment, 10_093)
    assert ["Receipt" in sent.subject for sent in _tell()] == [False]


def test_an_order_without_an_address_has_nothing_due(order):
    Order.objects.update(customer_email="")
    paid(fresh(order))
    assert (_due(), _is_settled()) == ([], True)


def test_what_happened_before_the_upgrade_is_not_told_of_later(order):
    payment = paid(order)
    Order.objects.update(mail_due_at=None, mail_from=None)
    refund(payment, 10_093)
    assert ["is being returned" in sent.subject for sent in _tell()] == [True]


# --- Once ---


def test_of_two_workers_one_tells_and_what_happens_meanwhile_is_told_once(order, monkeypatch):
    payment = paid(order)
    (job,) = _due()
    real, second = EmailBackend.send_messages, []

    def send(self, messages):
        if not second:
            refund(payment, 10_093)
            second.append(run_job(*job, at=clock.now()))
        return real(self, messages)

    monkeypatch.setattr(SEND, send)
    assert run_job(*job, at=clock.now())
    assert (second, len(mail.outbox)) == ([False], 1)
    assert "Receipt" in mail.outbox[0].subject
    assert ["is being returned" in sent.subject for sent in _tell()] == [True]
    assert (run_job(*job, at=clock.now()), len(mail.outbox), _is_settled()) == (False, 2, True)


def test_a_worker_killed_between_sending_and_noting_leads_to_the_same_mail_again(order, monkeypatch):
    paid(order)
    real = EmailBackend.send_messages

    def die(self, messages):
        real(self, messages)
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(SEND, die)
        with pytest.raises(SystemExit):
            _tell()
    assert _tell() == []
    with clock.shifted(timedelta(minutes=11)):
        assert len(_tell()) == 1
    first, again = mail.outbox
    assert first.extra_headers["Message-ID"] == again.extra_headers["Message-ID"]
    assert _is_settled()


@pytest.mark.parametrize(
    "fault",
    [
        SMTPServerDisconnected("bye"),
        ConnectionRefusedError(),
        SMTPRecipientsRefused({"asha@example.com": (450, b"later")}),
    ],
)
def test_a_mail_server_that_is_down_is_tried_again_with_growing_pauses(order, monkeypatch, caplog, fault):
    paid(order)
    began = clock.now()

    def down(*_):
        raise fault

    waited = []
    with monkeypatch.context() as patch:
        patch.setattr(SEND, down)
        for after in (0, 2, 5, 60):
            with clock.shifted(timedelta(minutes=after)):
                assert (len(_due()), _tell()) == (1, [])
                waited.append(round((Order.objects.get().mail_due_at - began) / timedelta(minutes=1)))
    assert waited == [1, 4, 10, 120]
    assert "asha@example.com" not in caplog.text
    with clock.shifted(timedelta(minutes=121)):
        assert len(_tell()) == 1
    assert _is_settled()


@pytest.mark.parametrize(
    ("fault", "days"),
    [(SMTPRecipientsRefused({"asha@example.com": (550, b"nobody")}), 0), (ValueError(), 0), (TimeoutError(), 3)],
)
def test_what_cannot_be_mailed_is_given_up(order, monkeypatch, caplog, fault, days):
    paid(order)

    def refuse(*_):
        raise fault

    monkeypatch.setattr(SEND, refuse)
    with clock.shifted(timedelta(days=days)):
        assert _tell() == []
    assert "given up" in caplog.text
    assert _is_settled()


def test_a_payment_costs_no_statement_more_for_it(order):

    first, silent = (OrderFactory(merchant=order.merchant, customer_email="") for _ in range(2))
    counts = []
    for each in (first, silent, order):
        with CaptureQueriesContext(connection) as statements:
            paid(each)
        counts.append(len(statements))
    assert counts[1] == counts[2]
