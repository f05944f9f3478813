"""The main job in Chromium, with and without scripts: buy, be declined, pay, come back, and the shop knows."""

import re

import pytest
from playwright.sync_api import expect

from payments import clock
from payments.gateways.simulator.models import SimulatedPayment
from payments.models import Order
from payments.money import Money
from payments.services.refunds import NewRefund
from payments.services.sending import capture_payment, refund_payment
from payments.states import OrderStatus
from tests.browser.hands import APPROVED, DECLINED, buy, fill_card, pay_button

pytestmark = pytest.mark.django_db(transaction=True)


def test_buy_be_declined_pay_and_return(phone, live_server, patang):
    phone.goto(f"{live_server.url}/shop")
    phone.get_by_role("button", name="Buy the notebook").click()
    expect(phone.get_by_text("Nothing has been taken.")).to_be_visible()
    assert phone.url.startswith(f"{live_server.url}/checkout/sess_")

    fill_card(phone, DECLINED)
    pay_button(phone).click()
    expect(phone.get_by_role("heading", name="Your bank declined this card")).to_be_visible()
    expect(phone.get_by_text("You have 4 tries left.")).to_be_visible()
    expect(phone.get_by_role("radio", name=re.compile("^UPI"))).to_be_checked()
    expect(phone.locator("[autocomplete='cc-number']")).to_have_value("")

    fill_card(phone, APPROVED)
    pay_button(phone).click()
    expect(phone.get_by_role("heading", name="Thank you, Asha. It’s paid.")).to_be_visible()
    expect(phone.get_by_text("was taken, once.")).to_be_visible()

    phone.get_by_role("link", name="Return to Patang Paper Goods").click()
    expect(phone.get_by_role("heading", name=re.compile("Thank you, Asha"))).to_be_visible()
    expect(phone.get_by_text('"status": "success"')).to_be_visible()
    assert Order.objects.get().status == OrderStatus.PAID
    assert SimulatedPayment.objects.filter(status="captured").count() == 1


def test_the_receipt_goes_back_to_the_shop_by_itself(phone, live_server, patang, monkeypatch):
    monkeypatch.setattr("checkout.hosted.receipt.RETURN_AFTER_S", 1)
    phone.goto(f"{live_server.url}/shop")
    phone.get_by_role("button", name="Buy the calendar").click()
    fill_card(phone, APPROVED)
    pay_button(phone).click()
    phone.wait_for_url(re.compile("/shop/return"))
    expect(phone.get_by_text('"status": "success"')).to_be_visible()


def test_the_back_button_after_paying_shows_the_receipt_and_pays_nothing(phone, live_server, patang):
    phone.goto(f"{live_server.url}/shop")
    phone.get_by_role("button", name="Buy the notebook").click()
    fill_card(phone, APPROVED)
    pay_button(phone).click()
    expect(phone.get_by_text("was taken, once.")).to_be_visible()
    phone.go_back(wait_until="load")
    if "/checkout/" not in phone.url:  # the browser kept one entry for the page and what became of it
        phone.go_forward(wait_until="load")
    expect(phone.get_by_text("was taken, once.")).to_be_visible()
    assert SimulatedPayment.objects.count() == 1


def test_two_tabs_pay_once(phone, live_server, patang):
    phone.goto(f"{live_server.url}/shop")
    phone.get_by_role("button", name="Buy the notebook").click()
    second = phone.context.new_page()
    second.goto(phone.url)
    for tab in (phone, second):
        fill_card(tab, APPROVED)
    pay_button(phone).click()
    expect(phone.get_by_text("was taken, once.")).to_be_visible()
    pay_button(second).click()
    expect(second.get_by_text("was taken, once.")).to_be_visible()
    assert SimulatedPayment.objects.filter(status="captured").count() == 1


def test_an_impatient_double_click_pays_once(phone, live_server, patang):
    phone.goto(f"{live_server.url}/shop")
    phone.get_by_role("button", name="Buy the notebook").click()
    fill_card(phone, APPROVED)
    pay_button(phone).dblclick()
    expect(phone.get_by_text("was taken, once.")).to_be_visible()
    assert SimulatedPayment.objects.count() == 1


