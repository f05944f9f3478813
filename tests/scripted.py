"""Two gateways that do as a test tells them, with credentials, signed events and signed returns like real ones."""

import hashlib
import hmac
import json
from contextlib import contextmanager

from payments.gateways import registry
from payments.gateways.base import (
    BadCredentials,
    CancelAnswer,
    CredentialField,
    Done,
    ForgedEvent,
    ForgedReturn,
    Gateway,
    GoTo,
    NotTaken,
    OrderRefused,
    PaymentFact,
    RefundFact,
    ServerEvent,
    Standing,
    Unanswered,
)
from payments.models import GatewayAccount
from payments.money import Money
from payments.services.accounts import set_credentials
from payments.states import Method, PaymentStatus, RefundStatus
from tests.factories import act

SECRET = "alpha-secret-of-the-account-9876"
EVENT_SECRET = "whsec-the-first-one-1111"
NOT_TAKEN, REFUSED, LOST, PAID, DECLINED, PAGE = "not taken", "refused", "lost", "paid", "declined", "page"


class Scripted(Gateway):
    """`says` is what comes of the next starts, one after the other; then all are paid."""

    methods = frozenset({Method.CARD, Method.NETBANKING})
    holds = frozenset({Method.CARD})
    credential_fields = (
        CredentialField("key_id", "Key id", "At the gateway under Settings, API keys.", is_secret=False),
        CredentialField("key_secret", "Key secret", "Shown there once."),
        CredentialField("event_secret", "Event secret", "Of the webhook you made there.", is_optional=True),
    )

    def __init__(self):
        self.says, self.started, self.book, self.seen = [], [], {}, []

    def accepts(self, amount, method):
        return super().accepts(amount, method) and amount.minor >= 100

    def check(self, account):
        self.seen.append(account)
        if "down" in account.credentials["key_id"]:
            raise Unanswered("time-out")
        if "wrong" in account.credentials["key_secret"]:
            raise BadCredentials("It knows no such key.")

    def start(self, attempt):
        self.started.append(attempt)
        self.seen.append(attempt.account)
        word = self.says.pop(0) if self.says else PAID
        if word == NOT_TAKEN:
            raise NotTaken("connection refused")
        if word == REFUSED:
            raise OrderRefused("The amount is too small.")
        if word == PAGE:
            self.book[attempt.key] = Standing.OPEN
            return GoTo("/bank")
        self.book[attempt.key] = fact = self._fact(attempt.key, attempt.amount, declined=word == DECLINED)
        if word == LOST:
            raise Unanswered("time-out after it was taken")
        return Done(fact)

    def _fact(self, key, amount, *, declined=False):
        if declined:
            return PaymentFact(PaymentStatus.FAILED, key, declined=True, error_code="card_declined")
        return PaymentFact(PaymentStatus.SUCCESS, key, amount=amount, gateway_payment_id=f"{self.name}_{key}")

    def inquire(self, account, payment):
        self.seen.append(account)
        return self.book.get(payment.key, Standing.ABSENT)

    def cancel(self, account, payment):
        fact = self.book.get(payment.key)
        return CancelAnswer.ALIVE if isinstance(fact, PaymentFact) and fact.amount else CancelAnswer.DEAD

    def refund(self, account, payment, key, amount):
        self.seen.append(account)
        return RefundFact(RefundStatus.SUCCESS, key, amount=amount, gateway_refund_id=f"re_{key}")

    def read_return(self, account, payment, params):
        if params.get("signature") != sign(account.credentials["key_secret"], payment.key.encode()):
            raise ForgedReturn("the signature does not fit")
        return self.inquire(account, payment)

    def parse_event(self, account, body, headers, *, at):
        known = [sign(secret, body) for secret in account.event_secrets]
        if headers.get("x-signature") not in known:
            raise ForgedEvent("The signature does not fit.")
        told = json.loads(body)
        fact = self._fact(told["key"], Money(told["amount"], "INR"))
        return ServerEvent(told["id"], "payment", told.get("account"), fact)


class Alpha(Scripted):
    name = "alpha"
    methods = frozenset({Method.CARD, Method.NETBANKING, Method.WALLET})


class Beta(Scripted):
    name = "beta"


def sign(secret, body):
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


@contextmanager
def registered(monkeypatch):
    """Register both, each anew, and forget them afterwards."""
    for kind in (Alpha, Beta):
        monkeypatch.setitem(registry.GATEWAYS, kind.name, f"tests.scripted.{kind.__name__}")
    registry.gateway_named.cache_clear()
    yield registry.gateway_named("alpha"), registry.gateway_named("beta")
    registry.gateway_named.cache_clear()


def account_at(merchant, gateway, *, mode="test", at, **credentials):
    """The merchant's account at one of them, with all that it signs in with."""
    row = GatewayAccount.objects.create(merchant=merchant, mode=mode, gateway=gateway)
    given = {"key_id": f"{gateway}_key", "key_secret": SECRET, "event_secret": EVENT_SECRET} | credentials
    return set_credentials(row.pk, given, by=act(), at=at, seen=None)
