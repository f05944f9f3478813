"""A customer at the hosted pages, as a browser without scripts and without cookies would act."""

import re
from html import unescape

from django.test import Client

SAME_ORIGIN = {"sec-fetch-site": "same-origin"}
CARD_FIELDS = {
    "method": "card",
    "number": "4242 4242 4242 4242",
    "expiry": "12/39",
    "cvc": "123",
    "holder": "Asha Rao",
}
DECLINED, NO_MONEY, EXPIRED_CARD, WRONG_CVC, FOREIGN = (
    "4000000000000002",
    "4000000000009995",
    "4000000000000069",
    "4000000000000127",
    "5555555555554444",
)


class Customer:
    """Opens and posts the pages of one payment session."""

    def __init__(self, order, client=None):
        self.client = client or Client()
        self.url = f"/checkout/{order.session_id}"
        self.token = ""

    def open(self, query=""):
        response = self.client.get(self.url + query)
        found = re.search(r'name="form_token" value="([^"]+)"', response.content.decode())
        self.token = unescape(found[1]) if found else ""
        return response

    def post(self, name, fields, headers=SAME_ORIGIN):
        return self.client.post(f"{self.url}/{name}", {"form_token": self.token, **fields}, headers=headers)

    def pay(self, number="4242424242424242", *, headers=SAME_ORIGIN, **over):
        """Fill in the form of the page opened last and send it."""
        return self.post("pay", {**CARD_FIELDS, "number": number, **over}, headers=headers)

    def open_and_pay(self, number="4242424242424242", **over):
        self.open()
        return self.pay(number, **over)

    def check(self):
        self.open()
        return self.post("check", {})


def text_of(response):
    """What a page says, without tags, in single spaces."""
    page = response.content.decode()
    page = re.sub(r"<(script|style|svg)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page))).replace("\u00a0", " ")
