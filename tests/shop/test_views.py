import html
import json
import threading
from http import HTTPStatus
from urllib.parse import quote

import pytest
from django.conf import settings as django_settings
from django.test import Client
from django.urls import reverse

from checkout.shop import client as shop_client
from checkout.shop import orders as book
from checkout.shop.standings import RETURNING, STANDINGS
from checkout.shop.views import ASKED_AT_ONCE
from tests.shop.conftest import SECRET

pytestmark = pytest.mark.django_db

PAGES = ["/shop", "/shop/orders", "/shop/orders/PTG-1", "/shop/return?order_id=PTG-1"]


def text_of(response) -> str:
    return html.unescape(response.content.decode())


def buy(client, till, **over):
    """Buy something: two notebooks unless told otherwise."""
    till.says({"payment_session_id": "sess_abc", "return_url": "", "order_id": ""})
    return client.post("/shop/buy", {"item": "notebook", "quantity": "2", **over})


@pytest.fixture
def order_id(client, till, demo) -> str:
    """An order this visitor made; the stand-in has forgotten that it was asked."""
    buy(client, till)
    till.seen.clear()
    return client.session[book.KEY][0]["id"]


def test_the_addresses_have_no_trailing_slash():
    names = ("home", "buy", "orders", "return", "webhooks")
    assert [reverse(f"shop:{name}") for name in names] == ["/shop", *(f"/shop/{name}" for name in names[1:])]
    assert reverse("shop:order", args=["PTG-1"]) == "/shop/orders/PTG-1"


class TestShelf:
    def test_it_shows_three_things_with_their_prices(self, client, demo):
        page = text_of(client.get("/shop"))
        for words in ("Monsoon notebook", "₹480.00", "₹1,250.00", "Wedding suite, 250 sets", "₹1,12,500.00"):
            assert words in page
        assert page.count('action="/shop/buy"') == 3

    def test_it_says_what_post_costs_before_anyone_buys(self, client, demo):
        assert "plus ₹80.00 post" in text_of(client.get("/shop"))

    def test_it_asks_till_nothing_and_starts_no_session(self, client, demo, till):
        response = client.get("/shop")
        assert till.seen == []
        assert django_settings.SESSION_COOKIE_NAME not in response.cookies

    def test_every_id_on_the_page_is_its_own(self, client, demo):
        page = text_of(client.get("/shop"))
        ids = [piece.split('"')[0] for piece in page.split(' id="')[1:]]
        assert len(ids) == len(set(ids)) >= 12

    def test_it_keeps_to_the_strict_content_policy(self, client, demo):
        page = text_of(client.get("/shop"))
        for banned in ("<script", "<style", " style=", "data:", " onclick"):
            assert banned not in page

    def test_a_visitor_under_the_other_loopback_name_is_moved(self, client, demo, till):
        port = till.url.rsplit(":", 1)[1]
        response = client.get("/shop/return?order_id=PTG-1", HTTP_HOST=f"localhost:{port}")
        assert (response.status_code, response["Location"]) == (302, f"{till.url}/shop/return?order_id=PTG-1")

    def test_a_visitor_under_the_right_name_stays(self, client, demo, till):
        assert client.get("/shop", HTTP_HOST=till.url.removeprefix("http://")).status_code == HTTPStatus.OK


