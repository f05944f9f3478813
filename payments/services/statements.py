"""Files of banks and gateways, imported by people: once, whole or not at all."""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import BinaryIO

from django.db import IntegrityError, transaction

from payments import faults, fields
from payments.errors import AlreadyImported, BadInput
from payments.models import GatewayAccount, StatementFile, StatementLine
from payments.services.audit import Act, record_act, refuse_without_reason
from payments.services.bank_statements import compare_bank
from payments.services.gateway_statements import compare_gateway, settle_gateway
from payments.statement_csv import MAX_BYTES, BadLine, read_rows
from payments.states import Collects, StatementKind

LONGEST_PERIOD = timedelta(days=31)
FIRST_DAY = date(1970, 1, 1)
MAY_LIE_AHEAD = timedelta(days=7)
"""A file may be about days that are not over yet; one about next year has its days wrong."""
_CHUNK = 65_536
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class NewStatement:
    """What a person says of a file: whose it is, and of which days, the last one included."""

    kind: StatementKind
    mode: str
    period_from: date
    period_to: date
    name: str
    account: GatewayAccount | None = None


def import_statement(content: BinaryIO, new: NewStatement, *, by: Act, at: datetime) -> StatementFile:
    """Read a file, say of each line where it stands beside the books, and book what a gateway paid.

    Pay-outs follow what the bank says. Raises BadLine, BadInput, AlreadyImported.
    """
    refuse_without_reason(by)
    _check(new, at=at)
    sha256 = _digest(content)
    if StatementFile.objects.filter(sha256=sha256).exists():
        raise AlreadyImported("This very file was imported before: nothing was done.")
    rows = list(read_rows(content, new.kind))
    if not rows:
        raise BadLine("Line 2: the file has no lines below its heading.")
    try:
        with transaction.atomic():
            file = StatementFile.objects.create(
                kind=new.kind,
                mode=new.mode,
                account=new.account,
                period_from=new.period_from,
                period_to=new.period_to,
                name=fields.line("name", new.name[-100:], at_most=100, is_number=True),
                sha256=sha256,
                line_count=len(rows),
                imported_by_id=by.user_id,
                imported_at=at,
            )
            if new.kind == StatementKind.GATEWAY:
                lines = list(compare_gateway(file, rows))
                settle_gateway(file, rows, lines, at=at)
            else:
                lines = list(compare_bank(file, rows, at=at))
            StatementLine.objects.bulk_create(lines, batch_size=_AT_ONCE)
            record_act(
                "statement.import", by, object_type="statement", object_id=str(file.pk), at=at,
                kind=str(new.kind), lines=len(rows), sha256=sha256,
            )  # fmt: skip
            faults.point("statement.before_commit")
    except IntegrityError:  # another file of the same rows at the same moment
        raise AlreadyImported(
            "Another file about the same was imported meanwhile: look at it, then try again."
        ) from None
    return file


def _check(new: NewStatement, *, at: datetime) -> None:
    """Raises BadInput."""
    if not timedelta() <= new.period_to - new.period_from < LONGEST_PERIOD:
        raise BadInput(
            "period_to", "out_of_range", f"period_to: write the last day, {LONGEST_PERIOD.days} days at most."
        )
    if new.period_from < FIRST_DAY:
        raise BadInput("period_from", "out_of_range", f"period_from: write a day since {FIRST_DAY}.")
    if new.period_to - at.date() > MAY_LIE_AHEAD:
        raise BadInput(
            "period_to", "out_of_range", f"period_to: write a day {MAY_LIE_AHEAD.days} days from now at the latest."
        )
    if new.kind == StatementKind.GATEWAY and new.account is None:
        raise BadInput("account", "missing", "account: choose whose gateway account the file is about.")
    if new.account is not None and new.account.collects != Collects.OPERATOR:
        raise BadInput("account", "unsuitable", "account: this gateway pays the merchant itself, not us.")


def _digest(content: BinaryIO) -> str:
    """The file's SHA-256; it is read from its beginning afterwards. Raises BadLine for one that is too large."""
    digest, size = hashlib.sha256(), 0
    content.seek(0)
    while chunk := content.read(_CHUNK):
        size += len(chunk)
        if size > MAX_BYTES:
            raise BadLine(f"The file is too large: at most {MAX_BYTES:,} bytes; split it.")
        digest.update(chunk)
    content.seek(0)
    return digest.hexdigest()
