"""Who gets in, and what nobody may do there."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client

from payments.models import Merchant, Order, Payment
from tests.staff import ADMIN, MODELS, READ_ONLY
from tests.staff.conftest import make_staff, signed_in


def _values(row):
    return type(row).objects.filter(pk=row.pk).values().get()


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/admin/", *(f"{ADMIN}/{model}/" for model in MODELS)])
def test_strangers_are_sent_to_the_login(client, path):
    answer = client.get(path)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/admin/login/")


@pytest.mark.parametrize("path", ["/admin/", f"{ADMIN}/order/"])
def test_a_user_who_is_no_staff_is_sent_to_the_login(db, path):
    client = signed_in(User.objects.create_user("shopper"))
    assert client.get(path)["Location"].startswith("/admin/login/")


@pytest.mark.parametrize("model", MODELS)
def test_staff_without_permissions_see_nothing(novice, rows, model):
    assert novice.get(f"{ADMIN}/{model}/").status_code == 403
    assert novice.get(f"{ADMIN}/{model}/{rows[model].pk}/change/").status_code == 403
    assert "payments/" not in novice.get("/admin/").content.decode()


@pytest.mark.parametrize("who", ["chief", "viewer"])
@pytest.mark.parametrize("model", MODELS)
def test_lists_and_pages_open(request, rows, who, model):
    client = request.getfixturevalue(who)
    assert client.get(f"{ADMIN}/{model}/").status_code == 200
    assert client.get(f"{ADMIN}/{model}/{rows[model].pk}/change/").status_code == 200
    assert client.get(f"{ADMIN}/{model}/{rows[model].pk}/history/").status_code == 200


@pytest.mark.parametrize("who", ["chief", "viewer"])
@pytest.mark.parametrize("model", READ_ONLY)
def test_a_post_to_a_read_only_page_changes_nothing(request, rows, who, model):
    client, row = request.getfixturevalue(who), rows[model]
    before = _values(row)
    posted = dict.fromkeys(before, "1") | {"amount_minor": "1", "captured_minor": "1", "status": "paid"}
    assert client.post(f"{ADMIN}/{model}/{row.pk}/change/", posted).status_code == 403
    assert _values(row) == before
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("model", MODELS)
def test_nothing_is_deleted_by_anybody(chief, rows, model):
    row = rows[model]
    assert chief.get(f"{ADMIN}/{model}/{row.pk}/delete/").status_code == 403
    assert chief.post(f"{ADMIN}/{model}/{row.pk}/delete/", {"post": "yes"}).status_code == 403
    posted = {"action": "delete_selected", "_selected_action": row.pk, "post": "yes"}
    chief.post(f"{ADMIN}/{model}/", posted)
    assert type(row).objects.filter(pk=row.pk).exists()
    pages = chief.get(f"{ADMIN}/{model}/").content + chief.get(f"{ADMIN}/{model}/{row.pk}/change/").content
    assert b"delete" not in pages.lower()


@pytest.mark.parametrize("model", [model for model in MODELS if model not in ("apikey", "endpoint", "gatewayaccount")])
def test_nothing_but_keys_endpoints_and_gateway_accounts_is_added(chief, rows, model):
    assert chief.get(f"{ADMIN}/{model}/add/").status_code == 403
    assert chief.post(f"{ADMIN}/{model}/add/", {"name": "x"}).status_code == 403
    assert f"{ADMIN}/{model}/add/" not in chief.get("/admin/").content.decode()


def test_the_front_page_says_whose_it_is(chief):
    page = chief.get("/admin/").content.decode()
    assert '<a href="/admin/">Till</a>' in page
    assert "<h1>Staff</h1>" in page
    assert "staff/staff.css" in page


def test_the_list_of_merchants_says_how_one_is_made(chief, merchant):
    assert "manage.py create_merchant" in chief.get(f"{ADMIN}/merchant/").content.decode()


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("key", ["abc", "0", "99999999999999999999999", "1_5F"])
def test_odd_addresses_are_no_fault_of_ours(chief, rows, model, key):
    assert chief.get(f"{ADMIN}/{model}/{key}/change/").status_code in (302, 404)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("query", ["q=%00", "q=%22", "status=nonsense", "merchant__id__exact=abc", "p=zzz", "o=9.9"])
def test_odd_questions_are_no_fault_of_ours(chief, rows, model, query):
    assert chief.get(f"{ADMIN}/{model}/?{query}").status_code in (200, 302)


@pytest.mark.parametrize("model", MODELS)
def test_pages_bring_no_inline_script_or_style(chief, rows, model):
    for path in (f"{ADMIN}/{model}/", f"{ADMIN}/{model}/{rows[model].pk}/change/"):
        answer = chief.get(path)
        page = answer.content.decode()
        assert "<style" not in page
        assert " style=" not in page
        assert " onclick=" not in page
        assert "<script>" not in page
        assert "no-store" in answer["Cache-Control"]
        assert "script-src 'self'" in answer["Content-Security-Policy"]


def test_a_staff_login_works_by_its_form(db):
    make_staff("asha", "view_order")
    client = Client()
    answer = client.post("/admin/login/?next=/admin/", {"username": "asha", "password": "x" * 12, "next": "/admin/"})
    assert answer["Location"] == "/admin/"
    assert client.get(f"{ADMIN}/order/").status_code == 200
    assert client.get(f"{ADMIN}/payment/").status_code == 403


def test_no_money_row_was_touched_by_looking(chief, rows):
    before = [list(model.objects.values()) for model in (Order, Payment, Merchant)]
    for model in MODELS:
        chief.get(f"{ADMIN}/{model}/{rows[model].pk}/change/")
    assert [list(model.objects.values()) for model in (Order, Payment, Merchant)] == before
