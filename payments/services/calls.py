"""The one way to call a gateway: never inside a transaction, always with a fault point on both sides."""

import json
import logging
from collections.abc import Callable, Mapping
from typing import TypeVar

from django.db import connection

from payments import faults
from payments.crypto import decrypt
from payments.gateways.base import (
    Account,
    BadCredentials,
    CancelAnswer,
    ForgedReturn,
    NotSupported,
    NotTaken,
    PaymentFact,
    Reference,
    Standing,
    Unanswered,
)
from payments.gateways.registry import gateway_named
from payments.models import GatewayAccount, Payment

Answer = TypeVar("Answer")
log = logging.getLogger(__name__)


class CallInsideTransaction(AssertionError):
    """A gateway call while rows are locked: a bug that loses money when the commit fails after the call."""


def refuse_open_transaction() -> None:
    """Raise CallInsideTransaction if a transaction is open; the block a test case itself opens does not count."""
    if any(not getattr(block, "_from_testcase", False) for block in connection.atomic_blocks):
        raise CallInsideTransaction("A gateway must not be called inside a database transaction.")


def call_gateway(action: Callable[[], Answer]) -> Answer:
    """Call and return the gateway's answer. Any fault of the gateway's code becomes Unanswered: we do not know."""
    refuse_open_transaction()
    faults.point("gateway.before_call")
    try:
        answer = action()
    except (Unanswered, NotSupported, NotTaken, BadCredentials, ForgedReturn):
        raise
    except Exception as fault:  # noqa: BLE001  (whatever broke, the gateway may have acted)
        # Only the class: a message of a gateway's library may quote what we sent it.
        log.error(  # noqa: TRY400
            "gateway call failed: %s", type(fault).__name__
        )
        raise Unanswered(type(fault).__name__) from None
    faults.point("gateway.after_call")
    return answer


def account_values(payment: Payment) -> Account:
    """The gateway account of a payment as plain values. Raises Undecryptable."""
    if not gateway_named(payment.gateway).credential_fields:
        return Account(id=payment.account_id, mode=payment.mode)
    return values_of(payment.account)


def values_of(account: GatewayAccount) -> Account:
    """A gateway account as plain values. Raises Undecryptable."""
    return Account(id=account.pk, mode=account.mode, credentials=credentials_of(account))


def credentials_of(account: GatewayAccount) -> dict[str, str]:
    """What an account signs in with, in clear: only on its way to the gateway. Raises Undecryptable."""
    if account.credentials_ciphertext is None:
        return {}
    kept: dict[str, str] = json.loads(decrypt(account.credentials_ciphertext, context=account.credentials_context))
    return kept


def reference_values(payment: Payment) -> Reference:
    """How both sides name a payment."""
    ids = payment.gateway_key, payment.gateway_payment_id, payment.gateway_order_id
    return Reference(*ids, started_at=payment.started_at)


def ask_gateway(payment: Payment, brought: Mapping[str, str] | None = None) -> PaymentFact | Standing | None:
    """What the gateway says became of a payment; None if it does not say.

    `brought` is what the browser of a customer who comes back has with it. If that is forged, nobody is asked.
    """
    gateway, reference = gateway_named(payment.gateway), reference_values(payment)
    try:
        if brought is not None:
            return call_gateway(lambda: gateway.read_return(account_values(payment), reference, brought))
        return call_gateway(lambda: gateway.inquire(account_values(payment), reference))
    except ForgedReturn:
        log.warning("the return to %s does not verify", payment.uid)
    except (Unanswered, NotSupported):
        pass
    return None


def ask_to_cancel(payment: Payment) -> CancelAnswer:
    """The gateway's answer to a cancel, with nothing written on our side. Raises NotSupported."""
    gateway = gateway_named(payment.gateway)
    try:
        return call_gateway(lambda: gateway.cancel(account_values(payment), reference_values(payment)))
    except Unanswered:
        return CancelAnswer.UNKNOWN
