"""Rows for tests: realistic, consistent with each other, and one keyword away from any state."""

from datetime import timedelta

import factory
from factory import LazyAttribute, LazyFunction, SelfAttribute, Sequence, SubFactory, Trait
from factory.django import DjangoModelFactory

from payments import clock, ids
from payments.gateways.base import Card, PaymentFact
from payments.models import Customer, GatewayAccount, Merchant, Order, Payment
from payments.money import Money
from payments.services.merchants import NewMerchant, create_merchant
from payments.services.orders import NewOrder
from payments.services.payments import PaymentRequest
from payments.states import CaptureKind, Method, Mode, OrderStatus, PaymentStatus

APPROVED = "4242424242424242"
DECLINED = "4000000000000002"
RETURN_URL = "https://shop.example.com/return"


class MerchantFactory(DjangoModelFactory):
    """A merchant that can take test payments at once; `account=None` makes one that cannot."""

    class Meta:
        model = Merchant
        skip_postgeneration_save = True

    name = Sequence(lambda n: f"Kite Shop {n}")
    return_url = RETURN_URL
    return_origins = ["https://shop.example.com"]
    created_at = LazyFunction(clock.now)
    account = factory.RelatedFactory("tests.factories.GatewayAccountFactory", "merchant")


class GatewayAccountFactory(DjangoModelFactory):
    class Meta:
        model = GatewayAccount
        django_get_or_create = ("merchant", "mode", "gateway")

    merchant = SubFactory(MerchantFactory)
    mode = Mode.TEST
    gateway = "simulator"


class CustomerFactory(DjangoModelFactory):
    class Meta:
        model = Customer

    merchant = SubFactory(MerchantFactory)
    mode = Mode.TEST
    name = "Asha Rao"
    email = "asha@example.com"
    phone = "+919999999999"
    created_at = LazyFunction(clock.now)


class OrderFactory(DjangoModelFactory):
    """A fresh order, payable for 24 hours."""

    class Meta:
        model = Order

    uid = LazyFunction(ids.new_order_id)
    merchant = SubFactory(MerchantFactory)
    mode = Mode.TEST
    order_id = SelfAttribute("uid")
    session_id = LazyFunction(ids.new_session_id)
    customer = SubFactory(CustomerFactory, merchant=SelfAttribute("..merchant"), mode=SelfAttribute("..mode"))
    customer_name = SelfAttribute("customer.name")
    customer_email = SelfAttribute("customer.email")
    customer_phone = SelfAttribute("customer.phone")
    amount_minor = 29_999
    currency = "INR"
    return_url = RETURN_URL
    created_at = LazyFunction(clock.now)
    expires_at = LazyAttribute(lambda order: order.created_at + timedelta(hours=24))


def _ended(status, order_status=OrderStatus.FAILED, **columns):
    return Trait(
        status=status,
        order_status=order_status,
        start_answered_at=SelfAttribute("started_at"),
        completed_at=SelfAttribute("started_at"),
        inquire_at=None,
        **columns,
    )


def _captured(kind, order_status):
    columns = {"captured_minor": SelfAttribute("amount_minor"), "capture_kind": kind, "gateway_payment_id": _GATEWAY_ID}
    return _ended(PaymentStatus.SUCCESS, order_status, **columns)


_GATEWAY_ID = Sequence(lambda n: f"gw_{n:06d}")


class PaymentFactory(DjangoModelFactory):
    """A pending attempt on a pending order; traits make the other states, with the order's status to match."""

    class Meta:
        model = Payment

    class Params:
        order_status = OrderStatus.PENDING
        authorized = Trait(
            status=PaymentStatus.AUTHORIZED,
            gateway_payment_id=_GATEWAY_ID,
            start_answered_at=SelfAttribute("started_at"),
        )
        success = _captured(CaptureKind.NORMAL, OrderStatus.PAID)
        late = _captured(CaptureKind.LATE, OrderStatus.EXPIRED)
        surplus = _captured(CaptureKind.SURPLUS, OrderStatus.FAILED)
        failed = _ended(
            PaymentStatus.FAILED, error_code="card_declined", message="The bank declined the card without a reason."
        )
        user_dropped = _ended(PaymentStatus.USER_DROPPED)
        cancelled = _ended(PaymentStatus.CANCELLED)
        void = _ended(PaymentStatus.VOID, OrderStatus.TERMINATED)

    uid = LazyFunction(ids.new_payment_id)
    order = SubFactory(OrderFactory, status=SelfAttribute("..order_status"))
    merchant = SelfAttribute("order.merchant")
    mode = SelfAttribute("order.mode")
    gateway = "simulator"
    account = SubFactory(
        GatewayAccountFactory, merchant=SelfAttribute("..order.merchant"), mode=SelfAttribute("..order.mode")
    )
    gateway_key = LazyFunction(ids.new_gateway_key)
    form_nonce = Sequence(lambda n: f"{n:032x}")
    method = Method.CARD
    amount_minor = SelfAttribute("order.amount_minor")
    currency = SelfAttribute("order.currency")
    started_at = LazyFunction(clock.now)
    deadline_at = LazyAttribute(lambda payment: payment.started_at + timedelta(minutes=15))
    inquire_at = LazyAttribute(lambda payment: payment.started_at + timedelta(seconds=5))


def make_merchant_with_key(**columns):
    """A merchant made as `create_merchant` makes it: (merchant, client_id, client_secret)."""
    new = NewMerchant(**{"name": "Kite Shop", "return_url": RETURN_URL, **columns})
    merchant, issued = create_merchant(new, mode=Mode.TEST, at=clock.now())
    return merchant, issued.key.client_id, issued.client_secret


def new_order(**fields):
    """What a merchant sends for an order."""
    given = {
        "amount": Money(29_999, "INR"),
        "customer_name": "Alice",
        "customer_email": "alice@example.com",
        "customer_phone": "9999999999",
    }
    return NewOrder(**{**given, **fields})


def card(number=APPROVED):
    """A card as a customer types it."""
    return Card(number=number, expiry_month=12, expiry_year=2039, cvc="123", holder="ASHA RAO")


def card_request(number=APPROVED, *, nonce="n1"):
    """One submit of the hosted page's card form."""
    return PaymentRequest(method=Method.CARD, form_nonce=nonce, card=card(number))


def fact_for(payment, status, **over):
    """What a gateway that agrees with us would say of this payment."""
    told = {"status": PaymentStatus(status), "key": payment.gateway_key}
    if status in (PaymentStatus.SUCCESS, PaymentStatus.AUTHORIZED):
        told |= {"amount": payment.amount, "gateway_payment_id": payment.gateway_payment_id or f"gw_{payment.pk}"}
    return PaymentFact(**{**told, **over})
