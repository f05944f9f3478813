"""Every way to pay through to its end in Chromium, with and without scripts."""

import re
from datetime import timedelta

import pytest
from django.db.models import F
from playwright.sync_api import expect

from payments import clock, jobs
from payments.gateways.simulator.models import SimulatedPayment
from payments.models import Payment
from payments.states import PaymentStatus
from tests.browser.hands import buy, choose, go_to, press

pytestmark = pytest.mark.django_db(transaction=True)

PAID = "was taken, once."
HANDED_OVER = ["netbanking", "wallet", "card"]


@pytest.fixture
def shopper(phone, live_server, patang):
    """On the payment page, with something bought."""
    buy(phone, live_server)
    expect(phone.get_by_text("Nothing has been taken.")).to_be_visible()
    return phone


def expect_heading(page, name):
    expect(page.get_by_role("heading", name=name)).to_be_visible()


def approve(page, method):
    if method == "card":
        page.locator("[autocomplete='one-time-code']").fill("123456")
    press(page, "Approve")


@pytest.mark.parametrize("method", HANDED_OVER)
def test_approved_at_the_bank_is_paid_on_return(shopper, method):
    go_to(shopper, method)
    assert "/simulator/" in shopper.url
    approve(shopper, method)
    expect(shopper.get_by_text(PAID)).to_be_visible()
    shopper.get_by_role("link", name="Return to Patang Paper Goods").click()
    expect(shopper.get_by_text('"status": "success"')).to_be_visible()


@pytest.mark.parametrize(("method", "who"), [("netbanking", "HDFC Bank"), ("wallet", "Amazon Pay")])
def test_declined_at_the_bank_can_be_paid_another_way(shopper, method, who):
    go_to(shopper, method)
    press(shopper, "Decline")
    expect_heading(shopper, f"{who} declined this payment")
    expect(shopper.get_by_role("radio", name=re.compile("^UPI"))).to_be_checked()
    shopper.locator("#upi_id").fill("success@sim")
    press(shopper, re.compile("^Send request for ₹"))
    expect(shopper.get_by_text(PAID)).to_be_visible()


@pytest.mark.parametrize("method", HANDED_OVER)
def test_left_at_the_bank_is_told_as_left(shopper, method):
    go_to(shopper, method)
    press(shopper, "Leave without paying")
    expect_heading(shopper, "You left before paying")
    expect(shopper.get_by_text("Nothing has been taken.")).to_be_visible()


def test_three_wrong_codes_decline_the_card(shopper):
    go_to(shopper, "card")
    for _ in range(3):
        shopper.locator("[autocomplete='one-time-code']").fill("000000")
        press(shopper, "Approve")
    expect_heading(shopper, "Your bank declined this card")
    expect(shopper.get_by_text("Another card or another way to pay may work.")).to_be_visible()


@pytest.mark.parametrize("method", HANDED_OVER)
def test_the_payment_page_leads_back_to_the_bank_and_offers_another_choice(shopper, method):
    page = shopper.url
    go_to(shopper, method)
    bank = shopper.url
    shopper.goto(page)
    shopper.get_by_role("link", name=re.compile("^Go on at my")).click()
    assert shopper.url == bank
    shopper.goto(page)
    press(shopper, "Cancel and choose another way")
    expect_heading(shopper, "Your last try is cancelled")
    go_to(shopper, method)
    approve(shopper, method)
    expect(shopper.get_by_text(PAID)).to_be_visible()
    assert SimulatedPayment.objects.filter(status="captured").count() == 1


@pytest.mark.parametrize("button", ["Pay with my UPI app", "Show a QR code"])
@pytest.mark.parametrize(
    ("decision", "words"),
    [
        ("Approve", PAID),
        ("Decline", "Your bank declined this UPI payment"),
        ("Leave without paying", "You left before paying"),
    ],
)
def test_a_upi_app_decides(shopper, button, decision, words):
    press(shopper, button)
    expect_heading(shopper, "Waiting for your UPI app")
    expect(shopper.get_by_role("img", name=re.compile("^QR code to pay ₹"))).to_be_visible()
    shopper.get_by_role("link", name="Open my UPI app").click()
    press(shopper, decision)
    shopper.get_by_role("link", name="Back to the payment page").click()
    expect(shopper.get_by_text(words)).to_be_visible()


