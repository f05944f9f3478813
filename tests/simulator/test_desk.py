"""The pretend bank, wallet and UPI app: what their pages show, and that each press counts once."""

import re
from datetime import timedelta
from http import HTTPStatus

import pytest
from django.test import Client

from payments import clock
from payments.gateways.simulator.inputs import MAX_WRONG_CODES
from payments.gateways.simulator.models import SimulatedEvent, SimulatedPayment
from tests.factories import MerchantFactory, OrderFactory
from tests.hosted.customer import text_of
from tests.simulator.visitor import BANK, CARD, CHALLENGE, UPI_APP, WALLET, Visitor

pytestmark = pytest.mark.django_db

PAGES = {"card": CHALLENGE, "netbanking": BANK, "wallet": WALLET, "upi": UPI_APP}
LATE = timedelta(minutes=16)


@pytest.fixture
def order(db):
    merchant = MerchantFactory(name="Patang Paper Goods")
    return OrderFactory(merchant=merchant, amount_minor=229_000)


@pytest.fixture
def bank(order):
    """At the pretend netbanking page."""
    return Visitor(order, BANK)


@pytest.fixture
def challenged(order):
    """Where the pretend bank asks for a code."""
    return Visitor(order, CHALLENGE)


@pytest.fixture
def app(order):
    """The pretend UPI app that a code or link opens."""
    return Visitor(order, UPI_APP)


class TestWhatThePageSays:
    @pytest.mark.parametrize(
        ("fields", "title", "drawing"),
        [
            (CHALLENGE, "Pretend Bank: is it you?", "Card challenge"),
            (BANK, "Pretend HDFC Bank: approve this payment?", "Netbanking"),
            (WALLET, "Pretend Amazon Pay: approve this payment?", "Wallet"),
            (UPI_APP, "Pretend UPI app: approve this payment?", "UPI app"),
        ],
        ids=PAGES,
    )
    def test_it_says_who_it_pretends_to_be_and_what_is_asked(self, order, fields, title, drawing):
        visitor = Visitor(order, fields)
        page = text_of(visitor.look())
        for words in (
            "SIMULATOR. This is not a bank.",
            title,
            "Pay to Patang Paper Goods",
            "Amount ₹2,290.00",
            "Nothing has been taken.",
            f"Drawing {drawing}",
            f"Payment {visitor.row.gateway_payment_id}",
        ):
            assert words in page

    def test_a_challenge_has_a_labelled_field_and_prints_its_answers(self, challenged):
        response = challenged.look()
        page, html = text_of(response), response.content.decode()
        assert "Card ends 3220" in page
        assert "6 digits. Pasting works." in page
        assert "123456 approves" in page
        assert '<label for="otp">' in html
        field = re.search(r"<input[^>]+>", html)[0]
        assert 'inputmode="numeric" autocomplete="one-time-code" aria-describedby="otp-hint"' in field
        assert "aria-invalid" not in field
        assert re.findall(r'name="decision" value="(\w+)"', html) == ["approve", "leave"]

    @pytest.mark.parametrize("fields", [BANK, WALLET, UPI_APP], ids=["netbanking", "wallet", "upi"])
    def test_a_page_has_three_buttons_and_no_field(self, order, fields):
        html = Visitor(order, fields).look().content.decode()
        assert re.findall(r'name="decision" value="(\w+)"', html) == ["approve", "decline", "leave"]
        assert "<input" not in html

    def test_the_app_tells_who_came_by_a_code_that_the_shops_page_will_know(self, app):
        elsewhere = Client()
        assert "the shop’s page over there will know by itself" in text_of(elsewhere.get(app.page))
        app.press("approve")
        after = text_of(elsewhere.get(app.page))
        assert "If the shop’s page is open on another device, it will know by itself." in after

    def test_names_are_escaped(self, db):
        order = OrderFactory(merchant=MerchantFactory(name="<b>Kite & Co"))
        html = Visitor(order, BANK).look().content.decode()
        assert "&lt;b&gt;Kite &amp; Co" in html

    @pytest.mark.parametrize("fields", PAGES.values(), ids=PAGES)
    def test_it_sets_no_cookie_has_no_script_and_is_never_kept(self, order, fields):
        visitor = Visitor(order, fields)
        for response in (visitor.look(), visitor.press("leave"), visitor.look()):
            assert not response.cookies
            assert b"<script" not in response.content
            assert b"style=" not in response.content
            assert "no-store" in response["Cache-Control"]

    def test_head_is_answered_and_nothing_else_but_post(self, bank):
        response = bank.client.head(bank.page)
        assert (response.status_code, response.content) == (HTTPStatus.OK, b"")
        assert bank.client.put(bank.page).status_code == HTTPStatus.METHOD_NOT_ALLOWED
        assert bank.row.status == "open"

    def test_no_page_asks_the_database_much(self, bank, django_assert_max_num_queries):
        with django_assert_max_num_queries(1):
            bank.look()


