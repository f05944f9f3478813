"""Native gRPC on the same port as everything else: a stock grpcio client against gunicorn."""

import urllib.request

import grpc
import pytest

from checkout.rpc.payment_pb2 import (
    CreateOrderRequest,
    CreateOrderResponse,
    VerifyPaymentRequest,
    VerifyPaymentResponse,
)
from payments.models import Order
from tests.hosted.customer import Customer
from tests.proof.processes import gunicorn
from tests.rpc.conftest import LITERAL, SERVICE

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def address():
    """Where gunicorn listens."""
    with gunicorn(NATIVE_GRPC="True") as (url, _):
        yield url.removeprefix("http://")


class Stub:
    """The two calls as grpcio makes them."""

    def __init__(self, channel, caller):
        self.metadata = tuple(caller.headers.items())
        self.channel = channel

    def _call(self, method, request, answer):
        call = self.channel.unary_unary(
            f"{SERVICE}/{method}",
            request_serializer=type(request).SerializeToString,
            response_deserializer=answer.FromString,
        )
        return call(request, metadata=self.metadata, timeout=20)

    def create(self, **fields):
        return self._call("CreateOrder", CreateOrderRequest(**fields), CreateOrderResponse)

    def verify(self, order_id):
        return self._call("VerifyPayment", VerifyPaymentRequest(order_id=order_id), VerifyPaymentResponse)


def test_a_grpcio_client_creates_verifies_and_is_refused_like_curl(address, caller):
    with grpc.insecure_channel(address) as channel:
        stub = Stub(channel, caller)
        made = stub.create(**LITERAL)
        order = Order.objects.get()
        assert (made.payment_session_id, made.order_id) == (order.session_id, order.order_id)
        assert stub.verify(made.order_id).status == "created"
        Customer(order).open_and_pay()
        verdict = stub.verify(made.order_id)
        assert (verdict.message, verdict.code, verdict.status) == ("Payment successful", "200", "success")

        with pytest.raises(grpc.RpcError) as refused:
            stub.create(**{**LITERAL, "order_amount": 10.005})
        assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
        assert "too_many_decimals" in refused.value.details()
        with pytest.raises(grpc.RpcError) as unknown:
            stub.verify("nothing")
        assert unknown.value.code() == grpc.StatusCode.NOT_FOUND
        stub.metadata = ()
        with pytest.raises(grpc.RpcError) as nobody:
            stub.verify(made.order_id)
        assert nobody.value.code() == grpc.StatusCode.UNAUTHENTICATED
    # The same port still serves everything else by HTTP/1.1.
    with urllib.request.urlopen(f"http://{address}/healthz", timeout=5) as answer:
        assert answer.read() == b"ok"


def test_unless_asked_for_nobody_gets_http_2():
    """Every HTTP/2 connection holds a thread, and an upgraded one is a tunnel past the proxy's rules."""
    with gunicorn() as (url, _):
        headers = {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2-Settings": "AAMAAABkAAQAAP__"}
        asked = urllib.request.Request(f"{url}/healthz", headers=headers)
        with urllib.request.urlopen(asked, timeout=5) as answer:
            assert (answer.status, answer.version) == (200, 11)
        with grpc.insecure_channel(url.removeprefix("http://")) as channel:
            call = channel.unary_unary(f"{SERVICE}/VerifyPayment", bytes, bytes)
            with pytest.raises(grpc.RpcError) as refused:
                call(b"", timeout=5)
        assert refused.value.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
