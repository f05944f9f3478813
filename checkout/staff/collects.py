"""Whom a gateway pays what it took, changed for one account of a merchant."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest

from checkout.staff.deeds import Deed, Figures, Told
from checkout.staff.facts import link_for
from checkout.staff.reasons import ReasonForm
from payments.models import GatewayAccount
from payments.services.audit import Act
from payments.services.settlements import set_collects
from payments.states import Collects

WORDS = {
    Collects.OPERATOR: "the operator, who pays it out to the merchant",
    Collects.MERCHANT: "the merchant itself, who owes us the fees",
}


class SetCollects(Deed[GatewayAccount]):
    """Say that the gateway pays the other one from now on."""

    name, label, title = "collects", "Change whom it pays…", "Change whom this gateway pays"
    permission = "payments.change_settlement"

    def why_not(self, row: GatewayAccount, user_id: int) -> str:
        return ""

    def form(self, row: GatewayAccount, data: dict[str, Any] | None = None) -> ReasonForm:
        return ReasonForm(data)

    def figures(self, row: GatewayAccount) -> Figures:
        return {"collects": row.collects}

    def standing(self, row: GatewayAccount) -> str:
        return f"It pays {WORDS[Collects(row.collects)]}, now."

    def facts(self, row: GatewayAccount, *, request: HttpRequest) -> dict[str, Any]:
        return {
            "gateway": row.gateway,
            "merchant": link_for(request, row.merchant, row.merchant.name),
            "mode": row.mode,
            "it pays": WORDS[Collects(row.collects)],
        }

    def outlook(self, row: GatewayAccount) -> str:
        return (
            "This says what the contract with the gateway says; the gateway itself hears nothing of it. All that it "
            "took so far has to be in closed settlements first, and no attempt may be in flight."
        )

    def consequences(self, row: GatewayAccount, asked: dict[str, Any]) -> list[str]:
        told = [f"From now on it pays {WORDS[other(row)]}."]
        if other(row) == Collects.MERCHANT:
            return [*told, "Its payments get settlements of their own, which are never paid out: only fees are owed."]
        return [*told, "Its payments are in the settlements that are paid out."]

    def do(self, row: GatewayAccount, asked: dict[str, Any], *, seen: Figures, by: Act, at: datetime) -> Told:
        wanted = other(row)
        set_collects(row.pk, wanted, by=by, at=at)
        return Told(messages.SUCCESS, f"From now on this gateway pays {WORDS[wanted]}.")


def other(account: GatewayAccount) -> Collects:
    """Whom it does not pay now."""
    return Collects.MERCHANT if account.collects == Collects.OPERATOR else Collects.OPERATOR