class TestBuy:
    def test_it_sends_the_buyer_to_the_payment_page(self, client, till, demo):
        response = buy(client, till)
        assert response.status_code == HTTPStatus.SEE_OTHER
        assert response["Location"] == f"{till.url}/checkout/sess_abc"

    def test_it_orders_what_was_asked_for_the_demo_customer(self, client, till, demo):
        buy(client, till)
        body = till.seen[0].body
        assert (body["order_amount"], body["order_note"]) == (1040, "Monsoon notebook × 2, with post")
        assert (body["customer_name"], body["customer_email"]) == ("Asha Rao", "asha@example.com")
        assert body["customer_phone"] == "9999999999"
        assert body["order_id"].startswith("PTG-")
        assert len(body["order_id"]) == 12

    def test_another_buyer_may_be_typed(self, client, till, demo):
        buy(client, till, name="Ravi Iyer", email="ravi@example.com", phone="8888888888")
        body = till.seen[0].body
        assert (body["customer_name"], body["customer_email"]) == ("Ravi Iyer", "ravi@example.com")
        assert body["customer_phone"] == "8888888888"

    def test_it_remembers_the_order_in_the_session(self, client, till, demo):
        buy(client, till)
        (order,) = client.session[book.KEY]
        assert order["id"] == till.seen[0].body["order_id"]
        assert (order["session_id"], order["total_minor"]) == ("sess_abc", 104_000)
        assert order["rows"] == [["Monsoon notebook × 2", 96_000], ["Post, Ahmedabad to Pune", 8_000]]

    def test_the_price_is_the_shops_whatever_the_form_says(self, client, till, demo):
        buy(client, till, price="1", order_amount="1", total_minor="1")
        assert till.seen[0].body["order_amount"] == 1040

    @pytest.mark.parametrize("quantity", ["0", "21", "-1", "1.5", "", "two", "1e3", "9" * 5000])
    def test_a_tampered_quantity_is_refused_on_the_page(self, client, till, demo, quantity):
        response = buy(client, till, quantity=quantity)
        assert response.status_code == HTTPStatus.BAD_REQUEST
        page = text_of(response)
        assert "Write a whole number from 1 to 20." in page
        assert '<a href="#notebook-quantity">' in page
        assert "<title>Error: " in page
        assert till.seen == []

    @pytest.mark.parametrize("item", ["yacht", "", "../notebook", "<b>"])
    def test_a_thing_we_do_not_sell_is_refused(self, client, till, demo, item):
        response = buy(client, till, item=item)
        assert response.status_code == HTTPStatus.BAD_REQUEST
        assert "<b>" not in response.content.decode()
        assert till.seen == []

    def test_a_wrong_address_opens_the_fold_and_keeps_what_was_typed(self, client, till, demo):
        response = buy(client, till, item="suite", email="asha at example")
        page = text_of(response)
        assert response.status_code == HTTPStatus.BAD_REQUEST
        assert page.count("<details open>") == 1
        assert "E-mail: Write it like asha@example.com." in page
        assert 'aria-describedby="suite-email_error"' in page
        assert 'value="asha at example"' in page

    def test_a_refusal_by_till_is_told_politely(self, client, till, demo):
        till.says({"code": "invalid_argument", "message": "customer_phone: not <a> number"}, status=400)
        response = client.post("/shop/buy", {"item": "notebook", "quantity": "1"})
        assert response.status_code == HTTPStatus.BAD_REQUEST
        assert "customer_phone: not &lt;a&gt; number" in response.content.decode()
        assert book.KEY not in client.session

    def test_other_refusals_are_our_fault_not_the_visitors(self, client, till, demo):
        till.says({"code": "unauthenticated", "message": "Unknown key."}, status=401)
        response = client.post("/shop/buy", {"item": "notebook", "quantity": "1"})
        assert response.status_code == HTTPStatus.BAD_GATEWAY

    def test_no_answer_reads_as_busy(self, client, till, demo):
        till.status = 500
        response = client.post("/shop/buy", {"item": "notebook", "quantity": "1"})
        assert response.status_code == HTTPStatus.SERVICE_UNAVAILABLE
        assert response["Retry-After"] == "5"
        assert "We’re busy, please try again" in text_of(response)
        assert book.KEY not in client.session

    def test_a_full_shop_reads_as_busy(self, client, till, demo, monkeypatch):
        slots = threading.BoundedSemaphore(1)
        slots.acquire()
        monkeypatch.setattr(shop_client, "_slots", slots)
        response = buy(client, till)
        assert response.status_code == HTTPStatus.SERVICE_UNAVAILABLE
        assert till.seen == []

    def test_a_form_from_elsewhere_is_refused(self, till, demo):
        strict = Client(enforce_csrf_checks=True)
        assert buy(strict, till).status_code == HTTPStatus.FORBIDDEN
        token = strict.get("/shop").context["csrf_token"]
        assert buy(strict, till, csrfmiddlewaretoken=str(token)).status_code == HTTPStatus.SEE_OTHER

    def test_only_a_post_buys(self, client, demo):
        assert client.get("/shop/buy").status_code == HTTPStatus.METHOD_NOT_ALLOWED

    def test_the_oldest_orders_are_forgotten(self, client, till, demo):
        for _ in range(book.MOST_KEPT + 2):
            buy(client, till)
        kept = [order["id"] for order in client.session[book.KEY]]
        made = [seen.body["order_id"] for seen in till.seen]
        assert kept == made[::-1][: book.MOST_KEPT]


