"""Nobody on the staff can widen their own rights."""

import pytest
from django.contrib.auth.models import Group, User

from tests.staff.conftest import make_staff, signed_in

pytestmark = pytest.mark.django_db

ALL_OF_AUTH = [f"{act}_{model}" for act in ("add", "change", "delete", "view") for model in ("user", "group")]


def test_a_person_with_every_account_permission_still_cannot_become_superuser():
    clerk = make_staff("clerk", *ALL_OF_AUTH)
    browser = signed_in(clerk)
    url = f"/admin/auth/user/{clerk.pk}/change/"
    assert browser.get(url).status_code == 200
    assert browser.post(url, {"username": "clerk", "is_superuser": "on", "is_staff": "on"}).status_code == 403
    assert browser.post("/admin/auth/user/add/", {"username": "twin"}).status_code == 403
    assert browser.post("/admin/auth/group/add/", {"name": "bosses"}).status_code == 403
    clerk.refresh_from_db()
    assert not clerk.is_superuser
    assert (User.objects.count(), Group.objects.count()) == (1, 0)


def test_a_superuser_makes_accounts_and_switches_them_off_but_deletes_none(chief):
    password = "correct horse battery"
    made = {"username": "clerk", "usable_password": "true", "password1": password, "password2": password}
    assert chief.post("/admin/auth/user/add/", made).status_code == 302
    clerk = User.objects.get(username="clerk")
    assert chief.post(f"/admin/auth/user/{clerk.pk}/delete/", {"post": "yes"}).status_code == 403
    assert User.objects.filter(pk=clerk.pk).exists()
