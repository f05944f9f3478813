"""Files of banks and gateways, read exactly and line by line: what is not sure is refused, and the file with it."""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import BinaryIO

from payments import fields
from payments.errors import BadAmount, BadInput, PaymentsError
from payments.money import EXPONENT, Money
from payments.states import LineType, StatementKind

MAX_LINES = 5_000
MAX_BYTES = 2_000_000
LONGEST_CELL = 200
MOST_MINOR = 10**15
"""Largest amount of a line, in minor units: it may be of many orders, and the database has to add up all lines."""
COLUMNS = {
    StatementKind.BANK: ("date", "reference", "amount", "currency", "direction", "narration"),
    StatementKind.GATEWAY: (
        "id", "type", "gross", "fee", "tax", "net", "currency", "settlement_id", "utr", "date",
    ),
}  # fmt: skip
_PLAIN = r"\d{1,15}"
_GROUPED = r"\d{1,3}(?:,\d{3}){1,4}|\d{1,2}(?:,\d{2}){1,5},\d{3}"  # by thousands; by lakh and crore
_AMOUNT = re.compile(rf"-?(?:{_PLAIN}|{_GROUPED})(?:\.\d{{1,3}})?")
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


@dataclass(frozen=True, slots=True)
class Row:
    """One line. Amounts are minor units, above zero where money comes to us; of a bank's line gross is net."""

    number: int
    type: LineType
    reference: str
    date: date
    currency: str
    gross_minor: int
    fee_minor: int = 0
    tax_minor: int = 0
    settlement: str = ""
    utr: str = ""
    narration: str = ""

    @property
    def net_minor(self) -> int:
        return self.gross_minor - self.fee_minor - self.tax_minor


class BadLine(PaymentsError):
    """The file is refused whole because of one line; the message says which, and what to write there."""


def read_rows(file: BinaryIO, kind: StatementKind) -> Iterator[Row]:
    """The lines of a file, one after the other as they are read. Raises BadLine."""
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    reader = csv.reader(text, strict=True)
    columns = COLUMNS[kind]
    number = 1
    try:
        heading = next(reader, [])
        if [name.strip() for name in heading] != list(columns):
            raise BadLine(f"Line 1: write these columns, in this order: {','.join(columns)}.")
        for cells in reader:
            number = reader.line_num
            if len(cells) != len(columns):
                raise BadLine(f"Line {number}: write {len(columns)} columns; this line has {len(cells)}.")
            if number > MAX_LINES + 1:
                raise BadLine(f"Line {number}: at most {MAX_LINES:,} lines fit into one file; split it.")
            told = {name: _cell(name, cell) for name, cell in zip(columns, cells, strict=True)}
            yield _bank_row(number, told) if kind == StatementKind.BANK else _gateway_row(number, told)
    except UnicodeDecodeError:
        raise BadLine(f"After line {number}: save the file as UTF-8.") from None
    except csv.Error as fault:
        raise BadLine(f"Line {reader.line_num}: this is not CSV: {fault}.") from None
    except BadInput as refusal:
        raise BadLine(f"Line {number}: {refusal.text}") from None
    finally:
        text.detach()


def _cell(name: str, text: str) -> str:
    """One cell as plain text. Raises BadInput for what a spreadsheet would run."""
    text = fields.line(name, text, at_most=LONGEST_CELL, is_number=True)
    if name not in ("gross", "fee", "tax", "net", "amount") and text[:1] in ("=", "+", "-", "@"):
        raise BadInput(name, "formula", f"{name}: write it without the {text[0]} in front, which begins a formula.")
    return text


def _bank_row(number: int, told: dict[str, str]) -> Row:
    kind = _word("direction", told["direction"], (LineType.CREDIT, LineType.DEBIT))
    amount = _minor("amount", told["amount"], told["currency"])
    if amount <= 0:
        raise BadInput("amount", "out_of_range", "amount: write it above zero; direction says which way it went.")
    return Row(
        number,
        kind,
        fields.line("reference", told["reference"], at_most=100, is_number=True),
        _day(told["date"]),
        told["currency"],
        amount if kind == LineType.CREDIT else -amount,
        narration=told["narration"],
    )


def _gateway_row(number: int, told: dict[str, str]) -> Row:
    kind = _word("type", told["type"], (LineType.PAYMENT, LineType.REFUND))
    gross, fee, tax, net = (_minor(name, told[name], told["currency"]) for name in ("gross", "fee", "tax", "net"))
    if not told["id"]:
        raise BadInput("id", "missing", "id: write the gateway's id of the payment or refund.")
    if not told["settlement_id"]:
        raise BadInput("settlement_id", "missing", "settlement_id: write the gateway's id of the settlement.")
    if gross == 0 or (gross > 0) is not (kind == LineType.PAYMENT):
        raise BadInput("gross", "out_of_range", "gross: write a payment's above zero and a refund's below.")
    if net != gross - fee - tax:
        raise BadInput("net", "does_not_add_up", "net: it has to be gross less fee and tax.")
    told_utr = fields.line("utr", told["utr"], at_most=40, is_number=True)
    settlement = fields.line("settlement_id", told["settlement_id"], at_most=100, is_number=True)
    reference = fields.line("id", told["id"], at_most=100, is_number=True)
    return Row(number, kind, reference, _day(told["date"]), told["currency"], gross, fee, tax, settlement, told_utr)


def _word(name: str, text: str, among: tuple[LineType, LineType]) -> LineType:
    for word in among:
        if text == word:
            return word
    raise BadInput(name, "unknown", f"{name}: write {among[0]} or {among[1]}.")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text if _DAY.fullmatch(text) else "")
    except ValueError:
        raise BadInput("date", "date_invalid", "date: write it like 2026-11-29.") from None


def _minor(name: str, text: str, currency: str) -> int:
    """An amount in major units, exactly: 1234.50, 1,234.50 or 1,12,500.00, and nothing that could mean two things."""
    if currency not in EXPONENT:
        raise BadInput("currency", "currency_not_supported", "currency: write an ISO 4217 code like INR.")
    if not _AMOUNT.fullmatch(text):
        raise BadInput(name, "amount_invalid", f"{name}: write an amount like 1234.50 or 1,12,500.00.")
    amount = Decimal(text.replace(",", ""))
    if not amount:
        return 0
    try:
        minor = Money.parse(abs(amount), currency, at_most=MOST_MINOR).minor
    except BadAmount:
        most = f"{MOST_MINOR:,} of the currency's smallest unit"
        raise BadInput(name, "amount_out_of_range", f"{name}: write at most {most}.") from None
    except BadInput as refusal:
        raise BadInput(name, refusal.reason, refusal.text.replace(refusal.field, name)) from None
    return -minor if amount < 0 else minor
