"""Mail scanners, previews and prefetching browsers open a link before its customer does: nothing may come of it."""

from datetime import timedelta

import pytest
from django.apps import apps
from django.core.cache import cache
from django.test import Client

from payments import clock
from tests.factories import OrderFactory, PaymentFactory
from tests.hosted.customer import attempt

pytestmark = pytest.mark.django_db

AGENTS = [
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "WhatsApp/2.23.20.0",
    "TelegramBot (like TwitterBot)",
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "Twitterbot/1.0",
    "LinkedInBot/1.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) BingPreview/1.0b",
    "Microsoft Office/16.0 (Microsoft Outlook 16.0)",
    "Barracuda Sentinel (EE)",
    "Mimecast/1.0",
    "Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 (KHTML, like Gecko) facebookexternalhit/1.1 Facebot Twitterbot/1.0",
    "curl/8.5.0",
    "",
]
PREFETCHES = [
    {"purpose": "prefetch"},
    {"sec-purpose": "prefetch;prerender"},
    {"x-moz": "prefetch"},
    {"x-purpose": "preview"},
    {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "empty"},
    {"x-forwarded-for": "40.94.1.1", "accept": "*/*"},
]
SCANNERS = [*({"user-agent": agent} for agent in AGENTS), *PREFETCHES]

ORDERS = {
    "payable": OrderFactory,
    "overdue": lambda: OrderFactory(expires_at=clock.now() - timedelta(minutes=1)),
    "declined": lambda: PaymentFactory(failed=True).order,
    "in flight": lambda: attempt("challenge").order,
    "paid": lambda: PaymentFactory(success=True).order,
}


def rows():
    """Every row of every table."""
    return {model._meta.label: list(model.objects.order_by("pk").values()) for model in apps.get_models()}


@pytest.mark.parametrize("kind", ORDERS)
def test_twenty_scanners_change_nothing_and_get_no_cookie(kind):
    cache.clear()
    page = f"/checkout/{ORDERS[kind]().session_id}"
    before = rows()
    assert len(SCANNERS) == 20
    for number, headers in enumerate(SCANNERS):
        client = Client()
        answers = [client.get(page, headers=headers), client.head(page, headers=headers)]
        look = client.head if number % 2 else client.get
        below = (f"{page}/pay", f"{page}/check", f"{page}/cancel", f"{page}?stay=1&kept=1&lang=en")
        answers += [look(path, headers=headers) for path in below]
        assert [answer.status_code for answer in answers if answer.status_code >= 500] == []
        assert not [answer for answer in answers if answer.cookies or "Set-Cookie" in answer.headers]
        assert len({answers[0].status_code, answers[1].status_code}) == 1
    assert rows() == before


def test_a_scanner_before_the_customer_takes_nothing_away_from_them(order):
    for headers in SCANNERS:
        Client().get(f"/checkout/{order.session_id}", headers=headers)
    page = Client().get(f"/checkout/{order.session_id}")
    assert page.status_code == 200
    assert 'name="form_token"' in page.content.decode()


def test_the_doors_for_shops_change_nothing_either(order):
    before = rows()
    for headers in SCANNERS:
        client = Client()
        for answer in (
            client.get("/till.js", headers=headers),
            client.get("/pg/view/sessions/checkout", headers=headers),
        ):
            assert not answer.cookies
        posted = client.post("/pg/view/sessions/checkout", {"payment_session_id": order.session_id}, headers=headers)
        assert posted.status_code == 303
        assert not posted.cookies
    assert rows() == before
