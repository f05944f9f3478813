"""Stripe, by hand-off: each attempt is one Checkout Session, paid on Stripe's own page."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from payments import clock
from payments.gateways.base import (
    EVENT_SECRET,
    Account,
    Attempt,
    BadCredentials,
    CancelAnswer,
    CredentialField,
    Gateway,
    GoTo,
    NotTaken,
    OrderRefused,
    Outcome,
    PaymentFact,
    Reference,
    RefundFact,
    ServerEvent,
    Standing,
    Unanswered,
)
from payments.gateways.stripe import events, words
from payments.gateways.stripe.client import BadKey, NotSent, Object, Refused, client_of, read, write
from payments.gateways.values import wanted
from payments.money import Money
from payments.states import SETTLE_TIME, Method, Mode, PaymentStatus, RefundStatus

SHORTEST, LONGEST = timedelta(minutes=32), timedelta(hours=23, minutes=55)
"""Of a session. Stripe takes 30 minutes to 24 hours by its own clock and from when it gets the request; where our
attempt is over sooner, `cancel` ends the session then.
"""
LOOKED_FOR = timedelta(minutes=1), timedelta(minutes=3)
"""Before and after the start of an attempt: in between its session was made, if at all, whatever the clocks say."""
LEFT = "left"
"""In the address that Stripe's link back leads to."""
_EMAIL = re.compile(r"[\w.+-]{1,64}@(?:[a-z0-9-]+\.)+[a-z]{2,20}", re.ASCII | re.IGNORECASE)
"""Addresses that nobody doubts: one that Stripe doubts it refuses, and the payment with it. It asks for the others."""
PAGE, PAGES = 100, 30
WITH_CHARGE = {"expand": ["latest_charge"]}
WITH_INTENT = {"expand": ["payment_intent.latest_charge"]}


