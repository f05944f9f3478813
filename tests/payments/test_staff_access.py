"""Second factors below the pages: the published test values, parallel uses, and keys that come and go."""

import base64
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection

from payments import clock
from payments.errors import TooManyTries
from payments.models import RecoveryCode, SecondFactor, SignInTries
from payments.services import staff_access, tries
from tests.staff.door import code_of, give_app

RFC_SECRET = base64.b32encode(b"12345678901234567890").decode()


def _in_parallel(job, count=8):
    def run(_):
        try:
            return job()
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("seconds", "code"),
    [(59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"), (2000000000, "279037")],
)
def test_codes_are_those_of_rfc_6238(seconds, code):
    user, at = User.objects.create(username="asha"), datetime.fromtimestamp(seconds, UTC)
    assert code_of(RFC_SECRET, at) == code
    assert len(staff_access.enrol(user.pk, RFC_SECRET, code, instead_of=None, at=at, address="")) == 10


@pytest.mark.django_db(transaction=True)
def test_one_code_used_by_many_at_once_counts_once():
    user = User.objects.create(username="asha")
    secret, codes = give_app(user)
    at = clock.now()
    by_app = _in_parallel(lambda: staff_access.prove(user.pk, code_of(secret, at), at=at, address=""))
    by_paper = _in_parallel(lambda: staff_access.prove(user.pk, codes[0], at=at, address=""))
    assert sorted(filter(None, by_app)) == [staff_access.Proof.APP]
    assert sorted(filter(None, by_paper)) == [staff_access.Proof.RECOVERY]
    assert staff_access.codes_left(user.pk) == 9


@pytest.mark.django_db(transaction=True)
def test_of_many_tries_at_once_five_are_looked_at():
    at = clock.now()

    def guess():
        try:
            tries.charge("address:198.51.100.1", "account:x", at=at)
        except TooManyTries:
            return False
        return True

    assert _in_parallel(guess, 12).count(True) == tries.MOST
    assert list(SignInTries.objects.values_list("failures", flat=True)) == [5, 5]


@pytest.mark.django_db
def test_a_refused_try_counts_for_nobody_else():
    at = clock.now()
    for _ in range(5):
        tries.charge("account:x", at=at)
    with pytest.raises(TooManyTries) as refused:
        tries.charge("address:198.51.100.1", "account:x", at=at + timedelta(minutes=10))
    assert refused.value.until == at + tries.LOCKED_FOR
    assert not SignInTries.objects.filter(subject__startswith="address:").exists()
    tries.charge("account:x", at=at + tries.LOCKED_FOR)
    assert SignInTries.objects.get().failures == 1


@pytest.mark.django_db
def test_a_secret_outlives_a_new_key_and_not_the_loss_of_its_own(settings):
    user = User.objects.create(username="asha")
    secret, codes = give_app(user)
    old, at = settings.FIELD_ENCRYPTION_KEYS, clock.now()
    settings.FIELD_ENCRYPTION_KEYS = [b"n" * 32, *old]
    assert staff_access.prove(user.pk, code_of(secret, at), at=at, address="")
    settings.FIELD_ENCRYPTION_KEYS = [b"n" * 32]
    later = at + timedelta(minutes=1)
    assert staff_access.prove(user.pk, code_of(secret, later), at=later, address="") is None
    assert staff_access.prove(user.pk, codes[0], at=later, address="")


@pytest.mark.django_db
def test_the_database_keeps_no_half_second_factor():
    with pytest.raises(IntegrityError):
        SecondFactor.objects.create(user=User.objects.create(username="asha"), enrolled_at=clock.now())


@pytest.mark.django_db
def test_recovery_codes_are_hard_to_misread_and_to_guess():
    user = User.objects.create(username="asha")
    _, codes = give_app(user)
    assert all(len(code) == 14 and set(code) <= set(staff_access.LETTERS + "-") for code in codes)
    assert not set("01ilo") & set(staff_access.LETTERS)
    assert len(staff_access.LETTERS) ** 12 > 2**59
    assert RecoveryCode.objects.filter(user=user).count() == 10
