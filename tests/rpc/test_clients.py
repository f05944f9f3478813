"""Clients that merchants really use, over a real socket: curl as the README writes it, and connectrpc's own."""

import json
import shutil
import subprocess

import pytest
from connectrpc.code import Code
from connectrpc.compat import google_protobuf_binary_codec, google_protobuf_json_codec
from connectrpc.errors import ConnectError
from connectrpc.protocol import ProtocolType

from checkout.rpc.payment_connect import PaymentServiceClientSync
from checkout.rpc.payment_pb2 import CreateOrderRequest, VerifyPaymentRequest
from payments.models import Order
from tests.hosted.customer import Customer
from tests.rpc.conftest import LITERAL, SERVICE

pytestmark = pytest.mark.django_db(transaction=True)

CODECS = {"proto": google_protobuf_binary_codec(), "json": google_protobuf_json_codec()}


def curl(url, caller, body):
    """What the README's command prints."""
    pair = f"{caller.headers['x-client-id']}:{caller.headers['x-client-secret']}"
    command = ["curl", "-s", "-u", pair, "-H", "content-type: application/json", url, "-d", body]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    return json.loads(done.stdout)


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl found: install it to run this test")
def test_the_four_literal_bodies_by_curl(live_server, caller):
    service = live_server.url + SERVICE
    request = (
        '{"customer_name": "Alice", "customer_email": "alice@example.com", '
        '"customer_phone": "9999999999", "order_amount": 299.99}'
    )
    made = curl(f"{service}/CreateOrder", caller, request)
    order = Order.objects.get()
    assert made == {
        "payment_session_id": order.session_id,
        "return_url": order.return_url,
        "order_id": order.order_id,
    }
    Customer(order).open_and_pay()
    verdict = curl(f"{service}/VerifyPayment", caller, json.dumps({"order_id": made["order_id"]}))
    assert verdict == {"message": "Payment successful", "code": "200", "status": "success"}


@pytest.mark.parametrize("protocol", [ProtocolType.CONNECT, ProtocolType.GRPC_WEB])
@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
def test_a_connectrpc_client_creates_pays_and_verifies(live_server, caller, codec, protocol):
    with PaymentServiceClientSync(live_server.url, codec=codec, protocol=protocol) as client:
        made = client.create_order(CreateOrderRequest(**LITERAL, order_tags={"name": "Retail"}), headers=caller.headers)
        order = Order.objects.get()
        assert (made.payment_session_id, made.order_id) == (order.session_id, order.order_id)
        assert (order.amount_minor, order.tags) == (29_999, {"name": "Retail"})
        asked = VerifyPaymentRequest(order_id=made.order_id)
        assert client.verify_payment(asked, headers=caller.headers).status == "created"
        Customer(order).open_and_pay()
        verdict = client.verify_payment(asked, headers=caller.headers)
    assert (verdict.message, verdict.code, verdict.status) == ("Payment successful", "200", "success")


@pytest.mark.parametrize("protocol", [ProtocolType.CONNECT, ProtocolType.GRPC_WEB])
@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
def test_a_connectrpc_client_gets_refusals_as_codes(live_server, caller, codec, protocol):
    with PaymentServiceClientSync(live_server.url, codec=codec, protocol=protocol) as client:
        cases = [
            (Code.INVALID_ARGUMENT, client.create_order, CreateOrderRequest(order_amount=-1), caller.headers),
            (Code.NOT_FOUND, client.verify_payment, VerifyPaymentRequest(order_id="nothing"), caller.headers),
            (Code.UNAUTHENTICATED, client.verify_payment, VerifyPaymentRequest(order_id="nothing"), {}),
        ]
        for code, call, request, headers in cases:
            with pytest.raises(ConnectError) as refusal:
                call(request, headers=headers)
            assert refusal.value.code == code
            assert refusal.value.message
