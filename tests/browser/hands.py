"""What a customer's hands do on the pages, for every browser test."""

import re

APPROVED, DECLINED, CHALLENGED = "4242424242424242", "4000000000000002", "4000000000003220"


def buy(page, live_server, goods="the notebook"):
    """From the shop to the payment page."""
    page.goto(f"{live_server.url}/shop")
    page.get_by_role("button", name=f"Buy {goods}").click()
    page.wait_for_url("**/checkout/**")


def choose(page, method):
    """Open a method's drawer."""
    page.locator(f"input[name=method][value={method}]").check()


def fill_card(page, number, expiry="12/39", cvc="123"):
    choose(page, "card")
    page.locator("[autocomplete='cc-number']").fill(number)
    page.locator("[autocomplete='cc-exp']").fill(expiry)
    page.locator("[autocomplete='cc-csc']").fill(cvc)
    page.locator("[autocomplete='cc-name']").fill("Asha Rao")


def pay_button(page):
    return page.get_by_role("button", name=re.compile("^Pay ₹"))


def go_to(page, method):
    """Fill in a form that leads to a page of the bank or wallet, and go there."""
    if method == "card":
        fill_card(page, CHALLENGED)
        pay_button(page).click()
    elif method == "netbanking":
        choose(page, method)
        page.locator("#bank").select_option("HDFC")
        page.get_by_role("button", name="Go to my bank").click()
    else:
        choose(page, method)
        page.get_by_role("radio", name="Amazon Pay", exact=True).check()
        page.get_by_role("button", name="Go to my wallet").click()


def press(page, name):
    page.get_by_role("button", name=name).click()
