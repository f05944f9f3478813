"""A lost phone: somebody else resets the second factor, and its owner enrols anew."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User

from payments import clock
from payments.models import RecoveryCode, SecondFactor
from payments.services.audit import broken_links
from tests.staff.conftest import make_staff, signed_in
from tests.staff.deeds import token_of
from tests.staff.door import CODE, ENROL, PASSWORD, acts, browser_at, code_of, give_app, is_in, type_code, type_password

pytestmark = pytest.mark.django_db

WHY = "Phone stolen; called her on the number we have"


@pytest.fixture(autouse=True)
def two_steps(settings):
    settings.STAFF_SECOND_FACTOR = True


@pytest.fixture
def ravi():
    return User.objects.create_user("ravi", password=PASSWORD, is_staff=True)


@pytest.fixture
def chief():
    """A superuser who has shown her own second factor."""
    boss = User.objects.create_superuser("boss", password=PASSWORD)
    _, codes = give_app(boss)
    browser = signed_in(boss)
    type_code(browser, codes[0])
    return browser


def _door(person):
    return f"/admin/auth/user/{person.pk}/reset-second-factor/"


def _reset(chief, person):
    token = token_of(chief.post(_door(person), {"reason": WHY}))
    return chief.post(_door(person), {"confirmed": token})


def test_a_reset_ends_sessions_codes_and_app_and_leads_to_enrolment(chief, ravi):
    secret, codes = give_app(ravi)
    desk = browser_at()
    type_password(desk, "ravi")
    type_code(desk, code_of(secret))
    assert is_in(desk)
    assert _door(ravi) in chief.get(f"/admin/auth/user/{ravi.pk}/change/").content.decode()
    assert _reset(chief, ravi)["Location"] == f"/admin/auth/user/{ravi.pk}/change/"
    assert "because=reset" in desk.get("/admin/")["Location"]
    assert type_password(desk, "ravi")["Location"].startswith(ENROL)
    assert type_code(desk, codes[1])["Location"].startswith(ENROL)
    factor = SecondFactor.objects.get(user=ravi)
    assert (factor.secret, factor.enrolled_at) == (None, None)
    assert not RecoveryCode.objects.filter(user=ravi).exists()
    assert ("second_factor.reset", "boss", WHY) in acts()
    assert list(broken_links()) == []


def test_a_session_that_is_halfway_in_ends_as_well(chief, ravi):
    give_app(ravi)
    thief = browser_at()
    assert type_password(thief, "ravi")["Location"].startswith(CODE)
    _reset(chief, ravi)
    assert "because=reset" in thief.get(ENROL)["Location"]


def test_it_needs_a_reason_and_a_confirmation(chief, ravi):
    give_app(ravi)
    assert chief.post(_door(ravi), {"reason": " "}).status_code == 400
    chief.post(_door(ravi), {"reason": WHY})
    assert SecondFactor.objects.get(user=ravi).enrolled_at


def test_nobody_resets_their_own(chief):
    boss = User.objects.get(username="boss")
    page = chief.get(_door(boss)).content.decode()
    assert "This is your own." in page
    chief.post(_door(boss), {"reason": WHY, "confirmed": "x"})
    assert SecondFactor.objects.get(user=boss).enrolled_at
    assert _door(boss) not in chief.get(f"/admin/auth/user/{boss.pk}/change/").content.decode()


def test_who_has_none_needs_no_reset(chief, ravi):
    assert "There is none to reset" in chief.get(_door(ravi)).content.decode()


def test_an_app_enrolled_meanwhile_is_not_reset_by_an_old_page(chief, ravi):
    give_app(ravi)
    token = token_of(chief.post(_door(ravi), {"reason": WHY}))
    _reset(chief, ravi)
    give_app(ravi, at=clock.now() + timedelta(seconds=10))
    answer = chief.post(_door(ravi), {"confirmed": token})
    assert answer.status_code == 400
    assert "something else happened" in re.sub(r"\s+", " ", answer.content.decode())
    assert SecondFactor.objects.get(user=ravi).enrolled_at


def test_staff_with_every_permission_on_accounts_reset_nobodys(ravi, settings):
    settings.STAFF_SECOND_FACTOR = False
    give_app(ravi)
    clerk = signed_in(make_staff("clerk", "add_user", "change_user", "delete_user", "view_user"))
    assert clerk.get(_door(ravi)).status_code == 403
    assert clerk.post(_door(ravi), {"reason": WHY}).status_code == 403
    assert SecondFactor.objects.get(user=ravi).enrolled_at
