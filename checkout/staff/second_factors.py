"""Resetting somebody's second factor: for who lost phone and recovery codes."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest

from checkout.staff.deeds import Deed, Figures, Told
from checkout.staff.facts import moment
from payments.services import staff_access
from payments.services.audit import Act

OWN = (
    "This is your own. With your app or a recovery code at hand, enrol another app on the page “Second factor”; "
    "without them another superuser resets it, or `manage.py reset_second_factor` on the server."
)


class ResetSecondFactor(Deed[User]):
    """Let somebody enrol anew. Whoever makes others prove who they are cannot spare themselves the proof."""

    name, label, title = "reset-second-factor", "Reset second factor…", "Reset this person’s second factor"
    permission = "auth.reset_second_factor"
    """Nobody is given it: only superusers have every permission there could be."""

    def why_not(self, row: User, user_id: int) -> str:
        if row.pk == user_id:
            return OWN
        return "" if _enrolled_at(row) else "There is none to reset: this person enrols at the next sign-in."

    def figures(self, row: User) -> Figures:
        enrolled_at = _enrolled_at(row)
        return {"enrolled": enrolled_at.isoformat() if enrolled_at else ""}

    def facts(self, row: User, *, request: HttpRequest) -> dict[str, Any]:
        return {
            "account": row.get_username(),
            "e-mail": row.email,
            "app in use since": moment(_enrolled_at(row)),
            "recovery codes left": staff_access.codes_left(row.pk),
        }

    def outlook(self, row: User) -> str:
        return (
            "For who lost phone and recovery codes. Make sure that it is really this person who asks: see them, or "
            "call them on a number you know. Whoever knows the password enrols the next app."
        )

    def consequences(self, row: User, asked: dict[str, Any]) -> list[str]:
        return [
            f"The app and the recovery codes of {row.get_username()} open nothing any more.",
            "Every session of this account ends now, and a lock-out too.",
            "Whoever signs in next with its password enrols a new app.",
        ]

    def do(self, row: User, asked: dict[str, Any], *, seen: Figures, by: Act, at: datetime) -> Told:
        staff_access.reset(row, by=by, at=at)
        return Told(messages.SUCCESS, f"Account {row.get_username()} is signed out everywhere and enrols a new app.")


def _enrolled_at(person: User) -> datetime | None:
    factor = staff_access.factor_of(person.pk)
    return factor.enrolled_at if factor else None
