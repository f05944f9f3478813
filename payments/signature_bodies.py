"""What receivers' code does to a body before it is checked, each way by its name, and how two JSON texts differ."""

import html
import json
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import product
from typing import Any
from urllib.parse import unquote_plus, unquote_to_bytes

BOM = b"\xef\xbb\xbf"
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\s+')
_SEPARATORS: tuple[dict[str, Any], ...] = (
    {"separators": (",", ":")},
    {},
    {"indent": 2},
    {"indent": 4},
    {"indent": "\t"},
)


def changed(body: bytes) -> Iterator[tuple[str, bytes]]:
    """Everything a body may have become, or may have come from, with the word for it. Likely ways stand first."""
    for word, ways in _WAYS.items():
        for become in ways(body):
            if become != body:
                yield word, become


def _newline(body: bytes) -> Iterator[bytes]:
    yield body + b"\n"
    yield body + b"\r\n"
    yield body.rstrip(b"\r\n")


def _crlf(body: bytes) -> Iterator[bytes]:
    plain = body.replace(b"\r\n", b"\n")
    for text in (plain, plain.replace(b"\n", b"\r\n")):
        yield text
        yield text.rstrip(b"\r\n")


def _bom(body: bytes) -> Iterator[bytes]:
    yield BOM + body
    yield body.removeprefix(BOM)


def _latin1(body: bytes) -> Iterator[bytes]:
    yield body.decode("latin-1").encode()
    with suppress(UnicodeError):
        yield body.decode("cp1252").encode()
    with suppress(UnicodeError):
        text = body.decode()
        yield text.encode("latin-1", "replace")
        yield text.encode("cp1252")


def _unquoted(body: bytes) -> Iterator[bytes]:
    yield unquote_to_bytes(body)
    with suppress(UnicodeError):
        yield unquote_plus(body.decode()).encode()


def _unescaped(body: bytes) -> Iterator[bytes]:
    with suppress(UnicodeError):
        text = body.decode()
        yield html.unescape(text).encode()
        yield html.escape(text).encode()
        yield html.escape(text, quote=False).encode()


def _empty(body: bytes) -> Iterator[bytes]:
    yield b""


def _written_anew(body: bytes) -> Iterator[bytes]:
    """The same JSON as Python, JavaScript, PHP, Go and others write it."""
    try:
        text = body.decode()
        told = json.loads(text)
    except (ValueError, RecursionError):
        return
    for layout, in_order, ascii_only in product(_SEPARATORS, (False, True), (False, True)):
        plain = json.dumps(told, ensure_ascii=ascii_only, sort_keys=in_order, **layout)
        for anew in (plain, plain.replace("/", "\\/")):
            yield anew.encode("utf-8", "surrogatepass")
            yield from (restyled(anew, style).encode("utf-8", "surrogatepass") for style in _STYLES)
    yield from (restyled(text, style).encode() for style in _STYLES)


def _short(number: str) -> str:
    """170.00 as JavaScript prints it: 170."""
    return number.rstrip("0").rstrip(".") if "." in number else number


def _float(number: str) -> str:
    """170 as Python prints a float: 170.0."""
    return repr(float(number))


def _two(number: str) -> str:
    """170 with two decimals: 170.00."""
    return f"{float(number):.2f}"


_STYLES: tuple[Callable[[str], str], ...] = (_short, _float, _two)


def restyled(text: str, style: Callable[[str], str]) -> str:
    """A JSON text with its amounts and all numbers with decimals printed in one style. Strings stay as they are."""
    is_amount = False

    def write(found: re.Match[str]) -> str:
        nonlocal is_amount
        token = found[0]
        if token.startswith('"'):
            is_amount = token.endswith('amount"')
        elif not token.isspace():
            was_amount, is_amount = is_amount, False
            return style(token) if len(token) <= 17 and (was_amount or "." in token) else token
        return token

    return _TOKEN.sub(write, text)


def how_json_differs(left: bytes, right: bytes) -> list[str]:
    """In which respects two texts of one JSON value differ; nothing where they are not such texts."""
    try:
        texts = left.decode(), right.decode()
        if json.loads(texts[0]) != json.loads(texts[1]):
            return []
        respects = [_respects(text) for text in texts]
    except (ValueError, RecursionError):
        return []
    sides = zip(respects[0].items(), respects[1].values(), strict=True)
    return [name for (name, mine), theirs in sides if mine != theirs]


def _respects(text: str) -> dict[str, Any]:
    tokens = [found[0] for found in _TOKEN.finditer(text)]
    strings = [token for token in tokens if token.startswith('"')]
    return {
        "body-key-order": _keys(json.loads(text, object_pairs_hook=_Pairs)),
        "body-spacing": sum(len(token) for token in tokens if token.isspace()),
        "body-escapes": sorted(strings),
        "body-numbers": sorted(token for token in tokens if not token.isspace() and not token.startswith('"')),
    }


class _Pairs(list[tuple[str, Any]]):
    """An object's members in the order they were written."""


def _keys(value: Any) -> list[str]:
    if isinstance(value, _Pairs):
        return [key for name, inner in value for key in (name, *_keys(inner))]
    return [key for inner in value for key in _keys(inner)] if isinstance(value, list) else []


REWRITTEN = "body-reserialised"
_WAYS: dict[str, Callable[[bytes], Iterator[bytes]]] = {
    "body-newline": _newline,
    "body-crlf": _crlf,
    "body-bom": _bom,
    "body-latin1": _latin1,
    "body-url-decoded": _unquoted,
    "body-html-unescaped": _unescaped,
    "body-empty": _empty,
    REWRITTEN: _written_anew,
}


def word_for(word: str, left: bytes, right: bytes) -> str:
    """The word for a change between two bodies: a JSON text written anew in one respect alone is called after that."""
    respects = how_json_differs(left, right) if word == REWRITTEN else []
    return respects[0] if len(respects) == 1 else word