def test_approved_on_another_device_is_found_by_the_check(shopper):
    press(shopper, "Show a QR code")
    other = shopper.context.new_page()
    other.goto(shopper.get_by_role("link", name="Open my UPI app").evaluate("link => link.href"))
    press(other, "Approve")
    press(shopper, "I have approved it: check")
    expect(shopper.get_by_text(PAID)).to_be_visible()


def test_a_code_can_be_cancelled_and_takes_nothing_afterwards(shopper):
    press(shopper, "Show a QR code")
    link = shopper.get_by_role("link", name="Open my UPI app").evaluate("link => link.href")
    press(shopper, "Cancel this code and choose again")
    expect_heading(shopper, "Your last try is cancelled")
    page = shopper.url
    shopper.goto(link)
    expect(shopper.get_by_role("button", name="Approve")).to_have_count(0)
    shopper.goto(page)
    expect(shopper.get_by_text("Nothing has been taken.")).to_be_visible()


@pytest.mark.parametrize(
    ("upi_id", "words"),
    [
        ("success@sim", PAID),
        ("failure@sim", "Your bank declined this UPI payment"),
        ("asha@okbank", "Only test UPI IDs work here"),
    ],
)
def test_enter_in_the_upi_field_sends_the_request(shopper, upi_id, words):
    shopper.locator("#upi_id").fill(upi_id)
    shopper.locator("#upi_id").press("Enter")
    expect(shopper.get_by_text(words)).to_be_visible()


def test_a_request_that_waits_shows_the_steps_and_then_the_receipt(shopper):
    shopper.locator("#upi_id").fill("pending@sim")
    press(shopper, re.compile("^Send request for ₹"))
    expect(shopper.get_by_text(re.compile(r"To\s+pending@sim\s+at"))).to_be_visible()
    shopper.get_by_text("I can’t find the request").click()
    expect(shopper.get_by_text("Look in the app that this UPI ID belongs to.")).to_be_visible()
    payment = Payment.objects.get()
    with clock.shifted(timedelta(seconds=16)):
        jobs.run_job("inquire_payment", payment.pk, at=clock.now())
    press(shopper, "Check again")
    expect(shopper.get_by_text(PAID)).to_be_visible()


def test_what_cannot_be_cancelled_is_said(shopper):
    shopper.locator("#upi_id").fill("late@sim")
    press(shopper, re.compile("^Send request for ₹"))
    press(shopper, "Cancel this request and choose again")
    expect_heading(shopper, "This can’t be cancelled now")
    expect_heading(shopper, "Waiting for your UPI app")
    assert Payment.objects.get().status == PaymentStatus.PENDING


def test_a_waiting_page_looks_by_itself_until_told_to_stop(shopper, monkeypatch):
    monkeypatch.setattr("checkout.hosted.waiting.WATCH_EVERY_S", 1)
    press(shopper, "Show a QR code")
    payment = Payment.objects.get()
    shopper.get_by_role("link", name="Stop checking by itself").click()
    expect(shopper.get_by_text("by itself")).to_have_count(0)
    shopper.go_back()
    SimulatedPayment.objects.update(status="captured", captured_minor=F("amount_minor"))
    jobs.run_job("inquire_payment", payment.pk, at=payment.inquire_at)
    expect(shopper.get_by_text(PAID)).to_be_visible()


@pytest.mark.parametrize(
    ("method", "button", "words"),
    [
        ("upi", re.compile("^Send request for ₹"), "Your UPI ID: Type your UPI ID"),
        ("netbanking", "Go to my bank", "Your bank: Choose your bank from the list."),
        ("wallet", "Go to my wallet", "Which wallet: Choose one of the wallets."),
    ],
)
def test_the_error_summary_leads_to_the_field(shopper, method, button, words):
    choose(shopper, method)
    press(shopper, button)
    link = shopper.get_by_role("link", name=re.compile(words))
    expect(link).to_be_visible()
    expect(shopper).to_have_title(re.compile("^Error: "))
    link.click()
    field = {"upi": "#upi_id", "netbanking": "#bank", "wallet": "#wallet"}[method]
    expect(shopper.locator(field)).to_be_focused()


