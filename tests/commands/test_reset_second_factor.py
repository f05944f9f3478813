"""`manage.py reset_second_factor`: the way back in for the last superuser."""

from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from payments.models import AuditEntry, SecondFactor
from tests.staff.door import ENROL, PASSWORD, browser_at, code_of, enrol, give_app, is_in, type_password

pytestmark = pytest.mark.django_db


@pytest.fixture
def asha():
    return User.objects.create_superuser("asha", password=PASSWORD)


def test_it_lets_a_locked_out_account_in_to_enrol_anew(asha, settings):
    settings.STAFF_SECOND_FACTOR = True
    lost, _ = give_app(asha)
    for number in range(6):
        type_password(browser_at(f"198.51.100.{number}"), password="guess")
    out = StringIO()
    call_command("reset_second_factor", "asha", "--reason", "Phone in the river", stdout=out)
    assert "enrols a new app" in out.getvalue()
    assert AuditEntry.objects.filter(act="second_factor.reset", actor=asha, reason="Phone in the river").count() == 1
    desk = browser_at()
    assert type_password(desk)["Location"].startswith(ENROL)
    assert enrol(desk, code=code_of(lost))[1].status_code == 400
    enrol(desk)
    assert is_in(desk)


def test_an_account_that_never_enrolled_may_be_reset_too(asha):
    call_command("reset_second_factor", "asha", stdout=StringIO())
    assert SecondFactor.objects.get(user=asha).enrolled_at is None
    assert AuditEntry.objects.get().reason == "by manage.py reset_second_factor on the server"


def test_an_unknown_account_and_an_empty_reason_are_refused(asha):
    with pytest.raises(CommandError, match="no account 'Asha'"):
        call_command("reset_second_factor", "Asha")
    with pytest.raises(CommandError, match="--reason"):
        call_command("reset_second_factor", "asha", "--reason", " ")
    assert not SecondFactor.objects.exists()
