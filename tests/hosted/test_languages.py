"""Which language a customer reads, and that it stays theirs all the way without scripts and without cookies."""

import re
from dataclasses import replace

import pytest
from django.core.management import CommandError, call_command

from checkout.languages import LANGUAGES, known, language_code
from payments.errors import BadInput
from payments.models import Merchant, Order
from tests.factories import OrderFactory, PaymentFactory
from tests.hosted.customer import DECLINED, SAME_ORIGIN, Customer, attempt

pytestmark = pytest.mark.django_db
NOTHING_TAKEN = {
    "en": "Nothing has been taken.",
    "ta": "பணம் எதுவும் எடுக்கப்படவில்லை.",
    "hi": "कोई पैसा नहीं कटा है।",
    "de": "Es wurde nichts abgebucht.",
}


@pytest.fixture
def customer(order):
    return Customer(order)


def spoken(response):
    found = re.search(r'<html lang="(\w+)"', response.content.decode())
    assert found[1] == response["Content-Language"]
    return found[1]


def addresses(html):
    """Where a page leads on the customer's journey: links and forms."""
    found = re.findall(r'(?:href|action|formaction)="(/checkout/sess[^"]*)"', html)
    return [address for address in found if "?lang=" not in address or "&amp;" in address or "lang=ta" in address]


# --- Which ---


@pytest.mark.parametrize(
    ("asked", "of_order", "of_merchant", "of_browser", "expected"),
    [
        ("ta", "hi", "de", "ja", "ta"),
        ("", "hi", "de", "ja", "hi"),
        ("", "", "de", "ja", "de"),
        ("", "", "", "ja", "ja"),
        ("", "", "", "", "en"),
        ("", "", "", "sv, nb;q=0.8", "en"),
        ("", "", "", "sv, pt-BR;q=0.8, en;q=0.5", "pt"),
        ("", "", "", "*", "en"),
        ("", "", "", ";;q=,", "en"),
        ("xx", "hi", "", "ja", "hi"),
        ("pt-BR", "hi", "", "ja", "pt"),
        ("EN-in", "hi", "", "ja", "en"),
        ("en", "hi", "", "ja", "en"),
        ("", "xx", "", "ja", "ja"),
    ],
)
def test_asked_for_then_order_then_merchant_then_browser_then_english(
    merchant, asked, of_order, of_merchant, of_browser, expected
):
    Merchant.objects.update(language=of_merchant)
    merchant.refresh_from_db()
    customer = Customer(OrderFactory(merchant=merchant, language=of_order))
    query = f"?lang={asked}" if asked else ""
    response = customer.client.get(customer.url + query, headers={"accept-language": of_browser})
    assert spoken(response) == expected
    assert "Accept-Language" in response["Vary"]


def test_opening_a_page_in_a_language_changes_nothing(customer, order):
    assert spoken(customer.open("?lang=ta")) == "ta"
    order.refresh_from_db()
    assert order.language == ""
    assert customer.client.cookies == {}


@pytest.mark.parametrize("path", ["/checkout/nonsense", "/nowhere", "/", "/pg/view/sessions/checkout"])
def test_pages_without_an_order_speak_the_browsers_language_or_the_one_asked_for(client, path):
    assert spoken(client.get(path, headers={"accept-language": "ta-IN"})) == "ta"
    assert spoken(client.get(f"{path}?lang=hi", headers={"accept-language": "ta-IN"})) == "hi"


@pytest.mark.parametrize("path", ["/admin/login/", "/shop", "/simulator", "/pg/docs", "/admin/nowhere/"])
def test_the_other_rooms_stay_english(client, path):
    response = client.get(f"{path}?lang=hi", headers={"accept-language": "hi"}, follow=True)
    assert response["Content-Language"] == "en"
    page = response.content.decode()
    assert 'lang="en' in page
    assert not re.search("[\u0900-\u097f]", page.partition("languages-list")[0])