class Stripe(Gateway):
    """Cards by Stripe Checkout."""

    name = "stripe"
    methods = frozenset({Method.CARD})
    holds = frozenset({Method.CARD})
    currencies = words.CURRENCIES
    has_own_page = True
    hosts = frozenset({"https://checkout.stripe.com"})
    credential_fields = (
        CredentialField(
            "secret_key",
            "Secret or restricted key",
            "Stripe's dashboard, Developers, API keys: rk_ or sk_",
            pattern=r"(sk|rk)_{mode}_\w+",
        ),
        CredentialField(
            EVENT_SECRET,
            "Signing secret",
            "Of the event destination with the address on this account's page: whsec_",
            pattern=r"whsec_[\w+/=]+",
        ),
    )

    def accepts(self, amount: Money, method: Method) -> bool:
        """Whether Stripe can write the amount, and takes that little or much."""
        if not super().accepts(amount, method):
            return False
        units = amount.minor * words.UNITS_A_MINOR.get(amount.currency, 1)
        fits = amount.minor % words.STEP.get(amount.currency, 1) == 0
        return fits and words.SMALLEST.get(amount.currency, 1) <= units <= words.LARGEST

    def check(self, account: Account) -> None:
        """Read one of each thing we need. Raises BadCredentials, Unanswered."""
        if not all(secret.startswith("whsec_") for secret in account.event_secrets):
            raise BadCredentials("The signing secret has to begin with whsec_.")
        try:
            api = client_of(account).v1
            for service in (api.checkout.sessions, api.payment_intents, api.refunds):
                read(service.list, {"limit": 1})
        except BadKey as refusal:
            raise BadCredentials(str(refusal)) from None

    def start(self, attempt: Attempt) -> Outcome:
        """Make the attempt's session and send the customer there."""
        account, params = attempt.account, _session_params(attempt)
        named = Reference(attempt.key, started_at=attempt.at)
        try:
            sessions = client_of(account).v1.checkout.sessions
            session = write(
                lambda options: sessions.create(params, options),
                attempt.key,
                done=lambda: _find_session(account, named),
            )
        except Refused as refusal:
            raise OrderRefused(str(refusal)) from None
        except (NotSent, BadKey) as refusal:
            raise NotTaken(str(refusal)) from None
        if session["livemode"] is not (account.mode == Mode.LIVE):
            raise Unanswered("Stripe made a session of the other mode: nobody is sent there.")
        return GoTo(wanted(session, "url"), gateway_order_id=wanted(session, "id"))

    def inquire(self, account: Account, payment: Reference) -> PaymentFact | Standing:
        session = _find_session(account, payment)
        return Standing.ABSENT if session is None else words.session_fact(session, account)

    def read_return(self, account: Account, payment: Reference, params: Mapping[str, str]) -> PaymentFact | Standing:
        """Ask. For a customer who left Stripe's page by its link back the session is ended first."""
        if LEFT in params and self.cancel(account, payment) is CancelAnswer.DEAD:
            said = self.inquire(account, payment)
            if isinstance(said, PaymentFact) and said.status == PaymentStatus.CANCELLED:
                return replace(
                    said, status=PaymentStatus.USER_DROPPED, error_code="left", message="Left before paying."
                )
            return said
        return self.inquire(account, payment)

    def cancel(self, account: Account, payment: Reference) -> CancelAnswer:
        """Expire the session. One that was never made can be paid by nobody: its address never reached us."""
        session = _find_session(account, payment)
        if session is None:
            is_early = payment.started_at is None or clock.now() < payment.started_at + SETTLE_TIME
            return CancelAnswer.UNKNOWN if is_early else CancelAnswer.DEAD
        if session["status"] == "open":
            session = _expired(account, payment, session)
        return words.cancel_answer(session)

    def capture(self, account: Account, payment: Reference, amount: Money) -> PaymentFact:
        """Take held money, all or part; Stripe releases the rest."""
        units = words.units_of(amount)
        params: Any = {"amount_to_capture": units, **WITH_CHARGE}
        return self._act(account, payment, "capture", f"{payment.key}-capture-{units}", params)

    def void(self, account: Account, payment: Reference) -> PaymentFact:
        return self._act(account, payment, "cancel", f"{payment.key}-void", WITH_CHARGE)

    def _act(self, account: Account, payment: Reference, verb: str, key: str, params: Any) -> PaymentFact:
        """Capture or cancel an intent that is held; of any other only what it says."""
        intents, intent_id = client_of(account).v1.payment_intents, payment.gateway_payment_id

        def decided() -> Object | None:
            found = read(intents.retrieve, intent_id, WITH_CHARGE)
            return None if found["status"] == "requires_capture" else found

        message = ""
        try:
            act = getattr(intents, verb)
            intent = decided() or write(lambda options: act(intent_id, params, options), key, done=decided)
        except Refused as refusal:
            message = refusal.message
            intent = read(intents.retrieve, intent_id, WITH_CHARGE)
        return words.intent_fact(intent, words.reference_in(account, intent), message=message)

    def refund(self, account: Account, payment: Reference, key: str, amount: Money) -> RefundFact:
        refunds = client_of(account).v1.refunds
        params: Any = {
            "payment_intent": payment.gateway_payment_id,
            "amount": words.units_of(amount),
            "metadata": {words.REFUND: key, words.PAYMENT: payment.key},
        }
        try:
            refund = write(
                lambda options: refunds.create(params, options), key, done=lambda: _find_refund(account, payment, key)
            )
        except Refused as refusal:
            found = _find_refund(account, payment, key)
            if found is None:
                return RefundFact(RefundStatus.FAILED, key, error_code=refusal.code, message=refusal.message)
            refund = found
        return words.refund_fact(refund)

    def inquire_refund(self, account: Account, payment: Reference, key: str) -> RefundFact | Standing:
        refund = _find_refund(account, payment, key)
        return Standing.ABSENT if refund is None else words.refund_fact(refund)

    def parse_event(self, account: Account, body: bytes, headers: Mapping[str, str], *, at: datetime) -> ServerEvent:
        return events.parse(account, body, headers, at=at)


