"""Merchants' accounts at gateways: opened, and given what they sign in with, by staff."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from payments import crypto
from payments.errors import AccountTaken, BadInput, StaleRow
from payments.gateways.base import EVENT_SECRET, EVENT_SECRETS, CredentialField
from payments.gateways.registry import SIMULATOR, gateway_named, is_open
from payments.models import GatewayAccount, Merchant
from payments.services.audit import Act, record_act
from payments.services.calls import call_gateway, credentials_of, values_of
from payments.states import Collects, Mode

LONGEST = 500
"""Characters of one credential."""


def open_account(
    merchant: Merchant, mode: str, gateway: str, *, by: Act, at: datetime, collects: str = Collects.OPERATOR
) -> GatewayAccount:
    """Make a merchant's account at a gateway, which pays out to whom `collects` says. Raises BadInput, AccountTaken."""
    if not is_open(gateway):
        raise BadInput("gateway", "gateway_unknown", "gateway: choose one that takes payments here.")
    if mode == Mode.LIVE and gateway == SIMULATOR:
        raise BadInput("mode", "test_only", "mode: the simulator is for tests only; choose a gateway that moves money.")
    with transaction.atomic():
        try:
            with transaction.atomic():
                account = GatewayAccount.objects.create(
                    merchant=merchant, mode=mode, gateway=gateway, collects=collects
                )
        except IntegrityError:
            raise AccountTaken(f"{merchant} has a {mode} account at {gateway} already.") from None
        _record("gateway_account.add", by, account, at=at, collects=str(account.collects))
    return account


def set_credentials(
    account_pk: int,
    given: Mapping[str, str],
    *,
    by: Act,
    at: datetime,
    seen: datetime | None,
    forget_previous: bool = False,
) -> GatewayAccount:
    """Keep what an account signs in with; what is not given stays. Nothing of it can be read again by people.

    A new event secret leaves the two before valid until somebody removes them with `forget_previous`: a gateway sends
    again what it signed with an old one, and of two new ones the first may be a typing error.
    `seen` is `credentials_set_at` as it was shown.
    Raises BadInput, StaleRow if somebody else changed them since.
    """
    with transaction.atomic():
        account = GatewayAccount.objects.select_for_update(no_key=True).get(pk=account_pk)
        if account.credentials_set_at != seen:
            raise StaleRow(account)
        fields = gateway_named(account.gateway).credential_fields
        before = _as_known(account)
        kept = _merged(fields, before, given, mode=account.mode, forget_previous=forget_previous)
        changed = sorted(name for name in {*before, *kept} if before.get(name) != kept.get(name))
        if not changed:
            return account
        hints = dict(account.credential_hints)
        secret = {field.name for field in fields if field.is_secret} | set(EVENT_SECRETS)
        account.credential_hints = {name: hint_of(text, is_secret=name in secret) for name, text in kept.items()}
        sealed = json.dumps(kept, sort_keys=True)
        account.credentials_ciphertext = crypto.encrypt(sealed, context=account.credentials_context)
        account.credentials_set_at = at
        account.save(update_fields=["credential_hints", "credentials_ciphertext", "credentials_set_at"])
        moves = {name: [hints.get(name), account.credential_hints.get(name)] for name in changed}
        _record("gateway_account.credentials", by, account, at=at, moves=moves)
    return account


def _as_known(account: GatewayAccount) -> Mapping[str, str]:
    """What is kept now; nothing where its key is lost, so that all of it can be entered anew."""
    try:
        return credentials_of(account)
    except crypto.Undecryptable:
        return {}


def _merged(
    fields: tuple[CredentialField, ...],
    before: Mapping[str, str],
    given: Mapping[str, str],
    *,
    mode: str,
    forget_previous: bool,
) -> dict[str, str]:
    """All credentials as they are from now on. Raises BadInput for one that is missing, too long or not of its kind."""
    kept = {field.name: given.get(field.name, "").strip() or before.get(field.name, "") for field in fields}
    for field in fields:
        text = kept[field.name]
        if not text and not field.is_optional:
            raise BadInput(field.name, "credential_missing", f"{field.name}: write the {field.label}.")
        if len(text) > LONGEST or not text.isprintable():
            raise BadInput(field.name, "credential_odd", f"{field.name}: at most {LONGEST} characters, on one line.")
        if text and not field.fits(text, mode):
            told = f"{field.name}: this is no {field.label.lower()} of {mode} mode. {field.help}".strip()
            raise BadInput(field.name, "credential_of_another_kind", told)
    if not forget_previous:
        old = [before.get(name, "") for name in EVENT_SECRETS]
        still_valid = [secret for secret in old if secret not in ("", kept.get(EVENT_SECRET))]
        kept |= dict(zip(EVENT_SECRETS[1:], still_valid, strict=False))
    return {name: text for name, text in kept.items() if text}


def hint_of(text: str, *, is_secret: bool) -> str:
    """What people may see of a credential: of a secret the last four, or of a short one nothing."""
    return (f"…{text[-4:]}" if len(text) >= 12 else "…") if is_secret else text


def check_connection(account: GatewayAccount) -> None:
    """Sign in at the gateway with what is kept. Raises BadCredentials, Unanswered, NotSupported."""
    gateway = gateway_named(account.gateway)
    call_gateway(lambda: gateway.check(values_of(account)))


def _record(act: str, by: Act, account: GatewayAccount, *, at: datetime, **details: Any) -> None:
    details |= {"merchant": account.merchant_id, "mode": str(account.mode), "gateway": account.gateway}
    record_act(act, by, object_type="gateway_account", object_id=str(account.pk), at=at, **details)