def test_machines_get_english(client):
    answer = client.get("/pg/orders/none", headers={"accept-language": "hi"})
    assert answer.json()["message"].isascii()
    unknown = client.get("/payment.v1.PaymentService/None", headers={"accept-language": "hi"})
    assert unknown.content.isascii()


# --- All the way ---


def test_the_language_asked_for_stays_in_every_address(customer):
    page = customer.open("?lang=ta").content.decode()
    assert NOTHING_TAKEN["ta"] in page
    leads = addresses(page)
    assert len(leads) >= 2
    assert all("lang=ta" in address for address in leads)


def test_it_outlives_form_errors_more_time_and_refused_forms(customer):
    customer.open("?lang=ta")
    for response in (
        customer.client.post(
            f"{customer.url}/pay?lang=ta", {"form_token": customer.token, "method": "card"}, headers=SAME_ORIGIN
        ),
        customer.client.post(
            f"{customer.url}/extend?lang=ta", {"form_token": customer.token, "used": "0"}, headers=SAME_ORIGIN
        ),
        customer.client.post(f"{customer.url}/pay?lang=ta", {"form_token": "x"}, headers=SAME_ORIGIN),
    ):
        page = response.content.decode()
        assert spoken(response) == "ta"
        assert all("lang=ta" in address for address in addresses(page))
        # What answers a form cannot be asked for again: another language leads to the order's page.
        assert f'href="{customer.url}?lang=hi"' in page


def test_a_payment_in_a_language_makes_it_the_orders_and_the_way_back_needs_no_address(customer, order):
    customer.open("?lang=ta")
    paid = customer.client.post(
        f"{customer.url}/pay?lang=ta",
        {"form_token": customer.token, "method": "netbanking", "bank": "HDFC"},
        headers=SAME_ORIGIN,
    )
    order.refresh_from_db()
    assert order.language == "ta"
    bank = customer.client.get(paid["Location"])
    assert bank["Content-Language"] == "en"
    pressed = customer.client.post(paid["Location"], {"decision": "decline"}, headers=SAME_ORIGIN)
    back = customer.client.get(pressed["Location"], headers={"accept-language": "en"}, follow=True)
    assert spoken(back) == "ta"
    assert NOTHING_TAKEN["ta"] in back.content.decode()


@pytest.mark.parametrize(("of_order", "of_browser", "becomes"), [("", "hi", "hi"), ("de", "hi", "de"), ("", "", "en")])
def test_what_is_posted_without_asking_for_a_language_is_read_in_the_orders(
    customer, order, of_order, of_browser, becomes
):
    Order.objects.update(language=of_order)
    customer.client.defaults["HTTP_ACCEPT_LANGUAGE"] = of_browser
    customer.open_and_pay(DECLINED)
    order.refresh_from_db()
    assert order.language == becomes
    assert NOTHING_TAKEN[becomes] in customer.open().content.decode()


def test_a_customer_may_change_the_orders_language_with_a_later_try(customer, order):
    Order.objects.update(language="hi")
    customer.open_and_pay(DECLINED)
    customer.open("?lang=de")
    customer.client.post(
        f"{customer.url}/pay?lang=de",
        {"form_token": customer.token, "method": "card", "number": DECLINED, "expiry": "12/39", "cvc": "123"},
        headers=SAME_ORIGIN,
    )
    order.refresh_from_db()
    assert (order.language, order.attempts_declined) == ("de", 2)


@pytest.mark.parametrize("action", ["check", "cancel"])
def test_asking_again_and_cancelling_keep_the_language(merchant, action):
    customer = Customer(attempt("request", order__merchant=merchant).order)
    response = customer.open("?lang=ta")
    assert re.fullmatch(rf"\d+; url={customer.url}\?lang=ta", response["Refresh"])
    form = re.search(rf'action="({customer.url}/{action}\?lang=ta)".*?</form>', customer.html, re.DOTALL)
    hidden = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', form[0]))
    sent = customer.client.post(form[1], hidden, headers=SAME_ORIGIN)
    assert sent.status_code == 303
    assert sent["Location"].startswith(f"{customer.url}?lang=ta")


