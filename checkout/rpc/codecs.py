"""Protobuf in binary and in strict JSON. A body that cannot be read is the caller's error, told with its remedy."""

from decimal import Decimal
from typing import Any, TypeVar

from connectrpc.code import Code
from connectrpc.errors import ConnectError
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.json_format import MessageToJson, ParseDict, ParseError
from google.protobuf.message import DecodeError, Message

from checkout.strict_json import BadJson, parse_object
from payments.ids import UINT32_MAX

M = TypeVar("M", bound=Message)


class BinaryCodec:
    """application/proto."""

    def name(self) -> str:
        return "proto"

    def encode(self, message: Message) -> bytes:
        return message.SerializeToString()

    def decode(self, data: bytes | bytearray, message_class: type[M]) -> M:
        try:
            return message_class.FromString(bytes(data))
        except DecodeError:
            raise ConnectError(Code.INVALID_ARGUMENT, "The body is not this request in protobuf.") from None


class StrictJsonCodec:
    """application/json. connectrpc alone reads `true` as 1.0 and takes "NaN" for a number."""

    def name(self) -> str:
        return "json"

    def encode(self, message: Message) -> bytes:
        return MessageToJson(message, always_print_fields_with_no_presence=True, indent=None).encode()

    def decode(self, data: bytes | bytearray, message_class: type[M]) -> M:
        try:
            body = parse_object(bytes(data))
            known = _checked(body, message_class.DESCRIPTOR)
            return ParseDict(known, message_class())
        except BadJson as refusal:
            raise ConnectError(Code.INVALID_ARGUMENT, str(refusal)) from None
        except (ParseError, ValueError, TypeError):
            raise ConnectError(Code.INVALID_ARGUMENT, "invalid_type: a field has the wrong type.") from None


def _checked(body: dict[str, Any], descriptor: Any) -> dict[str, Any]:
    """The fields of the request, each of its own JSON type; others are ignored, as proto3 JSON does; null is absent."""
    fields = {field.json_name: field for field in descriptor.fields}
    known = {}
    for name, value in body.items():
        field = fields.get(name)
        if field is None or value is None:
            continue
        expected = _mismatch(field, value)
        if expected:
            raise BadJson("invalid_type", f"invalid_type: {name}: write {expected}.")
        known[name] = float(value) if isinstance(value, Decimal) else value
    return known


def _mismatch(field: FieldDescriptor, value: Any) -> str:
    """What should stand there instead, or nothing."""
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        fits = isinstance(value, dict) and all(isinstance(inner, str) for inner in value.values())
        return "" if fits else 'an object of texts, like {"name": "Retail"}'
    if field.is_repeated:
        fits = isinstance(value, list) and all(isinstance(inner, str) for inner in value)
        return "" if fits else 'a list of texts, like ["card", "upi"]'
    if field.cpp_type == FieldDescriptor.CPPTYPE_DOUBLE:
        return (
            ""
            if _is_exact_double(value)
            else "a number without quotes, like 299.99, with no more decimals than the currency has"
        )
    if field.cpp_type == FieldDescriptor.CPPTYPE_UINT32:
        fits = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= UINT32_MAX
        return "" if fits else f"a whole number from 0 to {UINT32_MAX}"
    return "" if isinstance(value, str) else "a text in quotes"


def _is_exact_double(value: Any) -> bool:
    """Whether it is a number that survives the wire's double: digits beyond that would be rounded silently."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return False
    return Decimal(repr(float(value))) == value
