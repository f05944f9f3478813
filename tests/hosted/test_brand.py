"""What a merchant puts on its customers' pages: logo, help, terms; and what others can make of the addresses."""

import re

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from checkout.hosted import style
from checkout.hosted.style import stylesheet_url
from checkout.management.commands.demo import LOGO
from payments.logos import MAX_BYTES, reencoded
from payments.models import Merchant, MerchantLogo
from payments.services.merchants import set_logo
from tests.factories import MerchantFactory, OrderFactory, PaymentFactory
from tests.hosted.customer import Customer, attempt, text_of
from tests.hosted.rows import own_page_order

pytestmark = pytest.mark.django_db


@pytest.fixture
def branded():
    merchant = MerchantFactory(name="Patang", accent="#7a1f57")
    set_logo(merchant, reencoded(LOGO.read_bytes()))
    return merchant


def opened(merchant, **order):
    return Customer(OrderFactory(merchant=merchant, **order)).open()


def sheet_of(response):
    return re.search(r'<link rel="stylesheet" href="([^"]+)"', response.content.decode())[1]


def test_the_logo_comes_with_the_style_sheet_and_costs_the_page_nothing(branded, client):
    order = OrderFactory(merchant=branded)
    with CaptureQueriesContext(connection) as statements:
        page = Customer(order).open()
    assert len(statements) <= 3
    assert "data:image" not in page.content.decode()
    sheet = client.get(sheet_of(page))
    assert sheet.content.decode().count(".logo{background:#fff url(data:image/webp;base64,") == 1
    assert sheet["Cache-Control"] == "public, max-age=31536000, immutable"


def test_pictures_in_the_sheet_are_allowed_and_nothing_unsafe(branded, merchant):
    for seller in (branded, merchant):
        policy = opened(seller)["Content-Security-Policy"]
        assert "img-src 'self' data:;" in policy
        assert "unsafe" not in policy


def test_a_page_that_leads_away_keeps_both_allowances(branded):
    policy = Customer(attempt("form", order__merchant=branded).order).open()["Content-Security-Policy"]
    assert "img-src 'self' data:;" in policy
    assert "form-action 'self' https://api.razorpay.com;" in policy


def test_a_new_logo_has_a_new_address_and_the_old_one_is_kept_by_nobody(branded, client):
    old = stylesheet_url(branded.accent, branded.logo_digest)
    set_logo(branded, b"another")
    new = sheet_of(opened(branded))
    assert new != old
    late = client.get(old)
    assert (late.status_code, late["Cache-Control"]) == (200, "no-store")
    assert "data:" not in late.content.decode()


def test_another_merchants_address_shows_nothing_of_this_one(branded, client):
    other = MerchantFactory(accent="#0f6a6e")
    assert branded.logo_digest not in sheet_of(opened(other))
    guessed = stylesheet_url(other.accent, "0" * 16)
    assert "data:" not in client.get(guessed).content.decode()
    assert client.get("/checkout/style/7a1f57-0000000000-nonsense.css").status_code == 404
    assert client.get(f"/checkout/style/{branded.pk}.css").status_code == 404


def test_without_a_logo_there_is_the_initial(branded):
    set_logo(branded, b"")
    page = opened(branded)
    assert '<span class="logo" aria-hidden="true">P</span>' in page.content.decode()
    assert "data:image" not in page.content.decode()
    assert not MerchantLogo.objects.exists()


@pytest.mark.parametrize("picture", [b"", bytes(MAX_BYTES + 1)])
def test_the_database_keeps_no_large_logo(branded, picture):
    with pytest.raises(IntegrityError), transaction.atomic():
        MerchantLogo.objects.filter(merchant=branded).update(picture=picture)


@pytest.mark.parametrize("columns", [{"terms_url": "javascript:alert(1)"}, {"support_phone": "9876543210"}])
def test_the_database_keeps_no_odd_address(merchant, columns):
    with pytest.raises(IntegrityError), transaction.atomic():
        Merchant.objects.filter(pk=merchant.pk).update(**columns)


EMAIL, PHONE, TERMS = "help@patang.example", "+912255550142", "https://patang.example/terms"


@pytest.mark.parametrize(
    ("columns", "said", "links"),
    [
        ({}, "", []),
        ({"support_email": EMAIL}, f"Write to {EMAIL}. Give the order number.", [f"mailto:{EMAIL}?subject=PTG-1042"]),
        ({"support_phone": PHONE}, "Call +91 22 5555 0142 . Give the order number.", [f"tel:{PHONE}", f"tel:{PHONE}"]),
        ({"terms_url": TERMS}, "Terms", [TERMS]),
        (
            {"support_email": EMAIL, "support_phone": PHONE, "terms_url": TERMS},
            f"Write to {EMAIL} or call +91 22 5555 0142 . Give the order number.",
            [f"mailto:{EMAIL}?subject=PTG-1042", TERMS, f"tel:{PHONE}"],
        ),
    ],
)
def test_the_foot_reads_well_with_any_of_them(merchant, columns, said, links):
    Merchant.objects.filter(pk=merchant.pk).update(**columns)
    page = opened(merchant, order_id="PTG-1042")
    foot = re.search(r"<footer.*</footer>", page.content.decode(), re.DOTALL)[0]
    assert said in text_of(page)
    assert re.findall(r'href="((?:mailto|tel|https?):[^"]*)"', foot) == links
    assert (f'href="{TERMS}" rel="noreferrer"' in foot) is (TERMS in links)


def test_terms_on_an_engineers_own_machine_are_not_shown_to_who_pays(merchant):
    Merchant.objects.filter(pk=merchant.pk).update(terms_url="http://localhost/terms")
    assert "http://localhost/terms" in opened(merchant).content.decode()
    assert "http://localhost/terms" not in opened(merchant, mode="live").content.decode()


def test_the_simulators_cards_are_offered_where_it_serves():
    simulated = "Test cards and IDs"
    assert simulated in text_of(Customer(OrderFactory()).open())
    assert simulated in text_of(Customer(PaymentFactory(success=True).order).open())
    elsewhere = Customer(own_page_order()).open()
    assert "Test mode." in text_of(elsewhere)
    assert simulated not in text_of(elsewhere)


def test_a_new_way_to_show_logos_changes_every_sheets_address(branded, monkeypatch):
    """Browsers keep a sheet for a year: an address must never have another content."""
    old = stylesheet_url(branded.accent, branded.logo_digest)
    monkeypatch.setattr(style, "LOGO_RULE", ".logo{border:0;background:url(data:image/webp;base64,%s)}")
    style._sheet.cache_clear()
    new = stylesheet_url(branded.accent, branded.logo_digest)
    style._sheet.cache_clear()
    assert new != old
