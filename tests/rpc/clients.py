"""The clients merchants really use, behind one face, so that one test can hold for all of them."""

import json
import re
import subprocess
from dataclasses import dataclass

import grpc
from connectrpc.client import ResponseMetadata
from connectrpc.compat import google_protobuf_binary_codec, google_protobuf_json_codec
from connectrpc.errors import ConnectError
from connectrpc.protocol import ProtocolType
from google.protobuf.json_format import MessageToDict
from pyqwest import HTTPVersion, SyncClient, SyncHTTPTransport

from checkout.rpc.payment_connect import PaymentServiceClientSync
from checkout.rpc.payment_pb2 import (
    CreateOrderRequest,
    CreateOrderResponse,
    TerminateOrderRequest,
    TerminateOrderResponse,
    VerifyPaymentRequest,
    VerifyPaymentResponse,
)
from tests.rpc.conftest import SERVICE

CALLS = {
    "CreateOrder": (CreateOrderRequest, CreateOrderResponse),
    "VerifyPayment": (VerifyPaymentRequest, VerifyPaymentResponse),
    "TerminateOrder": (TerminateOrderRequest, TerminateOrderResponse),
}


@dataclass(frozen=True)
class Answer:
    """What a caller learns: "ok" and the fields, or a code and a sentence."""

    code: str
    fields: dict
    text: str = ""
    replayed: str = ""


def by_curl(url, method, fields, headers):
    """As the README calls it."""
    command = ["curl", "-s", "-i", "-H", "content-type: application/json", "-d", "@-"]
    for name, value in headers.items():
        command += ["-H", f"{name}: {value}"]
    body = json.dumps(fields).encode()
    done = subprocess.run(
        [*command, f"{url}{SERVICE}/{method}"], input=body, capture_output=True, timeout=30, check=True
    )
    head, _, body = done.stdout.decode().partition("\r\n\r\n")
    answer = json.loads(body)
    if not head.startswith("HTTP/1.1 200"):
        return Answer(answer["code"], {}, answer["message"])
    replayed = re.search(r"(?mi)^x-idempotency-replayed: (\w+)", head)
    return Answer("ok", answer, replayed=replayed[1] if replayed else "")


def by_connectrpc(protocol, codec=None):
    """connectrpc's own client. Its gRPC needs HTTP/2, which no other protocol here does."""
    version = HTTPVersion.HTTP2 if protocol is ProtocolType.GRPC else HTTPVersion.HTTP1

    def call(url, method, fields, headers):
        http = SyncClient(SyncHTTPTransport(http_version=version))
        client = PaymentServiceClientSync(url, codec=codec, protocol=protocol, http_client=http)
        ask = {
            "CreateOrder": client.create_order,
            "VerifyPayment": client.verify_payment,
            "TerminateOrder": client.terminate_order,
        }[method]
        try:
            with ResponseMetadata() as metadata:
                answer = ask(CALLS[method][0](**fields), headers=headers)
        except ConnectError as refusal:
            return Answer(refusal.code.value, {}, refusal.message)
        return Answer("ok", to_fields(answer), replayed=metadata.headers.get("x-idempotency-replayed", ""))

    return call


def by_grpcio(url, method, fields, headers):
    """A stock gRPC client."""
    request, answer = CALLS[method]
    with grpc.insecure_channel(url.removeprefix("http://")) as channel:
        stub = channel.unary_unary(f"{SERVICE}/{method}", request.SerializeToString, answer.FromString)
        try:
            made, call = stub.with_call(request(**fields), metadata=tuple(headers.items()), timeout=20)
        except grpc.RpcError as refusal:
            return Answer(refusal.code().name.lower(), {}, refusal.details())
        metadata = dict(call.initial_metadata())
        return Answer("ok", to_fields(made), replayed=metadata.get("x-idempotency-replayed", ""))


def to_fields(message):
    return MessageToDict(message, preserving_proto_field_name=True)


CLIENTS = {
    "curl": by_curl,
    "connect-json": by_connectrpc(ProtocolType.CONNECT, google_protobuf_json_codec()),
    "connect-proto": by_connectrpc(ProtocolType.CONNECT, google_protobuf_binary_codec()),
    "grpc-web-json": by_connectrpc(ProtocolType.GRPC_WEB, google_protobuf_json_codec()),
    "grpc-web-proto": by_connectrpc(ProtocolType.GRPC_WEB, google_protobuf_binary_codec()),
    "grpc-connectrpc": by_connectrpc(ProtocolType.GRPC, google_protobuf_binary_codec()),
    "grpcio": by_grpcio,
}
