"""Logs: one masked line an event. What must not be written is taken out here, whoever logged it."""

import json
import logging
import re
from contextvars import ContextVar
from datetime import UTC, datetime

from payments.cards import find_card_numbers

request_id: ContextVar[str] = ContextVar("request_id", default="")

LONGEST = 16_384
"""Characters of a message or traceback that are looked through and written; searching costs time."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")  # else a visitor could write lines of their own
_SESSION = re.compile(r"(sess_[A-Za-z0-9_-]{2})[A-Za-z0-9_-]+")
# Whoever holds such an address may act as the customer for a while: it leads to the payment page, or decides there.
_SIGNED_PATH = re.compile(r"(/callbacks/[a-z0-9_-]+/return/|(?<!/callbacks)/simulator/)[A-Za-z0-9._~-]+")
_SECRET = re.compile(r"(till_(?:test|live)_|whsec_|\b[rs]k_(?:test|live)_)[A-Za-z0-9_+/=-]+")
_HEADERS = re.compile(r"""(?i)(authorization|cookie)(["']?\s*[:=]\s*["']?)[^"'\r\n]+(?:"[^"\r\n]*"[^"'\r\n]*)*""")
_NAMED = re.compile(
    r"""(?ix) (?<![a-z]) ( cvv | cvc | csc | security_?code | otp | card_?number | number | x-client-secret
        | client_secret | password | secret | form_token ) (["']? \s* (?: [:=] | %+3d ) \s*)
        ( "[^"]*" | '[^']*' | [^\s"'&,;}]+ )"""
)


def _plain(text: str) -> str:
    """Control characters written out, so that nobody's input starts a line or colours a terminal."""
    return _CONTROL.sub(lambda found: ascii(found[0])[1:-1], text)


def mask(text: str) -> str:
    """Take session ids, secrets, card numbers and security codes out of a text."""
    text = text[:LONGEST]
    for start, end in reversed(find_card_numbers(text)):
        text = f"{text[:start]}[pan]{text[end:]}"
    text = _SESSION.sub(r"\1…", text)
    text = _SIGNED_PATH.sub(r"\1…", text)
    text = _SECRET.sub(r"\1…", text)
    text = _HEADERS.sub(r"\1\2[redacted]", text)
    return _NAMED.sub(r"\1\2[redacted]", text)


class MaskFilter(logging.Filter):
    """Mask message, arguments and traceback of every record on its way out."""

    def filter(self, record: logging.LogRecord) -> bool:
        try:
            text = record.getMessage()
        except (TypeError, ValueError):  # a placeholder that does not fit must not stop a payment
            text = f"{record.msg} {record.args}"
        record.msg = _plain(mask(text))
        record.args = None
        if record.exc_info:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
            record.exc_info = None
        if record.exc_text:
            record.exc_text = "\n".join(map(_plain, mask(record.exc_text).split("\n")))
        record.request_id = request_id.get()
        return True


def _when(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")


class TextFormatter(logging.Formatter):
    """For people at a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        name = getattr(record, "request_id", "")
        where = f" [{name}]" if name else ""
        text = f"{_when(record)} {record.levelname.lower()} {record.name}{where} {record.getMessage()}"
        return f"{text}\n{record.exc_text}" if record.exc_text else text


class JsonFormatter(logging.Formatter):
    """One JSON object a line, for collectors."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": _when(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "request_id": getattr(record, "request_id", ""),
            "message": record.getMessage(),
        }
        if record.exc_text:
            line["traceback"] = record.exc_text
        return json.dumps(line, ensure_ascii=False)