def test_a_wrong_date_is_named_first_and_the_number_is_gone(phone, live_server, patang, scripts):
    phone.goto(f"{live_server.url}/shop")
    phone.get_by_role("button", name="Buy the notebook").click()
    fill_card(phone, APPROVED, expiry="08/24")
    pay_button(phone).click()
    link = phone.get_by_role("link", name=re.compile("Expiry date: This card’s date has passed"))
    expect(link).to_be_visible()
    expect(phone).to_have_title(re.compile("^Error: "))
    expect(phone.locator("[autocomplete='cc-number']")).to_have_value("")
    expect(phone.locator("[autocomplete='cc-exp']")).to_have_value("08/24")
    link.click()
    expect(phone.locator("[autocomplete='cc-exp']")).to_be_focused()


def test_keyboard_alone_is_enough(phone, live_server, patang):
    phone.goto(f"{live_server.url}/shop")
    phone.get_by_role("button", name="Buy the notebook").press("Enter")
    phone.locator("#method-upi").focus()
    phone.keyboard.press("ArrowDown")
    phone.keyboard.press("Tab")
    expect(phone.locator("[autocomplete='cc-number']")).to_be_focused()
    for text in (APPROVED, "1239", "123", "Asha Rao"):
        phone.keyboard.type(text)
        phone.keyboard.press("Tab")
    phone.keyboard.press("Enter")
    expect(phone.get_by_text("was taken, once.")).to_be_visible()


def test_leaving_unpaid_and_coming_back_pays_the_same_order(phone, live_server, patang):
    phone.goto(f"{live_server.url}/shop")
    phone.get_by_role("button", name="Buy the notebook").click()
    phone.get_by_role("link", name="Go back to Patang Paper Goods without paying").click()
    expect(phone.get_by_role("heading", name="This order isn’t paid yet")).to_be_visible()
    phone.get_by_role("link", name="Try paying again").click()
    fill_card(phone, APPROVED)
    pay_button(phone).click()
    expect(phone.get_by_text("was taken, once.")).to_be_visible()
    assert Order.objects.get().status == OrderStatus.PAID


def test_money_is_held_then_captured_then_refunded_and_every_page_says_so(phone, live_server, patang):
    patang.manual_capture = True
    patang.save()
    buy(phone, live_server)
    fill_card(phone, APPROVED)
    pay_button(phone).click()
    expect(phone.get_by_role("heading", name="Your bank said yes")).to_be_visible()
    expect(phone.get_by_text("is held by your bank, not taken.")).to_be_visible()
    expect(phone.get_by_text(re.compile("If it isn’t used, it is released by"))).to_be_visible()
    page = phone.url
    phone.get_by_role("link", name="Return to Patang Paper Goods").click()
    expect(phone.get_by_text('"status": "authorized"')).to_be_visible()
    expect(phone.get_by_text("is held by your bank, not taken.", exact=False).first).to_be_visible()

    payment = Order.objects.get().payments.get()
    capture_payment(payment.pk, cause="merchant", at=clock.now())
    phone.goto(page)
    expect(phone.get_by_text("was taken, once.")).to_be_visible()

    refund_payment(payment.pk, NewRefund(Money(5_000, "INR")), at=clock.now())
    phone.reload()
    expect(phone.get_by_text("was taken; ₹50.00 of it went back to you.")).to_be_visible()
    expect(phone.get_by_text("Refund of ₹50.00")).to_be_visible()

    payment.refresh_from_db()
    refund_payment(payment.pk, NewRefund(payment.refundable), at=clock.now())
    phone.reload()
    expect(phone.get_by_role("heading", name="Your money went back to you")).to_be_visible()
    phone.get_by_role("link", name="Return to Patang Paper Goods").click()
    expect(phone.get_by_text('"status": "refunded"')).to_be_visible()