class TestDeciding:
    @pytest.mark.parametrize(
        ("decision", "book", "words"),
        [
            ("approve", "captured", "₹2,290.00 was taken, once."),
            ("decline", "declined", "HDFC Bank declined this payment"),
            ("leave", "dropped", "You left before paying"),
        ],
    )
    def test_the_payment_page_shows_what_was_pressed(self, bank, decision, book, words):
        response = bank.press(decision)
        assert response.status_code == HTTPStatus.SEE_OTHER
        assert "/callbacks/simulator/return/" in response["Location"]
        page = bank.client.get(bank.go_back(response)["Location"])
        assert words in text_of(page)
        assert bank.row.status == book

    @pytest.mark.parametrize(
        ("decision", "ending", "money"),
        [
            ("approve", "Pretend UPI app: approved", "The money was taken, in pretence."),
            ("decline", "Pretend UPI app: declined", "Nothing has been taken."),
            ("leave", "Pretend UPI app: left without paying", "Nothing has been taken."),
        ],
    )
    def test_a_upi_app_stays_open_and_says_what_became_of_it(self, app, decision, ending, money):
        response = app.press(decision)
        assert (response.status_code, response["Location"]) == (HTTPStatus.SEE_OTHER, app.page)
        after = app.go_back(response)
        assert ending in text_of(after)
        assert money in text_of(after)
        assert '<a class="button" href="/callbacks/simulator/return/' in after.content.decode()
        assert b"<form" not in after.content

    @pytest.mark.parametrize("again", ["approve", "decline", "leave"])
    def test_a_second_press_or_tab_changes_nothing_and_goes_on(self, bank, again):
        first = bank.press("approve")
        second = bank.press(again)
        assert (second.status_code, second["Location"]) == (HTTPStatus.SEE_OTHER, first["Location"])
        assert bank.row.status == "captured"
        assert SimulatedEvent.objects.filter(kind="payment.success").count() == 1
        assert not SimulatedEvent.objects.exclude(kind__in=["payment.pending", "payment.success"]).exists()

    @pytest.mark.parametrize("decision", ["", "refund", "Approve", "approve\x00"])
    def test_a_word_no_button_has_decides_nothing(self, bank, decision):
        response = bank.press(decision)
        assert response.status_code == HTTPStatus.BAD_REQUEST
        html = response.content.decode()
        assert "<title>Error: " in html
        assert 'role="alert"><strong>Error:</strong> Press one of the buttons.' in html
        assert bank.row.status == "open"

    @pytest.mark.parametrize("fields", [BANK, UPI_APP, CHALLENGE], ids=["netbanking", "upi", "card"])
    def test_after_its_time_nothing_can_be_decided(self, order, fields):
        visitor = Visitor(order, fields)
        with clock.shifted(LATE):
            assert visitor.press("approve", otp="123456").status_code == HTTPStatus.SEE_OTHER
            page = text_of(visitor.look())
        assert "too late" in page
        assert "Nothing has been taken." in page
        assert not SimulatedPayment.objects.filter(status="captured").exists()

    def test_one_cancelled_at_the_payment_page_says_so(self, bank):
        bank.cancel()
        assert "cancelled on the payment page’s side" in text_of(bank.look())
        bank.press("approve")
        assert bank.row.status == "cancelled"

    def test_the_same_page_can_be_come_back_to_until_it_is_decided(self, bank):
        waiting = bank.customer.open().content.decode()
        assert f'href="{bank.page}"' in waiting


