"""A customer at the hosted pages and the pretend bank, as a browser without scripts and without cookies would act."""

import re
from html import unescape

from django.test import Client
from factory import SelfAttribute

from tests.factories import PaymentFactory

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


APPROVED_UPI = "success@sim"
UPI_LINK = "upi://pay?pa=patang@okbank&pn=Patang&am=299.99&tr=pay_1"
ATTEMPTS = {
    "request": {"method": "upi", "method_details": {"channel": "collect", "upi_id": "asha@okbank"}},
    "code": {
        "method": "upi",
        "method_details": {"channel": "qrcode"},
        "next_action": {"type": "code", "link": UPI_LINK},
    },
    "bank": {
        "method": "netbanking",
        "method_details": {"channel": "link", "netbanking_bank_code": "HDFC", "netbanking_bank_name": "HDFC Bank"},
        "next_action": {"type": "redirect", "url": "http://testserver/simulator/1"},
    },
    "wallet": {
        "method": "wallet",
        "method_details": {"channel": "link", "provider": "amazon"},
        "next_action": {"type": "redirect", "url": "http://testserver/simulator/2"},
    },
    "challenge": {
        "next_action": {"type": "challenge", "prompt": "3 tries left", "url": "http://testserver/simulator/3"}
    },
}
"""Columns of a pending attempt whose start was answered, one of each kind that has a waiting page of its own."""


AT_RAZORPAY = {"gateway": "razorpay", "account__gateway": "razorpay", "gateway_order_id": "order_DESlLckIVRkHWj"}
CHECKOUT = "https://api.razorpay.com/v1/checkout/embedded"
LEAVING = {
    "form": {
        **AT_RAZORPAY,
        "next_action": {
            "type": "post",
            "url": CHECKOUT,
            "fields": {"key_id": "rzp_test_1", "name": 'Kite "Shop" <&>', "prefill[name]": "आशा"},
        },
    },
    "link": {**AT_RAZORPAY, "method": "upi", "next_action": {"type": "redirect", "url": f"{CHECKOUT}?a=1&b=2"}},
}
"""Likewise, of those that go on at another origin: by a form and by a link."""


def attempt(kind, **over):
    """A live attempt of a kind, for the page while it is out."""
    columns = (ATTEMPTS | LEAVING)[kind]
    return PaymentFactory(**{**columns, "start_answered_at": SelfAttribute("started_at"), **over})


class Customer:
    """Opens and posts the pages of one payment session."""

    def __init__(self, order, client=None):
        self.client = client or Client()
        self.url = f"/checkout/{order.session_id}"
        self.token = ""
        self.html = ""

    def open(self, query=""):
        response = self.client.get(self.url + query)
        self.html = response.content.decode()
        found = re.search(r'name="form_token" value="([^"]+)"', self.html)
        self.token = unescape(found[1]) if found else ""
        return response

    def hidden_fields(self, name):
        """What the page opened last has in the form that posts to this address."""
        form = re.search(rf'<form[^>]* action="{self.url}/{name}".*?</form>', self.html, re.DOTALL)
        assert form, f"no form for {name}"
        fields = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form[0])
        return {field: unescape(value) for field, value in fields}

    def post(self, name, fields, headers=SAME_ORIGIN):
        return self.client.post(f"{self.url}/{name}", {"form_token": self.token, **fields}, headers=headers)

    def pay(self, number="4242424242424242", *, headers=SAME_ORIGIN, **over):
        """Fill in the card form of the page opened last and send it."""
        return self.post("pay", {**CARD_FIELDS, "number": number, **over}, headers=headers)

    def open_and_pay(self, number="4242424242424242", **over):
        self.open()
        return self.pay(number, **over)

    def pay_by(self, method, **fields):
        """Open the page and send one of its other forms."""
        self.open()
        return self.post("pay", {"method": method, **fields})

    def check(self):
        self.open()
        return self.post("check", {})

    def cancel(self, **over):
        """Press the cancel button of the page opened last."""
        return self.post("cancel", {**self.hidden_fields("cancel"), **over})

    def act(self, handed_over, **fields):
        """Press something on the pretend page that a response leads to, and come back to what is true then."""
        response = self.client.post(handed_over["Location"], fields, headers=SAME_ORIGIN)
        while response.status_code in (302, 303) and not response["Location"].startswith("/simulator"):
            response = self.client.get(response["Location"])
        return response


def text_of(response):
    """What a page says, without tags, in single spaces."""
    page = response.content.decode()
    page = re.sub(r"<(script|style|svg)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page))).replace("\u00a0", " ")


def way_out(page):
    """The action and the hidden fields of the form that leads away."""
    form = re.search(r'<form class="way-out" method="post" action="([^"]+)".*?</form>', page, re.DOTALL)
    fields = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form[0])
    return unescape(form[1]), {unescape(name): unescape(value) for name, value in fields}