class TestComingBack:
    HEADINGS = {
        "success": "We’re wrapping it now.",
        "created": "This order isn’t paid yet",
        "failed": "This order isn’t paid yet",
        "pending": "Your bank hasn’t told us yet",
        "authorized": "Your bank said yes",
        "expired": "This order’s time is up",
        "terminated": "This order was called off",
        "refunded": "We’ve sent your money back",
    }
    CAN_STILL_PAY = {"created", "failed"}
    MAY_LOOK_AGAIN = {"pending"}

    def test_every_standing_is_tested_and_drawn(self):
        assert set(self.HEADINGS) == set(STANDINGS)
        drawings = {standing.drawing for standing in (*STANDINGS.values(), RETURNING)}
        assert all((django_settings.BASE_DIR / "static" / name).is_file() for name in drawings)

    @pytest.mark.parametrize("status", HEADINGS)
    def test_each_status_has_its_own_words(self, client, till, order_id, status):
        till.verifies(status)
        page = text_of(client.get(f"/shop/return?order_id={order_id}"))
        assert till.seen[0].body == {"order_id": order_id}
        assert self.HEADINGS[status] in page
        assert f'"status": "{status}"' in page
        assert ("Thank you, Asha." in page) is (status == "success")
        assert ("Try paying again" in page) is (status in self.CAN_STILL_PAY)
        has_way_to_pay = f'href="{till.url}/checkout/sess_abc"' in page
        assert has_way_to_pay is (status in self.CAN_STILL_PAY | self.MAY_LOOK_AGAIN)

    @pytest.mark.parametrize("status", ["expired", "terminated"])
    def test_late_money_on_its_way_back_is_told(self, client, till, order_id, status):
        till.verifies(status, f"Order {status}, and a late payment is being returned", "410")
        page = text_of(client.get(f"/shop/return?order_id={order_id}"))
        assert "Your money is on its way back" in page
        assert "Being returned" in page
        assert self.HEADINGS[status] not in page

    def test_held_money_is_called_held_and_not_taken(self, client, till, order_id):
        till.verifies("authorized", "Payment authorised: the money is held, not taken", "202")
        assert "₹1,040.00 is held by your bank, not taken." in text_of(client.get(f"/shop/orders/{order_id}"))

    def test_the_address_proves_nothing(self, client, till, order_id):
        till.verifies("failed")
        page = text_of(client.get(f"/shop/return?order_id={order_id}&status=success&order_status=PAID"))
        assert "Thank you" not in page
        assert "Not paid" in page

    @pytest.mark.parametrize("answer", [{}, {"status": "SUCCESS"}, {"status": "brand_new"}, {"status": ["success"]}])
    def test_a_word_we_do_not_know_is_never_good_news(self, client, till, order_id, answer):
        till.says(answer)
        page = text_of(client.get(f"/shop/return?order_id={order_id}"))
        assert "Your bank hasn’t told us yet" in page
        assert "Please don’t pay again" in page

    def test_the_page_adds_up_and_prints_tills_answer(self, client, till, order_id):
        till.verifies("success", "Payment successful")
        page = text_of(client.get(f"/shop/orders/{order_id}"))
        for words in ("Monsoon notebook × 2", "₹960.00", "Post, Ahmedabad to Pune", "₹80.00", "₹1,040.00"):
            assert words in page
        assert '  "message": "Payment successful",\n  "code": "200",\n  "status": "success"' in page

    def test_what_till_answers_is_escaped(self, client, till, order_id):
        till.verifies("failed", "<script>alert(1)</script>")
        assert "<script" not in client.get(f"/shop/orders/{order_id}").content.decode()

    def test_a_name_with_braces_is_only_a_name(self, client, till, demo):
        buy(client, till, name="{total} <i>")
        till.verifies("success")
        page = client.get(f"/shop/orders/{client.session[book.KEY][0]['id']}").content.decode()
        assert "Thank you, {total}." in page

    @pytest.mark.parametrize("number", ["", "PTG-UNKNOWN", "a/b", "<b>", "x" * 5000])
    def test_an_order_of_another_browser_is_not_known(self, till, order_id, number):
        stranger = Client()
        for known in (number, order_id):
            response = stranger.get(f"/shop/return?order_id={quote(known, safe='')}")
            assert response.status_code == HTTPStatus.NOT_FOUND
            assert "We don’t know that order in this browser" in text_of(response)
        assert stranger.get(f"/shop/orders/{order_id}").status_code == HTTPStatus.NOT_FOUND
        assert till.seen == [], "Till must not be asked about orders of others"

    def test_no_answer_says_nothing_about_money(self, client, till, order_id):
        till.status = 502
        response = client.get(f"/shop/return?order_id={order_id}")
        assert response.status_code == HTTPStatus.SERVICE_UNAVAILABLE
        assert response["Retry-After"]
        page = text_of(response)
        assert "please don’t pay again" in page
        assert f'href="/shop/return?order_id={order_id}"' in page

    def test_an_order_till_does_not_know_is_told(self, client, till, order_id):
        till.says({"code": "not_found", "message": "No such order."}, status=404)
        response = client.get(f"/shop/orders/{order_id}")
        assert response.status_code == HTTPStatus.BAD_GATEWAY
        assert "No such order." in text_of(response)

    def test_pages_about_orders_are_never_kept_by_caches(self, client, till, order_id):
        till.verifies("success")
        assert "no-store" in client.get(f"/shop/orders/{order_id}")["Cache-Control"]


