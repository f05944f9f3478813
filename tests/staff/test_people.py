"""Nobody on the staff can widen their own rights."""

import pytest
from django.contrib.auth.models import Group, User

from payments.models import AuditEntry
from payments.services.audit import broken_links
from tests.staff.conftest import make_staff, signed_in

pytestmark = pytest.mark.django_db

WHY = "She joined the support desk"
PASSWORD = "correct horse battery"
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
    assert User.objects.count() == 1
    assert not Group.objects.filter(name="bosses").exists()


def _add(chief, **over):
    made = {"username": "clerk", "usable_password": "true", "password1": PASSWORD, "password2": PASSWORD, "reason": WHY}
    return chief.post("/admin/auth/user/add/", made | over)


def _change(chief, person, **over):
    joined = {"date_joined_0": "2026-11-22", "date_joined_1": "10:00:00"}
    posted = {"username": person.username, "is_active": "on", "reason": WHY, **joined}
    return chief.post(f"/admin/auth/user/{person.pk}/change/", posted | over)


def _acts():
    return [(row.actor.username, row.act, row.object_id, row.reason) for row in AuditEntry.objects.order_by("pk")]


def test_a_superuser_makes_accounts_and_switches_them_off_but_deletes_none(chief):
    assert _add(chief).status_code == 302
    clerk = User.objects.get(username="clerk")
    assert chief.post(f"/admin/auth/user/{clerk.pk}/delete/", {"post": "yes"}).status_code == 403
    assert _change(chief, clerk, is_active="").status_code == 302
    clerk.refresh_from_db()
    assert not clerk.is_active


def test_every_change_of_an_account_says_who_made_it_and_why(chief):
    group = Group.objects.create(name="night shift")
    _add(chief)
    clerk = User.objects.get(username="clerk")
    assert _change(chief, clerk, is_staff="on", groups=[group.pk], reason="Nights").status_code == 302
    new = {"usable_password": "true", "password1": PASSWORD + "!", "password2": PASSWORD + "!"}
    url = f"/admin/auth/user/{clerk.pk}/password/"
    assert chief.post(url, new | {"set-password": "x", "reason": "Forgotten"}).status_code == 302
    clerk.refresh_from_db()
    assert clerk.check_password(PASSWORD + "!")
    assert _acts() == [
        ("chief", "user.add", str(clerk.pk), WHY),
        ("chief", "user.change", str(clerk.pk), "Nights"),
        ("chief", "user.password", str(clerk.pk), "Forgotten"),
    ]
    moves = AuditEntry.objects.get(act="user.change").details["moves"]
    assert moves["groups"] == [[], ["night shift"]]
    assert moves["is_staff"] == [False, True]
    assert not [row for row in AuditEntry.objects.all() if PASSWORD in str(row.details)]
    assert list(broken_links()) == []
    assert chief.get("/admin/auth/user/").content.decode().count("night shift") == 2  # its row, and the filter


def test_nothing_about_accounts_changes_without_a_reason(chief):
    assert _add(chief, reason="").status_code == 200
    _add(chief)
    clerk = User.objects.get(username="clerk")
    assert _change(chief, clerk, is_staff="on", reason=" ").status_code == 200
    new = {"usable_password": "true", "password1": PASSWORD + "!", "password2": PASSWORD + "!", "set-password": "x"}
    page = chief.post(f"/admin/auth/user/{clerk.pk}/password/", new)
    assert page.status_code == 200
    assert 'name="reason"' in page.content.decode()
    clerk.refresh_from_db()
    assert (clerk.is_staff, clerk.check_password(PASSWORD)) == (False, True)
    assert len(_acts()) == 1


def test_a_new_password_that_cannot_be_recorded_is_not_set(chief, monkeypatch):
    _add(chief)
    clerk = User.objects.get(username="clerk")

    def refuse(*args, **kwargs):
        raise RuntimeError("the chain is out of order")

    monkeypatch.setattr("checkout.staff.reasons.record_act", refuse)
    new = {"usable_password": "true", "password1": PASSWORD + "!", "password2": PASSWORD + "!", "set-password": "x"}
    with pytest.raises(RuntimeError):
        chief.post(f"/admin/auth/user/{clerk.pk}/password/", new | {"reason": WHY})
    clerk.refresh_from_db()
    assert clerk.check_password(PASSWORD)


def test_groups_are_made_and_changed_with_a_reason(chief):
    assert chief.post("/admin/auth/group/add/", {"name": "nights", "reason": ""}).status_code == 200
    assert chief.post("/admin/auth/group/add/", {"name": "nights", "reason": WHY}).status_code == 302
    group = Group.objects.get(name="nights")
    assert chief.post(f"/admin/auth/group/{group.pk}/change/", {"name": "days", "reason": WHY}).status_code == 302
    assert [act for _, act, _, _ in _acts()] == ["group.add", "group.change"]
    assert chief.post(f"/admin/auth/group/{group.pk}/delete/", {"post": "yes"}).status_code == 403


def test_the_list_of_groups_says_what_each_is_for_and_how_many_are_in_it(chief):
    page = chief.get("/admin/auth/group/").content.decode()
    assert "approve a refund that somebody else asked for" in page
