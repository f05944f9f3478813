"""How staff get in: the second factor, its recovery codes, and the record of who came in and who did not.

An account's app holds a secret that we must read too, so it is encrypted. Recovery codes need only be compared: keyed
hashes of them are kept. Each code counts once.
"""

import base64
import logging
import secrets
from datetime import datetime
from enum import StrEnum

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from django.contrib.auth.models import User
from django.db import transaction

from payments import crypto
from payments.errors import BadInput, StaleRow
from payments.models import RecoveryCode, SecondFactor
from payments.services import tries
from payments.services.audit import Act, record_act

ISSUER = "Till"
STEP_S, DIGITS, SECRET_BYTES = 30, 6, 20
"""What every authenticator app understands (RFC 6238 with SHA-1, which these codes do not weaken)."""
DRIFT = (0, -1, 1)
"""Steps by which a telephone's clock may be off."""
CODES = 10
LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"
"""Nothing that is read as something else."""
GROUPS, GROUP_LENGTH = 3, 4


class Proof(StrEnum):
    """By what somebody passed the second step."""

    APP = "app"
    RECOVERY = "recovery code"


def factor_of(user_id: int) -> SecondFactor | None:
    """The second factor of an account, or what a reset left of it."""
    return SecondFactor.objects.filter(user=user_id).first()


def new_secret() -> str:
    """What an app and we share: base32, as apps let people type it."""
    return base64.b32encode(secrets.token_bytes(SECRET_BYTES)).decode()


def app_uri(secret: str, username: str) -> str:
    """What the QR code says to an app."""
    return _totp(secret).get_provisioning_uri(username, ISSUER)


def enrol(
    user_id: int, secret: str, typed: str, *, instead_of: datetime | None, at: datetime, address: str
) -> list[str]:
    """Take an app into use that shows the right code; the new recovery codes, which nobody can read again.

    `instead_of` is when the app that this one replaces was enrolled. Raises BadInput for a wrong code, StaleRow if
    another app was enrolled meanwhile.
    """
    step = _step_of(secret, _plain(typed), at=at)
    if step is None:
        raise BadInput("code", "code_wrong", "code: the app shows another code now. Is its clock right?")
    with transaction.atomic():
        factor, _ = SecondFactor.objects.get_or_create(user_id=user_id)
        sealed = crypto.encrypt(secret, context=factor.secret_context)
        unchanged = SecondFactor.objects.filter(pk=user_id, enrolled_at=instead_of)
        if not unchanged.update(secret=sealed, enrolled_at=at, last_step=step):
            raise StaleRow(factor)
        record(user_id, "second_factor.enrol", "proved by a code of the new app", at=at, address=address)
        return _replace_codes(user_id, at=at)


def new_codes(user_id: int, *, at: datetime, address: str) -> list[str]:
    """Ten fresh recovery codes; the ones before count no more."""
    with transaction.atomic():
        record(user_id, "second_factor.codes", "asked for new ones", at=at, address=address)
        return _replace_codes(user_id, at=at)


def codes_left(user_id: int) -> int:
    return RecoveryCode.objects.filter(user=user_id, used_at=None).count()


def prove(user_id: int, typed: str, *, at: datetime, address: str) -> Proof | None:
    """By what these characters prove who this is, if they do; they never do it again."""
    text = _plain(typed)
    if len(text) == DIGITS:
        return Proof.APP if _use_step(user_id, text, at=at) else None
    with transaction.atomic():
        unused = RecoveryCode.objects.filter(user=user_id, digest=_digest(user_id, text), used_at=None)
        if not unused.update(used_at=at):
            return None
        left = codes_left(user_id)
        record(user_id, "second_factor.recovery", f"{left} are left", at=at, address=address)
    return Proof.RECOVERY


def reset(user: User, *, by: Act, at: datetime) -> None:
    """Forget an account's app and recovery codes, end its sessions and its lock: whoever signs in next enrols anew."""
    with transaction.atomic():
        SecondFactor.objects.get_or_create(user=user)
        SecondFactor.objects.filter(user=user).update(secret=None, enrolled_at=None, sessions_from=at)
        RecoveryCode.objects.filter(user=user).delete()
        tries.forget(tries.account(user.get_username()))
        record_act("second_factor.reset", by, object_type="user", object_id=str(user.pk), at=at)


def record(user_id: int, act: str, reason: str, *, at: datetime, address: str) -> None:
    """Write down what happened at the door of an account."""
    record_act(act, Act(user_id, reason), object_type="user", object_id=str(user_id), at=at, address=address)


def record_failure(user_id: int | None, reason: str, *subjects: str, at: datetime, address: str) -> None:
    """Write down a wrong try at an account that exists, and the lock that follows the last one allowed."""
    if user_id is None:
        return
    with transaction.atomic():
        record(user_id, "sign_in.fail", reason, at=at, address=address)
        for subject in tries.locked(*subjects):
            kind = subject.partition(":")[0]
            record(user_id, "sign_in.lock", f"{tries.MOST} wrong tries: the {kind}", at=at, address=address)


def _use_step(user_id: int, text: str, *, at: datetime) -> bool:
    factor = factor_of(user_id)
    if factor is None or factor.secret is None:
        return False
    try:
        secret = crypto.decrypt(factor.secret, context=factor.secret_context)
    except crypto.Undecryptable:
        logging.getLogger("till.staff").exception("the second factor of account %s cannot be read", user_id)
        return False
    step = _step_of(secret, text, at=at)
    if step is None:
        return False
    unused = SecondFactor.objects.filter(pk=user_id, enrolled_at=factor.enrolled_at, last_step__lt=step)
    return unused.update(last_step=step) == 1


def _step_of(secret: str, text: str, *, at: datetime) -> int | None:
    """The 30 seconds whose code this is, of those that count now."""
    now = int(at.timestamp()) // STEP_S
    app = _totp(secret)
    for step in (now + drift for drift in DRIFT):
        if crypto.same(app.generate(step * STEP_S), text.encode()):
            return step
    return None


def _totp(secret: str) -> TOTP:
    return TOTP(base64.b32decode(secret), DIGITS, SHA1(), STEP_S)  # noqa: S303


def _replace_codes(user_id: int, *, at: datetime) -> list[str]:
    RecoveryCode.objects.filter(user=user_id).delete()
    length = GROUPS * GROUP_LENGTH
    made = ["".join(secrets.choice(LETTERS) for _ in range(length)) for _ in range(CODES)]
    RecoveryCode.objects.bulk_create(
        RecoveryCode(user_id=user_id, digest=_digest(user_id, code), made_at=at) for code in made
    )
    return ["-".join(code[i : i + GROUP_LENGTH] for i in range(0, length, GROUP_LENGTH)) for code in made]


def _plain(typed: str) -> str:
    return "".join(typed.split()).replace("-", "").lower()


def _digest(user_id: int, code: str) -> bytes:
    return crypto.peppered(f"recovery code of {user_id}: {code}".encode())
