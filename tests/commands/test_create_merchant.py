"""`manage.py create_merchant` as an operator's script uses it."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from payments.models import ApiKey, GatewayAccount, Merchant

pytestmark = pytest.mark.django_db


def run(*args):
    out = StringIO()
    call_command("create_merchant", *args, stdout=out)
    return out.getvalue()


def test_json_is_one_line_and_last_and_opens_the_api(client):
    made = json.loads(run("Kite Shop", "--return-url", "https://shop.example.com/r", "--json").splitlines()[-1])
    assert set(made) == {"org_id", "client_id", "client_secret", "mode"}
    response = client.post(
        "/payment.v1.PaymentService/VerifyPayment",
        data="{}",
        content_type="application/json",
        headers={"x-client-id": made["client_id"], "x-client-secret": made["client_secret"]},
    )
    assert response.json()["code"] == "not_found"


def test_the_return_urls_origin_and_further_ones_are_registered():
    run("Kite Shop", "--return-url", "https://shop.example.com:444/r", "--origin", "https://www.example.com")
    assert Merchant.objects.get().return_origins == ["https://shop.example.com:444", "https://www.example.com"]


def test_the_secret_is_nowhere_in_clear():
    made = json.loads(run("Kite Shop", "--return-url", "https://shop.example.com/r", "--json"))
    key = ApiKey.objects.get()
    secret = made["client_secret"].encode()
    assert secret not in bytes(key.secret_hash)
    assert secret not in bytes(key.secret_ciphertext)
    assert key.secret_last4 == made["client_secret"][-4:]


def test_a_test_merchant_can_take_payments_at_once():
    run("Kite Shop", "--return-url", "https://shop.example.com/r", "--region", "SG", "--currency", "SGD")
    merchant = Merchant.objects.get()
    assert (merchant.currency, merchant.region, merchant.time_zone) == ("SGD", "SG", "Asia/Singapore")
    assert GatewayAccount.objects.get().gateway == "simulator"


def test_what_customers_see_can_be_said_at_once():
    terms = "https://shop.example.com/terms"
    run(
        "Kite Shop",
        "--return-url",
        "https://shop.example.com/r",
        "--support-phone",
        "98765 43210",
        "--terms-url",
        terms,
    )
    merchant = Merchant.objects.get()
    assert (merchant.support_phone, merchant.terms_url) == ("+919876543210", terms)


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--return-url", "shop.example.com"], "absolute address"),
        (["--return-url", "https://shop.example.com", "--origin", "nonsense"], "absolute address"),
        (["--return-url", "https://shop.example.com", "--currency", "XXX"], "--currency: write an ISO 4217"),
        (["--return-url", "https://shop.example.com", "--region", "India"], "ISO 3166"),
        (["--return-url", "https://shop.example.com", "--live"], "https"),
        (["--return-url", "https://shop.example.com", "--accent", "red"], "#7a1f57"),
        (["--return-url", "https://shop.example.com", "--support-email", "nobody"], "asha@example.com"),
        (["--return-url", "https://shop.example.com", "--support-phone", "12"], "write a number"),
        (["--return-url", "https://shop.example.com", "--terms-url", "http://shop.example.com"], "https://"),
    ],
)
def test_bad_input_is_told_and_makes_nothing(args, words):
    with pytest.raises(CommandError, match=words):
        run("Kite Shop", *args)
    assert not Merchant.objects.exists()


def test_a_live_merchant_needs_https_everywhere(settings):
    settings.HTTPS = True
    with pytest.raises(CommandError, match="live orders need https"):
        run("Kite Shop", "--return-url", "http://shop.example.com", "--live")
    run("Kite Shop", "--return-url", "https://shop.example.com", "--live")
    assert ApiKey.objects.get().mode == "live"
    assert not GatewayAccount.objects.exists()