def test_the_way_off_a_page_that_goes_on_by_itself_keeps_the_language(merchant):
    page = Customer(PaymentFactory(order__merchant=merchant, success=True).order).open("?lang=ta").content.decode()
    assert re.search(r'href="/checkout/sess_[\w-]+\?lang=ta&amp;stay=1"', page)


# --- The switcher ---


def test_every_language_is_offered_by_its_own_name_and_the_current_one_is_marked(customer):
    page = customer.open("?lang=ar").content.decode()
    for code, language in LANGUAGES.items():
        assert re.search(
            rf'href="\?lang={code}" lang="{code}" hreflang="{code}"[^>]*>{re.escape(language.own_name)}</a>', page
        )
    assert re.findall(r'lang="(\w+)" hreflang="\w+" aria-current=true', page) == ["ar"]
    assert '<html lang="ar" dir="rtl">' in page


def test_the_page_says_which_translations_no_native_reader_has_checked(customer, monkeypatch):
    told = "Not read by native readers yet: "
    assert f"{told}हिन्दी, தமிழ், " in customer.open("?lang=en").content.decode()
    for code in set(LANGUAGES) - {"ja"}:
        monkeypatch.setitem(LANGUAGES, code, replace(LANGUAGES[code], is_checked=True))
    assert f"{told}日本語<" in customer.open("?lang=en").content.decode()
    monkeypatch.setitem(LANGUAGES, "ja", replace(LANGUAGES["ja"], is_checked=True))
    assert told not in customer.open("?lang=en").content.decode()


def test_a_change_of_language_keeps_the_page_where_the_customer_asked_it_to_stay(customer):
    assert 'href="?stay=1&amp;lang=ta"' in customer.open("?stay=1").content.decode()
    assert 'href="?lang=ta"' in customer.open().content.decode()


@pytest.mark.parametrize(("accepted", "spoken"), [("fr;q=0", "en"), ("xx, fr;q=0, de;q=0.1", "de")])
def test_a_language_that_the_browser_refuses_is_not_spoken(customer, accepted, spoken):
    page = customer.client.get(customer.url, headers={"accept-language": accepted})
    assert page["Content-Language"] == spoken


def test_too_many_parameters_are_refused_in_the_browsers_language(client):
    query = "&".join(f"a{n}=1" for n in range(1_001))
    page = client.get(f"/checkout/sess_x?{query}", headers={"accept-language": "de"})
    assert (page.status_code, page["Content-Language"]) == (404, "de")


# --- What merchants say ---


@pytest.mark.parametrize(
    ("tag", "code"),
    [
        ("ta", "ta"),
        ("pt-BR", "pt"),
        ("en-IN", "en"),
        ("PT_br", "pt"),
        (" hi ", "hi"),
        ("", ""),
        ("sv", ""),
        ("zh-Hant", ""),
    ],
)
def test_a_tag_counts_by_its_language(tag, code):
    assert known(tag) == code


@pytest.mark.parametrize("tag", ["sv", "english", "x", "-", "हिन्दी"])
def test_a_language_we_do_not_speak_is_refused_with_those_we_do(tag):
    with pytest.raises(BadInput, match=r"language: write one of en, hi, ta.*pt-BR counts as pt"):
        language_code(tag)


def test_a_merchant_is_made_with_its_customers_language(capsys):
    call_command("create_merchant", "Kite Shop", "--return-url=https://shop.example.com/back", "--language=mr-IN")
    assert Merchant.objects.get().language == "mr"
    with pytest.raises(CommandError, match="write one of en"):
        call_command("create_merchant", "Other", "--return-url=https://shop.example.com/back", "--language=sv")
    assert Merchant.objects.count() == 1