def test_only_one_drawer_is_open(shopper):
    for method, field in (("card", "#number"), ("netbanking", "#bank"), ("wallet", "#wallet"), ("upi", "#upi_id")):
        choose(shopper, method)
        for other in ("#number", "#bank", "#wallet", "#upi_id"):
            expect(shopper.locator(other)).to_be_visible(visible=other == field)


def test_a_page_that_was_stopped_can_be_sent_again(shopper, scripts):
    """Whoever waits long and stops the browser finds the button as it was."""
    if scripts:
        shopper.clock.install()
        shopper.evaluate("addEventListener('submit', (event) => event.preventDefault(), {once: true})")
    press(shopper, "Show a QR code")
    if scripts:
        expect(shopper.get_by_role("button", name="Sending, one moment…")).to_be_visible()
        shopper.clock.fast_forward(16_000)
        press(shopper, "Show a QR code")
    expect_heading(shopper, "Waiting for your UPI app")


def test_the_pressed_button_alone_says_that_it_is_busy(shopper, scripts):
    if scripts:
        shopper.evaluate("addEventListener('submit', (event) => event.preventDefault())")  # stays on the page
    press(shopper, "Show a QR code")
    busy = shopper.get_by_role("button", name="Sending, one moment…")
    expect(busy).to_have_count(1 if scripts else 0)
    if scripts:
        expect(shopper.get_by_role("button", name="Pay with my UPI app")).to_have_attribute("aria-disabled", "true")


# --- What is typed ---


def test_typing_in_the_list_of_banks_finds_any_of_them(shopper):
    """A native list: its own search by typing, on every device and with every screen reader."""
    choose(shopper, "netbanking")
    for typed, code in (("karur", "KVBL"), ("state", "SBIN"), ("indian o", "IOBA"), ("yes", "YESB")):
        shopper.locator("#bank").select_option("")
        shopper.locator("#bank").focus()
        shopper.keyboard.type(typed)
        expect(shopper.locator("#bank")).to_have_value(code)
        shopper.wait_for_timeout(1_100)  # what is typed after a second begins a new search
    shopper.keyboard.press("Tab")
    shopper.keyboard.press("Enter")
    expect_heading(shopper, "Yes Bank")


def paste(page, field, text):
    page.locator(field).focus()
    page.keyboard.insert_text(text)


def test_what_is_pasted_arrives_whole(shopper):
    choose(shopper, "card")
    paste(shopper, "#number", "My card: \u20664242\u00a04242\u00a04242\u00a04242\u2069 (Visa, valid thru 12/2039)")
    paste(shopper, "#expiry", "\u200f\u0661\u0662 / \u0662\u0660\u0663\u0669\u200f")
    paste(shopper, "#cvc", "\u200e\uff11\uff12\uff13\u200e ")
    press(shopper, re.compile("^Pay ₹"))
    expect(shopper.get_by_text(PAID)).to_be_visible()


def test_the_error_summary_has_the_focus_and_the_choices_stay(shopper):
    choose(shopper, "card")
    shopper.locator("#expiry").fill("08/24")
    shopper.locator("#holder").fill("Asha Rao")
    press(shopper, re.compile("^Pay ₹"))
    expect(shopper.locator("#error-summary")).to_be_focused()
    expect(shopper.locator("#error-summary a")).to_have_count(3)
    expect(shopper.locator("#holder")).to_have_value("Asha Rao")
    expect(shopper.locator("#number")).to_have_accessible_description(re.compile("Type the long number"))


def test_after_a_decline_the_bank_is_still_chosen(shopper):
    go_to(shopper, "netbanking")
    press(shopper, "Decline")
    expect_heading(shopper, "HDFC Bank declined this payment")
    choose(shopper, "netbanking")
    expect(shopper.locator("#bank")).to_have_value("HDFC")


def test_the_brand_is_named_in_words_once_it_is_known(shopper, scripts):
    choose(shopper, "card")
    brands = {"": "", "424": "", "4242": "Visa", "5555": "Mastercard", "2223": "Mastercard", "3782": "Amex"}
    brands |= {"6521": "RuPay", "3566": "RuPay", "3056": "Diners Club", "9999": ""}
    for typed, name in brands.items():
        shopper.locator("#number").fill(typed)
        expect(shopper.locator("label[for=number]")).to_have_text(f"Card number {name if scripts else ''}".strip())