def _session_params(attempt: Attempt) -> Any:
    """A session of our attempt. All of it comes from the attempt: the same one again asks for the same."""
    ours = {words.PAYMENT: attempt.key}
    lasts = min(max(attempt.deadline_at - attempt.at, SHORTEST), LONGEST)
    price = {
        "currency": attempt.amount.currency.lower(),
        "unit_amount": words.units_of(attempt.amount),
        "product_data": {"name": f"{attempt.payee} {attempt.order_id}".strip()},
    }
    known = {"customer_email": attempt.payer.email} if _EMAIL.fullmatch(attempt.payer.email) else {}
    return {
        "mode": "payment",
        "payment_method_types": ["card"],
        "line_items": [{"quantity": 1, "price_data": price}],
        "client_reference_id": attempt.key,
        "metadata": ours,
        "payment_intent_data": {
            "capture_method": "manual" if attempt.manual_capture else "automatic",
            "description": attempt.order_id,
            "metadata": ours,
        },
        # Else Stripe may charge another currency than the order's.
        "adaptive_pricing": {"enabled": False},
        "expires_at": int((attempt.at + lasts).timestamp()),
        **known,
        "success_url": attempt.return_url,
        "cancel_url": f"{attempt.return_url}?{LEFT}=1",
    }


def _find_session(account: Account, payment: Reference) -> Object | None:
    """The session of an attempt: by its id, else among those with its intent or of its time. None if there is none."""
    sessions = client_of(account).v1.checkout.sessions
    session_id = payment.gateway_order_id or _session_id(account, payment)
    if not session_id:
        return None
    try:
        return read(sessions.retrieve, session_id, WITH_INTENT)
    except Refused:
        # It was made by this account's key: with another account's we know nothing, least of all that nothing was paid.
        raise Unanswered("Stripe does not show this session: is the key of another account?") from None


def _session_id(account: Account, payment: Reference) -> str:
    """Stripe's search lags behind, its lists do not; they can be asked by intent or by time."""
    sessions = client_of(account).v1.checkout.sessions
    params: dict[str, Any] = {"limit": PAGE}
    if payment.gateway_payment_id:
        params["payment_intent"] = payment.gateway_payment_id
    elif payment.started_at is not None:
        before, after = LOOKED_FOR
        first, last = payment.started_at - before, payment.started_at + after
        params["created"] = {"gte": int(first.timestamp()), "lte": int(last.timestamp())}
    else:
        raise Unanswered("Stripe cannot be asked by our reference alone.")
    for _ in range(PAGES):
        page = read(sessions.list, params)
        for session in page["data"]:
            if session["client_reference_id"] == payment.key:
                return wanted(session, "id")
        if not page["has_more"]:
            return ""
        params["starting_after"] = page["data"][-1]["id"]
    raise Unanswered("Stripe has too many sessions of that time.")


def _expired(account: Account, payment: Reference, session: Object) -> Object:
    """The session after we asked to end it; whoever paid it just then was first."""
    sessions, session_id = client_of(account).v1.checkout.sessions, session["id"]

    def ended() -> Object | None:
        found = read(sessions.retrieve, session_id, WITH_INTENT)
        return None if found["status"] == "open" else found

    try:
        key = f"{payment.key}-expire"
        return write(lambda options: sessions.expire(session_id, WITH_INTENT, options), key, done=ended)
    except Refused:
        return ended() or session


def _find_refund(account: Account, payment: Reference, key: str) -> Object | None:
    refunds = client_of(account).v1.refunds
    params: dict[str, Any] = {"payment_intent": payment.gateway_payment_id, "limit": PAGE}
    for _ in range(PAGES):
        page = read(refunds.list, params)
        for refund in page["data"]:
            if (refund.get("metadata") or {}).get(words.REFUND) == key:
                found: Object = refund
                return found
        if not page["has_more"]:
            return None
        params["starting_after"] = page["data"][-1]["id"]
    raise Unanswered("Stripe has too many refunds of this payment.")
