"""The accessibility statement: open to everybody, and linked from every page."""

import pytest

from tests.hosted.customer import Customer, text_of

pytestmark = pytest.mark.django_db


def test_the_statement_says_what_is_promised_and_what_falls_short(client):
    said = text_of(client.get("/accessibility"))
    assert "WCAG 2.2, level AA" in said
    assert "No people with disabilities have tested these pages yet" in said
    assert "Stated on 30 November 2026." in said


def test_it_is_only_read(client):
    assert client.post("/accessibility").status_code == 405


def test_payment_pages_link_to_it_without_naming_their_session(client, order):
    assert '<a href="/accessibility">Accessibility</a>' in Customer(order).open().content.decode()
    assert '<a href="/accessibility">Accessibility</a>' in client.get("/nowhere").content.decode()
