"""The page of test inputs: all of them, to copy, with a way back to the payment."""

import pytest

from payments.gateways.registry import TEST_FAULTS
from payments.gateways.simulator.inputs import CARDS, INPUTS, UPI_IDS
from tests.factories import OrderFactory
from tests.hosted.customer import text_of

SESSION = "sess_" + "aB3_-" * 6 + "xy"


def link_back(client, referer):
    page = client.get("/simulator", headers={"referer": referer} if referer else {})
    html = page.content.decode()
    assert ("Use your browser’s Back" in html or "use your browser’s Back" in html) is ("Back to the" not in html)
    return html


def test_every_input_and_fault_is_there_with_its_outcome(client):
    page = text_of(client.get("/simulator"))
    for entry in INPUTS:
        assert entry.outcome in page
    for fault, outcome in TEST_FAULTS.items():
        assert f"{fault} {outcome}" in page
    assert "4242 4242 4242 4242 Approved at once" in page


def test_what_can_be_typed_is_one_element_each(client):
    html = client.get("/simulator").content.decode()
    for value in [*UPI_IDS, *TEST_FAULTS, *(" ".join(n[i : i + 4] for i in range(0, 16, 4)) for n in CARDS)]:
        assert f"<code>{value}</code>" in html
    assert "<code>any" not in html


def test_the_payment_page_links_to_it_and_it_links_back(client, db):
    order = OrderFactory()
    pay_page = f"/checkout/{order.session_id}"
    assert 'href="/simulator"' in client.get(pay_page).content.decode()
    assert f'href="{pay_page}"' in link_back(client, f"http://testserver{pay_page}")


@pytest.mark.parametrize("tail", ["", "/pay", "?lang=xx", "?lang=", "/pay?x=1#y"])
def test_only_the_session_is_taken_from_where_the_visitor_came(client, tail):
    assert f'href="/checkout/{SESSION}"' in link_back(client, f"http://testserver/checkout/{SESSION}{tail}")


def test_the_language_the_visitor_chose_is_kept(client):
    link = link_back(client, f"http://testserver/checkout/{SESSION}?lang=pt-BR&stay=1")
    assert f'href="/checkout/{SESSION}?lang=pt"' in link


@pytest.mark.parametrize(
    "referer",
    [
        "",
        "http://testserver/shop",
        "http://testserver/checkout/",
        "http://testserver/checkout/sess_short",
        f"https://evil.example/checkout/{SESSION}",
        f"http://testserver@evil.example/checkout/{SESSION}",
        f"http://testserver/x/checkout/{SESSION}",
        'http://testserver/checkout/"><script>alert(1)</script>',
        "http://[",
        "javascript:alert(1)",
    ],
)
def test_from_anywhere_else_there_is_only_the_browsers_back(client, referer):
    html = link_back(client, referer)
    assert "To go on paying, use your browser’s Back to return to the payment page." in html
    assert "<a " not in html
    assert "evil" not in html


def test_it_only_shows(client):
    assert client.head("/simulator").status_code == 200
    assert client.post("/simulator").status_code == 405
    response = client.get("/simulator")
    assert "no-store" in response["Cache-Control"]
    assert not response.cookies