class TestCode:
    def test_the_right_one_approves(self, challenged):
        response = challenged.press(otp="123456")
        page = challenged.client.get(challenged.go_back(response)["Location"])
        assert "₹2,290.00 was taken, once." in text_of(page)

    @pytest.mark.parametrize("otp", [" 123456 ", "123 456", "123-456", "१२३४५६", "\u200e123456\u202c", "1 2 3 4 5 6"])
    def test_pasting_works(self, challenged, otp):
        challenged.press(otp=otp)
        assert challenged.row.status == "captured"

    def test_enter_in_the_field_presses_approve(self, challenged):
        """A browser sends the first button of the form, or, as some do without a pointer, none at all."""
        challenged.client.post(challenged.page, {"otp": "123456"}, headers={"sec-fetch-site": "same-origin"})
        assert challenged.row.status == "captured"

    def test_a_wrong_one_is_told_at_the_field_with_what_is_left(self, challenged):
        response = challenged.press(otp="987650")
        assert (response.status_code, response["Location"]) == (HTTPStatus.SEE_OTHER, challenged.page)
        html = challenged.go_back(response).content.decode()
        assert "<title>Error: " in html
        assert html.index("That code was wrong. 2 tries left.") < html.index("<input")
        assert 'aria-describedby="error otp-hint" aria-invalid="true"' in html
        assert 'id="error"' in html
        assert "987650" not in html

    def test_the_last_wrong_one_declines_and_leads_back(self, challenged):
        for left in (2, 1):
            page = text_of(challenged.go_back(challenged.press(otp="000000")))
            assert f"{left} {'try' if left == 1 else 'tries'} left." in page
        response = challenged.press(otp="000000")
        page = challenged.client.get(challenged.go_back(response)["Location"])
        assert "Your bank declined this card" in text_of(page)
        assert challenged.row.wrong_codes == MAX_WRONG_CODES
        assert "Pretend Bank: declined" in text_of(challenged.look())

    @pytest.mark.parametrize("otp", ["", "12345", "1234567", "12345a", "１２３", "123456\x00", "x" * 5000])
    def test_a_malformed_one_is_no_try(self, challenged, otp):
        response = challenged.press(otp=otp)
        assert response.status_code == HTTPStatus.BAD_REQUEST
        assert "Type the 6 digits of the code. This did not count as a try." in text_of(response)
        assert challenged.row.wrong_codes == 0
        assert challenged.standing == ("pending", "pending")

    def test_leaving_needs_no_code_and_drops_the_payment(self, challenged):
        response = challenged.press("leave")
        page = challenged.client.get(challenged.go_back(response)["Location"])
        assert "You left before paying" in text_of(page)
        assert challenged.row.status == "dropped"

    def test_no_button_declines_where_a_code_is_asked(self, challenged):
        assert challenged.press("decline").status_code == HTTPStatus.BAD_REQUEST
        assert challenged.row.status == "open"

    @pytest.mark.parametrize("otp", ["123456", "000000", ""])
    def test_a_second_tab_after_the_end_only_leads_back(self, challenged, otp):
        first = challenged.press(otp="123456")
        second = challenged.press(otp=otp)
        assert (second.status_code, second["Location"]) == (HTTPStatus.SEE_OTHER, first["Location"])
        assert challenged.row.status == "captured"
        assert challenged.order.payments.filter(status="success").count() == 1


class TestStrangers:
    @pytest.mark.parametrize(
        "headers",
        [
            {"sec-fetch-site": "cross-site"},
            {"sec-fetch-site": "same-site"},
            {"sec-fetch-site": "none"},
            {"origin": "https://evil.example"},
            {"origin": "null"},
            {"referer": "https://evil.example/simulator/"},
            {},
        ],
        ids=str,
    )
    @pytest.mark.parametrize("fields", [BANK, CHALLENGE], ids=["netbanking", "card"])
    def test_a_form_from_elsewhere_decides_nothing(self, order, fields, headers):
        visitor = Visitor(order, fields)
        response = visitor.press(otp="123456", headers=headers)
        assert response.status_code == HTTPStatus.FORBIDDEN
        assert "This form can’t be used" in text_of(response)
        assert f'href="{visitor.page}"' in response.content.decode()
        assert visitor.row.status == "open"

    def test_our_own_origin_is_enough_for_an_old_browser(self, bank):
        bank.press(headers={"origin": "http://testserver"})
        assert bank.row.status == "captured"

    def test_a_forged_address_opens_nothing(self, bank):
        pk, _, signature = bank.page.removeprefix("/simulator/").partition(".")
        other = int(pk) + 1
        forged = [f"{other}.{signature}", pk, f"{pk}.", f"{pk}.{signature}x", signature, "1", "%00", "é", "x" * 5000]
        for token in forged:
            for response in (bank.client.get(f"/simulator/{token}"), bank.client.post(f"/simulator/{token}")):
                assert response.status_code == HTTPStatus.NOT_FOUND
                assert "No such payment" in text_of(response)

    def test_every_payment_has_an_address_of_its_own(self, bank):
        other = Visitor(OrderFactory(), BANK)
        other.press("approve")
        assert (bank.row.status, other.row.status) == ("open", "captured")

    def test_a_card_that_needs_no_page_has_none(self, order):
        assert Visitor(order, CARD).page == ""