class TestOrders:
    def test_it_lists_this_browsers_orders_newest_first(self, client, till, demo):
        buy(client, till)
        buy(client, till, item="suite", quantity="1")
        till.verifies("success")
        page = text_of(client.get("/shop/orders"))
        newest, oldest = (order["id"] for order in client.session[book.KEY])
        assert page.index(f"/shop/orders/{newest}") < page.index(f"/shop/orders/{oldest}")
        assert "₹1,12,580.00" in page

    def test_it_says_what_verify_payment_says_of_each(self, client, till, order_id):
        till.verifies("failed", code="402")
        page = text_of(client.get("/shop/orders"))
        assert [seen.body for seen in till.seen] == [{"order_id": order_id}]
        assert "Not paid" in page
        assert "<code>failed</code>, code <code>402</code>" in page

    def test_it_asks_only_about_the_newest(self, client, till, demo):
        for _ in range(ASKED_AT_ONCE + 1):
            buy(client, till)
        till.seen.clear()
        till.verifies("success")
        page = text_of(client.get("/shop/orders"))
        newest = [order["id"] for order in client.session[book.KEY][:ASKED_AT_ONCE]]
        assert [seen.body["order_id"] for seen in till.seen] == newest
        assert page.count("Not asked on this page") == 1

    @pytest.mark.parametrize("status", [404, 429, 500])
    def test_it_asks_no_further_where_till_does_not_answer(self, client, till, demo, status):
        buy(client, till)
        buy(client, till)
        till.seen.clear()
        till.says({"code": "x", "message": "y"}, status=status)
        response = client.get("/shop/orders")
        assert response.status_code == HTTPStatus.OK
        assert text_of(response).count("Till didn’t answer us in time") == 2
        assert len(till.seen) == 1

    def test_a_new_visitor_has_none(self, client, demo):
        assert "You haven’t ordered anything in this browser yet." in text_of(client.get("/shop/orders"))


class TestSecrets:
    def test_no_page_shows_the_secret(self, client, till, order_id, caplog):
        till.verifies("success")
        pages = [client.get(path).content.decode() for path in [*PAGES, f"/shop/orders/{order_id}"]]
        assert SECRET not in "".join(pages) + json.dumps(dict(client.session.items())) + caplog.text


@pytest.mark.parametrize("path", PAGES)
def test_without_the_demo_there_is_no_shop(client, settings, tmp_path, path):
    settings.DEMO_FILE = tmp_path / "missing.json"
    response = client.get(path)
    assert response.status_code == HTTPStatus.NOT_FOUND
    assert "The sample shop is part of the demo: start it with make run" in text_of(response)


def test_without_the_demo_nothing_can_be_bought(client, settings, tmp_path):
    settings.DEMO_FILE = tmp_path / "missing.json"
    assert client.post("/shop/buy", {"item": "notebook", "quantity": "1"}).status_code == HTTPStatus.NOT_FOUND


def test_the_shop_is_never_served_in_public(client, till, settings):
    settings.HTTPS = True
    assert client.get("/shop", secure=True).status_code == 404
    assert client.get("/", secure=True).status_code == 200
