"""`manage.py demo`: made once, found again, readable by its owner alone."""

import json
from io import StringIO

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command

from payments.models import ApiKey, Merchant

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(settings, tmp_path):
    settings.DEMO_FILE = tmp_path / "var" / "demo.json"

    def start():
        out = StringIO()
        call_command("demo", stdout=out)
        return json.loads(settings.DEMO_FILE.read_text()), out.getvalue()

    return start


def test_it_makes_a_merchant_and_a_staff_user_and_prints_them(run, settings):
    made, told = run()
    assert settings.DEMO_FILE.stat().st_mode & 0o777 == 0o600
    assert {"base_url", "org_id", "client_id", "client_secret", "shop_url", "admin_url"} <= set(made)
    assert made["client_secret"] in told
    user = get_user_model().objects.get(username=made["staff_username"])
    assert user.is_staff
    assert user.check_password(made["staff_password"])


def test_the_printed_password_alone_opens_the_admin(run, client):
    made, _ = run()
    sent = {"username": made["staff_username"], "password": made["staff_password"]}
    assert client.post("/admin/login/", sent)["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200


def test_a_second_start_makes_nothing_new(run):
    first, _ = run()
    second, told = run()
    assert first == second
    assert first["client_secret"] in told
    assert (Merchant.objects.count(), ApiKey.objects.count()) == (1, 1)


def test_a_new_address_is_registered_and_kept(run, settings):
    run()
    settings.PUBLIC_URL = "http://127.0.0.1:9000"
    made, _ = run()
    assert made["base_url"] == "http://127.0.0.1:9000"
    assert "http://127.0.0.1:9000" in Merchant.objects.get().return_origins


def test_a_lost_database_gets_a_new_merchant(run):
    first, _ = run()
    ApiKey.objects.all().delete()
    second, _ = run()
    assert first["client_id"] != second["client_id"]
    assert Merchant.objects.count() == 2


def test_a_lost_file_gets_a_new_password(run, settings):
    first, _ = run()
    settings.DEMO_FILE.unlink()
    second, _ = run()
    assert get_user_model().objects.get().check_password(second["staff_password"])
    assert first["staff_password"] != second["staff_password"]


def test_it_refuses_to_run_in_public(run, settings):
    settings.HTTPS = True
    with pytest.raises(CommandError, match="your own machine"):
        run()


def test_the_shop_gets_the_merchants_webhooks_unless_somebody_chose_otherwise(run, settings):
    run()
    assert Merchant.objects.get().notify_url == f"{settings.PUBLIC_URL}/shop/webhooks"
    settings.PUBLIC_URL = "http://127.0.0.1:9000"
    run()
    assert Merchant.objects.get().notify_url == "http://127.0.0.1:9000/shop/webhooks"
    Merchant.objects.update(notify_url="https://own.example.com/hook")
    run()
    assert Merchant.objects.get().notify_url == "https://own.example.com/hook"


def test_the_first_page_is_branded(run, settings, client):
    settings.PUBLIC_URL = "http://127.0.0.1:9000"
    settings.ALLOWED_HOSTS = ["testserver"]
    run()
    merchant = Merchant.objects.get()
    assert merchant.logo.picture
    assert merchant.support_phone
    assert merchant.terms_url == "http://127.0.0.1:9000/shop/terms"
    assert "Terms of sale" in client.get("/shop/terms").content.decode()
